package evidence

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Tampering is something that a dishonest collector, or whoever sits between it and its devices, tries.
type Tampering string

// The tamperings. Each begins with honest segments and ends with a batch that the collector has signed: its own key is not
// what protects the readings.
const (
	Altered   Tampering = "altered"    // a reading changed, summary and root computed anew, the device's signature kept
	Summary   Tampering = "summary"    // an excursion taken out of the summary, the device's signature kept
	Replayed  Tampering = "replayed"   // readings that are anchored already, under a new batch id
	Reordered Tampering = "reordered"  // two readings in the other order under new sequences
	Backdated Tampering = "back_dated" // readings moved into the past
	WrongKey  Tampering = "wrong_key"  // signed with a key that is not the device's
	Dropped   Tampering = "dropped"    // an unwelcome reading left out without a word
	Revoked   Tampering = "revoked"    // honest readings of a device that is revoked
)

// Tamperings lists them all.
func Tamperings() []Tampering {
	return []Tampering{Altered, Summary, Replayed, Reordered, Backdated, WrongKey, Dropped, Revoked}
}

// Tamper returns what the tamperer makes of a device's honest segment, which the device has signed as a whole or reading by
// reading. other is a key that the tamperer has. A replayed or revoked segment is honest in itself: what is wrong is when it is
// sent.
func Tamper(kind Tampering, d receipt.Device, honest Segment, other Signer) (Segment, error) {
	readings := slices.Clone(honest.Readings)
	n := len(readings)
	if n < 4 {
		return Segment{}, fault.New(fault.InputInvalid, "there must be 4 readings to tamper with")
	}
	each := len(honest.Segment.Readings) > 0
	signature := func([]byte) ([]byte, error) { return honest.Signature, nil }
	switch kind {
	case Replayed, Revoked:
		return honest, nil
	case Altered:
		m := d.Measures[slices.IndexFunc(d.Measures, func(m receipt.Measure) bool { return m.Property == readings[1].Property })]
		readings[1].Value = m.LimitMin + (m.LimitMax-m.LimitMin)/2
		if readings[1].Value == honest.Readings[1].Value {
			readings[1].Value++
		}
	case Summary:
		return tamperSummary(d, honest), nil
	case Reordered:
		i := slices.IndexFunc(readings[1:], func(r receipt.Reading) bool { // equal readings in another order are the same
			return r.Property != readings[0].Property || r.Value != readings[0].Value
		}) + 1
		if i == 0 {
			return Segment{}, fault.New(fault.InputInvalid, "all readings are equal; there is no other order")
		}
		readings[0], readings[i] = readings[i], readings[0]
		readings[0].Sequence, readings[i].Sequence = readings[i].Sequence, readings[0].Sequence
		readings[0].At, readings[i].At = readings[i].At, readings[0].At
	case Backdated:
		for i := range readings {
			readings[i].At = readings[i].At.Add(-24 * time.Hour)
		}
	case Dropped:
		readings = slices.Delete(readings, n/2, n/2+1)
	case WrongKey:
		signature = other
	default:
		return Segment{}, fault.New(fault.InputInvalid, "there is no tampering %q", kind)
	}
	rec := receipt.NewRecording(d)
	for i, r := range readings {
		switch {
		case !each:
			r.Signature = nil
		case kind == WrongKey:
			var err error
			if r.Signature, err = other(r.Message()); err != nil {
				return Segment{}, err
			}
		}
		readings[i] = r
		if err := rec.Take(r); err != nil { // Add would refuse it before the ledger is asked
			return Segment{}, err
		}
	}
	closed, err := rec.Close()
	if err != nil {
		return Segment{}, err
	}
	if each {
		closed.Readings = readings
		if kind == Dropped {
			closed.Missing = 0
		}
	} else if closed.Signature, err = signature(closed.Statement()); err != nil {
		return Segment{}, err
	}
	return Segment{Segment: closed, Readings: readings, tree: &rec.Tree}, nil
}

func tamperSummary(d receipt.Device, honest Segment) Segment {
	s := honest
	s.Summaries = slices.Clone(honest.Summaries)
	p := &s.Summaries[0]
	m := d.Measures[slices.IndexFunc(d.Measures, func(m receipt.Measure) bool { return m.Property == p.Property })]
	p.Min, p.Max = max(p.Min, m.LimitMin), min(p.Max, m.LimitMax)
	p.Sum = p.Min*(p.Count-1) + p.Max
	p.Excursions, p.ExcursionSeconds = 0, 0
	return s
}
