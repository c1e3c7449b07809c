package projection

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"sync"
	"time"

	"github.com/tallystick/tallystick/gateway-client/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the read model. It is safe for concurrent use: one writer, the projector, and any number of readers.
type Store struct {
	db    *database.DB
	owned bool

	mu     sync.Mutex
	moved  chan struct{} // closed and made anew when the model moves on
	height uint64        // of the ledger, as far as known
	market *market       // the trades of the last block that somebody asked for
}

// Open opens the read model at a DSN (database.Open) and brings its tables up to date.
func Open(ctx context.Context, dsn string) (*Store, error) {
	db, err := database.Open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s, err := On(ctx, db)
	if err != nil {
		_ = db.Close() // the first failure says why
		return nil, err
	}
	s.owned = true
	return s, nil
}

// On is the read model in a database that the caller has opened, and closes.
func On(ctx context.Context, db *database.DB) (*Store, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "projection", files); err != nil {
		return nil, err
	}
	return &Store{db: db, moved: make(chan struct{})}, nil
}

// Close closes the database that Open has opened.
func (s *Store) Close() error {
	if !s.owned {
		return nil
	}
	return s.db.Close()
}

// Status is how far the read model is.
type Status struct {
	// Block is the last block that is in the model, and At the instant of its last transaction; Empty is set before the first.
	Block uint64    `json:"block"`
	At    time.Time `json:"at,omitzero"`
	Empty bool      `json:"empty,omitempty"`
	// Head is the ledger's last block as far as the projector knows, and Behind how many blocks are missing.
	Head   uint64 `json:"head"`
	Behind uint64 `json:"behind"`
}

// Status says how far the read model is.
func (s *Store) Status(ctx context.Context) (Status, error) {
	block, at, err := checkpoint(ctx, s.reader(ctx))
	if err != nil {
		return Status{}, err
	}
	st := Status{At: at, Empty: block < 0}
	if block >= 0 {
		st.Block = uint64(block)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Head = st.Block
	if s.height > 0 {
		st.Head = max(st.Head, s.height-1)
		st.Behind = uint64(max(0, int64(s.height)-1-block))
	}
	return st, nil
}

// Wait returns when the block is in the model, or the context's error. The projector of the same process wakes it; another
// process's progress is looked at now and then.
func (s *Store) Wait(ctx context.Context, block uint64) error {
	ticker := time.NewTicker(waitPoll)
	defer ticker.Stop()
	for {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		have, _, err := checkpoint(ctx, s.db.Read)
		if err != nil {
			return err
		}
		if have >= 0 && uint64(have) >= block {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-ticker.C:
		}
	}
}

// Moved returns a channel that is closed when the model has moved on, for whoever streams events.
func (s *Store) Moved() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

func (s *Store) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *Store) setHeight(height uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.height = max(s.height, height)
}

// waitPoll is how often a waiting reader looks whether another process has moved the model on.
const waitPoll = 500 * time.Millisecond

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s *Store) reader(ctx context.Context) querier {
	if q, ok := snapshot(ctx); ok {
		return q
	}
	return s.db.Read
}

// Snapshot calls the function with a context in which all reads of this model see one and the same state.
func (s *Store) Snapshot(ctx context.Context, read func(ctx context.Context) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if s.db.Postgres() {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.db.Read.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return read(context.WithValue(ctx, ctxKey{}, querier(tx)))
}

// checkpoint is the last block in the model, −1 before the first.
func checkpoint(ctx context.Context, q querier) (block int64, at time.Time, err error) {
	var text string
	if err := q.QueryRowContext(ctx, `SELECT block, at FROM checkpoint WHERE one = 1`).Scan(&block, &text); err != nil {
		return 0, at, err
	}
	if text != "" {
		at, err = time.Parse(instantForm, text)
	}
	return block, at, err
}

// instantForm is how instants stand in columns: of one length, so that they sort as texts.
const instantForm = "2006-01-02T15:04:05.000000000Z07:00"

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(instantForm)
}
