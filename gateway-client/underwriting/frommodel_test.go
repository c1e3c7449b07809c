package underwriting_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// The read model gives the same facts as the ledger, and not before it has caught up with the peer.
func TestModelGivesTheFactsOfTheLedger(t *testing.T) {
	m := newMarket(t)
	id := m.apply(1, m.claim())
	svc := m.session("bankA", "svc")
	model, err := projection.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "bank.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, model.Close()) })
	peer := projection.FromSession(svc)
	fromModel := underwriting.FromModel{Model: model, Viewer: projection.Viewer{MSP: "BankAMSP", Kind: member.Bank}, Peer: peer}

	a := m.application(id)
	want, err := underwriting.FromLedger{Ledger: svc}.History(t.Context(), a, m.today())
	require.NoError(t, err)
	require.NotEmpty(t, want.Sold)
	type answer struct {
		h   underwriting.History
		err error
	}
	waiting := make(chan answer, 1)
	go func() {
		h, err := fromModel.History(t.Context(), a, m.today())
		waiting <- answer{h, err}
	}()
	require.NoError(t, model.CatchUp(t.Context(), peer))
	got := <-waiting
	require.NoError(t, got.err)
	assert.Equal(t, underwriting.FactsOf(want), underwriting.FactsOf(got.h))
	assert.ElementsMatch(t, want.Trades, got.h.Trades)
	assert.Equal(t, want.RequestedMinor, got.h.RequestedMinor)
	assert.Equal(t, want.OfferedMinor, got.h.OfferedMinor)
}
