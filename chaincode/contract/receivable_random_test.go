package contract

import (
	"flag"
	"fmt"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/receivable/receivabletest"
	"github.com/tallystick/tallystick/chaincode/record"
)

// claimNow reads a claim from the committed state.
func (w *trade) claimNow(id string) (c receivable.Claim) {
	w.inside(bank("maker"), func(tx *ledger.Tx, _ member.Actor) error {
		var err error
		c, err = claimOf(tx, id)
		return err
	})
	return c
}

var userOf = map[string]func(string) user{buyerParty: buyer, sellerParty: seller, tierTwoParty: tierTwo, bankParty: bank}

// Many parties act at random, several of them in each block without knowing of each other. Whatever commits, every claim adds up,
// no fragment backs two applications, and no status is one to which its table does not lead. The scenario package lets the same
// be tried on a real network.
func TestManyPartiesOnOneLedger(t *testing.T) {
	whole := flag.Lookup("rapid.checks").Value.String() == "100"
	if whole {
		require.NoError(t, flag.Set("rapid.checks", "200"))
		defer func() { require.NoError(t, flag.Set("rapid.checks", "100")) }()
	}
	d := newDesk(t)
	w := d.trade
	last, err := d.today().AddDays(300)
	require.NoError(t, err)
	second := opaque("cns", 2)
	d.must(d.submit(tierTwo("maker"), "credit:GiveConsent", credit.ConsentInput{ID: second, Bank: bankMSP, Scopes: []credit.Scope{credit.ScopeScore}, LastDay: last}, bankDesk, second))
	world := receivabletest.World{Buyer: buyerParty, Seller: sellerParty, TierTwo: tierTwoParty, Bank: bankParty, Programme: tradeCircle, Desk: bankDesk,
		BankMSP: bankMSP, Consents: map[string]string{sellerParty: d.consent, tierTwoParty: second}}
	serial, committed, refused, conflicts, reserved := 1000, 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		serial++
		w.t = rt
		id, _ := w.confirmed(serial, fmt.Sprint("R-", serial), rapid.Int64Range(10, 100_000).Draw(rt, "payable"))
		var watch receivabletest.Watch
		for range rapid.IntRange(10, 25).Draw(rt, "blocks") {
			before := w.claimNow(id)
			require.NoError(rt, watch.Check(before))
			var txs []*fakeledger.Transaction
			tries := map[string]receivabletest.Try{}
			for range rapid.IntRange(1, 4).Draw(rt, "calls") {
				serial++
				a := world.Draw(rt, before, serial, w.today())
				who := userOf[a.Party](string(a.Role))
				p := w.proposal(who, a.Function, a.Input, a.Args...).WithTransient(record.TransientRequest, []byte(opaque("random", serial)))
				tx, err := w.net.Endorse(w.identity(who), p, regulatorMSP, supplierMSP)
				if err != nil {
					code := fault.CodeOf(refusal(err))
					require.NotEmpty(rt, code, "%v", err)
					require.NotContains(rt, []fault.Code{fault.InternalError, fault.ConservationBroken, fault.SealBroken}, code, "%s: %v", a.Function, err)
					refused++
					continue
				}
				txs = append(txs, tx)
				tries[tx.TxID] = a
			}
			w.net.Order(txs...)
			w.net.Cut()
			for _, tx := range txs {
				result, _ := w.net.Status(tx.TxID)
				switch result.Code {
				case peer.TxValidationCode_VALID:
					committed++
					watch.Done(tries[tx.TxID])
					if tries[tx.TxID].Function == "financing:Apply" {
						reserved++
					}
				// Two that create one record in one block are told apart by its policy before its version.
				case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE:
					conflicts++
				default:
					require.Fail(rt, "not committed", "%s %s", result.Code, result.Reason)
				}
			}
			require.NoError(rt, watch.Check(w.claimNow(id)))
			if rapid.IntRange(0, 14).Draw(rt, "time") == 0 {
				w.net.Advance(days(rapid.IntRange(1, 40).Draw(rt, "days")))
			}
		}
	})
	t.Logf("%d transactions committed, %d of them reservations, %d refused, %d lost to another of the same block", committed, reserved, refused, conflicts)
	if whole {
		require.Greater(t, committed, 800, "too few operations to show anything")
		require.Greater(t, committed+refused+conflicts, 3000, "too few operations to show anything")
	}
	require.NotZero(t, conflicts)
	require.NotZero(t, reserved)
}
