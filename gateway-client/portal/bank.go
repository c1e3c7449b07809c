package portal

import (
	"context"
	"encoding/json"
	"io"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// maxPolicyBytes bounds a policy's file.
const maxPolicyBytes = 1 << 20

var loanFilters = []struct {
	name     string
	statuses []financing.LoanStatus
}{
	{"live", []financing.LoanStatus{financing.Agreed, financing.Active, financing.Defaulted}},
	{"agreed", []financing.LoanStatus{financing.Agreed}},
	{"defaulted", []financing.LoanStatus{financing.Defaulted, financing.WrittenOff}},
	{"all", nil},
}

func loans(v *visit) (answer, error) {
	view := page.Loans{Title: "place.loans", Borrower: v.person.Kind == member.Supplier}
	shown := v.query("show")
	if shown == "" {
		shown = "live"
	}
	var f projection.LoanFilter
	for _, one := range loanFilters {
		view.Filters = append(view.Filters, page.Filter{Text: v.t("filter.loan." + one.name), Href: "/loans?show=" + one.name, On: one.name == shown})
		if one.name == shown {
			f.Status = texts(one.statuses)
		}
	}
	f.Borrower, f.Bank = v.query("borrower"), v.query("bank")
	list, err := v.Store.Loans(v.ctx(), v.viewer, f, v.today, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view.Items, view.Next = list.Items, v.next(list.Next)
	return show(view.Draw())
}

func loanPage(v *visit) (answer, error) {
	l, err := v.Store.Loan(v.ctx(), v.viewer, v.r.PathValue("id"), v.today)
	if err != nil {
		return answer{}, err
	}
	view := page.Loan{Loan: l, Key: key(), Steps: page.LoanSteps(v.person.Kind, v.person.Has, l.Borrower == v.person.Party, l)}
	m, err := v.Store.Margin(v.ctx(), v.viewer, l.ID)
	switch {
	case err == nil:
		view.Margin = &m
	case fault.CodeOf(err) != fault.RecordNotFound:
		return answer{}, err
	}
	if view.Lineage, err = v.lineage("loan", l.ID); err != nil {
		return answer{}, err
	}
	if view.Events, err = v.history("loan", l.ID); err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// onLoan are the steps that need nothing but the loan, or a note.
var onLoan = map[string]string{"cancel": "financing:Cancel", "default": "financing:Default", "recourse": "financing:Recourse", "enforce": "financing:Enforce"}

func loanStep(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	switch do {
	case "draw":
		return v.submit("loan.draw", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnLoan(ctx, s, "financing:Draw", id, financing.DrawInput{})
			return call, id, err
		})
	case "write_off":
		return v.submit("loan.write_off", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnLoan(ctx, s, "financing:WriteOff", id, financing.NoteInput{})
			return call, id, err
		})
	case "repay":
		l, err := v.Store.Loan(v.ctx(), v.viewer, id, v.today)
		if err != nil {
			return answer{}, err
		}
		in := financing.Payment{Source: financing.Source(v.form("source")), Note: v.form("note"), Currency: l.Terms.Currency}
		if amount := v.form("amount"); amount != "" {
			paid, err := money.ParseDecimal(amount, l.Terms.Currency)
			if err != nil {
				return answer{}, err
			}
			in.AmountMinor = paid.Minor
		}
		return v.submit("loan.repay", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.Repay(ctx, s, id, in)
			return call, id, err
		})
	}
	function, ok := onLoan[do]
	if !ok {
		return answer{}, unknownStep(do)
	}
	return v.submit("loan."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnLoan(ctx, s, function, id, nil)
		return call, id, err
	})
}

func margins(v *visit) (answer, error) {
	view := page.Margins{}
	shown := v.query("show")
	if shown == "" {
		shown = "all"
	}
	var c projection.Common
	for _, name := range []string{"all", string(receipt.CallOpen), string(receipt.CallLapsed), string(receipt.CallCured)} {
		view.Filters = append(view.Filters, page.Filter{Text: v.t("filter.margin." + name), Href: "/margins?show=" + name, On: name == shown})
		if name == shown && name != "all" {
			c.Status = []string{name}
		}
	}
	list, err := v.Store.Margins(v.ctx(), v.viewer, c, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view.Items, view.Next = list.Items, v.next(list.Next)
	return show(view.Draw())
}

func policies(v *visit) (answer, error) {
	list, err := v.Store.Policies(v.ctx(), v.viewer, projection.Common{}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view := page.Policies{Items: list.Items, Next: v.next(list.Next), Key: key(), Propose: v.person.Kind == member.Bank && v.person.Has(member.Risk)}
	desks, err := v.Store.Circles(v.ctx(), v.viewer, circle.Desk, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return answer{}, err
	}
	for _, d := range desks.Items {
		if d.Founder == v.person.MSP && d.Status == circle.Active {
			view.Desks = append(view.Desks, page.Option{Value: d.ID, Text: page.Short(d.ID)})
		}
	}
	return show(view.Draw())
}

func policyPage(v *visit) (answer, error) {
	p, err := v.Store.Policy(v.ctx(), v.viewer, v.r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	view := page.Policy{Policy: p, Key: key()}
	view.Answer = p.Status == financing.PolicyProposed && p.Bank == v.person.MSP && v.person.Has(member.Risk)
	return show(view.Draw())
}

func proposePolicy(v *visit) (answer, error) {
	file, _, err := v.r.FormFile("file")
	if err != nil {
		return answer{}, fault.New(fault.InputMissing, "choose a file")
	}
	defer file.Close() //nolint:errcheck // only read
	decoder := json.NewDecoder(io.LimitReader(file, maxPolicyBytes))
	decoder.DisallowUnknownFields()
	var terms financing.Terms
	if err := decoder.Decode(&terms); err != nil {
		return answer{}, fault.New(fault.DocumentMalformed, "the policy is no JSON of the expected form: %v", err)
	}
	desk := v.form("desk")
	return v.submit("policy.propose", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
		id := ids.New("pol")
		call, err := operation.ProposePolicy(ctx, s, desk, id, terms)
		return call, id, err
	})
}

func answerPolicy(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	function, ok := map[string]string{"approve": "financing:ApprovePolicy", "reject": "financing:RejectPolicy"}[do]
	if !ok {
		return answer{}, unknownStep(do)
	}
	return v.submit("policy."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnDesk(ctx, s, function, "policy", id, nil)
		return call, id, err
	})
}

func models(v *visit) (answer, error) {
	list, err := v.Store.Models(v.ctx(), v.viewer, projection.Common{}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	return show(page.Models{Items: list.Items, Next: v.next(list.Next)}.Draw())
}
