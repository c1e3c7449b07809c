package consortium

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
)

// network answers submits one after the other as it is told, and knows the seats of the consortium.
type network struct {
	answers   []error
	submitted []Proposal
}

func (n *network) Evaluate(_ context.Context, p Proposal) ([]byte, error) {
	if p.Function != "member:Consortium" {
		return nil, fmt.Errorf("%s is not expected", p.Function)
	}
	return json.Marshal(member.Consortium{Seats: []member.Seat{
		{MSP: "A", Kind: member.Buyer, Status: member.Active}, {MSP: "B", Kind: member.Bank, Status: member.Active},
		{MSP: "C", Kind: member.Supplier, Status: member.Active}, {MSP: "R", Kind: member.Regulator, Status: member.Active},
	}})
}

func (n *network) Submit(_ context.Context, p Proposal) (Committed, error) {
	n.submitted = append(n.submitted, p)
	if len(n.submitted) <= len(n.answers) {
		return Committed{}, n.answers[len(n.submitted)-1]
	}
	return Committed{Transaction: "tx", Result: []byte(`{"status":"done"}`)}, nil
}

func (n *network) Blocks(context.Context, uint64, func(Block) error) error { return errThere }
func (n *network) User() User                                              { return User{MSP: "B", Organisations: []string{"A", "B", "C", "R"}} }
func (n *network) Now() time.Time                                          { return time.Unix(0, 0).UTC() }

func TestSubmitIsRepeatedUnderOneRequestId(t *testing.T) {
	n := &network{answers: []error{ErrConflict, fmt.Errorf("peer-a: %w", ErrUnreachable)}}
	var out struct {
		Status string `json:"status"`
	}
	done, err := NewSession(n, nil).Submit(t.Context(), Call{Function: "member:Vote", Governed: false}, &out)
	require.NoError(t, err)
	assert.Equal(t, "tx", done.Transaction)
	assert.Equal(t, "done", out.Status)
	require.Len(t, n.submitted, 3)
	for _, p := range n.submitted[1:] {
		assert.Equal(t, n.submitted[0].Transient[record.TransientRequest], p.Transient[record.TransientRequest])
	}
	assert.Equal(t, []string{"B", "A"}, n.submitted[0].Endorsers, "the own organisation first")
	assert.NotEqual(t, n.submitted[0].Endorsers, n.submitted[1].Endorsers, "another pair after a failure")
}

func TestARefusalIsNotRepeated(t *testing.T) {
	n := &network{answers: []error{fault.New(fault.NotPermitted, "no")}}
	_, err := NewSession(n, nil).Submit(t.Context(), Call{Function: "member:Vote"}, nil)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	assert.Len(t, n.submitted, 1)
}

func TestALostRaceOverANewRecordIsRepeatedOnce(t *testing.T) {
	n := &network{answers: []error{fault.New(fault.EndorsementFailed, "x"), fault.New(fault.EndorsementFailed, "x")}}
	_, err := NewSession(n, nil).Submit(t.Context(), Call{Function: "member:Vote"}, nil)
	assert.Equal(t, fault.EndorsementFailed, fault.CodeOf(err))
	assert.Len(t, n.submitted, 2)
}

func TestGovernanceAsksAMajority(t *testing.T) {
	n := &network{}
	_, err := NewSession(n, nil).Submit(t.Context(), Call{Function: "member:Vote", Governed: true}, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"B", "A", "C"}, n.submitted[0].Endorsers, "three of four, the regulator last")
}

func TestInputIsValidatedBeforeAnythingIsSent(t *testing.T) {
	n := &network{}
	_, err := NewSession(n, nil).Submit(t.Context(), Call{Function: "member:RegisterParty", Input: member.Party{}}, nil)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	assert.Empty(t, n.submitted)
}

func TestSubmitGivesUp(t *testing.T) {
	n := &network{}
	for range maxTries {
		n.answers = append(n.answers, ErrConflict)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := NewSession(n, nil).Submit(ctx, Call{Function: "member:Vote"}, nil)
	assert.True(t, errors.Is(err, context.Canceled), "it does not wait for a caller that has gone")
	assert.Len(t, n.submitted, 1)
}

func TestCombinations(t *testing.T) {
	assert.Equal(t, [][]string{{"a", "b"}, {"a", "c"}, {"b", "c"}}, combinations([]string{"a", "b", "c"}, 2))
	assert.Empty(t, combinations([]string{"a"}, 2))
	long := make([]string, 12)
	assert.Len(t, combinations(long, 6), maxCombinations)
	assert.Equal(t, []string{"own", "x", "y", "r"}, ordered("own", []string{"r", "x", "own", "y"}, []string{"r"}))
}

func TestNewIDsDiffer(t *testing.T) {
	assert.Regexp(t, `^rcv-[0-9a-f]{20}$`, NewID("rcv"))
	assert.NotEqual(t, NewID("rcv"), NewID("rcv"))
}
