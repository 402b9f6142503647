package where_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
)

var (
	now  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	fact = where.Facts{Error: "TimeoutError: upstream took 30s", Group: "TimeoutError: upstream took <n>s", Now: now}
)

const orderBody = `{"workerId":"resize","jobId":"job-7","input":{"order":13,"price":2.75,"big":9007199254740993,"huge":123456789012345678901234567890,
"round":1.0,"flag":true,"off":false,"null":null,"name":"Ada","limit":"3h","at":"2026-03-01","tags":["a","b"],"ids":[1,2,3],
"items":[{"sku":"A-1","n":1},{"sku":"B-2","n":5}],"deep":{"a":{"b":1}}},"context":{},"metadata":{"source":"console","tries":3,"list":[1,2.5]}}`

func ptr(s string) *string { return &s }

func order() *letter.Letter {
	l := &letter.Letter{
		ID: "m-1", SentAt: now.Add(-2 * time.Hour), ReceiveCount: 4, Source: "arn:aws:sqs:eu-west-1:1:resize",
		Attributes: map[string]types.MessageAttributeValue{
			"tenant": {DataType: ptr("String"), StringValue: ptr("acme")},
			"cents":  {DataType: ptr("Number.cents"), StringValue: ptr("1250")},
			"blob":   {DataType: ptr("Binary"), BinaryValue: []byte{0, 1}},
		},
		System: map[string]string{letter.SysGroup: "g-1"},
	}
	l.SetBody(orderBody)
	return l
}

