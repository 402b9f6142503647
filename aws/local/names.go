package local

import (
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
	return dispatch.FunctionName(s.cfg.Service, s.cfg.Stage, workerID)
}

func (s *Server) apiFunctionName() string {
	return s.cfg.Service + "-" + s.cfg.Stage + "-api"
}
