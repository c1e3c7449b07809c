package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkRun runs a tally command from the root of the repository and returns its streams and exit status.
func checkRun(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
	var out, errs bytes.Buffer
	app := &App{In: strings.NewReader(stdin), Out: &out, Err: &errs}
	root := New(app)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	app.report(err)
	return out.String(), errs.String(), ExitStatus(err)
}

func globbed(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", pattern))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, f := range files {
		files[i], err = filepath.Rel(filepath.Join("..", ".."), f)
		require.NoError(t, err)
	}
	sort.Strings(files)
	return files
}

// The golden files are what the checks print of every sample, good and bad. UPDATE_GOLDEN=1 writes them anew.
func TestChecksOfOurSamples(t *testing.T) {
	for _, c := range []struct{ noun, good, bad, golden string }{
		{"invoice", "testdata/invoices/*.xml", "testdata/invoices/bad/*.xml", "testdata/invoices/check.golden.jsonl"},
		{"receipt", "testdata/epcis/*.jsonld", "testdata/epcis/bad/*.jsonld", "testdata/epcis/check.golden.jsonl"},
	} {
		t.Run(c.noun, func(t *testing.T) {
			good, bad := globbed(t, c.good), globbed(t, c.bad)
			args := append([]string{c.noun, "check", "--output", "json"}, good...)
			stdout, stderr, status := checkRun(t, "", append(args, bad...)...)
			assert.Equal(t, ExitInvalid, status)
			for _, line := range strings.Split(strings.TrimSpace(stdout+stderr), "\n") {
				assert.True(t, json.Valid([]byte(line)), line)
			}
			for _, f := range good {
				assert.Contains(t, stdout, `{"file":"`+f+`"`, "a good file is read though others are bad")
			}
			for _, f := range bad {
				assert.NotContains(t, stdout, f)
				assert.Contains(t, stderr, `"file":"`+f+`"`)
			}
			got := stdout + stderr
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(c.golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(c.golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got, "run with UPDATE_GOLDEN=1 when the change is meant")
		})
	}
}

func TestCheckReadsStandardInput(t *testing.T) {
	text, err := os.ReadFile("../../testdata/invoices/acme-INV-1001.xml")
	require.NoError(t, err)
	stdout, stderr, status := checkRun(t, string(text), "invoice", "check", "--output", "json", "-")
	assert.Equal(t, ExitOK, status)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, `"file":"-"`)
	assert.Contains(t, stdout, `"payable_minor":4825000`)
}

func TestCheckAsTables(t *testing.T) {
	stdout, stderr, status := checkRun(t, "", "invoice", "check", "testdata/invoices/birch-INV-2002.xml", "testdata/invoices/bad/truncated.xml")
	assert.Equal(t, ExitInvalid, status)
	assert.Contains(t, stdout, "EUR 7260.50")
	assert.Contains(t, stdout, "PAYEE_NOT_SELLER")
	assert.Equal(t, "tally: testdata/invoices/bad/truncated.xml:83: /Invoice/PaymentMeans: DOCUMENT_MALFORMED: the file ends too early: it is truncated\n", stderr)
}

func TestReceiptCheckAsTables(t *testing.T) {
	stdout, stderr, status := checkRun(t, "", "receipt", "check", "testdata/epcis/lot-8841-excursion.jsonld")
	assert.Equal(t, ExitOK, status)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "ALARM_CONDITION")
	assert.Contains(t, stdout, "32.05")
	assert.Contains(t, stdout, "°C")
}

func TestCheckWantsFiles(t *testing.T) {
	for _, args := range [][]string{{"invoice", "check"}, {"receipt", "check"}, {"invoice", "check", "no-such-file"}, {"receipt", "check", "testdata"},
		{"invoice", "check", "--output", "xml", "-"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			stdout, stderr, status := checkRun(t, "", args...)
			assert.Equal(t, ExitInvalid, status)
			assert.Empty(t, stdout)
			assert.NotEmpty(t, stderr)
		})
	}
}

// A document cannot steer the terminal of the person who looks at it.
func TestTablesArePlain(t *testing.T) {
	text, err := os.ReadFile("../../testdata/invoices/acme-INV-1001.xml")
	require.NoError(t, err)
	evil := strings.ReplaceAll(string(text), "Acme Castings GmbH", "A\u009b31mcme\u202egnitsaC")
	stdout, _, status := checkRun(t, evil, "invoice", "check", "-")
	assert.Equal(t, ExitOK, status)
	assert.Contains(t, stdout, "A\uFFFD31mcme")
	assert.NotContains(t, stdout, "\u009b")
	assert.NotContains(t, stdout, "\u202e")
}
