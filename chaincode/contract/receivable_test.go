package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
)

func TestReceivableFromInvoiceToPayment(t *testing.T) {
	w := newTrade(t)
	w.must(w.submit(buyer("governor"), "receivable:SetRules", receivable.Rules{LateRateBps: 800, GraceDays: 3}, tradeCircle))
	id, root := w.confirmed(1, "RE-2026/0042", 4_825_000)

	parts := w.step(w.submit(seller("maker"), "receivable:Split", receivable.Division{AmountsMinor: []int64{1_000_000}}, root)).Fragments
	require.Len(t, parts, 2)
	w.must(w.submit(seller("maker"), "receivable:Offer", receivable.Offering{To: tierTwoParty, Recourse: receivable.WithRecourse, ConsiderationMinor: 990_000}, parts[0]))
	w.refused(fault.NotPermitted)(w.submit(seller("maker"), "receivable:Accept", nil, parts[0]))
	w.must(w.submit(tierTwo("maker"), "receivable:Accept", nil, parts[0]))
	holding := decoded[receivable.Holding](t, w.must(w.evaluate(tierTwo("maker"), "receivable:Holding", parts[0])))
	require.NoError(t, holding.Undertaking.Verify())
	w.refused(fault.NotPermitted, "a holder does not see the invoice")(w.evaluate(tierTwo("maker"), "receivable:Get", id))
	w.refused(fault.NotHolder)(w.submit(seller("maker"), "receivable:Split", receivable.Division{Ratios: []int64{1, 1}}, parts[0]))

	dispute := receivable.Objection{ID: opaque("dsp", 1), Fragments: parts[1:], Because: receivable.Because{Reasons: []receivable.Reason{"QTY"}}}
	w.must(w.submit(buyer("maker"), "receivable:Freeze", dispute, id, dispute.ID))
	w.refused(fault.FragmentFrozen)(w.submit(seller("maker"), "receivable:Split", receivable.Division{Ratios: []int64{1, 1}}, parts[1]))
	note := receivable.Crediting{ID: opaque("crn", 1), TypeCode: "381", Number: "G-1", IssueDate: w.today(), Currency: "EUR", AmountMinor: 25_000, DocumentHash: strings.Repeat("cd", 32)}
	w.must(w.submit(seller("maker"), "receivable:CreditNote", note, id, note.ID))
	again := note
	again.ID = opaque("crn", 2)
	w.refused(fault.ReceivableDuplicate, "a credit note counts once")(w.submit(seller("maker"), "receivable:CreditNote", again, id, again.ID))
	w.must(w.submit(buyer("maker"), "receivable:Thaw", nil, id, dispute.ID))

	w.net.Advance(days(90))
	assert.Equal(t, receivable.Matured, w.step(w.submit(buyer("maker"), "receivable:Age", nil, id)).Status)
	costs := decoded[[]receivable.Cost](t, w.must(w.evaluate(user{regulatorMSP, "", "auditor"}, "receivable:Costs", parts[0])))
	require.Len(t, costs, 1)
	assert.Equal(t, int64(10_000), costs[0].CostMinor)
	bill := decoded[receivable.Bill](t, w.must(w.evaluate(buyer("maker"), "receivable:Bill", id)))
	assert.Equal(t, int64(4_800_000), bill.TotalMinor)
	pay := receivable.Paying{ID: opaque("pay", 1), AmountMinor: 4_800_000, Currency: "EUR"}
	s := w.step(w.submit(buyer("checker"), "receivable:Pay", pay, id, pay.ID))
	assert.Equal(t, receivable.Settled, s.Status)
	list := decoded[[]receivable.Payment](t, w.must(w.evaluate(bank("maker"), "receivable:Payments", id)))
	require.Len(t, list, 1)
	require.Len(t, list[0].Payouts, 2)
	for _, o := range list[0].Payouts {
		if o.Fragment == parts[0] {
			require.Len(t, o.Costs, 1, "the bank sees what each tier has paid")
			assert.Equal(t, int64(10_000), o.Costs[0].CostMinor)
		} else {
			assert.Empty(t, o.Costs, "the seller's own has not been passed on")
		}
	}
	paidTo := func(who user) receivable.Payment {
		list := decoded[[]receivable.Payment](t, w.must(w.evaluate(who, "receivable:Payments", id)))
		require.Len(t, list, 1)
		return list[0]
	}
	own := paidTo(tierTwo("checker"))
	assert.Equal(t, int64(1_000_000), own.AmountMinor, "a holder sees its own part")
	require.Len(t, own.Payouts, 1)
	assert.Equal(t, parts[0], own.Payouts[0].Fragment)
	assert.Empty(t, own.Payouts[0].Costs, "and not what those above have paid")
	whole := paidTo(seller("maker"))
	assert.Equal(t, int64(4_800_000), whole.AmountMinor, "the seller sees what was paid in all")
	require.Len(t, whole.Payouts, 1)
	for _, o := range paidTo(buyer("maker")).Payouts {
		assert.Empty(t, o.Costs, "the buyer does not see its suppliers' terms")
	}
	require.NoError(t, receivable.Conserves(w.receivable(id).Receivable, w.fragments(id)))
	assert.Len(t, decoded[[]receivable.CreditNote](t, w.must(w.evaluate(seller("maker"), "receivable:CreditNotes", id))), 1)
	assert.Len(t, decoded[[]receivable.Dispute](t, w.must(w.evaluate(buyer("maker"), "receivable:Disputes", id))), 1)
	assert.Len(t, decoded[[]receivable.Holding](t, w.must(w.evaluate(tierTwo("checker"), "receivable:Holdings", id))), 1)

	var envelope record.Envelope
	require.NoError(t, json.Unmarshal(w.last.Event.GetPayload(), &envelope))
	assert.Equal(t, "receivable:Pay", envelope.Function)
	assert.Len(t, envelope.Events, 2)

	const stranger = "p-000000dddd"
	w.host(tradeCircle, stranger, supplierMSP)
	assert.Empty(t, decoded[[]receivable.Payment](t, w.must(w.evaluate(user{supplierMSP, stranger, "maker"}, "receivable:Payments", id))))
}

