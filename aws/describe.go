package aws

import (
	"context"
	"fmt"
	"slices"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Describe is a worker with what Lambda tells only of one function at a time: its
// state and why, what became of its last update, and its reserved concurrency; and
// with the problems that follow. It makes at most two calls, too many for every
// worker of a list. w stays as it is.
//
// What could not be read is in the warnings, each a *SourceError, and missing from
// the result.
func (s *Stage) Describe(ctx context.Context, w Worker) (described Worker, warnings []error) {
	if w.Function == nil || w.Function.Derived {
		return w, nil
	}
	f := *w.Function
	var (
		fresh           lambdaFunction
		out             *lambda.GetFunctionConcurrencyOutput
		readErr, limErr error
		wg              sync.WaitGroup
	)
	if f.State == "" {
		wg.Go(func() {
			fresh, readErr = s.getFunction(ctx, functionRef{arn: f.ARN, name: f.Name, qualifier: f.Qualifier})
		})
	}
	wg.Go(func() {
		out, limErr = s.api.lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: awssdk.String(f.Name)})
	})
	wg.Wait()
	for _, err := range []error{readErr, limErr} {
		if err != nil {
			warnings = append(warnings, &SourceError{Source: SourceFunctions, Err: fmt.Errorf("function %s: %w", f.Name, err)})
		}
	}
	if f.State == "" && readErr == nil {
		f = fresh.Function
	}
	if limErr == nil && out.ReservedConcurrentExecutions != nil {
		f.ReservedConcurrency = new(int(*out.ReservedConcurrentExecutions))
	}
	// What discovery has judged of the function comes out the same, and once.
	described = w
	described.Function = &f
	described.Problems = slices.DeleteFunc(slices.Clone(w.Problems), func(p Problem) bool { return OfFunction(p.Kind) })
	described.Notes = slices.DeleteFunc(slices.Clone(w.Notes), func(p Problem) bool { return OfFunction(p.Kind) })
	described.judgeFunction()
	sortProblems(described.Problems)
	return described, warnings
}

// OfFunction is whether such problems and notes are of a worker's function itself, so that
// Describe knows more of them than discovery does.
func OfFunction(k ProblemKind) bool {
	return slices.Contains([]ProblemKind{
		ProblemFunctionFailed, ProblemFunctionState, ProblemUpdateFailed, ProblemFunctionStopped, ProblemOutrun, NoteUpdating, NoteReserved,
	}, k)
}
