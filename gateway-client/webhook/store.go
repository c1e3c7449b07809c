package webhook

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// Register keeps a registration of a person's under an idempotency key: the same again is the same webhook. Events from now on
// are delivered. It returns INPUT_INVALID, REQUEST_REUSED where the key was used for another registration, and LIMIT_EXCEEDED.
func (w *Webhooks) Register(ctx context.Context, person, user string, v projection.Viewer, key string, r Registration) (hook Webhook, replayed bool, err error) {
	if err := r.Validate(); err != nil {
		return hook, false, err
	}
	sum := sha256.Sum256([]byte(person + "\n" + key))
	id := "whk-" + hex.EncodeToString(sum[:10])
	body := sha256.Sum256([]byte(r.URL + "\n" + r.Type))
	hash := hex.EncodeToString(body[:])
	hook, have, err := w.find(ctx, id)
	switch {
	case err == nil && have == hash:
		return hook, true, nil
	case err == nil:
		return hook, false, fault.New(fault.RequestReused, "the idempotency key was used for another webhook")
	case fault.CodeOf(err) != fault.RecordNotFound:
		return hook, false, err
	}
	own, err := w.List(ctx, person)
	if err != nil {
		return hook, false, err
	}
	if len(own) >= MaxPerPerson {
		return hook, false, fault.New(fault.LimitExceeded, "there are %d webhooks; delete one first", len(own))
	}
	hook = Webhook{ID: id, URL: r.URL, Type: r.Type, Created: w.c.Now().UTC().Truncate(time.Millisecond), person: person, user: user, viewer: v}
	if latest, err := w.c.Store.LatestEvents(ctx, v, 0, "", 1); err != nil {
		return hook, false, err
	} else if len(latest) > 0 {
		hook.after = latest[0].Sequence
	}
	viewer, err := json.Marshal(v)
	if err != nil {
		return hook, false, err
	}
	_, err = w.c.DB.Write.ExecContext(ctx, `INSERT INTO webhook (id, person, user_name, viewer, url, type, body_hash, after, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		hook.ID, person, user, string(viewer), hook.URL, hook.Type, hash, hook.after, hook.Created.UnixMilli())
	return hook, false, err
}

const columns = `id, person, user_name, viewer, url, type, body_hash, after, created`

func scan(row interface{ Scan(...any) error }) (hook Webhook, hash string, err error) {
	var viewer string
	var created int64
	if err = row.Scan(&hook.ID, &hook.person, &hook.user, &viewer, &hook.URL, &hook.Type, &hash, &hook.after, &created); err != nil {
		return hook, hash, err
	}
	hook.Created = time.UnixMilli(created).UTC()
	return hook, hash, json.Unmarshal([]byte(viewer), &hook.viewer)
}

func (w *Webhooks) find(ctx context.Context, id string) (Webhook, string, error) {
	hook, hash, err := scan(w.c.DB.Read.QueryRowContext(ctx, `SELECT `+columns+` FROM webhook WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = notFound(id)
	}
	return hook, hash, err
}

// Get returns a webhook of the person's, or RECORD_NOT_FOUND.
func (w *Webhooks) Get(ctx context.Context, person, id string) (Webhook, error) {
	hook, _, err := w.find(ctx, id)
	if err == nil && hook.person != person {
		return Webhook{}, notFound(id)
	}
	return hook, err
}

// List returns the person's webhooks.
func (w *Webhooks) List(ctx context.Context, person string) ([]Webhook, error) {
	return w.query(ctx, `SELECT `+columns+` FROM webhook WHERE person = $1 ORDER BY created, id`, person)
}

func (w *Webhooks) query(ctx context.Context, text string, args ...any) ([]Webhook, error) {
	rows, err := w.c.DB.Read.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Webhook{}
	for rows.Next() {
		hook, _, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, hook)
	}
	return list, rows.Err()
}

// Delete forgets a webhook of the person's, with what it has not delivered.
func (w *Webhooks) Delete(ctx context.Context, person, id string) error {
	if _, err := w.Get(ctx, person, id); err != nil {
		return err
	}
	return w.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE webhook = $1`, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM webhook WHERE id = $1`, id)
		return err
	})
}

