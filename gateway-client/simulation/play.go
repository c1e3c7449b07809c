package simulation

import (
	"context"
	"fmt"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// Stage is a ledger that operations are played on.
type Stage struct {
	Programme string
	// Seller and Buyer return the session of a user of the firm with the role, as who sells and as who buys; nil leaves out what the
	// firm does.
	Seller, Buyer func(firm string, role member.Role) (*consortium.Session, error)
	// Host returns the session that registers a firm as a party, and the party's id; an empty id says that it is registered.
	Host func(firm string) (s *consortium.Session, party string, err error)
	// Party is the id on the ledger of a firm.
	Party func(firm string) string
	// Clock is called before the first operation of every day; nil leaves the ledger's clock alone.
	Clock func(calendar.Date) error
	// Progress hears how many operations are done.
	Progress Progress
}

// Played counts what was played.
type Played struct {
	Operations int `json:"operations"`
	Refused    int `json:"refused_as_expected"`
	LeftOut    int `json:"left_out"`
}

// Play takes the operations one after the other, and stops at the first that does not do what it should.
func (s Stage) Play(ctx context.Context, list []Operation) (Played, error) {
	var done Played
	var today calendar.Date
	for k, o := range list {
		s.Progress.say("play", k, len(list))
		if s.Clock != nil && o.On != today {
			today = o.On
			if err := s.Clock(today); err != nil {
				return done, err
			}
		}
		played, err := s.one(ctx, o)
		switch {
		case err != nil && o.Refused != "" && fault.CodeOf(err) == o.Refused:
			done.Refused++
		case err != nil:
			return done, fmt.Errorf("operation %d, %s %s of %s by %s: %w", k, o.Step, o.ID, o.On, o.By, err)
		case played && o.Refused != "":
			return done, fmt.Errorf("operation %d, %s %s: it was accepted; it must be refused with %s", k, o.Step, o.ID, o.Refused)
		case played:
			done.Operations++
		default:
			done.LeftOut++
		}
	}
	s.Progress.say("play", len(list), len(list))
	return done, nil
}

func (s Stage) one(ctx context.Context, o Operation) (played bool, err error) {
	if o.Step == Register {
		return s.register(ctx, o)
	}
	of := s.Buyer
	if o.Step == Issue || o.Step == Credit {
		of = s.Seller
	}
	user, err := of(o.By, o.Role)
	if err != nil || user == nil {
		return false, err
	}
	call, err := s.call(ctx, user, o)
	if err != nil {
		return false, err
	}
	_, err = user.Submit(ctx, call, nil)
	return true, err
}

func (s Stage) register(ctx context.Context, o Operation) (bool, error) {
	host, id, err := s.Host(o.By)
	if err != nil || host == nil || id == "" {
		return false, err
	}
	p := *o.Party
	p.ID = id
	call, err := operation.RegisterParty(host, s.Programme, p)
	if err != nil {
		return false, err
	}
	_, err = host.Submit(ctx, call, nil)
	return true, err
}

func (s Stage) call(ctx context.Context, user *consortium.Session, o Operation) (consortium.Call, error) {
	switch o.Step {
	case Issue:
		invoice := *o.Invoice
		invoice.Seller, invoice.Buyer = s.Party(invoice.Seller), s.Party(invoice.Buyer)
		return operation.Issue(s.Programme, receivable.Issuance{ID: o.ID, Invoice: invoice}), nil
	case Query:
		return operation.OnReceivable(ctx, user, "receivable:Dispute", o.ID, *o.Because)
	case Reject:
		return operation.OnReceivable(ctx, user, "receivable:Reject", o.ID, *o.Because)
	case Resolve:
		return operation.OnReceivable(ctx, user, "receivable:Resolve", o.ID, nil)
	case Propose:
		return operation.OnReceivable(ctx, user, "receivable:ProposeConfirm", o.ID, nil)
	case Confirm:
		return operation.Confirm(ctx, user, o.ID)
	case Credit:
		return operation.OnReceivable(ctx, user, "receivable:CreditNote", o.ID, *o.Credit, o.Credit.ID)
	case Pay:
		return operation.OnReceivable(ctx, user, "receivable:Pay", o.ID, *o.Payment, o.Payment.ID)
	}
	return consortium.Call{}, fault.New(fault.InputInvalid, "%q is no step of a world", o.Step)
}
