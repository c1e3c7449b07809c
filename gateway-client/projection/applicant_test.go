package projection_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// short is what an applicant's facts keep of a receivable.
func short(r receivable.Receivable) receivable.Receivable {
	i := r.Invoice
	out := receivable.Receivable{ID: r.ID, Status: r.Status, Programme: r.Programme, ConfirmedMinor: r.ConfirmedMinor, CreditedMinor: r.CreditedMinor,
		Rules: receivable.Rules{GraceDays: r.Rules.GraceDays}, Issued: receivable.Mark{At: r.Issued.At},
		Invoice: receivable.Invoice{Seller: i.Seller, Buyer: i.Buyer, Currency: i.Currency, DueDate: i.DueDate, PayableMinor: i.PayableMinor}}
	if r.Undertaking != nil {
		out.Undertaking = &receivable.Undertaking{Checker: receivable.Mark{At: r.Undertaking.Checker.At}}
	}
	return out
}

func TestApplicantIsWhatTheListsSay(t *testing.T) {
	c := shown(t, "main-job")
	s, ctx := modelOf(t, c, "bankA", "gina"), t.Context()
	bank := projection.Viewer{MSP: "BankAMSP", Kind: member.Bank, Party: partyOf("bankA")}
	applications, err := s.Applications(ctx, bank, projection.ApplicationFilter{}, whole)
	require.NoError(t, err)
	require.NotEmpty(t, applications.Items)
	every, err := s.Receivables(ctx, bank, projection.ReceivableFilter{}, whole)
	require.NoError(t, err)
	var trades []receivable.Receivable
	for _, r := range every.Items {
		trades = append(trades, short(r))
	}
	for range 2 { // the second time from what is kept
		for _, a := range applications.Items {
			facts, err := s.Applicant(ctx, bank, a, calendar.Date{})
			require.NoError(t, err)
			assert.ElementsMatch(t, trades, facts.Trades)
			for _, r := range facts.Sold {
				assert.Equal(t, a.Applicant, r.Invoice.Seller)
			}
			assert.Equal(t, c.Ledger.Height()-1, facts.Block)
			assert.Len(t, a.Collateral, len(facts.Fragments)+len(facts.Receipts))
			loans, err := s.Loans(ctx, bank, projection.LoanFilter{Borrower: a.Applicant}, calendar.From(c.Ledger.Now()), whole)
			require.NoError(t, err)
			assert.Len(t, facts.Loans, len(loans.Items))
			payments, err := s.Payments(ctx, bank, "", projection.Common{}, whole)
			require.NoError(t, err)
			assert.NotEmpty(t, payments.Items)
			for _, p := range payments.Items {
				assert.Equal(t, calendar.From(p.By.At), facts.PaidOn[p.Receivable])
			}
		}
	}
	sme := projection.Viewer{MSP: "SupplierMSP", Kind: member.Supplier, Party: partyOf("acme")}
	_, err = s.Applicant(ctx, sme, applications.Items[0], calendar.Date{})
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
}

// What is kept and brought up to date after every step of a scenario is what a fresh look finds.
func TestTradesAreBroughtUpToDate(t *testing.T) {
	var kept *projection.Store
	bank := projection.Viewer{MSP: "BankAMSP", Kind: member.Bank, Party: partyOf("bankA")}
	nothing := financing.Application{Applicant: "p-none"}
	steps := 0
	played(t, "receivables", func(c *memory.Consortium) {
		if kept == nil {
			kept = opened(t, "sqlite:"+t.TempDir()+"/bank.db")
		}
		if err := kept.CatchUp(t.Context(), sourceOf(t, c, "bankA", "gina")); err != nil {
			return // before the bank has joined
		}
		updated, err := kept.Applicant(t.Context(), bank, nothing, calendar.Date{})
		require.NoError(t, err)
		every, err := kept.Receivables(t.Context(), bank, projection.ReceivableFilter{}, whole)
		require.NoError(t, err)
		var trades []receivable.Receivable
		for _, r := range every.Items {
			trades = append(trades, short(r))
		}
		require.ElementsMatch(t, trades, updated.Trades)
		payments, err := kept.Payments(t.Context(), bank, "", projection.Common{}, whole)
		require.NoError(t, err)
		paid := map[string]calendar.Date{}
		for _, p := range payments.Items {
			if day := calendar.From(p.By.At); paid[p.Receivable].Before(day) {
				paid[p.Receivable] = day
			}
		}
		require.Equal(t, paid, updated.PaidOn)
		steps++
	})
	assert.Greater(t, steps, 50)
}

func TestStaleModelIsRefused(t *testing.T) {
	c := shown(t, "receivables")
	source := sourceOf(t, c, "bankA", "gina")
	s := opened(t, "sqlite:"+t.TempDir()+"/bank.db")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.AwaitHead(ended, source)
	assert.Equal(t, fault.EvidenceStale, fault.CodeOf(err))

	reached := make(chan error, 1)
	go func() {
		_, err := s.AwaitHead(t.Context(), source)
		reached <- err
	}()
	require.NoError(t, s.CatchUp(t.Context(), source))
	require.NoError(t, <-reached, "a waiting reader is woken")
	block, err := s.AwaitHead(t.Context(), source)
	require.NoError(t, err)
	assert.Equal(t, c.Ledger.Height()-1, block)
}
