package projection

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Source is where the projector gets the ledger from, as one organisation: its blocks, and its keys.
type Source interface {
	// Blocks calls the function for every block from the number on, in order, until it fails or the context ends.
	Blocks(ctx context.Context, from uint64, each func(consortium.Block) error) error
	// Open returns a record's value and body, or KEY_MISSING for a circle or an epoch that the organisation does not read.
	Open(ctx context.Context, w consortium.Write) (record.Value, []byte, error)
	// Height is the number of blocks that the ledger has, 0 where that is not known.
	Height(ctx context.Context) (uint64, error)
	// MSP is the organisation.
	MSP() string
}

// FromSession is the ledger as a session's organisation reads it.
func FromSession(s *consortium.Session) Source { return sessionSource{s} }

type sessionSource struct{ *consortium.Session }

func (s sessionSource) Blocks(ctx context.Context, from uint64, each func(consortium.Block) error) error {
	return s.Network.Blocks(ctx, from, each)
}

func (s sessionSource) MSP() string { return s.User().MSP }

func (s sessionSource) Height(ctx context.Context) (uint64, error) {
	if h, ok := s.Network.(interface {
		Height(ctx context.Context) (uint64, error)
	}); ok {
		return h.Height(ctx)
	}
	return 0, nil
}

// Limits of one SQL transaction while the model catches up.
const (
	maxBatchBlocks = 256
	maxBatchWrites = 4000
)

// Follow brings the read model up to date and keeps it so until the context ends or the source fails; it may be called again
// and goes on where it was. Each SQL transaction holds whole blocks and their checkpoint, so that whatever ends the process
// loses and doubles nothing. One Follow at a time writes to a database.
func (s *Store) Follow(ctx context.Context, source Source) error {
	return s.follow(ctx, source, nil)
}

// errThere ends a stream of blocks at the one that was waited for.
var errThere = errors.New("the block is there")

// CatchUp is Follow up to the height that the ledger has now.
func (s *Store) CatchUp(ctx context.Context, source Source) error {
	height, err := source.Height(ctx)
	if err != nil {
		return err
	}
	have, _, err := checkpoint(ctx, s.db.Read)
	if err != nil || have+1 >= int64(height) {
		return err
	}
	last := height - 1
	return s.follow(ctx, source, &last)
}

// Rebuild empties the model and reads the ledger again from block 0 up to its height now. Who reads meanwhile sees a model
// that grows.
func (s *Store) Rebuild(ctx context.Context, source Source) error {
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after the commit there is nothing to undo
	if _, err := tx.ExecContext(ctx, `UPDATE checkpoint SET block = -1, at = '' WHERE one = 1`); err != nil {
		return err
	}
	for _, t := range tables() {
		if t.name == "checkpoint" {
			continue
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.CatchUp(ctx, source)
}

func (s *Store) follow(ctx context.Context, source Source, last *uint64) error {
	have, _, err := checkpoint(ctx, s.db.Read)
	if err != nil {
		return err
	}
	if height, err := source.Height(ctx); err == nil {
		s.setHeight(height)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blocks := make(chan consortium.Block, maxBatchBlocks)
	var broken error
	go func() {
		defer close(blocks)
		broken = source.Blocks(ctx, uint64(have+1), func(b consortium.Block) error {
			s.setHeight(b.Number + 1)
			select {
			case blocks <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			if last != nil && b.Number >= *last {
				return errThere
			}
			return nil
		})
	}()
	for first := range blocks {
		batch := []consortium.Block{first}
		for more := true; more && len(batch) < maxBatchBlocks && writesOf(batch) < maxBatchWrites; {
			select {
			case b, ok := <-blocks:
				if more = ok; ok {
					batch = append(batch, b)
				}
			default:
				more = false
			}
		}
		if err := s.Apply(ctx, source, batch...); err != nil {
			return err
		}
	}
	if errors.Is(broken, errThere) {
		return nil
	}
	return broken
}

func writesOf(batch []consortium.Block) int {
	n := 0
	for _, b := range batch {
		for _, tx := range b.Transactions {
			n += len(tx.Writes)
		}
	}
	return n
}

// Apply takes the blocks, which follow on the last one in the model, in one SQL transaction.
func (s *Store) Apply(ctx context.Context, source Source, blocks ...consortium.Block) error {
	b, err := s.begin(ctx, source)
	if err != nil {
		return err
	}
	defer b.tx.Rollback() //nolint:errcheck // after the commit there is nothing to undo
	for _, block := range blocks {
		if err := b.block(block); err != nil {
			return fmt.Errorf("block %d: %w", block.Number, err)
		}
	}
	if err := b.commit(); err != nil {
		return err
	}
	s.wake()
	return nil
}

// position is a place in a block.
type position struct {
	block   uint64
	tx      consortium.Transaction
	written int // writes and events before, in the block
}

// placeBits are the bits of a sequence number that count within a block.
const placeBits = 20

// sequence numbers a place on the ledger, the same for everybody who reads it.
func (p position) sequence() int64 { return int64(p.block)<<placeBits | int64(p.written) }

func (b *batch) block(block consortium.Block) error {
	if int64(block.Number) != b.last+1 {
		return fmt.Errorf("the model has block %d and takes the next one only", b.last)
	}
	at := position{block: block.Number}
	for _, tx := range block.Transactions {
		if !tx.Valid {
			continue
		}
		at.tx = tx
		if err := b.transaction(&at); err != nil {
			return fmt.Errorf("transaction %s: %w", tx.ID, err)
		}
		b.at = tx.At
	}
	b.last = int64(block.Number)
	return nil
}

func (b *batch) transaction(at *position) error {
	b.written = b.written[:0]
	for _, w := range at.tx.Writes {
		typ, id, err := record.SplitKey(w.Key)
		if err != nil {
			at.written++
			continue // not a record
		}
		if k, ok := kinds[typ]; ok {
			if err := b.write(*at, k, id, w); err != nil {
				return fmt.Errorf("%s %v: %w", typ, id, err)
			}
		}
		at.written++
	}
	if at.tx.Event == nil {
		return nil
	}
	for _, e := range at.tx.Event.Events {
		if err := b.event(*at, e); err != nil {
			return err
		}
		at.written++
	}
	if at.written >= 1<<placeBits {
		return fmt.Errorf("the block has more than %d writes", 1<<placeBits)
	}
	return nil
}

func (b *batch) write(at position, k kind, id []string, w consortium.Write) error {
	if w.Deleted {
		return b.remove(k, id)
	}
	v, body, err := b.source.Open(b.ctx, w)
	if fault.CodeOf(err) == fault.KeyMissing {
		return b.othersRecord(v, err)
	}
	if err != nil {
		return err
	}
	return b.put(at, k, id, v, body)
}

// othersRecord returns nil where a record is of an epoch that the organisation does not read, by the circle as it stands in
// the blocks, and otherwise the error: a key that the organisation has, and the session has not found.
func (b *batch) othersRecord(v record.Value, missing error) error {
	var c circle.Circle
	if ok, err := b.find("circle", v.Circle, &c); err != nil || !ok {
		return err
	}
	epochs := append([]circle.Epoch{}, c.Past...)
	for _, e := range []*circle.Epoch{c.Current, c.Next} {
		if e != nil {
			epochs = append(epochs, *e)
		}
	}
	for _, e := range epochs {
		for _, seat := range e.Seats {
			if e.Number == v.Epoch && seat.MSP == b.source.MSP() {
				return missing
			}
		}
	}
	return nil
}
