package workersapi

import "net/http"

// object is a JSON object written by hand.
type object = map[string]any

// serveDocs answers with an OpenAPI document. It is public: tools find the
// service's name in x-service.
func (a *api) serveDocs(w http.ResponseWriter, r *http.Request) {
	stage := a.stage(r.Context())
	writeJSON(w, http.StatusOK, object{
		"openapi": "3.0.3",
		"info": object{
			"title":       "AI Worker Service",
			"version":     "1.0.0",
			"description": "Sends jobs to the workers of a stage and tells which there are.",
		},
		"servers": []any{object{
			"url": "https://{apiId}.execute-api.{region}.amazonaws.com/{stage}",
			"variables": object{
				"apiId":  object{"default": "api-id"},
				"region": object{"default": a.cfg.Region},
				"stage":  object{"default": stage},
			},
		}},
		"paths": object{
			pathDocs: object{"get": object{
				"summary":   "This document",
				"responses": object{"200": response("The document", object{"type": "object"})},
			}},
			pathConfig: object{"get": object{
				"summary":    "The workers of the stage, their queues and input schemas",
				"parameters": []any{header(headerConfigKey), query("debug", "1 or true adds the queue names and errors")},
				"responses": object{
					"200": response("The workers", object{"type": "object"}),
					"401": response("The key is missing or wrong", errorSchema()),
				},
			}},
			pathTrigger: object{"post": object{
				"summary":    "Puts a message into a worker's queue",
				"parameters": []any{header(headerTriggerKey), query("workerId", "the worker, when the body does not name it")},
				"requestBody": object{"required": true, "content": object{"application/json": object{"schema": object{
					"type": "object",
					"properties": object{
						"workerId":    object{"type": "string"},
						"body":        object{"description": "the message; text is sent as it is, anything else as JSON"},
						"messageBody": object{"type": "string", "description": "the message as text; wins over body"},
					},
				}}}},
				"responses": object{
					"200": response("The message is in the queue", object{
						"type":     "object",
						"required": []string{"ok", "workerId", "stage", "queueUrl", "messageId"},
						"properties": object{
							"ok":        object{"type": "boolean"},
							"workerId":  object{"type": "string"},
							"stage":     object{"type": "string"},
							"queueName": object{"type": "string"},
							"queueUrl":  object{"type": "string"},
							"messageId": object{"type": "string", "nullable": true},
						},
					}),
					"400": response("The worker or the message is missing", errorSchema()),
					"401": response("The key is missing or wrong", errorSchema()),
					"404": response("There is no such queue", errorSchema()),
					"413": response("The request is too large", errorSchema()),
					"500": response("SQS did not take the message", errorSchema()),
				},
			}},
		},
		"x-service": object{"serviceName": a.cfg.Service, "stage": stage, "region": a.cfg.Region},
	})
}

func response(description string, schema object) object {
	return object{"description": description, "content": object{"application/json": object{"schema": schema}}}
}

func errorSchema() object {
	return object{"type": "object", "required": []string{"error"}, "properties": object{
		"error":     object{"type": "string"},
		"queueName": object{"type": "string"},
		"message":   object{"type": "string"},
	}}
}

func header(name string) object {
	return object{"name": name, "in": "header", "schema": object{"type": "string"}}
}

func query(name, description string) object {
	return object{"name": name, "in": "query", "description": description, "schema": object{"type": "string"}}
}
