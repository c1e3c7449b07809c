package projection

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Node is a record, a party or goods in a walk.
type Node struct {
	Key      string `json:"key"`    // unique in the graph: type, ":", and the record's id in this model
	Record   string `json:"record"` // its type, or "goods"
	ID       string `json:"id"`
	Label    string `json:"label,omitempty"`
	Status   string `json:"status,omitempty"`
	Party    string `json:"party,omitempty"` // holder, owner or borrower
	Currency string `json:"currency,omitempty"`
	Minor    int64  `json:"minor,omitempty"`
	Due      string `json:"due,omitempty"`
	// Tier counts a fragment's transfers from the seller.
	Tier int `json:"tier,omitempty"`
	// Steps is how far it is from where the walk began; More is set where not all of its neighbours are in the graph.
	Steps int  `json:"steps"`
	More  bool `json:"more,omitempty"`
}

// Edge leads from one node to another; Role says how they belong together: "collateral", "cause", "part", "parent", "seller" …
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	Role string `json:"role"`
}

// Graph is what a walk has found.
type Graph struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Limits of a walk.
const (
	MaxSteps      = 8
	maxNodes      = 300
	maxNeighbours = 40
)

// meets are the types that are walked against the direction of links, too. Others, as a device or a policy, are shared by so
// many records that a walk through them would end anywhere.
var meets = map[string]bool{"loan": true, "application": true, "fragment": true, "receivable": true, "receipt": true}

