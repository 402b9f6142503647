package local

import (
	"net/http"

	"github.com/microfox-ai/aiwctl/aws/local/stacks"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// stsNamespace is the XML namespace of STS.
const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// maxForm is the largest form that is read.
const maxForm = 1 << 20

// callerIdentity is who every client of the endpoint is.
type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

// serveSTS answers requests of the Query protocol: CloudFormation's, STS's, and IAM's
// simulator, which says that everything is allowed. SQS is
// served in its JSON protocol, which every SDK has spoken since 2023, and CloudWatch
// in the two that came after this one.
func (s *Server) serveSTS(w http.ResponseWriter, r *http.Request) {
	action, params, err := wire.ReadQuery(r, maxForm)
	switch {
	case err != nil:
	case params.Get("Version") == "2012-11-05":
		err = wire.Errorf("InvalidAction", "the local endpoint serves SQS in the AWS JSON protocol only: update the client that sent %s", action)
	case params.Get("Version") == "2010-08-01":
		err = wire.Errorf("InvalidAction", "the local endpoint serves CloudWatch in the protocols RPC v2 CBOR and AWS JSON only: update the client that sent %s", action)
	case params.Get("Version") == stacks.Version:
		s.stacks.Answer(w, action, params)
	case params.Get("Version") == iamVersion:
		err = serveIAM(w, action, params)
	case action == "GetCallerIdentity":
		err = wire.WriteQuery(w, stsNamespace, action, callerIdentity{
			ARN:     "arn:aws:iam::" + s.cfg.Account + ":user/local",
			UserID:  "AIDALOCALLOCALLOCAL00",
			Account: s.cfg.Account,
		})
	default:
		err = wire.Errorf("InvalidAction", "the local endpoint does not serve %s: of STS it serves GetCallerIdentity", action)
	}
	if err != nil {
		writeSTSError(w, err)
	}
}

func writeSTSError(w http.ResponseWriter, err error) {
	// It fails only on an answer that cannot be written as XML, and this can.
	_ = wire.WriteQueryError(w, stsNamespace, err)
}
