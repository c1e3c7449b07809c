package projection

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/record"
)

// Event says that something has happened to a record that the viewer may see. Sequence grows along the ledger, with gaps, and
// is the same after a rebuild.
type Event struct {
	Sequence int64     `json:"sequence"`
	Block    uint64    `json:"block"`
	Tx       string    `json:"transaction"`
	At       time.Time `json:"at"`
	Type     string    `json:"type"` // "receivable.confirmed"
	ID       string    `json:"id"`
	Circle   string    `json:"circle,omitempty"`
	Ref      string    `json:"ref,omitempty"`
	// Record is the type of the record that it happened to, and Key its id in this model.
	Record string `json:"record"`
	Key    string `json:"key"`
}

// event keeps an event of a record that this transaction has written or that the model holds. Others are not the
// organisation's business.
func (b *batch) event(at position, e record.Event) error {
	w, ok, err := b.happenedTo(e)
	if err != nil || !ok {
		return err
	}
	err = b.exec(`INSERT INTO event (sequence, block, tx, at, type, id, circle, ref, of_type, of_id, msp) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		at.sequence(), int64(at.block), at.tx.ID, instantText(at.tx.At), e.Type, e.ID, e.Circle, e.Ref, w.typ, w.id, w.msp)
	if err != nil {
		return err
	}
	parties, err := b.hears(w, e)
	if err != nil {
		return err
	}
	for _, party := range parties {
		if err := b.exec(`INSERT INTO event_party (party, sequence) VALUES ($1, $2)`, party, at.sequence()); err != nil {
			return err
		}
	}
	return nil
}

// everybody stands in event_party for all parties.
const everybody = "*"

// hears lists the parties that an event is told to: those that its record concerned just before or concerns now. What is
// visible through other records only is told to the parties of the one that the event names, or of all of them.
func (b *batch) hears(w writtenRecord, e record.Event) ([]string, error) {
	if kinds[w.typ].access == public {
		return []string{everybody}, nil
	}
	if len(w.concerned) > 0 {
		return w.concerned, nil
	}
	targets := slices.DeleteFunc(slices.Clone(w.links), func(l link) bool { return l.role != roleOf })
	if named := slices.IndexFunc(targets, func(l link) bool { return l.id == e.Ref }); named >= 0 {
		targets = targets[named : named+1]
	}
	var parties []string
	for _, l := range targets {
		of, err := b.concerned(l.typ, l.id)
		if err != nil {
			return nil, err
		}
		for _, p := range of {
			if !slices.Contains(parties, p) {
				parties = append(parties, p)
			}
		}
	}
	return parties, nil
}

func (b *batch) concerned(typ, id string) ([]string, error) {
	s, err := b.stmt(`SELECT party FROM record_party WHERE type = $1 AND id = $2 AND former = 0 ORDER BY party`)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(b.ctx, typ, id)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (party string, err error) { return party, scan(&party) })
}

// happenedTo finds the record of an event: of the type that its name begins with, or else the one that the transaction has
// written under the id.
func (b *batch) happenedTo(e record.Event) (writtenRecord, bool, error) {
	typ, _, _ := strings.Cut(e.Type, ".")
	for _, fits := range []func(w writtenRecord) bool{
		func(w writtenRecord) bool { return w.own == e.ID && w.typ == typ },
		func(w writtenRecord) bool { return w.own == e.ID },
		func(w writtenRecord) bool { return w.parts[0] == e.ID },
	} {
		// What banks look up says of a record of others that it is there, and no more: nothing happens to it.
		if i := slices.IndexFunc(b.written, func(w writtenRecord) bool { return kinds[w.typ].access != lookupOnly && fits(w) }); i >= 0 {
			return b.written[i], true, nil
		}
	}
	k, ok := kinds[typ]
	if !ok {
		return writtenRecord{}, false, nil
	}
	have, ok, err := b.load(typ, e.ID)
	if err != nil || !ok {
		return writtenRecord{}, false, err
	}
	r, err := b.derive(k, e.ID, have.circle, have.body)
	return writtenRecord{typ: typ, id: e.ID, msp: r.msp, own: e.ID, parts: []string{e.ID}, links: r.links, concerned: active(row{}, r)}, true, err
}

// MaxEvents is the most events that one read returns.
const MaxEvents = 500

// Events returns the events that the viewer may see after the sequence number, oldest first, at most limit (1 to MaxEvents;
// 0 stands for MaxEvents). A type filters where it is not "": "receivable" for all of the receivables', "receivable.confirmed".
func (s *Store) Events(ctx context.Context, v Viewer, after int64, typ string, limit int) ([]Event, error) {
	return s.events(ctx, v, along{after: after}, typ, limit)
}

// LatestEvents returns the events that the viewer may see before the sequence number, or up to now where it is 0: newest first,
// otherwise as Events.
func (s *Store) LatestEvents(ctx context.Context, v Viewer, before int64, typ string, limit int) ([]Event, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.events(ctx, v, along{before: before}, typ, limit)
}

// along is a direction in the order of events, and where it begins: after a sequence number, or back from before one.
type along struct{ after, before int64 }

// condition bounds a column of sequence numbers, order is that of the rows.
func (a along) condition(column string) (text string, bound int64) {
	if a.before > 0 {
		return column + " < ?", a.before
	}
	return column + " > ?", a.after
}

func (a along) order(column string) string {
	if a.before > 0 {
		return column + " DESC"
	}
	return column
}

func (s *Store) events(ctx context.Context, v Viewer, a along, typ string, limit int) ([]Event, error) {
	if limit <= 0 || limit > MaxEvents {
		limit = MaxEvents
	}
	var q sqlText
	parties, err := s.parties(ctx, v)
	if err != nil {
		return nil, err
	}
	const columns = `e.sequence, e.block, e.tx, e.at, e.type, e.id, e.circle, e.ref, e.of_type, e.of_id`
	filter := func() {
		text, bound := a.condition("e.sequence")
		q.add(" AND "+text, bound)
		switch {
		case strings.Contains(typ, "."):
			q.add(" AND e.type = ?", typ)
		case typ != "":
			q.add(" AND e.type >= ? AND e.type < ?", typ+".", typ+"/") // the character after the dot
		}
	}
	if hostOnly(v) {
		for i, p := range append(parties, everybody) {
			q.addIf(i > 0, " UNION ALL ")
			q.add("SELECT * FROM (SELECT "+columns+" FROM event_party p CROSS JOIN event e WHERE p.party = ? AND e.sequence = p.sequence", p)
			text, bound := a.condition("p.sequence")
			q.add(" AND "+text, bound)
			filter()
			q.add(" ORDER BY "+a.order("p.sequence")+" LIMIT ?) AS one", limit)
		}
		q.add(" ORDER BY "+a.order("1")+" LIMIT ?", limit)
	} else {
		q.add("SELECT " + columns + " FROM event e WHERE ")
		q.eventVisible(v, parties)
		filter()
		q.add(" ORDER BY "+a.order("e.sequence")+" LIMIT ?", limit)
	}
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	list, err := scanAll(rows, func(scan func(...any) error) (e Event, err error) {
		var at string
		var block int64
		if err := scan(&e.Sequence, &block, &e.Tx, &at, &e.Type, &e.ID, &e.Circle, &e.Ref, &e.Record, &e.Key); err != nil {
			return e, err
		}
		e.Block = uint64(block)
		e.At, err = time.Parse(instantForm, at)
		return e, err
	})
	// A party that is told of an event both by itself and as everybody would see it twice; none is.
	return slices.CompactFunc(list, func(a, b Event) bool { return a.Sequence == b.Sequence }), err
}
