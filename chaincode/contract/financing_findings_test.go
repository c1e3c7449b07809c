package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/chaincode/financing/financingtest"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

const relatedCircle = "prg-00000000000000000077"

// sold issues an invoice from one of the supplier host's parties to a party.
func (d *desk) sold(n int, by, to string) string {
	id := opaque("rcv", n)
	in := receivable.Issuance{ID: id, Invoice: d.invoice("T-"+opaque("n", n), 100_000)}
	in.Invoice.Seller, in.Invoice.Buyer = by, to
	d.must(d.submit(user{supplierMSP, by, "maker"}, "receivable:Issue", in, tradeCircle, id))
	return id
}

// scored is a score and a decision on it, with the circles of trades that the bank names.
func (d *desk) scored(n int, trips ...[]string) (ScoredClaim, error) {
	s := d.submission(n, good)
	p := d.proposal(bank("underwriter"), "financing:Case", CaseInput{Submission: &s, Trips: trips}, opaque("app", n), s.ID, "[]")
	raw, err := d.net.Evaluate(d.identity(bank("underwriter")), p, regulatorMSP)
	if err != nil {
		return ScoredClaim{}, refusal(err)
	}
	c := decoded[financing.Case](d.t, raw)
	decision, err := financing.Decide(c)
	require.NoError(d.t, err)
	lanes := []int{}
	for _, h := range c.Headroom {
		lanes = append(lanes, h.Lane)
	}
	return ScoredClaim{Submission: s, Claimed: financing.Claimed{Score: s.ID, Lanes: lanes, Decision: decision, Trips: trips}}, nil
}

func TestCirclesOfTradesAreProvedByTheLedger(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	out, back := d.sold(2, sellerParty, tierTwoParty), d.sold(3, tierTwoParty, sellerParty)
	d.must(d.apply(1, 0, root))
	_, err := d.scored(1, []string{out, opaque("rcv", 1)})
	d.refused(fault.InputInvalid, "no circle")(nil, err)
	both, err := d.scored(1, []string{out, back})
	require.NoError(t, err)
	assert.Equal(t, financing.Refer, both.Claimed.Decision.Outcome)

	silent := both
	silent.Claimed.Trips = nil
	d.refused(fault.DecisionOutsidePolicy, "what the decision says must be shown")(d.submit(bank("underwriter"), "financing:ScoreAndDecide", silent, opaque("app", 1)))
	d.must(d.submit(bank("underwriter"), "financing:ScoreAndDecide", both, opaque("app", 1)))
	a := d.application(1)
	require.Equal(t, financing.Referred, a.Status)
	assert.Equal(t, []string{sellerParty, tierTwoParty, sellerParty}, a.Decision.Findings.Trips[0].Parties)
	assert.Contains(t, a.Decision.Reasons, financing.Because{Code: financing.CircularTrades, Ref: out})
	e := decoded[explain.Explained](t, d.must(d.evaluate(seller("maker"), "financing:Explain", opaque("app", 1))))
	require.NotNil(t, e.Findings)
	assert.Equal(t, []string{sellerParty, tierTwoParty, sellerParty}, e.Findings.Trips[0].Parties)
	assert.Contains(t, e.Reasons[0].Zh, "闭环")
	assert.NotEmpty(t, e.Reasons[0].ChangeZh)

	d.must(d.submit(bank("maker"), "financing:ProposeOverride", financing.OverrideInput{Outcome: financing.Approve, Note: "Tolling."}, opaque("app", 1)))
	d.must(d.submit(bank("checker"), "financing:ApproveOverride", nil, opaque("app", 1)))
	a = d.application(1)
	assert.Equal(t, financing.Approved, a.Status)
	assert.NotNil(t, a.Decision.Findings, "a person's decision keeps what was found")
}

func TestNearDuplicatesAreReferred(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	twin := opaque("rcv", 2)
	d.must(d.submit(seller("maker"), "receivable:Issue", receivable.Issuance{ID: twin, Invoice: d.invoice("re 1", 10_000_000)}, secondCircle, twin))
	d.must(d.apply(1, 0, root))
	both, err := d.scored(1)
	require.NoError(t, err)
	assert.Equal(t, financing.Refer, both.Claimed.Decision.Outcome)
	assert.Equal(t, []financing.Because{{Code: financing.InvoiceLooksAlike, Ref: twin}}, both.Claimed.Decision.Reasons)
	assert.Equal(t, []financing.LooksLike{{Collateral: root, Receivables: []string{twin}}}, both.Claimed.Decision.Findings.Lookalikes)
	d.must(d.submit(bank("underwriter"), "financing:ScoreAndDecide", both, opaque("app", 1)))
	assert.Equal(t, financing.Referred, d.application(1).Status)

	strict := newDesk(t, func(terms *financing.Terms) { terms.Guards.Lookalike = financing.Decline })
	_, root = strict.confirmed(1, "RE-1", 10_000_000)
	strict.must(strict.submit(seller("maker"), "receivable:Issue", receivable.Issuance{ID: twin, Invoice: strict.invoice("re 1", 10_000_000)}, secondCircle, twin))
	strict.must(strict.apply(1, 0, root))
	both, err = strict.scored(1)
	require.NoError(t, err)
	strict.must(strict.submit(bank("underwriter"), "financing:ScoreAndDecide", both, opaque("app", 1)))
	assert.Equal(t, financing.Declined, strict.application(1).Status)
	strict.must(strict.submit(bank("maker"), "financing:ProposeOverride", financing.OverrideInput{Outcome: financing.Approve, Note: "Two deliveries."}, opaque("app", 1)))
	strict.refused(fault.OverrideNotAllowed, "the policy declines for it, whoever decides")(strict.submit(bank("checker"), "financing:ApproveOverride", nil, opaque("app", 1)))
}

