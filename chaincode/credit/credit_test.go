package credit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/credittest"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

var (
	noon      = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	owner     = member.Actor{MSP: "BankAMSP", User: "u-owner"}
	robot     = member.Actor{MSP: "BankAMSP", User: "u-robot"}
	checker   = member.Actor{MSP: "BankAMSP", User: "u-checker"}
	validator = member.Actor{MSP: "RegulatorMSP", User: "u-validator"}
	sme       = member.Actor{MSP: "SupplierMSP", Party: "p-00aa11", User: "u-sme"}
	hash      = strings.Repeat("ab", 32)
)

func day(t require.TestingT, text string) calendar.Date {
	d, err := calendar.Parse(text)
	require.NoError(t, err)
	return d
}

func proposed(t *testing.T, intended credit.ModelStatus) credit.Model {
	m, err := credit.NewModel(credit.ModelProposal{ID: "mdl-0001", Intended: intended, DocumentationHash: hash}, credittest.Card(), owner, noon)
	require.NoError(t, err)
	return m
}

func verdict(m credit.Model, accept bool) credit.Verdict {
	return credit.Verdict{Accept: accept, CardHash: m.CardHash, DocumentationHash: m.DocumentationHash, ReportHash: hash}
}

func champion(t *testing.T) credit.Model {
	m := proposed(t, credit.ModelChampion)
	m, err := m.Judge(verdict(m, true), validator, noon)
	require.NoError(t, err)
	return m
}

func consent(t *testing.T) credit.Consent {
	c, err := credit.Give(credit.ConsentInput{ID: "cns-0001", Bank: "BankAMSP", Scopes: []credit.Scope{credit.ScopeScore},
		LastDay: day(t, "2027-02-28")}, sme, noon)
	require.NoError(t, err)
	return c
}

func submission(t *testing.T) credit.Submission {
	claim, err := credit.Calculate(credittest.Card(), scorecard.Vector{2, 2})
	require.NoError(t, err)
	return credit.Submission{
		ID: "scr-0001", Application: "app-0001", Subject: sme.Party, Model: "mdl-0001", Consent: "cns-0001", Claim: claim,
		Proof:         credit.Proof{Method: credit.ByAddition, Vector: scorecard.Vector{2, 2}},
		EvidenceBlock: 41, EvidenceOn: day(t, "2026-11-22"), LastDay: day(t, "2026-12-22"), InputCommitment: hash,
	}
}

func facts(t *testing.T) credit.Facts {
	return credit.Facts{Model: champion(t), Card: credittest.Card(), Consent: consent(t)}
}

func TestTables(t *testing.T) {
	transitiontest.Check(t, credit.ModelTable,
		[]credit.ModelStatus{credit.ModelProposed, credit.ModelChallenger, credit.ModelChampion, credit.ModelRetired, credit.ModelRejected},
		[]credit.ModelAction{credit.ProposeModel, credit.ValidateAsChampion, credit.ValidateAsChallenger, credit.RejectModel,
			credit.PromoteModel, credit.SupersedeModel, credit.RetireModel})
	transitiontest.Check(t, credit.ConsentTable,
		[]credit.ConsentStatus{credit.ConsentGiven, credit.ConsentWithdrawn},
		[]credit.ConsentAction{credit.GiveConsent, credit.WithdrawConsent})
	transitiontest.Check(t, credit.ScoreTable,
		[]credit.ScoreStatus{credit.ScoreCurrent, credit.ScoreAppealed, credit.ScoreUpheld, credit.ScoreSuperseded},
		[]credit.ScoreAction{credit.SubmitScore, credit.AppealScore, credit.UpholdScore, credit.Rescore})
}

