// Package faults is everything that the local endpoint does wrong on purpose,
// within what AWS allows itself: what is asked for as text, and the HTTP calls of
// SQS that fail. How delivery to functions goes wrong is the business of package
// functions.
package faults

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
)

// Faults is what goes wrong. The zero value is nothing.
type Faults struct {
	// Delivery is what goes wrong between queues and functions.
	Delivery functions.Faults
	// API is what goes wrong with the calls that programs make to SQS.
	API API
}

// API is what goes wrong with the HTTP calls of clients to SQS. The zero value is
// nothing. Throttle, Error and Cut exclude each other, so that together they are 1
// at most.
type API struct {
	// Throttle is the share of calls, 0 to 1, that are answered with
	// RequestThrottled and have no effect.
	Throttle float64
	// Error is the share of calls that are answered with HTTP 500, InternalFailure,
	// and have no effect.
	Error float64
	// Cut is the share of calls whose connection is cut instead of an answer: half of
	// them before they have an effect, half of them after.
	Cut float64
	// Partial is the share of entries of batches that are answered with
	// InternalError and have no effect, while the batch's other entries have theirs.
	Partial float64
	// Latency is added to every call before anything is done about it.
	Latency time.Duration
	// Seed makes the choices repeatable, as far as concurrency lets them be; zero
	// takes a new one every time.
	Seed uint64
}

// field is a fault that a text can name; one of its places is not nil.
type field struct {
	name  string
	share *float64
	time  *time.Duration
}

// fields are all but the seed, in the order in which people are told of them.
func (f *Faults) fields() []field {
	d, a := &f.Delivery, &f.API
	return []field{
		{name: "duplicate", share: &d.Duplicate},
		{name: "delay", share: &d.Delay},
		{name: "reorder", share: &d.Reorder},
		{name: "kill", share: &d.Kill},
		{name: "throttle", share: &a.Throttle},
		{name: "error", share: &a.Error},
		{name: "partial", share: &a.Partial},
		{name: "cut", share: &a.Cut},
		{name: "max-delay", time: &d.MaxDelay},
		{name: "kill-within", time: &d.KillWithin},
		{name: "latency", time: &a.Latency},
	}
}

// Parse reads "duplicate=0.1,delay=0.1,reorder=1,kill=0.02,throttle=0.1,error=0.05,
// partial=0.02,cut=0.01,max-delay=2s,kill-within=50ms,latency=10ms,seed=7", of which
// each part may be missing.
func Parse(text string) (Faults, error) {
	var f Faults
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" && !found {
			continue
		}
		if err := f.set(name, value); err != nil {
			shares, times := names(f.fields())
			return Faults{}, fmt.Errorf("read the fault %q: there is %s (shares from 0 to 1, such as kill=0.02), "+
				"%s (durations, such as 50ms) and seed (a whole number)", part, shares, times)
		}
	}
	if err := f.Validate(); err != nil {
		return Faults{}, err
	}
	return f, nil
}

func (f *Faults) set(name, value string) (err error) {
	if name == "seed" {
		f.API.Seed, err = strconv.ParseUint(value, 10, 64)
		f.Delivery.Seed = f.API.Seed
		return err
	}
	for _, known := range f.fields() {
		switch {
		case known.name != name:
		case known.share != nil:
			*known.share, err = strconv.ParseFloat(value, 64)
			return err
		default:
			*known.time, err = time.ParseDuration(value)
			return err
		}
	}
	return errors.New("unknown")
}

func names(fields []field) (shares, times string) {
	var s, t []string
	for _, f := range fields {
		if f.share != nil {
			s = append(s, f.name)
		} else {
			t = append(t, f.name)
		}
	}
	return strings.Join(s, ", "), strings.Join(t, ", ")
}

// Validate says what is wrong with the shares and durations.
func (f Faults) Validate() error {
	if err := f.Delivery.Validate(); err != nil {
		return err
	}
	return f.API.Validate()
}

// slack is for shares whose sum is 1 except in binary.
const slack = 1e-9

// Validate says what is wrong with the shares and the latency.
func (a API) Validate() error {
	for _, f := range (&Faults{API: a}).fields() {
		if f.share != nil && !(*f.share >= 0 && *f.share <= 1) { // not a number is neither
			return fmt.Errorf("the fault %s is %v: it is a share from 0 to 1", f.name, *f.share)
		}
	}
	if sum := a.Throttle + a.Error + a.Cut; sum > 1+slack {
		return fmt.Errorf("the faults throttle, error and cut are %v together: a call can meet one of them, so they are 1 at most", sum)
	}
	if a.Latency < 0 {
		return errors.New("latency is not below zero")
	}
	return nil
}

func (a API) none() bool { return a.Throttle+a.Error+a.Cut+a.Partial == 0 && a.Latency == 0 }
