package logs_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// A group with hundreds of pages takes no more than its share while others
// want theirs, and the quiet ones are read as if it were not there.
func TestABusyGroupStarvesNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.pageSize = 20
		for i := range 6000 {
			c.put("busy", "s", time.Now().Add(-time.Duration(i)*time.Millisecond), 0, "x")
		}
		perGroup := map[string]int{}
		c.fail = func(_ int, in *cloudwatchlogs.FilterLogEventsInput) error {
			perGroup[*in.LogGroupName]++
			return nil
		}
		r := logs.NewReader(c)
		busy := follow(t, r, logs.Query{Sources: source("busy")})
		synctest.Wait()
		quiet := follow(t, r, logs.Query{Sources: source("q1", "q2")})
		for range 60 {
			c.put("q1", "s", time.Now(), 0, "line")
			time.Sleep(time.Second)
		}
		if got := len(quiet.sofar()); got < 57 {
			t.Errorf("%d of 60 lines of a quiet group were delivered in time", got)
		}
		c.locked(func() {
			if c.calls > 4*60+8 {
				t.Errorf("%d calls in a minute", c.calls)
			}
			// What the quiet ones leave is the busy one's.
			if n := perGroup["busy"]; n < 80 || n > 180 {
				t.Errorf("the busy group was given %d calls of %d", n, c.calls)
			}
		})
		for _, s := range quiet.states {
			if s.Lag > 0 {
				t.Errorf("a quiet group lags: %+v", s)
			}
		}
		busy.end(t, 0)
		quiet.end(t, 0)
	})
}

// The account's other users take most of the quota: the pace goes down to what is
// left, and up again when they have gone.
func TestThePaceFollowsThrottling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.pageSize = 1
		for i := range 700 {
			c.put("g", "s", time.Now().Add(-time.Duration(i)*time.Millisecond), 0, "x")
		}
		allowed := time.Second // one call a second
		var last time.Time
		refused := 0
		c.fail = func(int, *cloudwatchlogs.FilterLogEventsInput) error {
			if time.Since(last) < allowed {
				refused++
				return throttled()
			}
			last = time.Now()
			return nil
		}
		f := follow(t, logs.NewReader(c), logs.Query{Sources: source("g")})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		c.locked(func() {
			if ok := c.calls - refused; ok < 150 {
				t.Errorf("%d of 300 possible calls were made", ok)
			}
			if refused > c.calls/3 {
				t.Errorf("%d calls were refused of %d", refused, c.calls)
			}
			allowed = 0
		})
		if s := f.state(); !s.Throttled || s.Lag < time.Minute || s.Behind != 1 || s.Groups != 1 {
			t.Errorf("the state says %+v", s)
		}
		time.Sleep(time.Minute)
		calls := c.called()
		time.Sleep(time.Minute)
		if n := c.called() - calls; n < 230 || n > 250 {
			t.Errorf("%d calls a minute after the throttling", n)
		}
		f.end(t, 0)
	})
}

// A call that is throttled now and then is nobody's business.
func TestThrottlingNowAndThenIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.fail = func(call int, _ *cloudwatchlogs.FilterLogEventsInput) error {
			if call%5 == 0 {
				return throttled()
			}
			return nil
		}
		f := follow(t, fastReader(c), logs.Query{Sources: source("g")})
		c.put("g", "s", time.Now(), 0, "x")
		if got := f.end(t, time.Minute); len(got) != 1 {
			t.Errorf("%d lines", len(got))
		}
		for _, s := range f.states {
			if s.Err != nil {
				t.Errorf("told %v", s.Err)
			}
		}
	})
}

// Lines that come late find their place when there is time for it.
func TestSettleOrdersLateLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		f := follow(t, fastReader(c), logs.Query{Sources: source("a", "b"), Settle: 5 * time.Second})
		for i := range 40 {
			// Every third comes three seconds late.
			c.put([]string{"a", "b"}[i%2], "s", time.Now(), time.Duration(i%3/2)*3*time.Second, fmt.Sprintf("%02d", i))
			time.Sleep(300 * time.Millisecond)
		}
		if n := len(f.sofar()); n == 0 || n > 30 {
			t.Errorf("%d lines while the youngest are held", n)
		}
		got := strings.Join(texts(f.end(t, 4500*time.Millisecond)), " ")
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprintf("%02d", i))
		}
		// The last ones were cut short by the end, and still came.
		if got != strings.Join(want, " ") {
			t.Errorf("got %s", got)
		}
	})
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		begin := time.Now()
		for i := range 900 {
			c.put([]string{"a", "b"}[i%2], "s", begin.Add(-time.Duration(900-i)*time.Millisecond), 0, fmt.Sprint(i))
		}
		q := logs.Query{Sources: source("a", "b"), Last: 3, Match: func(l *logs.Line) bool { return l.Text != "898" }}
		if got := strings.Join(texts(readAll(t, c, q)), " "); got != "896 897 899" {
			t.Errorf("read %s", got)
		}
		f := follow(t, fastReader(c), q)
		time.Sleep(5 * time.Second)
		c.put("a", "s", time.Now(), 0, "new 1")
		c.put("a", "s", time.Now(), 0, "new 2")
		if got := strings.Join(texts(f.end(t, 5*time.Second)), " "); got != "896 897 899 new 1 new 2" {
			t.Errorf("followed %s", got)
		}
	})
}

// A page token that CloudWatch no longer knows costs neither lines nor the whole read.
func TestExpiredTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		c.pageSize = 10
		for i := range 95 {
			c.put("g", "s", time.Now().Add(time.Duration(i-200)*time.Second), 0, fmt.Sprint(i))
		}
		c.fail = func(call int, in *cloudwatchlogs.FilterLogEventsInput) error {
			if in.NextToken != nil && (call == 4 || call == 9) {
				return invalidToken()
			}
			return nil
		}
		if got := readAll(t, c, logs.Query{Sources: source("g")}); len(got) != 95 {
			t.Errorf("read %d lines of 95", len(got))
		}
		c.calls = 0
		if got := follow(t, fastReader(c), logs.Query{Sources: source("g")}).end(t, 2*time.Minute); len(got) != 95 {
			t.Errorf("followed %d lines of 95", len(got))
		}
	})
}
