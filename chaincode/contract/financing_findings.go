package contract

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// loadRegister looks the applicant up in the registers of the collateral's programmes: its sectors, and the buyers that it is related
// to. Whom a register does not name is related to nobody there.
func loadRegister(tx *ledger.Tx, c *financing.Case) error {
	var seen []string
	for _, f := range c.Collateral {
		place := f.Circle + "/" + f.Buyer
		if slices.Contains(seen, place) {
			continue
		}
		seen = append(seen, place)
		own, found, err := parties.Find(tx, f.Circle, c.Application.Applicant)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if own.Sector != "" && c.Policy.Terms.Limited(financing.PerSector) && !slices.Contains(c.Sectors, own.Sector) {
			c.Sectors = append(c.Sectors, own.Sector)
		}
		if f.Buyer == "" {
			continue
		}
		buyer, found, err := parties.Find(tx, f.Circle, f.Buyer)
		if err != nil {
			return err
		}
		if shared := own.Shares(buyer); found && len(shared) > 0 {
			c.Findings.Relations = append(c.Findings.Relations, financing.Relation{Party: f.Buyer, Programme: f.Circle, Shared: shared})
		}
	}
	slices.Sort(c.Sectors)
	return nil
}

// lookalikesBehind lists the invoices that are almost the same as one behind the collateral, in every programme.
func lookalikesBehind(tx *ledger.Tx, collateral []financing.Ref) ([]financing.LooksLike, error) {
	var list []financing.LooksLike
	for _, ref := range collateral {
		if ref.Kind != financing.Fragment {
			continue
		}
		r, _, err := fragmentWith(tx, ref.ID)
		if err != nil {
			return nil, err
		}
		others, err := lookalikesOf(tx, r)
		if err != nil {
			return nil, err
		}
		if len(others) == 0 {
			continue
		}
		one := financing.LooksLike{Collateral: ref.ID}
		for _, o := range others {
			one.Receivables = append(one.Receivables, o.Receivable)
		}
		list = append(list, one)
	}
	return list, nil
}

// provedTrips loads the invoices that a bank names as circles of trades, and returns INPUT_INVALID where they are none: what was
// rejected, withdrawn or cancelled is no trade.
func provedTrips(tx *ledger.Tx, c financing.Case, trips [][]string) ([]financing.RoundTrip, error) {
	var list []financing.RoundTrip
	for _, ids := range trips {
		trades := make([]financing.Trade, 0, len(ids))
		for _, id := range ids {
			r, err := receivables.Get(tx, id)
			if err != nil {
				return nil, err
			}
			if r.Status == receivable.Rejected || r.Status == receivable.Withdrawn || r.Status == receivable.Cancelled {
				return nil, fault.New(fault.InputInvalid, "receivable %s is %s: it is no trade", id, r.Status)
			}
			trades = append(trades, financing.Trade{ID: id, Seller: r.Invoice.Seller, Buyer: r.Invoice.Buyer, On: calendar.From(r.Issued.At)})
		}
		trip, err := financing.NewRoundTrip(c.Application.Applicant, trades, c.Policy.Terms.Guards.Window())
		if err != nil {
			return nil, err
		}
		list = append(list, trip)
	}
	return list, nil
}

// tripsOf names the invoices of the circles that a decision carries.
func tripsOf(d financing.Decision) [][]string {
	var list [][]string
	if d.Findings == nil {
		return nil
	}
	for _, trip := range d.Findings.Trips {
		var ids []string
		for _, t := range trip.Trades {
			ids = append(ids, t.ID)
		}
		list = append(list, ids)
	}
	return list
}
