// Package transitiontest helps the tests of a capability to check its transition tables and to keep the page that is
// generated from them fresh.
package transitiontest

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/transition"
)

var update = flag.Bool("update", false, "write the generated pages again instead of comparing them")

// Check fails the test unless the table is sound (see transition.Table.Check), names exactly the statuses and actions
// that the capability declares, and refuses every pair of status and action that it does not list.
func Check[S, A ~string](t *testing.T, table transition.Table[S, A], states []S, actions []A) {
	t.Helper()
	require.NoError(t, table.Check())
	assert.ElementsMatch(t, states, table.States(), "statuses declared and in the table")
	var used []A
	for _, r := range table {
		if !slices.Contains(used, r.Action) {
			used = append(used, r.Action)
		}
	}
	assert.ElementsMatch(t, actions, used, "actions declared and in the table")
	for _, from := range append([]S{""}, states...) {
		for _, action := range actions {
			to, err := table.Next(from, action)
			if table.Allows(from, action) {
				assert.NoError(t, err, "%s in %s", action, from)
				assert.NotEmpty(t, to)
			} else {
				assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err), "%s in %s", action, from)
				assert.Empty(t, to)
			}
		}
	}
}

// A Section is a part of a page that is generated: what stands between the lines "<!-- generated: NAME -->" and
// "<!-- end: NAME -->".
type Section struct{ Name, Text string }

// Page fails the test when a section of the page differs from its text, with the command that repairs it; under
// -update it writes the page instead. Whatever stands outside the markers is left alone.
func Page(t *testing.T, path string, sections ...Section) {
	t.Helper()
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	page := string(old)
	for _, s := range sections {
		open, end := "<!-- generated: "+s.Name+" -->\n", "<!-- end: "+s.Name+" -->"
		before, rest, found := strings.Cut(page, open)
		require.True(t, found, "%s has no line %q", path, open)
		_, after, found := strings.Cut(rest, end)
		require.True(t, found, "%s has no line %q", path, end)
		page = before + open + "\n" + strings.TrimRight(s.Text, "\n") + "\n\n" + end + after
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
		return
	}
	assert.Equal(t, page, string(old), "%s is stale: go test -run %s . -update", filepath.Base(path), t.Name())
}

// Diagram is a Mermaid diagram in its Markdown fence.
func Diagram(mermaid string) string { return "```mermaid\n" + mermaid + "```\n" }
