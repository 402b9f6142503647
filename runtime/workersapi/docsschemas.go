package workersapi

// refTo is a reference to a schema of the document; its name needs no escapes.
func refTo(name string) object { return object{"$ref": "#" + schemaPointer(name)} }

// schemaPointer is where a schema stands in the document.
func schemaPointer(name string) string { return "/components/schemas/" + name }

// text and what follows are the schemas that the document is made of.
func text(description string) object { return described("string", description) }

func integer(description string) object { return described("integer", description) }

func described(kind, description string) object {
	return object{"type": kind, "description": description}
}

// record is the schema of an object; names are its required members.
func record(properties object, names ...string) object {
	out := object{"type": "object", "properties": properties}
	if len(names) > 0 {
		out["required"] = names
	}
	return out
}

// sharedSchemas are the document's schemas that do not depend on the workers.
func sharedSchemas() object {
	return object{
		"Error": record(object{
			"error":      text("what went wrong"),
			"queueName":  text("the queue that was looked for"),
			"message":    text("more about it, such as the words of SQS"),
			"violations": object{"type": "array", "items": refTo("Violation"), "maxItems": maxListed},
		}, "error"),
		"Violation": record(object{
			"pointer": text("JSON pointer (RFC 6901) of the value within the input"),
			"keyword": text("the keyword of the schema that failed; syntax for text that is not JSON, more for violations that are not listed one by one"),
			"message": text("what is wrong"),
			"line":    integer("line of the value, from the start of the input"),
			"column":  integer("column of the value, in characters"),
		}, "pointer", "keyword", "message"),
		"TriggerResult": record(object{
			"ok":        object{"type": "boolean", "const": true},
			"workerId":  object{"type": "string"},
			"stage":     object{"type": "string"},
			"queueName": text("absent when the environment names the queue's URL"),
			"queueUrl":  object{"type": "string"},
			"messageId": oneOfTypes("the message's id in SQS", "string", "null"),
		}, "ok", "workerId", "stage", "queueUrl", "messageId"),
		"TriggerBody": triggerBody(text("the worker, unless the query names it"), refTo("Message"), "body"),
		"TriggerText": object{
			"type": "object", "required": []string{"messageBody"},
			"description": "A message as text, which goes into the queue byte for byte.",
			"properties": object{
				"workerId":    text("the worker, unless the query names it"),
				"messageBody": object{"type": "string", "contentMediaType": "application/json", "contentSchema": refTo("Message")},
			},
		},
		"Message": object{
			"type": "object", "required": []string{"jobId"},
			"description": "A job: the body of a message in the queue.",
			"properties":  messageProperties(object{"description": "what the worker gets; {} when it is left out"}, text("the worker")),
			// Else it is read as an envelope around a message.
			"not": object{"anyOf": []any{object{"required": []string{"body"}}, object{"required": []string{"messageBody"}}}},
		},
		"JobCompleted": completedPayload(object{"type": "string"}, object{"description": "what the worker returned"}),
		"JobFailed":    failedPayload(object{"type": "string"}),
		"JobError": record(object{
			"message": object{"type": "string"},
			"name":    text("the kind of error"),
			"stack":   text("the stack of a panic, where the stage is set up to send it"),
		}, "message"),
		"WorkersConfig": record(object{
			"version": object{"type": "string"},
			"stage":   object{"type": "string"},
			"region":  object{"type": "string"},
			"workers": object{"type": "object", "additionalProperties": refTo("Worker")},
			"schemas": object{
				"type": "object", "additionalProperties": object{"type": []string{"object", "boolean"}},
				"description": "the input schemas of the workers that have one",
			},
			"queues":              object{"type": "array", "items": object{"type": "object"}},
			"attemptedQueueNames": object{"type": "array", "items": object{"type": "string"}},
			"errors": object{"type": "array", "items": record(object{
				"workerId":  object{"type": "string"},
				"queueName": object{"type": "string"},
				"name":      text("AWS's name of the error"),
				"message":   object{"type": "string"},
			}, "workerId", "queueName", "message")},
		}, "version", "stage", "region", "workers", "schemas", "queues"),
		"Worker": record(object{
			"queueUrl":        object{"type": "string"},
			"region":          object{"type": "string"},
			"group":           text("the deployment group"),
			"dlqUrl":          text("the dead-letter queue"),
			"functionName":    text("the Lambda function"),
			"timeoutSeconds":  integer("the function's timeout"),
			"memoryMB":        integer("the function's memory"),
			"maxReceiveCount": integer("how often a message is delivered before it goes to the dead-letter queue"),
			"outputSchema":    oneOfTypes("JSON Schema of the output", "object", "boolean"),
			"description":     text("what the worker does"),
		}, "queueUrl", "region", "group"),
	}
}

// maxListed is how many violations an answer lists: a hundred, and one for all
// others (dispatch.Violation.More).
const maxListed = 101

func oneOfTypes(description string, kinds ...string) object {
	return object{"type": kinds, "description": description}
}

// messageProperties are those of a message; the worker's id and the input differ
// between workers.
func messageProperties(input, workerID object) object {
	return object{
		"workerId":   workerID,
		"jobId":      object{"description": "names the job", "anyOf": []any{object{"type": "string", "pattern": `\S`}, object{"type": "number"}}},
		"input":      input,
		"context":    described("object", "requestId, userId, and whatever else the worker is to see"),
		"webhookUrl": object{"type": "string", "format": "uri", "description": "gets the completion callback"},
		"metadata":   described("object", "the sender's own; the callback returns it"),
		"timestamp":  object{"type": "string", "format": "date-time"},
		"userId":     object{"type": []string{"string", "number"}},
		"maxTokens":  integer("the job's token budget"),
	}
}

// triggerBody is a request with a message for one worker.
func triggerBody(workerID, message object, required ...string) object {
	return record(object{
		"workerId": workerID,
		"body": object{
			"description": "the message, as JSON or as text",
			"anyOf":       []any{message, object{"type": "string", "contentMediaType": "application/json", "contentSchema": message}},
		},
	}, required...)
}

// completedPayload is the body of a success webhook, and failedPayload that of an
// error webhook.
func completedPayload(workerID, output object) object {
	return record(object{
		"jobId":    object{"type": "string"},
		"workerId": workerID,
		"status":   object{"type": "string", "const": "success"},
		"output":   output,
		"metadata": described("object", "the message's"),
	}, "jobId", "workerId", "status", "metadata")
}

func failedPayload(workerID object) object {
	return record(object{
		"jobId":    object{"type": "string"},
		"workerId": workerID,
		"status":   object{"type": "string", "const": "error"},
		"error":    refTo("JobError"),
		"metadata": described("object", "the message's"),
	}, "jobId", "workerId", "status", "error", "metadata")
}
