package journal

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// State is how far a journal got.
type State struct {
	Header Header
	// Chosen are the ids to move, in the order in which they were written; nil
	// when all are.
	Chosen []string
	// Passed is whether the canaries, if there were any, have completed.
	Passed bool
	// End is nil for a journal that can be gone on with.
	End *End
	// LastWrite is when the file was last written; zero when not known.
	LastWrite time.Time

	messages map[string]*Message
}

// Message is what a journal knows of one message.
type Message struct {
	ID string
	// Receipt is the receipt handle the message was last tried with; empty once it
	// is deleted.
	Receipt string
	// NewID is the message id of the copy, empty unless Sent.
	NewID string
	// TriedAt is when it was last tried; zero when it was not.
	TriedAt time.Time
	// Tried: its send was begun, and how it went is not written. Sent, Deleted and
	// Skipped as the record says. At most one of Tried and Sent.
	Tried, Sent, Deleted, Skipped bool
}

// Of is what is known of a message; the zero Message when nothing is.
func (s *State) Of(id string) Message {
	if m := s.messages[id]; m != nil {
		return *m
	}
	return Message{ID: id}
}

// Messages are all that are mentioned.
func (s *State) Messages() iter.Seq[*Message] { return maps.Values(s.messages) }

// Count counts the messages for which is is true.
func (s *State) Count(is func(*Message) bool) int {
	n := 0
	for m := range s.Messages() {
		if is(m) {
			n++
		}
	}
	return n
}

func (s *State) at(id string) *Message {
	m := s.messages[id]
	if m == nil {
		m = &Message{ID: id}
		s.messages[id] = m
	}
	return m
}

func (s *State) add(r *Record) {
	s.Chosen = append(s.Chosen, r.Chosen...)
	for _, id := range r.Skipped {
		s.at(id).Skipped = true
	}
	for _, p := range r.Try {
		m := s.at(p[0])
		m.Receipt = p[1]
		if r.At != 0 {
			m.TriedAt = time.UnixMilli(r.At)
		}
		m.Tried = !m.Sent
	}
	for _, p := range r.Sent {
		m := s.at(p[0])
		m.Sent, m.Tried, m.NewID = true, false, p[1]
	}
	for _, id := range r.Refused {
		s.at(id).Tried = false
	}
	for _, id := range r.Deleted {
		m := s.at(id)
		m.Deleted, m.Receipt = true, "" // of most messages, and the longest text of each
	}
	s.Passed = s.Passed || r.Passed
	s.End = cmp.Or(r.End, s.End)
}

// Newest sorts states by their time, the newest first.
func Newest(states []*State) {
	slices.SortFunc(states, func(a, b *State) int {
		return cmp.Or(b.Header.Time.Compare(a.Header.Time), cmp.Compare(b.Header.ID, a.Header.ID))
	})
}
