"""What `go test -json` found, in a few lines. Usage: summary.py FILE

A package's line, what a failed test or build printed, and how many tests passed. A
skipped test is a failure here: this run is there to skip none for want of a server.
"""

import collections
import json
import sys

ALLOWED_SKIPS = ("/dev/full", "permission bits")


def main(path):
    output = collections.defaultdict(list)
    passed, failed, skipped = 0, 0, 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            action, test = event["Action"], event.get("Test")
            name = (event.get("Package") or event.get("ImportPath"), test)
            if action in ("output", "build-output"):
                output[name].append(event["Output"])
            elif action in ("fail", "build-fail"):
                failed += bool(test) or action == "build-fail"
                print("".join(output.pop(name, [])), end="")
            elif action == "skip" and test:
                text = "".join(output.pop(name, []))
                if not any(reason in text for reason in ALLOWED_SKIPS):
                    skipped += 1
                    print(text, end="")
            elif action == "pass":
                passed += bool(test)
                text = output.pop(name, [])
                if not test:
                    print(text[-1] if text else "", end="")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped that must not be" if skipped else ""), flush=True)
    return 1 if failed or skipped or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