func (w *Webhooks) inTx(ctx context.Context, work func(tx *sql.Tx) error) error {
	tx, err := w.c.DB.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Dead lists what was given up of a webhook of the person's, the oldest first, after a sequence number, at most limit.
func (w *Webhooks) Dead(ctx context.Context, person, id string, after int64, limit int) ([]Delivery, error) {
	if _, err := w.Get(ctx, person, id); err != nil {
		return nil, err
	}
	return w.deliveries(ctx, `SELECT sequence, event, attempts, changed, problem FROM webhook_delivery
		WHERE webhook = $1 AND state = 'dead' AND sequence > $2 ORDER BY sequence LIMIT $3`, id, after, limit)
}

func (w *Webhooks) deliveries(ctx context.Context, text string, args ...any) ([]Delivery, error) {
	rows, err := w.c.DB.Write.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Delivery{}
	for rows.Next() {
		var d Delivery
		var event string
		var changed int64
		if err := rows.Scan(&d.Sequence, &event, &d.Attempts, &changed, &d.Problem); err != nil {
			return nil, err
		}
		d.Event, d.Changed = json.RawMessage(event), time.UnixMilli(changed).UTC()
		list = append(list, d)
	}
	return list, rows.Err()
}

// Redrive sends what was given up again, and returns how many deliveries that is.
func (w *Webhooks) Redrive(ctx context.Context, person, id string) (int, error) {
	if _, err := w.Get(ctx, person, id); err != nil {
		return 0, err
	}
	res, err := w.c.DB.Write.ExecContext(ctx, `UPDATE webhook_delivery SET state = 'waiting', attempts = 0, not_before = 0 WHERE webhook = $1 AND state = 'dead'`, id)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// take turns new events into deliveries, in one transaction with the place from which the next are read.
func (w *Webhooks) take(ctx context.Context, hook Webhook) (int, error) {
	events, err := w.c.Store.Events(ctx, hook.viewer, hook.after, hook.Type, batch)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return len(events), w.inTx(ctx, func(tx *sql.Tx) error {
		now := w.c.Now().UnixMilli()
		for _, e := range events {
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_delivery (webhook, sequence, event, state, attempts, not_before, changed, problem)
				SELECT id, $2, $3, 'waiting', 0, 0, $4, '' FROM webhook WHERE id = $1 ON CONFLICT DO NOTHING`, hook.ID, e.Sequence, string(text), now); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE webhook SET after = $2 WHERE id = $1 AND after < $2`, hook.ID, events[len(events)-1].Sequence)
		return err
	})
}

func (w *Webhooks) waiting(ctx context.Context, hook string) ([]Delivery, error) {
	return w.deliveries(ctx, `SELECT sequence, event, attempts, changed, problem FROM webhook_delivery
		WHERE webhook = $1 AND state = 'waiting' AND not_before <= $2 ORDER BY sequence LIMIT $3`, hook, w.c.Now().UnixMilli(), batch)
}

func (w *Webhooks) delivered(ctx context.Context, hook string, sequence int64) error {
	_, err := w.c.DB.Write.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE webhook = $1 AND sequence = $2`, hook, sequence)
	return err
}

func (w *Webhooks) failed(ctx context.Context, hook string, d Delivery, until time.Time, problem string) error {
	state := "waiting"
	if d.Attempts+1 >= MaxAttempts {
		state = "dead"
	}
	_, err := w.c.DB.Write.ExecContext(ctx, `UPDATE webhook_delivery SET attempts = attempts + 1, state = $3, not_before = $4, changed = $5, problem = $6
		WHERE webhook = $1 AND sequence = $2`, hook, d.Sequence, state, until.UnixMilli(), w.c.Now().UnixMilli(), problem)
	if err != nil || state != "dead" {
		return err
	}
	_, err = w.c.DB.Write.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE webhook = $1 AND state = 'dead' AND sequence <=
		(SELECT COALESCE(MIN(sequence), -1) FROM (SELECT sequence FROM webhook_delivery WHERE webhook = $1 AND state = 'dead' ORDER BY sequence DESC LIMIT 1 OFFSET $2) AS kept)`, hook, maxDead)
	return err
}
