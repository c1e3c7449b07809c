// Package credittest has a scorecard that a person can add up, for tests of whoever uses one.
package credittest

import "github.com/tallystick/tallystick/chaincode/credit/scorecard"

// Card returns a scorecard of two features: 600 points to start with, −60 to +60 for days to confirm, −30 to +30 for
// confirmed invoices. Its best vector is {1, 3} with 690 points, its worst {3, 1} with 510.
func Card() *scorecard.Scorecard {
	return &scorecard.Scorecard{
		Schema: scorecard.Schema, Name: "card-of-two", Version: "1", Outcome: "90 days past due within 12 months",
		BasePoints: 600, PointsToDoubleOdds: 60, DisplayPointsToDoubleOdds: 20,
		Features: []scorecard.Feature{
			{Name: "days_to_confirm", Kind: scorecard.Numeric, Edges: []int64{5, 10}, Change: scorecard.Downwards, Unit: "days",
				Points: []int64{-20, 60, 0, -60}, Reference: -1, Monotone: 1,
				Wording: scorecard.Wording{En: "Invoices take long to be confirmed", Zh: "发票确认时间较长"}},
			{Name: "invoices_confirmed", Kind: scorecard.Numeric, Edges: []int64{3, 10}, Change: scorecard.AnyWay,
				Points: []int64{-30, -30, 0, 30}, Reference: -1, Monotone: -1,
				Wording: scorecard.Wording{En: "Few invoices have been confirmed", Zh: "已确认的发票较少"}},
		},
		PD: scorecard.PD{FromPoints: 500, StepPoints: 60, PPM: []int64{500000, 333333, 200000, 111111}},
	}
}