func TestTheSameInvoiceIsIssuedOnce(t *testing.T) {
	w := newTrade(t)
	w.must(w.issue(1, "RE-1", 100))
	w.refused(fault.ReceivableDuplicate)(w.issue(2, "RE-1", 100))
	elsewhere := opaque("rcv", 3)
	in := receivable.Issuance{ID: elsewhere, Invoice: w.invoice("RE-1", 100)}
	w.refused(fault.ReceivableDuplicate, "in another programme, with another bank")(
		w.submit(seller("maker"), "receivable:Issue", in, secondCircle, elsewhere))
	in.Invoice.Number = "re 1"
	w.must(w.submit(seller("maker"), "receivable:Issue", in, secondCircle, elsewhere))
	view := w.receivable(opaque("rcv", 1))
	require.Len(t, view.Lookalikes, 1, "a near duplicate is flagged, not refused")
	assert.Equal(t, Lookalike{Receivable: elsewhere, Programme: secondCircle}, view.Lookalikes[0])

	w.must(w.submit(buyer("checker"), "receivable:Reject", receivable.Because{Reasons: []receivable.Reason{"PAY"}}, opaque("rcv", 1)))
	w.must(w.issue(4, "RE-1", 100))
	assert.Len(t, w.receivable(opaque("rcv", 4)).Lookalikes, 1, "what was rejected is no near duplicate")
	w.refused(fault.ReceivableDuplicate)(w.issue(5, "RE-1", 100))
}

func TestConfirmNeedsTheCheckersOwnSignature(t *testing.T) {
	w := newTrade(t)
	w.must(w.issue(1, "RE-1", 100))
	id := opaque("rcv", 1)
	both := buyer("maker,checker")
	w.must(w.submit(both, "receivable:ProposeConfirm", nil, id))
	w.refused(fault.MakerIsChecker)(w.submit(both, "receivable:Confirm", w.signed(both, id), id))
	w.refused(fault.UndertakingInvalid, "another person's signature")(w.submit(buyer("checker"), "receivable:Confirm", w.signed(both, id), id))
	impostor := user{supplierMSP, buyerParty, "checker"}
	w.refused(fault.NotPermitted)(w.submit(impostor, "receivable:Confirm", w.signed(both, id), id))
	w.must(w.submit(buyer("checker"), "receivable:Confirm", w.signed(buyer("checker"), id), id))
	stranger := user{bankMSP, sellerParty, "maker"}
	w.refused(fault.NotPermitted, "the bank's CA cannot make people of a supplier's party")(
		w.submit(stranger, "receivable:Split", receivable.Division{Ratios: []int64{1, 1}}, w.fragments(id)[0].ID))
}

