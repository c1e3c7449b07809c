// Package receivabletest is what many parties try with a claim at random, and what must hold whatever they try: for tests on the
// fake ledger and on a real network.
package receivabletest

import (
	"encoding/json"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// World says between whom claims travel: parties by their opaque ids, and where the bank takes applications.
type World struct {
	Buyer, Seller, TierTwo, Bank string
	Programme, Desk              string
	BankMSP                      string
	// Consents are the applicants', by party; who has none does not apply.
	Consents map[string]string
}

// Try is a call that a user of a party makes. It may be the wrong person.
type Try struct {
	Party    string
	Role     member.Role
	Function string
	Input    any
	Args     []string
	// Circles are the programme, and the desk where the call is about a financing.
	Circles []string
}

// Draw makes a call on the claim that would be right, and one in ten times lets the wrong person make it. The serial number makes
// ids and must be new.
func (w World) Draw(t *rapid.T, c receivable.Claim, serial int, today calendar.Date) Try {
	r := c.Receivable
	live := slices.DeleteFunc(slices.Clone(c.Fragments), func(f receivable.Fragment) bool { return !f.Live() })
	if len(live) == 0 {
		live = c.Fragments
	}
	f := rapid.SampledFrom(live).Draw(t, "fragment")
	kind := rapid.SampledFrom([]string{"split", "split", "merge", "offer", "offer", "answer", "answer", "freeze", "thaw", "credit", "pay", "write off",
		"age", "apply", "apply", "withdraw"}).Draw(t, "call")
	if instead := sensible(kind, f, len(live)); rapid.IntRange(0, 3).Draw(t, "sensible") > 0 {
		kind = instead
	}
	try := w.draw(t, kind, r, f, live, serial, today)
	try.Circles = []string{w.Programme}
	if try.Function == "financing:Apply" || try.Function == "financing:Withdraw" {
		try.Circles = append(try.Circles, w.Desk)
	}
	if rapid.IntRange(0, 9).Draw(t, "stranger") == 0 {
		try.Party = rapid.SampledFrom([]string{w.Seller, w.TierTwo, w.Bank, w.Buyer}).Draw(t, "party")
		try.Role = rapid.SampledFrom([]member.Role{member.Maker, member.Checker}).Draw(t, "role")
	}
	return try
}

// sensible is the step that makes the kind possible where the fragment does not allow it yet.
func sensible(kind string, f receivable.Fragment, live int) string {
	switch {
	case kind == "answer" && f.Offer == nil:
		return "offer"
	case kind == "thaw" && f.Dispute == "":
		return "freeze"
	case kind == "withdraw" && f.Encumbrance == nil, kind == "split" && f.FaceMinor < 20:
		return "apply"
	case kind == "merge" && live < 2:
		return "split"
	}
	return kind
}

func (w World) draw(t *rapid.T, kind string, r receivable.Receivable, f receivable.Fragment, live []receivable.Fragment, serial int, today calendar.Date) Try {
	id := func(prefix string) string { return fmt.Sprintf("%s-%020x", prefix, serial) }
	switch kind {
	case "split":
		return Try{Party: f.Holder, Role: member.Maker, Function: "receivable:Split",
			Input: receivable.Division{Ratios: rapid.SliceOfN(rapid.Int64Range(1, 5), 1, 3).Draw(t, "ratios")}, Args: []string{f.ID}}
	case "merge":
		ids := []string{}
		for _, x := range live {
			if x.Holder == f.Holder {
				ids = append(ids, x.ID)
			}
		}
		return Try{Party: f.Holder, Role: member.Maker, Function: "receivable:Merge", Args: []string{text(ids)}}
	case "offer":
		to := rapid.SampledFrom([]string{w.Seller, w.TierTwo, w.Bank}).Draw(t, "to")
		return Try{Party: f.Holder, Role: member.Maker, Function: "receivable:Offer",
			Input: receivable.Offering{To: to, Recourse: receivable.WithoutRecourse}, Args: []string{f.ID}}
	case "answer":
		who := f.Holder
		if f.Offer != nil {
			who = f.Offer.To
		}
		return Try{Party: who, Role: member.Maker, Args: []string{f.ID},
			Function: rapid.SampledFrom([]string{"receivable:Accept", "receivable:Accept", "receivable:Decline"}).Draw(t, "answer")}
	case "freeze":
		in := receivable.Objection{ID: id("dsp"), Fragments: []string{f.ID}, Because: receivable.Because{Reasons: []receivable.Reason{"DEL"}}}
		return Try{Party: w.Buyer, Role: member.Maker, Function: "receivable:Freeze", Input: in, Args: []string{r.ID, in.ID}}
	case "thaw":
		return Try{Party: w.Buyer, Role: member.Maker, Function: "receivable:Thaw", Args: []string{r.ID, max(f.Dispute, "dsp-00000000")}}
	case "credit":
		in := receivable.Crediting{ID: id("crn"), TypeCode: "381", Number: fmt.Sprint("G-", serial), IssueDate: today, Currency: r.Invoice.Currency,
			AmountMinor: rapid.Int64Range(1, max(1, r.Owed()/4)).Draw(t, "credit"), DocumentHash: r.Invoice.DocumentHash}
		return Try{Party: w.Seller, Role: member.Maker, Function: "receivable:CreditNote", Input: in, Args: []string{r.ID, in.ID}}
	case "pay":
		in := receivable.Paying{ID: id("pay"), AmountMinor: rapid.Int64Range(1, max(1, r.Owed()/2)).Draw(t, "pay"), Currency: r.Invoice.Currency}
		return Try{Party: w.Buyer, Role: member.Checker, Function: "receivable:Pay", Input: in, Args: []string{r.ID, in.ID}}
	case "write off":
		return Try{Party: f.Holder, Role: member.Checker, Function: "receivable:WriteOff", Args: []string{r.ID}}
	case "apply":
		in := financing.Request{ID: id("app"), Bank: w.BankMSP, Product: financing.ReceivableProduct, Currency: r.Invoice.Currency, Consent: w.Consents[f.Holder]}
		for _, x := range live {
			if x.Holder == f.Holder && (x.ID == f.ID || rapid.Bool().Draw(t, "with another")) {
				in.Collateral = append(in.Collateral, financing.Ref{Kind: financing.Fragment, ID: x.ID, Circle: w.Programme})
			}
		}
		return Try{Party: f.Holder, Role: member.Maker, Function: "financing:Apply", Input: in, Args: []string{w.Desk, in.ID}}
	case "withdraw":
		of := id("app") // of nobody's
		if f.Encumbrance != nil {
			of = f.Encumbrance.Application
		}
		return Try{Party: f.Holder, Role: member.Maker, Function: "financing:Withdraw", Args: []string{of}}
	}
	return Try{Party: w.Seller, Role: member.Maker, Function: "receivable:Age", Args: []string{r.ID}}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts always encode
	}
	return string(raw)
}

