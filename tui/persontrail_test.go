package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/stages"
)

// choices are the stages that a person could go to: the one that is shown, another one
// of the config file, and a profile.
func (p *person) choices(context.Context) (stages.Offer, error) {
	live := stages.Stage{Choice: begunOn(p.stage), Name: "live", Begun: true, Default: true, Stage: "live", Profile: "ops", Region: "eu-west-1", Service: "shop"}
	other := stages.Stage{Choice: screen.Choice{Stage: "next"}, Name: "next", Stage: "next", Profile: "ops", Region: "eu-west-1", Protected: true}
	var profiles []stages.Profile
	for i := range 40 { // more than a screen holds
		profiles = append(profiles, stages.Profile{Name: fmt.Sprintf("team-%02d", i), Region: "eu-north-1", Account: "111122223333"})
	}
	return stages.Offer{Stages: []stages.Stage{live, other}, Profiles: profiles, File: "/home/me/.config/aiwctl/config.yaml", Exists: true}, nil
}

// past writes what was done to the stage before the console was opened: more than a
// screen holds, some of it on another stage, failed, or without an end.
func past(t testing.TB, path string, target aws.Target) {
	t.Helper()
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	write := func(r audit.Record) {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for i := range 60 {
		r := audit.Record{
			ID: fmt.Sprintf("past-%d", i), Event: audit.EventBegin, Time: now.Add(time.Duration(i-80) * time.Minute),
			Who: "arn:aws:sts::123456789012:assumed-role/ops/kim", Account: "123456789012", Region: target.Region, Stage: target.Stage,
			Service: target.Service, Profile: target.Profile, Host: "desk", User: "kim", Action: "dispatch", Object: theWorker, Count: 1, IDs: []string{theJob},
		}
		outcome, failed := audit.OutcomeDone, 0
		switch i % 5 {
		case 1:
			r.Action, r.Object, r.IDs = "dlq.delete", cloudDLQ, nil
			outcome, failed = audit.OutcomeFailed, 1
		case 2:
			r.Stage = "next"
		case 3:
			r.Action, r.IDs = "workers.pause", nil
		}
		write(r)
		if i == 57 {
			continue // it was killed
		}
		done := 1 - failed
		r.Event, r.Time, r.Outcome, r.Done, r.Failed, r.DurationMS = audit.EventEnd, r.Time.Add(time.Second), outcome, &done, &failed, 1000
		write(r)
	}
	if err := os.WriteFile(path, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
