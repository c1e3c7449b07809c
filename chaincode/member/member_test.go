package member

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

var at = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func consortium(t require.TestingT, n int) Consortium {
	list := []Founder{{"RegulatorMSP", Regulator}}
	for i := range n - 1 {
		list = append(list, Founder{fmt.Sprintf("Bank%dMSP", i), Bank})
	}
	c, members, err := Found("RegulatorMSP", list, at)
	require.NoError(t, err)
	require.Len(t, members, n)
	return c
}

func TestVoteIsDecidedByMoreThanHalf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := consortium(t, rapid.IntRange(3, 9).Draw(t, "members"))
		p := Proposal{ID: "vote-1", Status: Open}
		yes, no := 0, 0
		for i, msp := range rapid.Permutation(c.Voters()).Draw(t, "order") {
			if p.Status != Open {
				_, err := p.Vote(msp, true, c, at)
				require.Equal(t, fault.TransitionDenied, fault.CodeOf(err))
				break
			}
			vote := rapid.Bool().Draw(t, fmt.Sprint("vote ", i))
			if vote {
				yes++
			} else {
				no++
			}
			var err error
			p, err = p.Vote(msp, vote, c, at)
			require.NoError(t, err)
			want := Open
			switch {
			case 2*yes > len(c.Voters()):
				want = Adopted
			case 2*(len(c.Voters())-no) <= len(c.Voters()):
				want = Rejected
			}
			require.Equal(t, want, p.Status, "%d yes, %d no of %d", yes, no, len(c.Voters()))
		}
	})
}

func TestOneVoteAnOrganisation(t *testing.T) {
	c := consortium(t, 5)
	p, err := Proposal{ID: "vote-1", Status: Open}.Vote("Bank0MSP", true, c, at)
	require.NoError(t, err)
	_, err = p.Vote("Bank0MSP", true, c, at)
	assert.Equal(t, fault.AlreadyVoted, fault.CodeOf(err))
}

func TestSuspendedMembersDoNotCount(t *testing.T) {
	c := consortium(t, 5)
	require.Equal(t, 3, c.Majority())
	c, m := c.Suspend(Member{MSP: "Bank0MSP", SealingKey: "k"})
	c, _ = c.Suspend(Member{MSP: "Bank1MSP"})
	assert.Equal(t, 2, c.Majority())
	assert.NotContains(t, c.Voters(), "Bank0MSP")
	c, m = c.Reinstate(m)
	assert.Equal(t, Active, m.Status, "it had registered a key")
	assert.Contains(t, c.Voters(), "Bank0MSP")
	_, _, err := c.Register(Member{MSP: "Bank1MSP", Status: Suspended}, Registration{Name: "x", SealingKey: strings.Repeat("A", 44)})
	assert.Equal(t, fault.MemberSuspended, fault.CodeOf(err))
}

func TestFoundingListIsChecked(t *testing.T) {
	_, _, err := Found("OtherMSP", []Founder{{"BankMSP", Bank}, {"BankMSP", Bank}, {"no spaces", "club"}}, at)
	var e *fault.Error
	require.True(t, errors.As(err, &e))
	assert.GreaterOrEqual(t, len(e.Fields), 5, "every failure is named: %v", e.Fields)
}

func TestAdmit(t *testing.T) {
	c := consortium(t, 3)
	c, m, err := c.Admitted(Founder{"NewMSP", Warehouse}, at)
	require.NoError(t, err)
	assert.Equal(t, Invited, m.Status)
	assert.Len(t, c.Seats, 4)
	_, _, err = c.Admitted(Founder{"NewMSP", Warehouse}, at)
	assert.Equal(t, fault.RecordExists, fault.CodeOf(err))
	assert.Error(t, Change{Action: "expel", MSP: "?"}.Validate())
	assert.Error(t, Change{Action: Admit, MSP: "NewMSP"}.Validate(), "an admitted member has a kind")
	assert.NoError(t, Change{Action: Admit, MSP: "NewMSP", Kind: Bank}.Validate())
}

func TestPartyIsChecked(t *testing.T) {
	good := Party{ID: "p-0123456789", Host: "SupplierMSP", Name: "Acme", Country: "DE", FingerprintKey: strings.Repeat("0a", 32)}
	require.NoError(t, good.Validate())
	k, err := good.Key()
	require.NoError(t, err)
	assert.Len(t, k, 32)
	for name, change := range map[string]func(*Party){
		"id":      func(p *Party) { p.ID = "acme" },
		"name":    func(p *Party) { p.Name = "" },
		"country": func(p *Party) { p.Country = "Germany" },
		"key":     func(p *Party) { p.FingerprintKey = "00" },
		"hex":     func(p *Party) { p.FingerprintKey = strings.Repeat("x", 64) },
		"ids":     func(p *Party) { p.Identifiers = []Identifier{{Scheme: "0088"}} },
	} {
		bad := good
		change(&bad)
		assert.Error(t, bad.Validate(), name)
	}
}
