// Package limits is what AWS, and a deployment, allow a worker: its names and its settings.
// Who makes workers, who runs them here and who deploys them refuse the same things by it.
//
// The patterns are written out by hand: compiling regular expressions would take a tenth of
// the time in which a function starts.
package limits

import (
	"errors"
	"fmt"
	"strings"
)

// The longest names. Sources: the API references of Lambda (CreateFunction), SQS
// (CreateQueue), CloudFormation (CreateStack) and IAM (CreateRole).
const (
	FunctionName = 64
	QueueName    = 80
	StackName    = 128
	// GroupName is what a deployment keeps of a group in a service's name.
	GroupName = 12
)

// coreGroup is the deployed system's own group, which holds the workers API.
const coreGroup = "core"

// shown is how much of a name an error shows.
const shown = 200

// WorkerID says what is wrong with the characters of a worker's id.
func WorkerID(id string) error {
	switch {
	case id == "":
		return errors.New("the id is empty: it names the queue, so choose a short one such as \"resize-image\"")
	case !consistsOf(id, "-_"):
		return errors.New("the id may hold letters, digits, - and _ only, as SQS allows in a queue name")
	case !strings.ContainsFunc(id, isAlphanumeric):
		return errors.New("the id needs a letter or a digit: it names a Lambda function")
	}
	return nil
}

// Group says what is wrong with the name of a deployment group.
func Group(name string) error {
	switch {
	// Dashes are dropped where a group becomes part of a service's name, so co-re would
	// be core there.
	case strings.EqualFold(strings.ReplaceAll(name, "-", ""), coreGroup):
		return fmt.Errorf("group %q is taken: it is the deployment's own group for the workers API", name)
	case len(name) > GroupName:
		return fmt.Errorf("group %q has %d characters; at most %d fit into a service name", cut(name), len(name), GroupName)
	case !consistsOf(name, "-") || name[0] == '-':
		return fmt.Errorf("group %q: letters, digits and - only, a letter or digit first", name)
	}
	return nil
}

// Variable says why a worker cannot ask for a variable of that name.
func Variable(name string) error {
	upper := strings.ToUpper(name)
	switch {
	// Source: API reference of Lambda, Environment.
	case len(name) < 2 || !consistsOf(name, "_") || !isLetter(rune(name[0])):
		return fmt.Errorf("environment variable %q: Lambda allows letters, digits and _ only, a letter first, and at least two characters", cut(name))
	case strings.HasPrefix(upper, "AWS_"), strings.HasPrefix(upper, "LAMBDA_"):
		return fmt.Errorf("environment variable %q: Lambda reserves names that begin with AWS_ and LAMBDA_ for itself", cut(name))
	case OwnVariable(name):
		return fmt.Errorf("environment variable %q: a deployment sets it by itself, so that the worker need not ask for it", cut(name))
	}
	return nil
}

// OwnVariable reports whether a deployment sets the variable by itself.
func OwnVariable(name string) bool {
	switch name {
	case "ENVIRONMENT", "STAGE", "NODE_ENV":
		return true
	}
	for _, prefix := range []string{"AIWORKER_", "WORKER_QUEUE_URL_", "WORKER_DLQ_URL_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// The placeholders of ARNs, which a deployment fills in.
const (
	region    = "${aws:region}"
	accountID = "${aws:accountId}"
)

// LayerVersion says what is wrong with the ARN of a layer's version. Source: API
// reference of Lambda, LayerVersionArn.
func LayerVersion(arn string) error {
	// The placeholders have colons themselves.
	p := strings.Split(strings.NewReplacer(region, "region", accountID, "123456789012").Replace(arn), ":")
	if len(p) == 8 && p[0] == "arn" && consistsOf(p[1], "-") && p[2] == "lambda" && consistsOf(p[3], "-") &&
		len(p[4]) == 12 && isDigits(p[4]) && p[5] == "layer" && consistsOf(p[6], "-_") && len(p[6]) <= 140 && isDigits(p[7]) {
		return nil
	}
	return fmt.Errorf("layer %q: Lambda wants the ARN of a layer's version, arn:aws:lambda:<region>:<account>:layer:<name>:<version>, "+
		"in which %s and %s may stand", cut(arn), region, accountID)
}

func cut(text string) string {
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "..."
	}
	return text
}

// consistsOf reports whether text is not empty and made of ASCII letters, digits and
// others.
func consistsOf(text, others string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune(others, r) })
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func isAlphanumeric(r rune) bool { return isLetter(r) || r >= '0' && r <= '9' }
