package consortium

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLastWords(t *testing.T) {
	assert.Equal(t, "\n  a\n  b", lastWords("a\nb\n"))
	many := strings.Repeat("line\n", 100) + "end\n"
	got := lastWords(many)
	assert.Equal(t, failureLogLines, strings.Count(got, "\n"))
	assert.True(t, strings.HasSuffix(got, "\n  end"))
	panicked := "starting\nno certificate\npanic: no certificate\n\ngoroutine 1 [running]:\nmain.main()\n" + strings.Repeat("\tframe\n", 50)
	assert.Equal(t, "\n  starting\n  no certificate\n  panic: no certificate", lastWords(panicked))
	assert.Less(t, len(lastWords(strings.Repeat("x", 10000))), failureLogColumns+20)
}
