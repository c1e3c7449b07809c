package collector

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Whatever devices send is read or refused with a code; nothing that is read lacks a signature where one is asked for.
func FuzzRead(f *testing.F) {
	raw, err := os.ReadFile("../../testdata/epcis/lot-8841-in-range.jsonld")
	require.NoError(f, err)
	f.Add(suffixEPCIS, raw)
	f.Add(suffixReadings, []byte(`{"device":"dev-00000001","sequence":1,"at":"2026-01-01T00:00:00Z","property":"Temperature","unit":"CEL","scale":1,"value":1,"signature":"AA=="}`+"\n"))
	f.Add(suffixSegment, []byte(`{"segment":{"device":"dev-00000001","first":1,"last":1},"readings":[]}`))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		c, err := read(name, raw)
		if err != nil {
			require.True(t, unreadable(err) || final(err), "%v", err)
			require.NotEmpty(t, fault.CodeOf(err))
			return
		}
		for _, r := range c.readings {
			require.NotEmpty(t, r.Signature)
		}
		require.Equal(t, strings.HasSuffix(name, suffixSegment), c.closed != nil)
	})
}
