package fakeledger

import (
	"bytes"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// MismatchError says that two executions of one proposal differ: what the gateway calls "ProposalResponsePayloads do
// not match".
type MismatchError struct {
	// First and Second are the organisations; the same one twice where its second run differs from its first.
	First, Second string
	// SameHeight says that both saw the same blocks. Then the chaincode is not deterministic.
	SameHeight bool
	// Difference says which parts differ, and how.
	Difference string
}

func (e *MismatchError) Error() string {
	why := "their peers have different heights"
	if e.SameHeight {
		why = "at the same height: the chaincode is not deterministic"
	}
	return fmt.Sprintf("ProposalResponsePayloads do not match: %s and %s, %s: %s", e.First, e.Second, why, e.Difference)
}

// difference compares read-write set, response and event byte for byte.
func difference(a, b *run) string {
	var parts []string
	compare := func(name string, x, y proto.Message) {
		xb, errX := proto.Marshal(x)
		yb, errY := proto.Marshal(y)
		if errX == nil && errY == nil && !bytes.Equal(xb, yb) {
			parts = append(parts, fmt.Sprintf("%s: %s | %s", name, shorten(protojson.Format(x)), shorten(protojson.Format(y))))
		}
	}
	compare("read-write set", a.set, b.set)
	compare("response", a.response, b.response)
	compare("event", a.event, b.event)
	if len(parts) == 0 {
		return "the encoding"
	}
	return strings.Join(parts, "; ")
}

func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 2000 {
		return s[:2000] + " …"
	}
	return s
}

// Differential runs a proposal on the two chaincode instances of one organisation's peer, without ordering it, and
// returns a *MismatchError unless read set, write set, response and event agree byte for byte. A proposal that both
// refuse alike is fine. Endorse and Evaluate compare by themselves; this is for a test that wants nothing else.
func (n *Network) Differential(id *Identity, p Proposal, mspID string) error {
	signed, _, err := n.NewProposal(id, p)
	if err != nil {
		return err
	}
	o := n.org(mspID)
	first, errFirst := n.processProposal(o, signed, 0)
	second, errSecond := n.processProposal(o, signed, 1)
	mismatch := &MismatchError{First: mspID, Second: mspID, SameHeight: true}
	switch {
	case errFirst == nil && errSecond == nil:
		if bytes.Equal(first.payload, second.payload) {
			return nil
		}
		mismatch.Difference = difference(first, second)
	case errFirst != nil && errSecond != nil:
		if errFirst.Error() == errSecond.Error() {
			return nil
		}
		mismatch.Difference = fmt.Sprintf("error: %s | %s", errFirst, errSecond)
	default:
		mismatch.Difference = fmt.Sprintf("only one run failed: %v | %v", errFirst, errSecond)
	}
	return mismatch
}
