// Package databasetest gives tests a database of their own.
package databasetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/tallystick/tallystick/gateway-client/database"
)

// Server is the variable that names a PostgreSQL server on which tests may make databases: postgres://USER@HOST/postgres.
const Server = "TALLYSTICK_TEST_POSTGRES"

// Fresh returns the DSN of an empty database, which ends with the test: on the PostgreSQL server where one is named, else SQLite.
func Fresh(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Server)
	if server == "" {
		return "sqlite:" + filepath.Join(t.TempDir(), "service.db")
	}
	admin, err := database.Open(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", rand.Uint64())
	if _, err := admin.Write.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Write.ExecContext(context.Background(), "DROP DATABASE "+name); err != nil {
			t.Error(err)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
