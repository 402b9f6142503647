package fullschema

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

const (
	// patternTimeout bounds one match of the backtracking engine.
	patternTimeout = 250 * time.Millisecond
	// patternGiveUp is how many matches of a pattern may run into the timeout
	// before the pattern is no longer tried, so that an array of a thousand
	// strings costs less than a second and not four minutes.
	patternGiveUp = 3
)

// needsUnicode finds escapes that exist only with JavaScript's "u" flag.
var needsUnicode = regexp.MustCompile(`\\[pPu]\{`)

// patternSet is the regular expression engine of one schema.
//
// Go's regexp runs in linear time, but it has no look-around and no
// back-references, which Zod's own email and duration patterns use. Such a
// pattern goes to a backtracking engine that reads it as JavaScript does, with
// a time limit. What neither can read is left out with a warning: a schema is
// never refused for a pattern.
type patternSet struct {
	mu       sync.Mutex
	compiled bool // the schema is compiled; what comes now is input, not schema
	cache    map[string]jsonschema.Regexp
	warnings []string
}

func (p *patternSet) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.warnings, text) {
		p.warnings = append(p.warnings, text)
	}
}

func (p *patternSet) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.warnings)
}

// finish ends the compilation: from now on the engine is asked only about
// strings of the format "regex" in the input, where a failure is a violation.
func (p *patternSet) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compiled, p.cache = true, nil
}

// engine implements jsonschema.RegexpEngine.
func (p *patternSet) engine(pattern string) (jsonschema.Regexp, error) {
	p.mu.Lock()
	compiled, known := p.compiled, p.cache[pattern]
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	re, err := p.compile(pattern)
	if compiled {
		return re, err
	}
	if err != nil {
		p.warn("pattern %s is not checked: no regular expression engine reads it (%s)", jsontext.QuoteShort(pattern), err)
		re = skippedPattern(pattern)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cache == nil {
		p.cache = make(map[string]jsonschema.Regexp)
	}
	p.cache[pattern] = re
	return re, nil
}

func (p *patternSet) compile(pattern string) (jsonschema.Regexp, error) {
	if re, err := regexp.Compile(pattern); err == nil {
		return re, nil
	}
	// JSON Schema asks for the "u" flag. Patterns that are errors with it, for a
	// superfluous backslash, are common in the wild and mean the same without
	// it; but \p{...} and \u{...} without it are literal letters.
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript|regexp2.Unicode)
	if err != nil && !needsUnicode.MatchString(pattern) {
		re, err = regexp2.Compile(pattern, regexp2.ECMAScript)
	}
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = patternTimeout
	return &slowPattern{re: re, set: p}, nil
}

// slowPattern is a pattern of the backtracking engine.
type slowPattern struct {
	re      *regexp2.Regexp
	set     *patternSet
	giveUps atomic.Int32
}

func (s *slowPattern) String() string { return s.re.String() }

// MatchString reports a match. A match that takes too long counts as one, with
// a warning: nobody is refused because of a pattern.
func (s *slowPattern) MatchString(text string) bool {
	if s.giveUps.Load() >= patternGiveUp {
		return true
	}
	ok, err := s.re.MatchString(text)
	if err != nil {
		s.giveUps.Add(1)
		s.set.warn("pattern %s was not checked against every value: it takes too long", jsontext.QuoteShort(s.re.String()))
		return true
	}
	return ok
}

// skippedPattern is a pattern that no engine reads.
type skippedPattern string

func (s skippedPattern) String() string { return string(s) }

func (skippedPattern) MatchString(string) bool { return true }
