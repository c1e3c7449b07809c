package receipt

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// OfferTo offers the receipt to another party, who becomes its owner by accepting.
func (r Receipt) OfferTo(a member.Actor, to Holder) (Receipt, error) {
	next, err := r.by(a, r.Owner, Offer)
	if err != nil {
		return r, err
	}
	var bad fault.Fields
	to.Check(&bad, "to")
	if to == r.Owner {
		bad.Add("to", to.Party, "owns the receipt already")
	}
	if err := bad.Err(); err != nil {
		return r, err
	}
	next.Offer, next.Proposal = &to, nil
	return next, nil
}

// Accept makes the receiver of the offer the owner in control.
func (r Receipt) Accept(a member.Actor) (Receipt, error) {
	next, err := r.by(a, r.offered(), Accept)
	if err != nil {
		return r, err
	}
	next.Owner, next.Controller, next.Offer, next.Relied = *r.Offer, *r.Offer, nil, true
	return next, nil
}

// Withdraw takes back the owner's offer, or the owner's request for delivery.
func (r Receipt) Withdraw(a member.Actor) (Receipt, error) {
	next, err := r.by(a, r.Owner, Withdraw)
	if err != nil {
		return r, err
	}
	next.Offer = nil
	return next, nil
}

// Decline refuses an offer.
func (r Receipt) Decline(a member.Actor) (Receipt, error) {
	next, err := r.by(a, r.offered(), Decline)
	if err != nil {
		return r, err
	}
	next.Offer = nil
	return next, nil
}

func (r Receipt) offered() Holder {
	if r.Offer == nil {
		return Holder{}
	}
	return *r.Offer
}

// Reserve keeps the goods for an application for financing by the creditor, a bank's MSP id. The actor is the owner, who applies.
func (r Receipt) Reserve(a member.Actor, creditor, application string, at time.Time) (Receipt, error) {
	next, err := r.by(a, r.Owner, Reserve)
	if err != nil {
		return r, err
	}
	if creditor == "" || application == "" {
		return r, fault.New(fault.InputMissing, "a reservation names its bank and its application")
	}
	next.Lien = &Lien{Creditor: creditor, Financing: application, Since: at}
	next.Proposal, next.Relied = nil, true
	return next, nil
}

// Free ends a reservation for the application, or returns RECEIPT_LIEN_MISMATCH when the receipt is reserved for another.
func (r Receipt) Free(application string) (Receipt, error) {
	next, err := r.forFinancing(Free, application)
	if err != nil {
		return r, err
	}
	next.Lien = nil
	return next, nil
}

// Pledge turns the reservation for the application into a pledge for the loan: control passes to the creditor.
func (r Receipt) Pledge(application, loan string, at time.Time) (Receipt, error) {
	next, err := r.forFinancing(Pledge, application)
	if err != nil {
		return r, err
	}
	next.Lien = &Lien{Creditor: r.Lien.Creditor, Financing: loan, Since: at}
	next.Controller = Holder{MSP: r.Lien.Creditor}
	return next, nil
}

// Release ends the pledge for the loan: control returns to the owner.
func (r Receipt) Release(loan string) (Receipt, error) {
	next, err := r.forFinancing(Release, loan)
	if err != nil {
		return r, err
	}
	next.Lien, next.Proposal, next.Controller = nil, nil, r.Owner
	return next, nil
}

// Enforce lets the creditor of the loan sell. Whether it may is the financing's to decide, by Call.MayLiquidate or by the
// loan's default.
func (r Receipt) Enforce(loan string) (Receipt, error) {
	next, err := r.forFinancing(Enforce, loan)
	if err != nil {
		return r, err
	}
	next.Proposal = nil
	return next, nil
}

// Sell makes the purchaser the owner in control, free of the lien.
func (r Receipt) Sell(loan string, purchaser Holder) (Receipt, error) {
	next, err := r.forFinancing(Sell, loan)
	if err != nil {
		return r, err
	}
	var bad fault.Fields
	purchaser.Check(&bad, "purchaser")
	if err := bad.Err(); err != nil {
		return r, err
	}
	next.Lien, next.Owner, next.Controller = nil, purchaser, purchaser
	return next, nil
}

