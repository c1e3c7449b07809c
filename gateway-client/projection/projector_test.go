package projection_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/projection"
)

func TestRebuildGivesTheSameContent(t *testing.T) {
	for _, name := range []string{"receivables", "main-job", "receipts"} {
		c := shown(t, name)
		for _, o := range organisations {
			s := modelOf(t, c, o.name, o.user)
			first, err := s.ContentHash(t.Context())
			require.NoError(t, err)
			status, err := s.Status(t.Context())
			require.NoError(t, err)
			assert.Equal(t, c.Ledger.Height()-1, status.Block)
			assert.Zero(t, status.Behind)

			require.NoError(t, s.Rebuild(t.Context(), sourceOf(t, c, o.name, o.user)))
			again, err := s.ContentHash(t.Context())
			require.NoError(t, err)
			assert.Equal(t, first, again, "%s of %s", o.name, name)
			events, err := s.Events(t.Context(), projection.Viewer{MSP: o.msp, Kind: o.kind}, 0, "", 0)
			require.NoError(t, err)
			t.Logf("%s %s: %d events", name, o.name, len(events))
		}
	}
}
