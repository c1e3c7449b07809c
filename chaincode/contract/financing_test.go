package contract

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/credittest"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/chaincode/financing/financingtest"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

const bankDesk = "dsk-00000000000000000001"

var (
	good = scorecard.Vector{1, 3} // 690 points: band A
	grey = scorecard.Vector{2, 1} // 570 points: referred
	poor = scorecard.Vector{3, 1} // 510 points: declined
)

// desk is a trade with bank A's desk, champion and policy, and the seller's consent.
type desk struct {
	*trade
	card, model, consent string
}

func newDesk(t testing.TB, change ...func(*financing.Terms)) *desk {
	d := &desk{trade: newTrade(t), model: opaque("mdl", 1), consent: opaque("cns", 1)}
	d.foundDesk()
	card := credittest.Card()
	raw, err := card.CanonicalJSON()
	require.NoError(t, err)
	d.card, err = card.Hash()
	require.NoError(t, err)
	d.must(d.governed(bank("modelowner"), "credit:ProposeModel", nil,
		text(credit.ModelProposal{ID: d.model, Intended: credit.ModelChampion, DocumentationHash: d.card}), string(raw)))
	d.must(d.governed(user{regulatorMSP, regulatorParty, "validator"}, "credit:ValidateModel", nil, d.model, d.verdict()))
	terms := financingtest.Terms(d.card)
	for _, c := range change {
		c(&terms)
	}
	d.must(d.submit(bank("risk"), "financing:ProposePolicy", financing.PolicyProposal{ID: opaque("pol", 1), Terms: terms}, bankDesk, opaque("pol", 1)))
	d.must(d.submit(bank("risk,checker"), "financing:ApprovePolicy", nil, opaque("pol", 1)))
	last, err := d.today().AddDays(300)
	require.NoError(t, err)
	d.must(d.submit(seller("maker"), "credit:GiveConsent", credit.ConsentInput{ID: d.consent, Bank: bankMSP, Scopes: []credit.Scope{credit.ScopeScore}, LastDay: last}, bankDesk, d.consent))
	return d
}

func (d *desk) verdict() string {
	return text(credit.Verdict{Accept: true, CardHash: d.card, DocumentationHash: d.card, ReportHash: d.card})
}

func (d *desk) foundDesk() {
	var key seal.Key
	sum := sha256.Sum256([]byte(bankDesk))
	copy(key[:], sum[:])
	readers := []string{bankMSP, regulatorMSP, supplierMSP}
	f := circle.Founding{ID: bankDesk, Kind: circle.Desk, Readers: readers, Commitment: key.Commitment(bankDesk, 1)}
	for _, r := range readers {
		f.Digests = append(f.Digests, seal.TokenDigest(key.Token(bankDesk, 1, r)))
		f.Envelopes = append(f.Envelopes, base64.StdEncoding.EncodeToString([]byte("for "+r)))
	}
	d.must(d.submit(user{msp: bankMSP, roles: "governor"}, "circle:Found", nil, text(f)))
	for _, r := range readers {
		d.must(d.submit(user{msp: r, roles: "governor"}, "circle:Confirm", nil, bankDesk, "1", key.Token(bankDesk, 1, r)))
	}
	d.keys[bankDesk] = key
}

// governed is submit with the peer endorsements of a majority.
func (d *desk) governed(u user, function string, input any, args ...string) ([]byte, error) {
	d.request++
	p := d.proposal(u, function, input, args...).WithTransient(record.TransientRequest, []byte(opaque("req", d.request)))
	result, err := d.net.Submit(d.identity(u), p, bankMSP, buyerMSP, regulatorMSP, supplierMSP)
	if err != nil {
		return nil, refusal(err)
	}
	return result.Payload, nil
}

// apply applies for the advance on fragments.
func (d *desk) apply(n int, advance int64, fragments ...string) ([]byte, error) {
	id := opaque("app", n)
	r := financing.Request{ID: id, Bank: bankMSP, Product: financing.ReceivableProduct, Currency: "EUR", AdvanceMinor: advance, Consent: d.consent}
	for _, f := range fragments {
		r.Collateral = append(r.Collateral, financing.Ref{Kind: financing.Fragment, ID: f, Circle: tradeCircle})
	}
	return d.submit(seller("maker"), "financing:Apply", r, bankDesk, id)
}

