package portal

import (
	"context"
	"strconv"
	"strings"

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

// claimFilters are what a list of claims may show.
var claimFilters = []struct {
	name     string
	statuses []receivable.FragmentStatus
}{
	{"live", []receivable.FragmentStatus{receivable.Held, receivable.Offered, receivable.Reserved, receivable.Pledged, receivable.Frozen}},
	{"free", []receivable.FragmentStatus{receivable.Held}},
	{"financed", []receivable.FragmentStatus{receivable.Reserved, receivable.Pledged}},
	{"all", nil},
}

func claims(v *visit) (answer, error) {
	shown := v.query("show")
	view := page.Claims{}
	f := projection.HoldingFilter{}
	for _, one := range claimFilters {
		on := one.name == shown || shown == "" && one.name == "live"
		view.Filters = append(view.Filters, page.Filter{Text: v.t("filter.claim." + one.name), Href: "/claims?show=" + one.name, On: on})
		if on {
			f.Status = texts(one.statuses)
		}
	}
	list, err := v.Store.Holdings(v.ctx(), v.viewer, f, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view.Items, view.Next = list.Items, v.next(list.Next)
	return show(view.Draw())
}

// offers lists what is offered to the person's party, and not what it offers itself.
func offers(v *visit) (answer, error) {
	view := page.Claims{Offered: true}
	list, err := v.Store.Holdings(v.ctx(), v.viewer, projection.HoldingFilter{Common: projection.Common{Status: []string{string(receivable.Offered)}}}, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	for _, h := range list.Items {
		if h.Offer != nil && h.Offer.To == v.person.Party {
			view.Items = append(view.Items, h)
		}
	}
	view.Next = v.next(list.Next)
	return show(view.Draw())
}

// claimPage is a fragment: to its holder with what can be done, to others the invoice that it is of.
func claimPage(v *visit) (answer, error) {
	id := v.r.PathValue("id")
	if v.person.Kind != member.Supplier {
		of, err := receivable.ReceivableOf(id)
		if err != nil {
			return answer{}, err
		}
		return answer{to: "/invoices/" + of}, nil
	}
	h, err := v.Store.Holding(v.ctx(), v.viewer, id)
	if err != nil {
		return answer{}, err
	}
	view := page.Claim{Holding: h, Key: key(), Steps: page.ClaimSteps(v.person.Party, v.person.Has, h)}
	if view.Parties, err = v.partyOptions(h.Programme); err != nil {
		return answer{}, err
	}
	if view.Lineage, err = v.way(h); err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// partyOptions are the parties of a programme that the person may know, without its own; all of them where it is "".
func (v *visit) partyOptions(programme string) ([]page.Option, error) {
	list, err := v.Store.Parties(v.ctx(), v.viewer, projection.Page{Size: projection.MaxPageSize})
	if err != nil {
		return nil, err
	}
	var out []page.Option
	for _, p := range list.Items {
		if p.ID == v.person.Party {
			continue
		}
		for _, c := range p.Circles {
			if programme == "" || c == programme {
				out = append(out, page.Option{Value: p.ID, Text: p.Name})
				break
			}
		}
	}
	return out, nil
}

// onFragment are the steps that need nothing but the fragment.
var onFragment = map[string]string{"accept": "receivable:Accept", "decline": "receivable:Decline", "take_back": "receivable:TakeBack"}

func claimStep(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	switch do {
	case "split":
		h, err := v.Store.Holding(v.ctx(), v.viewer, id)
		if err != nil {
			return answer{}, err
		}
		in, err := divisionOf(v.form("amounts"), v.form("ratio"), h.Currency)
		if err != nil {
			return answer{}, err
		}
		return v.submit("claim.split", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnFragment(ctx, s, "receivable:Split", id, in)
			return call, id, err
		})
	case "offer":
		h, err := v.Store.Holding(v.ctx(), v.viewer, id)
		if err != nil {
			return answer{}, err
		}
		in := receivable.Offering{Recourse: receivable.Recourse(v.form("recourse"))}
		if price := v.form("price"); price != "" {
			paid, err := money.ParseDecimal(price, h.Currency)
			if err != nil {
				return answer{}, err
			}
			in.ConsiderationMinor = paid.Minor
		}
		to := v.form("to")
		return v.submit("claim.offer", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.Offer(ctx, s, id, to, in)
			return call, id, err
		})
	}
	function, ok := onFragment[do]
	if !ok {
		return answer{}, unknownStep(do)
	}
	return v.submit("claim."+do, func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
		call, err := operation.OnFragment(ctx, s, function, id, nil)
		return call, id, err
	})
}

// divisionOf reads how a fragment is divided: amounts, one a line, or a ratio such as 2:1:1.
func divisionOf(amounts, ratio, currency string) (receivable.Division, error) {
	var in receivable.Division
	var bad fault.Fields
	if (amounts == "") == (ratio == "") {
		bad.Add("amounts", "", "give either amounts or a ratio")
		return in, bad.Err()
	}
	for _, text := range strings.Fields(strings.ReplaceAll(amounts, ";", " ")) {
		part, err := money.ParseDecimal(text, currency)
		if err != nil {
			return in, err
		}
		in.AmountsMinor = append(in.AmountsMinor, part.Minor)
	}
	if ratio != "" {
		for _, text := range strings.Split(strings.ReplaceAll(ratio, "：", ":"), ":") {
			n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			if err != nil {
				bad.Add("ratio", ratio, "must be whole numbers with colons between them, such as 2:1:1")
				return in, bad.Err()
			}
			in.Ratios = append(in.Ratios, n)
		}
	}
	return in, in.Validate()
}
