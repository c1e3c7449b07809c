// Package projectiontest makes a large ledger for measuring: what reads and pages cost when there is much.
package projectiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// The large ledger: invoices of so many sellers to so many buyers in one programme. The first buyer has half of them, the first
// seller a tenth; one of twenty is lent on, and a hundredth has goods in a warehouse.
const (
	Invoices  = 100_000
	Programme = "prg-00000000000000000001"
	sellers   = 500
	buyers    = 20
	perBlock  = 500
)

// Today is the day on which the ledger is looked at.
var Today = calendar.MustParse("2026-06-01")

// ledger makes blocks as the ledger would have them, without sealing: what is measured is the model. It is a projection.Source of
// the regulator's.
type ledger struct {
	t     testing.TB
	start time.Time
	tx    consortium.Transaction
	list  []consortium.Block
}

// MSP implements projection.Source.
func (l *ledger) MSP() string { return "RegulatorMSP" }

// Height implements projection.Source.
func (l *ledger) Height(context.Context) (uint64, error) { return uint64(len(l.list)), nil }

// Blocks implements projection.Source.
func (l *ledger) Blocks(ctx context.Context, from uint64, each func(consortium.Block) error) error {
	for _, b := range l.list[from:] {
		if err := each(b); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Open implements projection.Source.
func (l *ledger) Open(_ context.Context, w consortium.Write) (record.Value, []byte, error) {
	v, err := record.Parse(w.Value)
	return v, v.Body, err
}

// SellerOf is the party that has sold the i-th invoice.
func SellerOf(i int) string {
	if i%10 == 0 {
		return "p-5e11e50000"
	}
	return fmt.Sprintf("p-5e11e5%04x", 1+i%(sellers-1))
}

// BuyerOf is the party that owes the i-th invoice.
func BuyerOf(i int) string {
	if i%2 == 0 {
		return "p-b0000000"
	}
	return fmt.Sprintf("p-b00000%02x", 1+(i/2)%(buyers-1))
}

// newLedger makes a ledger of n invoices.
func newLedger(t testing.TB, n int) *ledger {
	l := &ledger{t: t, start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	l.put("circle", circle.Circle{ID: Programme, Kind: circle.Programme, Founder: "BuyerMSP", Status: circle.Active,
		Current: &circle.Epoch{Number: 1, Seats: []circle.Seat{{MSP: "BankAMSP"}, {MSP: "BuyerMSP"}, {MSP: "RegulatorMSP"}, {MSP: "SupplierMSP"}, {MSP: "WarehouseMSP"}}}}, Programme)
	for i := range sellers {
		l.party(fmt.Sprintf("p-5e11e5%04x", i), "SupplierMSP", fmt.Sprintf("Seller Number %d GmbH", i))
	}
	for i := range buyers {
		host := "OtherMSP"
		if i == 0 {
			host = "BuyerMSP"
		}
		l.party(fmt.Sprintf("p-b00000%02x", i), host, fmt.Sprintf("Buyer Number %d AG", i))
	}
	l.cut()
	for i := range n {
		l.invoice(i)
		if (i+1)%perBlock == 0 {
			l.cut()
		}
	}
	return l
}

func (l *ledger) party(id, host, name string) {
	l.put("party", member.Party{ID: id, Host: host, Name: name}, Programme, id)
}

func (l *ledger) put(typ string, body any, id ...string) {
	key, err := record.Key(typ, id...)
	require.NoError(l.t, err)
	raw, err := json.Marshal(body)
	require.NoError(l.t, err)
	value, err := record.Value{Type: typ, Changed: l.start, Body: raw, Circle: Programme}.Marshal()
	require.NoError(l.t, err)
	l.tx.Writes = append(l.tx.Writes, consortium.Write{Key: key, Value: value})
}

// cut ends a block.
func (l *ledger) cut() {
	n := len(l.list)
	l.tx.ID, l.tx.Valid, l.tx.At, l.tx.Creator, l.tx.Function = fmt.Sprintf("%064x", n), true, l.start.Add(time.Duration(n)*time.Minute), "SupplierMSP", "receivable:Issue"
	l.list = append(l.list, consortium.Block{Number: uint64(n), Transactions: []consortium.Transaction{l.tx}})
	l.tx = consortium.Transaction{}
}

// statusOf spreads the invoices over their life; most are confirmed or settled.
func statusOf(i int) receivable.Status {
	switch n := i * 7 % 100; {
	case n < 3:
		return receivable.Issued
	case n < 4:
		return receivable.Proposed
	case n < 9:
		return receivable.Overdue
	case n < 40:
		return receivable.Settled
	}
	return receivable.Confirmed
}

func (l *ledger) invoice(i int) {
	hex := fmt.Sprintf("%08x%012x", uint32(i)*2654435761, i)
	issued := l.start.AddDate(0, 0, -i%90)
	due, err := calendar.From(issued).AddDays(30 + i*13%240)
	require.NoError(l.t, err)
	r := receivable.Receivable{ID: "rcv-" + hex, Programme: Programme, Status: statusOf(i), Fingerprint: hex, NearFingerprint: hex,
		Invoice: receivable.Invoice{TypeCode: "380", Seller: SellerOf(i), Buyer: BuyerOf(i), Number: fmt.Sprintf("INV-%06d", i), IssueDate: calendar.From(issued),
			DueDate: due, Currency: "EUR", PayableMinor: int64(10_000 + i*37%900_000), Lines: 3, DocumentHash: fmt.Sprintf("%064x", i)},
		Issued: receivable.Mark{Party: SellerOf(i), User: "u-1", At: issued}, Rules: receivable.Rules{}.WithDefaults()}
	if r.Status != receivable.Issued && r.Status != receivable.Proposed {
		r.ConfirmedMinor = r.Invoice.PayableMinor
		r.Undertaking = &receivable.Undertaking{Terms: r.Terms(), Maker: r.Issued, Checker: r.Issued}
	}
	if r.Status == receivable.Settled {
		r.PaidMinor = r.ConfirmedMinor
	}
	l.put("receivable", r, r.ID)
	l.put("near-fingerprint", projection.Lookalike{Receivable: r.ID, Programme: Programme}, hex, r.ID)
	l.tx.Event = &record.Envelope{Events: append(l.events(), record.Event{Type: "receivable.issued", ID: r.ID, Circle: Programme})}
	if r.Undertaking == nil {
		return
	}
	f := receivable.Fragment{ID: "frg-" + hex + "000000000000", Receivable: r.ID, Status: receivable.Held, Holder: r.Invoice.Seller, Currency: "EUR", DueDate: due,
		OpenedMinor: r.ConfirmedMinor, FaceMinor: r.ConfirmedMinor, Opened: issued}
	if r.Status == receivable.Settled {
		f.Status, f.FaceMinor = "paid", 0
	}
	l.put("fragment", f, r.ID, f.ID)
	if i%100 == 0 {
		l.goods(i)
	}
	if i%20 == 0 {
		l.financed(i, r, f)
	}
}

// goods puts goods of the seller into the warehouse.
func (l *ledger) goods(i int) {
	r := receipt.Receipt{ID: fmt.Sprintf("rct-%020x", i), Programme: Programme, Operator: "WarehouseMSP", Status: receipt.Stored, StoredOn: calendar.From(l.start),
		Site: "urn:epc:id:sgln:9520001.00071.hallB", Owner: receipt.Holder{MSP: "SupplierMSP", Party: SellerOf(i)},
		Controller: receipt.Holder{MSP: "SupplierMSP", Party: SellerOf(i)},
		Lines:      []receipt.Line{{Goods: receipt.Goods{Class: "steel", Lot: fmt.Sprintf("LOT-%06d", i), Quantity: receipt.Quantity{Value: int64(1000 + i), Unit: "KGM"}}}}}
	l.put("receipt", r, r.ID)
}

func (l *ledger) events() []record.Event {
	if l.tx.Event == nil {
		return nil
	}
	return l.tx.Event.Events
}

// financed makes an application and a loan on a claim.
func (l *ledger) financed(i int, r receivable.Receivable, f receivable.Fragment) {
	id := fmt.Sprintf("%020x", i)
	refs := []financing.Ref{{Kind: financing.Fragment, ID: f.ID, Circle: Programme}}
	a := financing.Application{Request: financing.Request{ID: "app-" + id, Bank: "BankAMSP", Product: financing.ReceivableProduct, Collateral: refs, Currency: "EUR"},
		Applicant: r.Invoice.Seller, Status: financing.Accepted, AppliedAt: l.start, OpenUntil: Today, Loan: "lon-" + id}
	if i%500 == 40 {
		a.Status, a.Loan = financing.Submitted, ""
		l.put("application", a, a.ID)
		return
	}
	l.put("application", a, a.ID)
	maturity, err := Today.AddDays(i%200 - 60)
	require.NoError(l.t, err)
	l.put("loan", financing.Loan{ID: "lon-" + id, Application: a.ID, Bank: "BankAMSP", Borrower: a.Applicant, Product: a.Product, Collateral: refs, Status: financing.Active,
		Terms: financing.LoanTerms{Currency: "EUR", AdvanceMinor: f.OpenedMinor, MaturityOn: maturity, DayCount: "ACT/360", Rounding: "half_even",
			Schedule: []financing.Due{{On: maturity, PrincipalMinor: f.OpenedMinor}}},
		Uses: []financing.LimitUse{{Kind: financing.PerBuyer, Subject: r.Invoice.Buyer, Limit: "lim-1", Minor: f.OpenedMinor}},
		Owed: financing.Sums{PrincipalMinor: f.OpenedMinor}, DrawnOn: calendar.From(l.start), AccruedTo: calendar.From(l.start)}, "lon-"+id)
}

// Fill makes a read model of a ledger with n invoices, and says how long the projection took.
func Fill(t testing.TB, dsn string, n int) (*projection.Store, time.Duration) {
	t.Helper()
	source := newLedger(t, n)
	s, err := projection.Open(context.Background(), dsn)
	require.NoError(t, err)
	start := time.Now()
	require.NoError(t, s.CatchUp(context.Background(), source))
	return s, time.Since(start)
}
