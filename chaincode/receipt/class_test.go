package receipt

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClassMarkSaysNothingOfTheClass(t *testing.T) {
	mark := func(key byte, programme, class string) string {
		m, err := ClassMark(bytes.Repeat([]byte{key}, LotKeyBytes), programme, class)
		require.NoError(t, err)
		return m
	}
	mine := mark(1, "prg-00000001", "cocoa-beans")
	assert.Equal(t, mine, mark(1, "prg-00000001", "cocoa-beans"), "quotes are found again")
	assert.NotContains(t, mine, "cocoa")
	for what, other := range map[string]string{"class": mark(1, "prg-00000001", "cocoa"), "programme": mark(1, "prg-00000002", "cocoa-beans"),
		"key": mark(2, "prg-00000001", "cocoa-beans")} {
		assert.NotEqual(t, mine, other, "another %s", what)
	}
	_, err := ClassMark([]byte("short"), "prg-00000001", "cocoa-beans")
	assert.ErrorContains(t, err, "INPUT_INVALID")
}
