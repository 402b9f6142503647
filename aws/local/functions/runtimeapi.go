package functions

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// RuntimeHandler serves the Lambda Runtime API and as much of the Extensions API
// as a program needs in order to get SIGTERM. Route every path that begins with
// /env- to it: each environment has its own first path element, since a program
// puts what is in AWS_LAMBDA_RUNTIME_API before /2018-06-01/... as it is. See
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html.
// Requests for work stay open until there is some, so the server must have no
// write timeout.
func (m *Manager) RuntimeHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(http.ResponseWriter, *http.Request, *environment)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			e := m.environment(r.PathValue("env"))
			if e == nil {
				refuse(w, http.StatusNotFound, "InvalidEnvironment", "there is no such execution environment; it may have ended")
				return
			}
			f(w, r, e)
		})
	}
	const runtime, extension = "/{env}/2018-06-01/runtime", "/{env}/2020-01-01/extension"
	handle("GET "+runtime+"/invocation/next", serveNext)
	handle("POST "+runtime+"/invocation/{id}/response", serveResponse)
	handle("POST "+runtime+"/invocation/{id}/error", serveError)
	handle("POST "+runtime+"/init/error", serveInitError)
	handle("POST "+extension+"/register", serveRegister)
	handle("GET "+extension+"/event/next", serveEventNext)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "UnknownOperation", "the Runtime API of the local endpoint does not serve "+r.Method+" on this path")
	})
	return mux
}

func serveNext(w http.ResponseWriter, r *http.Request, e *environment) {
	inv, err := e.session.next(r.Context())
	if err != nil {
		refuseTransition(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", e.m.functionARN(e.p.spec.Name))
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	if inv.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.clientContext)
	}
	_, _ = w.Write(inv.payload) // a program that has gone away is noticed by its exit
}

func serveResponse(w http.ResponseWriter, r *http.Request, e *environment) {
	serveAnswer(w, r, e, func(body []byte) *answer {
		// A program that streams its answer tells of a failure in the middle by
		// trailers, which are there once the body has been read.
		if errorType := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); errorType != "" {
			if text, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil && len(text) > 0 {
				body = text
			} else {
				body = failure(r.PathValue("id"), errorType, "the answer ended with an error")
			}
			return &answer{payload: body, functionError: unhandled}
		}
		return &answer{payload: body}
	})
}

func serveError(w http.ResponseWriter, r *http.Request, e *environment) {
	serveAnswer(w, r, e, func(body []byte) *answer {
		if !json.Valid(body) {
			errorType := cmp.Or(r.Header.Get("Lambda-Runtime-Function-Error-Type"), initErrorType)
			body = failure(r.PathValue("id"), errorType, "Unknown application error occurred")
		}
		return &answer{payload: body, functionError: unhandled}
	})
}

func serveAnswer(w http.ResponseWriter, r *http.Request, e *environment, read func(body []byte) *answer) {
	id := r.PathValue("id")
	if err := e.session.begin(id); err != nil {
		refuseTransition(w, err)
		return
	}
	body, err := wire.ReadBody(r, nil, MaxPayload)
	if tooLarge, ok := errors.AsType[*wire.Error](err); ok && tooLarge.HTTPStatus() == http.StatusRequestEntityTooLarge {
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)
		e.session.finish(&answer{payload: failure(id, responseTooBig, message), functionError: unhandled, errorType: responseTooBig})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", message)
		return
	}
	if err != nil {
		e.session.finish(nil)
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	e.session.finish(read(body))
	accept(w)
}

func serveInitError(w http.ResponseWriter, r *http.Request, e *environment) {
	body, err := wire.ReadBody(r, nil, 1<<20)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	if !json.Valid(body) {
		body = nil // then the exit of the process is the error
	}
	if err := e.session.failInit(body); err != nil {
		refuseTransition(w, err)
		return
	}
	accept(w)
}

func serveRegister(w http.ResponseWriter, r *http.Request, e *environment) {
	var in struct {
		Events []string `json:"events"`
	}
	if err := wire.ReadJSON(r, 1<<20, &in); err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestFormat", err.Error())
		return
	}
	switch {
	case r.Header.Get("Lambda-Extension-Name") == "":
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "the header Lambda-Extension-Name is missing")
		return
	case len(in.Events) > 0:
		refuse(w, http.StatusForbidden, "Extension.InvalidEventType", "the local endpoint delivers no events to extensions; register for none")
		return
	}
	if err := e.session.register(); err != nil {
		refuseTransition(w, err)
		return
	}
	w.Header().Set("Lambda-Extension-Identifier", wire.NewID())
	writeRuntimeJSON(w, http.StatusOK, map[string]string{
		"functionName": e.p.spec.Name, "functionVersion": latest, "handler": e.p.spec.Handler,
	})
}

// serveEventNext blocks for ever: nobody registered for an event.
func serveEventNext(w http.ResponseWriter, r *http.Request, e *environment) {
	if r.Header.Get("Lambda-Extension-Identifier") == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "the header Lambda-Extension-Identifier is missing")
		return
	}
	select {
	case <-e.session.over:
	case <-r.Context().Done():
	}
	refuse(w, http.StatusForbidden, "InvalidStateTransition", "the execution environment has ended")
}

func accept(w http.ResponseWriter) {
	writeRuntimeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func refuseTransition(w http.ResponseWriter, err error) {
	if errors.Is(err, errForeignID) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	refuse(w, http.StatusForbidden, "InvalidStateTransition", err.Error())
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	writeRuntimeJSON(w, status, map[string]string{"errorType": errorType, "errorMessage": message})
}

func writeRuntimeJSON(w http.ResponseWriter, status int, v map[string]string) {
	body, err := json.Marshal(v)
	if err != nil { // strings cannot fail
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a program that has gone away is noticed by its exit
}
