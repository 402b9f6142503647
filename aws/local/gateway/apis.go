package gateway

import (
	"crypto/rand"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Prefix is what the paths of all APIs begin with: the API's id and the stage follow.
const Prefix = "/_aws/execute-api/"

// APIs are REST APIs. The zero value has none; it is safe for concurrent use.
type APIs struct {
	mu   sync.Mutex
	apis map[string]*api
}

type api struct {
	name, root string
	resources  map[string]resource
	methods    map[methodKey]method
	stages     map[string]*deployment
}

type resource struct{ parent, part string }

type methodKey struct{ resource, verb string }

// method is what answers; function is empty where no function does.
type method struct{ function string }

// deployment is an API as it was when it was deployed.
type deployment struct {
	id     string
	routes []route
}

type route struct {
	verb, path string
	function   string
}

func newID(n int) string { return strings.ToLower(rand.Text()[:n]) }

func noAPI() error {
	return wire.NotFound("NotFoundException", "Invalid API identifier specified")
}

// CreateAPI makes an API without methods; root is the id of its path /.
func (a *APIs) CreateAPI(name string) (id, root string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.apis == nil {
		a.apis = map[string]*api{}
	}
	id, root = newID(10), newID(10)
	a.apis[id] = &api{name: name, root: root, resources: map[string]resource{root: {}}, methods: map[methodKey]method{}, stages: map[string]*deployment{}}
	return id, root
}

// DeleteAPI takes an API away with everything in it; one that is gone is no error.
func (a *APIs) DeleteAPI(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.apis, id)
}

// change changes an API.
func (a *APIs) change(id string, f func(*api) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one := a.apis[id]; one != nil {
		return f(one)
	}
	return noAPI()
}

// CreateResource makes a part of an API's paths below another one: a word, {name}, or
// {name+} for all that follows.
func (a *APIs) CreateResource(apiID, parent, part string) (id string, err error) {
	err = a.change(apiID, func(one *api) error {
		if _, ok := one.resources[parent]; !ok {
			return wire.NotFound("NotFoundException", "Invalid Resource identifier specified")
		}
		for _, r := range one.resources {
			if r.parent == parent && r.part == part {
				return wire.Errorf("ConflictException", "Another resource with the same parent already has this name: %s", part).WithStatus(http.StatusConflict)
			}
		}
		id = newID(6)
		one.resources[id] = resource{parent, part}
		return nil
	})
	return id, err
}

// DeleteResource takes a part of the paths away, with its methods.
func (a *APIs) DeleteResource(apiID, id string) {
	_ = a.change(apiID, func(one *api) error { // an API that is gone has no resources
		delete(one.resources, id)
		maps.DeleteFunc(one.methods, func(k methodKey, _ method) bool { return k.resource == id })
		return nil
	})
}

// PutMethod has a function answer requests of a verb, or of ANY. No function at all answers
// with an error.
func (a *APIs) PutMethod(apiID, resourceID, verb, function string) error {
	return a.change(apiID, func(one *api) error {
		if _, ok := one.resources[resourceID]; !ok {
			return wire.NotFound("NotFoundException", "Invalid Resource identifier specified")
		}
		one.methods[methodKey{resourceID, verb}] = method{function}
		return nil
	})
}

// DeleteMethod takes a method away.
func (a *APIs) DeleteMethod(apiID, resourceID, verb string) {
	_ = a.change(apiID, func(one *api) error { // an API that is gone has no methods
		delete(one.methods, methodKey{resourceID, verb})
		return nil
	})
}

// Deploy serves an API as it is now, under a stage if one is named.
func (a *APIs) Deploy(apiID, stage string) (id string, err error) {
	err = a.change(apiID, func(one *api) error {
		if len(one.methods) == 0 {
			return wire.NewError("BadRequestException", "The REST API doesn't contain any methods")
		}
		id = newID(6)
		if stage != "" {
			one.stages[stage] = &deployment{id: id, routes: one.routes()}
		}
		return nil
	})
	return id, err
}

// Undeploy takes a deployment away, and the stage that still serves it.
func (a *APIs) Undeploy(apiID, id string) {
	_ = a.change(apiID, func(one *api) error { // an API that is gone has no stages
		maps.DeleteFunc(one.stages, func(_ string, d *deployment) bool { return d.id == id })
		return nil
	})
}

