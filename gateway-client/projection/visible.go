package projection

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// sees is how much of a type's records a viewer may see.
type sees int

const (
	nothing sees = iota
	all
	ownBank    // those of the viewer's organisation, a bank
	ownParties // those that one of the viewer's parties is concerned in, or that are "of" such a record
	ownCircles // those of circles in which one of the viewer's parties is registered
	ownNames   // parties that the viewer may know of
)

// scope is the one place that says who sees which records.
func (v Viewer) scope(a access) sees {
	switch v.Kind {
	case member.Regulator:
		return all
	case member.Bank, member.Buyer, member.Warehouse, member.Supplier:
	default:
		return nothing
	}
	supplier, bank := v.Kind == member.Supplier, v.Kind == member.Bank
	switch a {
	case public:
		return all
	case forTrade:
		if bank {
			return all
		}
		return ownParties
	case forGoods:
		if supplier {
			return ownParties
		}
		return all
	case forBank:
		if bank {
			return ownBank
		}
		return ownParties
	case bankOnly:
		if bank {
			return ownBank
		}
	case forCircle:
		if supplier {
			return ownCircles
		}
		return all
	case lookupOnly:
		if bank {
			return all
		}
	case names:
		if supplier {
			return ownNames
		}
		return all
	}
	return nothing
}

// hostOnly reports whether the viewer works for one of the parties that its organisation hosts, and sees that party's only.
func hostOnly(v Viewer) bool { return v.Kind == member.Supplier }

// parties lists the parties whose records the viewer may see: of a supplier's viewer its own, of others all that the
// organisation hosts.
func (s *Store) parties(ctx context.Context, v Viewer) ([]string, error) {
	var list []string
	if v.Party != "" {
		list = []string{v.Party}
	}
	if hostOnly(v) || v.MSP == "" {
		return list, nil
	}
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT DISTINCT party FROM party WHERE host = $1 ORDER BY party`, v.MSP)
	if err != nil {
		return nil, err
	}
	hosted, err := scanAll(rows, func(scan func(...any) error) (p string, err error) { return p, scan(&p) })
	for _, p := range hosted {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list, err
}

// visible adds the condition that the record r is visible, of the type with the access.
func (q *sqlText) visible(v Viewer, parties []string, a access) {
	switch v.scope(a) {
	case all:
		q.add("1 = 1")
	case ownBank:
		q.add("r.msp = ?", v.MSP)
	case ownParties:
		if len(parties) == 0 {
			q.add("1 = 0")
			return
		}
		q.add("(EXISTS (SELECT 1 FROM record_party p WHERE p.type = r.type AND p.id = r.id AND ")
		q.in("p.party", parties)
		q.add(") OR EXISTS (SELECT 1 FROM link l JOIN record_party p ON p.type = l.to_type AND p.id = l.to_id WHERE l.type = r.type AND l.id = r.id AND l.role = ? AND p.former = 0 AND ", roleOf)
		q.in("p.party", parties)
		q.add("))")
	case ownCircles:
		if len(parties) == 0 {
			q.add("1 = 0")
			return
		}
		q.add("EXISTS (SELECT 1 FROM party p WHERE p.circle = r.circle AND ")
		q.in("p.party", parties)
		q.add(")")
	case ownNames:
		if v.Party == "" {
			q.add("1 = 0")
			return
		}
		q.add(`EXISTS (SELECT 1 FROM party n WHERE n.id = r.id AND EXISTS (SELECT 1 FROM party o WHERE o.circle = n.circle AND o.party = ?)
			AND (n.party = ? OR n.host <> ? OR EXISTS (SELECT 1 FROM acquaintance a WHERE a.party = ? AND a.knows = n.party)))`, v.Party, v.Party, v.MSP, v.Party)
	default:
		q.add("1 = 0")
	}
}

// eventVisible adds the condition that the event e is visible to a viewer who is no hosted party.
func (q *sqlText) eventVisible(v Viewer, parties []string) {
	byScope := map[sees][]string{}
	for typ, k := range kinds {
		byScope[v.scope(k.access)] = append(byScope[v.scope(k.access)], typ)
	}
	for _, types := range byScope {
		slices.Sort(types)
	}
	q.add("(1 = 0")
	if types := byScope[all]; len(types) > 0 {
		q.add(" OR ")
		q.in("e.of_type", types)
	}
	if types := byScope[ownBank]; len(types) > 0 {
		q.add(" OR (e.msp = ? AND ", v.MSP)
		q.in("e.of_type", types)
		q.add(")")
	}
	if types := byScope[ownParties]; len(types) > 0 && len(parties) > 0 {
		q.add(" OR (")
		q.in("e.of_type", types)
		q.add(" AND EXISTS (SELECT 1 FROM event_party p WHERE p.sequence = e.sequence AND ")
		q.in("p.party", parties)
		q.add("))")
	}
	q.add(")")
}

// notFound is the answer for what is not there and for what the viewer may not see: nobody learns which.
func notFound(typ, id string) error {
	return fault.New(fault.RecordNotFound, "there is no %s %s", typ, id)
}

// sqlText builds a statement; ? stands for the next argument.
type sqlText struct {
	text strings.Builder
	args []any
}

func (q *sqlText) add(text string, args ...any) {
	for {
		before, after, found := strings.Cut(text, "?")
		q.text.WriteString(before)
		if !found {
			return
		}
		q.args = append(q.args, args[0])
		args = args[1:]
		q.text.WriteString("$" + strconv.Itoa(len(q.args)))
		text = after
	}
}

func (q *sqlText) addIf(ok bool, text string, args ...any) {
	if ok {
		q.add(text, args...)
	}
}

func (q *sqlText) in(column string, values []string) {
	if len(values) == 1 {
		q.add(column+" = ?", values[0])
		return
	}
	q.add(column + " IN (")
	for i, v := range values {
		q.addIf(i > 0, ", ")
		q.add("?", v)
	}
	q.add(")")
}

func (q *sqlText) query(ctx context.Context, on querier) (*sql.Rows, error) {
	return on.QueryContext(ctx, q.text.String(), q.args...)
}

func scanAll[T any](rows *sql.Rows, one func(scan func(...any) error) (T, error)) ([]T, error) {
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		item, err := one(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}
