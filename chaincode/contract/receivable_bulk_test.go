package contract

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/receivable"
)

// BenchmarkBulk issues and confirms the most invoices that one transaction takes. It tells the time for each invoice on
// one core of the ledger in memory, which two organisations endorse.
func BenchmarkBulk(b *testing.B) {
	w := newTrade(b)
	serial := 0
	for b.Loop() {
		var in receivable.BulkIssuance
		var proposal receivable.BulkProposal
		for range receivable.MaxBulk {
			serial++
			in.Items = append(in.Items, receivable.Issuance{ID: opaque("rcv", serial), Invoice: w.invoice(fmt.Sprint("B-", serial), 1000)})
			proposal.IDs = append(proposal.IDs, opaque("rcv", serial))
		}
		w.must(w.submit(seller("maker"), "receivable:IssueBulk", in, tradeCircle))
		w.must(w.submit(buyer("maker"), "receivable:ProposeConfirmBulk", proposal))
		var confirmation receivable.BulkConfirmation
		for _, terms := range decoded[[]receivable.Terms](b, w.must(w.evaluate(buyer("checker"), "receivable:TermsBulk", text(proposal.IDs)))) {
			signature, err := w.identity(buyer("checker")).Sign(terms.Bytes())
			require.NoError(b, err)
			confirmation.Items = append(confirmation.Items, receivable.ConfirmationOf{ID: terms.Receivable,
				Confirmation: receivable.Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}})
		}
		w.must(w.submit(buyer("checker"), "receivable:ConfirmBulk", confirmation))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(serial), "µs/invoice")
}