func TestBulk(t *testing.T) {
	w := newTrade(t)
	var in receivable.BulkIssuance
	var proposal receivable.BulkProposal
	for i := range 40 {
		in.Items = append(in.Items, receivable.Issuance{ID: opaque("rcv", i), Invoice: w.invoice("B-"+opaque("n", i), int64(1000+i))})
		proposal.IDs = append(proposal.IDs, in.Items[i].ID)
	}
	twice := receivable.BulkIssuance{Items: append(in.Items[:2:2], receivable.Issuance{ID: opaque("rcv", 99), Invoice: in.Items[0].Invoice})}
	w.refused(fault.ReceivableDuplicate, "within one bulk, too")(w.submit(seller("maker"), "receivable:IssueBulk", twice, tradeCircle))
	out := decoded[BulkStep](t, w.must(w.submit(seller("maker"), "receivable:IssueBulk", in, tradeCircle)))
	assert.Len(t, out.Steps, 40)
	w.must(w.submit(buyer("maker"), "receivable:ProposeConfirmBulk", proposal))
	terms := decoded[[]receivable.Terms](t, w.must(w.evaluate(buyer("checker"), "receivable:TermsBulk", text(proposal.IDs))))
	require.Len(t, terms, 40)
	var confirmation receivable.BulkConfirmation
	for _, id := range proposal.IDs {
		confirmation.Items = append(confirmation.Items, receivable.ConfirmationOf{ID: id, Confirmation: w.signed(buyer("checker"), id)})
	}
	w.must(w.submit(buyer("checker"), "receivable:ConfirmBulk", confirmation))
	page := decoded[ReceivablePage](t, w.must(w.evaluate(bank("maker"), "receivable:List", "200", "")))
	require.Len(t, page.Receivables, 40)
	for _, r := range page.Receivables {
		assert.Equal(t, receivable.Confirmed, r.Status)
	}
	page = decoded[ReceivablePage](t, w.must(w.evaluate(otherBank("maker"), "receivable:List", "200", "")))
	assert.Empty(t, page.Receivables, "what an organisation holds no key for is not listed")
}

func TestFinancingHoldsFragments(t *testing.T) {
	// The functions that a financing calls need no door of their own: a transaction in memory is enough.
	w := newTrade(t)
	_, root := w.confirmed(1, "RE-1", 1000)
	other := "app-2"
	w.inside(seller("maker"), func(tx *ledger.Tx, by member.Actor) error {
		_, f, err := reserveFragment(tx, by, "app-1", root)
		require.NoError(t, err)
		assert.Equal(t, int64(1000), f.FaceMinor)
		_, _, err = reserveFragment(tx, by, other, root)
		assert.Equal(t, fault.FragmentEncumbered, fault.CodeOf(err))
		assert.Equal(t, fault.FragmentEncumbered, fault.CodeOf(pledgeFragment(tx, other, bankParty, root)))
		require.NoError(t, pledgeFragment(tx, "app-1", bankParty, root))
		require.NoError(t, enforceFragment(tx, "app-1", root))
		_, f, err = fragmentWith(tx, root)
		require.NoError(t, err)
		assert.Equal(t, bankParty, f.Holder)
		_, _, err = reserveFragment(tx, by, other, root)
		assert.Equal(t, fault.NotHolder, fault.CodeOf(err))
		return nil
	})
	w.inside(seller("maker"), func(tx *ledger.Tx, by member.Actor) error {
		_, _, err := reserveFragment(tx, by, "app-1", root)
		require.NoError(t, err)
		require.NoError(t, releaseFragment(tx, "app-1", root))
		_, _, err = reserveFragment(tx, by, other, root)
		require.NoError(t, err)
		return buyFragment(tx, other, bankParty, receivable.WithoutRecourse, 990, root)
	})
}

