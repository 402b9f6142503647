package workerview

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/chart"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// reach is a time range of the charts, and how it is called.
type reach struct {
	name string
	long time.Duration
}

func reaches() []reach {
	return []reach{{"1 h", time.Hour}, {"3 h", 3 * time.Hour}, {"24 h", 24 * time.Hour}, {"7 days", 7 * 24 * time.Hour}}
}

const (
	// chartsEvery is the least time between two questions, and chartsEveryFree where they
	// cost nothing. A question is asked again when a fifth of a datapoint's time is over.
	chartsEvery     = time.Minute
	chartsEveryFree = 15 * time.Second
)

// chartPanel is what CloudWatch said.
type chartPanel struct {
	reach   int // into reaches
	data    *metrics.Worker
	dataFor int   // the reach of data
	err     error // why the last question was not answered wholly
	askedAt time.Time
	drawn   []string // as last drawn
	drawnIn [2]int
}

func (s *Screen) askCharts(now bool) tea.Cmd {
	p := &s.charts
	if s.sources.Metrics == nil || s.worker.Queue == nil && s.worker.Function == nil || s.requests.Live(forCharts) {
		return nil
	}
	at, r := s.env.Now(), reaches()[p.reach]
	// A moment less, so that the time it takes to ask does not make the datapoints coarser.
	q := metrics.Question{Set: metrics.ForCharts, Since: at.Add(-r.long + chartsEvery/2)}
	every := chartsEvery
	if s.env.Stage.Loopback {
		every = chartsEveryFree
	}
	every = max(every, metrics.PeriodFor(at, q.Since)/5)
	if !p.askedAt.IsZero() && at.Sub(p.askedAt) < every && !now {
		return nil
	}
	p.askedAt = at
	w, source, which := *s.worker, s.sources.Metrics, p.reach
	return s.requests.Start(forCharts, timeout, func(ctx context.Context) (any, error) {
		got, err := source.Read(ctx, []aws.Worker{w}, q)
		return chartReply{which, got[w.ID]}, err
	})
}

type chartReply struct {
	reach int
	data  *metrics.Worker
}

func (p *chartPanel) take(reply screen.Reply) {
	p.err, p.drawn = reply.Err, nil
	if r, ok := reply.Payload.(chartReply); ok && r.data != nil && (reply.Err == nil || known(r.data)) {
		p.data, p.dataFor = r.data, r.reach
	}
}

// known is whether there is anything in an answer.
func known(m *metrics.Worker) bool {
	return slices.ContainsFunc([]metrics.Series{m.Queue.Visible, m.Queue.Oldest, m.Function.Invocations, m.Function.Errors, m.DLQ.Visible},
		func(s metrics.Series) bool { return s.State == metrics.Complete || len(s.Points) > 0 })
}

// nextReach shows another time range.
func (s *Screen) nextReach() tea.Cmd {
	s.charts.reach = (s.charts.reach + 1) % len(reaches())
	s.charts.drawn = nil
	s.requests.Cancel(forCharts)
	return s.askCharts(true)
}

// chartsStatus says what time is shown and what it costs to look.
func (s *Screen) chartsStatus() string {
	p := &s.charts
	text := reaches()[p.reach].name
	if s.requests.Live(forCharts) && (p.data == nil || p.dataFor != p.reach) {
		return text + separator + "asking"
	}
	if m := p.data; m != nil && p.dataFor == p.reach {
		text += separator + "by " + strings.TrimSuffix(duration(m.Period), "m0s")
		if !s.env.Stage.Loopback {
			text += fmt.Sprintf("%s$%.4f a look", separator, float64(metrics.Question{Set: metrics.ForCharts}.Cost([]aws.Worker{*s.worker}))*aws.PricePerMetric)
		}
	}
	return text
}

// chartLines draws the panel in exactly width by height cells.
func (s *Screen) chartLines(width, height int) []string {
	t, p := s.env.Theme, &s.charts
	box := func(text string) []string { return strings.Split(text, "\n") }
	switch {
	case s.worker.Queue == nil && s.worker.Function == nil:
		return box(notice.Empty(t, "Nothing to draw.", []string{"Neither its queue nor its function is known."}, width, height))
	case s.sources.Metrics == nil:
		return box(notice.Empty(t, "CloudWatch is not asked.", []string{"Without --no-metrics the console asks it."}, width, height))
	case p.data == nil && p.err != nil:
		return box(notice.Failed(t, "CloudWatch could not be read", p.err, "The rest of the screen does without it. "+s.env.Key(screen.KindWorker, "refresh", "r")+" tries again.", width, height))
	case p.data == nil:
		return box(notice.Waiting(t, "Asking CloudWatch", "Its numbers come a minute to some minutes late.", 0, width, height))
	}
	if p.drawn != nil && p.drawnIn == [2]int{width, height} {
		return p.drawn
	}
	var lines []string
	if p.err != nil {
		lines = notice.Lines(t, p.err, width, 2)
	}
	lines = append(lines, grid(t, s.charts.list(s.worker), width, height-len(lines), s.env.Now().Location())...)
	p.drawn, p.drawnIn = lines, [2]int{width, height}
	return lines
}

