package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/settings"
)

func getenv(kv map[string]string) func(string) string {
	return func(name string) string { return kv[name] }
}

const text = `# stages
default: checkout
region: eu-west-1
profile: everyday
protected: ["prod*", live]
stages:
  checkout:
    profile: ops
    stage: prod
    service: checkout
    baseUrl: https://api.example.com/prod
    protected: true
  billing: {stage: prod, readOnly: true}
  mine:
    endpointUrl: http://127.0.0.1:4566
  live-eu:
    protected: false
`

func parse(t *testing.T, text string) *settings.File {
	t.Helper()
	f, err := settings.Parse("/etc/x/config.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shown are the fields in one line each, without those that are empty.
func shown(r settings.Resolved) string {
	var b strings.Builder
	for _, v := range r.Values {
		if v.Value != "" || v.Origin != "" {
			b.WriteString(string(v.Field) + "=" + v.Value + " <" + v.Origin + ">\n")
		}
	}
	return b.String()
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file  string
		flags settings.Flags
		env   map[string]string
		want  string // as shown has it
		entry string
	}{
		"nothing": {want: "readOnly=false <default>\n"},
		"the default entry": {file: text, entry: "checkout", want: `stage=prod <config.yaml:9 stage checkout>
profile=ops <config.yaml:8 stage checkout>
region=eu-west-1 <config.yaml:3>
service=checkout <config.yaml:10 stage checkout>
baseUrl=https://api.example.com/prod <config.yaml:11 stage checkout>
readOnly=false <default>
`},
		"a stage by flag, before the variable": {
			file: text, flags: settings.Flags{Target: aws.Target{Stage: "billing"}}, env: map[string]string{"AIWCTL_STAGE": "checkout"}, entry: "billing",
			want: `stage=prod <config.yaml:13 stage billing>
profile=everyday <config.yaml:4>
region=eu-west-1 <config.yaml:3>
readOnly=true <config.yaml:13 stage billing>
`,
		},
		"a stage by variable, named as its entry is": {
			file: text, env: map[string]string{"AIWCTL_STAGE": "live-eu", "AWS_PROFILE": "ambient", "AWS_REGION": "ambient"}, entry: "live-eu",
			want: `stage=live-eu <AIWCTL_STAGE>
profile=everyday <config.yaml:4>
region=eu-west-1 <config.yaml:3>
readOnly=false <default>
`,
		},
		"a stage that is no entry": {
			file: text, flags: settings.Flags{Target: aws.Target{Stage: "staging"}},
			want: `stage=staging <--stage>
profile=everyday <config.yaml:4>
region=eu-west-1 <config.yaml:3>
readOnly=false <default>
`,
		},
		"flag, variable, entry": {
			file: text, entry: "checkout", flags: settings.Flags{Target: aws.Target{Region: "us-east-2", Profile: "mine"}, ReadOnly: new(false)},
			env: map[string]string{"AIWCTL_REGION": "x", "AIWCTL_SERVICE": "other", "AIWCTL_READ_ONLY": "yes", "WORKER_BASE_URL": "https://ambient.example"},
			want: `stage=prod <config.yaml:9 stage checkout>
profile=mine <--profile>
region=us-east-2 <--region>
service=other <AIWCTL_SERVICE>
baseUrl=https://api.example.com/prod <config.yaml:11 stage checkout>
readOnly=false <--read-only>
`,
		},
		"which of the stage's workers": {
			file: "stages:\n  s: {prefix: shop-, tags: \"team=ops,tier\", manifest: m.json}\n", entry: "s",
			flags: settings.Flags{Target: aws.Target{Stage: "s", Prefix: "shop-a"}}, env: map[string]string{"AIWCTL_TAGS": "team=dev"},
			want: `stage=s <--stage>
prefix=shop-a <--prefix>
tags=team=dev <AIWCTL_TAGS>
manifest=m.json <config.yaml:2 stage s>
readOnly=false <default>
`,
		},
		"AWS's own after ours": {
			env: map[string]string{"AWS_PROFILE": "p", "AWS_DEFAULT_REGION": "r", "WORKER_BASE_URL": "https://me:pw@b.example", "AWS_ENDPOINT_URL": "https://e.example", "AIWCTL_READ_ONLY": "yes"},
			want: `profile=p <AWS_PROFILE>
region=r <AWS_DEFAULT_REGION>
baseUrl=https://me:xxxxx@b.example <WORKER_BASE_URL>
endpointUrl=https://e.example <AWS_ENDPOINT_URL>
readOnly=true <AIWCTL_READ_ONLY>
`,
		},
		"what the file says of AWS is not for an endpoint here": {
			file: text, env: map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_PROFILE": "p", "AWS_REGION": "us-east-1", "AIWCTL_STAGE": "demo"},
			want: `stage=demo <AIWCTL_STAGE>
region=us-east-1 <AWS_REGION>
endpointUrl=http://127.0.0.1:4566 <AWS_ENDPOINT_URL>
readOnly=false <default>
`,
		},
		"nor is its default stage": {
			file: text, flags: settings.Flags{Target: aws.Target{EndpointURL: "http://localhost:1"}},
			want: "endpointUrl=http://localhost:1 <--endpoint-url>\nreadOnly=false <default>\n",
		},
		"an entry of this machine": {
			file: text, flags: settings.Flags{Target: aws.Target{Stage: "mine"}}, env: map[string]string{"AWS_PROFILE": "p", "WORKER_BASE_URL": "https://deployed.example"}, entry: "mine",
			want: "stage=mine <--stage>\nendpointUrl=http://127.0.0.1:4566 <config.yaml:15 stage mine>\nreadOnly=false <default>\n",
		},
		"a file of one machine": {
			file: "endpointUrl: http://127.0.0.1:1\nprofile: p\nreadOnly: true\n",
			want: "profile=p <config.yaml:2>\nendpointUrl=http://127.0.0.1:1 <config.yaml:1>\nreadOnly=true <config.yaml:3>\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parse(t, tt.file).Resolve(tt.flags, getenv(tt.env))
			if got := shown(r); got != tt.want || r.Entry != tt.entry {
				t.Errorf("entry %q:\n%swant %q:\n%s", r.Entry, got, tt.entry, tt.want)
			}
			used := map[settings.Field]string{
				settings.Stage: r.Target.Stage, settings.Profile: r.Target.Profile, settings.Region: r.Target.Region,
				settings.Service: r.Target.Service, settings.Prefix: r.Target.Prefix, settings.Tags: r.Target.Tags, settings.Manifest: r.Target.Manifest,
				settings.EndpointURL: r.Target.EndpointURL,
			}
			for field, value := range used {
				if v := r.Value(field); v.Value != value {
					t.Errorf("%s is shown as %q and used as %q", field, v.Value, value)
				}
			}
			// Open resolves once more, and finds nothing to change.
			if again := r.Target.Resolve(settings.Getenv(getenv(tt.env))); again != r.Target {
				t.Errorf("Open would make %+v of %+v", again, r.Target)
			}
		})
	}
}