// submission is a true score of an application.
func (d *desk) submission(n int, v scorecard.Vector) credit.Submission {
	claim, err := credit.Calculate(credittest.Card(), v)
	require.NoError(d.t, err)
	last, err := d.today().AddDays(30)
	require.NoError(d.t, err)
	return credit.Submission{ID: opaque("scr", n), Application: opaque("app", n), Subject: sellerParty, Model: d.model, Consent: d.consent, Claim: claim,
		Proof: credit.Proof{Method: credit.ByAddition, Vector: v}, EvidenceBlock: d.net.Height(), EvidenceOn: d.today(), LastDay: last,
		InputCommitment: strings.Repeat("cd", 32)}
}

func (d *desk) score(n int, v scorecard.Vector) {
	s := d.submission(n, v)
	d.must(d.submit(bank("underwriter"), "credit:SubmitScore", s, s.ID))
}

// claimed is the decision that the policy gives on an application.
func (d *desk) claimed(n int, lanes ...int) financing.Claimed {
	if lanes == nil {
		lanes = []int{}
	}
	c := decoded[financing.Case](d.t, d.must(d.evaluate(bank("underwriter"), "financing:Case", opaque("app", n), opaque("scr", n), text(lanes))))
	decision, err := financing.Decide(c)
	require.NoError(d.t, err)
	return financing.Claimed{Score: opaque("scr", n), Lanes: lanes, Decision: decision}
}

func (d *desk) decide(n int) FinancingStatus {
	return decoded[FinancingStatus](d.t, d.must(d.submit(bank("underwriter"), "financing:Decide", d.claimed(n), opaque("app", n))))
}

func (d *desk) application(n int) financing.Application {
	return decoded[financing.Application](d.t, d.must(d.evaluate(bank("maker"), "financing:Application", opaque("app", n))))
}

func (d *desk) loan(n int) LoanView {
	return decoded[LoanView](d.t, d.must(d.evaluate(seller("maker"), "financing:Loan", opaque("lon", n))))
}

func (d *desk) fragmentStatus(id string) receivable.FragmentStatus {
	return decoded[receivable.Fragment](d.t, d.must(d.evaluate(bank("maker"), "receivable:Fragment", id))).Status
}

func (d *desk) used(kind financing.LimitKind, subject string) int64 {
	id, err := financingtest.Terms(d.card).LimitID(bankMSP, kind, subject)
	require.NoError(d.t, err)
	return decoded[LimitView](d.t, d.must(d.evaluate(bank("risk"), "financing:Limit", id))).UsedMinor
}

func TestFinancingFromApplicationToRepayment(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 8_000_000, root))
	assert.Equal(t, receivable.Reserved, d.fragmentStatus(root))
	d.refused(fault.CollateralEncumbered, "a claim backs one application")(d.apply(2, 8_000_000, root))

	wrong := d.submission(1, good)
	wrong.Claim.Points++
	d.refused(fault.ScoreMismatch, "one point off")(d.submit(bank("underwriter"), "credit:SubmitScore", wrong, wrong.ID))
	d.score(1, good)
	claimed := d.claimed(1)
	cheaper := d.claimed(1)
	cheaper.Decision.Terms.Rate--
	d.refused(fault.DecisionOutsidePolicy)(d.submit(bank("underwriter"), "financing:Decide", cheaper, opaque("app", 1)))
	d.refused(fault.NotPermitted, "only the underwriter decides")(d.submit(bank("maker"), "financing:Decide", claimed, opaque("app", 1)))
	s := decoded[FinancingStatus](t, d.must(d.submit(bank("underwriter"), "financing:Decide", claimed, opaque("app", 1))))
	assert.Equal(t, "approved", s.Status)
	var envelope record.Envelope
	require.NoError(t, json.Unmarshal(d.last.Event.GetPayload(), &envelope))
	assert.Equal(t, "application.approved", envelope.Events[len(envelope.Events)-1].Type)
	d.refused(fault.TransitionDenied, "nothing is decided twice")(d.submit(bank("underwriter"), "financing:Decide", claimed, opaque("app", 1)))

	d.refused(fault.NotPermitted)(d.submit(tierTwo("checker"), "financing:Accept", nil, opaque("app", 1), opaque("lon", 1)))
	s = decoded[FinancingStatus](t, d.must(d.submit(seller("checker"), "financing:Accept", nil, opaque("app", 1), opaque("lon", 1))))
	assert.Equal(t, FinancingStatus{ID: opaque("app", 1), Status: "accepted", Loan: opaque("lon", 1)}, s)
	assert.Equal(t, receivable.Pledged, d.fragmentStatus(root))
	d.refused(fault.CollateralEncumbered, "pledged")(d.apply(3, 8_000_000, root))
	assert.Zero(t, d.used(financing.PerBuyer, buyerParty))

	d.must(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{Note: "SEPA 1"}, opaque("lon", 1)))
	assert.Equal(t, int64(8_000_000), d.used(financing.PerBuyer, buyerParty))
	d.net.Advance(days(30))
	owed := d.loan(1).Owed
	assert.Equal(t, int64(30_000), owed.InterestMinor, "80 000.00 × 4.5 % × 30/360")
	d.must(d.submit(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: 4_000_000 + owed.InterestMinor, Currency: "EUR", ReceivedOn: d.today(), Source: financing.FromBorrower}, opaque("lon", 1)))
	assert.Equal(t, int64(4_000_000), d.used(financing.Facility, bankMSP))
	assert.Equal(t, receivable.Pledged, d.fragmentStatus(root))
	s = decoded[FinancingStatus](t, d.must(d.submit(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: 4_000_000, Currency: "EUR", ReceivedOn: d.today(), Source: financing.FromBorrower}, opaque("lon", 1))))
	assert.Equal(t, "repaid", s.Status)
	assert.Zero(t, d.used(financing.PerBorrower, sellerParty))
	assert.Equal(t, receivable.Held, d.fragmentStatus(root))
	d.must(d.apply(4, 8_000_000, root))
}

