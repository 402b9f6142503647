package runtime

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// envStore names the job store of local work.
const envStore = "AIWORKER_STORE"

// openStore is the configuration's store, or the one that the environment names. A
// name that means nothing is an error: without its store a program would
// run jobs twice, and nobody would notice.
func openStore(cfg AppConfig) (jobstore.Store, error) {
	url := strings.TrimSpace(cfg.Getenv(envStore))
	if cfg.Store != nil || url == "" {
		return cfg.Store, nil
	}
	store, err := jobstore.Open(url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", envStore, err)
	}
	return store, nil
}
