// Package secrets is Secrets Manager as far as somebody reads secrets from it, and what it takes
// for there to be some: in memory, over its JSON protocol. Nothing is encrypted or rotated, and
// of a secret's versions the newest and the one before it are kept.
//
// Facts about the service are those of its API reference
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/).
package secrets

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Target is the prefix of X-Amz-Target in requests for the service.
const Target = "secretsmanager"

// Config configures New. The zero value works.
type Config struct {
	// Region and Account appear in ARNs; empty means us-east-1 and 000000000000.
	Region, Account string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger
}

// Secrets is one Secrets Manager. It is safe for concurrent use.
type Secrets struct {
	cfg Config

	mu  sync.Mutex
	all map[string]*secret // by name
}

type secret struct {
	name, arn string
	// current and previous are its versions; previous is nil until there is one.
	current, previous *version
}

type version struct {
	id      string
	text    *string
	binary  []byte
	created time.Time
}

// New makes an empty one.
func New(cfg Config) *Secrets {
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	cfg.Account = cmp.Or(cfg.Account, "000000000000")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Secrets{cfg: cfg, all: map[string]*secret{}}
}

// Handler answers requests of the service's JSON protocol.
func (s *Secrets) Handler() http.Handler {
	h := &wire.Service{Target: Target, Version: wire.JSON11, Logger: s.cfg.Logger}
	h.Handle("CreateSecret", wire.JSON(s.create))
	h.Handle("PutSecretValue", wire.JSON(s.put))
	h.Handle("GetSecretValue", wire.JSON(s.get))
	return h
}

// maxSecret is how long a secret may be, in bytes.
const maxSecret = 65536

var named = regexp.MustCompile(`^[a-zA-Z0-9/_+=.@-]+$`) // of 512 characters at most: counted by the expression, they cost every start 2 ms

type valueInput struct {
	Name, SecretId, ClientRequestToken string //nolint:revive // the API's spelling
	SecretString                       *string
	SecretBinary                       []byte
}

type madeOutput struct {
	ARN, Name     string
	VersionId     string   `json:",omitempty"` //nolint:revive // the API's spelling
	VersionStages []string `json:",omitempty"`
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterException", format, args...)
}

// version is what a request stores; nil when it stores nothing.
func (s *Secrets) version(in *valueInput) (*version, error) {
	switch {
	case in.SecretString != nil && in.SecretBinary != nil:
		return nil, invalid("You can't specify both a binary secret value and a string secret value in the same secret.")
	case in.SecretString == nil && in.SecretBinary == nil:
		return nil, nil
	case len(in.SecretBinary) > maxSecret || in.SecretString != nil && len(*in.SecretString) > maxSecret:
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to %d", maxSecret)
	}
	return &version{id: cmp.Or(in.ClientRequestToken, wire.NewID()), text: in.SecretString, binary: in.SecretBinary, created: s.cfg.Now()}, nil
}

func (s *Secrets) create(_ context.Context, in *valueInput) (*madeOutput, error) {
	if len(in.Name) > 512 || !named.MatchString(in.Name) {
		return nil, wire.NewError("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	v, err := s.version(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[in.Name] != nil {
		return nil, wire.Errorf("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
	}
	one := &secret{
		name: in.Name, current: v,
		arn: fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", s.cfg.Region, s.cfg.Account, in.Name, rand.Text()[:6]),
	}
	s.all[in.Name] = one
	out := &madeOutput{ARN: one.arn, Name: one.name}
	if v != nil {
		out.VersionId = v.id
	}
	return out, nil
}

// find is the secret of a name, an ARN, or an ARN without its last six characters; callers hold mu.
func (s *Secrets) find(id string) (*secret, error) {
	for _, one := range s.all {
		if one.name == id || one.arn == id || strings.HasPrefix(id, "arn:") && one.arn[:len(one.arn)-7] == id {
			return one, nil
		}
	}
	return nil, wire.NewError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

func (s *Secrets) put(_ context.Context, in *valueInput) (*madeOutput, error) {
	v, err := s.version(in)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, wire.NewError("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, err := s.find(in.SecretId)
	if err != nil {
		return nil, err
	}
	one.previous, one.current = one.current, v
	return &madeOutput{ARN: one.arn, Name: one.name, VersionId: v.id, VersionStages: []string{currentStage}}, nil
}

// The stages of a secret's versions.
const (
	currentStage  = "AWSCURRENT"
	previousStage = "AWSPREVIOUS"
)

type getInput struct{ SecretId, VersionId, VersionStage string } //nolint:revive // the API's spelling

type getOutput struct {
	ARN, Name     string
	VersionId     string  //nolint:revive // the API's spelling
	SecretString  *string `json:",omitempty"`
	SecretBinary  []byte  `json:",omitempty"`
	VersionStages []string
	CreatedDate   wire.Time
}

func (s *Secrets) get(_ context.Context, in *getInput) (*getOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, err := s.find(in.SecretId)
	if err != nil {
		return nil, err
	}
	stage := cmp.Or(in.VersionStage, currentStage)
	v := one.current
	if stage == previousStage || in.VersionId != "" && one.previous != nil && one.previous.id == in.VersionId {
		v, stage = one.previous, previousStage
	}
	if v == nil || in.VersionId != "" && v.id != in.VersionId || stage != currentStage && stage != previousStage {
		what := "staging label: " + stage
		if in.VersionId != "" {
			what = "VersionId: " + in.VersionId
		}
		return nil, wire.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for %s", what)
	}
	return &getOutput{
		ARN: one.arn, Name: one.name, VersionId: v.id, SecretString: v.text, SecretBinary: v.binary,
		VersionStages: []string{stage}, CreatedDate: wire.Time{Time: v.created},
	}, nil
}
