package underwriting

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// ScoreAgain scores an application from the facts of today and puts the score in the place of the last one: the answer to an appeal
// that was right, also where the application is decided already. The block is the ledger's last one. SCORE_NOT_USABLE where there is
// no score yet, or too many.
func (u *Underwriter) ScoreAgain(ctx context.Context, application, desk string, block uint64) (credit.Submission, error) {
	u.init()
	u.mu.Lock()
	u.height = max(u.height, block)
	u.mu.Unlock()
	f, err := u.open(ctx, application, desk)
	if err != nil {
		return credit.Submission{}, err
	}
	known := map[string]bool{}
	for _, s := range f.Scores {
		known[s.ID] = true
	}
	attempt := 0
	for attempt < maxAttempts && known[scoreID(application, attempt)] {
		attempt++
	}
	if attempt == 0 || attempt == maxAttempts {
		return credit.Submission{}, fault.New(fault.ScoreNotUsable, "application %s was scored %d times; it can be scored again up to %d times", application, attempt, maxAttempts)
	}
	if err := u.gather(ctx, f); err != nil {
		return credit.Submission{}, err
	}
	s, err := u.score(ctx, f, attempt)
	if err != nil {
		return s, err
	}
	_, err = u.submit(ctx, consortium.Call{Function: "credit:SubmitScore", Args: []string{s.ID}, Input: s, Circles: f.circles, Request: derive("uw", s.ID, "again")})
	return s, err
}
