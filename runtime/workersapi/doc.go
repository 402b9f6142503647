// Package workersapi is the HTTP API of a stage: it puts jobs into the workers'
// queues and says which workers there are.
//
//	POST /workers/trigger   puts a message into a worker's queue
//	GET  /workers/config    the workers, their queues and schemas
//	GET  /docs.json         an OpenAPI 3.1 document
//
// Paths, statuses, bodies and headers are those of the deployed system, whose
// clients use it unchanged.
//
// # Serving it
//
// New makes a plain http.Handler. LambdaHandler puts it behind API Gateway, as a
// REST API or an HTTP API, or behind a function URL: it recognises by the event
// which of them it is. A worker program needs neither: started with the handler
// setting "api", it serves the workers API by itself.
//
// # Keys
//
// Trigger and config want a key where one is configured, in the headers
// x-workers-trigger-key and x-workers-config-key. Keys are compared in constant
// time and never logged. The document is public, since tools find the service's
// name in it; but on a stage with a key, what it says of single workers (ids and
// schemas) is only for requests that carry the key for config.
//
// # What trigger refuses
//
// A message that no worker could run is refused with status 400 before it gets
// into a queue: one that is not a JSON object, has no job id, or names another
// worker than the request does. So is one whose input does not fit the worker's
// schema; the answer then lists the violations:
//
//	{"error": "...", "violations": [{"pointer": "/url", "keyword": "type", "message": "must be a string, is a number (7)", "line": 1, "column": 8}]}
//
// Line and column count from the start of the input. The API never refuses what
// the worker would take: what it cannot check, it sends. The query parameter
// validate=off turns all of this off, and any text is sent, as by the deployed
// system.
package workersapi
