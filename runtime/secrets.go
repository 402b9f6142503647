package runtime

import (
	"context"
	"os"

	"github.com/microfox-ai/aiwctl/runtime/internal/secrets"
)

// LoadSecrets reads the secrets that the process's environment refers to and sets their
// variables: for each AIWORKER_SECRET_<NAME>, which a deployment sets to ssm:/path/name,
// secretsmanager:NAME or secretsmanager:NAME#field (the field of a JSON object), the variable
// NAME. One that is set already keeps its value, so that calling it again does nothing, and
// local work needs no AWS. Without such references it does nothing and needs no credentials.
//
// Main and App.Run call it in Lambda before anything else. A program that reads such
// variables before that, to open a job store for instance, calls it first thing in main.
//
// When a secret cannot be read within a few tries and 8 seconds, none is set. The error names
// the variables, their references and the permissions that may be missing; no error and no log
// line shows a value. A function that does not start is started again by Lambda with the next
// delivery.
func LoadSecrets(ctx context.Context) error {
	_, err := secrets.Load(ctx, secrets.Process{Environ: os.Environ(), Setenv: os.Setenv})
	return err
}

// loadSecrets is LoadSecrets for an App, which has read some of its settings already.
func (a *App) loadSecrets(ctx context.Context) error {
	n, err := secrets.Load(ctx, secrets.Process{Environ: os.Environ(), Setenv: os.Setenv})
	if err != nil || n == 0 {
		return err
	}
	a.webhook, err = newWebhookSender(a.cfg, a.log)
	return err
}