// grid puts charts side by side and below each other.
func grid(t *theme.Theme, list []chart.Chart, width, height int, zone *time.Location) []string {
	// As few columns as give each chart the height it wants, as many as the width allows.
	const least, wanted = 28, 7
	columns := 1
	for n := 2; n <= 3 && (width-(n-1))/n >= least; n++ {
		if height/((len(list)+columns-1)/columns) >= wanted {
			break
		}
		columns = n
	}
	rows := (len(list) + columns - 1) / columns
	if height/rows < 2 && columns > 1 {
		columns, rows = 1, len(list)
	}
	lines := make([]string, 0, height)
	for r := range rows {
		h := height / rows
		if r < height%rows {
			h++
		}
		if h == 0 {
			break
		}
		var drawn [][]string
		left := width - (columns - 1)
		for c := range columns {
			w := left / (columns - c)
			left -= w
			if at := r*columns + c; at < len(list) {
				one := list[at]
				one.From, one.To = one.From.In(zone), one.To.In(zone)
				drawn = append(drawn, one.Lines(t, w, h))
			} else {
				drawn = append(drawn, strings.Split(cell.Box(nil, w, h), "\n"))
			}
		}
		for i := range h {
			parts := make([]string, columns)
			for c := range drawn {
				parts[c] = drawn[c][i]
			}
			lines = append(lines, strings.Join(parts, " "))
		}
	}
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", width))
	}
	return lines
}

// list are the charts of a worker.
func (p *chartPanel) list(w *aws.Worker) []chart.Chart {
	m := p.data
	points := func(s metrics.Series, factor float64) []chart.Point {
		out := make([]chart.Point, len(s.Points))
		for i, at := range s.Points {
			out[i] = chart.Point{At: at.At, Value: at.Value * factor}
		}
		return out
	}
	base := chart.Chart{From: m.Since, To: m.At, Period: m.Period, NoteTone: theme.ToneDim}
	gauge := func(title string, s metrics.Series, unit chart.Unit, tone theme.Tone, none string) chart.Chart {
		c := base
		c.Title, c.Unit, c.Empty = title, unit, unanswered(s, none)
		c.Series = []chart.Series{{Tone: tone, Points: points(s, 1)}}
		if most, ok := s.Max(m.Since); ok {
			c.Note = "most " + chart.Text(unit, most)
			if last, ok := s.Last(m.At.Add(-2*m.Period - 5*time.Minute)); ok {
				c.Note = "now " + chart.Text(unit, last.Value) + ", " + c.Note
			}
		}
		return c
	}
	noQueue := "CloudWatch has no datapoint in this time: the queue was not used, or was empty."
	if w.Queue == nil {
		noQueue = "Its queue is not known."
	}
	noDLQ := "No datapoint in this time: nothing was moved there."
	if w.DLQ == nil {
		noDLQ = "It has no dead-letter queue."
	}
	list := []chart.Chart{
		gauge("waiting", m.Queue.Visible, chart.Count, theme.ToneAccent, noQueue),
		gauge("oldest", m.Queue.Oldest, chart.Seconds, theme.ToneWarn, noQueue),
	}
	count := func(title string, tone theme.Tone, series ...metrics.Series) chart.Chart {
		c := base
		c.Title = title
		for i, s := range series {
			one := tone
			if i > 0 {
				one = theme.ToneWarn
			}
			c.Series = append(c.Series, chart.Series{Tone: one, Points: points(s, 1)})
		}
		c.Zero = w.Function != nil && series[0].State == metrics.Complete
		c.Empty = unanswered(series[0], "Its function is not known.")
		return c
	}
	ran := count("invocations", theme.ToneGood, m.Function.Invocations)
	bad := count("errors", theme.ToneBad, m.Function.Errors, m.Function.Throttles)
	runs, _ := m.Function.Invocations.Sum(m.Since)
	errs, _ := m.Function.Errors.Sum(m.Since)
	held, _ := m.Function.Throttles.Sum(m.Since)
	ran.Note = chart.Text(chart.Count, runs) + " in all"
	bad.Note = chart.Text(chart.Count, errs) + ", throttles " + chart.Text(chart.Count, held)
	if errs+held > 0 {
		bad.NoteTone = theme.ToneBad
	}
	took := base
	took.Title, took.Unit = "duration", chart.Seconds
	took.Series = []chart.Series{{Tone: theme.ToneInfo, Points: points(m.Function.DurationMax, 0.001)}}
	took.Empty = unanswered(m.Function.DurationMax, "It did not run in this time.")
	if w.Function == nil {
		took.Empty = "Its function is not known."
	}
	if most, ok := m.Function.DurationMax.Max(m.Since); ok {
		took.Note = "longest " + chart.Text(chart.Seconds, most/1000)
		if p95, ok := m.Function.DurationP95.Max(m.Since); ok && len(m.Function.DurationP50.Points) > 0 {
			took.Note += fmt.Sprintf(", p95 %s, p50 %s", chart.Text(chart.Seconds, p95/1000), chart.Text(chart.Seconds, middle(m.Function.DurationP50)/1000))
		}
	}
	return append(list, ran, bad, took, gauge("dead letters", m.DLQ.Visible, chart.Count, theme.ToneBad, noDLQ))
}

// middle is the median of a series' datapoints.
func middle(s metrics.Series) float64 {
	values := make([]float64, len(s.Points))
	for i, p := range s.Points {
		values[i] = p.Value
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// unanswered says why a series is empty.
func unanswered(s metrics.Series, otherwise string) string {
	if s.State == metrics.Failed {
		return "CloudWatch did not answer."
	}
	return otherwise
}
