// Package database opens an organisation's SQL database: SQLite in one file, or PostgreSQL by its DSN. What is written in it runs
// on both alike: placeholders are $1, $2 …, and identifiers of records are in columns of the type KEYTEXT, which compare by bytes.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

const (
	sqlitePrefix = "sqlite:"
	fileMode     = 0o600
	// busyMillis is how long a writer of SQLite waits for another one.
	busyMillis = 10_000
	// readCacheKiB and writeCacheKiB are SQLite's page caches, of each connection.
	readCacheKiB  = 16_384
	writeCacheKiB = 131_072
	// checkpointPages is after how many pages SQLite's log is copied into the file: larger than its default of 1000, so that a
	// model that catches up writes each page less often.
	checkpointPages = 16_384
	maxPostgres     = 16
)

// keyText makes PostgreSQL compare keys by bytes, as SQLite does, whatever the database's language is. SQLite takes the name
// for a column of text.
const keyText = `DO $$ BEGIN CREATE DOMAIN keytext AS text COLLATE "C"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`

// DB is an open database. Write has one connection on SQLite, which has one writer at a time; Read has several, which see the
// state of the last commit and cannot write.
type DB struct {
	Write, Read *sql.DB
	postgres    bool
}

// Open opens "sqlite:PATH", made with mode 0600 where there is none, or "postgres://…". It fails where the database does not
// answer.
func Open(ctx context.Context, dsn string) (*DB, error) {
	if path, ok := strings.CutPrefix(dsn, sqlitePrefix); ok && path != "" {
		return openSQLite(ctx, path)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn)
	}
	return nil, errors.New("the database must be sqlite:PATH or postgres://…") // the DSN may hold a password
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	at := "file:" + (&url.URL{Path: path}).EscapedPath()
	common := fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=foreign_keys(1)", busyMillis)
	d := &DB{}
	// In a log that is written ahead, "normal" keeps the database whole and at worst forgets the last commits when the power
	// fails; then their blocks are read again, because the checkpoint is part of the commit.
	if d.Write, err = sql.Open("sqlite", at+common+fmt.Sprintf("&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-%d)&_pragma=wal_autocheckpoint(%d)",
		writeCacheKiB, checkpointPages)); err != nil {
		return nil, err
	}
	d.Write.SetMaxOpenConns(1)
	if err := d.Write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.Write.Close())
	}
	if d.Read, err = sql.Open("sqlite", at+common+fmt.Sprintf("&_pragma=query_only(1)&_pragma=cache_size(-%d)", readCacheKiB)); err != nil {
		return nil, errors.Join(err, d.Write.Close())
	}
	readers := max(4, 2*runtime.NumCPU())
	d.Read.SetMaxOpenConns(readers)
	d.Read.SetMaxIdleConns(readers)
	return d, nil
}

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errors.New("the PostgreSQL DSN does not parse") // its error may quote the password
	}
	pool.SetMaxOpenConns(maxPostgres)
	pool.SetMaxIdleConns(maxPostgres / 2)
	if _, err := pool.ExecContext(ctx, keyText); err != nil {
		return nil, errors.Join(fmt.Errorf("PostgreSQL: %w", err), pool.Close())
	}
	return &DB{Write: pool, Read: pool, postgres: true}, nil
}

// Postgres reports whether the database is PostgreSQL.
func (d *DB) Postgres() bool { return d.postgres }

// Migrate brings the tables of one owner up to date with its files (goose, *.sql at the root). The owner's versions stand in
// the table OWNER_version, so several owners share a database.
func (d *DB) Migrate(ctx context.Context, owner string, files fs.FS) error {
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithTableName(owner + "_version"), goose.WithDisableGlobalRegistry(true)}
	if d.postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, d.Write, files, options...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Close closes the database.
func (d *DB) Close() error {
	if d.Read == d.Write {
		return d.Write.Close()
	}
	return errors.Join(d.Read.Close(), d.Write.Close())
}
