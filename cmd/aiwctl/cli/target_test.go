package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// place is a directory with the files of a person, and an environment that leads
// to them.
func place(t *testing.T, files map[string]string) (dir string, env map[string]string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, map[string]string{
		"HOME": dir, "XDG_STATE_HOME": filepath.Join(dir, "state"), "XDG_CONFIG_HOME": filepath.Join(dir, "config"),
		"AWS_CONFIG_FILE": filepath.Join(dir, "aws"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"),
	}
}

// said is a command line with what it has to print: lines that begin with ! must
// not be there.
type said struct {
	line string
	code int
	out  string
	err  string
}

func (s said) check(t *testing.T, dir string, env map[string]string) {
	t.Helper()
	a, stdout, stderr := testApp("", env)
	code := a.Run(t.Context(), strings.Fields(strings.ReplaceAll(s.line, "$DIR", dir)))
	got := strings.ReplaceAll(stdout.String(), dir, "$DIR")
	for want := range strings.SplitSeq(s.out, "\n") {
		want, absent := strings.CutPrefix(want, "!")
		if strings.Contains(squeezed(got), want) == absent && want != "" {
			t.Errorf("%s: %q is there: %t, in\n%s", s.line, want, !absent, got)
		}
	}
	if code != s.code || !strings.Contains(strings.ReplaceAll(stderr.String(), dir, "$DIR"), s.err) || s.err == "" && stderr.Len() > 0 {
		t.Errorf("%s: exit code %d, want %d; said %q, want %q", s.line, code, s.code, stderr, s.err)
	}
	if all := stdout.String() + stderr.String(); strings.Contains(all, "hunter2") || strings.Contains(all, "\x1b") {
		t.Errorf("%s: a secret or a control character: %q", s.line, all)
	}
}

// squeezed is a text with one space where there are several.
func squeezed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

func TestConfigCommand(t *testing.T) {
	t.Parallel()
	dir, env := place(t, map[string]string{
		"aws":                "[profile ops]\ncredential_process = echo hunter2\nregion = ap-south-1\n",
		"stages.yaml":        "default: checkout\nprotected: ['prod*', live]\nstages:\n  checkout: {profile: ops, stage: prod}\n  mine: {endpointUrl: 'http://127.0.0.1:1', readOnly: true}\n",
		"keys.yaml":          "stages:\n  x:\n    secretAccessKey: hunter2\n",
		"config/aiwctl/none": "",
	})
	for _, s := range []said{
		{line: "config", code: exitUsage, err: "no AWS region", out: "stage - not named: what the stage says of itself, else prod\nprotected yes \"prod\" matches prod* (default)\nconfig file -\naudit trail $DIR/state/aiwctl/audit.jsonl"},
		{line: "config stages", code: exitNothing, out: "NAME PROFILE", err: "no stages are named in $DIR/config/aiwctl/config.yaml"},
		{line: "config path", out: "$DIR/config/aiwctl/config.yaml"},
		{line: "config path -o json", out: `"exists": false`},
		{line: "config path --config $DIR/keys.yaml -o json", out: `"exists": true`}, // also of one that is wrong
		{line: "config --config $DIR/stages.yaml", out: "stage prod stages.yaml:4 stage checkout\nregion ap-south-1 profile ops of $DIR/aws\ncredentials process the credential_process of profile ops"},
		{line: "config --config $DIR/stages.yaml --region eu-west-1 --read-only -o jsonl", out: `"entry":"checkout"` + "\n" + `{"field":"region","value":"eu-west-1","origin":"--region"}` + "\n" + `{"field":"readOnly","value":"true","origin":"--read-only"}`},
		{line: "config --config $DIR/stages.yaml --stage mine -o yaml", out: "value: http://127.0.0.1:1\nprotected: false"},
		{line: "config stages --config $DIR/stages.yaml", out: "checkout (default) ops - prod - yes no -\nmine - - mine - no yes http://127.0.0.1:1"},
		{line: "config --profile nobody", code: exitDenied, out: "profile nobody --profile", err: `no AWS profile "nobody": there is ops`},
		{line: "config --config $DIR/keys.yaml", code: exitUsage, err: "keys.yaml:3:5: this file holds no keys: take secretAccessKey out"},
		{line: "workers --config $DIR/nowhere.yaml", code: exitUsage, err: "nowhere.yaml: no such file"},
		{line: "config x", code: exitUsage, err: "there is no command `aiwctl config x`"},
	} {
		s.check(t, dir, env)
	}
}

const trail = `{"time":"2026-03-01T05:06:07Z","who":"arn:aws:sts::1:assumed-role/ops/me","account":"1","region":"eu-west-1","stage":"dev","action":"dispatch","object":"old","count":1,"outcome":"done","durationMs":12}
{"id":"a","event":"begin","time":"2026-03-02T05:06:07Z","region":"eu-west-1","stage":"prod","host":"elsewhere","pid":1,"action":"dlq.replay","object":"orders-dlq","count":300,"journal":"$DIR/20260302-050607-abcdef.jsonl"}
{"id":"b","event":"begin","time":"2026-03-03T05:06:07Z","region":"eu-west-1","stage":"prod","action":"dispatch","object":"e\u001b[2Jcho","count":1}
{"id":"c","event":"begin","ti
hello
{"id":"b","event":"end","time":"2026-03-03T05:06:09Z","who":"arn:aws:sts::1:assumed-role/ops/me","region":"eu-west-1","stage":"prod","user":"sam","action":"dispatch","object":"e\u001b[2Jcho","count":1,"outcome":"failed","done":0,"failed":1,"errorKind":"denied","durationMs":1500}
{"id":"d","event":"begin","time":"2026-03-04T05:06:07Z","region":"us-east-1","stage":"prod","host":"elsewhere","pid":1,"action":"dlq.delete","object":"orders-dlq","count":3,"journal":"/nowhere/gone.jsonl"}
`

func TestHistoryCommand(t *testing.T) {
	t.Parallel()
	dir, env := place(t, map[string]string{
		"stages.yaml":                  "stages:\n  checkout: {stage: prod, region: eu-west-1}\n",
		"20260302-050607-abcdef.jsonl": `{"version":1,"id":"20260302-050607-abcdef","kind":"replay","time":"2026-03-02T05:06:07Z","region":"eu-west-1","stage":"prod","worker":"orders","queue":"orders-dlq","count":300,"lease":1,"request":{}}` + "\n",
	})
	said{line: "history", code: exitNothing, err: "nothing in $DIR/state/aiwctl/audit.jsonl matches"}.check(t, dir, env)
	path := filepath.Join(dir, "state", "aiwctl", "audit.jsonl")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(strings.ReplaceAll(trail, "$DIR", dir)), 0o600)); err != nil {
		t.Fatal(err)
	}
	const warned = "2 lines of the audit trail are no record, as after a crash or a full disk: $DIR/state/aiwctl/audit.jsonl:4, $DIR/state/aiwctl/audit.jsonl:5"
	for _, s := range []said{
		{line: "history", err: warned, out: "WHEN ACTION OBJECT STAGE RESULT TOOK WHO\n" +
			"dlq.delete orders-dlq prod us-east-1 did not end (killed?); see gone.jsonl - ?\n" +
			"dispatch echo prod eu-west-1 failed: 0 done, 1 not (denied) 1.5s assumed-role/ops/me (sam)\n" +
			"dlq.replay orders-dlq prod eu-west-1 did not end (killed?); `aiwctl dlq resume 20260302-050607-abcdef` - ?\n" +
			"dispatch old dev eu-west-1 done 0.0s assumed-role/ops/me"},
		{line: "history --failed -n 2 -o jsonl", err: warned, out: `"action":"dlq.delete","object":"orders-dlq"` + "\n" + `"outcome":"failed"` + "\n!" + `"action":"dlq.replay"`},
		{line: "history --action dlq.replay -o json", err: warned, out: `"remedy": "aiwctl dlq resume 20260302-050607-abcdef"` + "\n" + `"outcome": "did not end"` + "\n!" + `"ended"`},
		{line: "history --action dlq.* --since 2026-03-03 -o yaml", err: warned, out: "action: dlq.delete\n!dlq.replay"},
		{line: "history --stage dev", err: warned, out: "dispatch old\n!prod"},
		{line: "history --stage prod", err: warned, out: "us-east-1\neu-west-1\n!dev"},
		{line: "history --stage checkout --config $DIR/stages.yaml", err: warned, out: "eu-west-1\n!us-east-1"}, // its region too
		{line: "history --here --stage prod --region us-east-1", err: warned, out: "dlq.delete\n!dispatch"},
		{line: "history --stage nowhere", code: exitNothing, err: "matches"},
		{line: "history --since soon", code: exitUsage, err: "neither a duration"},
		{line: "history -n -1", code: exitUsage, err: "-n is not below zero"},
		{line: "history --action [", code: exitUsage, err: "is no pattern"},
	} {
		s.check(t, dir, env)
	}
}
