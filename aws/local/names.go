package local

import (
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// The names of a deployed stage. A console that finds a worker's parts by name
// finds them here under the same ones.

func (s *Server) queueName(w dispatch.ManifestWorker) string {
	return s.cfg.Service + "-" + w.ID + "-" + s.cfg.Stage + queueSuffix(w)
}

func (s *Server) dlqName(w dispatch.ManifestWorker) string {
	return s.cfg.Service + "-" + w.ID + "-dlq-" + s.cfg.Stage + queueSuffix(w)
}

// queueSuffix is what SQS insists on in the name of a FIFO queue.
func queueSuffix(w dispatch.ManifestWorker) string {
	if w.SQS.FIFO {
		return ".fifo"
	}
	return ""
}

func (s *Server) functionName(workerID string) string {
	return s.cfg.Service + "-" + s.cfg.Stage + "-worker" + upperCamel(workerID)
}

func (s *Server) apiFunctionName() string {
	return s.cfg.Service + "-" + s.cfg.Stage + "-api"
}

// upperCamel splits an id at everything that is not an ASCII letter or digit and
// gives each part a capital and small letters: results-aggregator becomes
// ResultsAggregator, smartDemo becomes Smartdemo.
func upperCamel(id string) string {
	parts := strings.FieldsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
	}
	return strings.Join(parts, "")
}