func noJob() *letter.Letter {
	l := &letter.Letter{ID: "m-2"}
	l.SetBody("hello, secret")
	return l
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		// names
		`id == "m-1"`: true,
		`jobId == "job-7" and workerId == "resize"`: true,
		`body contains "Ada"`:                       true,
		`error contains "30s"`:                      true,
		`error matches "(?i)timeouterror"`:          true,
		`group startsWith "TimeoutError"`:           true,
		`receiveCount > 3`:                          true,
		`receiveCount in [1, 4]`:                    true,
		`receiveCount in 1..3`:                      false,
		`source endsWith ":resize"`:                 true,
		`messageGroup == "g-1"`:                     true,
		`jobId in ["job-1", "job-7"]`:               true,
		`jobId not in ["job-1", "job-2"]`:           true,
		`not (jobId in ["job-7"])`:                  false,
		// numbers
		`input.order == 13`:                   true,
		`input.order == 13.0`:                 true,
		`input.order in [12, 13]`:             true,
		`input.price > 2.5`:                   true,
		`input.price > 2 and 3 > input.price`: true,
		`2 < input.price < 3`:                 true,
		`input.big == 9007199254740993`:       true,
		`input.big == 9007199254740992`:       false,
		`input.big != 9007199254740992`:       true,
		`input.huge > 1e29`:                   true,
		`input.round == 1`:                    true,
		`input.order + 1 == 14`:               true,
		`input.order % 2 == 1`:                true,
		`metadata.tries == 3`:                 true,
		`metadata.list[1] == 2.5`:             true,
		`attributes.cents >= 1250`:            true,
		`attributes.cents / 100 == 12.5`:      true,
		`sum(input.ids) == 6`:                 true,
		`max(input.ids) == 3`:                 true,
		`int("12") == 12`:                     true,
		`abs(-3) == 3`:                        true,
		`-input.order == -13`:                 true,
		`type(input.order) == "int"`:          true,
		`len(input.items) == 2`:               true,
		`input.ids == [1, 2, 3]`:              true,
		`input.tags == ["a", "b"]`:            true,
		`input.deep == {"a": {"b": 1}}`:       true,
		// texts
		`input.name == "Ada"`:                          true,
		`lower(input.name) == "ada"`:                   true,
		`upper(input.name) == "ADA"`:                   true,
		`trim(" x ") == "x"`:                           true,
		`input.name + "!" == "Ada!"`:                   true,
		`jobId + workerId == "job-7resize"`:            true,
		`"id " + jobId contains "job"`:                 true,
		`string(input.order) == "13"`:                  true,
		`string(input.missing) == "null"`:              true,
		`split(jobId, "-")[1] == "7"`:                  true,
		`split(jobId, "-")[9] == nil`:                  true,
		`last(split(jobId, "-")) == "7"`:               true,
		`fromJSON(body).input.big == 9007199254740993`: true,
		`attributes.tenant == "acme"`:                  true,
		`attributes["tenant"] == "acme"`:               true,
		`attributes.blob == "AAE="`:                    true,
		`len(fromBase64(attributes.blob)) == 2`:        true,
		`"tenant" in attributes`:                       true,
		`"nobody" in attributes`:                       false,
		`"order" in input`:                             true,
		`keys(input.deep) == ["a"]`:                    true,
		`any(values(input), # == "Ada")`:               true,
		// what is not there
		`input.a.b == 1`:                  false,
		`input.a.b == nil`:                true,
		`input.a.b.c[3].d == nil`:         true,
		`input?.a?.b == nil`:              true,
		`input.null.x == nil`:             true,
		`input.items[7].sku == nil`:       true,
		`input.items[-1].sku == "B-2"`:    true,
		`input.deep.a.b == 1`:             true,
		`input["deep"]["a"].b == 1`:       true,
		`get(input, "order") == 13`:       true,
		`get(input.a, "order") == nil`:    true,
		`metadata.missing.x == nil`:       true,
		`attributes.missing == nil`:       true,
		`attributes.missing contains "x"`: false,
		`input.missing matches "x"`:       false,
		`input.missing in [1, 2]`:         false,
		`"x" in input.missing`:            false,
		`(input.missing ?? 7) == 7`:       true,
		// booleans
		`input.flag`:                               true,
		`input.missing`:                            false,
		`not input.missing`:                        true,
		`!input.off && input.flag`:                 true,
		`input.missing or input.flag`:              true,
		`input.missing ? true : false`:             false,
		`input.flag ? receiveCount > 3 : false`:    true,
		`if input.missing { false } else { true }`: true,
		`true`:                                                    true,
		`any(input.items, .sku startsWith "B-")`:                  true,
		`all(input.items, .n > 0 and .n < 9)`:                     true,
		`none(input.items, .gone)`:                                true,
		`count(input.items, .n >= 5) == 1`:                        true,
		`count(input.items, .n >= 1) >= 1`:                        true,
		`input.items | any(.n == 5)`:                              true,
		`len(filter(input.items, .n > 1)) == 1`:                   true,
		`map(input.items, .sku) == ["A-1", "B-2"]`:                true,
		`find(input.items, .n == 5).sku == "B-2"`:                 true,
		`find(input.items, .n == 99).sku == nil`:                  true,
		`any(input.items, any(input.ids, # == 2))`:                true,
		`any(1..10, # == 7)`:                                      true,
		`"a" in input.tags and not ("c" in input.tags)`:           true,
		`any(input.items, .n == 1) and any(input.items, .n == 5)`: true,
		`!any(input.items, .n == 1) or receiveCount == 4`:         true,
		// time
		`age > "1h"`:                 true,
		`age > "90m" and age < "1d"`: true,
		`age >= "2h" and age <= 7200 and age == 7200.0`: true,
		`age == "2h" and "2h" == age and age != "3h"`:   true,
		`age > "1d12h"`:                            false,
		`"1h" < age`:                               true,
		`"1h" < age < "3h"`:                        true,
		`3600 < age`:                               true,
		`age > 60 * 60`:                            true,
		`age > -5`:                                 true,
		`age < input.limit`:                        true,
		`age > duration("1h")`:                     true,
		`age > duration("0.01d")`:                  true,
		`age * 2 > "3h"`:                           true,
		`age + "1h" == "3h"`:                       true,
		`(age - 3600) == "1h"`:                     true,
		`age > "1h" ? input.flag : false`:          true,
		`any(input.items, age > "1h" and .n == 5)`: true,
		`sentAt > date("2026-03-01")`:              true,
		`sentAt > "2026-03-01"`:                    true,
		`sentAt > "2026-03-02T11:00:00Z"`:          false,
		`sentAt > date(input.at)`:                  true,
		`sentAt < now()`:                           true,
		`now() - sentAt == age`:                    true,
		`now() - sentAt > "1h"`:                    true,
		`sentAt > now() - "3h"`:                    true,
		`sentAt + 3600 < now()`:                    true,
		`string(now()) == "2026-03-02T12:00:00Z"`:  true,
		"age > '1h' // why\n and /* so */ true":    true,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			f, err := where.Compile(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Match(order(), fact)
			if err != nil || got != want {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
			if f.String() != text {
				t.Errorf("String() = %q", f.String())
			}
		})
	}
}