func TestReceivableBeforeConfirmation(t *testing.T) {
	w := newTrade(t)
	because := receivable.Because{Reasons: []receivable.Reason{"PRI"}, Note: "price of line 2"}
	id := opaque("rcv", 1)
	w.must(w.issue(1, "RE-1", 100))
	assert.Equal(t, receivable.Disputed, w.step(w.submit(buyer("maker"), "receivable:Dispute", because, id)).Status)
	assert.Equal(t, receivable.Issued, w.step(w.submit(buyer("maker"), "receivable:Resolve", nil, id)).Status)
	assert.Equal(t, receivable.Proposed, w.step(w.submit(buyer("maker"), "receivable:ProposeConfirm", nil, id)).Status)
	assert.Equal(t, receivable.Issued, w.step(w.submit(buyer("checker"), "receivable:Return", nil, id)).Status)
	assert.Equal(t, receivable.Withdrawn, w.step(w.submit(seller("maker"), "receivable:Withdraw", nil, id)).Status)
	w.refused(fault.TransitionDenied)(w.submit(buyer("maker"), "receivable:ProposeConfirm", nil, id))
	w.refused(fault.ReceivableNotConfirmed)(w.submit(buyer("maker"), "receivable:Age", nil, id))
	rules := decoded[receivable.Rules](t, w.must(w.evaluate(bank("maker"), "receivable:Rules", tradeCircle)))
	assert.Equal(t, 180, rules.MaxTenorDays)
	w.must(w.submit(buyer("governor"), "receivable:SetRules", receivable.Rules{MaxTenorDays: 60}, tradeCircle))
	w.refused(fault.TenorTooLong)(w.issue(2, "RE-2", 100))
	w.must(w.submit(buyer("governor"), "receivable:SetRules", receivable.Rules{MaxTenorDays: 120}, tradeCircle))
	w.must(w.issue(2, "RE-2", 100))
	in := receivable.Issuance{ID: opaque("rcv", 3), Invoice: w.invoice("RE-3", 100)}
	w.refused(fault.InputInvalid, "the id in public and the one inside differ")(w.submit(seller("maker"), "receivable:Issue", in, tradeCircle, id))
	in.Invoice.Buyer = "p-000000ffff"
	w.refused(fault.RecordNotFound, "a buyer whom the programme does not know")(w.submit(seller("maker"), "receivable:Issue", in, tradeCircle, in.ID))
	w.refused(fault.InputMissing)(w.submit(seller("maker"), "receivable:Issue", nil, tradeCircle, in.ID))
}