func TestScoreAndDecisionInOneTransaction(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	s := d.submission(1, good)
	p := d.proposal(bank("underwriter"), "financing:Case", CaseInput{Submission: &s}, opaque("app", 1), s.ID, "[]")
	raw, err := d.net.Evaluate(d.identity(bank("underwriter")), p, regulatorMSP)
	require.NoError(t, err)
	decision, err := financing.Decide(decoded[financing.Case](t, raw))
	require.NoError(t, err)
	both := ScoredClaim{Submission: s, Claimed: financing.Claimed{Score: s.ID, Lanes: []int{}, Decision: decision}}
	wrong := both
	wrong.Submission.Claim.Points--
	d.refused(fault.ScoreMismatch)(d.submit(bank("underwriter"), "financing:ScoreAndDecide", wrong, opaque("app", 1)))
	other := both
	other.Claimed.Score = opaque("scr", 2)
	d.refused(fault.ScoreNotUsable)(d.submit(bank("underwriter"), "financing:ScoreAndDecide", other, opaque("app", 1)))
	outside := both
	outside.Claimed.Decision.Outcome = financing.Decline
	d.refused(fault.DecisionOutsidePolicy)(d.submit(bank("underwriter"), "financing:ScoreAndDecide", outside, opaque("app", 1)))
	d.refused(fault.RecordNotFound, "a refused decision leaves no score")(d.evaluate(bank("underwriter"), "credit:Score", s.ID))
	d.must(d.submit(bank("underwriter"), "financing:ScoreAndDecide", both, opaque("app", 1)))
	assert.Equal(t, financing.Approved, d.application(1).Status)
	d.must(d.evaluate(bank("underwriter"), "credit:Score", s.ID))
}

func TestDeclineFreesTheCollateralAndSaysWhy(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.score(1, poor)
	assert.Equal(t, "declined", d.decide(1).Status)
	a := decoded[financing.Application](t, d.must(d.evaluate(seller("maker"), "financing:Application", opaque("app", 1))))
	assert.Equal(t, []financing.Because{{Code: financing.ScoreTooLow}}, a.Decision.Reasons)
	assert.Equal(t, []string{"days_to_confirm", "invoices_confirmed"}, a.Decision.ScoreReasons)
	assert.Equal(t, int64(50), a.Decision.PointsMissing)
	e := decoded[explain.Explained](t, d.must(d.evaluate(seller("maker"), "financing:Explain", opaque("app", 1))))
	assert.Equal(t, financing.Decline, e.Outcome)
	assert.NotEmpty(t, e.Reasons[0].Zh)
	assert.Equal(t, "Invoices take long to be confirmed", e.Score.Reasons[0].Wording.En)
	assert.True(t, e.Score.Reached)
	assert.Equal(t, "days_to_confirm", e.Score.Changes[0].Code)
	d.refused(fault.NotPermitted)(d.evaluate(tierTwo("maker"), "financing:Explain", opaque("app", 1)))
	assert.Equal(t, receivable.Held, d.fragmentStatus(root))
	d.must(d.apply(2, 0, root))
}

