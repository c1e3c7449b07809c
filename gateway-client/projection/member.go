package projection

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/member"
)

func memberKinds() []kind {
	return []kind{
		kindOf("consortium", public, func(*member.Consortium, lookup, *row) error { return nil }),
		kindOf("member", public, func(m *member.Member, _ lookup, r *row) error {
			r.status, r.msp, r.terms = string(m.Status), m.MSP, words(m.Name)
			return nil
		}),
		kindOf("proposal", public, func(p *member.Proposal, _ lookup, r *row) error {
			r.status = string(p.Status)
			return nil
		}),
		kindOf("circle", public, func(c *circle.Circle, _ lookup, r *row) error {
			r.circle, r.status, r.msp = c.ID, string(c.Status), c.Founder
			return nil
		}),
		kindOf("party", names, func(p *member.Party, _ lookup, r *row) error {
			p.FingerprintKey = "" // it never leaves the ledger
			r.concern(p.ID)
			r.terms = words(p.Name)
			for _, id := range p.Identifiers {
				r.terms = append(r.terms, words(id.Value)...)
			}
			r.columns("party", "circle", r.circle, "party", p.ID, "host", p.Host, "name", p.Name)
			return nil
		}),
	}
}

// Party says who an opaque party id is.
type Party struct {
	ID          string              `json:"id"`
	Host        string              `json:"host"` // MSP id
	Name        string              `json:"name"`
	Country     string              `json:"country,omitempty"`
	Identifiers []member.Identifier `json:"identifiers,omitempty"`
	// Circles are the programmes and desks in which it is registered, as far as the viewer reads them.
	Circles []string `json:"circles"`
}

// Parties lists the parties that the viewer may know: those of the circles that its organisation reads; a supplier's party
// knows itself, those of other organisations in its own circles, and whom it trades with. Ordered by id.
func (s *Store) Parties(ctx context.Context, v Viewer, p Page) (Slice[Party], error) {
	size, err := p.size()
	if err != nil {
		return Slice[Party]{}, err
	}
	last, _, err := parseCursor(p.After)
	if err != nil {
		return Slice[Party]{}, err
	}
	var q sqlText
	if err := s.partyText(ctx, &q, v); err != nil {
		return Slice[Party]{}, err
	}
	q.add(" AND x.party > ? GROUP BY x.party ORDER BY x.party LIMIT ?", last.due, size+1)
	list, err := s.readParties(ctx, v, &q)
	slice := Slice[Party]{Items: list}
	if err == nil && len(list) > size {
		slice.Items = list[:size]
		slice.Next = cursor{due: list[size-1].ID}.text()
	}
	return slice, err
}

// partyText begins the choice of parties that the viewer may know: one entry a party.
func (s *Store) partyText(ctx context.Context, q *sqlText, v Viewer) error {
	parties, err := s.parties(ctx, v)
	if err != nil {
		return err
	}
	q.add("SELECT MIN(x.id) FROM party x JOIN record r ON r.type = 'party' AND r.id = x.id WHERE ")
	q.visible(v, parties, names)
	return nil
}

