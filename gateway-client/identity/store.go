package identity

import (
	"context"
	"database/sql"
	"embed"
	"encoding/base64"
	"errors"
	"io/fs"
	"time"

	"github.com/tallystick/tallystick/gateway-client/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps sessions in the organisation's database, so that they outlive a restart and serve every replica. It implements
// the store of the sessions' library; tokens reach it hashed.
type Store struct{ db *database.DB }

// NewStore returns the sessions of a database, with their table made where it is missing.
func NewStore(ctx context.Context, db *database.DB) (*Store, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return &Store{db}, db.Migrate(ctx, "identity", files)
}

// FindCtx returns a session that is not over.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var text string
	err := s.db.Read.QueryRowContext(ctx, `SELECT data FROM login_session WHERE token = $1 AND expires_at > $2`, token, time.Now().Unix()).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil, err
}

// CommitCtx writes a session, and forgets those that are over.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if _, err := s.db.Write.ExecContext(ctx, `DELETE FROM login_session WHERE expires_at <= $1`, time.Now().Unix()); err != nil {
		return err
	}
	_, err := s.db.Write.ExecContext(ctx, `INSERT INTO login_session (token, data, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`, token, base64.StdEncoding.EncodeToString(data), expiry.Unix())
	return err
}

// DeleteCtx ends a session.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.db.Write.ExecContext(ctx, `DELETE FROM login_session WHERE token = $1`, token)
	return err
}

// Find is FindCtx without a context, for the library.
func (s *Store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context, for the library.
func (s *Store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context, for the library.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
