package simulation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Step is what an operation does on the ledger.
type Step string

// The steps of a world's ledger operations.
const (
	Register Step = "register"   // the firm's entry in the programme, by its host
	Issue    Step = "issue"      // by the seller's maker
	Query    Step = "dispute"    // by the buyer's maker
	Resolve  Step = "resolve"    // by the buyer's maker
	Propose  Step = "propose"    // by the buyer's maker
	Confirm  Step = "confirm"    // by the buyer's checker, who signs
	Reject   Step = "reject"     // by the buyer's maker
	Credit   Step = "creditnote" // by the seller's maker
	Pay      Step = "pay"        // by the buyer's checker
)

// Operation is one step of a firm on the ledger. Firms have their ids of the world; whoever plays it says which party each is.
type Operation struct {
	On      calendar.Date         `json:"on"`
	Step    Step                  `json:"do"`
	By      string                `json:"by"` // firm
	Role    member.Role           `json:"role"`
	ID      string                `json:"id"` // of the receivable; of the firm where it is registered
	Party   *member.Party         `json:"party,omitempty"`
	Invoice *receivable.Invoice   `json:"invoice,omitempty"`
	Because *receivable.Because   `json:"because,omitempty"`
	Credit  *receivable.Crediting `json:"credit_note,omitempty"`
	Payment *receivable.Paying    `json:"payment,omitempty"`
	// Refused is the code with which the ledger must refuse it: a claim that is to be financed twice.
	Refused fault.Code `json:"refused,omitempty"`
}

// Operations are the steps that put a world's trade of its first weeks on a ledger, in the order of their days.
func Operations(c Config, weeks int) ([]Operation, error) {
	w, err := New(c)
	if err != nil {
		return nil, err
	}
	var bad fault.Fields
	if weeks < 1 || weeks > w.weeks {
		bad.Add("weeks", weeks, "must be 1 to %d", w.weeks)
		return nil, bad.Err()
	}
	w.Run(weeks)
	return w.operations(), nil
}

func (w *World) operations() []Operation {
	var list []Operation
	day := dates(w.weeks)
	until := dayOf(w.week)
	add := func(on int32, o Operation) {
		if on < until {
			o.On = day[on]
			list = append(list, o)
		}
	}
	for i := range w.firms {
		add(0, w.registration(i))
	}
	for k := range w.invoices {
		v := &w.invoices[k]
		e := w.edges[v.edge]
		seller, buyer := &w.firms[e.seller], &w.firms[e.buyer]
		if v.issued < dayOf(seller.joined) {
			continue
		}
		id := w.invoiceID(k)
		invoice := w.invoice(k, day)
		by := func(step Step, firm *firm, role member.Role) Operation {
			return Operation{Step: step, By: firm.id, Role: role, ID: id}
		}
		issue := by(Issue, seller, member.Maker)
		issue.Invoice = invoice
		add(v.issued, issue)
		why := &receivable.Because{Reasons: []receivable.Reason{"QUA"}}
		if v.queriedOn != never {
			query := by(Query, buyer, member.Maker)
			query.Because = why
			add(v.queriedOn, query)
		}
		switch v.answer {
		case rejected:
			reject := by(Reject, buyer, member.Maker)
			reject.Because = why
			add(v.answered, reject)
		case confirmed:
			if v.queriedOn != never {
				add(v.answered, by(Resolve, buyer, member.Maker))
			}
			add(v.answered, by(Propose, buyer, member.Maker))
			add(v.answered, by(Confirm, buyer, member.Checker))
		}
		if v.credited > 0 && v.creditedOn != never {
			credit := by(Credit, seller, member.Maker)
			credit.Credit = &receivable.Crediting{ID: "crn" + strings.TrimPrefix(id, "rcv"), TypeCode: "381", Number: "CN-" + invoice.Number,
				IssueDate: day[v.creditedOn], Currency: currency, AmountMinor: v.credited, DocumentHash: hashOf("note", id)}
			add(v.creditedOn, credit)
		}
		if v.paid != never {
			pay := by(Pay, buyer, member.Checker)
			pay.Payment = &receivable.Paying{ID: "pay" + strings.TrimPrefix(id, "rcv"), AmountMinor: v.minor - v.credited, Currency: currency}
			add(v.paid, pay)
		}
	}
	for n, x := range w.doubles { // the same invoice once more, so that another bank may finance it
		v := &w.invoices[x.invoice]
		if v.issued >= dayOf(w.firms[x.firm].joined) {
			add(x.day, Operation{Step: Issue, By: w.firms[x.firm].id, Role: member.Maker, ID: fmt.Sprintf("rcv-%016xd%07x", w.config.Seed, n),
				Invoice: w.invoice(int(x.invoice), day), Refused: fault.ReceivableDuplicate})
		}
	}
	slices.SortStableFunc(list, func(a, b Operation) int { return cmp.Or(a.On.Compare(b.On), cmp.Compare(a.Step.turn(), b.Step.turn())) })
	return list
}

// turn is the order of steps within a day.
func (s Step) turn() int {
	return slices.Index([]Step{Register, Issue, Query, Resolve, Propose, Confirm, Reject, Credit, Pay}, s)
}

func (w *World) registration(i int) Operation {
	f := &w.firms[i]
	p := &member.Party{ID: f.id, Name: fmt.Sprintf("Simulated firm %d", i), Country: "DE"}
	for _, r := range []struct {
		scheme string
		of     int32
	}{{"director", f.director}, {"address", f.address}} {
		p.Identifiers = append(p.Identifiers, member.Identifier{Scheme: r.scheme, Value: hashOf(r.scheme, w.firms[r.of].id)})
	}
	return Operation{Step: Register, By: f.id, Role: member.Maker, ID: f.id, Party: p}
}

func (w *World) invoice(k int, day []calendar.Date) *receivable.Invoice {
	v := &w.invoices[k]
	e := w.edges[v.edge]
	return &receivable.Invoice{TypeCode: "380", Seller: w.firms[e.seller].id, Buyer: w.firms[e.buyer].id, Number: fmt.Sprintf("S%d-%d", w.config.Seed, k),
		IssueDate: day[v.issued], DueDate: day[v.due], Currency: currency, PayableMinor: v.minor, Lines: 1, DocumentHash: hashOf("invoice", w.invoiceID(k))}
}

func hashOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
