package contract

import (
	"strconv"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
)

// Everything of a financing is sealed on the bank's desk: the bank, the supplier host, the regulator.
var (
	policies       = ledger.Sealed[financing.Policy]("policy")
	activePolicies = ledger.Sealed[ActivePolicy]("active-policy") // id: desk
	applications   = ledger.Sealed[financing.Application]("application")
	loans          = ledger.Sealed[financing.Loan]("loan")
	limits         = ledger.Sealed[financing.Limit]("limit")
	lanes          = ledger.Sealed[financing.Lane]("lane") // id: limit, number
)

// ActivePolicy says which version of its policy a bank decides by.
type ActivePolicy struct {
	Policy string `json:"policy"`
}

// activePolicy returns the policy that is active on a desk, or POLICY_NOT_ACTIVE.
func activePolicy(tx *ledger.Tx, desk string) (financing.Policy, error) {
	p, found, err := findActivePolicy(tx, desk)
	if err == nil && !found {
		err = fault.New(fault.PolicyNotActive, "desk %s has no active policy", desk)
	}
	return p, err
}

func findActivePolicy(tx *ledger.Tx, desk string) (p financing.Policy, found bool, err error) {
	active, found, err := activePolicies.Find(tx, desk)
	if err != nil || !found {
		return p, false, err
	}
	p, err = policies.Get(tx, active.Policy)
	return p, err == nil, err
}

// A financing holds its collateral through these four. Each goes through the application's whole list, or returns the first
// refusal: then nothing of the transaction is written.

// reserveCollateral ties the collateral to the application, for the user who applied. COLLATERAL_ENCUMBERED where another
// financing holds a part of it.
func reserveCollateral(tx *ledger.Tx, a financing.Application) error {
	return eachCollateral(a.Collateral, func(c financing.Ref) error {
		var err error
		programme := ""
		if c.Kind == financing.Fragment {
			r, _, reserve := reserveFragment(tx, a.AppliedBy, a.Lien(), c.ID)
			programme, err = r.Programme, reserve
		} else {
			r, reserve := reserveReceipt(tx, a.AppliedBy, c.ID, a.Bank, a.Lien())
			programme, err = r.Programme, reserve
		}
		switch fault.CodeOf(err) {
		case fault.FragmentEncumbered, fault.ReceiptPledged, fault.ReceiptLienMismatch:
			return fault.New(fault.CollateralEncumbered, "%s %s is reserved or pledged for another financing", c.Kind, c.ID)
		}
		if err == nil && programme != c.Circle {
			return fault.New(fault.CollateralMismatch, "%s %s is not of programme %s", c.Kind, c.ID, c.Circle)
		}
		return err
	})
}

// freeCollateral ends the reservation for the application. That of a tender ends with CloseTender: other banks may still offer. A
// programme's offer has reserved nothing.
func freeCollateral(tx *ledger.Tx, a financing.Application) error {
	if a.Tender != nil || a.Product == financing.ReverseFactoring {
		return nil
	}
	return freeReserved(tx, a)
}

func freeReserved(tx *ledger.Tx, a financing.Application) error {
	return eachCollateral(a.Collateral, func(c financing.Ref) error {
		if c.Kind == financing.Fragment {
			return releaseFragment(tx, a.Lien(), c.ID)
		}
		_, err := freeReceipt(tx, c.ID, a.Lien())
		return err
	})
}

// pledgeCollateral turns the reservation into a pledge for the loan. Goods that were reserved for a tender are reserved for the
// bank that was chosen first.
func pledgeCollateral(tx *ledger.Tx, a financing.Application, l financing.Loan) error {
	return eachCollateral(l.Collateral, func(c financing.Ref) error {
		if c.Kind == financing.Fragment {
			return pledgeFragment(tx, l.Lien, l.Party, c.ID)
		}
		if a.Tender != nil {
			if _, err := freeReceipt(tx, c.ID, l.Lien); err != nil {
				return err
			}
			if _, err := reserveReceipt(tx, a.AppliedBy, c.ID, l.Bank, l.Lien); err != nil {
				return err
			}
		}
		_, err := pledgeReceipt(tx, c.ID, l.Lien, l.ID)
		return err
	})
}

// releaseCollateral ends the pledge. Claims that the bank has enforced are its own; goods that it has not sold go back.
func releaseCollateral(tx *ledger.Tx, l financing.Loan) error {
	return eachCollateral(l.Collateral, func(c financing.Ref) error {
		if c.Kind == financing.Fragment && l.Enforced {
			return nil
		}
		if c.Kind == financing.Fragment {
			return releaseFragment(tx, l.Lien, c.ID)
		}
		_, err := releaseReceipt(tx, c.ID, l.ID)
		return err
	})
}

// enforceCollateral makes the claims the bank's and lets it sell the goods.
func enforceCollateral(tx *ledger.Tx, l financing.Loan) error {
	return eachCollateral(l.Collateral, func(c financing.Ref) error {
		if c.Kind == financing.Fragment {
			return enforceFragment(tx, l.Lien, c.ID)
		}
		_, err := enforceReceipt(tx, c.ID, l.ID)
		return err
	})
}

func eachCollateral(list []financing.Ref, do func(financing.Ref) error) error {
	for _, c := range list {
		if err := do(c); err != nil {
			return err
		}
	}
	return nil
}

// drawLanes takes what the loan uses out of its lanes: LIMIT_EXCEEDED where one has no room.
func drawLanes(tx *ledger.Tx, uses []financing.LimitUse) error {
	return eachLane(tx, uses, financing.Lane.Draw)
}

// freeLanes gives back what the loan no longer uses.
func freeLanes(tx *ledger.Tx, uses []financing.LimitUse) error {
	return eachLane(tx, uses, financing.Lane.Free)
}

func eachLane(tx *ledger.Tx, uses []financing.LimitUse, do func(financing.Lane, int64) (financing.Lane, error)) error {
	for _, u := range uses {
		lane, err := lanes.Get(tx, u.Limit, strconv.Itoa(u.Lane))
		if err != nil {
			return err
		}
		if lane, err = do(lane, u.Minor); err != nil {
			return err
		}
		if err := lanes.Update(tx, lane, u.Limit, strconv.Itoa(u.Lane)); err != nil {
			return err
		}
	}
	return nil
}

// limitWith loads a limit with all its lanes.
func limitWith(tx *ledger.Tx, id string) (financing.Limit, []financing.Lane, error) {
	l, err := limits.Get(tx, id)
	if err != nil {
		return l, nil, err
	}
	list := make([]financing.Lane, l.Lanes)
	for i := range list {
		if list[i], err = lanes.Get(tx, id, strconv.Itoa(i)); err != nil {
			return l, nil, err
		}
	}
	return l, list, nil
}

func saveLanes(tx *ledger.Tx, list []financing.Lane) error {
	for _, lane := range list {
		if err := lanes.Update(tx, lane, lane.Limit, strconv.Itoa(lane.Number)); err != nil {
			return err
		}
	}
	return nil
}

// opening is a limit that a case draws on and that is not on the ledger yet.
type opening struct {
	limit financing.Limit
	lanes []financing.Lane
}

func openLimits(tx *ledger.Tx, desk string, list []opening) error {
	for _, o := range list {
		if err := limits.Create(tx, desk, o.limit, o.limit.ID); err != nil {
			return err
		}
		for _, lane := range o.lanes {
			if err := lanes.Create(tx, desk, lane, lane.Limit, strconv.Itoa(lane.Number)); err != nil {
				return err
			}
		}
	}
	return nil
}
