package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// modelRun runs tally model with its arguments.
func modelRun(stdin string, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	app := &App{In: strings.NewReader(stdin), Out: &out, Err: &errs}
	root := New(app)
	root.SetArgs(append([]string{"model"}, args...))
	err := root.ExecuteContext(context.Background())
	app.report(err)
	return out.String(), errs.String(), ExitStatus(err)
}

// loanTable is CSV whose bad rate rises with load and falls with years; -9 years means "not asked".
func loanTable(rows int) string {
	rng := rand.New(rand.NewPCG(5, 5))
	var b strings.Builder
	b.WriteString("load,years,sector,applied,fold,split,label\n")
	for i := range rows {
		load, years := rng.NormFloat64(), rng.IntN(30)
		x := 1.3*load - 0.08*float64(years) - 0.3
		if rng.IntN(8) == 0 {
			years, x = -9, x+1
		}
		label := 0
		if rng.Float64() < 1/(1+math.Exp(-x)) {
			label = 1
		}
		split := "train"
		if i%4 == 0 {
			split = "test"
		}
		fmt.Fprintf(&b, "%.3f,%d,%c,2026-%02d-01,%d,%s,%d\n", load, years, 'a'+rng.IntN(3), 1+i*12/rows, i%3, split, label)
	}
	return b.String()
}

func writeFile(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestModelCrossval(t *testing.T) {
	data := loanTable(900)
	stdout, stderr, status := modelRun(data, "crossval", "--data", "-", "--label", "label", "--fold", "fold", "--exclude", "split", "--output", "json")
	require.Equal(t, ExitOK, status, stderr)
	var cv map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &cv), "one object, and nothing else")
	for _, field := range []string{"data", "kind", "rows", "folds", "auc", "auc_float", "ks", "brier", "logloss", "train_seconds", "bins", "pairs"} {
		assert.Contains(t, cv, field)
	}
	auc := cv["auc"].(map[string]any)
	assert.Greater(t, auc["mean"], 0.7)
	assert.Len(t, auc["by_fold"], 3)

	file := writeFile(t, "loans.csv", data)
	for _, kind := range []string{"woe", "logistic", "gbt"} {
		stdout, stderr, status := modelRun("", "crossval", "--data", file, "--split", "split", "--exclude", "fold", "--kind", kind)
		require.Equal(t, ExitOK, status, stderr)
		assert.Contains(t, stdout, kind)
	}
}

func TestModelTrainScoreExplainReportMonitor(t *testing.T) {
	data := writeFile(t, "loans.csv", loanTable(1500))
	dir := t.TempDir()
	card := filepath.Join(dir, "card.json")
	train := []string{"train", "--data", data, "--exclude", "fold,split,applied", "--out", card,
		"--monotone", writeFile(t, "signs.json", `{"load":1,"years":-1}`),
		"--special", writeFile(t, "special.json", `{"years":{"-9":"not asked"}}`),
		"--wording", writeFile(t, "wording.json", `{"load":{"en":"The load is high","zh":"负载过高"}}`),
		"--change", writeFile(t, "change.json", `{"years":"up"}`), "--immutable", "sector"}
	_, stderr, status := modelRun("", append(train, "--output", "json")...)
	require.Equal(t, ExitOK, status, stderr)
	text, err := os.ReadFile(card)
	require.NoError(t, err)
	c, err := scorecard.Parse(text)
	require.NoError(t, err)
	assert.Empty(t, c.Violations())
	for _, f := range c.Features {
		switch f.Name {
		case "load":
			assert.Equal(t, scorecard.Wording{En: "The load is high", Zh: "负载过高"}, f.Wording)
			assert.Equal(t, 1, f.Monotone)
		case "years":
			assert.Equal(t, []scorecard.Special{{Code: -9, Meaning: "not asked"}}, f.Special)
			assert.Equal(t, scorecard.Upwards, f.Change)
			for _, e := range f.Edges {
				assert.Positive(t, e, "the special code is in no interval")
			}
		case "sector":
			assert.Equal(t, scorecard.Immutable, f.Change)
		default:
			t.Errorf("%s is no input", f.Name)
		}
	}

	stdout, stderr, status := modelRun("", "score", card, "--data", data)
	require.Equal(t, ExitOK, status, stderr)
	assert.Equal(t, 1501, strings.Count(stdout, "\n"))
	assert.True(t, strings.HasPrefix(stdout, "row,points,display_points,pd_ppm,reasons\n"))

	stdout, stderr, status = modelRun("load,years,sector\n2.5,-9,a\n", "explain", card, "--data", "-", "--target", "1700", "--output", "json")
	require.Equal(t, ExitOK, status, stderr)
	var e explanation
	require.NoError(t, json.Unmarshal([]byte(stdout), &e))
	require.NotEmpty(t, e.Reasons)
	assert.Equal(t, "load", e.Reasons[0].Code)
	assert.Equal(t, "负载过高", e.Reasons[0].Zh)
	require.NotNil(t, e.Change)
	for _, text := range e.Change.Changes {
		assert.NotContains(t, text, "sector", "nothing can be done about it")
	}
	_, _, status = modelRun("", "explain", card, "--data", data, "--row", "9999")
	assert.Equal(t, ExitInvalid, status)

	stdout, stderr, status = modelRun("", "monitor", card, "--data", data, "--date", "applied", "--group", "sector", "--challenger", card, "--output", "json")
	require.Equal(t, ExitOK, status, stderr)
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &m))
	for _, field := range []string{"auc", "calibration", "stability", "periods", "groups", "challenger", "alarms"} {
		assert.Contains(t, m, field)
	}
	stdout, _, status = modelRun("", "monitor", card, "--data", data, "--split", "split")
	assert.Equal(t, ExitOK, status)
	assert.Contains(t, stdout, "stability index against training rows")

	page := filepath.Join(dir, "report.html")
	_, stderr, status = modelRun("", "report", card, "--data", data, "--date", "applied", "--out", page)
	require.Equal(t, ExitOK, status, stderr)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(html), "Conceptual soundness")
}

