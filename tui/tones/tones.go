// Package tones gives what aws says its colour: one for all screens.
package tones

import (
	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// OfReason is the colour of a reason's words, which say the same without it.
func OfReason(r *health.Reason) theme.Tone {
	switch {
	case r.Severity == aws.SeverityError:
		return theme.ToneBad
	case r.Severity == aws.SeverityWarning:
		return theme.ToneWarn
	case r.Severity == aws.SeverityInfo:
		return theme.ToneInfo
	case r.Kind == health.Healthy:
		return theme.ToneGood
	}
	return theme.ToneDim
}

// OfLevel is the colour of a line's level.
func OfLevel(l logs.Level) theme.Tone {
	switch l {
	case logs.LevelError:
		return theme.ToneBad
	case logs.LevelWarn:
		return theme.ToneWarn
	case logs.LevelInfo:
		return theme.ToneInfo
	default:
		return theme.ToneFaint
	}
}

// OfText is the colour of a line's text: what Lambda itself wrote stands back behind
// what the worker says.
func OfText(l *logs.Line) theme.Tone {
	switch {
	case l.Kind == logs.KindTimeout, l.Kind == logs.KindCrash, l.Level == logs.LevelError:
		return theme.ToneBad
	case l.Kind == logs.KindMarker, l.Kind.Platform():
		return theme.ToneFaint
	}
	return theme.ToneText
}
