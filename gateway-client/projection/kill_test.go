package projection_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/projection"
)

// Names of the environment variables that make this test's program the victim of a kill.
const (
	victimDSN    = "TALLYSTICK_TEST_VICTIM_DSN"
	victimLedger = "TALLYSTICK_TEST_VICTIM_LEDGER"
	victimWay    = "TALLYSTICK_TEST_VICTIM_WAY"
	victimAt     = "TALLYSTICK_TEST_VICTIM_AT" // the opened write before which it asks to be killed
)

// TestMain runs the tests, or in a child process the projector alone.
func TestMain(m *testing.M) {
	if dsn := os.Getenv(victimDSN); dsn != "" {
		if err := victim(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func victim(dsn string) error {
	source, err := load(os.Getenv(victimLedger))
	if err != nil {
		return err
	}
	at, err := strconv.Atoi(os.Getenv(victimAt))
	if err != nil {
		return err
	}
	opened := 0
	source.Opened = func() {
		if opened++; opened == at {
			fmt.Println("now")
			// It goes on: where the signal meets it is chance.
		}
	}
	ctx := context.Background()
	s, err := projection.Open(ctx, dsn)
	if err != nil {
		return err
	}
	if err := catchUp(ctx, s, source, os.Getenv(victimWay)); err != nil {
		return err
	}
	return s.Close()
}

// catchUp goes on to the end: block by block, as it comes, or anew from the beginning.
func catchUp(ctx context.Context, s *projection.Store, source *recorded, way string) error {
	switch way {
	case "single":
		status, err := s.Status(ctx)
		if err != nil {
			return err
		}
		rest := source.List
		if !status.Empty {
			rest = rest[status.Block+1:]
		}
		for _, b := range rest {
			if err := s.Apply(ctx, source, b); err != nil {
				return err
			}
		}
		return nil
	case "rebuild":
		return s.Rebuild(ctx, source)
	}
	return s.CatchUp(ctx, source)
}

// killed projects in a child that is killed about when it opens the given write, and reports whether it was still at work.
func killed(t *testing.T, dsn, ledger, way string, at int) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimDSN+"="+dsn, victimLedger+"="+ledger, victimWay+"="+way, victimAt+"="+strconv.Itoa(at))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, _ = bufio.NewReader(out).ReadString('\n') // or its end
	_ = cmd.Process.Kill()                       // SIGKILL
	return cmd.Wait() != nil
}

func TestKillLosesAndDoublesNothing(t *testing.T) {
	c := shown(t, "receivables")
	source := recordOf(t, sourceOf(t, c, "bankA", "gina"))
	writes := 0
	for _, b := range source.List {
		for _, tx := range b.Transactions {
			writes += len(tx.Writes)
		}
	}
	dir := t.TempDir()
	ledger := filepath.Join(dir, "ledger.json")
	source.save(t, ledger)

	whole := opened(t, "sqlite:"+filepath.Join(dir, "whole.db"))
	require.NoError(t, whole.CatchUp(t.Context(), source))
	want, err := whole.ContentHash(t.Context())
	require.NoError(t, err)

	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	kills := 0
	for round, way := range []string{"single", "single", "single", "rebuild", "batch", "batch"} {
		dsn := "sqlite:" + filepath.Join(dir, fmt.Sprintf("round-%d.db", round))
		for range 6 {
			if killed(t, dsn, ledger, way, 1+random.IntN(writes/4)) {
				kills++
			}
		}
		s := opened(t, dsn)
		status, err := s.Status(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.CatchUp(t.Context(), source), "it goes on where it was")
		got, err := s.ContentHash(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, got, "%s, seed %d", way, seed)
		t.Logf("%s: killed at last with block %d of %d (empty: %v)", way, status.Block, len(source.List)-1, status.Empty)
	}
	assert.Positive(t, kills, "somebody was killed")
	t.Logf("%d kills", kills)
}

// Blocks are applied one by one or many in one transaction: the content is the same.
func TestBatchesDoNotShow(t *testing.T) {
	source := recordOf(t, sourceOf(t, shown(t, "main-job"), "regulator", "reg"))
	whole := opened(t, "sqlite:"+filepath.Join(t.TempDir(), "whole.db"))
	require.NoError(t, whole.Apply(t.Context(), source, source.List...))
	single := opened(t, "sqlite:"+filepath.Join(t.TempDir(), "single.db"))
	for _, b := range source.List {
		require.NoError(t, single.Apply(t.Context(), source, b))
	}
	want, err := whole.ContentHash(t.Context())
	require.NoError(t, err)
	got, err := single.ContentHash(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, got)

	assert.Error(t, single.Apply(t.Context(), source, source.List[len(source.List)-1]), "a block that is there already")
	after, err := single.ContentHash(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, after)
}
