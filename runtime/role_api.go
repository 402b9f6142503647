package runtime

import (
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/workersapi"
)

// apiHandler is what the function of the workers API does, behind API Gateway or
// a function URL.
func (a *App) apiHandler() (any, error) {
	manifest := a.Manifest()
	if path := manifestPath(a.cfg.Getenv); path != "" {
		var err error
		if manifest, err = readManifest(path); err != nil {
			return nil, err
		}
	}
	return workersapi.LambdaHandler(workersapi.New(workersapi.Config{
		Manifest: manifest, SQS: a.cfg.SQS, SchemaEngine: a.schemaEngine(), Output: a.out, Logger: a.cfg.Logger, Getenv: a.cfg.Getenv,
	})), nil
}

// schemaEngine is the engine that one of the workers needs; nil when none does.
func (a *App) schemaEngine() dispatch.SchemaEngine {
	for _, d := range a.workers {
		if d.settings.engine != nil {
			return d.settings.engine
		}
	}
	return nil
}
