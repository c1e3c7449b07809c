package portal

import (
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/portal/chart"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// How far a picture goes from its record: a page shows what is near, the supervisor walks further.
const (
	lineageSteps = 3
	walkSteps    = 5
)

// ranks are the columns of a picture: what was lent to the left, what it rests on to the right. Types that are not here (scores,
// policies, consents) belong to the decision and not to the way from a loan to the goods and the invoice.
var ranks = map[string]int{"loan": 0, "application": 1, "fragment": 2, "receipt": 2, "receivable": 3, "goods": 3, "evidence": 3, "payment": 3, "sale": 3,
	"party": 4, "device": 4}

// picture draws what a walk has found; node addresses begin with base where they lead on walking.
func (v *visit) picture(g projection.Graph, here, title, description string, walking bool) chart.Graph {
	out := chart.Graph{Name: "lineage", Title: title, Description: description}
	for _, n := range g.Nodes {
		rank, ok := ranks[n.Record]
		if !ok {
			continue
		}
		node := chart.Node{ID: n.Key, Kind: v.t("kind." + n.Record), Title: v.nodeTitle(n), Sub: v.nodeSub(n), Rank: rank, Here: n.Key == here}
		_, id, _ := strings.Cut(n.Key, ":")
		switch {
		case walking && meetsOnTheWay[n.Record] && !node.Here:
			node.Href = "/graph/" + n.Record + "/" + id
		case n.Record == "party" && walking:
			node.Href = "/search?q=" + n.ID
		default:
			node.Href = v.href(n.Record, id)
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, e := range g.Edges {
		label := v.t("role.of." + e.Role)
		if label == "role.of."+e.Role {
			label = ""
		}
		from, _, _ := strings.Cut(e.From, ":")
		to, _, _ := strings.Cut(e.To, ":")
		if ranks[from] > ranks[to] { // drawn from the left to the right
			e.From, e.To = e.To, e.From
		}
		out.Edges = append(out.Edges, chart.Edge{From: e.From, To: e.To, Label: label})
	}
	return out
}

// meetsOnTheWay are the types from which one walks on.
var meetsOnTheWay = map[string]bool{"loan": true, "application": true, "fragment": true, "receipt": true, "receivable": true}

func (v *visit) nodeTitle(n projection.Node) string {
	switch n.Record {
	case "receivable", "party", "goods":
		if n.Label != "" {
			return n.Label
		}
	case "loan", "fragment", "application":
		if n.Minor > 0 {
			return v.words.Money(n.Minor, n.Currency)
		}
	}
	if title := v.titles().Title(n.ID); title != "" {
		return title
	}
	return page.Short(n.ID)
}

func (v *visit) nodeSub(n projection.Node) string {
	var parts []string
	if n.Record == "receivable" && n.Minor > 0 {
		parts = append(parts, v.words.Money(n.Minor, n.Currency))
	}
	if n.Record == "goods" {
		parts = append(parts, n.ID)
	}
	family := map[string]string{"receivable": "status.receivable.", "fragment": "status.fragment.", "loan": "status.loan.", "application": "status.application.",
		"receipt": "status.receipt.", "device": "status.device."}[n.Record]
	if n.Status != "" && family != "" {
		parts = append(parts, v.t(family+n.Status))
	}
	if n.Record == "fragment" {
		parts = append(parts, v.t("claim.tier.n", "n", n.Tier))
	}
	return strings.Join(parts, " · ")
}

// lineage is the picture around a record, for whoever may walk: banks and the regulator; nil for others.
func (v *visit) lineage(typ, id string) (*chart.Graph, error) {
	if v.person.Kind != member.Bank && v.person.Kind != member.Regulator {
		return nil, nil
	}
	g, err := v.Store.Walk(v.ctx(), v.viewer, typ, id, lineageSteps)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	drawn := v.picture(g, typ+":"+id, v.t("lineage.title"), v.t("lineage.description"), false)
	return &drawn, nil
}

// way is the picture of a holding: the debtor, from whom the holder has the claim, and to whom it is offered. The tiers between
// are not the holder's to see.
func (v *visit) way(h receivable.Holding) (*chart.Graph, error) {
	ids := []string{h.Debtor, h.Holder}
	if h.From != nil {
		ids = append(ids, h.From.From)
	}
	if h.Offer != nil {
		ids = append(ids, h.Offer.To)
	}
	name, err := v.named(ids...)
	if err != nil {
		return nil, err
	}
	g := &chart.Graph{Name: "way", Title: v.t("way.title"), Description: v.t("way.description")}
	add := func(id, kind, party, sub string) {
		g.Nodes = append(g.Nodes, chart.Node{ID: id, Kind: v.t(kind), Title: name(party), Sub: sub, Rank: len(g.Nodes), Here: party == v.person.Party})
		if n := len(g.Nodes); n > 1 {
			g.Edges = append(g.Edges, chart.Edge{From: g.Nodes[n-2].ID, To: id, Label: v.t(kind)})
		}
	}
	add("debtor", "claim.debtor", h.Debtor, v.t("way.owes"))
	if h.From != nil {
		add("from", "claim.from", h.From.From, v.t("recourse."+string(h.From.Recourse)))
	}
	add("holder", "claim.holder", h.Holder, v.words.Money(h.FaceMinor, h.Currency))
	if h.Offer != nil {
		add("to", "claim.to", h.Offer.To, v.t("recourse."+string(h.Offer.Recourse)))
	}
	return g, nil
}

func walkStart(v *visit) (answer, error) {
	list, err := v.Store.Loans(v.ctx(), v.viewer, projection.LoanFilter{}, v.today, v.pageOf())
	if err != nil {
		return answer{}, err
	}
	return show(page.Start{Loans: list.Items, Next: v.next(list.Next)}.Draw())
}

func walkPage(v *visit) (answer, error) {
	typ, id := v.r.PathValue("kind"), v.r.PathValue("id")
	if !meetsOnTheWay[typ] {
		return answer{}, fault.New(fault.RecordNotFound, "there is no walk from a %s", typ)
	}
	g, err := v.Store.Walk(v.ctx(), v.viewer, typ, id, walkSteps)
	if err != nil {
		return answer{}, err
	}
	here := typ + ":" + id
	if len(g.Nodes) > 0 {
		here = g.Nodes[0].Key // the walk begins there
	}
	last := id[strings.LastIndex(id, "/")+1:]
	view := page.Walk{Kind: typ, ID: last, Record: v.href(typ, id), Graph: v.picture(g, here, v.t("walk.graph"), v.t("lineage.description"), true)}
	return show(view.Draw())
}
