package redisstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// A worker gives the store to its program, with the variables that its TypeScript
// neighbours have:
//
//	store, err := redisstore.FromEnv(os.Getenv)
//	...
//	runtime.NewApp(runtime.AppConfig{Store: store}, workers...)
func ExampleNew() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer func() { _ = client.Close() }()

	ctx := context.Background()
	store := redisstore.New(client)
	claim := jobstore.Claim{
		JobID: "job-1", WorkerID: "echo", Input: json.RawMessage(`{"text":"hello"}`),
		Owner: "request-1", Lease: time.Now().Add(time.Minute),
	}
	claimed, err := store.Claim(ctx, claim)
	if err != nil {
		panic(err)
	}
	fmt.Println("claimed:", claimed.Decision == jobstore.ClaimedJob)

	err = store.Update(ctx, "job-1", jobstore.Update{
		Owner: "request-1", Status: jobstore.Completed, Output: json.RawMessage(`{"text":"HELLO"}`),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(server.HGet("worker:jobs:job-1", "status"), server.HGet("worker:jobs:job-1", "output"))
	// Output:
	// claimed: true
	// completed {"text":"HELLO"}
}
