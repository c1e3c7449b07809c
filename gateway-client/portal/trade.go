package portal

import (
	"context"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// invoiceFilters are what a list of invoices may show, by what the address says.
var invoiceFilters = []struct {
	name     string
	statuses []receivable.Status
}{
	{"all", nil},
	{"waiting", []receivable.Status{receivable.Issued}},
	{"proposed", []receivable.Status{receivable.Proposed}},
	{"queried", []receivable.Status{receivable.Disputed}},
	{"confirmed", []receivable.Status{receivable.Confirmed, receivable.Matured}},
	{"late", []receivable.Status{receivable.Overdue, receivable.Defaulted}},
	{"ended", []receivable.Status{receivable.Settled, receivable.Rejected, receivable.Withdrawn, receivable.Cancelled, receivable.WrittenOff}},
}

func invoices(v *visit) (answer, error) {
	shown := v.query("show")
	view := page.Invoices{Buyer: v.person.Kind == member.Buyer}
	if shown == "" && view.Buyer {
		switch {
		case v.person.Has(member.Checker):
			shown = "proposed"
		case v.person.Has(member.Maker):
			shown = "waiting"
		}
	}
	f := projection.ReceivableFilter{Number: v.query("number")}
	var err error
	if f.DueFrom, f.DueTo, err = v.days(); err != nil {
		return answer{}, err
	}
	for _, one := range invoiceFilters {
		on := one.name == shown || shown == "" && one.name == "all"
		view.Filters = append(view.Filters, page.Filter{Text: v.t("filter.invoice." + one.name), Href: "/invoices?show=" + one.name, On: on})
		if on {
			f.Status = texts(one.statuses)
		}
	}
	if view.Buyer && shown == "waiting" && v.person.Has(member.Maker) {
		view.Bulk = "propose"
	}
	if view.Buyer && shown == "proposed" && v.person.Has(member.Checker) {
		view.Bulk = "confirm"
	}
	list, err := v.Store.Receivables(v.ctx(), v.viewer, f, v.pageOf())
	view.Items, view.Next = list.Items, v.next(list.Next)
	if err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func invoicePage(v *visit) (answer, error) {
	id := v.r.PathValue("id")
	r, err := v.Store.Receivable(v.ctx(), v.viewer, id)
	if err != nil {
		return answer{}, err
	}
	view := page.Invoice{Receivable: r.Receivable, Key: key()}
	var errs [5]error
	var fragments projection.Slice[receivable.Fragment]
	var holdings projection.Slice[receivable.Holding]
	var paid projection.Slice[receivable.Payment]
	var notes projection.Slice[receivable.CreditNote]
	var disputes projection.Slice[receivable.Dispute]
	fragments, errs[0] = v.Store.Fragments(v.ctx(), v.viewer, projection.FragmentFilter{Receivable: id}, projection.Page{})
	if v.person.Kind == member.Supplier {
		holdings, errs[1] = v.Store.Holdings(v.ctx(), v.viewer, projection.HoldingFilter{Receivable: id}, projection.Page{})
	}
	paid, errs[2] = v.Store.Payments(v.ctx(), v.viewer, id, projection.Common{}, projection.Page{})
	notes, errs[3] = v.Store.CreditNotes(v.ctx(), v.viewer, id, projection.Common{}, projection.Page{})
	disputes, errs[4] = v.Store.Disputes(v.ctx(), v.viewer, id, projection.Common{}, projection.Page{})
	for _, err := range errs {
		if err != nil {
			return answer{}, err
		}
	}
	view.Fragments, view.Holdings, view.Payments, view.Notes, view.Disputes = fragments.Items, holdings.Items, paid.Items, notes.Items, disputes.Items
	if r.HasClaim() && len(view.Fragments) > 0 {
		if bill, err := (receivable.Claim{Receivable: r.Receivable, Fragments: view.Fragments}).Bill(v.today); err == nil {
			view.Bill = &bill
		}
	}
	view.Steps = page.InvoiceSteps(v.person.Kind, v.person.Has, r.Invoice.Seller == v.person.Party, r.Receivable)
	for _, row := range receivable.Reasons() {
		view.Reasons = append(view.Reasons, row.Code)
	}
	if view.Lineage, err = v.lineage("receivable", id); err != nil {
		return answer{}, err
	}
	view.Events, err = v.history("receivable", id)
	if err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// onReceivable are the steps that need nothing but the receivable.
var onReceivable = map[string]string{"propose": "receivable:ProposeConfirm", "return": "receivable:Return", "resolve": "receivable:Resolve",
	"withdraw": "receivable:Withdraw"}

func invoiceStep(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	switch do {
	case "confirm":
		return v.submit("receivable.confirm", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.Confirm(ctx, s, id)
			return call, id, err
		})
	case "reject", "dispute":
		why := receivable.Because{Note: v.form("note")}
		for _, code := range v.r.PostForm["reason"] {
			why.Reasons = append(why.Reasons, receivable.Reason(code))
		}
		function := map[string]string{"reject": "receivable:Reject", "dispute": "receivable:Dispute"}[do]
		return v.submit("receivable."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnReceivable(ctx, s, function, id, why)
			return call, id, err
		})
	case "pay":
		r, err := v.Store.Receivable(v.ctx(), v.viewer, id)
		if err != nil {
			return answer{}, err
		}
		paid, err := money.ParseDecimal(v.form("amount"), r.Invoice.Currency)
		if err != nil {
			return answer{}, err
		}
		return v.submit("receivable.pay", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
			in := receivable.Paying{ID: ids.New("pay"), AmountMinor: paid.Minor, Currency: paid.Currency}
			call, err := operation.OnReceivable(ctx, s, "receivable:Pay", id, in, in.ID)
			return call, id, err
		})
	}
	function, ok := onReceivable[do]
	if !ok {
		return answer{}, unknownStep(do)
	}
	return v.submit("receivable."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnReceivable(ctx, s, function, id, nil)
		return call, id, err
	})
}

func unknownStep(do string) error {
	var bad fault.Fields
	bad.Add("do", do, "is no step of this page")
	return bad.Err()
}

// bulk proposes or confirms what was selected: one transaction for the invoices of one programme.
func bulk(v *visit) (answer, error) {
	ids := v.r.PostForm["id"]
	var bad fault.Fields
	if len(ids) == 0 || len(ids) > receivable.MaxBulk {
		bad.Add("id", len(ids), "select 1 to %d invoices", receivable.MaxBulk)
		return answer{}, bad.Err()
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	programme := ""
	for _, id := range ids {
		r, err := v.Store.Receivable(v.ctx(), v.viewer, id)
		if err != nil {
			return answer{}, err
		}
		if programme != "" && r.Programme != programme {
			bad.Add("id", r.Invoice.Number, "belongs to another programme; select the invoices of one programme at a time")
			return answer{}, bad.Err()
		}
		programme = r.Programme
	}
	do := v.form("do")
	if do != "propose" && do != "confirm" {
		return answer{}, unknownStep(do)
	}
	return v.submit("receivable."+do+".bulk", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		if do == "propose" {
			return operation.ProposeBulk(programme, ids), "", nil
		}
		call, err := operation.ConfirmBulk(ctx, s, programme, ids)
		return call, "", err
	})
}

func payments(v *visit) (answer, error) {
	list, err := v.Store.Payments(v.ctx(), v.viewer, "", projection.Common{}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	return show(page.Payments{Items: list.Items, Next: v.next(list.Next)}.Draw())
}