// Watch holds a claim against its past. The zero Watch is before the first look.
type Watch struct {
	seen bool
	last receivable.Claim
	// open are the fragments of the applications that were accepted and not withdrawn, by application.
	open map[string][]string
}

// Done notes a call that the ledger has carried out.
func (w *Watch) Done(try Try) {
	if w.open == nil {
		w.open = map[string][]string{}
	}
	switch in := try.Input.(type) {
	case financing.Request:
		for _, c := range in.Collateral {
			w.open[in.ID] = append(w.open[in.ID], c.ID)
		}
	case nil:
		if try.Function == "financing:Withdraw" {
			delete(w.open, try.Args[0])
		}
	}
}

// Check returns what is wrong with the claim as it is now: faces do not add up or are negative, a fragment backs two applications
// or none of those that hold it, or a status is one to which the table does not lead from the last that was seen.
func (w *Watch) Check(c receivable.Claim) error {
	if err := receivable.Conserves(c.Receivable, c.Fragments); err != nil {
		return err
	}
	holds := map[string]string{} // application by fragment
	for application, list := range w.open {
		for _, f := range list {
			if other, twice := holds[f]; twice {
				return fmt.Errorf("fragment %s backs the applications %s and %s", f, other, application)
			}
			holds[f] = application
		}
	}
	before := map[string]receivable.FragmentStatus{}
	for _, f := range w.last.Fragments {
		before[f.ID] = f.Status
	}
	for _, f := range c.Fragments {
		switch {
		case f.FaceMinor < 0 || f.InterestMinor < 0:
			return fmt.Errorf("fragment %s has a negative face or interest: %d, %d", f.ID, f.FaceMinor, f.InterestMinor)
		case f.Encumbered() != (f.Encumbrance != nil):
			return fmt.Errorf("fragment %s is %s and its encumbrance %v", f.ID, f.Status, f.Encumbrance)
		case f.Live() && f.Encumbrance != nil && holds[f.ID] != f.Encumbrance.Application:
			return fmt.Errorf("fragment %s is held for %s, not for %q", f.ID, f.Encumbrance.Application, holds[f.ID])
		case f.Live() && f.Encumbrance == nil && holds[f.ID] != "":
			return fmt.Errorf("fragment %s is not held for %s", f.ID, holds[f.ID])
		}
		if was := before[f.ID]; !leads(receivable.FragmentLife, was, f.Status) {
			return fmt.Errorf("fragment %s has gone from %q to %q, which the table does not list", f.ID, was, f.Status)
		}
		delete(before, f.ID)
	}
	if len(before) > 0 {
		return fmt.Errorf("fragments have gone: %v", before)
	}
	if w.seen && !leads(receivable.Life, w.last.Receivable.Status, c.Receivable.Status) {
		return fmt.Errorf("the receivable has gone from %s to %s, which the table does not list", w.last.Receivable.Status, c.Receivable.Status)
	}
	w.seen, w.last = true, c
	return nil
}

// leads reports whether steps of the table, or none, lead from a status to another.
func leads[S, A ~string](table transition.Table[S, A], from, to S) bool {
	reached := []S{from}
	for i := 0; i < len(reached); i++ {
		if reached[i] == to {
			return true
		}
		for _, rule := range table {
			if rule.From == reached[i] && !slices.Contains(reached, rule.To) {
				reached = append(reached, rule.To)
			}
		}
	}
	return false
}