// related founds a programme in whose register the seller and the buyer share a director, and the seller has a sector.
func (d *desk) related() {
	d.found(relatedCircle, bankMSP, buyerMSP, regulatorMSP, supplierMSP)
	for party, id := range map[string]member.Identifier{sellerParty: {Scheme: "director", Value: "Dora  Director"}, buyerParty: {Scheme: "Director", Value: "dora director"}} {
		sum := sha256.Sum256([]byte(party))
		p := member.Party{ID: party, Host: hostOf[party], Name: "Party " + party, FingerprintKey: hex.EncodeToString(sum[:]), Sector: "C25", Identifiers: []member.Identifier{id}}
		d.must(d.submit(user{msp: hostOf[party], roles: "governor"}, "member:RegisterParty", p, relatedCircle, party))
	}
}

func TestRelatedPartiesAndSectorsComeFromTheRegister(t *testing.T) {
	d := newDesk(t, func(terms *financing.Terms) {
		terms.Limits = append(terms.Limits, financing.LimitRule{Kind: financing.PerSector, TotalMinor: 300_000_000, Lanes: 4},
			financing.LimitRule{Kind: financing.PerProgramme, TotalMinor: 300_000_000, Lanes: 4})
	})
	d.related()
	id := opaque("rcv", 1)
	d.must(d.submit(seller("maker"), "receivable:Issue", receivable.Issuance{ID: id, Invoice: d.invoice("RE-1", 10_000_000)}, relatedCircle, id))
	d.must(d.submit(buyer("maker"), "receivable:ProposeConfirm", nil, id))
	root := d.step(d.submit(buyer("checker"), "receivable:Confirm", d.signed(buyer("checker"), id), id)).Fragments[0]
	r := financing.Request{ID: opaque("app", 1), Bank: bankMSP, Product: financing.ReceivableProduct, Currency: "EUR", Consent: d.consent,
		Collateral: []financing.Ref{{Kind: financing.Fragment, ID: root, Circle: relatedCircle}}}
	d.must(d.submit(seller("maker"), "financing:Apply", r, bankDesk, r.ID))
	both, err := d.scored(1)
	require.NoError(t, err)
	assert.Equal(t, financing.Refer, both.Claimed.Decision.Outcome)
	assert.Equal(t, []financing.Relation{{Party: buyerParty, Programme: relatedCircle, Shared: []string{member.SharedDirector}}}, both.Claimed.Decision.Findings.Relations)
	assert.Equal(t, []financing.Because{{Code: financing.PartiesRelated, Ref: buyerParty}}, both.Claimed.Decision.Reasons)
	subjects := map[financing.LimitKind]string{}
	for _, u := range both.Claimed.Decision.Uses {
		subjects[u.Kind] = u.Subject
	}
	assert.Equal(t, map[financing.LimitKind]string{financing.Facility: bankMSP, financing.PerBorrower: sellerParty, financing.PerBuyer: buyerParty,
		financing.PerProgramme: relatedCircle, financing.PerSector: "C25"}, subjects)
	d.must(d.submit(bank("underwriter"), "financing:ScoreAndDecide", both, opaque("app", 1)))
}

func TestLimitsAreOpenedAndGatheredBeforeTheyAreUsed(t *testing.T) {
	d := newDesk(t, func(terms *financing.Terms) {
		terms.Limits = []financing.LimitRule{{Kind: financing.Facility, TotalMinor: 40_000_000, Lanes: 4}, {Kind: financing.PerBorrower, TotalMinor: 40_000_000, Lanes: 4},
			{Kind: financing.PerBuyer, TotalMinor: 10_000_000, Lanes: 4}}
	})
	_, root := d.confirmed(1, "RE-1", 12_000_000)
	d.must(d.apply(1, 0, root))
	both, err := d.scored(1)
	require.NoError(t, err)
	assert.Equal(t, int64(2_500_000), both.Claimed.Decision.Terms.AdvanceMinor, "a lane's share")
	draw := financing.Draw{Kind: financing.PerBuyer, Subject: buyerParty}
	d.refused(fault.NotPermitted)(d.submit(seller("maker"), "financing:OpenLimit", draw, bankDesk))
	s := decoded[FinancingStatus](t, d.must(d.submit(bank("underwriter"), "financing:OpenLimit", draw, bankDesk)))
	d.refused(fault.RecordExists)(d.submit(bank("underwriter"), "financing:OpenLimit", draw, bankDesk))
	d.must(d.submit(bank("underwriter"), "financing:GatherLimit", nil, s.ID, text(both.Claimed.Lanes[2])))
	both, err = d.scored(1)
	require.NoError(t, err)
	assert.Equal(t, int64(10_000_000), both.Claimed.Decision.Terms.AdvanceMinor, "all of the limit; the claim carries 108 000.00")
	id, err := financingtest.Terms(d.card).LimitID(bankMSP, financing.PerBuyer, buyerParty)
	require.NoError(t, err)
	assert.Equal(t, s.ID, id)
}

