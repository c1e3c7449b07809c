package receivable

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

func crediting(amount int64) Crediting {
	return Crediting{ID: "crn-00000001", TypeCode: "381", Number: "C-1", IssueDate: date("2026-03-02"), Currency: "EUR", AmountMinor: amount, DocumentHash: sample().DocumentHash}
}

func paying(amount int64) Paying {
	return Paying{ID: "pay-00000001", AmountMinor: amount, Currency: "EUR"}
}

func find(t *testing.T, list []Fragment, id string) Fragment {
	for _, f := range list {
		if f.ID == id {
			return f
		}
	}
	require.Fail(t, "no such fragment among the changed ones", id)
	return Fragment{}
}

// afterwards is the claim once the outcome is saved.
func afterwards(c Claim, out Outcome) Claim {
	next := Claim{Receivable: out.Receivable, Fragments: slices.Clone(c.Fragments)}
	for i, f := range next.Fragments {
		for _, changed := range out.Changed {
			if changed.ID == f.ID {
				next.Fragments[i] = changed
			}
		}
	}
	return next
}

func TestFreezeOnlyWhatIsNamed(t *testing.T) {
	r, root := confirmed(t)
	parts := split(t, r, root, 100_00, 200_00, 300_00)
	why := Because{Reasons: []Reason{"QUA"}}
	in := Objection{ID: "dsp-00000001", Fragments: []string{parts[1].ID}, Because: why}
	dispute, frozen, err := r.Freeze(in, parts, maker(buyerParty), noon)
	require.NoError(t, err)
	require.Len(t, frozen, 1)
	assert.Equal(t, Frozen, frozen[0].Status)
	assert.Equal(t, "2026-04-01", dispute.EndsOn.String())
	_, err = frozen[0].OfferTo(r, Offering{To: tierTwo, Recourse: WithRecourse}, maker(sellerParty), noon)
	requireCode(t, fault.FragmentFrozen, err)
	_, err = frozen[0].Reserve(r, "app-1", maker(sellerParty), noon)
	requireCode(t, fault.FragmentFrozen, err)
	_, _, err = r.Freeze(Objection{ID: "dsp-00000002", Fragments: []string{parts[1].ID}, Because: why}, frozen, maker(buyerParty), noon)
	requireCode(t, fault.FragmentFrozen, err)

	reserved, err := parts[0].Reserve(r, "app-1", maker(sellerParty), noon)
	require.NoError(t, err)
	_, _, err = r.Freeze(Objection{ID: "dsp-00000002", Fragments: []string{reserved.ID}, Because: why}, []Fragment{reserved}, maker(buyerParty), noon)
	requireCode(t, fault.FragmentEncumbered, err, "a financed fragment is not frozen")
	_, _, err = r.Freeze(in, parts, maker(sellerParty), noon)
	requireCode(t, fault.NotPermitted, err)
	_, _, err = r.Freeze(in, parts, maker(buyerParty), on("2026-06-01"))
	requireCode(t, fault.ReceivableMatured, err)
	_, _, err = r.Freeze(in, parts[2:], maker(buyerParty), noon)
	requireCode(t, fault.RecordNotFound, err)

	for _, who := range []member.Actor{maker(sellerParty), maker(bankParty), checker(buyerParty)} {
		_, _, err = dispute.End(r, frozen, who, noon)
		requireCode(t, fault.NotPermitted, err)
	}
	ended, free, err := dispute.End(r, frozen, maker(buyerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Held, free[0].Status)
	assert.False(t, free[0].Undisputable)
	_, _, err = ended.End(r, frozen, maker(buyerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	_, free, err = dispute.End(r, frozen, maker(sellerParty), on("2026-04-02"))
	require.NoError(t, err, "a dispute that lasts too long is ended by those whom it hurts")
	_, _, err = r.Freeze(Objection{ID: "dsp-00000002", Fragments: []string{free[0].ID}, Because: why}, free, maker(buyerParty), on("2026-04-02"))
	requireCode(t, fault.DisputeLapsed, err)
}

func TestCreditNoteOrder(t *testing.T) {
	r, root := confirmed(t)
	p := split(t, r, root, 100_00, 150_00, 200_00, 250_00) // and 300.00
	free, financed, passed, consenting, disputed := p[0], p[1], p[2], p[3], p[4]
	financed, err := financed.Reserve(r, "app-1", maker(sellerParty), noon)
	require.NoError(t, err)
	financed, err = financed.Pledge("app-1", bankParty, noon)
	require.NoError(t, err)
	passed = pass(t, r, passed, tierTwo, 0, noon)
	consenting = pass(t, r, consenting, tierThree, 0, noon)
	_, frozen, err := r.Freeze(Objection{ID: "dsp-00000001", Fragments: []string{disputed.ID}, Because: Because{Reasons: []Reason{"QTY"}}}, p, maker(buyerParty), noon)
	require.NoError(t, err)
	consenting, err = consenting.ConsentTo(Consenting{CreditNote: "crn-00000001", UpToMinor: 120_00}, maker(tierThree), noon)
	require.NoError(t, err)
	_, err = passed.ConsentTo(Consenting{CreditNote: "crn-00000001", UpToMinor: 1}, maker(tierThree), noon)
	requireCode(t, fault.NotHolder, err)
	_, err = financed.ConsentTo(Consenting{CreditNote: "crn-00000001", UpToMinor: 1}, maker(sellerParty), noon)
	requireCode(t, fault.FragmentEncumbered, err)
	claim := Claim{r, []Fragment{free, financed, passed, consenting, frozen[0]}}

	out, note, err := claim.Credit(crediting(350_00), "f", maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, []Cut{{disputed.ID, sellerParty, 300_00}, {free.ID, sellerParty, 50_00}}, note.Cuts, "the disputed fragment first")
	assert.Nil(t, note.Recourse)
	assert.Equal(t, CreditedAway, find(t, out.Changed, disputed.ID).Status)

	out, note, err = claim.Credit(crediting(900_00), "f", maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, []Cut{{disputed.ID, sellerParty, 300_00}, {free.ID, sellerParty, 100_00}, {consenting.ID, tierThree, 120_00}}, note.Cuts)
	assert.Equal(t, &RecourseClaim{Debtor: sellerParty, Creditor: buyerParty, Currency: "EUR", Minor: 380_00}, note.Recourse)
	assert.Equal(t, int64(520_00), out.Receivable.CreditedMinor)
	assert.Equal(t, int64(380_00), out.Receivable.RecourseMinor)
	assert.Equal(t, Confirmed, out.Receivable.Status, "the financed, the passed-on and the rest of the consenting fragment are owed in full")
	assert.Len(t, out.Changed, 3)
	assert.Equal(t, int64(100_00), claim.Fragments[0].FaceMinor, "what was given is not changed")

	next := Claim{out.Receivable, append(out.Changed, financed, passed)}
	second := crediting(100_01)
	second.ID = "crn-00000002"
	_, _, err = next.Credit(second, "g", maker(sellerParty), noon)
	requireCode(t, fault.CreditTooLarge, err)
	settled, err := note.Settle(checker(buyerParty), noon)
	require.NoError(t, err)
	_, err = settled.Settle(checker(buyerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	_, err = note.Settle(checker(sellerParty), noon)
	requireCode(t, fault.NotPermitted, err)

	_, _, err = claim.Credit(crediting(1), "f", maker(buyerParty), noon)
	requireCode(t, fault.NotPermitted, err)
	wrong := crediting(1)
	wrong.Currency = "USD"
	_, _, err = claim.Credit(wrong, "f", maker(sellerParty), noon)
	requireCode(t, fault.CurrencyMismatch, err)
}

func TestCreditNoteLetsAnOfferFall(t *testing.T) {
	r, root := confirmed(t)
	offered, err := root.OfferTo(r, Offering{To: tierTwo, Recourse: WithRecourse}, maker(sellerParty), noon)
	require.NoError(t, err)
	out, _, err := Claim{r, []Fragment{offered}}.Credit(crediting(1), "f", maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Held, out.Changed[0].Status)
	_, err = out.Changed[0].Accept(out.Receivable, maker(tierTwo), noon)
	requireCode(t, fault.TransitionDenied, err, "the receiver accepted another face")
}

func TestCreditNoteBeforeConfirmation(t *testing.T) {
	r := issue(t, sample())
	proposed, err := r.Propose(maker(buyerParty), noon)
	require.NoError(t, err)
	out, note, err := Claim{Receivable: proposed}.Credit(crediting(400_00), "f", maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Issued, out.Receivable.Status, "the proposal was for another amount")
	assert.Equal(t, int64(400_00), note.BeforeMinor)
	done, root := confirm(t, out.Receivable)
	assert.Equal(t, int64(600_00), root.FaceMinor)
	assert.Equal(t, "60000", done.Undertaking.Terms.AmountMinor)
	require.NoError(t, Conserves(done, []Fragment{root}))
	out, _, err = Claim{Receivable: r}.Credit(crediting(1_000_00), "f", maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Cancelled, out.Receivable.Status)
}

func TestPaymentProRata(t *testing.T) {
	r, root := confirmed(t)
	p := split(t, r, root, 333_33, 333_33)
	second := pass(t, r, p[1], tierTwo, 0, noon)
	pledged, err := p[2].Reserve(r, "app-1", maker(sellerParty), noon)
	require.NoError(t, err)
	pledged, err = pledged.Pledge("app-1", bankParty, noon)
	require.NoError(t, err)
	claim := Claim{r, []Fragment{p[0], second, pledged}}
	out, payment, err := claim.Pay(paying(100), checker(buyerParty), on("2026-06-01"))
	require.NoError(t, err)
	assert.Equal(t, Matured, out.Receivable.Status)
	var sum int64
	for _, o := range payment.Payouts {
		sum += o.PrincipalMinor
	}
	assert.Equal(t, int64(100), sum)
	last := payment.Payouts[2]
	for _, o := range payment.Payouts {
		if o.Fragment == pledged.ID {
			last = o
		}
	}
	assert.Equal(t, Payout{Fragment: pledged.ID, Holder: sellerParty, Payee: bankParty, Application: "app-1", PrincipalMinor: 34}, last)

	out, payment, err = Claim{out.Receivable, out.Changed}.Pay(paying(999_00), checker(buyerParty), on("2026-06-06"))
	require.NoError(t, err)
	assert.Equal(t, Settled, out.Receivable.Status)
	assert.Zero(t, payment.InterestMinor, "within the days of grace")
	for _, f := range out.Changed {
		assert.Equal(t, Paid, f.Status)
	}
	_, _, err = Claim{out.Receivable, out.Changed}.Pay(paying(1), checker(buyerParty), on("2026-06-06"))
	requireCode(t, fault.PaymentTooLarge, err)
	_, _, err = claim.Pay(paying(1_000_01), checker(buyerParty), noon)
	requireCode(t, fault.PaymentTooLarge, err)
	_, _, err = claim.Pay(paying(1), maker(buyerParty), noon)
	requireCode(t, fault.NotPermitted, err)
	_, _, err = Claim{Receivable: issue(t, sample())}.Pay(paying(1), checker(buyerParty), noon)
	requireCode(t, fault.ReceivableNotConfirmed, err)
}

func TestFrozenFragmentsTakeNoPart(t *testing.T) {
	r, root := confirmed(t)
	p := split(t, r, root, 400_00)
	_, frozen, err := r.Freeze(Objection{ID: "dsp-00000001", Fragments: []string{p[0].ID}, Because: Because{Reasons: []Reason{"QTY"}}}, p, maker(buyerParty), noon)
	require.NoError(t, err)
	claim := Claim{r, []Fragment{frozen[0], p[1]}}
	bill, err := claim.Bill(date("2026-03-02"))
	require.NoError(t, err)
	assert.Equal(t, [2]int64{600_00, 400_00}, [2]int64{bill.TotalMinor, bill.DisputedMinor})
	_, _, err = claim.Pay(paying(600_01), checker(buyerParty), noon)
	requireCode(t, fault.PaymentTooLarge, err)
	out, _, err := claim.Pay(paying(600_00), checker(buyerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Confirmed, out.Receivable.Status, "the disputed part is still owed")
	require.Len(t, out.Changed, 1)
}

func TestLateInterestAndAgeing(t *testing.T) {
	r, root := confirmed(t) // 900 basis points, ACT/360, five days of grace
	p := split(t, r, root, 250_00)
	claim := Claim{r, p}
	for day, want := range map[string]Status{"2026-05-31": Confirmed, "2026-06-01": Matured, "2026-06-06": Matured, "2026-06-07": Overdue,
		"2026-08-29": Overdue, "2026-08-30": Defaulted} {
		aged, err := r.Age(date(day))
		require.NoError(t, err)
		assert.Equal(t, want, aged.Status, day)
	}
	bill, err := claim.Bill(date("2026-06-11"))
	require.NoError(t, err)
	assert.Equal(t, Bill{Receivable: r.ID, Status: Overdue, On: date("2026-06-11"), DueDate: date("2026-06-01"), Currency: "EUR",
		PrincipalMinor: 1_000_00, InterestMinor: 250, TotalMinor: 1_002_50}, bill)
	_, err = Claim{Receivable: issue(t, sample())}.Bill(date("2026-06-11"))
	requireCode(t, fault.ReceivableNotConfirmed, err)
	// Ten days after the due date: 100000 × 9 % × 10 ÷ 360 = 250, a quarter of it for the first fragment.
	out, payment, err := claim.Pay(paying(200), checker(buyerParty), on("2026-06-11"))
	require.NoError(t, err)
	assert.Equal(t, int64(200), payment.InterestMinor, "interest first")
	assert.Zero(t, payment.PrincipalMinor)
	assert.Equal(t, int64(50), payment.Payouts[indexOf(payment, p[0].ID)].InterestMinor)
	assert.Equal(t, int64(200), out.Receivable.LateInterestPaidMinor)
	// Twenty more days: 500, and 50 left from before.
	out, payment, err = Claim{out.Receivable, out.Changed}.Pay(paying(550+1_000_00), checker(buyerParty), on("2026-07-01"))
	require.NoError(t, err)
	assert.Equal(t, int64(550), payment.InterestMinor)
	assert.Equal(t, Settled, out.Receivable.Status)
	_, _, err = claim.Pay(paying(1_000_00+251), checker(buyerParty), on("2026-06-11"))
	requireCode(t, fault.PaymentTooLarge, err)
	// A credit note after the due date takes its share of the interest with it.
	late := crediting(500_00)
	out, _, err = claim.Credit(late, "f", maker(sellerParty), on("2026-06-11"))
	require.NoError(t, err)
	var interest int64
	for _, f := range out.Changed {
		interest += f.InterestMinor
	}
	assert.Equal(t, int64(125), interest)
	_, err = issue(t, sample()).Age(date("2026-06-01"))
	requireCode(t, fault.ReceivableNotConfirmed, err)
}

func indexOf(p Payment, fragment string) int {
	for i, o := range p.Payouts {
		if o.Fragment == fragment {
			return i
		}
	}
	return -1
}

func TestWriteOffWaivesNothing(t *testing.T) {
	r, root := confirmed(t)
	p := split(t, r, root, 400_00)
	second := pass(t, r, p[0], tierTwo, 0, noon)
	claim := Claim{r, []Fragment{second, p[1]}}
	_, err := claim.WriteOff(checker(sellerParty), on("2026-08-29"))
	requireCode(t, fault.TransitionDenied, err, "not in default yet")
	_, err = claim.WriteOff(maker(sellerParty), on("2026-08-30"))
	requireCode(t, fault.NotPermitted, err)
	_, err = claim.WriteOff(checker(bankParty), on("2026-08-30"))
	requireCode(t, fault.NotHolder, err)
	out, err := claim.WriteOff(checker(sellerParty), on("2026-08-30"))
	require.NoError(t, err)
	assert.Equal(t, Defaulted, out.Receivable.Status, "the other holder has not given up")
	first := afterwards(claim, out)
	out, err = first.WriteOff(checker(tierTwo), on("2026-08-30"))
	require.NoError(t, err)
	assert.Equal(t, WrittenOff, out.Receivable.Status)
	after, payment, err := afterwards(first, out).Pay(paying(50_00), checker(buyerParty), on("2026-09-30"))
	require.NoError(t, err)
	assert.Equal(t, WrittenOff, after.Receivable.Status)
	assert.Len(t, payment.Payouts, 2)
}

func TestConservesFindsWhatIsWrong(t *testing.T) {
	r, root := confirmed(t)
	require.NoError(t, Conserves(r, []Fragment{root}))
	for name, change := range map[string]func(*Receivable, *Fragment){
		"a cent more": func(_ *Receivable, f *Fragment) { f.FaceMinor++ }, "a cent less": func(_ *Receivable, f *Fragment) { f.FaceMinor-- },
		"paid too much": func(r *Receivable, _ *Fragment) { r.PaidMinor = 1_000_01 }, "closed with a face": func(_ *Receivable, f *Fragment) { f.Status = Paid },
		"another's": func(_ *Receivable, f *Fragment) { f.Receivable = "rcv-x" },
	} {
		r, f := r, root
		change(&r, &f)
		requireCode(t, fault.ConservationBroken, Conserves(r, []Fragment{f}), name)
		_, _, err := Claim{r, []Fragment{f}}.Pay(paying(1), checker(buyerParty), noon)
		requireCode(t, fault.ConservationBroken, err, name)
	}
	requireCode(t, fault.ConservationBroken, Conserves(r, nil))
}
