package runtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// maxLoggedOutput is how long an output may be to stand in the completion line.
// CloudWatch Logs takes events of up to 1 MiB and charges for each byte.
const maxLoggedOutput = 32 << 10

// reservedAttrs are the fields of dispatch.JobEvent. A handler's own attribute of
// such a name would break the line for whoever follows the job, or pretend an
// outcome: the runtime alone writes them.
var reservedAttrs = []string{
	"time", "level", "msg", "event", "jobId", "workerId", "requestId", "attempt", "maxAttempts",
	"durationMs", "delayMs", "jobStatus", "percent", "note", "output", "outputBytes",
}

const reservedPrefix = "attr."

// authorHandler is the slog.Handler behind Job.Log.
type authorHandler struct {
	slog.Handler
	grouped bool // inside a group no name is reserved
}

// Handle implements slog.Handler.
func (h authorHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.grouped {
		return h.Handler.Handle(ctx, r)
	}
	clash := false
	r.Attrs(func(a slog.Attr) bool {
		clash = isReserved(a)
		return !clash
	})
	if !clash {
		return h.Handler.Handle(ctx, r)
	}
	safe := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		safe.AddAttrs(safeAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, safe)
}

// WithAttrs implements slog.Handler.
func (h authorHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !h.grouped && slices.ContainsFunc(attrs, isReserved) {
		attrs = slices.Clone(attrs)
		for i, a := range attrs {
			attrs[i] = safeAttr(a)
		}
	}
	return authorHandler{Handler: h.Handler.WithAttrs(attrs), grouped: h.grouped}
}

// WithGroup implements slog.Handler.
func (h authorHandler) WithGroup(name string) slog.Handler {
	return authorHandler{Handler: h.Handler.WithGroup(name), grouped: h.grouped || name != ""}
}

func isReserved(a slog.Attr) bool {
	if a.Key == "" && a.Value.Kind() == slog.KindGroup {
		return slices.ContainsFunc(a.Value.Group(), isReserved) // inlined by slog
	}
	return a.Key == "error" || slices.Contains(reservedAttrs, a.Key)
}

// safeAttr renames a reserved attribute. "error" is what everybody calls an
// error: it keeps its name and takes the shape of the contract.
func safeAttr(a slog.Attr) slog.Attr {
	switch {
	case a.Key == "" && a.Value.Kind() == slog.KindGroup:
		inner := slices.Clone(a.Value.Group())
		for i, b := range inner {
			inner[i] = safeAttr(b)
		}
		return slog.Attr{Value: slog.GroupValue(inner...)}
	case a.Key == "error":
		value := a.Value.Resolve()
		if err, ok := value.Any().(error); ok {
			return slog.Any("error", jobError(soundError(err)))
		}
		return slog.Any("error", &dispatch.JobError{Message: jsonlog.Truncate(value.String(), maxErrorText)})
	case slices.Contains(reservedAttrs, a.Key):
		a.Key = reservedPrefix + a.Key
	}
	return a
}

// outputAttr is the output in the completion line, or its length alone.
func outputAttr(output json.RawMessage, hide bool) slog.Attr {
	if hide || len(output) > maxLoggedOutput {
		return slog.Int("outputBytes", len(output))
	}
	return slog.Any("output", output)
}
