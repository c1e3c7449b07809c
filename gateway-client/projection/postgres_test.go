package projection_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/database"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// postgresDSN names a PostgreSQL server where the tests may make databases.
const postgresDSN = "TALLYSTICK_TEST_POSTGRES"

// freshPostgres makes a database of the test's own on the server and returns its DSN.
func freshPostgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(postgresDSN)
	if server == "" {
		t.Skip("set " + postgresDSN + " to postgres://USER@HOST/postgres of a server on which databases may be made")
	}
	admin, err := database.Open(t.Context(), server)
	require.NoError(t, err)
	name := fmt.Sprintf("projection_%d", rand.Uint64())
	_, err = admin.Write.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Write.Exec("DROP DATABASE " + name)
		assert.NoError(t, err)
		assert.NoError(t, admin.Close())
	})
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func TestPostgresHoldsTheSameContent(t *testing.T) {
	dsn := freshPostgres(t)
	c := shown(t, "main-job")
	for _, o := range organisations {
		source := recordOf(t, sourceOf(t, c, o.name, o.user))
		lite := opened(t, "sqlite:"+filepath.Join(t.TempDir(), o.name+".db"))
		require.NoError(t, lite.CatchUp(t.Context(), source))
		want, err := lite.ContentHash(t.Context())
		require.NoError(t, err)

		s, err := projection.Open(t.Context(), dsn)
		require.NoError(t, err)
		require.NoError(t, s.Rebuild(t.Context(), source), "the database is the next organisation's")
		got, err := s.ContentHash(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, got, o.name)
		v := projection.Viewer{MSP: o.msp, Kind: o.kind, Party: partyOf(o.name)}
		assert.Equal(t, everything(t, c, lite, v), everything(t, c, s, v), "%s reads alike", o.name)
		require.NoError(t, s.Close())
	}
}
