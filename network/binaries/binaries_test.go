package binaries

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/schollz/progressbar/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVersionFollowsWhatDecides(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, "network", filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	for _, name := range []string{"tools/go.mod", "tools/go.sum", "tools/fabric-ca/go.mod", "tools/fabric-ca/go.sum", "ccaas/ccaas.go"} {
		write(name, "1")
	}
	seen := map[string]bool{}
	check := func() bool {
		v, err := version(root)
		require.NoError(t, err)
		known := seen[v]
		seen[v] = true
		return known
	}
	assert.False(t, check())
	assert.True(t, check())
	for _, name := range []string{"tools/go.mod", "tools/fabric-ca/go.sum", "ccaas/ccaas.go", "ccaas/cmd/ccaas-builder/main.go"} {
		write(name, "2")
		assert.False(t, check(), name)
	}
	write("ccaas/ccaas_test.go", "x")
	assert.True(t, check(), "a test decides nothing")
}

func TestRoot(t *testing.T) {
	root, err := Root()
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(root, "network", "tools", "go.mod"))
	t.Setenv("TALLYSTICK_ROOT", t.TempDir())
	_, err = Root()
	assert.ErrorContains(t, err, "TALLYSTICK_ROOT")
}

func TestFailedBuildShowsItsOutput(t *testing.T) {
	bar := progressbar.NewOptions(3, progressbar.OptionSetWriter(io.Discard))
	err := runCounting(exec.Command("sh", "-c", "for i in 1 2 3 4 5; do echo line $i >&2; done; exit 3"), bar)
	assert.ErrorContains(t, err, "line 5")
	assert.Less(t, bar.State().CurrentNum, int64(4))
}

func TestLockWaitsForTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := lock(context.Background(), path, io.Discard)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = lock(ctx, path, io.Discard)
	assert.ErrorIs(t, err, context.Canceled)
	unlock()
	unlock, err = lock(context.Background(), path, io.Discard)
	require.NoError(t, err)
	unlock()
}
