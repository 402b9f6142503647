package deploy

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Outcome is what came of a deployment.
type Outcome string

// The outcomes. One that begun and has no end was killed, or is under way.
const (
	Begun       Outcome = "begun"
	Done        Outcome = "done"
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted"
)

// Deployment is the record of one, as it is kept in the bucket. It has no secret in it.
type Deployment struct {
	Version int `json:"version"` // 1
	// ID sorts by time, to the millisecond: 20261128T110203456Z-9f2c41.
	ID      string `json:"id"`
	Kind    Kind   `json:"kind"`
	Service string `json:"service"`
	Stage   string `json:"stage"`
	// To is the deployment that a roll-back went to.
	To string `json:"to,omitempty"`
	// By is who, as AWS knows them; Revision the source's; Tool this program's version.
	By       string    `json:"by,omitempty"`
	Revision string    `json:"revision,omitempty"`
	Tool     string    `json:"tool,omitempty"`
	Begun    time.Time `json:"begun"`
	// Ended is zero until it has.
	Ended   time.Time `json:"ended,omitzero"`
	Outcome Outcome   `json:"outcome"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
	// Stacks are all of the stage, those that were kept too.
	Stacks  []DeployedStack  `json:"stacks,omitempty"`
	Workers []DeployedWorker `json:"workers,omitempty"`
	// Queues are those that went with messages in them, as confirmed.
	Queues []QueueLoss `json:"queues,omitempty"`
}

// DeployedStack is a stack in the record of a deployment.
type DeployedStack struct {
	Name   string `json:"name"`
	Group  string `json:"group,omitempty"`
	Action Action `json:"action"`
	// Template is the key of its template in the bucket; empty for one that was deleted.
	Template string `json:"template,omitempty"`
}

// DeployedWorker is a worker in the record of a deployment.
type DeployedWorker struct {
	ID    string `json:"id"`
	Group string `json:"group,omitempty"`
	// Artifact is the key of its zip file in the bucket, SHA256 its hash.
	Artifact string `json:"artifact"`
	SHA256   string `json:"sha256"`
}

// changeSetPrefix begins the name of a deployment's change sets: CloudFormation then says
// itself which deployment has changed a stack last.
const changeSetPrefix = "aiwctl-"

// recordVersion is Deployment.Version.
const recordVersion = 1

func recordPrefix(service, stage string) string { return prefixOf(service, stage) + "deployments/" }

func recordKey(service, stage, id string) string {
	return recordPrefix(service, stage) + id + ".json"
}

// newID is the id of a deployment that begins now.
func (d *Deployer) newID() string {
	var random [3]byte
	d.opts.Random(random[:])
	now := strings.ReplaceAll(d.opts.Now().UTC().Format("20060102T150405.000Z"), ".", "") // which no change set's name may contain
	return now + "-" + hex.EncodeToString(random[:])
}

// records are a stage's deployments, read one after another from the newest.
type records struct {
	d      *Deployer
	bucket bucket
	keys   []string // oldest first
}

func (d *Deployer) records(ctx context.Context, b bucket, service, stage string) (*records, error) {
	prefix := recordPrefix(service, stage)
	keys, err := d.list(ctx, b, prefix)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool {
		id, ok := strings.CutSuffix(strings.TrimPrefix(key, prefix), ".json")
		return !ok || id == "" || strings.Contains(id, "/")
	})
	slices.Sort(keys)
	return &records{d: d, bucket: b, keys: keys}, nil
}

// read reads the i-th from the newest; nil when there is none, or when it is no record.
func (r *records) read(ctx context.Context, i int) (*Deployment, error) {
	if i < 0 || i >= len(r.keys) {
		return nil, nil
	}
	text, err := r.d.get(ctx, r.bucket, r.keys[len(r.keys)-1-i])
	if err != nil {
		return nil, err
	}
	var rec Deployment
	if err := json.Unmarshal(text, &rec); err != nil || rec.ID == "" {
		return nil, nil //nolint:nilerr // what is no record is passed over, as any object could have its name
	}
	return &rec, nil
}

// newest reads the newest that is as wanted, of the newest most; nil when none is.
func (r *records) newest(ctx context.Context, wanted func(*Deployment) bool) (*Deployment, error) {
	const most = 50
	for i := range min(len(r.keys), most) {
		rec, err := r.read(ctx, i)
		if err != nil {
			return nil, err
		}
		if rec != nil && wanted(rec) {
			return rec, nil
		}
	}
	return nil, nil
}

// last are the newest n, newest first.
func (r *records) last(ctx context.Context, n int) ([]Deployment, error) {
	read := make([]*Deployment, min(n, len(r.keys)))
	err := each(ctx, len(read), func(ctx context.Context, i int) (err error) {
		read[i], err = r.read(ctx, i)
		return err
	})
	out := make([]Deployment, 0, len(read))
	for _, rec := range read {
		if rec != nil {
			out = append(out, *rec)
		}
	}
	return out, err
}

// get reads an object that is not large.
func (d *Deployer) get(ctx context.Context, b bucket, key string) ([]byte, error) {
	out, err := d.api.S3().GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: &b.account})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", b.name, key, err)
	}
	defer out.Body.Close()
	const most = 8 << 20 // templates have at most 1 MB
	text, err := io.ReadAll(io.LimitReader(out.Body, most))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", b.name, key, err)
	}
	return text, nil
}

// templates are the stacks of a deployment and their templates' keys.
func (rec *Deployment) templates() map[string]string {
	out := map[string]string{}
	for _, s := range rec.Stacks {
		if s.Template != "" {
			out[s.Name] = s.Template
		}
	}
	return out
}

// writeRecord puts the record where it belongs, as it is now.
func (r *run) writeRecord(ctx context.Context) error {
	text, err := json.MarshalIndent(r.rec, "", "  ")
	if err != nil {
		return err
	}
	key := recordKey(r.rec.Service, r.rec.Stage, r.rec.ID)
	if err := r.put(ctx, key, text, "application/json"); err != nil {
		return fmt.Errorf("record the deployment: %w", err)
	}
	return nil
}