func (s *Store) readParties(ctx context.Context, v Viewer, q *sqlText) ([]Party, error) {
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	ids, err := scanAll(rows, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
	if err != nil {
		return nil, err
	}
	list := make([]Party, 0, len(ids))
	for _, id := range ids {
		p, ok, err := whatever[member.Party](ctx, s, "party", id)
		if err != nil || !ok {
			return nil, errors.Join(err, notFound("party", id))
		}
		out := Party{ID: p.ID, Host: p.Host, Name: p.Name, Country: p.Country, Identifiers: p.Identifiers}
		if out.Circles, err = s.circlesOf(ctx, v, p.ID); err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

// circlesOf lists the circles of a party; to a supplier's party those in which it is registered, too.
func (s *Store) circlesOf(ctx context.Context, v Viewer, party string) ([]string, error) {
	var q sqlText
	q.add("SELECT DISTINCT x.circle FROM party x WHERE x.party = ?", party)
	q.addIf(hostOnly(v), " AND EXISTS (SELECT 1 FROM party o WHERE o.circle = x.circle AND o.party = ?)", v.Party)
	q.add(" ORDER BY x.circle")
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (c string, err error) { return c, scan(&c) })
}

// Party returns a party that the viewer may know, or RECORD_NOT_FOUND.
func (s *Store) Party(ctx context.Context, v Viewer, id string) (Party, error) {
	var q sqlText
	if err := s.partyText(ctx, &q, v); err != nil {
		return Party{}, err
	}
	q.add(" AND x.party = ? GROUP BY x.party", id)
	list, err := s.readParties(ctx, v, &q)
	if err == nil && len(list) == 0 {
		err = notFound("party", id)
	}
	if err != nil {
		return Party{}, err
	}
	return list[0], nil
}

// Names returns the names of those of the parties that the viewer may know, by id.
func (s *Store) Names(ctx context.Context, v Viewer, ids ...string) (map[string]string, error) {
	out := map[string]string{}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return out, nil
	}
	if len(ids) > maxNames {
		ids = ids[:maxNames]
	}
	parties, err := s.parties(ctx, v)
	if err != nil {
		return nil, err
	}
	var q sqlText
	q.add("SELECT x.party, x.name FROM party x JOIN record r ON r.type = 'party' AND r.id = x.id WHERE ")
	q.in("x.party", ids)
	q.add(" AND ")
	q.visible(v, parties, names)
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	_, err = scanAll(rows, func(scan func(...any) error) (struct{}, error) {
		var id, name string
		err := scan(&id, &name)
		out[id] = name
		return struct{}{}, err
	})
	return out, err
}

// maxNames is the most names that one read returns.
const maxNames = 1000

// FindParty returns the party with exactly this registered number, name or id in a circle of the viewer's parties, for whoever
// passes a claim on to a business that it has not traded with yet: it must know the business already. RECORD_NOT_FOUND otherwise.
func (s *Store) FindParty(ctx context.Context, v Viewer, exact string) (Party, error) {
	exact = strings.TrimSpace(exact)
	parties, err := s.parties(ctx, v)
	if err != nil || exact == "" {
		return Party{}, errors.Join(err, notFound("party", exact))
	}
	var q sqlText
	q.add("SELECT x.id FROM party x LEFT JOIN term t ON t.party = '' AND t.type = 'party' AND t.id = x.id AND t.term = ? WHERE (x.party = ? OR x.name = ? OR t.term IS NOT NULL)",
		fold(exact), exact, exact)
	if hostOnly(v) {
		if len(parties) == 0 {
			return Party{}, notFound("party", exact)
		}
		q.add(" AND EXISTS (SELECT 1 FROM party o WHERE o.circle = x.circle AND o.party = ?)", v.Party)
	}
	q.add(" ORDER BY x.id")
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return Party{}, err
	}
	ids, err := scanAll(rows, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
	if err != nil {
		return Party{}, err
	}
	for _, id := range ids {
		p, ok, err := whatever[member.Party](ctx, s, "party", id)
		if err != nil || !ok {
			return Party{}, errors.Join(err, notFound("party", exact))
		}
		number := slices.ContainsFunc(p.Identifiers, func(i member.Identifier) bool { return i.Value == exact })
		if p.ID != exact && p.Name != exact && !number {
			continue // a word of the name only
		}
		out := Party{ID: p.ID, Host: p.Host, Name: p.Name, Country: p.Country, Identifiers: p.Identifiers}
		out.Circles, err = s.circlesOf(ctx, v, p.ID)
		return out, err
	}
	return Party{}, notFound("party", exact)
}

// Members lists the organisations of the consortium. They are public.
func (s *Store) Members(ctx context.Context, v Viewer, p Page) (Slice[member.Member], error) {
	return page(ctx, s, v, listing{typ: "member"}, p, whole[member.Member])
}

// Member returns an organisation of the consortium, or RECORD_NOT_FOUND.
func (s *Store) Member(ctx context.Context, v Viewer, msp string) (member.Member, error) {
	return one[member.Member](ctx, s, v, "member", msp)
}

// Proposals lists what the members vote on.
func (s *Store) Proposals(ctx context.Context, v Viewer, c Common, p Page) (Slice[member.Proposal], error) {
	return page(ctx, s, v, listing{typ: "proposal", Common: c}, p, whole[member.Proposal])
}

// CircleView is a programme or a desk, and what the viewer's organisation is in it.
type CircleView struct {
	circle.Circle
	// Reads is set where the organisation reads it, Waits where it has yet to confirm its key.
	Reads bool `json:"reads"`
	Waits bool `json:"waits,omitempty"`
}

func circleView(v Viewer, c circle.Circle) CircleView {
	return CircleView{Circle: c, Reads: slices.Contains(c.Readers(), v.MSP), Waits: slices.Contains(c.Missing(), v.MSP)}
}

// Circles lists programmes and desks; kind filters where it is not "". That they exist and who reads them is public.
func (s *Store) Circles(ctx context.Context, v Viewer, k circle.Kind, p Page) (Slice[CircleView], error) {
	return page(ctx, s, v, listing{typ: "circle"}, p, func(_ context.Context, c circle.Circle) (CircleView, bool, error) {
		return circleView(v, c), k == "" || c.Kind == k, nil
	})
}

// Circle returns a programme or a desk, or RECORD_NOT_FOUND.
func (s *Store) Circle(ctx context.Context, v Viewer, id string) (CircleView, error) {
	c, err := one[circle.Circle](ctx, s, v, "circle", id)
	if err != nil {
		return CircleView{}, err
	}
	return circleView(v, c), nil
}

// Located is the circle in which a record is sealed, "" for a public one; RECORD_NOT_FOUND where the viewer may not see it.
func (s *Store) Located(ctx context.Context, v Viewer, typ string, id ...string) (string, error) {
	k, ok := kinds[typ]
	if !ok {
		return "", notFound(typ, joinID(id))
	}
	parties, err := s.parties(ctx, v)
	if err != nil {
		return "", err
	}
	var q sqlText
	q.add("SELECT r.circle FROM record r WHERE r.type = ? AND r.id = ? AND ", typ, joinID(id))
	q.visible(v, parties, k.access)
	var c string
	err = s.reader(ctx).QueryRowContext(ctx, q.text.String(), q.args...).Scan(&c)
	if errors.Is(err, sql.ErrNoRows) {
		return "", notFound(typ, joinID(id))
	}
	return c, err
}