func TestModelIsValidatedByAnotherOrganisation(t *testing.T) {
	m := proposed(t, credit.ModelChampion)
	for _, by := range []member.Actor{owner, checker} {
		_, err := m.Judge(verdict(m, true), by, noon)
		assert.Equal(t, fault.ModelSelfValidated, fault.CodeOf(err))
	}
	other := verdict(m, true)
	other.CardHash = strings.Repeat("00", 32)
	_, err := m.Judge(other, validator, noon)
	assert.Equal(t, fault.ModelHashMismatch, fault.CodeOf(err))

	good, err := m.Judge(verdict(m, true), validator, noon)
	require.NoError(t, err)
	assert.Equal(t, credit.ModelChampion, good.Status)
	_, err = good.Judge(verdict(m, true), validator, noon)
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err))

	bad, err := m.Judge(verdict(m, false), validator, noon)
	require.NoError(t, err)
	assert.Equal(t, credit.ModelRejected, bad.Status)
}

func TestChallengerBecomesChampion(t *testing.T) {
	m := proposed(t, credit.ModelChallenger)
	m, err := m.Judge(verdict(m, true), validator, noon)
	require.NoError(t, err)
	assert.Equal(t, credit.ModelChallenger, m.Status)
	_, err = m.Promote(hash, owner, noon)
	assert.Equal(t, fault.ModelSelfValidated, fault.CodeOf(err))
	m, err = m.Promote(hash, validator, noon)
	require.NoError(t, err)
	assert.Equal(t, credit.ModelChampion, m.Status)
	_, err = m.Retire(sme, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	m, err = m.Supersede(noon)
	require.NoError(t, err)
	assert.Equal(t, credit.ModelRetired, m.Status)
}

func TestConsentAllows(t *testing.T) {
	today := day(t, "2026-11-22")
	c := consent(t)
	withdrawn, err := c.Withdraw(sme, noon)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		consent     credit.Consent
		party, bank string
		scope       credit.Scope
		on          string
		allowed     bool
	}{
		"given":         {c, sme.Party, "BankAMSP", credit.ScopeScore, "2026-11-22", true},
		"last day":      {c, sme.Party, "BankAMSP", credit.ScopeScore, "2027-02-28", true},
		"day after":     {c, sme.Party, "BankAMSP", credit.ScopeScore, "2027-03-01", false},
		"before":        {c, sme.Party, "BankAMSP", credit.ScopeScore, "2026-11-21", false},
		"other party":   {c, "p-00bb22", "BankAMSP", credit.ScopeScore, "2026-11-22", false},
		"other bank":    {c, sme.Party, "BankBMSP", credit.ScopeScore, "2026-11-22", false},
		"other scope":   {c, sme.Party, "BankAMSP", credit.ScopeTraining, "2026-11-22", false},
		"withdrawn":     {withdrawn, sme.Party, "BankAMSP", credit.ScopeScore, "2026-11-22", false},
		"none was ever": {credit.Consent{}, sme.Party, "BankAMSP", credit.ScopeScore, "2026-11-22", false},
	} {
		err := tc.consent.Allows(tc.party, tc.bank, tc.scope, day(t, tc.on))
		if tc.allowed {
			assert.NoError(t, err, name)
		} else {
			assert.Equal(t, fault.ConsentMissing, fault.CodeOf(err), name)
		}
	}
	_, err = c.Withdraw(owner, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	_, err = credit.Give(credit.ConsentInput{ID: "cns-0001", Bank: "BankAMSP", Scopes: []credit.Scope{"all"}, LastDay: today}, sme, noon)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	_, err = credit.Give(credit.ConsentInput{ID: "cns-0001", Bank: "BankAMSP", Scopes: []credit.Scope{credit.ScopeScore},
		LastDay: day(t, "2026-11-21")}, sme, noon)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), "a consent that is over before it begins")
}

func TestScoreIsAccepted(t *testing.T) {
	s, err := credit.Accept(submission(t), facts(t), credit.Addition{}, robot, noon)
	require.NoError(t, err)
	assert.Equal(t, credit.ScoreCurrent, s.Status)
	assert.Equal(t, int64(600), s.Claim.Points)
	assert.Equal(t, []credit.Reason{{Code: "days_to_confirm", Lost: 60}, {Code: "invoices_confirmed", Lost: 30}}, s.Claim.Reasons)
	assert.NoError(t, s.Usable(day(t, "2026-12-22")))
	assert.Equal(t, fault.ScoreExpired, fault.CodeOf(s.Usable(day(t, "2026-12-23"))))
}

func TestScoreIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*credit.Submission, *credit.Facts)
		code   fault.Code
	}{
		"one point more":          {func(s *credit.Submission, _ *credit.Facts) { s.Claim.Points++ }, fault.ScoreMismatch},
		"one point less":          {func(s *credit.Submission, _ *credit.Facts) { s.Claim.Points-- }, fault.ScoreMismatch},
		"display points":          {func(s *credit.Submission, _ *credit.Facts) { s.Claim.DisplayPoints++ }, fault.ScoreMismatch},
		"pd":                      {func(s *credit.Submission, _ *credit.Facts) { s.Claim.PDPPM-- }, fault.ScoreMismatch},
		"a reason left out":       {func(s *credit.Submission, _ *credit.Facts) { s.Claim.Reasons = s.Claim.Reasons[:1] }, fault.ScoreMismatch},
		"another bin":             {func(s *credit.Submission, _ *credit.Facts) { s.Proof.Vector[0] = 1 }, fault.ScoreMismatch},
		"a bin that is not there": {func(s *credit.Submission, _ *credit.Facts) { s.Proof.Vector[0] = 9 }, fault.InputInvalid},
		"a short vector":          {func(s *credit.Submission, _ *credit.Facts) { s.Proof.Vector = s.Proof.Vector[:1] }, fault.InputInvalid},
		"no such model":           {func(_ *credit.Submission, f *credit.Facts) { f.Model = credit.Model{} }, fault.ModelNotChampion},
		"a proposed model":        {func(_ *credit.Submission, f *credit.Facts) { f.Model.Status = credit.ModelProposed }, fault.ModelNotChampion},
		"a retired model":         {func(_ *credit.Submission, f *credit.Facts) { f.Model.Status = credit.ModelRetired }, fault.ModelNotChampion},
		"another bank's model":    {func(_ *credit.Submission, f *credit.Facts) { f.Model.Bank = "BankBMSP" }, fault.ModelNotChampion},
		"another card":            {func(_ *credit.Submission, f *credit.Facts) { f.Card.BasePoints++ }, fault.ModelHashMismatch},
		"no consent":              {func(_ *credit.Submission, f *credit.Facts) { f.Consent = credit.Consent{} }, fault.ConsentMissing},
		"another consent":         {func(s *credit.Submission, _ *credit.Facts) { s.Consent = "cns-0002" }, fault.ConsentMissing},
		"another subject":         {func(s *credit.Submission, _ *credit.Facts) { s.Subject = "p-00bb22" }, fault.ConsentMissing},
		"expired":                 {func(s *credit.Submission, _ *credit.Facts) { s.LastDay = day(t, "2026-11-21") }, fault.ScoreExpired},
		"valid for too long":      {func(s *credit.Submission, _ *credit.Facts) { s.LastDay = day(t, "2027-11-21") }, fault.InputInvalid},
		"evidence from tomorrow":  {func(s *credit.Submission, _ *credit.Facts) { s.EvidenceOn = day(t, "2026-11-23") }, fault.InputInvalid},
		"no commitment":           {func(s *credit.Submission, _ *credit.Facts) { s.InputCommitment = "" }, fault.InputInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := submission(t), facts(t)
			tc.change(&s, &f)
			_, err := credit.Accept(s, f, credit.Addition{}, robot, noon)
			assert.Equal(t, tc.code, fault.CodeOf(err), "%v", err)
		})
	}
}

func TestChallengerScoresInShadow(t *testing.T) {
	f := facts(t)
	f.Model.Status = credit.ModelChallenger
	s, err := credit.Accept(submission(t), f, credit.Addition{}, robot, noon)
	require.NoError(t, err)
	assert.True(t, s.Shadow)
	assert.Equal(t, fault.ScoreNotUsable, fault.CodeOf(s.Usable(day(t, "2026-11-22"))))
}

