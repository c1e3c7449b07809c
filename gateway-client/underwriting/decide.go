package underwriting

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// decide takes one application to its decision, and returns its status. It reads first what is there, so it goes on wherever
// it or another replica has stopped.
func (u *Underwriter) decide(ctx context.Context, id, desk string) (string, error) {
	var a financing.Application
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:Application", Args: []string{id}, Circles: []string{desk}}, &a); err != nil {
		return "", err
	}
	circles := append([]string{desk}, programmes(a)...)
	today := u.Today()
	switch {
	case a.Due(today):
		return u.submit(ctx, consortium.Call{Function: "financing:Expire", Args: []string{id}, Circles: circles, Request: derive("uw", id, "expire", string(a.Status))})
	case a.Status != financing.Submitted:
		return string(a.Status), nil
	}
	if a.Tender != nil {
		if ready, err := u.bid(ctx, a, circles); !ready {
			return "", err
		}
	}
	for attempt := range maxAttempts {
		scoreID := derive("scr", id, strconv.Itoa(attempt))
		var s credit.Score
		err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "credit:Score", Args: []string{scoreID}, Circles: []string{desk}}, &s)
		switch {
		case err == nil && s.Status == credit.ScoreAppealed:
			return "", fault.New(fault.ScoreNotUsable, "score %s is under appeal: a person answers first", s.ID)
		case err == nil && u.useful(ctx, s, desk):
			return u.decideWith(ctx, a, circles, s.ID, nil)
		case err == nil:
			continue
		case fault.CodeOf(err) != fault.RecordNotFound:
			return "", err
		}
		submission, err := u.score(ctx, a, scoreID, attempt)
		if err != nil {
			return "", err
		}
		return u.decideWith(ctx, a, circles, scoreID, &submission)
	}
	return "", fault.New(fault.ScoreNotUsable, "application %s was scored %d times and never decided", id, maxAttempts)
}

// useful reports whether a score that is on the ledger may still be decided with: it is current and its facts are fresh enough.
func (u *Underwriter) useful(ctx context.Context, s credit.Score, desk string) bool {
	today := u.Today()
	if s.Usable(today) != nil {
		return false
	}
	p, err := u.policy(ctx, desk)
	if err != nil {
		return true // the ledger will say what is wrong
	}
	oldest, err := today.AddDays(-int(p.Terms.EvidenceMaxAgeDays))
	return err == nil && !s.EvidenceOn.Before(oldest) && s.CardHash == p.Terms.ModelHash
}

func (u *Underwriter) policy(ctx context.Context, desk string) (financing.Policy, error) {
	var p financing.Policy
	return p, u.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:ActivePolicy", Args: []string{desk}, Circles: []string{desk}}, &p)
}

// score gathers the facts and makes the submission.
func (u *Underwriter) score(ctx context.Context, a financing.Application, id string, attempt int) (credit.Submission, error) {
	model, card, err := u.champion(ctx)
	if err != nil {
		return credit.Submission{}, err
	}
	height, today := u.seen(), u.Today()
	h, err := u.Source.History(ctx, a, today)
	if err != nil {
		return credit.Submission{}, err
	}
	if err := u.guard(a.ID, h); err != nil {
		return credit.Submission{}, err
	}
	values, err := u.Features(card, h)
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
	s := credit.Submission{ID: id, Application: a.ID, Subject: a.Applicant, Model: model.ID, Consent: a.Consent, Claim: claim,
		Proof: credit.Proof{Method: credit.ByAddition, Vector: vector}, EvidenceBlock: height, EvidenceOn: today, LastDay: last,
		InputCommitment: credit.Commit(u.Salt(id), inputs)}
	if attempt > 0 {
		s.Replaces = derive("scr", a.ID, strconv.Itoa(attempt-1))
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

// champion returns the bank's model with its scorecard, which is kept by its hash: it never changes.
func (u *Underwriter) champion(ctx context.Context) (credit.Model, *scorecard.Scorecard, error) {
	var m credit.Model
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "credit:Champion", Args: []string{u.Ledger.User().MSP}}, &m); err != nil {
		return m, nil, err
	}
	u.mu.Lock()
	card, known := u.cards[m.CardHash]
	u.mu.Unlock()
	if known {
		return m, card, nil
	}
	var raw []byte
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "credit:Scorecard", Args: []string{m.CardHash}}, &raw); err != nil {
		return m, nil, err
	}
	card, err := scorecard.Parse(raw)
	if err != nil {
		return m, nil, err
	}
	if hash, err := card.Hash(); err != nil || hash != m.CardHash {
		return m, nil, fault.New(fault.ModelHashMismatch, "the scorecard on the ledger is not the one that model %s is registered with", m.ID)
	}
	u.mu.Lock()
	u.cards[m.CardHash] = card
	u.mu.Unlock()
	return m, card, nil
}

