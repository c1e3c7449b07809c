package evidence

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// Signer signs a message with a device's or a collector's key: Ed25519 over the message, or ECDSA P-256 over its SHA-256 in
// ASN.1.
type Signer func(message []byte) ([]byte, error)

// Batch is a closed batch together with the readings, which stay with the collector.
type Batch struct {
	receipt.Batch
	Segments []Segment
}

// Header says whose batch it is.
type Header struct {
	ID        string
	Programme string
	Collector string // the registered collector's device id
	Receipts  []string
	Source    receipt.Hash // the salted hash of the document that the readings come from, or ""
}

// Seal puts the segments into one batch, in the order of their devices, and signs it. heads are where the devices' anchored
// readings end, in any order; a device without one begins with the first sequence that it was registered with. What lies
// between is declared lost; a segment that begins before is refused with EVIDENCE_REPLAYED.
func Seal(h Header, segments []Segment, devices []receipt.Device, heads []receipt.Head, at time.Time, sign Signer) (Batch, error) {
	b := Batch{Batch: receipt.Batch{ID: h.ID, Programme: h.Programme, Collector: h.Collector, Receipts: h.Receipts, Source: h.Source,
		SealedAt: at.UTC().Truncate(time.Millisecond)}, Segments: slices.Clone(segments)}
	slices.SortStableFunc(b.Segments, byDevice)
	for i := range b.Segments {
		s := &b.Segments[i]
		next, err := following(s.Device, devices, heads)
		if err != nil {
			return Batch{}, err
		}
		if s.First < next {
			return Batch{}, fault.New(fault.EvidenceReplayed, "device %s continues at sequence %d", s.Device, next)
		}
		s.Lost = s.First - next
		b.Batch.Segments = append(b.Batch.Segments, s.Segment)
	}
	return b, b.Sign(sign)
}

// following is the sequence that a device's next reading has.
func following(device string, devices []receipt.Device, heads []receipt.Head) (int64, error) {
	for _, h := range heads {
		if h.Device == device && h.Last > 0 {
			return h.Last + 1, nil
		}
	}
	for _, d := range devices {
		if d.ID == device {
			return d.FirstSequence, nil
		}
	}
	return 0, fault.New(fault.DeviceUnknown, "device %s", device)
}

// Sign computes the root over the segments and signs the batch.
func (b *Batch) Sign(sign Signer) error {
	var err error
	if b.Root, err = b.SegmentRoot(); err != nil {
		return err
	}
	if b.Signature, err = sign(b.Message()); err != nil {
		return err
	}
	return b.Validate()
}

// Prove returns the proof of one reading of the batch.
func (b Batch) Prove(device string, sequence int64) (receipt.Proof, error) {
	for i, s := range b.Segments {
		if s.Device == device {
			return s.Prove(b.ID, i, sequence)
		}
	}
	return receipt.Proof{}, fault.New(fault.RecordNotFound, "batch %s has no readings of device %s", b.ID, device)
}
