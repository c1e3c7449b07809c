package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestColumnsStandBelowEachOtherInEveryLanguage(t *testing.T) {
	assert.Equal(t, "decision  approve\n"+
		"失分      198  已确认的交易额较小\n"+
		"fee       EUR 1.00\n",
		align([][]string{{"decision", "approve"}, {"失分", "198", "已确认的交易额较小"}, {"fee", "EUR 1.00"}}))
	assert.Equal(t, "A   B\nab  c\n", align([][]string{{"A", "B"}, {"ab", "c"}}))
}
