package portal

import (
	"context"
	"strconv"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// How long banks that compete have to bind themselves, and then to show what they offer.
const (
	commitTime = 10 * time.Minute
	revealTime = 10 * time.Minute
)

var applicationFilters = []struct {
	name     string
	statuses []financing.ApplicationStatus
}{
	{"open", []financing.ApplicationStatus{financing.Submitted, financing.Referred, financing.Approved}},
	{"referred", []financing.ApplicationStatus{financing.Referred}},
	{"declined", []financing.ApplicationStatus{financing.Declined}},
	{"accepted", []financing.ApplicationStatus{financing.Accepted}},
	{"all", nil},
}

func applications(v *visit) (answer, error) {
	bank := v.person.Kind != member.Supplier
	view := page.Applications{Bank: bank}
	shown := v.query("show")
	if shown == "" {
		shown = "all"
		if v.person.Kind == member.Bank {
			shown = "open"
		}
	}
	var f projection.ApplicationFilter
	for _, one := range applicationFilters {
		view.Filters = append(view.Filters, page.Filter{Text: v.t("filter.application." + one.name), Href: "/applications?show=" + one.name, On: one.name == shown})
		if one.name == shown {
			f.Status = texts(one.statuses)
		}
	}
	list, err := v.Store.Applications(v.ctx(), v.viewer, f, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view.Items, view.Next = list.Items, v.next(list.Next)
	if v.person.Kind == member.Bank && v.Queue != nil {
		waiting, _ := v.Queue()
		for _, i := range waiting {
			if i.For == underwriting.ForApplication && i.State == underwriting.Stuck {
				view.Stuck = append(view.Stuck, i)
			}
		}
	}
	return show(view.Draw())
}

// tenders are the applications for which banks compete.
func tenders(v *visit) (answer, error) {
	list, err := v.Store.Applications(v.ctx(), v.viewer, projection.ApplicationFilter{Tendered: true}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	return show(page.Applications{Bank: true, Tenders: true, Items: list.Items, Next: v.next(list.Next)}.Draw())
}

func tenderPage(v *visit) (answer, error) {
	id := v.r.PathValue("id")
	list, err := v.Store.Applications(v.ctx(), v.viewer, projection.ApplicationFilter{Tender: id}, projection.Page{})
	if err != nil {
		return answer{}, err
	}
	if len(list.Items) == 0 || list.Items[0].Tender == nil {
		return answer{}, fault.New(fault.RecordNotFound, "there is no tender %s", id)
	}
	t := *list.Items[0].Tender
	view := page.Offers{Tender: t, Offers: list.Items, Ranked: financing.Rank(list.Items), Open: !v.past(t.RevealBy), Key: key(),
		Party: v.person.Party == list.Items[0].Applicant}
	return show(view.Draw())
}

// lenders are the banks with a desk that the applicant's host reads, with the consent that the applicant has given to each.
func (v *visit) lenders() ([]page.Lender, error) {
	desks, err := v.Store.Circles(v.ctx(), v.viewer, circle.Desk, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return nil, err
	}
	given, err := v.Store.Consents(v.ctx(), v.viewer, projection.Common{Status: []string{string(credit.ConsentGiven)}}, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return nil, err
	}
	var out []page.Lender
	for _, d := range desks.Items {
		if !d.Reads || d.Status != circle.Active {
			continue
		}
		lender := page.Lender{MSP: d.Founder, Desk: d.ID}
		for _, c := range given.Items {
			if c.Allows(v.person.Party, d.Founder, credit.ScopeScore, v.today) == nil {
				lender.Consent = c.ID
			}
		}
		out = append(out, lender)
	}
	return out, nil
}

func applyForm(v *visit) (answer, error) {
	view := page.Apply{Key: key(), Currency: "EUR"}
	held, err := v.Store.Holdings(v.ctx(), v.viewer, projection.HoldingFilter{Common: projection.Common{Status: []string{string(receivable.Held)}}},
		projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return answer{}, err
	}
	for _, h := range held.Items {
		if h.Holder == v.person.Party && h.Claim == receivable.Confirmed && h.DueDate.After(v.today) {
			view.Claims = append(view.Claims, h)
			view.Currency = h.Currency
		}
	}
	goods, err := v.Store.Receipts(v.ctx(), v.viewer, projection.ReceiptFilter{Common: projection.Common{Status: []string{string(receipt.Stored)}}},
		projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return answer{}, err
	}
	for _, r := range goods.Items {
		if r.Owner.Party == v.person.Party {
			view.Receipts = append(view.Receipts, r)
		}
	}
	if view.Banks, err = v.lenders(); err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// apply asks one bank, or several that then compete. Banks without a consent get one first: the person has said so on the form.
func apply(v *visit) (answer, error) {
	var bad fault.Fields
	desks := v.r.PostForm["desk"]
	pledged := operation.Pledging{Fragments: v.r.PostForm["fragment"], Receipts: v.r.PostForm["receipt"]}
	if len(desks) == 0 || len(desks) > financing.MaxBidders {
		bad.Add("bank", len(desks), "choose 1 to %d banks", financing.MaxBidders)
	}
	if n := len(pledged.Fragments) + len(pledged.Receipts); n == 0 || n > financing.MaxCollateral {
		bad.Add("collateral", n, "choose 1 to %d claims or receipts", financing.MaxCollateral)
	}
	if v.form("consent") != "yes" {
		bad.Add("consent", "", "a bank needs your consent to score you")
	}
	in := financing.Request{Currency: v.form("currency")}
	if amount := v.form("amount"); amount != "" {
		asked, err := money.ParseDecimal(amount, in.Currency)
		if err != nil {
			return answer{}, err
		}
		in.AdvanceMinor = asked.Minor
	}
	if tenor := v.form("tenor"); tenor != "" {
		days, err := strconv.ParseInt(tenor, 10, 64)
		if err != nil || days < 0 {
			bad.Add("tenor", tenor, "must be a whole number of days")
		}
		in.TenorDays = days
	}
	if err := bad.Err(); err != nil {
		return answer{}, err
	}
	all, err := v.lenders()
	if err != nil {
		return answer{}, err
	}
	var chosen []page.Lender
	for _, l := range all {
		for _, d := range desks {
			if l.Desk == d {
				chosen = append(chosen, l)
			}
		}
	}
	for i := range chosen {
		if chosen[i].Consent == "" {
			if chosen[i].Consent, err = v.consentTo(chosen[i]); err != nil {
				return answer{}, err
			}
		}
	}
	if len(chosen) == 1 {
		return v.submit("application.apply", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
			in.ID, in.Bank, in.Consent = ids.New("app"), chosen[0].MSP, chosen[0].Consent
			call, err := operation.Apply(ctx, s, chosen[0].Desk, in, pledged)
			return call, in.ID, err
		})
	}
	return v.submit("application.tender", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
		now := s.Network.Now().UTC().Truncate(time.Second)
		t := financing.TenderRequest{Request: in, Tender: financing.Tender{ID: ids.New("tnd"), CommitBy: now.Add(commitTime), RevealBy: now.Add(commitTime + revealTime)}}
		for i, l := range chosen {
			t.Bidders = append(t.Bidders, financing.Bidder{Bank: l.MSP, Desk: l.Desk, Application: ids.New("app", i), Consent: l.Consent})
		}
		call, err := operation.Tender(ctx, s, t, pledged)
		return call, t.ID, err
	})
}

// consentTo gives a bank consent and waits for the ledger to have it, because the application names it.
func (v *visit) consentTo(l page.Lender) (string, error) {
	session, err := v.session()
	if err != nil {
		return "", err
	}
	op, _, err := v.Outbox.Put(v.ctx(), outbox.Submission{Person: v.person.Subject, Key: v.form("key") + "-" + l.Desk, Body: v.body(), User: v.person.User, Action: "consent.give"},
		func(_ context.Context, ids outbox.IDs) (consortium.Call, string, error) {
			in := credit.ConsentInput{ID: ids.New("cns"), Bank: l.MSP, Scopes: []credit.Scope{credit.ScopeScore}}
			call, err := operation.GiveConsent(session, l.Desk, in)
			return call, in.ID, err
		})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), waitForOutcome)
	defer cancel()
	op, err = v.Outbox.Wait(ctx, v.person.Subject, op.ID)
	switch {
	case err != nil:
		return "", err
	case op.Problem != nil:
		return "", op.Problem
	case op.State != outbox.Done:
		return "", fault.New(fault.OutcomeUnknown, "the consent is under way; send the form again in a moment")
	}
	return op.About, nil
}

