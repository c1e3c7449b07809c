package transition_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/transition"
	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

type (
	state  string
	action string
	rule   = transition.Rule[state, action]
)

var door = transition.Table[state, action]{
	{"", "build", "shut", "a joiner", "It starts shut."},
	{"shut", "open", "open", "anybody", "To pass | through."},
	{"shut", "knock", "shut", "anybody", "To ask."},
	{"shut", "ring", "shut", "anybody", "To ask louder."},
	{"open", "close", "shut", "anybody", "To keep warm."},
	{"open", "burn", "burnt-down", "a fire", "It happens."},
}

func TestNext(t *testing.T) {
	to, err := door.Next("shut", "open")
	require.NoError(t, err)
	assert.Equal(t, state("open"), to)

	_, err = door.Next("open", "knock")
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err))
	assert.ErrorContains(t, err, "the record is open; knock is not possible (possible: close, burn)")
	_, err = door.Next("burnt-down", "open")
	assert.ErrorContains(t, err, "possible: nothing is")
	_, err = door.Next("", "open")
	assert.ErrorContains(t, err, "there is no record yet")
}

func TestLists(t *testing.T) {
	assert.Equal(t, []state{"shut", "open", "burnt-down"}, door.States())
	assert.Equal(t, []state{"shut", "open", "burnt-down"}, door.Reachable())
	assert.Equal(t, []action{"open", "knock", "ring"}, door.Actions("shut"))
	assert.True(t, door.Final("burnt-down"))
	assert.False(t, door.Final("open"))
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	require.NoError(t, door.Check())
	for name, broken := range map[string]struct {
		table transition.Table[state, action]
		says  string
	}{
		"nothing creates":   {door[1:], "no rule creates"},
		"ambiguous":         {append(door[:6:6], rule{"shut", "open", "burnt-down", "x", "y"}), "two rules for open"},
		"unreachable":       {append(door[:6:6], rule{"ajar", "open", "open", "x", "y"}), "nothing reaches ajar"},
		"nobody":            {append(door[:6:6], rule{"open", "paint", "open", "", "y"}), "does not say who"},
		"leads nowhere":     {append(door[:6:6], rule{"open", "paint", "", "x", "y"}), "leads nowhere"},
		"no reason":         {append(door[:6:6], rule{"open", "paint", "open", "x", ""}), "does not say who and why"},
		"without an action": {append(door[:6:6], rule{"open", "", "open", "x", "y"}), "has no action"},
	} {
		assert.ErrorContains(t, broken.table.Check(), broken.says, name)
	}
}

func TestDrawings(t *testing.T) {
	assert.Equal(t, `stateDiagram-v2
    [*] --> shut: build
    shut --> open: open
    shut --> shut: knock, ring
    open --> shut: close
    open --> burnt_down: burn
    burnt_down --> [*]
`, door.Mermaid())
	assert.Contains(t, door.Markdown(), "| *(new)* | build | shut | a joiner | It starts shut. |\n")
	assert.Contains(t, door.Markdown(), `To pass \| through.`)
}

func TestPageKeepsWhatIsOutside(t *testing.T) {
	transitiontest.Check(t, door, []state{"shut", "open", "burnt-down"}, []action{"build", "open", "knock", "ring", "close", "burn"})
	path := filepath.Join(t.TempDir(), "door.md")
	require.NoError(t, os.WriteFile(path, []byte("# Doors\n<!-- generated: a -->\n\nx\n\n<!-- end: a -->\nby hand\n"), 0o644))
	transitiontest.Page(t, path, transitiontest.Section{Name: "a", Text: "x\n"})
}