// Has says whether there is an API of that id.
func (a *APIs) Has(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.apis[id] != nil
}

func (one *api) routes() []route {
	var all []route
	for key, m := range one.methods {
		all = append(all, route{verb: key.verb, path: one.path(key.resource), function: m.function})
	}
	return all
}

func (one *api) path(id string) string {
	var parts []string
	for id != one.root && id != "" {
		r := one.resources[id]
		parts = append(parts, r.part)
		id = r.parent
	}
	slices.Reverse(parts)
	return "/" + strings.Join(parts, "/")
}

// match is how well a route fits a path: words are better than {name}, and that is better than
// {name+}; zero is not at all.
func (r route) match(verb, path string) (score int, parameters map[string]string) {
	if r.verb != verb && r.verb != "ANY" {
		return 0, nil
	}
	want, have := strings.Split(strings.Trim(r.path, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	score = 1
	for i, part := range want {
		name, variable := strings.CutPrefix(part, "{")
		name = strings.TrimSuffix(name, "}")
		switch {
		case i >= len(have):
			return 0, nil
		case variable && strings.HasSuffix(name, "+"):
			if parameters == nil {
				parameters = map[string]string{}
			}
			parameters[strings.TrimSuffix(name, "+")] = strings.Join(have[i:], "/")
			return score, parameters
		case variable && have[i] != "":
			if parameters == nil {
				parameters = map[string]string{}
			}
			parameters[name] = have[i]
			score += 100
		case part == have[i]:
			score += 10_000
		default:
			return 0, nil
		}
	}
	if len(have) > len(want) {
		return 0, nil
	}
	if r.verb != "ANY" {
		score++
	}
	return score, parameters
}

// Handler serves the stages of all APIs, below Prefix.
func (a *APIs) Handler(p *Proxy) http.Handler {
	return wire.Recover(p.Logger, WriteError, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
		stage, path, _ := strings.Cut(rest, "/")
		path = "/" + path
		a.mu.Lock()
		var routes []route
		if one := a.apis[id]; one != nil && one.stages[stage] != nil {
			routes = one.stages[stage].routes
		}
		a.mu.Unlock()
		best, bestScore, parameters := route{}, 0, map[string]string(nil)
		for _, one := range routes {
			if score, values := one.match(r.Method, path); score > bestScore {
				best, bestScore, parameters = one, score, values
			}
		}
		switch {
		case routes == nil:
			refuse(w, r, http.StatusForbidden, "ForbiddenException", "Forbidden")
		case bestScore == 0:
			refuse(w, r, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		case best.function == "":
			refuse(w, r, http.StatusInternalServerError, "InternalServerErrorException", "Internal server error")
		default:
			p.Serve(w, r, Target{Function: best.function, APIID: id, Stage: stage, Resource: best.path, Path: path, Parameters: parameters})
		}
	}))
}

// refuse answers as API Gateway does by itself.
func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	_, _ = wire.ReadBody(r, nil, maxBody) // an answer to a client that is still sending is lost
	w.Header().Set("X-Amzn-Errortype", code)
	writeJSON(w, status, message)
}

// invocation is the URI of an integration with a function.
var invocation = regexp.MustCompile(`:lambda:path/[^/]+/functions/(?:arn:[^/]*:function:)?([^/:]+)(?::[^/]*)?/invocations$`)

// FunctionOf is the function that the URI of an integration names; empty for another one.
func FunctionOf(uri string) string {
	if found := invocation.FindStringSubmatch(uri); found != nil {
		return found[1]
	}
	return ""
}

// address is the URL of an API as AWS has it.
var address = regexp.MustCompile(`https://([a-z0-9]{10})\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?`)

// Rewrite puts the endpoint's own address in the place of an API's in AWS, so that whoever
// reads it can call it.
func (a *APIs) Rewrite(text, endpoint string) string {
	if !strings.Contains(text, ".execute-api.") {
		return text
	}
	return address.ReplaceAllStringFunc(text, func(found string) string {
		id := address.FindStringSubmatch(found)[1]
		if !a.Has(id) {
			return found
		}
		return endpoint + Prefix + id
	})
}
