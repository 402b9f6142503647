package local

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// iamNamespace and iamVersion are those of IAM.
const (
	iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"
	iamVersion   = "2010-05-08"
)

// serveIAM answers the one question that the doctor asks of IAM.
func serveIAM(w http.ResponseWriter, action string, params url.Values) error {
	if action != "SimulatePrincipalPolicy" {
		return wire.Errorf("InvalidAction", "the local endpoint does not serve %s: of IAM it serves SimulatePrincipalPolicy", action)
	}
	return wire.WriteQuery(w, iamNamespace, action, simulate(params))
}

// simulation is the answer of SimulatePrincipalPolicy.
type simulation struct {
	Results     []evaluation `xml:"EvaluationResults>member"`
	IsTruncated bool         `xml:"IsTruncated"`
}

type evaluation struct {
	Action   string `xml:"EvalActionName"`
	Resource string `xml:"EvalResourceName"`
	Decision string `xml:"EvalDecision"`
}

// simulate answers what is true of this endpoint: everybody may do everything.
func simulate(params url.Values) simulation {
	var out simulation
	resource := cmp.Or(params.Get("ResourceArns.member.1"), "*")
	for i := 1; params.Has("ActionNames.member." + strconv.Itoa(i)); i++ {
		out.Results = append(out.Results, evaluation{
			Action: params.Get("ActionNames.member." + strconv.Itoa(i)), Resource: resource, Decision: "allowed",
		})
	}
	return out
}
