package underwriting_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

func TestFactsOf(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	today := calendar.From(now)
	sold := func(ago, confirmedAfter int, buyer string, minor, credited int64, status receivable.Status) receivable.Receivable {
		r := receivable.Receivable{Status: status, Issued: receivable.Mark{At: now.AddDate(0, 0, -ago)}, Invoice: receivable.Invoice{Buyer: buyer}}
		if confirmedAfter >= 0 {
			r.Undertaking = &receivable.Undertaking{Checker: receivable.Mark{At: r.Issued.At.AddDate(0, 0, confirmedAfter)}}
			r.ConfirmedMinor, r.CreditedMinor = minor, credited
		}
		return r
	}
	h := underwriting.History{Party: "p", Today: today,
		Sold: []receivable.Receivable{
			sold(500, 1, "a", 99, 0, receivable.Settled), // before the window: only the length of the record
			sold(100, 2, "a", 60_000_00, 3_000_00, receivable.Confirmed),
			sold(90, 5, "b", 30_000_00, 0, receivable.Overdue),
			sold(80, 0, "a", 10_000_00, 0, receivable.Settled),
			sold(70, -1, "b", 0, 0, receivable.Rejected),
			sold(2, -1, "b", 0, 0, receivable.Issued),
		},
		Loans: []financing.Loan{{Status: financing.Repaid, DrawnOn: day(t, today, -50)}, {Status: financing.Active, DrawnOn: day(t, today, -40), Terms: financing.LoanTerms{AdvanceMinor: 1,
			Schedule: []financing.Due{{On: day(t, today, -12), PrincipalMinor: 1}}, MaturityOn: day(t, today, -12)}}},
		Receipts: []receipt.Receipt{{Status: receipt.Delivered, Owner: receipt.Holder{Party: "p"}}, {Status: receipt.Stored, Owner: receipt.Holder{Party: "p"}}},
		Watches:  []receipt.Watch{{Devices: []receipt.DeviceWatch{{ExcursionSeconds: 200, SilenceSeconds: 600}, {ExcursionSeconds: 100, SilenceSeconds: 7260}}}, {}},
	}
	assert.Equal(t, supplychain.Facts{InvoicesIssued: 5, InvoicesConfirmed: 3, InvoicesRejected: 1, ConfirmedMinor: 100_000_00, CreditedMinor: 3_000_00,
		LargestBuyerMinor: 70_000_00, QuarterMinor: [4]int64{40_000_00, 60_000_00}, OverdueMinor: 30_000_00, DaysToConfirmTotal: 7, DaysOnLedger: 500, LoansRepaid: 1, LoanDaysPastDue: 12,
		Borrowed: true, Covered: true, Watched: true, ExcursionSeconds: 300, SilenceSeconds: 7260}, underwriting.FactsOf(h))
}

func day(t *testing.T, from calendar.Date, n int) calendar.Date {
	d, err := from.AddDays(n)
	require.NoError(t, err)
	return d
}

// The scorecard that ships reads nothing that the service cannot tell.
func TestShippedScorecardIsScoredFromTheRecord(t *testing.T) {
	card, err := scorecard.Parse(supplychain.FirstScorecard)
	require.NoError(t, err)
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	today := calendar.From(now)
	h := underwriting.History{Party: "a", Today: today, Currency: "EUR", OfferedMinor: 100, RequestedMinor: 90, Settled: map[string]calendar.Date{"paid": day(t, today, -20)},
		Related: []supplychain.Related{{A: "a", B: "a"}}, Receipts: []receipt.Receipt{{}}, Loans: []financing.Loan{{DrawnOn: calendar.MustParse("2026-01-15")}},
		Watches: []receipt.Watch{{Devices: []receipt.DeviceWatch{{}}}}}
	sold := func(id, seller, buyer string, ago int) {
		at := receivable.Mark{At: now.AddDate(0, 0, -ago)}
		r := receivable.Receivable{ID: id, Status: receivable.Confirmed, Issued: at, Undertaking: &receivable.Undertaking{Checker: at}, ConfirmedMinor: 100,
			Invoice: receivable.Invoice{Seller: seller, Buyer: buyer, Currency: "EUR", DueDate: day(t, today, 30-ago)}}
		if id == "paid" {
			r.Status = receivable.Settled
		}
		if seller == h.Party {
			h.Sold = append(h.Sold, r)
		}
		h.Trades = append(h.Trades, underwriting.TradeOf(r, h.Settled[id], today))
	}
	sold("old", "a", "b", 300)
	sold("paid", "a", "b", 120)
	sold("owed", "a", "b", 60)
	sold("new", "a", "b", 10)
	sold("next", "b", "c", 60)
	values, err := underwriting.Recorded(card, h)
	require.NoError(t, err)
	for i, v := range values {
		assert.False(t, v.Missing, card.Features[i].Name)
	}
	_, err = card.Bin(values)
	require.NoError(t, err)
}
