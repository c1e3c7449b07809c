package contract

import (
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
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

// race endorses the calls on one state, orders all of them into one block, and returns how many of them were valid.
func (w *trade) race(calls ...attempt) (valid int) {
	var list []*fakeledger.Transaction
	for _, a := range calls {
		w.request++
		p := w.proposal(a.who, a.function, a.input, a.args...).WithTransient(record.TransientRequest, []byte(opaque("race", w.request)))
		tx, err := w.net.Endorse(w.identity(a.who), p, regulatorMSP, supplierMSP)
		require.NoError(w.t, err, "on the state before the race, each is right")
		list = append(list, tx)
	}
	w.net.Order(list...)
	w.net.Cut()
	for _, tx := range list {
		if result, _ := w.net.Status(tx.TxID); result.Code == peer.TxValidationCode_VALID {
			valid++
		}
	}
	return valid
}

func TestOneInvoiceInTwoProgrammesInOneBlock(t *testing.T) {
	w := newTrade(t)
	first := receivable.Issuance{ID: opaque("rcv", 1), Invoice: w.invoice("RE-1", 100)}
	second := receivable.Issuance{ID: opaque("rcv", 2), Invoice: first.Invoice}
	assert.Equal(t, 1, w.race(
		attempt{seller("maker"), "receivable:Issue", first, []string{tradeCircle, first.ID}},
		attempt{seller("maker"), "receivable:Issue", second, []string{secondCircle, second.ID}},
	))
	w.refused(fault.ReceivableDuplicate)(w.submit(seller("maker"), "receivable:Issue", second, secondCircle, second.ID))
}

func TestOneFragmentForTwoThingsInOneBlock(t *testing.T) {
	d := newDesk(t)
	id, root := d.confirmed(1, "RE-1", 5_000_000)
	apply := func(n int) attempt {
		in := financing.Request{ID: opaque("app", n), Bank: bankMSP, Product: financing.ReceivableProduct, Currency: "EUR", AdvanceMinor: 4_000_000, Consent: d.consent,
			Collateral: []financing.Ref{{Kind: financing.Fragment, ID: root, Circle: tradeCircle}}}
		return attempt{seller("maker"), "financing:Apply", in, []string{bankDesk, in.ID}}
	}
	offering := receivable.Offering{To: tierTwoParty, Recourse: receivable.WithRecourse}
	pay := receivable.Paying{ID: opaque("pay", 1), AmountMinor: 10, Currency: "EUR"}
	assert.Equal(t, 1, d.race(
		apply(1), apply(2),
		attempt{seller("maker"), "receivable:Offer", offering, []string{root}},
		attempt{seller("maker"), "receivable:Split", receivable.Division{Ratios: []int64{1, 1}}, []string{root}},
		attempt{buyer("checker"), "receivable:Pay", pay, []string{id, pay.ID}},
	), "a fragment is pledged, offered, divided or paid, not two of them at once")
	claim := d.claimNow(id)
	require.NoError(t, receivable.Conserves(claim.Receivable, claim.Fragments))
	assert.Equal(t, receivable.Reserved, d.fragmentStatus(root))
	for _, function := range []string{"receivable:Offer", "receivable:Split"} {
		input := map[string]any{"receivable:Offer": offering, "receivable:Split": receivable.Division{Ratios: []int64{1, 1}}}[function]
		d.refused(fault.FragmentEncumbered, function)(d.submit(seller("maker"), function, input, root))
	}
	d.refused(fault.CollateralEncumbered)(d.apply(2, 4_000_000, root))
}
