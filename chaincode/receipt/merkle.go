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
	var tree Tree
	for _, leaf := range leaves {
		if err := tree.Append(leaf); err != nil {
			return "", err
		}
	}
	return tree.Root()
}

// Tree is a Merkle tree (RFC 6962 section 2.1) that grows by leaves and keeps the hash of every perfect subtree, which is what
// proofs are made of. The zero Tree is empty.
type Tree struct {
	grown  *compact.Range
	levels [][][]byte // by level
}

// Append adds a leaf's hash.
func (t *Tree) Append(leaf []byte) error {
	if t.grown == nil {
		t.grown = (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	}
	err := t.grown.Append(leaf, func(id compact.NodeID, hash []byte) {
		for len(t.levels) <= int(id.Level) {
			t.levels = append(t.levels, nil)
		}
		t.levels[id.Level] = append(t.levels[id.Level], hash)
	})
	if err != nil {
		return fault.New(fault.InternalError, "the Merkle tree refuses a leaf")
	}
	return nil
}

// Root is the hash of the tree. The empty tree has the hash of nothing.
func (t *Tree) Root() (Hash, error) {
	if t.grown == nil {
		return HashOf(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := t.grown.GetRootHash(nil)
	if err != nil {
		return "", fault.New(fault.InternalError, "the Merkle tree has no root")
	}
	return HashOf(root), nil
}

// Path leads from a leaf to the root (RFC 6962 section 2.1.1), as Proof.Path has it. RECORD_NOT_FOUND where there is no such leaf.
func (t *Tree) Path(leaf int64) ([]Hash, error) {
	size := int64(0)
	if t.grown != nil {
		size = int64(t.grown.End())
	}
	if leaf < 0 || leaf >= size {
		return nil, fault.New(fault.RecordNotFound, "the tree has %d leaves", size)
	}
	nodes, err := proof.Inclusion(uint64(leaf), uint64(size))
	if err != nil {
		return nil, fault.New(fault.InternalError, "the Merkle tree has no path")
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		hashes[i] = t.levels[id.Level][id.Index]
	}
	if hashes, err = nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren); err != nil {
		return nil, fault.New(fault.InternalError, "the Merkle tree has no path")
	}
	path := make([]Hash, len(hashes))
	for i, h := range hashes {
		path[i] = HashOf(h)
	}
	return path, nil
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
