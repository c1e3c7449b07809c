package receipt

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// MaxSignedReadings is the most readings that come with a batch because their devices sign each one instead of the segment:
// every endorser checks every signature.
const MaxSignedReadings = 2048

// Recording adds one device's readings up, in the order of their sequence, into a segment. It keeps hashes and sums, not the
// readings.
type Recording struct {
	Tree    Tree
	device  Device
	segment Segment
	open    []running // one for each of the device's measures, in their order
}

// running is a property's summary so far.
type running struct {
	Summary
	last  time.Time
	outer bool // the last reading was an excursion
	milli int64
}

// NewRecording returns a recording of the device's next segment.
func NewRecording(d Device) *Recording {
	return &Recording{device: d, open: make([]running, len(d.Measures))}
}

// Count is the number of readings so far.
func (r *Recording) Count() int64 { return r.segment.Count }

// Add takes the next reading. Errors: INPUT_INVALID, EVIDENCE_SUMMARY_WRONG for what the device does not measure or cannot
// read, EVIDENCE_REPLAYED and EVIDENCE_BACKDATED for a reading that does not come after the last one, and
// EVIDENCE_SIGNATURE_INVALID for one whose own signature is wrong.
func (r *Recording) Add(one Reading) error {
	if len(one.Signature) > 0 && !r.device.Key.Verify(one.Message(), one.Signature) {
		return fault.New(fault.EvidenceSignatureInvalid, "sequence %d of device %s", one.Sequence, one.Device)
	}
	return r.Take(one)
}

// Take is Add without a look at the reading's own signature.
func (r *Recording) Take(one Reading) error {
	if err := one.Validate(); err != nil {
		return err
	}
	if one.Device != r.device.ID {
		return fault.New(fault.DeviceUnknown, "the reading is of device %s", one.Device)
	}
	i := slices.IndexFunc(r.device.Measures, func(m Measure) bool { return m.Property == one.Property })
	if i < 0 || r.device.Measures[i].Unit != one.Unit || r.device.Measures[i].Scale != one.Scale {
		return fault.New(fault.EvidenceSummaryWrong, "device %s does not measure %s in this unit and scale", one.Device, one.Property)
	}
	m := r.device.Measures[i]
	if one.Value < m.RangeMin || one.Value > m.RangeMax {
		return fault.New(fault.EvidenceSummaryWrong, "device %s cannot read such a %s", one.Device, one.Property)
	}
	s := r.segment
	switch {
	case s.Count >= MaxSegmentReadings:
		return fault.New(fault.InputTooLarge, "a segment has at most %d readings", MaxSegmentReadings)
	case s.Count > 0 && one.Sequence <= s.Last:
		return fault.New(fault.EvidenceReplayed, "device %s continues after sequence %d", one.Device, s.Last)
	case s.Count > 0 && one.At.Before(s.To):
		return fault.New(fault.EvidenceBackdated, "device %s", one.Device)
	}
	return r.sum(one, m, i)
}

func (r *Recording) sum(one Reading, m Measure, i int) error {
	p := &r.open[i]
	total := p.Sum + one.Value
	if (total > p.Sum) != (one.Value > 0) && one.Value != 0 {
		return fault.New(fault.InputTooLarge, "the sum of %s does not fit into 64 bits; close the segment", m.Property)
	}
	s := &r.segment
	if s.Count == 0 {
		s.Device, s.First, s.From = one.Device, one.Sequence, one.At
	} else {
		s.Missing += one.Sequence - s.Last - 1
		s.SilenceSeconds = max(s.SilenceSeconds, int64(one.At.Sub(s.To)/time.Second))
	}
	s.Last, s.To = one.Sequence, one.At
	s.Count++
	if p.Count == 0 {
		p.Summary = Summary{Property: m.Property, Unit: m.Unit, Scale: m.Scale, Min: one.Value, Max: one.Value}
	} else if p.outer {
		p.milli += one.At.Sub(p.last).Milliseconds()
	}
	p.Count, p.Sum, p.Min, p.Max = p.Count+1, total, min(p.Min, one.Value), max(p.Max, one.Value)
	p.last, p.outer = one.At, one.Value < m.LimitMin || one.Value > m.LimitMax
	if p.outer {
		p.Excursions++
	}
	return r.Tree.Append(one.LeafHash())
}

// Close returns the segment, unsigned. INPUT_MISSING where there is no reading.
func (r *Recording) Close() (Segment, error) {
	if r.segment.Count == 0 {
		return Segment{}, fault.New(fault.InputMissing, "device %s has no reading to close", r.device.ID)
	}
	s := r.segment
	var err error
	if s.Root, err = r.Tree.Root(); err != nil {
		return Segment{}, err
	}
	for _, p := range r.open {
		if p.Count == 0 {
			continue
		}
		p.ExcursionSeconds = p.milli / 1000
		s.Summaries = append(s.Summaries, p.Summary)
	}
	return s, nil
}

// witnessed checks a segment that its device has not signed as a whole against the readings that come with it, each of them
// signed by the device: EVIDENCE_SIGNATURE_INVALID, EVIDENCE_ROOT_MISMATCH, EVIDENCE_SUMMARY_WRONG, or what Recording.Add
// refuses.
func (s Segment) witnessed(d Device) error {
	rec := NewRecording(d)
	for _, r := range s.Readings {
		if len(r.Signature) == 0 {
			return fault.New(fault.EvidenceSignatureInvalid, "sequence %d of device %s is not signed", r.Sequence, s.Device)
		}
		if err := rec.Add(r); err != nil {
			return err
		}
	}
	got, err := rec.Close()
	if err != nil {
		return err
	}
	if got.Root != s.Root {
		return fault.New(fault.EvidenceRootMismatch, "the readings of device %s are not those of its segment", s.Device)
	}
	if string(got.Statement()) != string(s.Statement()) {
		return fault.New(fault.EvidenceSummaryWrong, "the summary of device %s is not of its readings", s.Device)
	}
	return nil
}
