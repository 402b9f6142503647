package watch

import "time"

// meterSpan is how far back calls are counted.
const meterSpan = time.Minute

// Meter counts the calls of the last minute from readings of a total. The zero value
// counts from nothing.
type Meter struct{ readings []reading }

type reading struct {
	at    time.Time
	total uint64
}

// Note takes a reading and returns how many calls were made in the minute
// before it. The newest reading that is older than the minute is where counting
// begins; before there is one, it begins with nothing.
func (m *Meter) Note(now time.Time, total uint64) uint64 {
	m.readings = append(m.readings, reading{now, total})
	begin := now.Add(-meterSpan)
	first := 0
	for first+1 < len(m.readings) && !m.readings[first+1].at.After(begin) {
		first++
	}
	m.readings = append(m.readings[:0], m.readings[first:]...)
	if m.readings[0].at.After(begin) {
		return total
	}
	return total - m.readings[0].total
}
