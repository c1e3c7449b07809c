package portal

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

const (
	feedLength   = 40
	recentLength = 6
	resultLength = 20
)

// pages are where records of a type are shown.
var pages = map[string]string{"receivable": "/invoices/", "fragment": "/claims/", "application": "/applications/", "loan": "/loans/", "receipt": "/receipts/",
	"device": "/devices/", "policy": "/policies/", "margin": "/loans/"}

// lists are where records of a type that has no page of its own are shown.
var lists = map[string]string{"consent": "/consents", "model": "/models", "circle": "/programmes", "payment": "/payments"}

// href is the page of a record, or "" where the person's workspace has none.
func (v *visit) href(typ, id string) string {
	at := hrefOf(typ, id)
	if kinds, ok := v.openTo[firstPart(at)]; at == "" || ok && len(kinds) > 0 && !slices.Contains(kinds, v.person.Kind) {
		return ""
	}
	return at
}

func firstPart(address string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(address, "/"), "/")
	return "/" + first
}

// hrefOf is the page of a record, or "".
func hrefOf(typ, id string) string {
	if i := strings.LastIndex(id, "/"); i >= 0 && typ == "fragment" {
		id = id[i+1:]
	}
	if at, ok := pages[typ]; ok {
		return at + id
	}
	return lists[typ]
}

// prefixes say of which type a record is, by its id.
var prefixes = map[string]string{"rcv": "receivable", "frg": "fragment", "app": "application", "loan": "loan", "rct": "receipt", "cns": "consent", "pol": "policy",
	"tnd": "tender", "prg": "programme", "dev": "device"}

// about is the page of the record with the id, or "".
func (v *visit) about(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	if prefix == "tnd" {
		return "/tenders/" + id
	}
	return v.href(prefixes[prefix], id)
}

// feed is the latest events, in words, and the sequence number from which to go on, 0 at the end. What happened to several records
// in one block, as in a bulk confirmation, is one entry.
func (v *visit) feed(before int64, limit int) (list []page.Event, last int64, err error) {
	const read = 4 // events for each entry, at most
	events, err := v.Store.LatestEvents(v.ctx(), v.viewer, before, "", read*limit)
	if err != nil {
		return nil, 0, err
	}
	titles := v.titles()
	for i, e := range events {
		entry := page.Event{At: e.At, Text: v.eventText(e.Type), Href: v.href(e.Record, e.Key), Block: e.Block}
		if i > 0 && events[i-1].Type == e.Type && events[i-1].Block == e.Block {
			same := &list[len(list)-1]
			same.More++
			same.Href = ""
			if len(same.Of) < titlesShown {
				same.Of = v.add(same.Of, titles, e.Key)
			}
		} else {
			if len(list) == limit {
				return list, last, nil
			}
			entry.Of = v.add(nil, titles, e.Key)
			list = append(list, entry)
		}
		last = e.Sequence
	}
	if len(events) < read*limit {
		last = 0
	}
	return list, last, nil
}

// titlesShown is how many records of one entry are named.
const titlesShown = 3

// add adds what a record is called, where people call it anything.
func (v *visit) add(list []string, titles *titles, key string) []string {
	if text := titles.Title(key); text != "" && !slices.Contains(list, text) {
		return append(list, text)
	}
	return list
}

// eventText is an event's type in words; one that the catalogue does not know stays as the ledger has it.
func (v *visit) eventText(typ string) string {
	if text := v.t("event." + typ); text != "event."+typ {
		return text
	}
	return typ
}

// statusFamilies are the families of statuses by the type of record.
var statusFamilies = map[string]string{"receivable": "status.receivable.", "application": "status.application.", "loan": "status.loan.", "receipt": "status.receipt.",
	"device": "status.device.", "policy": "status.policy."}

