package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// stored is a call as it stands in the database.
type stored struct {
	Function string   `json:"function"`
	Args     []string `json:"args"`
	Input    any      `json:"input,omitempty"`
	Circles  []string `json:"circles,omitempty"`
	Governed bool     `json:"governed,omitempty"`
	Request  string   `json:"request"`
}

func (op Operation) ledgerCall() (consortium.Call, error) {
	var input struct {
		stored
		Input json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal([]byte(op.call), &input); err != nil {
		return consortium.Call{}, fault.New(fault.InternalError, "operation %s cannot be read: %v", op.ID, err)
	}
	call := consortium.Call{Function: input.Function, Args: input.Args, Circles: input.Circles, Governed: input.Governed, Request: input.Request}
	if len(input.Input) > 0 {
		call.Input = input.Input
	}
	return call, nil
}

const columns = `id, number, person, body_hash, user_name, action, about, trace, call, state, attempts, in_doubt, created, changed, result, tx, block, problem`

func scan(row interface{ Scan(...any) error }) (op Operation, err error) {
	var state, result, problem string
	var created, changed, block, doubt int64
	err = row.Scan(&op.ID, &op.number, &op.person, &op.bodyHash, &op.user, &op.Action, &op.About, &op.traceparent, &op.call, &state, &op.Attempts,
		&doubt, &created, &changed, &result, &op.Transaction, &block, &problem)
	if err != nil {
		return op, err
	}
	op.State, op.Trace, op.Block, op.inDoubt = State(state), traceOf(op.traceparent), uint64(block), doubt > 0
	op.Created, op.Changed = time.UnixMilli(created).UTC(), time.UnixMilli(changed).UTC()
	if result != "" {
		op.Result = json.RawMessage(result)
	}
	if problem != "" {
		op.Problem = &fault.Error{}
		err = json.Unmarshal([]byte(problem), op.Problem)
	}
	return op, err
}

// traceOf is the trace id of a W3C trace context.
func traceOf(traceparent string) string {
	if parts := strings.Split(traceparent, "-"); len(parts) == 4 {
		return parts[1]
	}
	return ""
}

func (o *Outbox) insert(ctx context.Context, op Operation, key string) error {
	_, err := o.c.DB.Write.ExecContext(ctx, `INSERT INTO outbox_operation
		(id, number, person, idempotency, body_hash, user_name, action, about, trace, call, state, attempts, in_doubt, not_before, created, changed, result, tx, block, problem)
		SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, 'accepted', 0, 0, 0, $10, $10, '', '', 0, '' FROM outbox_operation`,
		op.ID, op.person, key, op.bodyHash, op.user, op.Action, op.About, op.traceparent, op.call, op.Created.UnixMilli())
	return err
}

func (o *Outbox) byKey(ctx context.Context, person, key string) (Operation, bool, error) {
	op, err := scan(o.c.DB.Write.QueryRowContext(ctx, `SELECT `+columns+` FROM outbox_operation WHERE person = $1 AND idempotency = $2`, person, key))
	if errors.Is(err, sql.ErrNoRows) {
		return op, false, nil
	}
	return op, err == nil, err
}

func (o *Outbox) byID(ctx context.Context, id string) (Operation, error) {
	op, err := scan(o.c.DB.Read.QueryRowContext(ctx, `SELECT `+columns+` FROM outbox_operation WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return op, notFound(id)
	}
	return op, err
}

// open counts the operations that have not ended: all, and the person's.
func (o *Outbox) open(ctx context.Context, person string) (all, own int, err error) {
	err = o.c.DB.Read.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN person = $1 THEN 1 ELSE 0 END), 0)
		FROM outbox_operation WHERE state IN ('accepted', 'running')`, person).Scan(&all, &own)
	return all, own, err
}

// Depth counts the operations that have not ended.
func (o *Outbox) Depth(ctx context.Context) (int, error) {
	all, _, err := o.open(ctx, "")
	return all, err
}

// MaxListed is the most operations that List returns.
const MaxListed = 200

// List returns the person's operations, the newest first, after (older than) the one that is named, at most limit (1 to MaxListed).
// A state filters where it is not "".
func (o *Outbox) List(ctx context.Context, person string, state State, after string, limit int) ([]Operation, error) {
	before := int64(1) << 62
	if after != "" {
		last, err := o.Get(ctx, person, after)
		if err != nil {
			var bad fault.Fields
			bad.Add("after", after, "must be the cursor that a page has given")
			return nil, bad.Err()
		}
		before = last.number
	}
	rows, err := o.c.DB.Read.QueryContext(ctx, `SELECT `+columns+` FROM outbox_operation
		WHERE person = $1 AND number < $2 AND (state = $3 OR $3 = '') ORDER BY number DESC LIMIT $4`, person, before, string(state), min(max(limit, 1), MaxListed))
	if err != nil {
		return nil, err
	}
	return scanAll(rows)
}

func scanAll(rows *sql.Rows) ([]Operation, error) {
	defer rows.Close()
	list := []Operation{}
	for rows.Next() {
		op, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, op)
	}
	return list, rows.Err()
}

// ready returns accepted operations whose time has come, the oldest first.
func (o *Outbox) ready(ctx context.Context, limit int) ([]Operation, error) {
	rows, err := o.c.DB.Write.QueryContext(ctx, `SELECT `+columns+` FROM outbox_operation WHERE state = 'accepted' AND not_before <= $1
		ORDER BY number LIMIT $2`, o.c.Now().UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	return scanAll(rows)
}

// next is the time at which the first operation that waits for a time is ready.
func (o *Outbox) next(ctx context.Context) (at time.Time, found bool, err error) {
	var millis sql.NullInt64
	err = o.c.DB.Read.QueryRowContext(ctx, `SELECT MIN(not_before) FROM outbox_operation WHERE state = 'accepted'`).Scan(&millis)
	return time.UnixMilli(millis.Int64), millis.Valid, err
}

// claim marks an operation as running; false where somebody else has.
func (o *Outbox) claim(ctx context.Context, op *Operation) (bool, error) {
	res, err := o.c.DB.Write.ExecContext(ctx, `UPDATE outbox_operation SET state = 'running', attempts = attempts + 1, changed = $2
		WHERE id = $1 AND state = 'accepted'`, op.ID, o.c.Now().UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	op.Attempts++
	return n == 1, err
}

// recover takes up what was running when the process ended.
func (o *Outbox) recover(ctx context.Context) error {
	_, err := o.c.DB.Write.ExecContext(ctx, `UPDATE outbox_operation SET state = 'accepted', in_doubt = 1, not_before = 0 WHERE state = 'running'`)
	return err
}

// takeOver takes up what another replica has left running: for longer than any attempt lasts.
func (o *Outbox) takeOver(ctx context.Context) error {
	_, err := o.c.DB.Write.ExecContext(ctx, `UPDATE outbox_operation SET state = 'accepted', in_doubt = 1, not_before = 0 WHERE state = 'running' AND changed < $1`,
		o.c.Now().Add(-abandonedAfter*o.c.AttemptTime).UnixMilli())
	return err
}

func (o *Outbox) postpone(ctx context.Context, op Operation, until time.Time) error {
	doubt := 0
	if op.inDoubt {
		doubt = 1
	}
	_, err := o.c.DB.Write.ExecContext(ctx, `UPDATE outbox_operation SET state = 'accepted', in_doubt = $3, not_before = $2, changed = $4 WHERE id = $1 AND state = 'running'`,
		op.ID, until.UnixMilli(), doubt, o.c.Now().UnixMilli())
	return err
}

// end records how an operation ended, and forgets its sealed input.
func (o *Outbox) end(ctx context.Context, op Operation) error {
	problem := ""
	if op.Problem != nil {
		raw, err := json.Marshal(op.Problem)
		if err != nil {
			return err
		}
		problem = string(raw)
	}
	_, err := o.c.DB.Write.ExecContext(ctx, `UPDATE outbox_operation SET state = $2, changed = $3, result = $4, tx = $5, block = $6, problem = $7, call = ''
		WHERE id = $1 AND state = 'running'`,
		op.ID, string(op.State), op.Changed.UnixMilli(), string(op.Result), op.Transaction, int64(op.Block), problem)
	return err
}

// purge forgets operations that ended before the retention.
func (o *Outbox) purge(ctx context.Context) error {
	_, err := o.c.DB.Write.ExecContext(ctx, `DELETE FROM outbox_operation WHERE state IN ('done', 'refused', 'failed') AND changed < $1`,
		o.c.Now().Add(-o.c.Retention).UnixMilli())
	return err
}