func TestProtection(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stage  string
		needed bool
		named  string
		why    string
	}{
		"by the entry":              {"checkout", true, "checkout", "config.yaml:12 stage checkout protected: true"},
		"by its deployment's stage": {"billing", true, "billing", `"prod" matches prod* (config.yaml:5 protected)`},
		"an entry that says no":     {"live-eu", false, "live-eu", "config.yaml:17 stage live-eu protected: false"},
		"by a pattern, no entry":    {"production", true, "production", "matches prod* (config.yaml:5 protected)"},
		"by none":                   {"staging", false, "staging", "none of: prod*, live"},
		"this machine":              {"mine", false, "mine", "this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := parse(t, text).Resolve(settings.Flags{Target: aws.Target{Stage: tt.stage}}, getenv(nil))
			is := r.Protection.Of(r.Target)
			if is.Needed != tt.needed || is.Name != tt.named || !strings.Contains(is.Why, tt.why) {
				t.Errorf("%+v, want %+v", is, tt)
			}
		})
	}
	open := parse(t, "protected: []\n").Resolve(settings.Flags{Target: aws.Target{Stage: "prod"}}, getenv(nil))
	if is := open.Protection.Of(open.Target); is.Needed {
		t.Errorf("a file that protects nothing: %+v", is)
	}
	local := parse(t, "stages: {mine: {endpointUrl: 'http://127.0.0.1:1', protected: true}}").Resolve(settings.Flags{Target: aws.Target{Stage: "mine"}}, getenv(nil))
	if is := local.Protection.Of(local.Target); !is.Needed {
		t.Errorf("an endpoint here that the file protects: %+v", is)
	}
}

func TestWrongFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"regoin: x":                          "config.yaml:1:1: the file has no key \"regoin\"; did you mean region?",
		"colour: x":                          `1:1: the file has no key "colour"; there are: default, stages,`,
		"Region: x":                          "did you mean region?",
		"stage: x":                           "1:1: stage belongs to an entry of stages",
		"region: Europe":                     `1:9: "Europe" is no region`,
		"region: 3":                          "1:9: region is a text",
		"region:":                            "1:1: region has no value",
		"\nprofile: ''":                      "2:10: profile is a text of one line, and not empty",
		"profile: [a]":                       "1:10: profile is a text",
		"baseUrl: api.example.com":           "1:10: baseUrl is an http or https URL",
		"endpointUrl: http://u:pw@h":         "1:14: this file holds no keys: take the password out",
		"readOnly: maybe":                    "1:11: readOnly is true or false",
		"protected: true":                    "1:1: protected is a list of patterns here",
		"protected: ['[']":                   `1:13: "[" is no pattern`,
		"default: x":                         `1:1: default names the stage "x", which is not among stages`,
		"default: prd\nstages: {prod: }":     "did you mean prod?",
		"stages: [a]":                        "1:9: stages is a mapping",
		"stages:\n  a: b":                    "2:6: stage a is a mapping",
		"stages:\n  a:\n    regions: r":      `3:5: a stage has no key "regions"; did you mean region?`,
		"stages:\n  a b: {}":                 "2:3: a stage's name is a word",
		"stages:\n  a: {}\n  a: {}":          "3:3: this is no YAML: mapping key \"a\" already defined",
		"- a":                                "1:1: the file is a mapping",
		"a: b\n---\na: b":                    "3:2: a second document",
		"\"a":                                "1:1: this is no YAML",
		"profile: \tx: y":                    "this is no YAML",
		"profile: &a x\nregion: *a":          "profile is a text",
		"\xff":                               "it is no UTF-8",
		"aws_secret_access_key: hunter2":     "1:1: this file holds no keys: take aws_secret_access_key out",
		"stages:\n  a:\n    apiKey: hunter2": "3:5: this file holds no keys: take apiKey out",
		"profile: AKIAIOSFODNN7EXAMPLE":      "1:10: this file holds no keys, and this looks like an access key",
		"profile: 'hunter2":                  "this is no YAML",
		"stages: {a: {workersApiToken: hunter2}}":         "take workersApiToken out",
		strings.Repeat("#", 1<<20) + "\nprofile: hunter2": "longer than 1 MiB",
	} {
		name := text[:min(len(text), 40)]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := settings.Parse("/etc/x/config.yaml", []byte(text))
			if _, ok := errors.AsType[*settings.Error](err); !ok || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "AKIA")) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "stages:\n"} {
		if f, err := settings.Parse("c", []byte(empty)); err != nil || len(f.Stages) != 0 {
			t.Errorf("%q: %+v, %v", empty, f, err)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write := func(path, text string, mode os.FileMode) string {
		path = filepath.Join(home, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing := filepath.Join(home, "missing")
	if f, err := settings.Load("", getenv(map[string]string{"HOME": missing})); err != nil || f.Path != "" {
		t.Errorf("no file: %+v, %v", f, err)
	}
	byHome := write(".config/aiwctl/config.yaml", "region: home-1", 0o644)
	byXDG := write("xdg/aiwctl/config.yaml", "region: xdg-1", 0o600)
	named := write("named.yaml", "region: named-1", 0o600)
	flagged := write("flagged.yaml", "region: flag-1", 0o600)
	env := map[string]string{"HOME": home}
	for _, step := range []struct{ key, value, flag, want string }{
		{want: byHome},
		{key: "XDG_CONFIG_HOME", value: "relative", want: byHome},
		{key: "XDG_CONFIG_HOME", value: filepath.Join(home, "xdg"), want: byXDG},
		{key: "AIWCTL_CONFIG", value: named, want: named},
		{flag: flagged, want: flagged},
	} {
		if step.key != "" {
			env[step.key] = step.value
		}
		if f, err := settings.Load(step.flag, getenv(env)); err != nil || f.Path != step.want {
			t.Errorf("%+v, %v, want %s", f, err, step.want)
		}
	}
	for _, flag := range []string{missing, home} {
		if _, err := settings.Load(flag, getenv(env)); err == nil || !strings.Contains(err.Error(), flag) || !strings.Contains(err.Error(), "--config") {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if goruntime.GOOS == "windows" {
		return
	}
	if _, err := settings.Load(write("open.yaml", "", 0o666), getenv(nil)); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("a file that everybody may write to: %v", err)
	}
}

// Whatever the file holds, it is read or refused; what is refused has its place.
func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Add("a: &a [*a]\n")
	f.Add("? [a]\n: b")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := settings.Parse("c", []byte(text))
		if err != nil {
			if _, ok := errors.AsType[*settings.Error](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		file.Resolve(settings.Flags{}, getenv(nil))
	})
}
