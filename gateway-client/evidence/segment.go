package evidence

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Recorder takes one device's readings in the order of their sequence and closes them into a segment. A device that can sign
// runs it itself: it keeps a hash for every power of two of readings, not the readings. A collector runs it for those that
// cannot.
type Recorder struct {
	device   receipt.Device
	segment  receipt.Segment
	open     []running // one for each of the device's measures, in their order
	tree     *compact.Range
	levels   [][][]byte // hashes of the perfect subtrees, by level
	readings []receipt.Reading
}

// running is a property's summary so far.
type running struct {
	receipt.Summary
	last  time.Time
	outer bool // the last reading was an excursion
	milli int64
}

var trees = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// NewRecorder returns a recorder of the device's next segment.
func NewRecorder(d receipt.Device) *Recorder {
	return &Recorder{device: d, tree: trees.NewEmptyRange(0), open: make([]running, len(d.Measures))}
}

// Count is the number of readings so far.
func (r *Recorder) Count() int { return len(r.readings) }

// Add takes the next reading. Errors: INPUT_INVALID, EVIDENCE_SUMMARY_WRONG for what the device does not measure or cannot
// read, EVIDENCE_REPLAYED and EVIDENCE_BACKDATED for a reading that does not come after the last one, and
// EVIDENCE_SIGNATURE_INVALID for one whose own signature is wrong.
func (r *Recorder) Add(one receipt.Reading) error {
	if err := one.Validate(); err != nil {
		return err
	}
	if one.Device != r.device.ID {
		return fault.New(fault.DeviceUnknown, "the reading is of device %s", one.Device)
	}
	i := slices.IndexFunc(r.device.Measures, func(m receipt.Measure) bool { return m.Property == one.Property })
	if i < 0 || r.device.Measures[i].Unit != one.Unit || r.device.Measures[i].Scale != one.Scale {
		return fault.New(fault.EvidenceSummaryWrong, "device %s does not measure %s in this unit and scale", one.Device, one.Property)
	}
	m := r.device.Measures[i]
	if one.Value < m.RangeMin || one.Value > m.RangeMax {
		return fault.New(fault.EvidenceSummaryWrong, "device %s cannot read such a %s", one.Device, one.Property)
	}
	n := len(r.readings)
	switch {
	case n >= receipt.MaxSegmentReadings:
		return fault.New(fault.InputTooLarge, "a segment has at most %d readings", receipt.MaxSegmentReadings)
	case n > 0 && one.Sequence <= r.segment.Last:
		return fault.New(fault.EvidenceReplayed, "device %s continues after sequence %d", one.Device, r.segment.Last)
	case n > 0 && one.At.Before(r.segment.To):
		return fault.New(fault.EvidenceBackdated, "device %s", one.Device)
	case len(one.Signature) > 0 && !r.device.Key.Verify(one.Message(), one.Signature):
		return fault.New(fault.EvidenceSignatureInvalid, "sequence %d of device %s", one.Sequence, one.Device)
	}
	return r.take(one, m, i)
}

func (r *Recorder) take(one receipt.Reading, m receipt.Measure, i int) error {
	s, n := &r.segment, len(r.readings)
	if n == 0 {
		s.Device, s.First, s.From = one.Device, one.Sequence, one.At
	} else {
		s.Missing += one.Sequence - s.Last - 1
		s.SilenceSeconds = max(s.SilenceSeconds, int64(one.At.Sub(s.To)/time.Second))
	}
	s.Last, s.To = one.Sequence, one.At
	s.Count++

	p := &r.open[i]
	if p.Count == 0 {
		p.Summary = receipt.Summary{Property: m.Property, Unit: m.Unit, Scale: m.Scale, Min: one.Value, Max: one.Value}
	} else if p.outer {
		p.milli += one.At.Sub(p.last).Milliseconds()
	}
	sum := p.Sum + one.Value
	if (sum > p.Sum) != (one.Value > 0) && one.Value != 0 {
		return fault.New(fault.InputTooLarge, "the sum of %s does not fit into 64 bits; close the segment", m.Property)
	}
	p.Count, p.Sum, p.Min, p.Max = p.Count+1, sum, min(p.Min, one.Value), max(p.Max, one.Value)
	p.last, p.outer = one.At, one.Value < m.LimitMin || one.Value > m.LimitMax
	if p.outer {
		p.Excursions++
	}
	r.readings = append(r.readings, one)
	return r.append(one.LeafHash())
}

