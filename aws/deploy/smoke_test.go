package deploy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("x-workers-config-key")+r.Header.Get("Authorization"), "the-key") {
			http.Error(rw, "no key", http.StatusUnauthorized)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"version":"1","stage":"test","workers":{"mail":{"queueUrl":"https://sqs/mail"},"resize":{"queueUrl":"https://sqs/resize"}}}`))
	}))
	t.Cleanup(api.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	w := newWorld("test")
	w.params["/shop/test/WORKERS_API_KEY"] = types.Parameter{Value: new("the-key")}
	tagged := func(id string) any {
		return map[string]any{"Type": queueType, "Properties": map[string]any{"Tags": []any{map[string]any{"Key": project.TagWorker, "Value": id}}}}
	}
	outputs := func(ref string) map[string]any {
		return map[string]any{
			"Resources": map[string]any{"WorkerMailQueue": tagged("mail"), "WorkerReportQueue": tagged("report")},
			"Outputs":   map[string]any{project.OutputAPIURL: map[string]any{"Value": api.URL}, project.OutputAPIKey: map[string]any{"Value": ref}},
		}
	}
	base := &fakeStack{
		name: "shop-test", id: "shop-test", status: "CREATE_COMPLETE", template: string(marshal(outputs("ssm:/shop/test/WORKERS_API_KEY"))),
		tags: map[string]string{project.TagProject: "shop", project.TagStage: "test", project.TagService: "shop"},
	}
	w.stacks = append(w.stacks, base)
	function := func(id string) aws.Worker {
		return aws.Worker{ID: id, Queue: &aws.Queue{Name: id, MaxReceiveCount: 3}, Function: &aws.Function{Name: id, LogGroup: "/aws/lambda/" + id}}
	}
	w.inv = &aws.Inventory{Workers: []aws.Worker{function("mail"), function("resize")}}
	w.outcome = logs.Outcome{Status: logs.StatusCompleted, Duration: 120 * time.Millisecond}
	d := newDeployer(w, Options{})
	out, err := d.Smoke(t.Context(), "shop", Smoke{Inputs: map[string]json.RawMessage{"mail": json.RawMessage(`{"to":"ada"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	if out.OK() || !slices.Equal(out.Missing, []string{"report"}) || !slices.Equal(out.Workers, []string{"mail", "resize"}) || len(out.Jobs) != 1 || out.Jobs[0].Status != "completed" {
		t.Errorf("smoked %+v", out)
	}
	if !slices.Equal(w.sent, []string{`mail {"to":"ada"}`}) {
		t.Errorf("sent %q", w.sent)
	}

	base.template = string(marshal(outputs("")))
	w.outcome = logs.Outcome{Status: logs.StatusFailed, Error: &dispatch.JobError{Message: "no such person"}}
	if _, err := d.reveal(t.Context(), "secretsmanager:stage#nokey"); err == nil || strings.Contains(err.Error(), "k-of-stage") {
		t.Errorf("err = %v", err)
	}
	base.template = string(marshal(outputs("ssm:/shop/test/WORKERS_API_KEY")))
	out, err = d.Smoke(t.Context(), "shop", Smoke{Inputs: map[string]json.RawMessage{"mail": nil, "nobody": nil}})
	if err != nil || out.OK() || out.Jobs[0].Error != "job job-mail failed: no such person" || out.Jobs[1].Error != `worker "nobody" is not among those of the stage` {
		t.Errorf("smoked %+v, %v", out, err)
	}
	if key, err := d.reveal(t.Context(), "secretsmanager:stage#key"); key != "k-of-stage" || err != nil {
		t.Errorf("key %q, %v", key, err)
	}
}
