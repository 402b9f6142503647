package tui

import (
	"github.com/microfox-ai/aiwctl/tui/compose"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/history"
	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/logview"
	"github.com/microfox-ai/aiwctl/tui/replay"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/stages"
	"github.com/microfox-ai/aiwctl/tui/workerlist"
	"github.com/microfox-ai/aiwctl/tui/workerview"
)

// openers makes screens. This file is the only one that knows which packages
// they come from: each is given an Env, its data source and the message that
// asked for it.
type openers struct {
	workers func(screen.Env) screen.Screen
	dead    func(screen.Env, screen.OpenDead) screen.Screen
	// redrive is what the root itself asks, once, for interrupted replays.
	redrive  Redrive
	replay   func(screen.Env, screen.PlanReplay) screen.Screen
	resume   func(screen.Env, screen.OpenReplay) screen.Screen
	dispatch func(screen.Env, screen.OpenDispatch) screen.Screen
	logs     func(screen.Env, screen.OpenLogs) screen.Screen
	stages   func(screen.Env) screen.Screen
	worker   func(screen.Env, screen.OpenWorker) screen.Screen
	job      func(screen.Env, screen.OpenJob) screen.Screen
	history  func(screen.Env, screen.OpenHistory) screen.Screen
}

// openersFor are those of one stage, with what was typed there.
func openersFor(cfg Config, kept *stageText) openers {
	return openers{
		workers: func(env screen.Env) screen.Screen { return workerlist.New(env, cfg.Stage) },
		dead: func(env screen.Env, ask screen.OpenDead) screen.Screen {
			return deadletters.New(env, cfg.Redrive, kept.edits, ask)
		},
		redrive: cfg.Redrive,
		replay: func(env screen.Env, ask screen.PlanReplay) screen.Screen {
			return replay.New(env, cfg.Redrive, ask)
		},
		resume: func(env screen.Env, ask screen.OpenReplay) screen.Screen {
			return replay.Interrupted(env, cfg.Redrive, ask)
		},
		dispatch: func(env screen.Env, ask screen.OpenDispatch) screen.Screen {
			return compose.New(env, cfg.Stage, cfg.Recall, kept.drafts, ask)
		},
		logs: func(env screen.Env, ask screen.OpenLogs) screen.Screen {
			return logview.New(env, cfg.Logs, ask)
		},
		stages: func(env screen.Env) screen.Screen {
			return stages.New(env, stages.Config{
				Offers: cfg.Choices, Current: cfg.current, Fixed: cfg.Connect == nil, Accounts: cfg.accounts,
			})
		},
		worker: func(env screen.Env, ask screen.OpenWorker) screen.Screen {
			return workerview.New(env, workerview.Sources{Stage: cfg.Stage, Logs: cfg.Recent, Metrics: cfg.Metrics}, ask)
		},
		job: func(env screen.Env, ask screen.OpenJob) screen.Screen {
			return jobview.New(env, cfg.Jobs, cfg.Logs, ask)
		},
		history: func(env screen.Env, ask screen.OpenHistory) screen.Screen {
			return history.New(env, cfg.History, ask)
		},
	}
}

// open makes the screen a message asks for; ok is false for other messages.
func (o openers) open(env screen.Env, msg any) (s screen.Screen, ok bool) {
	switch msg := msg.(type) {
	case screen.OpenDead:
		return o.dead(env, msg), true
	case screen.PlanReplay:
		return o.replay(env, msg), true
	case screen.OpenReplay:
		return o.resume(env, msg), true
	case screen.OpenDispatch:
		return o.dispatch(env, msg), true
	case screen.OpenLogs:
		return o.logs(env, msg), true
	case screen.OpenStages:
		return o.stages(env), true
	case screen.OpenWorker:
		return o.worker(env, msg), true
	case screen.OpenJob:
		return o.job(env, msg), true
	case screen.OpenHistory:
		return o.history(env, msg), true
	}
	return nil, false
}
