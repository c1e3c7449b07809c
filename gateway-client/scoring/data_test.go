package scoring

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// invented is a table of n rows whose risk rises with "load", falls with "age", has an interaction of "load" and
// "kind", a column that is missing at random, and columns without any information.
func invented(n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"load", "age", "kind", "gap", "noise", "constant", "id", "opened", "label"})
	for i := range n {
		load, age := rng.NormFloat64(), 18+rng.IntN(60)
		kind := string(rune('a' + rng.IntN(4)))
		gap := fmt.Sprintf("%.1f", rng.ExpFloat64())
		x := 1.2*load - 0.03*float64(age-40) - 1
		if kind == "a" && load > 0 {
			x += 1.5
		}
		if rng.IntN(3) == 0 {
			gap = ""
			x += 0.7
		}
		label := "0"
		if rng.Float64() < 1/(1+math.Exp(-x)) {
			label = "1"
		}
		_ = w.Write([]string{fmt.Sprintf("%.4f", load), fmt.Sprint(age), kind, gap, fmt.Sprint(rng.IntN(1000)), "7", fmt.Sprintf("row-%d", i),
			fmt.Sprintf("2024-%02d-%02d", 1+rng.IntN(12), 1+rng.IntN(28)), label})
	}
	w.Flush()
	return b.Bytes()
}

type loaded struct {
	table  *Table
	target Target
	inputs []int
	rows   []int
}

func load(t testing.TB, data []byte) loaded {
	t.Helper()
	table, err := ReadCSV("invented", bytes.NewReader(data))
	require.NoError(t, err)
	target, err := ReadTarget(table, "label", "")
	require.NoError(t, err)
	l := loaded{table: table, target: target, inputs: Inputs(table, "label", "fold")}
	for r := range table.Rows() {
		l.rows = append(l.rows, r)
	}
	return l
}

// realData reads one of the data sets that are no part of the project.
func realData(t testing.TB, name string) loaded {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "credit", name+".csv")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("real data is not part of the project; %s is absent", path)
	}
	return load(t, data)
}
