package projection

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Common are the filters that every list has. The zero value filters nothing.
type Common struct {
	// Status keeps records in one of the statuses.
	Status []string
	// DueFrom and DueTo, both inclusive, keep records whose due date, maturity or last day lies between.
	DueFrom, DueTo calendar.Date
	// Circle keeps the records of one programme or desk.
	Circle string
	// ByDue orders by due date, the earliest first; otherwise the newest record comes first.
	ByDue bool
}

// listing is a list of one type's records.
type listing struct {
	typ string
	Common
	table string      // the type's own table, for equals
	equal []condition // what its columns must be
	to    *link       // only records that are linked to it; an empty role is any
}

type condition struct {
	column string
	value  string
	not    bool
}

// where adds a condition on the type's own table, unless the value is empty.
func (l *listing) where(column, value string) {
	if value != "" {
		l.equal = append(l.equal, condition{column: column, value: value})
	}
}

// known adds a condition that the column of the type's own table is not empty.
func (l *listing) known(column string) {
	l.equal = append(l.equal, condition{column: column, not: true})
}

// found is a record of a list, with its place in the order.
type found struct {
	id      string
	due     string
	created int64
	body    []byte
}

// pageSize is how many rows a page asks for.
func (p Page) size() (int, error) {
	switch {
	case p.Size == 0:
		return DefaultPageSize, nil
	case p.Size < 0 || p.Size > MaxPageSize:
		var bad fault.Fields
		bad.Add("size", p.Size, "must be 1 to %d", MaxPageSize)
		return 0, bad.Err()
	}
	return p.Size, nil
}

// cursor is the place of a page's last row.
type cursor struct {
	due     string
	created int64
}

func (c cursor) text() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.due + "|" + strconv.FormatInt(c.created, 10)))
}