func TestCreditNoteCascadeOnTheLedger(t *testing.T) {
	w := newTrade(t)
	id, root := w.confirmed(1, "RE-1", 1000)
	parts := w.step(w.submit(seller("maker"), "receivable:Split", receivable.Division{AmountsMinor: []int64{100, 300}}, root)).Fragments
	offering := receivable.Offering{To: tierTwoParty, Recourse: receivable.WithRecourse}
	for _, f := range parts[1:] {
		w.must(w.submit(seller("maker"), "receivable:Offer", offering, f))
	}
	w.must(w.submit(tierTwo("maker"), "receivable:Decline", nil, parts[1]))
	w.must(w.submit(seller("maker"), "receivable:Offer", offering, parts[1]))
	w.must(w.submit(seller("maker"), "receivable:TakeBack", nil, parts[1]))
	w.must(w.submit(seller("maker"), "receivable:Offer", offering, parts[1]))
	for _, f := range parts[1:] {
		w.must(w.submit(tierTwo("maker"), "receivable:Accept", nil, f))
	}
	note := receivable.Crediting{ID: opaque("crn", 1), TypeCode: "381", Number: "G-1", IssueDate: w.today(), Currency: "EUR", AmountMinor: 500, DocumentHash: strings.Repeat("cd", 32)}
	w.must(w.submit(tierTwo("maker"), "receivable:Consent", receivable.Consenting{CreditNote: note.ID, UpToMinor: 250}, parts[1]))
	w.must(w.submit(seller("maker"), "receivable:CreditNote", note, id, note.ID))
	got := decoded[[]receivable.CreditNote](t, w.must(w.evaluate(bank("maker"), "receivable:CreditNotes", id)))[0]
	assert.Equal(t, []receivable.Cut{{Fragment: parts[0], Holder: sellerParty, Minor: 100}, {Fragment: parts[1], Holder: tierTwoParty, Minor: 250}}, got.Cuts)
	assert.Equal(t, int64(150), got.Recourse.Minor)
	assert.NotContains(t, string(w.must(w.evaluate(seller("maker"), "receivable:CreditNotes", id))), tierTwoParty)
	owed := decoded[[]receivable.Fragment](t, w.must(w.evaluate(buyer("maker"), "receivable:Fragments", id)))
	require.Len(t, owed, len(w.fragments(id)))
	for _, f := range owed {
		assert.Empty(t, f.Chain, "the buyer sees whom it owes what, not the tiers between")
		one := decoded[receivable.Fragment](t, w.must(w.evaluate(buyer("maker"), "receivable:Fragment", f.ID)))
		assert.Equal(t, f, one)
	}
	lineage := decoded[receivable.Fragment](t, w.must(w.evaluate(user{regulatorMSP, "", "auditor"}, "receivable:Fragment", parts[1])))
	assert.Len(t, lineage.Chain, 1)
	w.refused(fault.NotPermitted)(w.submit(user{buyerMSP, bankParty, "checker"}, "receivable:SettleRecourse", nil, id, note.ID))
	w.must(w.submit(buyer("checker"), "receivable:SettleRecourse", nil, id, note.ID))
	w.refused(fault.TransitionDenied)(w.submit(buyer("checker"), "receivable:SettleRecourse", nil, id, note.ID))

	again := w.step(w.submit(tierTwo("maker"), "receivable:Split", receivable.Division{Ratios: []int64{2, 1}}, parts[2])).Fragments
	w.must(w.submit(tierTwo("maker"), "receivable:Merge", nil, text(again)))
	w.net.Advance(days(90 + 90))
	assert.Equal(t, receivable.Defaulted, w.step(w.submit(bank("underwriter"), "receivable:Age", nil, id)).Status)
	assert.Equal(t, receivable.WrittenOff, w.step(w.submit(tierTwo("checker"), "receivable:WriteOff", nil, id)).Status)
	pay := receivable.Paying{ID: opaque("pay", 1), AmountMinor: 650, Currency: "EUR"}
	assert.Equal(t, receivable.Settled, w.step(w.submit(buyer("checker"), "receivable:Pay", pay, id, pay.ID)).Status)
	w.refused(fault.RecordNotFound)(w.submit(buyer("maker"), "receivable:Thaw", nil, id, opaque("dsp", 1)))
}

func TestOutsidersFindNoTerms(t *testing.T) {
	w := newTrade(t)
	id, root := w.confirmed(1, "RE-SECRET/0042", 48_250_017)
	parts := w.step(w.submit(seller("maker"), "receivable:Split", receivable.Division{AmountsMinor: []int64{12_345_678}}, root)).Fragments
	w.refused(fault.SplitNotExact)(w.submit(seller("maker"), "receivable:Split", receivable.Division{AmountsMinor: []int64{77_777_777}}, parts[0]))
	for _, msp := range []string{warehouseMSP, otherBankMSP} {
		for _, seen := range w.net.SeenBy(msp) {
			for _, secret := range []string{"RE-SECRET", "48250017", "12345678", "77777777", "Party p-"} {
				require.NotContains(t, string(seen), secret, msp)
			}
		}
	}
	for _, who := range []user{otherBank("maker"), {warehouseMSP, "", "operator"}} {
		for _, function := range []string{"Get", "Fragments", "Holdings"} {
			_, err := w.evaluate(who, "receivable:"+function, id)
			require.Contains(t, []fault.Code{fault.NotPermitted, fault.KeyMissing}, fault.CodeOf(err), "%s %s", function, err)
		}
	}
}
