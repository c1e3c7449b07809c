package projection

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/record"
)

// batch is one SQL transaction of the projector.
type batch struct {
	ctx     context.Context
	tx      *sql.Tx
	source  Source
	last    int64
	at      time.Time
	stmts   map[string]*sql.Stmt
	written []writtenRecord // by the ledger's transaction at hand
	sums    map[total]*sum  // keyed without minor
}

// writtenRecord is a record that a transaction has written, with whom it concerned before and after.
type writtenRecord struct {
	typ, id, msp string
	own          string // the last part of the id
	parts        []string
	links        []link
	concerned    []string
}

type sum struct{ minor, records int64 }

func (s *Store) begin(ctx context.Context, source Source) (*batch, error) {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	// A batch is short and ends with its transaction: its statements need not watch for the context's end one by one.
	b := &batch{ctx: context.WithoutCancel(ctx), tx: tx, source: source, stmts: map[string]*sql.Stmt{}, sums: map[total]*sum{}}
	// The write locks the checkpoint, so that a second projector waits and then finds that it has moved.
	if err := b.exec(`UPDATE checkpoint SET block = block WHERE one = 1`); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	if b.last, b.at, err = checkpoint(ctx, tx); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return b, nil
}

func (b *batch) commit() error {
	keys := make([]total, 0, len(b.sums))
	for key := range b.sums {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y total) int {
		return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(x.scope, y.scope), strings.Compare(x.subject, y.subject),
			strings.Compare(x.currency, y.currency), strings.Compare(x.day, y.day))
	})
	for _, t := range keys {
		// A sum that has come back to nothing keeps its row, so that the rows do not depend on how blocks were batched.
		err := b.exec(`INSERT INTO total (name, scope, subject, currency, day, minor, records) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (name, scope, subject, currency, day) DO UPDATE SET minor = total.minor + excluded.minor, records = total.records + excluded.records`,
			t.name, t.scope, t.subject, t.currency, t.day, b.sums[t].minor, b.sums[t].records)
		if err != nil {
			return err
		}
	}
	if err := b.exec(`UPDATE checkpoint SET block = $1, at = $2 WHERE one = 1`, b.last, instantText(b.at)); err != nil {
		return err
	}
	return b.tx.Commit()
}

func (b *batch) stmt(query string) (*sql.Stmt, error) {
	if s, ok := b.stmts[query]; ok {
		return s, nil
	}
	s, err := b.tx.PrepareContext(b.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, query)
	}
	b.stmts[query] = s
	return s, nil
}

