package evidence

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Recorder takes one device's readings in the order of their sequence and closes them into a segment. A device that can sign
// runs it itself: it keeps a hash for every power of two of readings, not the readings. A collector runs it for those that
// cannot, and for those that sign each reading.
type Recorder struct {
	device    receipt.Device
	recording *receipt.Recording
	readings  []receipt.Reading
}

// NewRecorder returns a recorder of the device's next segment.
func NewRecorder(d receipt.Device) *Recorder {
	return &Recorder{device: d, recording: receipt.NewRecording(d)}
}

// Count is the number of readings so far.
func (r *Recorder) Count() int { return len(r.readings) }

// Add takes the next reading, or refuses it as receipt.Recording.Add does.
func (r *Recorder) Add(one receipt.Reading) error {
	if err := r.recording.Add(one); err != nil {
		return err
	}
	r.readings = append(r.readings, one)
	return nil
}

// Segment is a closed segment together with what the ledger does not hold of it.
type Segment struct {
	receipt.Segment
	Readings []receipt.Reading
	tree     *receipt.Tree
}

// Close ends the segment and signs it with the device's key; sign is nil for a device without one, and for one that signs each
// reading: then these go along with the segment.
func (r *Recorder) Close(sign Signer) (Segment, error) {
	s, err := r.recording.Close()
	if err != nil {
		return Segment{}, err
	}
	switch {
	case sign != nil:
		if s.Signature, err = sign(s.Statement()); err != nil {
			return Segment{}, err
		}
	case r.device.Key != "":
		s.Readings = r.readings
	}
	return Segment{Segment: s, Readings: r.readings, tree: &r.recording.Tree}, nil
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
	got.Signature, got.Segment.Readings = closed.Signature, nil
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
	path, err := s.tree.Path(int64(leaf))
	return receipt.Proof{Batch: batch, Segment: index, Index: int64(leaf), Path: path, Reading: s.Readings[leaf]}, err
}

func byDevice(a, b Segment) int { return strings.Compare(a.Device, b.Device) }
