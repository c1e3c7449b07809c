package underwriting

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"strconv"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// dossier is what financing:Dossier answers.
type dossier struct {
	Application financing.Application `json:"application"`
	Policy      financing.Policy      `json:"policy"`
	Consent     *credit.Consent       `json:"consent"`
	Model       *credit.Model         `json:"model"`
	Scores      []credit.Score        `json:"scores"`
}

// file is an application that is being decided, with all that the service knows of it.
type file struct {
	dossier
	circles []string // of the desk, the collateral and the trades that are named
	trips   [][]string
	history History
	card    *scorecard.Scorecard
}

func scoreID(application string, attempt int) string {
	return derive("scr", application, strconv.Itoa(attempt))
}

// open reads what is there about an application, so that the service goes on wherever it or another replica has stopped.
func (u *Underwriter) open(ctx context.Context, id, desk string) (*file, error) {
	ids := make([]string, maxAttempts)
	for i := range ids {
		ids[i] = scoreID(id, i)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	f := &file{}
	call := consortium.Call{Function: "financing:Dossier", Args: []string{id, string(list)}, Circles: []string{desk}}
	if err := u.Ledger.Evaluate(ctx, call, &f.dossier); err != nil {
		return nil, err
	}
	f.circles = append([]string{desk}, programmes(f.Application.Collateral)...)
	return f, nil
}

// decide takes one application to its decision, and returns its status.
func (u *Underwriter) decide(ctx context.Context, id, desk string) (string, error) {
	f, err := u.open(ctx, id, desk)
	if err != nil {
		return "", err
	}
	a := f.Application
	switch {
	case a.Due(u.Today()):
		return u.submit(ctx, consortium.Call{Function: "financing:Expire", Args: []string{id}, Circles: f.circles, Request: derive("uw", id, "expire", string(a.Status))})
	case a.Status != financing.Submitted:
		return string(a.Status), nil
	}
	if ready, err := u.due(a); !ready {
		return "", err
	}
	if err := u.gather(ctx, f); err != nil {
		return "", err
	}
	if a.Tender != nil && u.now().Before(a.Tender.CommitBy) {
		return "", u.commit(ctx, f)
	}
	known := map[string]credit.Score{}
	for _, s := range f.Scores {
		known[s.ID] = s
	}
	for attempt := range maxAttempts {
		s, there := known[scoreID(id, attempt)]
		switch {
		case there && s.Status == credit.ScoreAppealed:
			return "", fault.New(fault.ScoreNotUsable, "score %s is under appeal: a person answers first", s.ID)
		case there && u.useful(s, f.Policy):
			return u.decideWith(ctx, f, s.ID, nil)
		case there:
			continue
		}
		submission, err := u.score(ctx, f, attempt)
		if err != nil {
			return "", err
		}
		return u.decideWith(ctx, f, submission.ID, &submission)
	}
	return "", fault.New(fault.ScoreNotUsable, "application %s was scored %d times and never decided", id, maxAttempts)
}

// gather collects the facts. The applicant's record is not touched without its consent to this bank, for a score, today.
func (u *Underwriter) gather(ctx context.Context, f *file) error {
	a, today, consent := f.Application, u.Today(), credit.Consent{}
	if f.Consent != nil {
		consent = *f.Consent
	}
	if err := consent.Allows(a.Applicant, a.Bank, credit.ScopeScore, today); err != nil {
		return err
	}
	if f.Model == nil || f.Model.Status != credit.ModelChampion {
		return fault.New(fault.ModelNotChampion, "%s has no champion to decide with", a.Bank)
	}
	var err error
	if f.card, err = u.scorecard(ctx, *f.Model); err != nil {
		return err
	}
	if f.history, err = u.Source.History(ctx, a, today); err != nil {
		return err
	}
	return u.circular(ctx, f)
}

// useful reports whether a score that is on the ledger may still be decided with: it is current and its facts are fresh enough.
func (u *Underwriter) useful(s credit.Score, p financing.Policy) bool {
	today := u.Today()
	if s.Usable(today) != nil {
		return false
	}
	oldest, err := today.AddDays(-int(p.Terms.EvidenceMaxAgeDays))
	return err == nil && !s.EvidenceOn.Before(oldest) && s.CardHash == p.Terms.ModelHash
}

// score makes the submission of the facts.
func (u *Underwriter) score(ctx context.Context, f *file, attempt int) (credit.Submission, error) {
	a, card, id := f.Application, f.card, scoreID(f.Application.ID, attempt)
	height, today := u.seen(), u.Today()
	values, err := u.Features(card, f.history)
	if err != nil {
		return credit.Submission{}, err
	}
	vector, err := card.Bin(values)
	if err != nil {
		return credit.Submission{}, err
	}
	claim, err := credit.Calculate(card, vector)
	if err != nil {
		return credit.Submission{}, err
	}
	inputs, err := rawInputs(a, card, values, height)
	if err != nil {
		return credit.Submission{}, err
	}
	if u.Keep != nil {
		if err := u.Keep(ctx, id, inputs); err != nil {
			return credit.Submission{}, err
		}
	}
	last, err := today.AddDays(DefaultScoreDays)
	if err != nil {
		return credit.Submission{}, err
	}
	s := credit.Submission{ID: id, Application: a.ID, Subject: a.Applicant, Model: f.Model.ID, Consent: a.Consent, Claim: claim,
		Proof: credit.Proof{Method: credit.ByAddition, Vector: vector}, EvidenceBlock: height, EvidenceOn: today, LastDay: last,
		InputCommitment: credit.Commit(u.Salt(id), inputs)}
	if attempt > 0 {
		s.Replaces = scoreID(a.ID, attempt-1)
	}
	return s, nil
}

// Salt is the salt of a score's commitment: HMAC-SHA-256 of its id under the salt key. With it and the raw inputs that were
// kept, the bank opens the commitment.
func (u *Underwriter) Salt(score string) []byte {
	mac := hmac.New(sha256.New, u.SaltKey)
	mac.Write([]byte("tallystick/input-salt/v1\x00" + score))
	return mac.Sum(nil)
}

// rawInputs is the canonical JSON that a commitment is to: the values by feature, in the card's order.
func rawInputs(a financing.Application, card *scorecard.Scorecard, values []scorecard.Value, height uint64) ([]byte, error) {
	type input struct {
		Feature string          `json:"feature"`
		Value   scorecard.Value `json:"value"`
	}
	list := make([]input, len(values))
	for i := range values {
		list[i] = input{card.Features[i].Name, values[i]}
	}
	return json.Marshal(struct {
		Application string  `json:"application"`
		Block       uint64  `json:"block"`
		Inputs      []input `json:"inputs"`
	}{a.ID, height, list})
}

// scorecard returns a model's scorecard, which is kept by its hash: it never changes.
func (u *Underwriter) scorecard(ctx context.Context, m credit.Model) (*scorecard.Scorecard, error) {
	u.mu.Lock()
	card, known := u.cards[m.CardHash]
	u.mu.Unlock()
	if known {
		return card, nil
	}
	var raw []byte
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "credit:Scorecard", Args: []string{m.CardHash}}, &raw); err != nil {
		return nil, err
	}
	card, err := scorecard.Parse(raw)
	if err != nil {
		return nil, err
	}
	if hash, err := card.Hash(); err != nil || hash != m.CardHash {
		return nil, fault.New(fault.ModelHashMismatch, "the scorecard on the ledger is not the one that model %s is registered with", m.ID)
	}
	u.mu.Lock()
	u.cards[m.CardHash] = card
	u.mu.Unlock()
	return card, nil
}