// append adds a leaf and keeps the hash of every perfect subtree that it completes.
func (r *Recorder) append(leaf []byte) error {
	return r.tree.Append(leaf, func(id compact.NodeID, hash []byte) {
		for len(r.levels) <= int(id.Level) {
			r.levels = append(r.levels, nil)
		}
		r.levels[id.Level] = append(r.levels[id.Level], hash)
	})
}

// Segment is a closed segment together with what the ledger does not hold of it.
type Segment struct {
	receipt.Segment
	Readings []receipt.Reading
	levels   [][][]byte
}

// Close ends the segment and signs it with the device's key; sign is nil for a device without one.
func (r *Recorder) Close(sign Signer) (Segment, error) {
	if len(r.readings) == 0 {
		return Segment{}, fault.New(fault.InputMissing, "device %s has no reading to close", r.device.ID)
	}
	root, err := r.tree.GetRootHash(nil)
	if err != nil {
		return Segment{}, err
	}
	s := r.segment
	s.Root = receipt.HashOf(root)
	for _, p := range r.open {
		if p.Count == 0 {
			continue
		}
		p.ExcursionSeconds = p.milli / 1000
		s.Summaries = append(s.Summaries, p.Summary)
	}
	if sign != nil {
		if s.Signature, err = sign(s.Statement()); err != nil {
			return Segment{}, err
		}
	}
	return Segment{Segment: s, Readings: r.readings, levels: r.levels}, nil
}

// Receive checks a segment that a device has closed and signed against the readings that came with it, and takes both. The
// ledger would refuse what it refuses, but could not see that the readings are others: EVIDENCE_ROOT_MISMATCH. A wrong signature
// is EVIDENCE_SIGNATURE_INVALID, a summary that is not of the readings EVIDENCE_SUMMARY_WRONG.
func Receive(d receipt.Device, closed receipt.Segment, readings []receipt.Reading) (Segment, error) {
	rec := NewRecorder(d)
	for _, r := range readings {
		if err := rec.Add(r); err != nil {
			return Segment{}, err
		}
	}
	got, err := rec.Close(nil)
	if err != nil {
		return Segment{}, err
	}
	if got.Root != closed.Root {
		return Segment{}, fault.New(fault.EvidenceRootMismatch, "the readings of device %s are not those that it has closed", d.ID)
	}
	if d.Key != "" && !d.Key.Verify(closed.Statement(), closed.Signature) {
		return Segment{}, fault.New(fault.EvidenceSignatureInvalid, "the segment is not signed by device %s", d.ID)
	}
	if string(got.Statement()) != string(closed.Statement()) {
		return Segment{}, fault.New(fault.EvidenceSummaryWrong, "device %s has signed a summary that is not of its readings", d.ID)
	}
	got.Signature = closed.Signature
	return got, nil
}

// Prove returns the proof that the reading with the sequence is in segment `index` of the batch. It returns RECORD_NOT_FOUND
// where the segment has no such reading.
func (s Segment) Prove(batch string, index int, sequence int64) (receipt.Proof, error) {
	leaf, found := slices.BinarySearchFunc(s.Readings, sequence, func(r receipt.Reading, want int64) int {
		return cmp.Compare(r.Sequence, want)
	})
	if !found {
		return receipt.Proof{}, fault.New(fault.RecordNotFound, "the segment of device %s has no sequence %d", s.Device, sequence)
	}
	nodes, err := proof.Inclusion(uint64(leaf), uint64(len(s.Readings)))
	if err != nil {
		return receipt.Proof{}, err
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		hashes[i] = s.levels[id.Level][id.Index]
	}
	if hashes, err = nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren); err != nil {
		return receipt.Proof{}, err
	}
	p := receipt.Proof{Batch: batch, Segment: index, Index: int64(leaf), Reading: s.Readings[leaf]}
	for _, h := range hashes {
		p.Path = append(p.Path, receipt.HashOf(h))
	}
	return p, nil
}

func byDevice(a, b Segment) int { return strings.Compare(a.Device, b.Device) }
