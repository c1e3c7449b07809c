package projection

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tallystick/tallystick/chaincode/calendar"
)

// access says who may see the records of a type, besides the regulator, who sees all. A capability picks one for each of its
// types; visible.go is where it is applied, and nowhere else.
type access int

const (
	// public records are for everybody.
	public access = iota
	// forTrade records are for every bank that holds them; to others, where one of their parties is concerned.
	forTrade
	// forGoods records are for every bank, buyer and warehouse that holds them; to a supplier's party where it is concerned.
	forGoods
	// forBank records are for the bank whose they are, and to others where one of their parties is concerned.
	forBank
	// bankOnly records are for the bank whose they are.
	bankOnly
	// forCircle records are for everybody who holds them; to a supplier's party where it is registered in the circle.
	forCircle
	// lookupOnly records are for banks; others reach them through the record that they belong to.
	lookupOnly
	// names are the entries of who a party is: to a supplier's party its own, those of other organisations' parties in its
	// circles, and those that it has traded with.
	names
)

// kind says how the records of one type on the ledger become rows.
type kind struct {
	typ    string
	access access
	rows   func(l lookup, r *row) error
}

// lookup finds the body of another record as it stands, decoded into out. ok is false where the organisation does not hold it.
type lookup func(typ, id string, out any) (ok bool, err error)

// row is a record with everything that is derived from it. Two rows of equal body are equal, so what a record's old version
// has put into the tables is found by deriving it again.
type row struct {
	typ, id, circle string
	body            []byte

	// msp is the bank whose record it is, status and due what lists filter and sort by.
	msp, status, due string
	concerns         []concern
	links            []link
	terms            []string // for the search
	totals           []total
	met              [][2]string // parties that know each other from now on
	index            index
}

// concern is a party that a record concerns. A former one still sees it, and hears no more of it.
type concern struct {
	party  string
	former bool
}

// link leads from a record to another one. A record is visible through a link with the role "of" to whom its target is.
type link struct{ role, typ, id string }

// The roles of links that more than one capability uses.
const (
	roleOf         = "of" // belongs to
	roleCollateral = "collateral"
	roleCause      = "cause" // came of
)

// total is what a record adds to a sum. Scope is whose sum it is ("" for everybody's), subject and day what it is by.
type total struct {
	name, scope, subject, currency, day string
	minor                               int64
}

// index is the record's row in its type's own table, for filters that only this type has.
type index struct {
	table   string
	columns []string
	values  []any
}

func (r *row) concern(parties ...string) {
	for _, p := range parties {
		r.addConcern(p, false)
	}
}

func (r *row) addConcern(party string, former bool) {
	if party == "" {
		return
	}
	for i, c := range r.concerns {
		if c.party == party {
			r.concerns[i].former = c.former && former
			return
		}
	}
	r.concerns = append(r.concerns, concern{party, former})
}

func (r *row) link(role, typ, id string) {
	if id == "" {
		return
	}
	l := link{role, typ, id}
	for _, have := range r.links {
		if have == l {
			return
		}
	}
	r.links = append(r.links, l)
}

func (r *row) add(name, scope, subject, currency string, day calendar.Date, minor int64) {
	r.totals = append(r.totals, total{name, scope, subject, currency, dayText(day), minor})
}

func (r *row) meet(a, b string) {
	if a != "" && b != "" && a != b {
		r.met = append(r.met, [2]string{a, b}, [2]string{b, a})
	}
}

// columns sets the row in the type's own table. Created, status and due come first in every such table.
func (r *row) columns(table string, pairs ...any) {
	r.index.table = table
	for i := 0; i < len(pairs); i += 2 {
		r.index.columns = append(r.index.columns, pairs[i].(string))
		r.index.values = append(r.index.values, pairs[i+1])
	}
}

// dayText is a date as it stands in a column: "" for none.
func dayText(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// kindOf makes a kind of the record's Go type. The body that is kept is that of the decoded record after derive, so derive may
// leave out what no reader of this model needs.
func kindOf[T any](typ string, a access, derive func(rec *T, l lookup, r *row) error) kind {
	return kind{typ: typ, access: a, rows: func(l lookup, r *row) error {
		var rec T
		if err := json.Unmarshal(r.body, &rec); err != nil {
			return fmt.Errorf("a %s does not decode: %w", typ, err)
		}
		if err := derive(&rec, l, r); err != nil {
			return err
		}
		body, err := json.Marshal(rec)
		r.body = body
		return err
	}}
}

// capabilities lists the types that the read model keeps, by capability. What is not listed is not kept: requests, envelopes,
// lot keys and fingerprints serve no reader.
func capabilities() [][]kind {
	return [][]kind{memberKinds(), receivableKinds(), financingKinds(), creditKinds(), receiptKinds(), marginKinds()}
}

var kinds = func() map[string]kind {
	all := map[string]kind{}
	for _, list := range capabilities() {
		for _, k := range list {
			all[k.typ] = k
		}
	}
	return all
}()

// decode reads a body as a record.
func decode[T any](body []byte) (T, error) {
	var rec T
	err := json.Unmarshal(body, &rec)
	return rec, err
}

type ctxKey struct{}

// snapshot is the transaction in which several reads see one state.
func snapshot(ctx context.Context) (querier, bool) {
	q, ok := ctx.Value(ctxKey{}).(querier)
	return q, ok
}