func parseCursor(text string) (c cursor, set bool, err error) {
	if text == "" {
		return c, false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	due, number, ok := strings.Cut(string(raw), "|")
	if err == nil && ok {
		c.due = due
		c.created, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || !ok {
		var bad fault.Fields
		bad.Add("after", text, "must be the cursor that a page has given")
		return c, false, bad.Err()
	}
	return c, true, nil
}

// rows returns at most limit records of the listing after the cursor that the viewer may see.
func (s *Store) rows(ctx context.Context, v Viewer, l listing, after string, limit int) ([]found, error) {
	c, set, err := parseCursor(after)
	if err != nil {
		return nil, err
	}
	parties, err := s.parties(ctx, v)
	if err != nil {
		return nil, err
	}
	byDue := l.ByDue || !l.DueFrom.IsZero() || !l.DueTo.IsZero()
	order := " ORDER BY created DESC"
	if byDue {
		order = " ORDER BY due, created"
	}
	statuses := l.Status
	if len(statuses) == 0 {
		statuses = []string{""}
	}
	// One arm for each status, so that every arm runs along an index in the order of the list.
	var q sqlText
	for i, status := range statuses {
		q.addIf(i > 0, " UNION ALL ")
		q.add("SELECT * FROM (")
		lead := l.from(&q, v, parties)
		q.add(" AND ")
		q.visible(v, parties, kinds[l.typ].access)
		q.addIf(status != "", " AND "+lead+".status = ?", status)
		q.addIf(!l.DueFrom.IsZero(), " AND "+lead+".due >= ?", dayText(l.DueFrom))
		q.addIf(!l.DueTo.IsZero(), " AND "+lead+".due <= ?", dayText(l.DueTo))
		q.addIf(byDue && !l.DueTo.IsZero() && l.DueFrom.IsZero(), " AND "+lead+".due > ''")
		q.addIf(l.Circle != "", " AND r.circle = ?", l.Circle)
		if byDue {
			q.addIf(set, " AND ("+lead+".due, "+lead+".created) > (?, ?)", c.due, c.created)
			q.add(" ORDER BY "+lead+".due, "+lead+".created LIMIT ?) AS arm", limit)
		} else {
			q.addIf(set, " AND "+lead+".created < ?", c.created)
			q.add(" ORDER BY "+lead+".created DESC LIMIT ?) AS arm", limit)
		}
	}
	q.addIf(len(statuses) > 1, order+" LIMIT ?", limit)
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scanFound)
}

func scanFound(scan func(...any) error) (f found, err error) {
	return f, scan(&f.id, &f.due, &f.created, &f.body)
}

// from adds the tables of the listing up to the first conditions and returns the alias of the one whose index gives the order:
// that of a party's records for a hosted party, that of the type where a column is given, the links, or the records'.
// CROSS JOIN keeps SQLite from choosing another order of the tables.
func (l listing) from(q *sqlText, v Viewer, parties []string) string {
	q.add("SELECT r.id, r.due, r.created, r.body FROM ")
	byParty := v.scope(kinds[l.typ].access) == ownParties && len(parties) == 1
	lead := "r"
	switch {
	case l.to != nil:
		q.add("link k CROSS JOIN record r")
	case byParty && (hostOnly(v) || len(l.equal) == 0):
		q.add("record_party v CROSS JOIN record r")
		lead = "v"
	case len(l.equal) > 0:
		q.add(l.table + " x CROSS JOIN record r")
		lead = "x"
	default:
		q.add("record r")
	}
	if len(l.equal) > 0 && lead != "x" {
		q.add(" CROSS JOIN " + l.table + " x")
	}
	q.add(" WHERE r.type = ?", l.typ)
	switch {
	case l.to != nil:
		q.add(" AND k.to_type = ? AND k.to_id = ? AND k.type = ? AND r.id = k.id", l.to.typ, l.to.id, l.typ)
		q.addIf(l.to.role != "", " AND k.role = ?", l.to.role)
	case lead == "v":
		q.add(" AND v.party = ? AND v.type = ? AND r.id = v.id", parties[0], l.typ)
	}
	q.addIf(len(l.equal) > 0, " AND x.id = r.id")
	for _, e := range l.equal {
		is := " = ?"
		if e.not {
			is = " <> ?"
		}
		q.add(" AND x."+e.column+is, e.value)
	}
	return lead
}

// page reads a page and makes views of its records; view leaves out a record by ok = false, and the page is then short.
func page[R, T any](ctx context.Context, s *Store, v Viewer, l listing, p Page, view func(ctx context.Context, rec R) (out T, ok bool, err error)) (Slice[T], error) {
	size, err := p.size()
	if err != nil {
		return Slice[T]{}, err
	}
	rows, err := s.rows(ctx, v, l, p.After, size+1)
	if err != nil {
		return Slice[T]{}, err
	}
	slice := Slice[T]{Items: []T{}}
	if len(rows) > size {
		rows = rows[:size]
		slice.Next = cursor{rows[size-1].due, rows[size-1].created}.text()
	}
	for _, row := range rows {
		rec, err := decode[R](row.body)
		if err != nil {
			return slice, err
		}
		out, ok, err := view(ctx, rec)
		if err != nil {
			return slice, err
		}
		if ok {
			slice.Items = append(slice.Items, out)
		}
	}
	return slice, nil
}

// whole is the view of a record as it is.
func whole[T any](_ context.Context, rec T) (T, bool, error) { return rec, true, nil }

// one returns a record that the viewer may see, or RECORD_NOT_FOUND.
func one[T any](ctx context.Context, s *Store, v Viewer, typ, id string) (T, error) {
	var none T
	parties, err := s.parties(ctx, v)
	if err != nil {
		return none, err
	}
	var q sqlText
	q.add("SELECT r.body FROM record r WHERE r.type = ? AND r.id = ? AND ", typ, id)
	q.visible(v, parties, kinds[typ].access)
	var body []byte
	err = s.reader(ctx).QueryRowContext(ctx, q.text.String(), q.args...).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return none, notFound(typ, id)
	}
	if err != nil {
		return none, err
	}
	return decode[T](body)
}

// whatever returns a record without asking who reads, for views of a record that the viewer may see.
func whatever[T any](ctx context.Context, s *Store, typ, id string) (rec T, ok bool, err error) {
	var body []byte
	err = s.reader(ctx).QueryRowContext(ctx, `SELECT body FROM record WHERE type = $1 AND id = $2`, typ, id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return rec, false, nil
	}
	if err != nil {
		return rec, false, err
	}
	rec, err = decode[T](body)
	return rec, err == nil, err
}

// Each calls the function for every row of a list, page by page, so that an export never holds more than one page:
//
//	projection.Each(ctx, func(p projection.Page) (projection.Slice[receivable.Receivable], error) { return store.Receivables(ctx, v, filter, p) }, write)
func Each[T any](ctx context.Context, read func(Page) (Slice[T], error), each func(T) error) error {
	for p := (Page{Size: MaxPageSize}); ; {
		slice, err := read(p)
		if err != nil {
			return err
		}
		for _, item := range slice.Items {
			if err := each(item); err != nil {
				return err
			}
		}
		if slice.Next == "" || ctx.Err() != nil {
			return ctx.Err()
		}
		p.After = slice.Next
	}
}