// decideWith asks the ledger for the case, decides it by the same rules as the peers, and submits. A submission is a score
// that is not on the ledger yet; it goes along.
func (u *Underwriter) decideWith(ctx context.Context, a financing.Application, circles []string, score string, s *credit.Submission) (string, error) {
	lanes, d, err := u.resolve(ctx, a, circles, score, s)
	if err != nil {
		return "", err
	}
	claimed := financing.Claimed{Score: score, Lanes: lanes, Decision: d, Salt: u.openingOf(a)}
	call := consortium.Call{Function: "financing:Decide", Args: []string{a.ID}, Input: claimed, Circles: circles, Request: derive("uw", a.ID, "decide", score)}
	if s != nil {
		call.Function, call.Input = "financing:ScoreAndDecide", scoredClaim{*s, claimed}
		call.Request = derive("uw", a.ID, "score-and-decide", score)
	}
	return u.submit(ctx, call)
}

// scoredClaim is the sealed input of financing:ScoreAndDecide.
type scoredClaim struct {
	Submission credit.Submission `json:"submission"`
	Claimed    financing.Claimed `json:"claimed"`
}

// resolve decides a case in lanes that spread applications evenly, so that loans are drawn side by side, and in the roomiest ones
// where a lane's room is what holds the decision back.
func (u *Underwriter) resolve(ctx context.Context, a financing.Application, circles []string, score string, s *credit.Submission) ([]int, financing.Decision, error) {
	lanes := []int{}
	c, err := u.caseOf(ctx, a, circles, score, s, lanes)
	if err != nil {
		return nil, financing.Decision{}, err
	}
	if picked := spread(c); slices.Max(append(picked, 0)) > 0 {
		there, err := u.caseOf(ctx, a, circles, score, s, picked)
		switch {
		case err == nil:
			c, lanes = there, picked
		case fault.CodeOf(err) != fault.LimitMismatch: // the limit was opened with fewer lanes than the policy has now
			return nil, financing.Decision{}, err
		}
	}
	d, err := financing.Decide(c)
	if err != nil || !heldBack(d) {
		return lanes, d, err
	}
	lanes = lanes[:0]
	for _, h := range c.Headroom {
		lane, err := u.roomiest(ctx, circles[:1], h)
		if err != nil {
			return nil, d, err
		}
		lanes = append(lanes, lane)
	}
	if c, err = u.caseOf(ctx, a, circles, score, s, lanes); err != nil {
		return nil, d, err
	}
	d, err = financing.Decide(c)
	return lanes, d, err
}

// spread picks a lane of each limit by the application's id.
func spread(c financing.Case) []int {
	lanes := make([]int, 0, len(c.Headroom))
	for _, h := range c.Headroom {
		sum := sha256.Sum256([]byte(c.Application.ID + "\x00" + h.Limit))
		lane := 0
		for _, r := range c.Policy.Terms.Limits {
			if r.Kind == h.Kind && r.Lanes > 0 {
				lane = int(binary.BigEndian.Uint32(sum[:4]) % uint32(r.Lanes))
			}
		}
		lanes = append(lanes, lane)
	}
	return lanes
}

func (u *Underwriter) caseOf(ctx context.Context, a financing.Application, circles []string, score string, s *credit.Submission, lanes []int) (financing.Case, error) {
	picked, err := json.Marshal(lanes)
	if err != nil {
		return financing.Case{}, err
	}
	call := consortium.Call{Function: "financing:Case", Args: []string{a.ID, score, string(picked)}, Circles: circles}
	if s != nil {
		call.Input = *s
	}
	var c financing.Case
	return c, u.Ledger.Evaluate(ctx, call, &c)
}

// heldBack reports whether a limit's lane stands behind a decision.
func heldBack(d financing.Decision) bool {
	limits := map[string]bool{}
	for _, code := range []financing.ReasonCode{financing.BorrowerLimitReached, financing.BuyerLimitReached, financing.ProgrammeLimitHit,
		financing.SectorLimitReached, financing.FacilityLimitReached} {
		limits[string(code)] = true
	}
	for _, r := range d.Reasons {
		if limits[string(r.Code)] || r.Code == financing.AdvanceReduced && limits[r.Ref] || r.Code == financing.AmountBelowMinimum {
			return true
		}
	}
	return false
}

// roomiest is the lane of a limit with the most free room; the first where nobody has drawn on the limit yet.
func (u *Underwriter) roomiest(ctx context.Context, desk []string, h financing.Headroom) (int, error) {
	var l struct {
		Lanes []financing.Lane `json:"lane_list"`
	}
	err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:Limit", Args: []string{h.Limit}, Circles: desk}, &l)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return 0, nil
	}
	best := 0
	for i, lane := range l.Lanes {
		if lane.FreeMinor() > l.Lanes[best].FreeMinor() {
			best = i
		}
	}
	return best, err
}

func (u *Underwriter) submit(ctx context.Context, call consortium.Call) (string, error) {
	var status struct {
		Status string `json:"status"`
	}
	_, err := u.Ledger.Submit(ctx, call, &status)
	return status.Status, err
}

func programmes(a financing.Application) []string {
	var list []string
	for _, c := range a.Collateral {
		list = append(list, c.Circle)
	}
	return list
}
