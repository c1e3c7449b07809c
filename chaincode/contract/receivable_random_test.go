package contract

import (
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
)

// attempt is a call that somebody makes.
type attempt struct {
	who      user
	function string
	input    any
	args     []string
}

// claimNow reads a claim from the committed state.
func (w *trade) claimNow(id string) (c receivable.Claim) {
	w.inside(bank("maker"), func(tx *ledger.Tx, _ member.Actor) error {
		var err error
		c, err = claimOf(tx, id)
		return err
	})
	return c
}

var tradeParties = []func(string) user{seller, tierTwo, bank}

func holderOf(party string) func(string) user {
	for _, u := range tradeParties {
		if u("").party == party {
			return u
		}
	}
	return buyer
}

// draw makes a call that would be right, and sometimes lets the wrong person make it.
func (w *trade) draw(t *rapid.T, c receivable.Claim, serial int) attempt {
	r := c.Receivable
	live := slices.DeleteFunc(slices.Clone(c.Fragments), func(f receivable.Fragment) bool { return !f.Live() })
	if len(live) == 0 {
		live = c.Fragments
	}
	f := rapid.SampledFrom(live).Draw(t, "fragment")
	holder := holderOf(f.Holder)
	id := func(prefix string) string { return opaque(prefix, serial) }
	a := attempt{}
	switch rapid.SampledFrom([]string{"split", "split", "merge", "offer", "offer", "answer", "answer", "freeze", "thaw", "credit", "pay", "write off", "age"}).Draw(t, "call") {
	case "split":
		a = attempt{holder("maker"), "Split", receivable.Division{Ratios: rapid.SliceOfN(rapid.Int64Range(1, 5), 1, 3).Draw(t, "ratios")}, []string{f.ID}}
	case "merge":
		ids := []string{}
		for _, x := range live {
			if x.Holder == f.Holder {
				ids = append(ids, x.ID)
			}
		}
		a = attempt{holder("maker"), "Merge", nil, []string{text(ids)}}
	case "offer":
		to := rapid.SampledFrom(tradeParties).Draw(t, "to")("").party
		a = attempt{holder("maker"), "Offer", receivable.Offering{To: to, Recourse: receivable.WithoutRecourse}, []string{f.ID}}
	case "answer":
		who := holder
		if f.Offer != nil {
			who = holderOf(f.Offer.To)
		}
		a = attempt{who("maker"), rapid.SampledFrom([]string{"Accept", "Accept", "Decline"}).Draw(t, "answer"), nil, []string{f.ID}}
	case "freeze":
		in := receivable.Objection{ID: id("dsp"), Fragments: []string{f.ID}, Because: receivable.Because{Reasons: []receivable.Reason{"DEL"}}}
		a = attempt{buyer("maker"), "Freeze", in, []string{r.ID, in.ID}}
	case "thaw":
		a = attempt{buyer("maker"), "Thaw", nil, []string{r.ID, max(f.Dispute, "dsp-00000000")}}
	case "credit":
		in := receivable.Crediting{ID: id("crn"), TypeCode: "381", Number: fmt.Sprint("G-", serial), IssueDate: w.today(), Currency: "EUR",
			AmountMinor: rapid.Int64Range(1, max(1, r.Owed()/4)).Draw(t, "credit"), DocumentHash: r.Invoice.DocumentHash}
		a = attempt{seller("maker"), "CreditNote", in, []string{r.ID, in.ID}}
	case "pay":
		in := receivable.Paying{ID: id("pay"), AmountMinor: rapid.Int64Range(1, max(1, r.Owed()/2)).Draw(t, "pay"), Currency: "EUR"}
		a = attempt{buyer("checker"), "Pay", in, []string{r.ID, in.ID}}
	case "write off":
		a = attempt{holder("checker"), "WriteOff", nil, []string{r.ID}}
	case "age":
		a = attempt{seller("maker"), "Age", nil, []string{r.ID}}
	}
	if rapid.IntRange(0, 9).Draw(t, "stranger") == 0 {
		a.who = rapid.SampledFrom([]user{seller("maker"), tierTwo("maker"), bank("checker"), buyer("checker"), buyer("maker")}).Draw(t, "who")
	}
	return a
}

// Many parties act at random, several of them in each block without knowing of each other. Whatever commits, every claim
// adds up, and no status is one to which its table does not lead.
func TestManyPartiesOnOneLedger(t *testing.T) {
	if flag.Lookup("rapid.checks").Value.String() == "100" {
		require.NoError(t, flag.Set("rapid.checks", "80"))
		defer func() { require.NoError(t, flag.Set("rapid.checks", "100")) }()
	}
	w := newTrade(t)
	serial, committed, refused, conflicts := 1000, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		serial++
		w.t = rt
		id, _ := w.confirmed(serial, fmt.Sprint("R-", serial), rapid.Int64Range(10, 100_000).Draw(rt, "payable"))
		for range rapid.IntRange(10, 25).Draw(rt, "blocks") {
			before := w.claimNow(id)
			var txs []*fakeledger.Transaction
			for range rapid.IntRange(1, 4).Draw(rt, "calls") {
				serial++
				a := w.draw(rt, before, serial)
				p := w.proposal(a.who, "receivable:"+a.function, a.input, a.args...).WithTransient(record.TransientRequest, []byte(opaque("random", serial)))
				tx, err := w.net.Endorse(w.identity(a.who), p, regulatorMSP, supplierMSP)
				if err != nil {
					code := fault.CodeOf(refusal(err))
					require.NotEmpty(rt, code, "%v", err)
					require.NotContains(rt, []fault.Code{fault.InternalError, fault.ConservationBroken, fault.SealBroken}, code, "%s: %v", a.function, err)
					refused++
					continue
				}
				txs = append(txs, tx)
			}
			w.net.Order(txs...)
			w.net.Cut()
			for _, tx := range txs {
				result, _ := w.net.Status(tx.TxID)
				switch result.Code {
				case peer.TxValidationCode_VALID:
					committed++
				// Two that create one record in one block are told apart by its policy before its version.
				case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE:
					conflicts++
				default:
					require.Fail(rt, "not committed", "%s %s", result.Code, result.Reason)
				}
			}
			after := w.claimNow(id)
			require.NoError(rt, receivable.Conserves(after.Receivable, after.Fragments))
			for _, f := range after.Fragments {
				require.Equal(rt, f.Encumbered(), f.Encumbrance != nil)
				require.Contains(rt, receivable.FragmentLife.Reachable(), f.Status)
			}
			if rapid.IntRange(0, 14).Draw(rt, "time") == 0 {
				w.net.Advance(days(rapid.IntRange(1, 40).Draw(rt, "days")))
			}
		}
	})
	t.Logf("%d transactions committed, %d refused, %d lost to another of the same block", committed, refused, conflicts)
	require.NotZero(t, committed)
	require.NotZero(t, conflicts)
}
