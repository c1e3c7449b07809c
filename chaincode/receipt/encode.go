package receipt

import (
	"encoding/binary"
	"time"
)

// encoder writes the canonical bytes of what is hashed and signed: integers big-endian with a fixed width, texts and byte
// strings after their length in two bytes. Every field has one place and one spelling, so equal values have equal bytes and
// different values different ones. Lengths are limited by Validate long before two bytes are too few.
type encoder struct{ b []byte }

func (e *encoder) int(v int64)      { e.b = binary.BigEndian.AppendUint64(e.b, uint64(v)) }
func (e *encoder) small(v int)      { e.b = append(e.b, byte(v)) }
func (e *encoder) time(t time.Time) { e.int(t.UnixMilli()) }
func (e *encoder) text(s string)    { e.bytes([]byte(s)) }

func (e *encoder) bytes(b []byte) {
	e.b = binary.BigEndian.AppendUint16(e.b, uint16(len(b)))
	e.b = append(e.b, b...)
}

// milliseconds reports whether the instant is in UTC and has no fraction of a millisecond, the precision of EPCIS and of the
// canonical bytes. JSON gives UTC instants back in UTC.
func milliseconds(t time.Time) bool {
	_, offset := t.Zone()
	return !t.IsZero() && offset == 0 && t.Nanosecond()%int(time.Millisecond) == 0 && t.Year() >= 1970 && t.Year() < 3000
}