// drawn takes an application to its loan.
func (d *desk) drawn(n int, advance int64, root string) {
	d.must(d.apply(n, advance, root))
	d.score(n, good)
	require.Equal(d.t, "approved", d.decide(n).Status)
	d.must(d.submit(seller("maker"), "financing:Accept", nil, opaque("app", n), opaque("lon", n)))
	d.must(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{}, opaque("lon", n)))
}

func (d *desk) buyerPays(n int, receivableID string, minor int64) string {
	in := receivable.Paying{ID: opaque("pay", n), AmountMinor: minor, Currency: "EUR"}
	d.must(d.submit(buyer("checker"), "receivable:Pay", in, receivableID, in.ID))
	return in.ID
}

func TestWhatTheBuyerPaysReachesTheLoanOnce(t *testing.T) {
	d := newDesk(t)
	id, root := d.confirmed(1, "RE-1", 10_000_000)
	other, _ := d.confirmed(2, "RE-2", 10_000_000)
	d.drawn(1, 8_000_000, root)
	d.net.Advance(days(30))
	first, strange := d.buyerPays(1, id, 5_000_000), d.buyerPays(2, other, 1_000_000)
	d.refused(fault.CollateralMismatch, "of a claim that backs nothing")(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), other, strange))
	d.refused(fault.NotPermitted)(d.submit(seller("maker"), "financing:Collect", nil, opaque("lon", 1), id, first))
	d.must(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), id, first))
	d.refused(fault.RecordExists)(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), id, first))
	l := d.loan(1)
	assert.Equal(t, financing.Sums{FeesMinor: 20_000, InterestMinor: 30_000, PrincipalMinor: 4_970_000}, l.Paid, "80 000.00 × 4.5 % × 30/360")
	assert.Equal(t, l.Owed.PrincipalMinor, d.used(financing.PerBuyer, buyerParty))

	d.net.Advance(days(60))
	second := d.buyerPays(3, id, 5_000_000)
	s := decoded[FinancingStatus](t, d.must(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), id, second)))
	assert.Equal(t, "repaid", s.Status)
	l = d.loan(1)
	assert.Equal(t, int64(10_000_000), l.ReceivedMinor)
	assert.Equal(t, int64(10_000_000)-8_000_000-l.Paid.InterestMinor, l.SurplusMinor, "what is left is the borrower's")
	assert.Zero(t, d.used(financing.Facility, bankMSP))
	d.must(d.submit(bank("maker"), "financing:ReturnSurplus", financing.NoteInput{Note: "SEPA 7"}, opaque("lon", 1)))
	assert.Equal(t, l.SurplusMinor, d.loan(1).ReturnedMinor)
}

func TestNothingIsPaidOutOnAClaimThatWasPaid(t *testing.T) {
	d := newDesk(t)
	id, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 8_000_000, root))
	d.score(1, good)
	d.decide(1)
	d.must(d.submit(seller("maker"), "financing:Accept", nil, opaque("app", 1), opaque("lon", 1)))
	payment := d.buyerPays(1, id, 10_000_000)
	d.refused(fault.CollateralMismatch)(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{}, opaque("lon", 1)))
	d.must(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), id, payment))
	d.must(d.submit(seller("checker"), "financing:Cancel", nil, opaque("lon", 1)))
	assert.Equal(t, int64(10_000_000), d.loan(1).SurplusMinor, "the bank owes it to the borrower")
	d.must(d.submit(bank("maker"), "financing:ReturnSurplus", financing.NoteInput{Note: "SEPA 8"}, opaque("lon", 1)))
}

func TestEnforcedClaimsPayTheLoan(t *testing.T) {
	d := newDesk(t)
	id, root := d.confirmed(1, "RE-1", 10_000_000)
	d.drawn(1, 8_000_000, root)
	d.net.Advance(days(186))
	for _, step := range []string{"Default", "Enforce"} {
		d.must(d.submit(bank("checker"), "financing:"+step, nil, opaque("lon", 1)))
	}
	payment := d.buyerPays(1, id, 3_000_000)
	d.must(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), id, payment))
	assert.Equal(t, int64(3_000_000), d.loan(1).ReceivedMinor)
	d.must(d.submit(bank("checker"), "financing:WriteOff", financing.NoteInput{Note: "The buyer is insolvent."}, opaque("lon", 1)))
	payment = d.buyerPays(2, id, 1_000_000)
	d.must(d.submit(bank("underwriter"), "financing:Collect", nil, opaque("lon", 1), id, payment))
	assert.Equal(t, int64(1_000_000), d.loan(1).RecoveredMinor)
}
