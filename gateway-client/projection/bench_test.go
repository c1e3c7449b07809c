package projection_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/projection/projectiontest"
)

// BenchmarkReads measures each read with 100,000 invoices in the model, on SQLite and, where TALLYSTICK_TEST_POSTGRES names a server, on PostgreSQL.
func BenchmarkReads(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkReads(b, "sqlite:"+filepath.Join(b.TempDir(), "large.db")) })
	if os.Getenv(postgresDSN) != "" {
		b.Run("postgres", func(b *testing.B) { benchmarkReads(b, freshPostgres(b)) })
	}
}

func benchmarkReads(b *testing.B, dsn string) {
	s, took := projectiontest.Fill(b, dsn, projectiontest.Invoices)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	b.Logf("%d invoices were projected in %.1f s, %.0f a second", projectiontest.Invoices, took.Seconds(), projectiontest.Invoices/took.Seconds())
	bank := projection.Viewer{MSP: "BankAMSP", Kind: member.Bank}
	buyer := projection.Viewer{MSP: "BuyerMSP", Kind: member.Buyer, Party: "p-b0000000"}
	big := projection.Viewer{MSP: "SupplierMSP", Kind: member.Supplier, Party: projectiontest.SellerOf(0)}
	small := projection.Viewer{MSP: "SupplierMSP", Kind: member.Supplier, Party: projectiontest.SellerOf(7)}
	regulator := projection.Viewer{MSP: "RegulatorMSP", Kind: member.Regulator}
	page := projection.Page{Size: 50}
	ctx := context.Background()
	must := func(n int, err error) {
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			b.Fatal("it found nothing")
		}
	}
	deep := page
	for range 20 {
		slice, err := s.Receivables(ctx, bank, projection.ReceivableFilter{}, projection.Page{Size: 200, After: deep.After})
		must(len(slice.Items), err)
		deep.After = slice.Next
	}
	receivables := func(v projection.Viewer, f projection.ReceivableFilter, p projection.Page) func() {
		return func() {
			slice, err := s.Receivables(ctx, v, f, p)
			must(len(slice.Items), err)
		}
	}
	waiting := projection.Common{Status: []string{"issued", "proposed", "disputed"}}
	first, err := s.Receivables(ctx, bank, projection.ReceivableFilter{}, page)
	must(len(first.Items), err)
	loans, err := s.Loans(ctx, bank, projection.LoanFilter{}, projectiontest.Today, page)
	must(len(loans.Items), err)
	for _, v := range []projection.Viewer{bank, buyer, big, small, regulator} {
		name := string(v.Kind)
		if v == small {
			name += "-small"
		}
		for read, f := range map[string]func(){
			"receivables":         receivables(v, projection.ReceivableFilter{}, page),
			"receivables-by-due":  receivables(v, projection.ReceivableFilter{Common: projection.Common{ByDue: true}}, page),
			"receivables-waiting": receivables(v, projection.ReceivableFilter{Common: waiting}, page),
			"counts":              func() { n, err := s.Counts(ctx, v); must(len(n), err) },
			"events":              func() { n, err := s.Events(ctx, v, 40<<20, "", 50); must(len(n), err) },
			"parties":             func() { n, err := s.Parties(ctx, v, page); must(len(n.Items), err) },
		} {
			b.Run(name+"/"+read, repeat(f))
		}
	}
	for read, f := range map[string]func(){
		"bank/receivables-page-80":      receivables(bank, projection.ReceivableFilter{}, deep),
		"bank/receivables-of-seller":    receivables(bank, projection.ReceivableFilter{Seller: projectiontest.SellerOf(7)}, page),
		"bank/receivables-pair":         receivables(bank, projection.ReceivableFilter{Seller: projectiontest.SellerOf(0), Buyer: projectiontest.BuyerOf(0)}, page),
		"buyer/receivables-of-seller":   receivables(buyer, projection.ReceivableFilter{Seller: projectiontest.SellerOf(8)}, page),
		"supplier/receivables-of-buyer": receivables(big, projection.ReceivableFilter{Buyer: projectiontest.BuyerOf(0)}, page),
		"bank/receivable-by-number":     receivables(bank, projection.ReceivableFilter{Number: "INV-050000"}, page),
		"bank/receivable":               func() { _, err := s.Receivable(ctx, bank, first.Items[0].ID); must(1, err) },
		"bank/search-number":            func() { n, err := s.Search(ctx, bank, "inv-0500", 20); must(len(n), err) },
		"supplier/search-number":        func() { n, err := s.Search(ctx, big, "inv-0500", 20); must(len(n), err) },
		"bank/search-id":                func() { n, err := s.Search(ctx, bank, first.Items[0].ID[:14], 20); must(len(n), err) },
		"supplier/holdings":             func() { n, err := s.Holdings(ctx, big, projection.HoldingFilter{}, page); must(len(n.Items), err) },
		"bank/applications-open": func() {
			n, err := s.Applications(ctx, bank, projection.ApplicationFilter{Open: true}, page)
			must(len(n.Items), err)
		},
		"bank/loans": func() {
			n, err := s.Loans(ctx, bank, projection.LoanFilter{}, projectiontest.Today, page)
			must(len(n.Items), err)
		},
		"supplier/loans": func() {
			n, err := s.Loans(ctx, big, projection.LoanFilter{}, projectiontest.Today, page)
			must(len(n.Items), err)
		},
		"buyer/owed":                      func() { n, err := s.Owed(ctx, buyer, ""); must(len(n), err) },
		"supplier/held":                   func() { n, err := s.Held(ctx, big, big.Party); must(len(n), err) },
		"bank/portfolio":                  func() { p, err := s.Portfolio(ctx, bank, "", projectiontest.Today); must(len(p.Borrowers), err) },
		"regulator/concentration-buyers":  func() { n, err := s.Concentration(ctx, regulator, projection.ByBuyer); must(len(n), err) },
		"regulator/concentration-sellers": func() { n, err := s.Concentration(ctx, regulator, projection.BySeller); must(len(n), err) },
		"regulator/overdue":               func() { n, err := s.Overdue(ctx, regulator, projectiontest.Today); must(len(n), err) },
		"regulator/alerts":                func() { n, err := s.Alerts(ctx, regulator, projectiontest.Today, 50); must(len(n), err) },
		"regulator/walk":                  func() { g, err := s.Walk(ctx, regulator, "loan", loans.Items[0].ID, 6); must(len(g.Nodes), err) },
	} {
		b.Run(read, repeat(f))
	}
}

func repeat(f func()) func(b *testing.B) {
	return func(b *testing.B) {
		f() // the first call reads pages into the caches
		before := processorTime()
		for b.Loop() {
			f()
		}
		// What others do on the machine lengthens the time that passes, and not this.
		b.ReportMetric(float64((processorTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProjection measures how fast blocks of 500 new invoices come into the model.
func BenchmarkProjection(b *testing.B) {
	const n = 5_000
	for b.Loop() {
		s, took := projectiontest.Fill(b, "sqlite:"+filepath.Join(b.TempDir(), "new.db"), n)
		b.ReportMetric(n/took.Seconds(), "invoices/s")
		require.NoError(b, s.Close())
	}
}