func TestWithdrawalAndExpiryFreeTheCollateral(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.refused(fault.NotPermitted)(d.submit(tierTwo("maker"), "financing:Withdraw", nil, opaque("app", 1)))
	d.must(d.submit(seller("maker"), "financing:Withdraw", nil, opaque("app", 1)))
	d.must(d.apply(2, 0, root))
	d.refused(fault.TransitionDenied)(d.submit(bank("underwriter"), "financing:Expire", nil, opaque("app", 2)))
	d.net.Advance(days(11))
	d.must(d.submit(bank("underwriter"), "financing:Expire", nil, opaque("app", 2)))
	assert.Equal(t, receivable.Held, d.fragmentStatus(root))
}

func TestGreyBandIsDecidedByTwoPeople(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.score(1, grey)
	assert.Equal(t, "referred", d.decide(1).Status)
	both := bank("maker,checker")
	d.refused(fault.OverrideNotAllowed)(d.submit(bank("checker"), "financing:ApproveOverride", nil, opaque("app", 1)))
	d.must(d.submit(both, "financing:ProposeOverride", financing.OverrideInput{Outcome: financing.Approve, Note: "Known for ten years."}, opaque("app", 1)))
	d.refused(fault.MakerIsChecker)(d.submit(both, "financing:ApproveOverride", nil, opaque("app", 1)))
	d.must(d.submit(bank("checker"), "financing:ApproveOverride", nil, opaque("app", 1)))
	a := d.application(1)
	assert.Equal(t, financing.Approved, a.Status)
	assert.Equal(t, financing.Refer, a.Override.Instead)
	d.must(d.submit(seller("maker"), "financing:Accept", nil, opaque("app", 1), opaque("lon", 1)))
}

func TestOverrideOfADeclineReservesAgain(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.score(1, poor)
	d.decide(1)
	d.must(d.submit(bank("maker"), "financing:ProposeOverride", financing.OverrideInput{Outcome: financing.Approve, Note: "Known for ten years."}, opaque("app", 1)))
	d.must(d.apply(2, 0, root))
	d.refused(fault.CollateralEncumbered)(d.submit(bank("checker"), "financing:ApproveOverride", nil, opaque("app", 1)))
	d.must(d.submit(seller("maker"), "financing:Withdraw", nil, opaque("app", 2)))
	d.must(d.submit(bank("checker"), "financing:ApproveOverride", nil, opaque("app", 1)))
	assert.Equal(t, receivable.Reserved, d.fragmentStatus(root))
	assert.Equal(t, financing.Approved, d.application(1).Status)
}

func TestNothingWithoutConsentOrChampion(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.score(1, good)
	d.must(d.submit(seller("maker"), "credit:WithdrawConsent", nil, d.consent))
	s := d.submission(1, good)
	s.ID, s.Replaces = opaque("scr", 9), opaque("scr", 1)
	d.refused(fault.ConsentMissing)(d.submit(bank("underwriter"), "credit:SubmitScore", s, s.ID))
	d.refused(fault.ConsentMissing)(d.evaluate(bank("underwriter"), "financing:Case", opaque("app", 1), opaque("scr", 1), "[]"))
	d.must(d.governed(bank("modelowner"), "credit:RetireModel", nil, d.model))
	d.refused(fault.ModelNotChampion)(d.submit(bank("underwriter"), "credit:SubmitScore", s, s.ID))
}

func TestAppealHoldsTheDecision(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.score(1, poor)
	claimed := d.claimed(1)
	d.must(d.submit(seller("maker"), "credit:Appeal", Ground{Text: "Two invoices are missing."}, opaque("scr", 1)))
	d.refused(fault.ScoreNotUsable)(d.submit(bank("underwriter"), "financing:Decide", claimed, opaque("app", 1)))
	again := d.submission(1, good)
	again.ID, again.Replaces = opaque("scr", 2), opaque("scr", 1)
	d.must(d.submit(bank("underwriter"), "credit:SubmitScore", again, again.ID))
	old := decoded[credit.Score](t, d.must(d.evaluate(seller("maker"), "credit:Score", opaque("scr", 1))))
	assert.Equal(t, credit.ScoreSuperseded, old.Status)
}