func (b *batch) exec(query string, args ...any) error {
	s, err := b.stmt(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(b.ctx, args...)
	return err
}

// stored is a record as it stands in the model.
type stored struct {
	circle  string
	created int64
	body    []byte
}

func (b *batch) load(typ, id string) (stored, bool, error) {
	s, err := b.stmt(`SELECT circle, created, body FROM record WHERE type = $1 AND id = $2`)
	if err != nil {
		return stored{}, false, err
	}
	var r stored
	err = s.QueryRowContext(b.ctx, typ, id).Scan(&r.circle, &r.created, &r.body)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// find is the lookup of a record's derivation.
func (b *batch) find(typ, id string, out any) (bool, error) {
	r, ok, err := b.load(typ, id)
	if err != nil || !ok {
		return false, err
	}
	return true, json.Unmarshal(r.body, out)
}

func (b *batch) derive(k kind, id, circle string, body []byte) (row, error) {
	r := row{typ: k.typ, id: id, circle: circle, body: body}
	err := k.rows(b.find, &r)
	return r, err
}

// put makes the record's rows those of the new body.
func (b *batch) put(at position, k kind, parts []string, v record.Value, body []byte) error {
	id := joinID(parts)
	old, was, err := b.load(k.typ, id)
	if err != nil {
		return err
	}
	created, before := at.sequence(), row{}
	if was {
		created = old.created
		if before, err = b.derive(k, id, old.circle, old.body); err != nil {
			return err
		}
	}
	now, err := b.derive(k, id, v.Circle, body)
	if err != nil {
		return err
	}
	err = b.exec(`INSERT INTO record (type, id, circle, msp, status, due, created, block, tx, changed, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (type, id) DO UPDATE SET circle = excluded.circle, msp = excluded.msp,
		status = excluded.status, due = excluded.due, block = excluded.block, tx = excluded.tx, changed = excluded.changed, body = excluded.body`,
		k.typ, id, now.circle, now.msp, now.status, now.due, created, int64(at.block), at.tx.ID, instantText(v.Changed), string(now.body))
	if err != nil {
		return err
	}
	err = b.exec(`INSERT INTO history (type, id, sequence, block, tx, at, creator, function, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		k.typ, id, at.sequence(), int64(at.block), at.tx.ID, instantText(at.tx.At), at.tx.Creator, at.tx.Function, now.status)
	if err != nil {
		return err
	}
	if err := b.change(before, now, created); err != nil {
		return err
	}
	b.written = append(b.written, writtenRecord{typ: k.typ, id: id, msp: now.msp, own: parts[len(parts)-1], parts: parts, links: now.links,
		concerned: active(before, now)})
	return nil
}

// active lists the parties that a record concerns before or after a change.
func active(before, now row) []string {
	var list []string
	for _, c := range append(slices.Clone(before.concerns), now.concerns...) {
		if !c.former && !slices.Contains(list, c.party) {
			list = append(list, c.party)
		}
	}
	return list
}

func (b *batch) remove(k kind, parts []string) error {
	id := joinID(parts)
	old, was, err := b.load(k.typ, id)
	if err != nil || !was {
		return err
	}
	before, err := b.derive(k, id, old.circle, old.body)
	if err != nil {
		return err
	}
	if before.index.table != "" {
		if err := b.exec("DELETE FROM "+before.index.table+" WHERE id = $1", id); err != nil {
			return err
		}
	}
	before.index = index{}
	if err := b.change(before, row{typ: k.typ, id: id}, old.created); err != nil {
		return err
	}
	return b.exec(`DELETE FROM record WHERE type = $1 AND id = $2`, k.typ, id)
}

// change brings what is derived from a record from its old version to the new one.
func (b *batch) change(before, now row, created int64) error {
	if err := b.changeConcerns(before, now, created); err != nil {
		return err
	}
	if !slices.Equal(before.links, now.links) {
		if err := b.exec(`DELETE FROM link WHERE type = $1 AND id = $2`, now.typ, now.id); err != nil {
			return err
		}
		for _, l := range now.links {
			if err := b.exec(`INSERT INTO link (type, id, role, to_type, to_id, created) VALUES ($1, $2, $3, $4, $5, $6)`,
				now.typ, now.id, l.role, l.typ, l.id, created); err != nil {
				return err
			}
		}
	}
	if err := b.changeTerms(before, now); err != nil {
		return err
	}
	for _, t := range before.totals {
		b.sum(t, -t.minor, -1)
	}
	for _, t := range now.totals {
		b.sum(t, t.minor, 1)
	}
	b.count(before, -1)
	b.count(now, 1)
	for _, pair := range now.met {
		if err := b.exec(`INSERT INTO acquaintance (party, knows) VALUES ($1, $2) ON CONFLICT DO NOTHING`, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return b.changeIndex(now, created)
}

func (b *batch) changeConcerns(before, now row, created int64) error {
	if slices.Equal(before.concerns, now.concerns) && before.status == now.status && before.due == now.due {
		return nil
	}
	if len(before.concerns) > 0 {
		if err := b.exec(`DELETE FROM record_party WHERE type = $1 AND id = $2`, now.typ, now.id); err != nil {
			return err
		}
	}
	for _, c := range now.concerns {
		former := 0
		if c.former {
			former = 1
		}
		if err := b.exec(`INSERT INTO record_party (type, id, party, former, status, due, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			now.typ, now.id, c.party, former, now.status, now.due, created); err != nil {
			return err
		}
	}
	return nil
}

// changeTerms keeps the words by which a record is found: for each party that it concerns, and under "" for those who see all.
func (b *batch) changeTerms(before, now row) error {
	if slices.Equal(before.terms, now.terms) && slices.Equal(before.concerns, now.concerns) {
		return nil
	}
	if len(before.terms) > 0 {
		if err := b.exec(`DELETE FROM term WHERE type = $1 AND id = $2`, now.typ, now.id); err != nil {
			return err
		}
	}
	parties := []string{""}
	for _, c := range now.concerns {
		if !c.former {
			parties = append(parties, c.party)
		}
	}
	for _, party := range parties {
		for _, t := range now.terms {
			if err := b.exec(`INSERT INTO term (party, term, type, id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, party, t, now.typ, now.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// countName is the total that counts records by type and status.
const countName = "count"

// count counts a record by its status, for everybody, for its bank, and for each of its parties.
func (b *batch) count(r row, by int64) {
	if len(r.body) == 0 {
		return
	}
	scopes := []string{""}
	if r.msp != "" {
		scopes = append(scopes, mspScope(r.msp))
	}
	for _, c := range r.concerns {
		if !c.former {
			scopes = append(scopes, c.party)
		}
	}
	for _, scope := range scopes {
		b.sum(total{name: countName, scope: scope, subject: r.typ + "/" + r.status}, 0, by)
	}
}

// mspScope is the scope of what is summed up for an organisation, which no party's id can be.
func mspScope(msp string) string { return "msp:" + msp }

func (b *batch) sum(t total, minor, records int64) {
	t.minor = 0
	have, ok := b.sums[t]
	if !ok {
		have = &sum{}
		b.sums[t] = have
	}
	have.minor += minor
	have.records += records
}

func (b *batch) changeIndex(now row, created int64) error {
	x := now.index
	if x.table == "" {
		return nil
	}
	var columns, places, sets strings.Builder
	args := []any{now.id}
	columns.WriteString("id")
	places.WriteString("$1")
	add := func(column string, value any, changes bool) {
		args = append(args, value)
		fmt.Fprintf(&columns, ", %s", column)
		fmt.Fprintf(&places, ", $%d", len(args))
		if changes {
			if sets.Len() > 0 {
				sets.WriteString(", ")
			}
			fmt.Fprintf(&sets, "%s = excluded.%s", column, column)
		}
	}
	if !plain[x.table] {
		add("created", created, false)
		add("status", now.status, true)
		add("due", now.due, true)
	}
	for i, column := range x.columns {
		add(column, x.values[i], true)
	}
	return b.exec("INSERT INTO "+x.table+" ("+columns.String()+") VALUES ("+places.String()+") ON CONFLICT (id) DO UPDATE SET "+sets.String(), args...)
}

// plain are the tables without created, status and due.
var plain = map[string]bool{"party": true, "lane": true, "payment": true}

// joinID is a record's id in the model: the parts of its id on the ledger.
func joinID(parts []string) string { return strings.Join(parts, "/") }
