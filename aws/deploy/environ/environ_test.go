package environ_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/environ"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// files writes files that only this user can read, and reads them.
func files(t *testing.T, texts map[string]string, shell ...string) *environ.Files {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := environ.Read(dir, "prod", shell)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shop is a project of two workers: the names before the bar are declared with
// WithEnvironment, those after it with WithSecrets.
func shop(a, b string) *project.Project {
	worker := func(id, declared string) dispatch.ManifestWorker {
		plain, secret, _ := strings.Cut(declared, "|")
		return dispatch.ManifestWorker{ID: id, Source: "workers/" + id + ".go:7", Environment: strings.Fields(plain), Secrets: strings.Fields(secret)}
	}
	return &project.Project{Service: "shop", Stage: "prod", Programs: []project.Program{
		{Package: "shop/one", Manifest: dispatch.Manifest{Workers: []dispatch.ManifestWorker{worker("a", a)}}},
		{Package: "shop/two", Manifest: dispatch.Manifest{Workers: []dispatch.ManifestWorker{worker("b", b)}}},
	}}
}

func TestTheShellWinsThenTheStagesFile(t *testing.T) {
	t.Parallel()
	f := files(t, map[string]string{
		".env": "A=base\nB=base\nC=base\nUNUSED=base\n", ".env.prod": "\nA=prod\nB=prod\n", ".env.dev": "A=dev", ".env.local": "A=local",
	}, "A=shell", "HOME=/home/me", "=C:=C:\\", "malformed")
	for name, want := range map[string]string{"A": "shell in the shell", "B": "prod in .env.prod:3", "C": "base in .env:3", "HOME": "/home/me in the shell"} {
		if value, from, found := f.Lookup(name); !found || value+" in "+from != want {
			t.Errorf("%s: %s in %s, want %s", name, value, from, want)
		}
	}
	if _, _, found := f.Lookup("D"); found {
		t.Error("D was found")
	}
	if got := strings.Join(f.Names(), " "); got != "A B C UNUSED" || len(f.Warnings) != 0 {
		t.Errorf("names %s, warnings %q", got, f.Warnings)
	}
}

// Only what a worker declares is handed on, and what is secret as a reference.
func TestValuesGoToThoseWhoDeclareThem(t *testing.T) {
	t.Parallel()
	f := files(t, map[string]string{".env": strings.Join([]string{
		"BUCKET=media", "OPENAI_API_KEY=hunter2a", "SESSION=hunter2b", "DATABASE_URL=postgres://me:hunter2%c@db/shop", "REDIS_URL=redis://cache:6379",
		"STRIPE=ssm:/shared/stripe", "MAIL_TOKEN=secretsmanager:mail#token", "SIGNING='-----BEGIN RSA PRIVATE KEY-----\nhunter2d'", "NOBODY_WANTS=x",
	}, "\n")})
	variables, secrets, problems := f.Resolve(shop("BUCKET OPENAI_API_KEY REDIS_URL STRIPE", "BUCKET DATABASE_URL SIGNING|SESSION MAIL_TOKEN OPENAI_API_KEY"), environ.Options{})
	if problems != nil {
		t.Fatal(problems)
	}
	if got := fmt.Sprint(variables); got != "map["+
		"a:map[BUCKET:{media } OPENAI_API_KEY:{ ssm:/shop/prod/OPENAI_API_KEY} REDIS_URL:{redis://cache:6379 } STRIPE:{ ssm:/shared/stripe}] "+
		"b:map[BUCKET:{media } DATABASE_URL:{ ssm:/shop/prod/DATABASE_URL} MAIL_TOKEN:{ secretsmanager:mail#token} OPENAI_API_KEY:{ ssm:/shop/prod/OPENAI_API_KEY} SESSION:{ ssm:/shop/prod/SESSION} SIGNING:{ ssm:/shop/prod/SIGNING}]]" {
		t.Errorf("variables %s", got)
	}
	var got []string
	for _, s := range secrets {
		got = append(got, fmt.Sprintf("%s for %s from %s: %s", s.Ref, strings.Join(s.Workers, ","), s.From, s.Reveal()))
	}
	if want := []string{
		"ssm:/shop/prod/DATABASE_URL for b from .env:4: postgres://me:hunter2%c@db/shop", "ssm:/shop/prod/OPENAI_API_KEY for a,b from .env:2: hunter2a",
		"ssm:/shop/prod/SESSION for b from .env:3: hunter2b", "ssm:/shop/prod/SIGNING for b from .env:8: -----BEGIN RSA PRIVATE KEY-----\nhunter2d",
	}; !slices.Equal(got, want) {
		t.Errorf("secrets\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatLooksSecret(t *testing.T) {
	t.Parallel()
	for kv, secret := range map[string]bool{
		"API_KEY=x": true, "APIKEY=x": true, "api_keys=x": true, "GITHUB_TOKEN=x": true, "CLIENT_SECRETS=x": true, "DB_PASSWORD=x": true, "DB_PASS=x": true, "DB_PWD=x": true,
		"GOOGLE_CREDENTIALS=x": true, "SENTRY_DSN=x": true, "PRIVATE_HOST=x": true, "MY_PASSWD=x": true,
		"MONKEY=x": false, "TOKENIZER=x": false, "KEYBOARD=x": false, "SECRETARY=x": false, "BYPASS=x": false, "BUCKET=x": false,
		"URL=https://me:x@host": true, "URL=see https://a/b then redis://:x@host:1/0": true, "URL=amqp://a:p@ss@host": true,
		"URL=https://me@host": false, "URL=https://host/a:b@c": false, "URL=https://host?u=a:b@c": false, "URL=mailto:me@host": false, "URL=https://me:@host": false, "URL=a:b@c": false,
		"CERT=-----BEGIN CERTIFICATE-----": false, "PEM=-----BEGIN EC PRIVATE KEY-----": true,
	} {
		name, _, _ := strings.Cut(kv, "=")
		variables, secrets, problems := files(t, nil, kv).Resolve(shop(name, ""), environ.Options{})
		if problems != nil || (len(secrets) == 1) != secret || variables["a"][name].Ref.IsZero() == secret {
			t.Errorf("%s: secret %v, want %v; %v", kv, len(secrets) == 1, secret, problems)
		}
	}
}

// The whole text of every refusal; "hunter2" is a value in each.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const lookedFor = "has no value (looked for in the shell, .env.prod (there is no such file), .env): set it in .env.prod, or write there where the value is kept, such as "
	for _, tt := range []struct {
		name        string
		env         string // the text of .env
		shell, a, b string
		plain       []string
		want        string
	}{
		{
			"nothing is there", "C=hunter2", "", "AA", "AA|B_KEY", nil,
			`workers/a.go:7: worker "a": it needs AA, which ` + lookedFor + "AA=ssm:/shop/prod/AA\n" +
				`workers/b.go:7: worker "b": it needs AA, which ` + lookedFor + "AA=ssm:/shop/prod/AA\n" +
				`workers/b.go:7: worker "b": it needs B_KEY, which ` + lookedFor + "B_KEY=ssm:/shop/prod/B_KEY",
		},
		{"empty", "\nAA=\nB=hunter2", "", "AA", "", nil, `workers/a.go:7: worker "a": it needs AA, which is empty in .env:2: set it in .env.prod, or write there where the value is kept, such as AA=ssm:/shop/prod/AA`},
		{"empty in the shell", "AA=hunter2", "AA=", "|AA", "", nil, `workers/a.go:7: worker "a": it needs AA, which is empty in the shell: set it in .env.prod, or write there where the value is kept, such as AA=ssm:/shop/prod/AA`},
		{"a wrong reference", "AA=ssm:/hunter2 x", "", "AA", "", nil, ".env:1: the value of AA: a reference to a secret of ssm: a name has letters, digits and -_.:/+=@! only"},
		{"a wrong reference in the shell", "", "AA=secretsmanager:hunter2#", "AA", "", nil, "the value of AA in the shell: a reference to a secret of secretsmanager: the field after # is empty"},
		{"no text", "", "AA=hunter2\xff", "AA", "", nil, "the value of AA in the shell is no text in UTF-8"},
		{
			"a long secret", "A_KEY='hunter2" + strings.Repeat("x", 4090) + "'", "", "A_KEY", "", nil,
			".env:1: the value of A_KEY has 4097 bytes, and a parameter of Systems Manager holds 4096: keep it in Secrets Manager, and write A_KEY=secretsmanager:NAME instead",
		},
		{
			"a secret with braces", "A_KEY={{hunter2}}", "", "A_KEY", "", nil,
			".env:1: the value of A_KEY holds {{, which Systems Manager refuses in a parameter: keep it in Secrets Manager, and write A_KEY=secretsmanager:NAME instead",
		},
		{"a plain name that nobody has", "AA=hunter2", "", "AA", "", []string{"ZZ"}, "ZZ is said to be plain, and no worker declares it: correct the name"},
		{"a plain secret", "AA=hunter2", "", "AA", "|AA", []string{"AA"}, `AA is said to be plain, and worker "b" (workers/b.go:7) declares it with WithSecrets: change one of them`},
		{
			"a plain password", "AA=http://u:hunter2@h", "", "AA", "",
			[]string{"AA"},
			".env:1: AA is said to be plain, and there is a password in its URL: a value like that goes into no template",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, problems := files(t, map[string]string{".env": tt.env}, tt.shell).Resolve(shop(tt.a, tt.b), environ.Options{Plain: tt.plain})
			if problems == nil || problems.Error() != tt.want || strings.Contains(problems.Error(), "hunter2") {
				t.Errorf("got\n%v\nwant\n%s", problems, tt.want)
			}
		})
	}
}

// Of workers that were refused nobody knows what they declare.
func TestPlainNamesOfPart(t *testing.T) {
	t.Parallel()
	f := files(t, map[string]string{".env": "AA=x"})
	if _, _, problems := f.Resolve(shop("AA", ""), environ.Options{Plain: []string{"ZZ"}, Part: true}); problems != nil {
		t.Errorf("got %v", problems)
	}
}

func TestAPersonCanSayThatAValueIsPlain(t *testing.T) {
	t.Parallel()
	variables, secrets, problems := files(t, nil, "STRIPE_PUBLIC_KEY=pk_1").Resolve(shop("STRIPE_PUBLIC_KEY", ""), environ.Options{Plain: []string{"STRIPE_PUBLIC_KEY"}})
	if problems != nil || secrets != nil || variables["a"]["STRIPE_PUBLIC_KEY"].Text != "pk_1" {
		t.Errorf("%v, %v, %v", variables, secrets, problems)
	}
}

// The key of the workers API is made by the deployment: who calls the API needs no value.
func TestTheKeyOfTheWorkersAPI(t *testing.T) {
	t.Parallel()
	p := shop("|WORKERS_API_KEY", "")
	p.APIKey = project.Ref{Store: project.SSM, Name: "/shop/prod/WORKERS_API_KEY"}
	variables, secrets, problems := files(t, nil).Resolve(p, environ.Options{})
	if problems != nil || secrets != nil || variables["a"]["WORKERS_API_KEY"].Ref != p.APIKey {
		t.Errorf("%v, %v, %v", variables, secrets, problems)
	}
}

// Names that project.Check refuses are told by it, once.
func TestReservedNamesAreLeftToCheck(t *testing.T) {
	t.Parallel()
	p := shop("STAGE AWS_REGION", "|AIWORKER_SECRET_X")
	variables, secrets, problems := files(t, map[string]string{".env": "STAGE=x\nAWS_REGION=y\n"}).Resolve(p, environ.Options{})
	if len(variables) != 0 || secrets != nil || problems != nil {
		t.Errorf("%v, %v, %v", variables, secrets, problems)
	}
	if got := project.Check(p).Error(); strings.Count(got, "environment variable") != 3 {
		t.Errorf("Check says\n%s", got)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".env", "A=1\nhunter2\n")
	write(".env.prod", "${hunter2}\n")
	_, err := environ.Read(dir, "prod", nil)
	if err == nil || !strings.Contains(err.Error(), ".env.prod:1: ") || !strings.Contains(err.Error(), ".env:2: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	for _, stage := range []string{"", "../prod", "a/b", ".", `a\b`} {
		if _, err := environ.Read(dir, stage, nil); err == nil || !strings.Contains(err.Error(), "cannot be a part of a file's name") {
			t.Errorf("stage %q: %v", stage, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".env.dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := environ.Read(dir, "dir", nil); err == nil || !strings.Contains(err.Error(), ".env.dir is no file") {
		t.Errorf("%v", err)
	}
	if _, err := environ.ReadFiles([]string{filepath.Join(dir, "gone")}, nil); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%v", err)
	}
	f, err := environ.ReadFiles([]string{write("one", "A=1\nB=1"), write("two", "A=2")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, _, _ := f.Lookup("A"); a != "2" {
		t.Errorf("of two files the later one should win, and A is %s", a)
	}
	if b, from, _ := f.Lookup("B"); b != "1" || from != filepath.Join(dir, "one")+":2" {
		t.Errorf("B is %s in %s", b, from)
	}
}

func TestAFileThatEverybodyCanReadIsWarnedOf(t *testing.T) {
	t.Parallel()
	if goruntime.GOOS == "windows" {
		t.Skip("there are no such bits")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, ".env")
	if err := os.WriteFile(path, []byte("A=hunter2\nA=2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := environ.Read(dir, "prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.Warnings, "\n"); got != ".env has A in line 1 and in line 2: the last one counts\n.env can be read by every user of this machine: chmod 600 .env" {
		t.Errorf("warnings\n%s", got)
	}
}

// However a secret is printed, in whatever it is held, its value is not there.
func TestSecretsShowThemselvesToNobody(t *testing.T) {
	t.Parallel()
	s := environ.NewSecret("KEY", "hunter2", project.Ref{Store: project.SSM, Name: "/shop/prod/KEY"}, "a")
	inside := struct{ hidden []environ.Secret }{[]environ.Secret{s}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "all", []environ.Secret{s})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "inside", inside)
	text, err := json.Marshal(map[string]any{"one": s, "all": []environ.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, []environ.Secret{s}) + fmt.Sprintf(verb, inside)
	}
	if strings.Contains(all, "hunter2") || strings.Contains(all, "68756e746572") || !strings.Contains(all, "ssm:/shop/prod/KEY") {
		t.Errorf("printed as\n%s", all)
	}
	if s.Reveal() != "hunter2" || (environ.Secret{}).Reveal() != "" || (environ.Secret{}).String() != "" {
		t.Error("Reveal does not give the value")
	}
}
