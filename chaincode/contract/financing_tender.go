package contract

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
)

// Tender applies to several banks over the same collateral (sealed input: financing.TenderRequest): one application on the desk of
// each, and one reservation for all.
func (*Financing) Tender(ctx *ledger.Context, id string) ([]FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:Tender")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.TenderRequest](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another tender than %s", id)
	}
	var list []FinancingStatus
	for i, b := range in.Bidders {
		if err := deskOf(tx, b.Desk, b.Bank); err != nil {
			return nil, err
		}
		p, err := activePolicy(tx, b.Desk)
		if err != nil {
			return nil, err
		}
		a, err := in.ApplyTo(b, p, actor, tx.Now())
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if err := reserveCollateral(tx, a); err != nil {
				return nil, err
			}
		}
		if err := applications.Create(tx, b.Desk, a, a.ID); err != nil {
			return nil, err
		}
		tx.Emit(ledger.Event{Type: "application.submitted", ID: a.ID, Circle: b.Desk})
		list = append(list, *statusOf(a))
	}
	return list, nil
}

// CommitOffer binds the caller's bank to an offer on an application of a tender, by its salted hash (financing.OfferHash).
func (*Financing) CommitOffer(ctx *ledger.Context, id, hash string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:CommitOffer")
	if err != nil {
		return nil, err
	}
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	if a, err = a.Commit(hash, actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "application.committed", ID: id, Circle: desk})
	return statusOf(a), applications.Update(tx, a, id)
}

// CloseTender withdraws the applications of a tender that are still open, and frees the collateral. One that has become a loan
// keeps it (COLLATERAL_ENCUMBERED).
func (*Financing) CloseTender(ctx *ledger.Context, list []string) ([]FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:CloseTender")
	if err != nil {
		return nil, err
	}
	all, err := ofOneTender(tx, list)
	if err != nil {
		return nil, err
	}
	var out []FinancingStatus
	for _, a := range all {
		if actor.Party != a.Applicant {
			return nil, fault.New(fault.NotPermitted, "application %s is another party's", a.ID)
		}
		if a.Open() {
			if a, err = a.Withdraw(actor); err != nil {
				return nil, err
			}
			desk, err := tx.CircleOf(applications.Type(), a.ID)
			if err != nil {
				return nil, err
			}
			if _, err := saveApplication(tx, desk, a); err != nil {
				return nil, err
			}
		}
		out = append(out, *statusOf(a))
	}
	if err := stillReserved(tx, all[0]); err != nil {
		return nil, err
	}
	return out, freeReserved(tx, all[0])
}

// stillReserved returns COLLATERAL_ENCUMBERED where a piece is pledged: the tender has become a loan.
func stillReserved(tx *ledger.Tx, a financing.Application) error {
	return eachCollateral(a.Collateral, func(c financing.Ref) error {
		if c.Kind != financing.Fragment {
			return nil // freeReceipt frees nothing but reservations
		}
		_, f, err := fragmentWith(tx, c.ID)
		if err == nil && f.Encumbrance != nil && f.Encumbrance.Bank != "" {
			err = fault.New(fault.CollateralEncumbered, "fragment %s is pledged for a loan", c.ID)
		}
		return err
	})
}

// Offers ranks the revealed offers of a tender by annual cost, to its applicant and the regulator, from the applications that
// the caller names.
func (*Financing) Offers(ctx *ledger.Context, list []string) ([]financing.RankedOffer, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Offers")
	if err != nil {
		return nil, err
	}
	all, err := ofOneTender(tx, list)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if err := visibleTo(tx, actor, a.Bank, a.Applicant); err != nil {
			return nil, err
		}
	}
	return financing.Rank(all), nil
}

// ofOneTender loads applications that must be of the same tender.
func ofOneTender(tx *ledger.Tx, list []string) ([]financing.Application, error) {
	if len(list) == 0 || len(list) > financing.MaxBidders {
		return nil, fault.New(fault.InputInvalid, "1 to %d applications can be named", financing.MaxBidders)
	}
	all, err := applications.GetMany(tx, list)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.Tender == nil || a.Tender.ID != all[0].Lien() {
			return nil, fault.New(fault.InputInvalid, "application %s is not of the same tender", a.ID)
		}
	}
	return all, nil
}
