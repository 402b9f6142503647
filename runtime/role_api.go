package runtime

import (
	"github.com/microfox-ai/aiwctl/runtime/workersapi"
)

// apiHandler is what the function of the workers API does.
func (a *App) apiHandler() (any, error) {
	manifest := a.Manifest()
	if path := a.cfg.Getenv("AIWORKER_MANIFEST"); path != "" {
		var err error
		if manifest, err = readManifest(path); err != nil {
			return nil, err
		}
	}
	return workersapi.GatewayHandler(workersapi.New(workersapi.Config{Manifest: manifest, Output: a.out, Logger: a.cfg.Logger, Getenv: a.cfg.Getenv})), nil
}