// history is what a record has been, the latest first; nothing where it is not the viewer's to know.
func (v *visit) history(typ, id string) ([]page.Event, error) {
	versions, err := v.Store.History(v.ctx(), v.viewer, typ, id)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []page.Event
	before := ""
	for _, x := range versions {
		text := v.t("history.changed")
		if x.Status != before && x.Status != "" {
			text = v.t(statusFamilies[typ] + x.Status)
		}
		before = x.Status
		list = append(list, page.Event{At: x.At, Text: text, By: x.Creator, Block: x.Block})
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list, nil
}

func activity(v *visit) (answer, error) {
	before, err := strconv.ParseInt(v.query("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	view := page.Activity{}
	var last int64
	if view.Events, last, err = v.feed(before, feedLength); err != nil {
		return answer{}, err
	}
	if last != 0 {
		view.Next = "/activity?before=" + strconv.FormatInt(last, 10)
	}
	return show(view.Draw())
}

func search(v *visit) (answer, error) {
	view := page.Found{Query: strings.TrimSpace(v.query("q"))}
	if view.Query != "" {
		hits, err := v.Store.Search(v.ctx(), v.viewer, view.Query, resultLength)
		if err != nil {
			return answer{}, err
		}
		for _, h := range hits {
			view.Hits = append(view.Hits, page.Hit{Kind: "kind." + h.Record, Title: title(h), Sub: page.Short(h.ID), Href: v.href(h.Record, h.Key)})
		}
	}
	return show(view.Draw())
}

func title(h projection.Hit) string {
	if h.Title != "" {
		return h.Title
	}
	return page.Short(h.ID)
}

func programmes(v *visit) (answer, error) {
	list, err := v.Store.Circles(v.ctx(), v.viewer, "", v.pageOf())
	if err != nil {
		return answer{}, err
	}
	view := page.Programmes{Next: v.next(list.Next)}
	for _, c := range list.Items {
		if c.Reads {
			view.Items = append(view.Items, c)
		}
	}
	return show(view.Draw())
}

func (v *visit) operation(op outbox.Operation) page.Operation {
	what := v.t("operation." + op.Action)
	if what == "operation."+op.Action { // asked through the API, or by an older version
		what = op.Action
	}
	return page.Operation{ID: op.ID, What: what, Status: string(op.State), At: op.Created, Transaction: op.Transaction, Block: op.Block,
		Fault: op.Problem, Href: v.about(op.About)}
}

func operations(v *visit) (answer, error) {
	list, err := v.Outbox.List(v.ctx(), v.person.Subject, "", v.query("after"), projection.DefaultPageSize)
	if err != nil {
		return answer{}, err
	}
	view := page.Operations{}
	for _, op := range list {
		view.Items = append(view.Items, v.operation(op))
	}
	if len(list) == projection.DefaultPageSize {
		view.Next = v.next(list[len(list)-1].ID)
	}
	return show(view.Draw())
}

func operationPage(v *visit) (answer, error) {
	op, err := v.Outbox.Get(v.ctx(), v.person.Subject, v.r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if op.State == outbox.Done {
		ctx, cancel := context.WithTimeout(v.ctx(), waitForModel)
		defer cancel()
		_ = v.Store.Wait(ctx, op.Block) // the page says what the ledger has said, whatever the read model knows
	}
	view := v.operation(op)
	view.Back = local(v.query("back"))
	out := answer{page: view.Draw()}
	if view.Open() {
		out.again = "2"
	}
	return out, nil
}

// days are the first and last due date that the address asks for.
func (v *visit) days() (from, to calendar.Date, err error) {
	for _, d := range []struct {
		name string
		into *calendar.Date
	}{{"from", &from}, {"to", &to}} {
		if text := v.query(d.name); text != "" {
			if *d.into, err = calendar.Parse(text); err != nil {
				return from, to, err
			}
		}
	}
	return from, to, nil
}

// past reports whether an instant is over.
func (v *visit) past(at time.Time) bool { return !v.Now().Before(at) }
