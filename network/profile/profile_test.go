package profile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoadNetwork(t *testing.T) {
	dir := t.TempDir()
	_, err := LoadNetwork(dir)
	assert.ErrorContains(t, err, "tallynet up")
	for _, org := range []string{"buyer", "bankA"} {
		path := filepath.Join(dir, "orgs", org, File)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(`{"network":"demo","org":"`+org+`","users":[{"name":"ann"}]}`), 0o600))
	}
	n, err := LoadNetwork(dir)
	require.NoError(t, err)
	assert.Equal(t, "demo", n.Name)
	assert.Len(t, n.Orgs, 2)
	_, err = n.Orgs["buyer"].User("ann")
	assert.NoError(t, err)
	_, err = n.Orgs["buyer"].User("bob")
	assert.ErrorContains(t, err, `no user "bob"; it has ann`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "orgs", "buyer", File), []byte("{"), 0o600))
	_, err = LoadNetwork(dir)
	assert.ErrorContains(t, err, "buyer")
}

func TestStateRoot(t *testing.T) {
	t.Setenv("TALLYNET_STATE", "/x")
	t.Setenv("XDG_DATA_HOME", "/d")
	got, err := StateRoot()
	require.NoError(t, err)
	assert.Equal(t, "/x", got)
	t.Setenv("TALLYNET_STATE", "")
	got, err = StateRoot()
	require.NoError(t, err)
	assert.Equal(t, "/d/tallystick", got)
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/h")
	got, err = StateRoot()
	require.NoError(t, err)
	assert.Equal(t, "/h/.local/share/tallystick", got)
}