// Walk begins at a record and follows what belongs together, at most so many steps (1 to MaxSteps): from a loan to its
// application and score, its collateral, the receivable and the tiers of its fragments, the parties of the invoice, and to the receipt,
// the goods and the evidence. Every node is one that the viewer may see. It is for banks and the regulator; RECORD_NOT_FOUND otherwise.
func (s *Store) Walk(ctx context.Context, v Viewer, typ, id string, steps int) (Graph, error) {
	if typ == "fragment" && !strings.Contains(id, "/") {
		var err error
		if id, err = fragmentKey(id); err != nil {
			return Graph{}, notFound(typ, id)
		}
	}
	if v.scope(lookupOnly) != all {
		return Graph{}, notFound(typ, id)
	}
	w := &walk{s: s, v: v, at: map[string]int{}}
	err := s.Snapshot(ctx, func(ctx context.Context) error {
		if err := w.visit(ctx, typ, id, 0); err != nil {
			return err
		}
		if len(w.graph.Nodes) == 0 {
			return notFound(typ, id)
		}
		for i := 0; i < len(w.graph.Nodes); i++ {
			if n := w.graph.Nodes[i]; n.Steps < min(max(steps, 1), MaxSteps) {
				if err := w.expand(ctx, i); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return w.graph, err
}

type walk struct {
	s     *Store
	v     Viewer
	graph Graph
	at    map[string]int // nodes by key
}

func nodeKey(typ, id string) string { return typ + ":" + id }

// visit adds the node of a record that the viewer may see.
func (w *walk) visit(ctx context.Context, typ, id string, steps int) error {
	k, ok := kinds[typ]
	if _, known := w.at[nodeKey(typ, id)]; known || !ok || len(w.graph.Nodes) >= maxNodes {
		return nil
	}
	parties, err := w.s.parties(ctx, w.v)
	if err != nil {
		return err
	}
	var q sqlText
	q.add("SELECT r.status, r.due, r.body FROM record r WHERE r.type = ? AND r.id = ? AND ", typ, id)
	q.visible(w.v, parties, k.access)
	n := Node{Key: nodeKey(typ, id), Record: typ, ID: lastPart(id), Steps: steps}
	var body []byte
	err = w.s.reader(ctx).QueryRowContext(ctx, q.text.String(), q.args...).Scan(&n.Status, &n.Due, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	w.add(n)
	return w.describe(ctx, len(w.graph.Nodes)-1, body)
}

func (w *walk) add(n Node) {
	w.at[n.Key] = len(w.graph.Nodes)
	w.graph.Nodes = append(w.graph.Nodes, n)
}

func (w *walk) edge(from, role, to string) {
	_, have := w.at[from]
	_, too := w.at[to]
	if e := (Edge{from, to, role}); have && too && !slices.Contains(w.graph.Edges, e) {
		w.graph.Edges = append(w.graph.Edges, e)
	}
}

// describe fills a node in from its record, and adds the parties and goods that are no records of their own.
func (w *walk) describe(ctx context.Context, i int, body []byte) error {
	n := w.graph.Nodes[i]
	var err error
	switch n.Record {
	case "receivable":
		var r receivable.Receivable
		if r, err = decode[receivable.Receivable](body); err == nil {
			n.Label, n.Currency, n.Minor = r.Invoice.Number, r.Invoice.Currency, r.Invoice.PayableMinor
			err = errors.Join(w.party(ctx, n, "seller", r.Invoice.Seller), w.party(ctx, n, "buyer", r.Invoice.Buyer))
		}
	case "fragment":
		var f receivable.Fragment
		if f, err = decode[receivable.Fragment](body); err == nil {
			n.Currency, n.Minor, n.Party, n.Tier = f.Currency, f.FaceMinor, f.Holder, f.Tier()
			err = w.party(ctx, n, "holder", f.Holder)
		}
	case "loan":
		var l financing.Loan
		if l, err = decode[financing.Loan](body); err == nil {
			n.Label, n.Currency, n.Minor, n.Party = string(l.Product), l.Terms.Currency, l.Owed.PrincipalMinor, l.Borrower
			err = w.party(ctx, n, "borrower", l.Borrower)
		}
	case "application":
		var a financing.Application
		if a, err = decode[financing.Application](body); err == nil {
			n.Label, n.Currency, n.Minor, n.Party = string(a.Product), a.Currency, a.AdvanceMinor, a.Applicant
			err = w.party(ctx, n, "applicant", a.Applicant)
		}
	case "receipt":
		var r receipt.Receipt
		if r, err = decode[receipt.Receipt](body); err == nil {
			n.Label, n.Party = r.Site, r.Owner.Party
			err = w.party(ctx, n, "owner", r.Owner.Party)
			for j, line := range r.Lines {
				goods := Node{Key: nodeKey("goods", n.ID+"/"+strconv.Itoa(j)), Record: "goods", ID: line.Lot, Steps: n.Steps + 1,
					Label: line.Class + " " + apd.New(line.Quantity.Value, -int32(line.Quantity.Scale)).Text('f') + " " + line.Quantity.Unit}
				w.add(goods)
				w.edge(n.Key, "goods", goods.Key)
			}
		}
	}
	w.graph.Nodes[i] = n
	return err
}

func (w *walk) party(ctx context.Context, of Node, role, id string) error {
	key := nodeKey("party", id)
	if _, known := w.at[key]; !known {
		p, err := w.s.Party(ctx, w.v, id)
		if fault.CodeOf(err) == fault.RecordNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		w.add(Node{Key: key, Record: "party", ID: id, Label: p.Name, Party: id, Steps: of.Steps + 1})
	}
	w.edge(of.Key, role, key)
	return nil
}

// expand adds the neighbours of a node.
func (w *walk) expand(ctx context.Context, i int) error {
	n := w.graph.Nodes[i]
	typ, id, _ := strings.Cut(n.Key, ":")
	if _, ok := kinds[typ]; !ok || typ == "party" {
		return nil
	}
	out, err := w.links(ctx, `SELECT to_type, to_id, role FROM link WHERE type = $1 AND id = $2 ORDER BY role, to_type, to_id LIMIT $3`, typ, id)
	if err != nil {
		return err
	}
	var in []link
	if meets[typ] {
		if in, err = w.links(ctx, `SELECT type, id, role FROM link WHERE to_type = $1 AND to_id = $2 ORDER BY created LIMIT $3`, typ, id); err != nil {
			return err
		}
	}
	if len(out) > maxNeighbours || len(in) > maxNeighbours {
		w.graph.Nodes[i].More = true
		out, in = out[:min(len(out), maxNeighbours)], in[:min(len(in), maxNeighbours)]
	}
	for _, l := range out {
		if err := w.visit(ctx, l.typ, l.id, n.Steps+1); err != nil {
			return err
		}
		w.edge(n.Key, l.role, nodeKey(l.typ, l.id))
	}
	for _, l := range in {
		if err := w.visit(ctx, l.typ, l.id, n.Steps+1); err != nil {
			return err
		}
		w.edge(nodeKey(l.typ, l.id), l.role, n.Key)
	}
	if len(w.graph.Nodes) >= maxNodes {
		w.graph.Nodes[i].More = true
	}
	return nil
}

func (w *walk) links(ctx context.Context, query, typ, id string) ([]link, error) {
	rows, err := w.s.reader(ctx).QueryContext(ctx, query, typ, id, maxNeighbours+1)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (l link, err error) { return l, scan(&l.typ, &l.id, &l.role) })
}
