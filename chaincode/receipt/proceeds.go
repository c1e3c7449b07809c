package receipt

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Rank is a place in the order in which the proceeds of a sale are paid out. The order is fixed before anybody lends, and it
// is the same for every loan: docs/adr/0052.
type Rank string

// The ranks, first to last. What is left after them is the owner's.
const (
	RankSale      Rank = "sale_costs" // reasonable costs of keeping and selling the goods
	RankStorage   Rank = "storage"    // the warehouse operator's charges, its lien on the goods
	RankInterest  Rank = "interest"   // interest and fees of the loan
	RankPrincipal Rank = "principal"
	RankOwner     Rank = "owner"
)

// Ranks lists the ranks in the order of payment.
func Ranks() []Rank { return []Rank{RankSale, RankStorage, RankInterest, RankPrincipal, RankOwner} }

// Debts are what is to be paid out of the proceeds, in minor units of one currency.
type Debts struct {
	SaleMinor      int64 `json:"sale_minor"`
	StorageMinor   int64 `json:"storage_minor"`
	InterestMinor  int64 `json:"interest_minor"`
	PrincipalMinor int64 `json:"principal_minor"`
}

// Share is what one rank gets, and what of its debt stays unpaid.
type Share struct {
	Rank        Rank  `json:"rank"`
	PaidMinor   int64 `json:"paid_minor"`
	UnpaidMinor int64 `json:"unpaid_minor"`
}

// Distribute pays the proceeds to the ranks in order, one after the other, and the surplus to the owner. The payments add up
// to the proceeds, to the minor unit. It returns INPUT_INVALID for negative amounts.
func Distribute(proceeds money.Amount, d Debts) ([]Share, error) {
	var bad fault.Fields
	proceeds.Check(&bad, "proceeds")
	if proceeds.Minor < 0 {
		bad.Add("proceeds.minor", proceeds.Minor, "must not be negative")
	}
	debts := []int64{d.SaleMinor, d.StorageMinor, d.InterestMinor, d.PrincipalMinor}
	for i, debt := range debts {
		if debt < 0 {
			bad.Add(string(Ranks()[i]), debt, "must not be negative")
		}
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	rest := proceeds.Minor
	var shares []Share
	for i, debt := range debts {
		paid := min(rest, debt)
		rest -= paid
		shares = append(shares, Share{Rank: Ranks()[i], PaidMinor: paid, UnpaidMinor: debt - paid})
	}
	return append(shares, Share{Rank: RankOwner, PaidMinor: rest}), nil
}
