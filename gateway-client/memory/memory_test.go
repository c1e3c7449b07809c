package memory

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/network/topology"
)

var founders = `[{"msp":"BuyerMSP","kind":"buyer"},{"msp":"SupplierMSP","kind":"supplier"},{"msp":"BankAMSP","kind":"bank"},` +
	`{"msp":"BankBMSP","kind":"bank"},{"msp":"WarehouseMSP","kind":"warehouse"},{"msp":"RegulatorMSP","kind":"regulator"}]`

var governors = map[string]string{"buyer": "gwen", "supplier": "hana", "bankA": "gina", "bankB": "greta", "warehouse": "gus", "regulator": "reg"}

func session(t *testing.T, c *Consortium, org, user string) *consortium.Session {
	t.Helper()
	s, err := c.Session(org, user)
	require.NoError(t, err)
	return s
}

func founded(t *testing.T) *Consortium {
	t.Helper()
	c := New(topology.Default())
	t.Cleanup(c.Close)
	ctx := t.Context()
	_, err := session(t, c, "buyer", "gwen").Submit(ctx, consortium.Call{Function: "member:Found", Args: []string{founders}, Governed: true}, nil)
	require.NoError(t, err)
	for org, user := range governors {
		s := session(t, c, org, user)
		_, err := s.Submit(ctx, consortium.Call{Function: "member:Register", Governed: true,
			Args: []string{`{"name":"` + org + `","sealing_key":"` + s.Keyring.Public() + `"}`}}, nil)
		require.NoError(t, err, org)
	}
	return c
}

func TestProgrammeTakesNoRecordBeforeEveryReaderHasConfirmed(t *testing.T) {
	c, ctx := founded(t), context.Background()
	buyer := session(t, c, "buyer", "gwen")
	prg, _, err := buyer.Found(ctx, "prg-0123456789abcdef0123", circle.Programme, []string{"SupplierMSP", "BankAMSP"}, "")
	require.NoError(t, err)
	assert.Equal(t, []string{"BankAMSP", "BuyerMSP", "RegulatorMSP", "SupplierMSP"}, prg.Readers(), "the regulator always reads")

	party := member.Party{ID: PartyID("acme"), Host: "SupplierMSP", Name: "Acme Castings GmbH", FingerprintKey: strings.Repeat("ab", 32)}
	register := consortium.Call{Function: "member:RegisterParty", Args: []string{prg.ID, party.ID}, Input: party, Circles: []string{prg.ID}}
	host := session(t, c, "supplier", "hana")
	for _, org := range []string{"buyer", "bankA", "regulator", "supplier"} {
		_, err := host.Submit(ctx, register, nil)
		assert.Equal(t, fault.ProgrammeNotActive, fault.CodeOf(err), "before %s has confirmed", org)
		prg, _, err = session(t, c, org, governors[org]).Confirm(ctx, prg.ID)
		require.NoError(t, err)
	}
	assert.Equal(t, circle.Active, prg.Status)
	_, err = host.Submit(ctx, register, nil)
	require.NoError(t, err)

	_, err = session(t, c, "bankB", "greta").Parties(ctx, prg.ID)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	for _, org := range []string{"buyer", "bankA", "regulator", "supplier"} {
		got, err := session(t, c, org, governors[org]).Parties(ctx, prg.ID)
		require.NoError(t, err, org)
		require.Len(t, got, 1)
		assert.Equal(t, "Acme Castings GmbH", got[0].Name)
		assert.Empty(t, got[0].FingerprintKey, "the fingerprint key never leaves the ledger")
	}
	for _, seen := range c.Ledger.SeenBy("BankBMSP") {
		for _, secret := range []string{party.Name, party.FingerprintKey} {
			assert.False(t, bytes.Contains(seen, []byte(secret)), "bankB saw %q", secret)
		}
	}
}

func TestConfirmationNeedsTheKey(t *testing.T) {
	c, ctx := founded(t), context.Background()
	prg, _, err := session(t, c, "buyer", "gwen").Found(ctx, "prg-0123456789abcdef0123", circle.Programme, []string{"SupplierMSP"}, "")
	require.NoError(t, err)
	guess := consortium.Call{Function: "circle:Confirm", Args: []string{prg.ID, "1", hex.EncodeToString(make([]byte, 32))}, Governed: true}
	_, err = session(t, c, "supplier", "hana").Submit(ctx, guess, nil)
	assert.Equal(t, fault.CircleTokenWrong, fault.CodeOf(err))
	_, err = session(t, c, "bankB", "greta").Submit(ctx, guess, nil)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
}

func TestRepeatedRequestGetsTheFirstResult(t *testing.T) {
	c, ctx := founded(t), context.Background()
	s := session(t, c, "buyer", "gwen")
	call := consortium.Call{Function: "member:Propose", Args: []string{"vote-1", `{"action":"suspend","msp":"BankBMSP"}`}, Governed: true, Request: "the-same-request"}
	var first, second member.Proposal
	_, err := s.Submit(ctx, call, &first)
	require.NoError(t, err)
	again, err := s.Submit(ctx, call, &second)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	var decoded consortium.Block
	ctx2, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = s.Network.Blocks(ctx2, again.Block, func(b consortium.Block) error { decoded = b; cancel(); return nil })
	require.Len(t, decoded.Transactions, 1)
	assert.Empty(t, decoded.Transactions[0].Writes, "a repeat writes nothing")

	call.Args = []string{"vote-2", `{"action":"suspend","msp":"BankBMSP"}`}
	_, err = s.Submit(ctx, call, nil)
	assert.Equal(t, fault.RequestReused, fault.CodeOf(err))
}

func TestMembersVote(t *testing.T) {
	c, ctx := founded(t), context.Background()
	var p member.Proposal
	_, err := session(t, c, "buyer", "gwen").Submit(ctx, consortium.Call{Function: "member:Propose",
		Args: []string{"vote-1", `{"action":"suspend","msp":"BankBMSP"}`}, Governed: true}, &p)
	require.NoError(t, err)
	for _, org := range []string{"supplier", "bankA", "regulator"} {
		require.Equal(t, member.Open, p.Status)
		_, err = session(t, c, org, governors[org]).Submit(ctx, consortium.Call{Function: "member:Vote", Args: []string{"vote-1", "true"}, Governed: true}, &p)
		require.NoError(t, err)
	}
	assert.Equal(t, member.Adopted, p.Status)
	_, err = session(t, c, "bankB", "greta").Submit(ctx, consortium.Call{Function: "member:Propose",
		Args: []string{"vote-2", `{"action":"reinstate","msp":"BankBMSP"}`}, Governed: true}, nil)
	assert.Equal(t, fault.MemberSuspended, fault.CodeOf(err))
}

func TestGovernanceNeedsAMajorityOfPeers(t *testing.T) {
	c := founded(t)
	s := session(t, c, "supplier", "hana")
	_, err := s.Network.Submit(t.Context(), consortium.Proposal{Function: "member:Register",
		Args:      []string{`{"name":"other","sealing_key":"` + s.Keyring.Public() + `"}`},
		Transient: map[string][]byte{record.TransientRequest: []byte("request-1")}, Endorsers: []string{"SupplierMSP", "BankAMSP"}})
	assert.Equal(t, fault.EndorsementFailed, fault.CodeOf(err))
}
