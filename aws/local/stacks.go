package local

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/objects"
	"github.com/microfox-ai/aiwctl/aws/local/resources"
	"github.com/microfox-ai/aiwctl/aws/local/rules"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// startStacks makes the services that deployments use, below the endpoint's private
// directory.
func (s *Server) startStacks() {
	cfg := s.cfg
	s.objects = objects.New(objects.Config{
		Dir: filepath.Join(s.manifest.dir, "objects"), Region: cfg.Region, Account: cfg.Account, Logger: cfg.Logger,
	})
	s.rules = rules.New(rules.Config{Region: cfg.Region, Account: cfg.Account, Send: s.sendEvent, Logger: cfg.Logger})
	made := resources.New(resources.Config{
		Region: cfg.Region, Account: cfg.Account, Queues: s.queues, Functions: s.functions, Logs: s.logs, APIs: &s.apis, Rules: s.rules,
		Open: s.objects.Open, Dir: filepath.Join(s.manifest.dir, "functions"), Logger: cfg.Logger,
	})
	s.stacks = stacks.New(stacks.Config{
		Region: cfg.Region, Account: cfg.Account, Logger: cfg.Logger, Pace: cfg.StackPace,
		Kinds: made.Kinds(), Template: s.template, Rewrite: func(text string) string { return s.apis.Rewrite(text, s.endpoint) },
	})
}

// sendEvent delivers what a rule sends.
func (s *Server) sendEvent(target, group, text string) error {
	if strings.HasPrefix(target, "arn:aws:lambda:") {
		return s.functions.InvokeLater(target, []byte(text))
	}
	_, err := s.queues.Send(target, group, text)
	return err
}

// stackEnv is what the functions of stacks have in their environment besides what their
// templates say, which wins over it: the SDKs' own variables are Lambda's business.
func (s *Server) stackEnv() []string {
	return append([]string{
		"AIWORKER_STORE=" + jobStore(s.cfg, s.manifest),
		"WORKER_WEBHOOK_ALLOW_PRIVATE=true",
	}, s.cfg.Env...)
}

// template opens what a TemplateURL names: an object of this endpoint, by a URL in path style
// or by one of S3's own.
func (s *Server) template(address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, wire.NewError("ValidationError", "TemplateURL must be a supported URL.")
	}
	path := strings.TrimPrefix(u.Path, "/")
	bucket, key, _ := strings.Cut(path, "/")
	if host := u.Hostname(); strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") {
		if name, _, virtual := strings.Cut(host, ".s3."); virtual {
			bucket, key = name, path
		}
	}
	file, err := s.objects.Open(bucket, key)
	if err != nil {
		e, internal := wire.AsError(err)
		if internal {
			return nil, err
		}
		return nil, wire.Errorf("ValidationError", "S3 error: %s\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html", e.Message)
	}
	return file, nil
}
