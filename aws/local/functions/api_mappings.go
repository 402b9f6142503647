package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// reportFailures is the only response type that there is.
const reportFailures = "ReportBatchItemFailures"

const mappingsPerPage = 100

// mappingConfiguration is Lambda's EventSourceMappingConfiguration.
type mappingConfiguration struct {
	UUID                           string
	BatchSize                      int
	MaximumBatchingWindowInSeconds int
	EventSourceArn                 string
	EventSourceMappingArn          string
	FunctionArn                    string
	LastModified                   json.Number
	LastProcessingResult           string
	State                          string
	StateTransitionReason          string
	FunctionResponseTypes          []string
	ScalingConfig                  *scalingConfig `json:",omitempty"`
}

type scalingConfig struct {
	MaximumConcurrency *int `json:",omitempty"`
}

func (m *Manager) mappingConfiguration(s MappingStatus) mappingConfiguration {
	c := mappingConfiguration{
		UUID:                           s.UUID,
		BatchSize:                      s.BatchSize,
		MaximumBatchingWindowInSeconds: int(s.Window / time.Second),
		EventSourceArn:                 s.QueueARN,
		EventSourceMappingArn:          fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", m.cfg.Region, m.cfg.Account, s.UUID),
		FunctionArn:                    m.functionARN(s.FunctionName),
		LastModified:                   json.Number(fmt.Sprintf("%.3f", float64(s.Modified.UnixMilli())/1000)),
		LastProcessingResult:           s.LastResult,
		State:                          s.State,
		StateTransitionReason:          s.Reason,
		FunctionResponseTypes:          []string{},
	}
	if s.ReportBatchItemFailures {
		c.FunctionResponseTypes = []string{reportFailures}
	}
	if s.MaximumConcurrency > 0 {
		c.ScalingConfig = &scalingConfig{&s.MaximumConcurrency}
	}
	return c
}

func (m *Manager) listMappings(_ context.Context, r *http.Request) (int, any, error) {
	query := r.URL.Query()
	all := m.Mappings()
	if name := query.Get("FunctionName"); name != "" {
		name, err := m.resolve(name)
		if err != nil {
			return 0, nil, err
		}
		all = slices.DeleteFunc(all, func(s MappingStatus) bool { return s.FunctionName != name })
		if len(all) == 0 && m.function(name) == nil {
			return 0, nil, m.notFound(name)
		}
	}
	if arn := query.Get("EventSourceArn"); arn != "" {
		all = slices.DeleteFunc(all, func(s MappingStatus) bool { return s.QueueARN != arn })
	}
	// By UUID, so that pages stay right while mappings come and go.
	slices.SortFunc(all, func(a, b MappingStatus) int { return strings.Compare(a.UUID, b.UUID) })
	all, next, err := page(all, func(s MappingStatus) string { return s.UUID }, query, mappingsPerPage)
	if err != nil {
		return 0, nil, err
	}
	out := struct {
		EventSourceMappings []mappingConfiguration
		NextMarker          *string `json:",omitempty"`
	}{EventSourceMappings: []mappingConfiguration{}, NextMarker: next}
	for _, s := range all {
		out.EventSourceMappings = append(out.EventSourceMappings, m.mappingConfiguration(s))
	}
	return http.StatusOK, out, nil
}

func (m *Manager) getMapping(_ context.Context, r *http.Request) (int, any, error) {
	mp, err := m.mapping(r.PathValue("uuid"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, m.mappingConfiguration(mp.status()), nil
}

func (m *Manager) updateMapping(_ context.Context, r *http.Request) (int, any, error) {
	mp, err := m.mapping(r.PathValue("uuid"))
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		FunctionName                   *string
		Enabled                        *bool
		BatchSize                      *int
		MaximumBatchingWindowInSeconds *int
		FunctionResponseTypes          *[]string
		ScalingConfig                  *scalingConfig
	}
	if err := wire.ReadJSON(r, 1<<20, &in); err != nil {
		return 0, nil, err
	}
	m.putting.Lock()
	defer m.putting.Unlock()
	spec := mp.snapshot()
	was := spec.Enabled
	if in.FunctionName != nil {
		if spec.FunctionName, err = m.resolve(*in.FunctionName); err != nil {
			return 0, nil, err
		}
	}
	if in.Enabled != nil {
		spec.Enabled = *in.Enabled
	}
	if in.BatchSize != nil {
		spec.BatchSize = *in.BatchSize
	}
	if in.MaximumBatchingWindowInSeconds != nil {
		spec.Window = time.Duration(*in.MaximumBatchingWindowInSeconds) * time.Second
	}
	if in.FunctionResponseTypes != nil {
		spec.ReportBatchItemFailures = false
		for _, name := range *in.FunctionResponseTypes {
			if name != reportFailures {
				return 0, nil, wire.Errorf("InvalidParameterValueException", "%q is not a function response type; there is only %s", name, reportFailures)
			}
			spec.ReportBatchItemFailures = true
		}
	}
	if in.ScalingConfig != nil {
		spec.MaximumConcurrency = 0 // an empty object takes the setting away
		if most := in.ScalingConfig.MaximumConcurrency; most != nil {
			if spec.MaximumConcurrency = *most; *most == 0 {
				return 0, nil, wire.NewError("InvalidParameterValueException", "MaximumConcurrency 0 is not between 2 and 1000")
			}
		}
	}
	// A mapping whose queue or function has gone can still be disabled.
	if err := mp.change(spec, spec.Enabled); err != nil {
		return 0, nil, err
	}
	c := m.mappingConfiguration(mp.status())
	c.State = changing(was, spec.Enabled)
	return http.StatusAccepted, c, nil
}

// changing is the state in which Lambda answers an update: it is never done yet.
func changing(was, enabled bool) string {
	switch {
	case enabled && !was:
		return stateEnabling
	case !enabled && was:
		return stateDisabling
	}
	return stateUpdating
}
