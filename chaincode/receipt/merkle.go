package receipt

import (
	"bytes"
	"encoding/hex"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// HashBytes is the length of SHA-256.
const HashBytes = 32

// Hash is a SHA-256 value in lower-case hex.
type Hash string

// maxPath is the longest inclusion proof of a segment: 2^20 readings.
const maxPath = 20

func hashLeaf(entry []byte) []byte { return rfc6962.DefaultHasher.HashLeaf(entry) }

// HashOf spells a hash.
func HashOf(b []byte) Hash { return Hash(hex.EncodeToString(b)) }

// Bytes are the bytes of the hash; ok is false where it is not one.
func (h Hash) Bytes() (b []byte, ok bool) {
	b, err := hex.DecodeString(string(h))
	return b, err == nil && len(b) == HashBytes && string(HashOf(b)) == string(h)
}

// Root is the Merkle tree hash over leaf hashes (RFC 6962 section 2.1). The empty tree has the hash of nothing.
func Root(leaves [][]byte) (Hash, error) {
	if len(leaves) == 0 {
		return HashOf(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, leaf := range leaves {
		if err := tree.Append(leaf, nil); err != nil {
			return "", fault.New(fault.InternalError, "the Merkle tree refuses a leaf")
		}
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return "", fault.New(fault.InternalError, "the Merkle tree has no root")
	}
	return HashOf(root), nil
}

// Proof shows that a reading is in a batch: it is leaf Index of segment Segment, whose root the path leads to (RFC 6962
// section 2.1.1). The batch on the ledger holds the segment's size and root.
type Proof struct {
	Batch   string  `json:"batch"`
	Segment int     `json:"segment"`
	Index   int64   `json:"index"`
	Path    []Hash  `json:"path"`
	Reading Reading `json:"reading"`
}

// Validate reports every failure of the proof with its field and value.
func (p Proof) Validate() error {
	var bad fault.Fields
	checkID(&bad, "batch", p.Batch)
	if p.Segment < 0 || p.Segment >= MaxSegments {
		bad.Add("segment", p.Segment, "must be 0 to %d", MaxSegments-1)
	}
	if p.Index < 0 {
		bad.Add("index", p.Index, "must be 0 or more")
	}
	if len(p.Path) > maxPath {
		bad.Add("path", len(p.Path), "must be at most %d hashes", maxPath)
	}
	for _, h := range p.Path {
		if _, ok := h.Bytes(); !ok {
			bad.Add("path", h, "must be SHA-256 hashes in lower-case hex")
		}
	}
	return bad.Err()
}

// Verify checks the proof against the anchored batch: nil, or EVIDENCE_PROOF_INVALID.
func (p Proof) Verify(b Batch) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if err := p.Reading.Validate(); err != nil {
		return err
	}
	invalid := func(why string) error { return fault.New(fault.EvidenceProofInvalid, "%s", why) }
	if p.Batch != b.ID || p.Segment >= len(b.Segments) {
		return invalid("the proof is for another batch")
	}
	s := b.Segments[p.Segment]
	r := p.Reading
	if r.Device != s.Device || r.Sequence < s.First || r.Sequence > s.Last || r.At.Before(s.From) || r.At.After(s.To) {
		return invalid("the reading is outside of the segment's device, sequence or window")
	}
	root, ok := s.Root.Bytes()
	if !ok || p.Index >= s.Count {
		return invalid("the segment has no such leaf")
	}
	path := make([][]byte, len(p.Path))
	for i, h := range p.Path {
		path[i], _ = h.Bytes()
	}
	got, err := proof.RootFromInclusionProof(rfc6962.DefaultHasher, uint64(p.Index), uint64(s.Count), r.LeafHash(), path)
	if err != nil || !bytes.Equal(got, root) {
		return invalid("the path does not lead from the reading to the anchored root")
	}
	return nil
}
