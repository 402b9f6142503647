package tui

import (
	"github.com/microfox-ai/aiwctl/tui/compose"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/history"
	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/logview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/workerlist"
)

// openers makes screens. This file is the only one that knows which packages
// they come from: each is given an Env, its data source and the message that
// asked for it.
type openers struct {
	workers  func(screen.Env) screen.Screen
	dead     func(screen.Env, screen.OpenDead) screen.Screen
	dispatch func(screen.Env, screen.OpenDispatch) screen.Screen
	logs     func(screen.Env, screen.OpenLogs) screen.Screen
	job      func(screen.Env, screen.OpenJob) screen.Screen
	history  func(screen.Env, screen.OpenHistory) screen.Screen
}

func openersFor(cfg Config) openers {
	drafts := compose.NewDrafts()
	return openers{
		workers: func(env screen.Env) screen.Screen { return workerlist.New(env) },
		dead: func(env screen.Env, ask screen.OpenDead) screen.Screen {
			return deadletters.New(env, cfg.Redrive, ask)
		},
		dispatch: func(env screen.Env, ask screen.OpenDispatch) screen.Screen {
			return compose.New(env, cfg.Stage, drafts, ask)
		},
		logs: func(env screen.Env, ask screen.OpenLogs) screen.Screen {
			return logview.New(env, cfg.Logs, ask)
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
	case screen.OpenDispatch:
		return o.dispatch(env, msg), true
	case screen.OpenLogs:
		return o.logs(env, msg), true
	case screen.OpenJob:
		return o.job(env, msg), true
	case screen.OpenHistory:
		return o.history(env, msg), true
	}
	return nil, false
}