func TestANewChampionRetiresTheOldOne(t *testing.T) {
	d := newDesk(t)
	card := credittest.Card()
	card.Version = "2"
	raw, err := card.CanonicalJSON()
	require.NoError(t, err)
	hash, err := card.Hash()
	require.NoError(t, err)
	next := opaque("mdl", 2)
	d.must(d.governed(bank("modelowner"), "credit:ProposeModel", nil,
		text(credit.ModelProposal{ID: next, Intended: credit.ModelChallenger, DocumentationHash: hash}), string(raw)))
	regulator := user{regulatorMSP, regulatorParty, "validator"}
	d.refused(fault.ModelHashMismatch)(d.governed(regulator, "credit:ValidateModel", nil, next, d.verdict()))
	d.must(d.governed(regulator, "credit:ValidateModel", nil, next, text(credit.Verdict{Accept: true, CardHash: hash, DocumentationHash: hash, ReportHash: hash})))
	d.refused(fault.ModelSelfValidated)(d.governed(bank("validator"), "credit:PromoteModel", nil, next, hash))
	d.must(d.governed(regulator, "credit:PromoteModel", nil, next, hash))
	champion := decoded[credit.Model](t, d.must(d.evaluate(bank("maker"), "credit:Champion", bankMSP)))
	assert.Equal(t, next, champion.ID)
	old := decoded[credit.Model](t, d.must(d.evaluate(bank("maker"), "credit:Model", d.model)))
	assert.Equal(t, credit.ModelRetired, old.Status)
	got := decoded[scorecard.Scorecard](t, d.must(d.evaluate(bank("maker"), "credit:Scorecard", hash)))
	again, err := got.Hash()
	require.NoError(t, err)
	assert.Equal(t, hash, again, "the card on the ledger is the card that was proposed")
}

func TestDeskIsForItsOwn(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 0, root))
	d.score(1, good)
	d.refused(fault.NotPermitted)(d.evaluate(tierTwo("maker"), "financing:Application", opaque("app", 1)))
	d.refused(fault.NotPermitted)(d.evaluate(tierTwo("maker"), "credit:Score", opaque("scr", 1)))
	d.refused(fault.NotPermitted)(d.evaluate(tierTwo("maker"), "credit:Consent", d.consent))
	d.refused(fault.KeyMissing, "another bank has no key of the desk")(d.evaluate(otherBank("maker"), "financing:Application", opaque("app", 1)))
	page := decoded[ApplicationPage](t, d.must(d.evaluate(tierTwo("maker"), "financing:OpenApplications", "50", "")))
	assert.Empty(t, page.Applications)
	page = decoded[ApplicationPage](t, d.must(d.evaluate(bank("underwriter"), "financing:OpenApplications", "50", "")))
	assert.Len(t, page.Applications, 1)
	d.refused(fault.NotPermitted, "a policy is the bank's own")(d.evaluate(seller("maker"), "financing:ActivePolicy", bankDesk))
}

func TestLimitHoldsAndCanBeRebalanced(t *testing.T) {
	d := newDesk(t, func(terms *financing.Terms) {
		terms.Limits = []financing.LimitRule{{Kind: financing.Facility, TotalMinor: 20_000_000, Lanes: 2}, {Kind: financing.PerBorrower, TotalMinor: 20_000_000, Lanes: 1}, {Kind: financing.PerBuyer, TotalMinor: 5_000_000, Lanes: 1}}
	})
	for n := 1; n <= 2; n++ {
		_, root := d.confirmed(n, "RE-"+opaque("n", n), 10_000_000)
		d.must(d.apply(n, 4_000_000, root))
		d.score(n, good)
		assert.Equal(t, "approved", d.decide(n).Status)
		d.must(d.submit(seller("maker"), "financing:Accept", nil, opaque("app", n), opaque("lon", n)))
	}
	d.must(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{Lanes: []int{1, 0, 0}}, opaque("lon", 1)))
	d.refused(fault.LimitExceeded)(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{}, opaque("lon", 2)))
	assert.Equal(t, int64(4_000_000), d.used(financing.PerBuyer, buyerParty))
	id, err := financingtest.Terms(d.card).LimitID(bankMSP, financing.PerBuyer, buyerParty)
	require.NoError(t, err)
	d.refused(fault.LimitExceeded)(d.submit(bank("risk"), "financing:RebalanceLimit", financing.RebalanceInput{TotalMinor: 3_999_999}, id))
	d.must(d.submit(bank("risk"), "financing:RebalanceLimit", financing.RebalanceInput{TotalMinor: 8_000_000}, id))
	d.must(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{}, opaque("lon", 2)))
	assert.Equal(t, int64(8_000_000), d.used(financing.PerBuyer, buyerParty))
}

