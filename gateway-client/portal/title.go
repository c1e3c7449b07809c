package portal

import (
	"context"
	"strings"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
)

// titles finds out what people call a record: an invoice by its number, a claim by that of its invoice, a loan by its amount,
// goods by what they are, a programme by who founded it. It reads each record once a page, by its key.
type titles struct {
	*visit
	// ctx reads the state on which the page stands; words are written in the page's frame.
	ctx   context.Context
	known map[string]string
}

func (v *visit) titles() *titles { return &titles{visit: v, ctx: v.ctx(), known: map[string]string{}} }

// Title implements page.Titles. What the viewer may not see, or has no better name, is "".
func (t *titles) Title(id string) string {
	if text, ok := t.known[id]; ok {
		return text
	}
	text := t.find(id)
	t.known[id] = text
	return text
}

func (t *titles) find(id string) string {
	last := id[strings.LastIndex(id, "/")+1:]
	prefix, _, _ := strings.Cut(last, "-")
	switch prefixes[prefix] {
	case "receivable":
		if r, err := t.Store.Receivable(t.ctx, t.viewer, last); err == nil {
			return r.Invoice.Number
		}
	case "fragment":
		return t.claim(last)
	case "application":
		if a, err := t.Store.Application(t.ctx, t.viewer, last); err == nil && a.AdvanceMinor > 0 {
			return t.words.Money(a.AdvanceMinor, a.Currency)
		}
	case "loan":
		if l, err := t.Store.Loan(t.ctx, t.viewer, last, t.today); err == nil {
			return t.words.Money(l.Terms.AdvanceMinor, l.Terms.Currency)
		}
	case "receipt":
		if r, err := t.Store.Receipt(t.ctx, t.viewer, last); err == nil {
			return page.GoodsOf(page.With(t.ctx, &page.Frame{Language: t.words}), r)
		}
	case "device":
		if d, err := t.Store.Device(t.ctx, t.viewer, id); err == nil {
			return page.DeviceName(page.With(t.ctx, &page.Frame{Language: t.words}), d)
		}
	case "programme":
		if c, err := t.Store.Circle(t.ctx, t.viewer, last); err == nil {
			return t.memberNames(t.ctx, t.viewer)[c.Founder]
		}
	}
	return ""
}

// claim is the number of the invoice that a fragment is of; to a holder who may not see the invoice, the face.
func (t *titles) claim(id string) string {
	of, err := receivable.ReceivableOf(id)
	if err != nil {
		return ""
	}
	if number := t.Title(of); number != "" {
		return number
	}
	if t.person.Kind != member.Supplier {
		return ""
	}
	if h, err := t.Store.Holding(t.ctx, t.viewer, id); err == nil {
		return t.words.Money(h.FaceMinor, h.Currency)
	}
	return ""
}
