// Package financingtest has a bank's policy that a person can follow, for tests of whoever needs one.
package financingtest

import (
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Terms returns a policy in EUR for the scorecard with the hash. Bands: A from 650 points, B from 600, grey from 560, then
// declined. It lends 90 % of a claim and 60 % of goods, from 1 000.00 to 500 000.00, for 7 to 180 days, at 4 % to 9 %,
// for a fee of 0.25 % and at least 25.00.
func Terms(modelHash string) financing.Terms {
	return financing.Terms{
		Currency:  "EUR",
		Products:  []financing.Product{financing.ReceivableProduct, financing.InventoryProduct, financing.CombinedProduct},
		ModelHash: modelHash,
		Bands: []financing.Band{
			{Name: "A", MinPoints: 650, Outcome: financing.Approve},
			{Name: "B", MinPoints: 600, Outcome: financing.Approve},
			{Name: "grey", MinPoints: 560, Outcome: financing.Refer},
			{Name: "D", Outcome: financing.Decline},
		},
		Prices: []financing.Price{
			{Band: "A", MaxTenorDays: 90, Rate: 400}, {Band: "A", MaxTenorDays: 180, Rate: 450},
			{Band: "B", MaxTenorDays: 90, Rate: 600}, {Band: "B", MaxTenorDays: 180, Rate: 700},
			{Band: "grey", MaxTenorDays: 180, Rate: 900},
		},
		AdvanceFragment: 9000, AdvanceReceipt: 6000, ReduceToFit: true,
		MinAdvanceMinor: 1_000_00, MaxAdvanceMinor: 500_000_00, MinTenorDays: 7, MaxTenorDays: 180,
		Fee: 25, FeeMinMinor: 25_00, Penalty: 500,
		DayCount: calendar.Actual360, Rounding: money.HalfEven, BusinessDays: calendar.Following, Calendar: calendar.Weekends(),
		Repayment: financing.Bullet, WithRecourse: true,
		Limits: []financing.LimitRule{
			{Kind: financing.Facility, TotalMinor: 10_000_000_00, Lanes: 16},
			{Kind: financing.PerBorrower, TotalMinor: 200_000_00, Lanes: 1},
			{Kind: financing.PerBuyer, TotalMinor: 2_000_000_00, Lanes: 8},
		},
		EvidenceMaxAgeDays: 7, OfferDays: 5, ApplicationDays: 10, DefaultAfterDays: 90,
		OverrideRefer: true, OverrideDecline: true, MaxBuyerShare: 2500, LimitKey: strings.Repeat("5e", 32),
	}
}