func TestDefaultedLoanIsEnforcedAndWrittenOff(t *testing.T) {
	d := newDesk(t)
	_, root := d.confirmed(1, "RE-1", 10_000_000)
	d.must(d.apply(1, 8_000_000, root))
	d.score(1, good)
	d.decide(1)
	d.must(d.submit(seller("maker"), "financing:Accept", nil, opaque("app", 1), opaque("lon", 1)))
	d.must(d.submit(bank("maker"), "financing:Draw", financing.DrawInput{}, opaque("lon", 1)))
	d.net.Advance(days(91))
	d.refused(fault.LoanNotOverdue)(d.submit(bank("checker"), "financing:Default", nil, opaque("lon", 1)))
	d.net.Advance(days(95))
	assert.Equal(t, financing.PastOver90, d.loan(1).Standing)
	for _, step := range []string{"Default", "Recourse", "Enforce"} {
		d.must(d.submit(bank("checker"), "financing:"+step, nil, opaque("lon", 1)))
	}
	f := decoded[receivable.Fragment](t, d.must(d.evaluate(bank("maker"), "receivable:Fragment", root)))
	assert.Equal(t, bankParty, f.Holder)
	d.must(d.submit(bank("checker"), "financing:WriteOff", financing.NoteInput{Note: "The buyer is insolvent."}, opaque("lon", 1)))
	assert.Zero(t, d.used(financing.Facility, bankMSP))
	d.must(d.submit(bank("maker"), "financing:Recover", financing.Payment{AmountMinor: 1_000_000, Currency: "EUR", ReceivedOn: d.today(), Source: financing.FromBuyer}, opaque("lon", 1)))
	assert.Equal(t, int64(1_000_000), d.loan(1).RecoveredMinor)
}

func TestGoodsAreLentOnAtTheBanksOwnValue(t *testing.T) {
	s := newStorage(t)
	s.agreePrices()
	s.setTerms()
	s.must(s.price(800_000))
	first, second := s.store(1, sellerParty, "L-1", 12_500, 10_000_000), s.store(2, sellerParty, "L-2", 12_500, 7_000_000)
	s.anchor(1, 50, first, second)
	for n, id := range []string{first, second} {
		r := financing.Request{ID: opaque("app", n+1), Bank: bankMSP, Product: financing.InventoryProduct, Currency: "EUR", TenorDays: 30, Consent: s.consent,
			Collateral: []financing.Ref{{Kind: financing.Receipt, ID: id, Circle: goodsCircle}}}
		s.must(s.submit(seller("maker"), "financing:Apply", r, bankDesk, r.ID))
		s.score(n+1, good)
	}
	s.decide(1)
	assert.Equal(t, int64(5_100_000), s.application(1).Decision.Terms.AdvanceMinor, "60 % of 100 000.00 less 15 %")
	assert.Equal(t, int64(4_200_000), s.claimed(2).Decision.Terms.AdvanceMinor, "60 % of what they are insured for, which is less")

	s.net.Advance(days(1))
	s.anchor(2, 95, second)
	assert.Equal(t, int64(3_900_000), s.claimed(2).Decision.Terms.AdvanceMinor, "20 % less for an excursion")
}

func TestGoodsThatWereTooWarmAreDeclined(t *testing.T) {
	// The bank has no terms that say what an excursion takes from the value.
	s := newStorage(t)
	id := s.store(1, sellerParty, "L-1", 12_500, 10_000_000)
	s.anchor(1, 95, id)
	r := financing.Request{ID: opaque("app", 1), Bank: bankMSP, Product: financing.InventoryProduct, Currency: "EUR", TenorDays: 30, Consent: s.consent,
		Collateral: []financing.Ref{{Kind: financing.Receipt, ID: id, Circle: goodsCircle}}}
	s.must(s.submit(seller("maker"), "financing:Apply", r, bankDesk, r.ID))
	s.score(1, good)
	s.decide(1)
	a := s.application(1)
	assert.Equal(t, financing.Declined, a.Status)
	assert.Contains(t, a.Decision.Reasons, financing.Because{Code: financing.CollateralImpaired, Ref: id})
	assert.Equal(t, receipt.Stored, s.receipt(id).Status)
}