// Bad input and bad usage exit with 2, print nothing on standard output, and say what was wrong with which value.
func TestModelRefuses(t *testing.T) {
	data := loanTable(300)
	replaced := func(column, old, with string) string {
		lines := strings.Split(strings.TrimSpace(data), "\n")
		at := map[string]int{"fold": 4, "split": 5, "label": 6}[column]
		for i, line := range lines[1:] {
			cells := strings.Split(line, ",")
			if old == "" || cells[at] == old {
				cells[at] = with
			}
			lines[i+1] = strings.Join(cells, ",")
		}
		return strings.Join(lines, "\n") + "\n"
	}
	file := func(text string) string { return writeFile(t, "f.json", text) }
	for name, tc := range map[string]struct {
		data string
		args []string
		says string
	}{
		"no data":            {"", []string{"crossval", "--data", "-"}, "empty"},
		"no such file":       {data, []string{"crossval", "--data", "absent.csv"}, "absent.csv"},
		"no --data":          {data, []string{"crossval"}, "--data"},
		"wrong label":        {data, []string{"crossval", "--data", "-", "--label", "bad"}, "no such column"},
		"wrong fold":         {data, []string{"crossval", "--data", "-", "--fold", "folds"}, "no such column"},
		"wrong exclude":      {data, []string{"crossval", "--data", "-", "--exclude", "id"}, "no such column"},
		"wrong category":     {data, []string{"crossval", "--data", "-", "--category", "id"}, "no such column"},
		"wrong kind":         {data, []string{"crossval", "--data", "-", "--kind", "forest"}, "forest"},
		"empty fold cell":    {replaced("fold", "1", ""), []string{"crossval", "--data", "-", "--fold", "fold"}, "fold"},
		"one fold":           {replaced("fold", "", "0"), []string{"crossval", "--data", "-", "--fold", "fold"}, "empty"},
		"no test rows":       {replaced("split", "", "train"), []string{"crossval", "--data", "-", "--split", "split"}, "0 to test"},
		"unknown split":      {replaced("split", "test", "holdout"), []string{"crossval", "--data", "-", "--split", "split"}, "holdout"},
		"one class":          {replaced("label", "", "0"), []string{"crossval", "--data", "-", "--fold", "fold"}, "all rows have the outcome 0"},
		"three classes":      {replaced("label", "1", "2") + "0,0,a,2026-01-01,0,train,1\n", []string{"crossval", "--data", "-"}, "two"},
		"text label":         {replaced("label", "1", "late"), []string{"crossval", "--data", "-"}, "--bad"},
		"empty label":        {replaced("label", "1", ""), []string{"crossval", "--data", "-"}, "empty"},
		"fold and split":     {data, []string{"crossval", "--data", "-", "--fold", "fold", "--split", "split"}, "give one"},
		"signs are no JSON":  {data, []string{"crossval", "--data", "-", "--monotone", file("load: 1")}, "JSON object"},
		"sign of no column":  {data, []string{"crossval", "--data", "-", "--monotone", file(`{"id":1}`)}, "not an input column"},
		"sign of a text":     {data, []string{"crossval", "--data", "-", "--monotone", file(`{"sector":1}`)}, "no direction"},
		"sign of two":        {data, []string{"crossval", "--data", "-", "--monotone", file(`{"load":2}`)}, "must be 1"},
		"special of a text":  {data, []string{"crossval", "--data", "-", "--special", file(`{"sector":{"1":"x"}}`)}, "no column of numbers"},
		"special of letters": {data, []string{"crossval", "--data", "-", "--special", file(`{"years":{"x":"x"}}`)}, "must be a number"},
		"wording of nothing": {data, []string{"crossval", "--data", "-", "--wording", file(`{"id":{"en":"x"}}`)}, "not an input column"},
		"wording in Latin":   {data, []string{"crossval", "--data", "-", "--wording", file(`{"load":{"la":"x"}}`)}, "unknown field"},
		"change to no way":   {data, []string{"crossval", "--data", "-", "--change", file(`{"load":"sideways"}`)}, "sideways"},
		"immutable nothing":  {data, []string{"crossval", "--data", "-", "--immutable", "id"}, "not an input column"},
		"gbt has no card":    {data, []string{"train", "--data", "-", "--kind", "gbt", "--out", "x.json"}, "gbt"},
		"train without out":  {data, []string{"train", "--data", "-"}, "--out"},
		"no scorecard":       {data, []string{"score", "absent.json", "--data", "-"}, "absent.json"},
		"ragged":             {data + "1,2\n", []string{"crossval", "--data", "-"}, "number of columns"},
		"twice a column":     {"a,a,label\n1,2,0\n", []string{"crossval", "--data", "-"}, "two columns"},
		"unknown flag":       {data, []string{"crossval", "--speed", "9"}, "--speed"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := modelRun(tc.data, append(tc.args, "--output", "json")...)
			assert.Equal(t, ExitInvalid, status, stderr)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, tc.says)
		})
	}
}