func TestAppeal(t *testing.T) {
	first, err := credit.Accept(submission(t), facts(t), credit.Addition{}, robot, noon)
	require.NoError(t, err)
	_, err = first.Contest("not mine", owner, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	appealed, err := first.Contest("Two invoices were confirmed in time.", sme, noon)
	require.NoError(t, err)
	assert.Equal(t, fault.ScoreNotUsable, fault.CodeOf(appealed.Usable(day(t, "2026-11-22"))), "nothing is decided under appeal")

	_, err = appealed.Uphold("It stands.", robot, noon)
	assert.Equal(t, fault.MakerIsChecker, fault.CodeOf(err))
	upheld, err := appealed.Uphold("They were confirmed late.", checker, noon)
	require.NoError(t, err)
	assert.NoError(t, upheld.Usable(day(t, "2026-11-22")))
	assert.Empty(t, appealed.Appeal.Answer, "an earlier value does not change")

	again := submission(t)
	again.ID, again.Replaces = "scr-0002", "scr-0001"
	newer, err := credit.Accept(again, facts(t), credit.Addition{}, robot, noon)
	require.NoError(t, err)
	old, err := appealed.Supersede(newer)
	require.NoError(t, err)
	assert.Equal(t, credit.ScoreSuperseded, old.Status)
	newer.Subject = "p-00bb22"
	_, err = appealed.Supersede(newer)
	assert.Equal(t, fault.ScoreNotUsable, fault.CodeOf(err))
}

// Whatever the vector, the one true claim is accepted and every other number of points is refused.
func TestOnlyTheTrueClaimPasses(t *testing.T) {
	card := credittest.Card()
	rapid.Check(t, func(t *rapid.T) {
		v := scorecard.Vector{uint16(rapid.IntRange(0, 3).Draw(t, "a")), uint16(rapid.IntRange(0, 3).Draw(t, "b"))}
		claim, err := credit.Calculate(card, v)
		require.NoError(t, err)
		proof := credit.Proof{Method: credit.ByAddition, Vector: v}
		require.NoError(t, credit.Addition{}.Verify(card, claim, proof))
		claim.Points += rapid.Int64Range(1, 1000).Draw(t, "off") * (1 - 2*int64(rapid.IntRange(0, 1).Draw(t, "sign")))
		require.Equal(t, fault.ScoreMismatch, fault.CodeOf(credit.Addition{}.Verify(card, claim, proof)))
	})
}

func TestCommitmentNeedsTheSalt(t *testing.T) {
	inputs := []byte(`{"days_to_confirm":7}`)
	assert.NotEqual(t, credit.Commit([]byte("salt-1"), inputs), credit.Commit([]byte("salt-2"), inputs))
	assert.Len(t, credit.Commit([]byte("salt-1"), inputs), 64)
}

func TestExplain(t *testing.T) {
	card := credittest.Card()
	e, err := credit.Explain(card, scorecard.Vector{3, 1}, 600)
	require.NoError(t, err)
	assert.Equal(t, int64(510), e.Points)
	assert.Equal(t, []credit.ReasonText{
		{Code: "days_to_confirm", Lost: 120, Seen: "≥ 10", Range: scorecard.Range{AtLeast: "10"}, Unit: "days", Wording: card.Features[0].Wording},
		{Code: "invoices_confirmed", Lost: 60, Seen: "< 3", Range: scorecard.Range{Below: "3"}, Wording: card.Features[1].Wording}}, e.Reasons)
	require.True(t, e.Reached)
	assert.Equal(t, []credit.ChangeText{{Code: "days_to_confirm", From: "≥ 10", Range: scorecard.Range{AtLeast: "10"},
		To: "< 5", Enough: scorecard.Range{Below: "5"}, Unit: "days", Wording: card.Features[0].Wording}}, e.Changes)
	changed := scorecard.Vector{1, 1}
	claim, err := credit.Calculate(card, changed)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, claim.Points, int64(600), "what is proposed really reaches the target")

	e, err = credit.Explain(card, scorecard.Vector{3, 1}, 10_000)
	require.NoError(t, err)
	assert.False(t, e.Reached)
	assert.Empty(t, e.Changes)
	e, err = credit.Explain(card, scorecard.Vector{1, 3}, 0)
	require.NoError(t, err)
	assert.True(t, e.Reached)
	assert.Empty(t, e.Reasons, "the best there is loses nothing")
}