func TestLetterThatIsNoJob(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`jobId == "" and workerId == ""`:              true,
		`input == nil and metadata == nil`:            true,
		`input.a.b == nil`:                            true,
		`error == "" and group == ""`:                 true,
		`body startsWith "hello"`:                     true,
		`len(attributes) == 0`:                        true,
		`age == nil and sentAt == nil`:                true,
		`input.flag`:                                  false,
		`not (error contains "x") and jobId != "job"`: true,
	} {
		f, err := where.Compile(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got, err := f.Match(noJob(), where.Facts{}); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestMetadataThatIsNoObject(t *testing.T) {
	t.Parallel()
	l := &letter.Letter{}
	l.SetBody(`{"jobId":"j","input":null,"metadata":[1,9007199254740993]}`)
	f, err := where.Compile(`metadata[1] == 9007199254740993 and input == nil`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Match(l, where.Facts{}); err != nil || !got {
		t.Error(got, err)
	}
}

// A filter must leave the letter as it is: it is sent later.
func TestMatchChangesNothing(t *testing.T) {
	t.Parallel()
	l := order()
	before := string(l.AppendLine(nil))
	f, err := where.Compile(`metadata.tries == 3 and metadata.list[0] == 1 and input.order == 13`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Match(l, fact); err != nil || !got {
		t.Fatal(got, err)
	}
	if after := string(l.AppendLine(nil)); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
	if _, ok := l.Message.Metadata["tries"].(json.Number); !ok {
		t.Errorf("metadata.tries is a %T", l.Message.Metadata["tries"])
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	const names = "the names are jobId, workerId, input, metadata, error, group, age, sentAt, receiveCount, attributes, source, messageGroup, id, body; a text stands in quotes"
	functions := "the functions are " + strings.Join(where.Functions(), ", ")
	for text, want := range map[string]string{
		``:                                     `the expression is empty: write one such as age > "1h"`,
		"  \n":                                 `the expression is empty: write one such as age > "1h"`,
		strings.Repeat("x", 9000):              `the expression has 9000 bytes, and may have 8192`,
		`foo == 1`:                             `column 1: unknown name "foo": ` + names,
		`jobid == "x"`:                         `column 1: unknown name "jobid": did you mean jobId? ` + names,
		`job_id == "x"`:                        `column 1: unknown name "job_id": did you mean jobId? ` + names,
		`input.a == null`:                      `column 12: unknown name "null": what is not there is called nil; ` + names,
		`age > 1 and now == 2`:                 `column 13: now is a function: call it, as in now(...)`,
		`$env.input == 1`:                      `column 1: unknown name "$env": ` + names,
		`frob(input)`:                          `column 1: unknown function "frob": ` + functions,
		`startswith(jobId, "x")`:               `column 1: unknown function "startswith": ` + functions,
		`Len(input) == 1`:                      `column 1: unknown function "Len": did you mean len? ` + functions,
		`repeat("x", 9) == body`:               `column 1: unknown function "repeat": ` + functions,
		`reduce(1..3, #acc + #) > 1`:           `column 1: unknown function "reduce": ` + functions,
		`groupBy(input.a, .b).c`:               `column 1: unknown function "groupBy": ` + functions,
		`sentAt.Unix() > 1`:                    `column 8: methods cannot be called`,
		`let x = 1; x == 1`:                    `column 5: variables (let) cannot be used`,
		`age > 1; age > 2`:                     `column 5: there can be one expression only, without a semicolon`,
		`jobId`:                                `the expression gives a text, and must give a boolean: compare it with something`,
		`receiveCount + 1`:                     `the expression gives a number, and must give a boolean: compare it with something`,
		`jobId == 5`:                           `column 7: a text cannot be compared with a number (==)`,
		`receiveCount > "3"`:                   `column 14: a number cannot be compared with a text (>)`,
		`jobId and true`:                       `column 7: "and" cannot stand between a text and a boolean`,
		`not jobId`:                            `column 1: "not" cannot be asked of a text`,
		`age > "1x"`:                           `column 7: "1x" is no duration: write it as "90m", "36h", "2d" or "1d12h", or as a number of seconds`,
		`age > true`:                           `column 5: a duration cannot be compared with a boolean (>)`,
		`age > ""`:                             `column 7: "" is no duration: write it as "90m", "36h", "2d" or "1d12h", or as a number of seconds`,
		`sentAt > "soon"`:                      `column 10: "soon" is no date: write it as "2026-03-01" or "2026-03-01T12:30:00Z"`,
		`date("soon") > sentAt`:                `column 6: "soon" is no date: write it as "2026-03-01" or "2026-03-01T12:30:00Z"`,
		`now(1) > sentAt`:                      `column 1: now() takes nothing`,
		`jobId.x == 1`:                         `column 7: a text has no members`,
		`sentAt.wall == 1`:                     `column 8: a time has no members`,
		`input.order = 13`:                     `column 13: "=" is not expected here: values are compared with ==`,
		`input.order ==`:                       `column 14: the expression ends too early`,
		`input.order ?? 7 == 13`:               `column 18: ?? and == stand together: put one of them in parentheses`,
		`(age > "1h"`:                          `column 11: the expression ends too early`,
		`age > "1h" jobId`:                     `column 12: "jobId" is not expected here`,
		`jobId == "x`:                          `column 12: a text is not closed with a quote`,
		`jobId == ~`:                           `column 10: "~" is not expected here`,
		`error matches "("`:                    "column 7: the regular expression cannot be read: missing closing ): `(`",
		`any(jobId, true)`:                     `column 5: any() needs an array, and this is a text`,
		`upper(5) == "X"`:                      `column 7: a number stands where a text is needed`,
		`upper() == "X"`:                       `column 1: upper() has not enough values`,
		`upper(foo) == "X"`:                    `column 7: unknown name "foo": ` + names,
		`receiveCount == 99999999999999999999`: `column 36: the number is too large`,
		"age > '1h'\nand jobId == 5":           `line 2, column 11: a text cannot be compared with a number (==)`,
		"jobId == \x1b[31m":                    `column 10: the character U+001B is not expected here`,
		strings.Repeat("len(", 20) + "body" + strings.Repeat(")", 20) + " > 1": `column 33: functions stand more than 8 deep inside each other`,
	} {
		f, err := where.Compile(text)
		if err == nil {
			t.Errorf("%q: no error, %v", text, f)
			continue
		}
		if err.Error() != want {
			t.Errorf("%q:\n got %s\nwant %s", text, err, want)
		}
	}
}

func TestMatchErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`input.amount > 100`:                  `column 14: null cannot be compared with a number (>)`,
		`input.name > 100`:                    `column 12: a text cannot be compared with a number (>)`,
		`input.name`:                          `column 1: the expression gives no boolean`,
		`input.name and input.flag`:           `column 7: a text stands where a boolean is needed`,
		`not input.order`:                     `column 11: a number stands where a boolean is needed`,
		`input.name.first == 1`:               `column 12: a text has no members`,
		`input.items.sku == "x"`:              `column 13: an array's elements have numbers: use any(..., .name == 1), or [0] for the first`,
		`input.deep[0] == 1`:                  `column 11: the members of an object have names, and a number is none`,
		`any(input.missing, # == 1)`:          `column 11: an array is needed, and this is null`,
		`any(input.deep, # == 1)`:             `column 11: an array is needed, and this is an object`,
		`len(input.missing) > 1`:              `column 1: len() cannot be asked of null`,
		`input.name contains input.order`:     `column 12: a number stands where a text is needed`,
		`1 in input.order`:                    `column 3: "in" needs an array or an object, and this is a number`,
		`upper(input.order) == "X"`:           `column 1: a number stands where a text is needed`,
		`int(input.name) == 1`:                `column 1: the value cannot be read as a number`,
		`age > input.name`:                    `column 13: the value is no duration`,
		`age > input.missing`:                 `column 5: a duration cannot be compared with null (>)`,
		`sentAt > date(input.name)`:           `column 10: the value is no date`,
		`fromJSON(input.name) == 1`:           `column 1: the value is not JSON`,
		`fromBase64("!") == "x"`:              `column 1: the value is no base64`,
		`input.order % 0 == 1`:                `column 13: a number cannot be divided by zero`,
		`input.name matches input.bad`:        ``,
		`jobId matches "(" + input.name`:      `column 7: the value is no regular expression`,
		`string(input.items) == ""`:           `column 1: an array cannot be written as a text`,
		`keys(input.ids) == []`:               `column 1: an array is no object`,
		`input.name[1:2][:input.tags] == "x"`: `column 16: the value cannot be read as a number`,
		`len(1..600000) + len(1..600000) > 1`: `column 23: the evaluation makes too many elements for this letter`,
	} {
		f, err := where.Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		chosen, err := f.Match(order(), fact)
		if chosen {
			t.Errorf("%s: chosen, with error %v", text, err)
		}
		switch {
		case err == nil && want != "":
			t.Errorf("%s: no error", text)
		case err != nil && want == "":
			t.Logf("%s: %v", text, err)
		case err != nil && err.Error() != want:
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

// What does the most work in the fewest characters ends, and leaves the memory alone.
func TestBounds(t *testing.T) {
	t.Parallel()
	list := strings.Repeat("1,", 60_000)
	l := &letter.Letter{}
	l.SetBody(`{"input":{"list":[` + list + `1],"text":"` + strings.Repeat("x", 100_000) + `"}}`)
	for _, text := range []string{
		`any(input.list, any(input.list, any(input.list, any(input.list, false))))`,
		`len(map(input.list, upper(input.text))) == 1`,
		`len(map(input.list, input.text + input.text)) == 1`,
		`len(map(input.list, split(input.text, ""))) == 1`,
		`len(map(input.list, fromJSON(body))) == 1`,
		`1 < (1 < (1 < (1 < (1 < (1 < (1 < (1 < 1) < 1) < 1) < 1) < 1) < 1) < 1) < 1`,
		strings.Repeat(`1 < (`, 500) + `1` + strings.Repeat(`) < 1`, 500),
		strings.Repeat(`(`, 4000) + `true` + strings.Repeat(`)`, 4000),
		strings.Repeat(`not `, 2000) + `true`,
		strings.Repeat(`input[`, 1000) + `1` + strings.Repeat(`]`, 1000) + ` == 1`,
		strings.Repeat(`[`, 2000) + strings.Repeat(`]`, 2000) + ` == input`,
		`jobId in [` + strings.Repeat(`"a",`, 1900) + `"b"]`,
		strings.TrimSuffix(strings.Repeat(`jobId=="a" or `, 580), " or "),
	} {
		began := time.Now()
		f, err := where.Compile(text)
		if err == nil {
			_, err = f.Match(l, fact)
		}
		t.Logf("%.60s: %v, %v", text, err, time.Since(began).Round(time.Millisecond))
	}
}

func TestNeedsFailure(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`error != ""`: true, `age > "1h" or group == "x"`: true, `any(input.a, error contains .b)`: true,
		`input.error == 1`: false, `input["group"] == "error"`: false, `body == "error"`: false, `{"error": 1} == input`: false,
	} {
		f, err := where.Compile(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got := f.NeedsFailure(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	for _, f := range where.Fields() {
		if f.Type == "" || f.Help == "" {
			t.Errorf("%+v", f)
		}
		if _, err := where.Compile(f.Name + " == nil or true"); err != nil {
			t.Error(f.Name, err)
		}
	}
	where.Fields()[0].Name = "mine"
	if where.Fields()[0].Name != "jobId" {
		t.Error("Fields gives away its own slice")
	}
}

func TestNowIsTheMomentGiven(t *testing.T) {
	t.Parallel()
	f, err := where.Compile(`age > "1h" and now() > sentAt`)
	if err != nil {
		t.Fatal(err)
	}
	l := order()
	if got, err := f.Match(l, where.Facts{Now: l.SentAt.Add(time.Minute)}); err != nil || got {
		t.Error("a minute later:", got, err)
	}
	l.SentAt = time.Now().Add(-3 * time.Hour)
	if got, err := f.Match(l, where.Facts{}); err != nil || !got {
		t.Error("the present:", got, err)
	}
	l.SentAt = now.Add(time.Hour) // clocks differ
	young, err := where.Compile(`age == 0`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := young.Match(l, fact); err != nil || !got {
		t.Error("from the future:", got, err)
	}
}

func TestConcurrentMatch(t *testing.T) {
	t.Parallel()
	f, err := where.Compile(`age > "1h" and any(input.items, .n == 5) and metadata.list[1] == 2.5 and upper(input.name) == "ADA"`)
	if err != nil {
		t.Fatal(err)
	}
	l := order()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got, err := f.Match(l, fact); err != nil || !got {
					t.Error(got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzWhere(f *testing.F) {
	for _, text := range []string{
		`age > "1h" and error contains "x"`, `any(input.items, .sku startsWith "B-")`, `input.a.b == nil`,
		`not (jobId matches "^job")`, `input.order in [1,2]`, `sentAt > now() - "2d"`, `1 < (2 < 3 < 4) < 5`,
		`split(body, ",")[0] == upper("x" + input.name)`, `input?.a ?? {"b": [1]}`, `if input.a {1} else {2}`,
		`map(filter(input.items, .n > 1), .n)[0] == count(input.ids)`, "`raw`", `age / 2 * -1 ** 3 % 4`,
	} {
		f.Add(text, orderBody)
		f.Add(text, "hello, secret")
	}
	const secret = "s3cr3tb0dy"
	f.Fuzz(func(t *testing.T, text, body string) {
		if len(text) > 300 || len(body) > 2000 {
			return
		}
		filter, err := where.Compile(text)
		if err != nil {
			printable(t, err)
			return
		}
		l := &letter.Letter{ID: "m", SentAt: now}
		l.SetBody(body)
		if _, err := filter.Match(l, fact); err != nil {
			printable(t, err)
		}
		l.SetBody(fmt.Sprintf(`{"jobId":%q,"input":{"%s":"%s","a":["%s"]}}`, secret, secret, secret, secret))
		if _, err := filter.Match(l, where.Facts{Now: now}); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q quotes the body: %v", text, err)
		}
	})
}

func printable(t *testing.T, err error) {
	t.Helper()
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
		t.Errorf("control characters in %q", err)
	}
}
