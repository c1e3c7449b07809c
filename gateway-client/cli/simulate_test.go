package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// run runs a command that needs no ledger.
func offline(t *testing.T, line string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	exit := Run(t.Context(), nil, Who{}, strings.Fields(line), &out, &errs)
	return exit, out.String(), errs.String()
}

func TestSimulatedTableTrains(t *testing.T) {
	file := filepath.Join(t.TempDir(), "world.csv")
	exit, out, errs := offline(t, "simulate --firms 900 --months 30 --seed 3 --out "+file)
	require.Zero(t, exit, errs)
	assert.Empty(t, out)
	for _, by := range []string{"--fold fold --exclude split", "--split split --exclude fold"} {
		exit, out, errs = offline(t, "model crossval --output json --kind woe --data "+file+" --label label "+by)
		require.Zero(t, exit, errs)
		var cv struct {
			AUC struct {
				Mean float64 `json:"mean"`
			} `json:"auc"`
		}
		require.NoError(t, json.Unmarshal([]byte(out), &cv))
		assert.Greater(t, cv.AUC.Mean, 0.6, by)
	}
	_, first, _ := offline(t, "simulate --as operations --firms 20 --weeks 5")
	_, second, _ := offline(t, "simulate --as operations --firms 20 --weeks 5")
	assert.Equal(t, first, second)
	var step map[string]any
	require.NoError(t, json.Unmarshal([]byte(strings.SplitN(first, "\n", 2)[0]), &step))
	assert.Equal(t, "register", step["do"])
}

func TestSimulateRefusesNonsense(t *testing.T) {
	for _, line := range []string{"simulate --firms 1", "simulate --months 3", "simulate --as pictures", "simulate --as operations --weeks 0",
		"simulate backtest --seeds 1", "simulate backtest --approve 100", "simulate nonsense"} {
		exit, out, errs := offline(t, line)
		assert.Equal(t, ExitInvalid, exit, line)
		assert.Empty(t, out, line)
		assert.NotEmpty(t, errs, line)
	}
}
