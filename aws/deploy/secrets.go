package deploy

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// maxParameter is how long the value of a parameter of the standard tier may be, in bytes.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
const maxParameter = 4096

// apiKeyName is the variable of the key of the workers API.
const apiKeyName = "WORKERS_API_KEY" //nolint:gosec // where a key is, not a key

// planSecrets compares the secrets to be stored with those that are, and finds what they stand in
// the way of.
func (d *Deployer) planSecrets(ctx context.Context, p *project.Project, secrets []Secret) ([]SecretPlan, []Refusal, error) {
	var refusals []Refusal
	plans := make([]SecretPlan, 0, len(secrets)+1)
	stored := map[string]bool{}
	for i := range secrets {
		s := &secrets[i]
		if stored[s.Ref.Name] {
			continue
		}
		stored[s.Ref.Name] = true
		plans = append(plans, SecretPlan{Ref: s.Ref.String(), Workers: slices.Clone(s.Workers), ref: s.Ref, reveal: s.Reveal})
		if n := len(s.Reveal()); n > maxParameter || n == 0 {
			text := fmt.Sprintf("secret %s has %d bytes, and a parameter of SSM takes %d: keep it in Secrets Manager and give its reference, secretsmanager:NAME, as the value", s.Ref, n, maxParameter)
			if n == 0 {
				text = fmt.Sprintf("secret %s is empty, and SSM stores no empty parameter: give it a value", s.Ref)
			}
			refusals = append(refusals, Refusal{Object: s.Ref.String(), Text: text})
		}
	}
	// The key of the workers API is made once, and never again.
	if key := p.APIKey; key.Store == project.SSM && key.Name == project.ParameterName(p.Service, p.Stage, apiKeyName) && !stored[key.Name] {
		plans = append(plans, SecretPlan{Ref: key.String(), ref: key})
	}
	slices.SortFunc(plans, func(a, b SecretPlan) int { return strings.Compare(a.Ref, b.Ref) })
	err := each(ctx, len(plans), func(ctx context.Context, i int) error { return d.compareSecret(ctx, &plans[i]) })
	return plans, refusals, err
}

// compareSecret sets a plan's Action.
func (d *Deployer) compareSecret(ctx context.Context, s *SecretPlan) error {
	out, err := d.api.Parameters().GetParameter(ctx, &ssm.GetParameterInput{Name: &s.ref.Name, WithDecryption: awssdk.Bool(s.reveal != nil)})
	kind, hint := aws.Classify(err)
	switch {
	case err == nil && (s.reveal == nil || awssdk.ToString(out.Parameter.Value) == s.reveal()):
		s.Action = Keep
	case err == nil:
		s.Action = Update
	case kind == aws.KindNotFound:
		s.Action = Create
	case kind == aws.KindDenied && s.reveal == nil:
		s.Action, s.Unread = Create, clean(cmp.Or(hint, err.Error())) // it is never overwritten
	case kind == aws.KindDenied:
		s.Action, s.Unread = Update, clean(cmp.Or(hint, err.Error()))
	default:
		return fmt.Errorf("read parameter %s: %w", s.ref.Name, err)
	}
	return nil
}

// storeSecret stores one. Tags can be given to a parameter only when it is made, so that
// one somebody else made bears none and is not removed with the stage.
func (r *run) storeSecret(ctx context.Context, s *SecretPlan) error {
	value := ""
	if s.reveal != nil {
		value = s.reveal()
	} else {
		var random [32]byte
		r.d.opts.Random(random[:])
		value = hex.EncodeToString(random[:])
	}
	in := &ssm.PutParameterInput{
		Name: &s.ref.Name, Value: &value, Type: ssmtypes.ParameterTypeSecureString,
		Tags: []ssmtypes.Tag{
			{Key: awssdk.String(project.TagProject), Value: &r.p.Service},
			{Key: awssdk.String(project.TagStage), Value: &r.p.Stage},
		},
	}
	_, err := r.w.PutParameter(ctx, in)
	if code(err) == "ParameterAlreadyExists" {
		if s.reveal == nil {
			return nil
		}
		in.Overwrite, in.Tags = awssdk.Bool(true), nil
		_, err = r.w.PutParameter(ctx, in)
	}
	if err != nil && strings.Contains(err.Error(), value) { // what AWS finds wrong with it may quote it
		return fmt.Errorf("store parameter %s: SSM refuses the value: %s", s.ref.Name, code(err))
	}
	if err != nil {
		return fmt.Errorf("store parameter %s: %w", s.ref.Name, err)
	}
	return nil
}

// parameters are the names of those that push made for a stage: what bears its tags below the
// stage's path. No value is decrypted for it.
func (d *Deployer) parameters(ctx context.Context, service, stage string) ([]string, error) {
	path := "/" + service + "/" + stage
	var names []string
	in := &ssm.GetParametersByPathInput{Path: &path, Recursive: awssdk.Bool(true)}
	for {
		page, err := d.api.Parameters().GetParametersByPath(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the parameters below %s: %w", path, err)
		}
		for _, p := range page.Parameters {
			names = append(names, awssdk.ToString(p.Name))
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			break
		}
	}
	made := make([]bool, len(names))
	err := each(ctx, len(names), func(ctx context.Context, i int) error {
		out, err := d.api.Parameters().ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: ssmtypes.ResourceTypeForTaggingParameter, ResourceId: &names[i]})
		if err != nil {
			return fmt.Errorf("read the tags of parameter %s: %w", names[i], err)
		}
		tags := map[string]string{}
		for _, t := range out.TagList {
			tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
		made[i] = tags[project.TagProject] == service && tags[project.TagStage] == stage
		return nil
	})
	var out []string
	for i, name := range names {
		if made[i] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, err
}
