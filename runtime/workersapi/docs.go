package workersapi

import "net/http"

// object is a JSON object written by hand.
type object = map[string]any

const (
	openAPIVersion = "3.1.0"
	// schemaDialect makes schemas in the document mean what they mean elsewhere.
	schemaDialect = "https://json-schema.org/draft/2020-12/schema"
)

// serveDocs answers with an OpenAPI document. It is public: tools find the
// service's name in x-service. The workers' schemas are for whoever may read
// config, where there is a key for that.
func (a *api) serveDocs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", headerConfigKey)
	var workers workerSchemas
	if authorized(r.Header.Get(headerConfigKey), a.cfg.ConfigKey) {
		workers = a.schemas()
	}
	writeJSON(w, http.StatusOK, a.document(a.stage(r.Context()), workers))
}

func (a *api) document(stage string, workers workerSchemas) object {
	return object{
		"openapi":           openAPIVersion,
		"jsonSchemaDialect": schemaDialect,
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
			pathDocs:    object{"get": a.docsOperation()},
			pathConfig:  object{"get": a.configOperation()},
			pathTrigger: object{"post": a.triggerOperation(workers)},
		},
		"webhooks": workers.webhooks(),
		"components": object{
			"schemas": workers.components(),
			"securitySchemes": object{
				schemeTrigger: object{"type": "apiKey", "in": "header", "name": headerTriggerKey, "description": "The stage's key, WORKERS_API_KEY."},
				schemeConfig:  object{"type": "apiKey", "in": "header", "name": headerConfigKey, "description": "The stage's key, WORKERS_API_KEY."},
			},
		},
		"x-service": object{"serviceName": a.cfg.Service, "stage": stage, "region": a.cfg.Region},
	}
}

// The names of the security schemes.
const (
	schemeTrigger = "triggerKey"
	schemeConfig  = "configKey"
)

// security is what an operation wants; without a key it is open.
func security(scheme, key string) []any {
	if key == "" {
		return []any{}
	}
	return []any{object{scheme: []any{}}}
}

func (a *api) docsOperation() object {
	// The key is optional here, which an empty requirement says.
	security := []any{}
	if a.cfg.ConfigKey != "" {
		security = []any{object{}, object{schemeConfig: []any{}}}
	}
	return object{
		"operationId": "getDocs",
		"summary":     "This document",
		"description": "On a stage with a key, the workers and their schemas are only in the answer to a request with the key.",
		"security":    security,
		"responses": object{
			"200": response("The document", object{"type": "object", "required": []string{"openapi", "info", "paths"}}),
			"405": response("The method is not GET", refTo("Error")),
		},
	}
}

func (a *api) configOperation() object {
	return object{
		"operationId": "getWorkersConfig",
		"summary":     "The workers of the stage, their queues and schemas",
		"description": "A worker whose queue cannot be found is missing. What is known of queues may be a minute old.",
		"security":    security(schemeConfig, a.cfg.ConfigKey),
		"parameters":  []any{query("debug", "1 or true adds the queue names and the errors, on a stage with a key")},
		"responses": object{
			"200": response("The workers", refTo("WorkersConfig")),
			"401": response("The key is missing or wrong", refTo("Error")),
			"405": response("The method is not GET", refTo("Error")),
			"500": response("The answer could not be written", refTo("Error")),
		},
	}
}

func (a *api) triggerOperation(workers workerSchemas) object {
	return object{
		"operationId": "triggerWorker",
		"summary":     "Puts a message into a worker's queue",
		"description": "The message is messageBody if that is text, else body, else the whole request.",
		"security":    security(schemeTrigger, a.cfg.TriggerKey),
		"parameters": []any{
			query("workerId", "the worker, when the request does not name it"),
			object{
				"name": "validate", "in": "query",
				"description": "off sends any text: the message need not be a job, and its input need not fit the worker's schema",
				"schema":      object{"type": "string", "enum": []string{"on", "off"}, "default": "on"},
			},
		},
		"requestBody": object{"required": true, "content": object{"application/json": object{"schema": workers.triggerRequest()}}},
		"responses": object{
			"200": response("The message is in the queue", refTo("TriggerResult")),
			"400": response("The worker or the message is missing, the message is not a job, or its input does not fit the worker's schema", refTo("Error")),
			"401": response("The key is missing or wrong", refTo("Error")),
			"404": response("There is no such queue", refTo("Error")),
			"405": response("The method is not POST", refTo("Error")),
			"413": response("The request or its message is too large", refTo("Error")),
			"500": response("SQS did not take the message", refTo("Error")),
		},
	}
}

func response(description string, schema object) object {
	return object{"description": description, "content": object{"application/json": object{"schema": schema}}}
}

func query(name, description string) object {
	return object{"name": name, "in": "query", "description": description, "schema": object{"type": "string"}}
}
