package operation

import (
	"context"
	"encoding/hex"
	"slices"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// pageSize is the size of the pages that whole lists are read in.
const pageSize = 100

// Tendered lists the applications of tenders that the user may see, those of one tender where its id is given.
func Tendered(ctx context.Context, s *consortium.Session, tender string) ([]financing.Application, error) {
	desks, err := s.Readable(ctx, circle.Desk)
	if err != nil {
		return nil, err
	}
	var all []financing.Application
	for after := ""; ; {
		list, next, err := List[financing.Application](ctx, s, "financing:Applications", "applications", desks, pageSize, after)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if a.Tender != nil && (tender == "" || a.Tender.ID == tender) {
				all = append(all, a)
			}
		}
		if next == "" {
			break
		}
		after = next
	}
	if tender != "" && len(all) == 0 {
		return nil, fault.New(fault.RecordNotFound, "there is no tender %s that you may see", tender)
	}
	slices.SortFunc(all, func(a, b financing.Application) int { return a.AppliedAt.Compare(b.AppliedAt) })
	return all, nil
}

// IDs are the ids of applications.
func IDs(list []financing.Application) []string {
	ids := make([]string, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	return ids
}

// claim asks for the case of an application with a score that is on the ledger, and decides it as the peers will.
func claim(ctx context.Context, s *consortium.Session, application, score string) (financing.Claimed, []string, error) {
	claimed := financing.Claimed{Score: score, Lanes: []int{}}
	_, circles, err := Application(ctx, s, application)
	if err != nil {
		return claimed, nil, err
	}
	var c financing.Case
	call := consortium.Call{Function: "financing:Case", Args: []string{application, score, "[]"}, Circles: circles}
	if err := s.Evaluate(ctx, call, &c); err != nil {
		return claimed, nil, err
	}
	for _, h := range c.Headroom {
		claimed.Lanes = append(claimed.Lanes, h.Lane)
	}
	claimed.Decision, err = financing.Decide(c)
	return claimed, circles, err
}

// CommitOffer binds the own bank to the offer that its policy gives on an application of a tender with a score, by a hash under the salt.
func CommitOffer(ctx context.Context, s *consortium.Session, application, score string, salt []byte) (consortium.Call, error) {
	claimed, circles, err := claim(ctx, s, application, score)
	if err != nil {
		return consortium.Call{}, err
	}
	hash := financing.OfferHash(salt, application, claimed.Decision)
	return consortium.Call{Function: "financing:CommitOffer", Args: []string{application, hash}, Circles: circles}, nil
}

// RevealOffer shows the offer that the own bank is committed to.
func RevealOffer(ctx context.Context, s *consortium.Session, application, score string, salt []byte) (consortium.Call, error) {
	claimed, circles, err := claim(ctx, s, application, score)
	claimed.Salt = hex.EncodeToString(salt)
	return consortium.Call{Function: "financing:Decide", Args: []string{application}, Input: claimed, Circles: circles}, err
}

// LimitID finds a limit of the own bank by what it is on; an empty subject stands for the whole facility.
func LimitID(ctx context.Context, s *consortium.Session, desk string, on financing.Draw) (string, error) {
	var p financing.Policy
	if err := s.Evaluate(ctx, consortium.Call{Function: "financing:ActivePolicy", Args: []string{desk}, Circles: []string{desk}}, &p); err != nil {
		return "", err
	}
	if on.Subject == "" {
		on.Subject = p.Bank
	}
	if err := on.Validate(); err != nil {
		return "", err
	}
	return p.Terms.LimitID(p.Bank, on.Kind, on.Subject)
}

// Limit is a limit with its lanes.
type Limit struct {
	financing.Limit
	UsedMinor int64            `json:"used_minor"`
	Lanes     []financing.Lane `json:"lane_list"`
}

// ReadLimit reads a limit of a desk with its lanes.
func ReadLimit(ctx context.Context, s *consortium.Session, desk, id string) (l Limit, err error) {
	return l, s.Evaluate(ctx, consortium.Call{Function: "financing:Limit", Args: []string{id}, Circles: []string{desk}}, &l)
}

// Collect books on a loan what the buyer's payment on a receivable brought to the bank.
func Collect(ctx context.Context, s *consortium.Session, loan, receivable, payment string) (consortium.Call, error) {
	call, err := OnLoan(ctx, s, "financing:Collect", loan, nil)
	call.Args = append(call.Args, receivable, payment)
	return call, err
}

// Recover books money that has come in on a written-off loan. An empty day stands for today.
func Recover(ctx context.Context, s *consortium.Session, loan string, in financing.Payment) (consortium.Call, error) {
	call, err := Repay(ctx, s, loan, in)
	call.Function = "financing:Recover"
	return call, err
}