func (r Receipt) forFinancing(action Action, financing string) (Receipt, error) {
	next, err := r.step(action)
	if err != nil {
		return r, err
	}
	if r.Lien == nil || r.Lien.Financing != financing {
		return r, fault.New(fault.ReceiptLienMismatch, "receipt %s is not %s for this financing", r.ID, r.Status)
	}
	return next, nil
}

// Validate reports every failure of the input with its field and value.
func (p Proposal) Validate() error {
	var bad fault.Fields
	checkGoods(&bad, "in", p.In)
	if len(p.Out) == 0 || len(p.Out) > MaxLines {
		bad.Add("out", len(p.Out), "must be 1 to %d lines", MaxLines)
	}
	for i, line := range p.Out {
		if line < 0 || slices.Contains(p.Out[:i], line) {
			bad.Add("out", line, "must be indexes of lines, each once")
		}
	}
	return bad.Err()
}

// Propose records the operator's wish to exchange goods. The party in control decides on it.
func (r Receipt) Propose(a member.Actor, p Proposal) (Receipt, error) {
	next, err := r.by(a, Holder{MSP: r.Operator}, Propose)
	if err != nil {
		return r, err
	}
	if err := p.Validate(); err != nil {
		return r, err
	}
	for _, line := range p.Out {
		if line >= len(r.Lines) {
			return r, fault.New(fault.ReceiptGoodsMismatch, "the receipt has %d lines, numbered from 0", len(r.Lines))
		}
	}
	if len(r.Lines)-len(p.Out)+len(p.In) > MaxLines {
		return r, fault.New(fault.InputTooLarge, "a receipt has at most %d lines", MaxLines)
	}
	next.Proposal = &p
	return next, nil
}

// Substitute carries out the proposed exchange: the party in control agrees. A pledge covers the new goods from the same
// moment. A lot of the receipt does not come in for itself (RECEIPT_LOT_LIVE): that would change a quantity, not the goods.
func (r Receipt) Substitute(a member.Actor) (Receipt, error) {
	next, err := r.by(a, r.Controller, Substitute)
	if err != nil {
		return r, err
	}
	if r.Proposal == nil {
		return r, fault.New(fault.TransitionDenied, "nobody has proposed to exchange goods of receipt %s", r.ID)
	}
	next.Lines = nil
	for i, line := range r.Lines {
		if !slices.Contains(r.Proposal.Out, i) {
			next.Lines = append(next.Lines, line)
		}
	}
	for _, g := range r.Proposal.In {
		for _, line := range slices.Concat(r.Lines, next.Lines) {
			if sameLot(line.Goods, g) {
				return r, fault.New(fault.ReceiptLotLive, "the lot is under live receipt %s", r.ID)
			}
		}
		next.Lines = append(next.Lines, Line{Goods: g, Origin: r.ID})
	}
	next.Proposal = nil
	return next, nil
}

// Request asks for the goods; the operator then delivers to the owner, who is in control.
func (r Receipt) Request(a member.Actor) (Receipt, error) {
	next, err := r.by(a, r.Owner, Request)
	if err != nil {
		return r, err
	}
	next.Proposal = nil
	return next, nil
}

// Deliver ends the receipt: the goods were handed over.
func (r Receipt) Deliver(a member.Actor) (Receipt, error) {
	return r.by(a, Holder{MSP: r.Operator}, Deliver)
}

// Cancel ends a receipt that was issued in error, or returns RECEIPT_TRANSFERRED once anybody else has relied on it.
func (r Receipt) Cancel(a member.Actor) (Receipt, error) {
	next, err := r.by(a, Holder{MSP: r.Operator}, Cancel)
	if err != nil {
		return r, err
	}
	if r.Relied {
		return r, fault.New(fault.ReceiptTransferred, "receipt %s was transferred, divided or financed before", r.ID)
	}
	return next, nil
}
