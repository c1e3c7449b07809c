package underwriting

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// decideWith asks the ledger for the case, decides it by the same rules as the peers, and submits. A submission is a score
// that is not on the ledger yet; it goes along.
func (u *Underwriter) decideWith(ctx context.Context, f *file, score string, s *credit.Submission) (string, error) {
	lanes, d, err := u.resolve(ctx, f, score, s)
	if err != nil {
		return "", err
	}
	a := f.Application
	claimed := financing.Claimed{Score: score, Lanes: lanes, Decision: d, Trips: f.trips, Salt: u.openingOf(a)}
	call := consortium.Call{Function: "financing:Decide", Args: []string{a.ID}, Input: claimed, Circles: f.circles, Request: derive("uw", a.ID, "decide", score)}
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

// caseInput is the sealed input of financing:Case.
type caseInput struct {
	Submission *credit.Submission `json:"submission,omitempty"`
	Trips      [][]string         `json:"trips,omitempty"`
}

// resolve decides a case in the lanes that the application's id gives, so that loans are drawn side by side; in the roomiest ones
// where a lane's room is what holds the decision back; and where the room of whole limits carries more than any lane of theirs does,
// after gathering it.
func (u *Underwriter) resolve(ctx context.Context, f *file, score string, s *credit.Submission) ([]int, financing.Decision, error) {
	c, err := u.caseOf(ctx, f, score, s, nil)
	if err != nil {
		return nil, financing.Decision{}, err
	}
	d, err := financing.Decide(c)
	if err != nil {
		return nil, d, err
	}
	if held, err := heldBack(c, d); err != nil || !held {
		return lanesOf(c), d, err
	}
	limits, err := u.limitsOf(ctx, f.circles[:1], c)
	if err != nil {
		return nil, d, err
	}
	picked := make([]int, len(limits))
	for i, l := range limits {
		picked[i] = l.roomiest()
	}
	if c, err = u.caseOf(ctx, f, score, s, picked); err != nil {
		return nil, d, err
	}
	if d, err = financing.Decide(c); err != nil {
		return picked, d, err
	}
	if gathered, err := u.gatherRoom(ctx, f.circles[:1], c, d, limits); err != nil || !gathered {
		return picked, d, err
	}
	if c, err = u.caseOf(ctx, f, score, s, picked); err != nil {
		return nil, d, err
	}
	d, err = financing.Decide(c)
	return picked, d, err
}

func lanesOf(c financing.Case) []int {
	lanes := make([]int, len(c.Headroom))
	for i, h := range c.Headroom {
		lanes[i] = h.Lane
	}
	return lanes
}

func (u *Underwriter) caseOf(ctx context.Context, f *file, score string, s *credit.Submission, lanes []int) (financing.Case, error) {
	if lanes == nil {
		lanes = []int{}
	}
	picked, err := json.Marshal(lanes)
	if err != nil {
		return financing.Case{}, err
	}
	call := consortium.Call{Function: "financing:Case", Args: []string{f.Application.ID, score, string(picked)}, Circles: f.circles}
	if s != nil || len(f.trips) > 0 {
		call.Input = caseInput{Submission: s, Trips: f.trips}
	}
	var c financing.Case
	return c, u.Ledger.Evaluate(ctx, call, &c)
}

// heldBack reports whether more room in the limits would give the applicant more.
func heldBack(c financing.Case, d financing.Decision) (bool, error) {
	free, err := financing.Decide(withRoom(c, func(int) int64 { return financing.MaxAmountMinor }))
	return err == nil && better(free, d), err
}

// withRoom is the case with other room in the limits, by their place.
func withRoom(c financing.Case, room func(i int) int64) financing.Case {
	c.Headroom = slices.Clone(c.Headroom)
	for i := range c.Headroom {
		c.Headroom[i].FreeMinor = room(i)
	}
	return c
}

// better reports whether a decision gives more than another one.
func better(a, b financing.Decision) bool {
	return a.Terms != nil && (b.Terms == nil || a.Terms.AdvanceMinor > b.Terms.AdvanceMinor)
}

// limitView is a limit with its lanes, as financing:Limit answers. It has no lanes where nobody has drawn on the limit yet.
type limitView struct {
	financing.Limit
	Lanes []financing.Lane `json:"lane_list"`
}

// roomiest is the lane with the most free room.
func (l limitView) roomiest() int {
	best := 0
	for i, lane := range l.Lanes {
		if lane.FreeMinor() > l.Lanes[best].FreeMinor() {
			best = i
		}
	}
	return best
}

func (l limitView) freeMinor() (free int64) {
	for _, lane := range l.Lanes {
		free += lane.FreeMinor()
	}
	return free
}

// limitsOf reads the limits that a case draws on, in the order of its headroom.
func (u *Underwriter) limitsOf(ctx context.Context, desk []string, c financing.Case) ([]limitView, error) {
	list := make([]limitView, len(c.Headroom))
	for i, h := range c.Headroom {
		err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:Limit", Args: []string{h.Limit}, Circles: desk}, &list[i])
		if fault.CodeOf(err) == fault.RecordNotFound {
			_, list[i].Lanes, err = financing.OpenLimit(c.Policy, h.Kind, h.Subject)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// gatherRoom puts the free room of a limit into the lane that the case draws on, where the limits as a whole carry more than the lanes
// do. It reports whether anything was gathered.
func (u *Underwriter) gatherRoom(ctx context.Context, desk []string, c financing.Case, d financing.Decision, limits []limitView) (gathered bool, err error) {
	best, err := financing.Decide(withRoom(c, func(i int) int64 { return limits[i].freeMinor() }))
	if err != nil || !better(best, d) {
		return false, err
	}
	for i, use := range best.Uses {
		if use.Minor <= c.Headroom[i].FreeMinor {
			continue
		}
		if limits[i].ID == "" { // nobody has drawn on it yet
			open := consortium.Call{Function: "financing:OpenLimit", Args: desk, Input: financing.Draw{Kind: use.Kind, Subject: use.Subject}, Circles: desk}
			if _, err := u.submit(ctx, open); err != nil && fault.CodeOf(err) != fault.RecordExists {
				return gathered, err
			}
		}
		gather := consortium.Call{Function: "financing:GatherLimit", Args: []string{use.Limit, strconv.Itoa(use.Lane)}, Circles: desk}
		if _, err := u.submit(ctx, gather); err != nil {
			return gathered, err
		}
		gathered = true
	}
	return gathered, nil
}

func (u *Underwriter) submit(ctx context.Context, call consortium.Call) (string, error) {
	var status struct {
		Status string `json:"status"`
	}
	_, err := u.Ledger.Submit(ctx, call, &status)
	return status.Status, err
}

func programmes(collateral []financing.Ref) []string {
	var list []string
	for _, c := range collateral {
		list = append(list, c.Circle)
	}
	return list
}
