package dispatch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

// One schema serves every screen and every job: run with -race. It is wide, since
// names are looked up differently in wide objects.
func TestSchemaOfManyNamesIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	properties := make([]string, 100)
	for i := range properties {
		properties[i] = fmt.Sprintf(`"p%d":{"type":"string","default":"x"}`, i)
	}
	schema := json.RawMessage(`{"allOf":[{"type":"object","properties":{` + strings.Join(properties, ",") +
		`}},{"properties":{"q":{"type":"string","pattern":"(?=a)"}},"required":["q"]}]}`)
	for _, options := range [][]dispatch.SchemaOption{nil, {dispatch.TolerateOutputMode()}} {
		s, err := fullschema.Compile(schema, options...)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if found := s.Validate(s.Skeleton()); len(found) > 0 {
					t.Errorf("skeleton: %v", found[0])
				}
				if found := s.Validate([]byte(`{"p1":1,"q":"b"}`)); len(found) != 2 {
					t.Errorf("violations: %v", found)
				}
				s.Warnings()
			})
		}
		group.Wait()
	}
}
