package contract

import (
	"strconv"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// brought is what a bank brings to a decision besides the score: the lanes that it picks, one for each of Case.Draws (none: by the
// application's id), and the invoices of the circles of trades that it has found.
type brought struct {
	lanes []int
	trips [][]string
}

// loadCase gathers everything that a decision depends on. Limits that are not on the ledger yet are returned, not written.
func loadCase(tx *ledger.Tx, a financing.Application, desk string, s credit.Score, e brought) (c financing.Case, fresh []opening, err error) {
	c.Application, c.Today = a, tx.Today()
	if c.Policy, err = activePolicy(tx, desk); err != nil {
		return c, nil, err
	}
	if c.Score, err = usableScore(tx, a, s); err != nil {
		return c, nil, err
	}
	if err := loadCollateral(tx, desk, &c); err != nil {
		return c, nil, err
	}
	if c.Findings.Trips, err = provedTrips(tx, c, e.trips); err != nil {
		return c, nil, err
	}
	c.Headroom, fresh, err = headroom(tx, c, e.lanes)
	return c, fresh, err
}

func loadCollateral(tx *ledger.Tx, desk string, c *financing.Case) error {
	for _, ref := range c.Application.Collateral {
		fact, err := collateralFact(tx, desk, ref)
		if err != nil {
			return err
		}
		c.Collateral = append(c.Collateral, fact)
	}
	if err := loadRegister(tx, c); err != nil {
		return err
	}
	var err error
	c.Findings.Lookalikes, err = lookalikesBehind(tx, c.Application.Collateral)
	return err
}

// usableScore checks that a score may be decided with today, and that the consent still stands.
func usableScore(tx *ledger.Tx, a financing.Application, s credit.Score) (financing.ScoreFact, error) {
	if err := s.Usable(tx.Today()); err != nil {
		return financing.ScoreFact{}, err
	}
	if s.Bank != a.Bank {
		return financing.ScoreFact{}, fault.New(fault.ScoreNotUsable, "score %s is another bank's", s.ID)
	}
	consent, err := consents.Get(tx, a.Consent)
	if err != nil {
		return financing.ScoreFact{}, err
	}
	if err := consent.Allows(a.Applicant, a.Bank, credit.ScopeScore, tx.Today()); err != nil {
		return financing.ScoreFact{}, err
	}
	fact := financing.ScoreFact{ID: s.ID, Application: s.Application, Subject: s.Subject, CardHash: s.CardHash, Points: s.Claim.Points,
		EvidenceOn: s.EvidenceOn}
	for _, r := range s.Claim.Reasons {
		fact.Reasons = append(fact.Reasons, r.Code)
	}
	return fact, nil
}

func collateralFact(tx *ledger.Tx, desk string, ref financing.Ref) (financing.CollateralFact, error) {
	if ref.Kind == financing.Fragment {
		return fragmentFact(tx, ref)
	}
	return receiptFact(tx, desk, ref)
}

// fragmentFact: a claim is worth its face, and proved by the buyer's undertaking, which does not age.
func fragmentFact(tx *ledger.Tx, ref financing.Ref) (financing.CollateralFact, error) {
	r, f, err := fragmentWith(tx, ref.ID)
	if err != nil {
		return financing.CollateralFact{}, err
	}
	fact := financing.CollateralFact{Ref: ref, Owner: f.Holder, Currency: f.Currency, ValueMinor: f.FaceMinor, Buyer: r.Invoice.Buyer,
		DueOn: f.DueDate, Proved: r.HasClaim(), Impaired: r.Status != receivable.Confirmed || f.Dispute != ""}
	fact.Circle = r.Programme
	if f.Encumbrance != nil {
		fact.ReservedFor = f.Encumbrance.Application
	}
	return fact, nil
}

// receiptFact: goods are proved once devices have reported on them, and impaired when a device has seen them outside of the
// conditions under which they must be kept. What is outside of the device's own limits lowers the value where the bank has terms
// that say by how much, and impairs the goods where it has none.
func receiptFact(tx *ledger.Tx, desk string, ref financing.Ref) (financing.CollateralFact, error) {
	r, err := receipts.Get(tx, ref.ID)
	if err != nil {
		return financing.CollateralFact{}, err
	}
	fact := financing.CollateralFact{Ref: ref, Owner: r.Owner.Party}
	fact.Circle = r.Programme
	var weighed bool
	if fact.Currency, fact.ValueMinor, weighed, err = worth(tx, desk, r); err != nil {
		return fact, err
	}
	if r.Lien != nil {
		fact.ReservedFor = r.Lien.Financing
	}
	w, found, err := watches.Find(tx, ref.ID)
	if err != nil || !found {
		return fact, err
	}
	fact.Proved = w.Batches > 0
	for _, d := range w.Devices {
		if on := calendar.From(d.LastAt); fact.EvidenceOn.IsZero() || on.Before(fact.EvidenceOn) {
			fact.EvidenceOn = on
		}
		fact.Impaired = fact.Impaired || d.Breaches > 0 || d.Excursions > 0 && !weighed
	}
	return fact, nil
}

// worth is what a bank counts goods for: by prices and its own terms for lending on goods, where the programme's banks have
// agreed on prices and the bank has such terms; else what they are declared and insured for, and no more than that in any case. Weighed says that the former holds.
func worth(tx *ledger.Tx, desk string, r receipt.Receipt) (currency string, minor int64, weighed bool, err error) {
	if r.Declared != nil {
		currency, minor = r.Declared.Currency, r.Declared.Minor
	}
	v, found, err := collateralTerms.Find(tx, desk)
	if err != nil || !found || v.Active == nil {
		return currency, minor, false, err
	}
	valued, err := valueReceipt(tx, r, *v.Active)
	switch {
	case fault.CodeOf(err) == fault.ReceiptUnpriced:
		return currency, minor, false, nil
	case err != nil:
		return currency, minor, false, err
	case r.Declared != nil && currency == valued.Currency:
		return currency, min(minor, valued.ValueMinor), true, nil
	}
	return valued.Currency, valued.ValueMinor, true, nil
}

func headroom(tx *ledger.Tx, c financing.Case, picked []int) (list []financing.Headroom, fresh []opening, err error) {
	for i, d := range c.Draws() {
		id, err := c.Policy.Terms.LimitID(c.Policy.Bank, d.Kind, d.Subject)
		if err != nil {
			return nil, nil, err
		}
		number, err := pickedLane(tx, c, d, id, i, picked)
		if err != nil {
			return nil, nil, err
		}
		lane, found, err := lanes.Find(tx, id, strconv.Itoa(number))
		if err != nil {
			return nil, nil, err
		}
		if !found {
			if lane, fresh, err = unopened(tx, c.Policy, d, id, number, fresh); err != nil {
				return nil, nil, err
			}
		}
		list = append(list, financing.Headroom{Kind: d.Kind, Subject: d.Subject, Limit: id, Lane: number, FreeMinor: lane.FreeMinor()})
	}
	return list, fresh, nil
}

// pickedLane is the lane that the bank has picked, or the one that the application's id gives. Where lanes are picked, the head of the
// limit is not read, so that a decision waits for nobody who changes its total.
func pickedLane(tx *ledger.Tx, c financing.Case, d financing.Draw, id string, i int, picked []int) (int, error) {
	if i < len(picked) {
		return picked[i], nil
	}
	limit, found, err := limits.Find(tx, id)
	if err == nil && !found {
		limit, _, err = financing.OpenLimit(c.Policy, d.Kind, d.Subject)
	}
	return financing.SpreadLane(c.Application.ID, id, limit.Lanes), err
}

// unopened is the lane of a limit that the policy sets and that nobody has drawn on yet.
func unopened(tx *ledger.Tx, p financing.Policy, d financing.Draw, id string, number int, fresh []opening) (financing.Lane, []opening, error) {
	_, exists, err := limits.Find(tx, id)
	if err != nil {
		return financing.Lane{}, fresh, err
	}
	limit, all, err := financing.OpenLimit(p, d.Kind, d.Subject)
	if err != nil {
		return financing.Lane{}, fresh, err
	}
	if exists || number >= len(all) {
		return financing.Lane{}, fresh, fault.New(fault.LimitMismatch, "limit %s has no lane %d", id, number)
	}
	return all[number], append(fresh, opening{limit, all}), nil
}
