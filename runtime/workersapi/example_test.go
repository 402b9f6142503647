package workersapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/workersapi"
)

// The workers API as a part of an HTTP server.
func ExampleNew() {
	api := workersapi.New(workersapi.Config{
		Manifest: dispatch.Manifest{Workers: []dispatch.ManifestWorker{{
			ID:          "resize",
			InputSchema: json.RawMessage(`{"type":"object","required":["url"],"properties":{"url":{"type":"string"}}}`),
		}}},
		Service: "shop",
		Stage:   "prod",
		Key:     "the key of the stage",
		Output:  io.Discard,
	})
	mux := http.NewServeMux()
	mux.Handle("/jobs/", http.StripPrefix("/jobs", api))

	r := httptest.NewRequest("POST", "/jobs/workers/trigger", strings.NewReader(`{"workerId":"resize","body":{"jobId":"job-1","input":{"url":7}}}`))
	r.Header.Set("x-workers-trigger-key", "the key of the stage")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)

	var answer struct {
		Violations []struct{ Pointer, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.Code, answer.Violations[0].Pointer, answer.Violations[0].Message)
	// Output: 400 /url must be a string, is a number (7)
}

// The workers API as a Lambda function of its own, behind API Gateway or a function
// URL. Stage, service, queues and key come from the environment.
func ExampleLambdaHandler() {
	main := func(manifest dispatch.Manifest) {
		lambda.Start(workersapi.LambdaHandler(workersapi.New(workersapi.Config{Manifest: manifest})))
	}
	_ = main // lambda.Start serves until the process ends
}