func consents(v *visit) (answer, error) {
	list, err := v.Store.Consents(v.ctx(), v.viewer, projection.Common{}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view := page.Consents{Items: list.Items, Next: v.next(list.Next), Key: key(), Own: v.person.Kind == member.Supplier && v.person.Party != ""}
	if view.Own {
		if view.Banks, err = v.lenders(); err != nil {
			return answer{}, err
		}
	}
	return show(view.Draw())
}

func giveConsent(v *visit) (answer, error) {
	desk := v.form("desk")
	all, err := v.lenders()
	if err != nil {
		return answer{}, err
	}
	in := credit.ConsentInput{}
	for _, l := range all {
		if l.Desk == desk {
			in.Bank = l.MSP
		}
	}
	for _, s := range v.r.PostForm["scope"] {
		in.Scopes = append(in.Scopes, credit.Scope(s))
	}
	if last := v.form("last"); last != "" {
		if in.LastDay, err = calendar.Parse(last); err != nil {
			return answer{}, err
		}
	}
	return v.submit("consent.give", func(_ context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
		in.ID = ids.New("cns")
		call, err := operation.GiveConsent(s, desk, in)
		return call, in.ID, err
	})
}

func withdrawConsent(v *visit) (answer, error) {
	id := v.r.PathValue("id")
	return v.submit("consent.withdraw", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnDesk(ctx, s, "credit:WithdrawConsent", "consent", id, nil)
		return call, id, err
	})
}
