package underwriting_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// drawn takes the n-th application, on a claim of 100 000.00, to its loan, and returns the loan and the receivable.
func (m *market) drawn(n int) (loan, of string) {
	fragment := m.claim()
	of, err := receivable.ReceivableOf(fragment)
	require.NoError(m.t, err)
	id := m.apply(n, fragment)
	m.until(m.underwriter(nil), m.decided(id))
	loan = fmt.Sprintf("loan-%020x", n)
	circles := []string{desk, programme}
	m.must(m.session("supplier", "adam"), consortium.Call{Function: "financing:Accept", Args: []string{id, loan}, Circles: circles}, nil)
	m.must(m.session("bankA", "mona"), consortium.Call{Function: "financing:Draw", Args: []string{loan}, Input: financing.DrawInput{}, Circles: circles}, nil)
	return loan, of
}

func (m *market) pays(n int, of string, minor int64) {
	in := receivable.Paying{ID: fmt.Sprintf("pay-%020x", n), AmountMinor: minor, Currency: "EUR"}
	m.must(m.session("buyer", "bruno"), consortium.Call{Function: "receivable:Pay", Args: []string{of, in.ID}, Input: in, Circles: []string{programme}}, nil)
}

func (m *market) loan(id string) (l financing.Loan, err error) {
	err = m.session("bankA", "mona").Evaluate(m.ctx, consortium.Call{Function: "financing:Loan", Args: []string{id}, Circles: []string{desk}}, &l)
	return l, err
}

// collected counts the movements of a loan that book a payment of the buyer.
func (m *market) collected(id string) (n int, minor int64) {
	l, err := m.loan(id)
	require.NoError(m.t, err)
	for _, move := range l.Movements {
		if move.Payment != "" {
			n++
		}
	}
	return n, l.ReceivedMinor
}

func (m *market) booked(id string, want int) func() bool {
	return func() bool {
		l, err := m.loan(id)
		if err != nil {
			return false
		}
		n := 0
		for _, move := range l.Movements {
			if move.Payment != "" {
				n++
			}
		}
		return n >= want
	}
}

// What the buyer pays is booked once: heard or missed, by one replica or by three, whatever breaks on the way.
func TestBuyersPaymentsAreBookedOnce(t *testing.T) {
	m := newMarket(t)
	loan, of := m.drawn(1)
	m.pays(1, of, 20_000_00)
	u := m.underwriter(nil)
	u.From = m.Ledger.Height() // it has heard nothing of the first payment
	m.until(u, m.booked(loan, 1))

	b := &broken{Session: m.session("bankA", "svc"), after: func(n int64, _ string) bool { return n == 1 }}
	m.pays(2, of, 30_000_00)
	m.until(m.underwriter(b), m.booked(loan, 2)) // it dies after the payment was booked
	m.pays(3, of, 10_000_00)

	ctx, cancel := context.WithCancel(m.ctx)
	finished := make(chan error, 3)
	for range 3 {
		u := m.underwriter(nil)
		go func() { finished <- u.Run(ctx) }()
	}
	require.Eventually(t, m.booked(loan, 3), 50*time.Second, 10*time.Millisecond)
	m.pays(4, of, 40_000_00) // the rest, while they listen
	require.Eventually(t, m.booked(loan, 4), 50*time.Second, 10*time.Millisecond)
	cancel()
	for range 3 {
		require.ErrorIs(t, <-finished, context.Canceled)
	}
	n, received := m.collected(loan)
	assert.Equal(t, 4, n)
	assert.Equal(t, int64(100_000_00), received)
	l, err := m.loan(loan)
	require.NoError(t, err)
	assert.Equal(t, financing.Repaid, l.Status)
	assert.Equal(t, l.ReceivedMinor, l.Paid.TotalMinor()-l.Terms.FeeMinor+l.SurplusMinor)
}

// watching counts how often the applicant's record was looked at.
type watching struct {
	underwriting.Source
	looks *atomic.Int64
}

func (w watching) History(ctx context.Context, a financing.Application, today calendar.Date) (underwriting.History, error) {
	w.looks.Add(1)
	return w.Source.History(ctx, a, today)
}

func TestNobodyLooksIntoARecordWithoutConsent(t *testing.T) {
	for name, end := range map[string]func(*market){
		"withdrawn": func(m *market) {
			m.must(m.session("supplier", "amy"), consortium.Call{Function: "credit:WithdrawConsent", Args: []string{consentID}, Circles: []string{desk}}, nil)
		},
		"expired": func(m *market) { m.Ledger.Advance(301 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMarket(t)
			fragment := m.claim()
			if name == "expired" {
				end(m)
				fragment = m.claim()
			}
			id := m.apply(1, fragment)
			if name == "withdrawn" {
				end(m)
			}
			var looks atomic.Int64
			u := m.underwriter(nil)
			u.Source, u.Sweep = watching{u.Source, &looks}, time.Hour
			m.until(u, func() bool {
				q := u.Queue()
				return len(q) == 1 && q[0].State == underwriting.Stuck && q[0].Code == fault.ConsentMissing
			})
			assert.Equal(t, financing.Submitted, m.application(id).Status)
			assert.Zero(t, looks.Load())
		})
	}
}

// The borrower's limit is 200 000.00; in eight lanes each has 25 000.00 of it, and the claim carries 90 000.00.
func TestRoomIsGatheredWhereNoLaneHasEnough(t *testing.T) {
	m := newMarketWith(t, func(terms *financing.Terms) { terms.Limits[1].Lanes = 8 })
	first := m.apply(1, m.claim())
	m.until(m.underwriter(nil), m.decided(first))
	a := m.application(first)
	assert.Equal(t, int64(90_000_00), a.Decision.Terms.AdvanceMinor)
	second := m.apply(2, m.claim())
	m.until(m.underwriter(nil), m.decided(second))
	assert.Equal(t, int64(90_000_00), m.application(second).Decision.Terms.AdvanceMinor, "an approval holds no room; the drawdown takes it")
}
