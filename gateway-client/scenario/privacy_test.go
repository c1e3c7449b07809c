package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/network/topology"
)

// secrets are names, numbers, amounts and prices of the main job's documents. Amounts are long enough not to turn up in
// random hex digits.
var secrets = []string{
	"Acme Castings", "Birch Fasteners", "9520000100018", "INV-1001", "INV-2001", "4825000", "48250.00", "LOT-8841", "epoxy-primer",
}

// errEnough ends a stream of blocks at the height at which a test wants to stop.
var errEnough = errors.New("enough")

// blocksUpTo reads every block that the session's peer has, up to the height.
func blocksUpTo(t *testing.T, s *consortium.Session, last uint64) []consortium.Block {
	t.Helper()
	var all []consortium.Block
	err := s.Network.Blocks(t.Context(), 0, func(b consortium.Block) error {
		all = append(all, b)
		if b.Number >= last {
			return errEnough
		}
		return nil
	})
	require.ErrorIs(t, err, errEnough)
	return all
}

func TestOutsiderFindsNothingAndTheRegulatorOpensEverything(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	decides(t, c)
	_, err := inMemory(t, c).Run(t.Context(), mainJob)
	require.NoError(t, err)

	regulator, err := c.Session("regulator", "reg")
	require.NoError(t, err)
	outsider, err := c.Session("bankB", "greta")
	require.NoError(t, err)
	opensAll(t, regulator, outsider, c.Ledger.Height()-1)

	for _, seen := range c.Ledger.SeenBy("BankBMSP") {
		for _, secret := range secrets {
			require.False(t, bytes.Contains(seen, []byte(secret)), "the outsider's peer saw %q", secret)
		}
	}
}

// opensOwnEnvelopesOnly tries every key that was ever sealed to somebody with the outsider's own one.
func opensOwnEnvelopesOnly(t *testing.T, outsider *consortium.Session, body []byte) {
	t.Helper()
	var e circle.Envelope
	require.NoError(t, json.Unmarshal(body, &e))
	require.NotEqual(t, outsider.User().MSP, e.MSP, "the outsider has no programme in the main job")
	_, err := outsider.Keyring.Unwrap(e, "")
	require.Equal(t, fault.KeyWrong, fault.CodeOf(err), "the outsider opened the envelope of %s", e.MSP)
}

// opensAll reads every block as both: the regulator opens each sealed record, in which the secrets are found, the outsider
// opens none.
func opensAll(t *testing.T, regulator, outsider *consortium.Session, last uint64) {
	t.Helper()
	ctx, sealed := context.Background(), 0
	var opened bytes.Buffer
	for _, b := range blocksUpTo(t, regulator, last) {
		for _, tx := range b.Transactions {
			for _, w := range tx.Writes {
				v, body, err := regulator.Open(ctx, w)
				require.NoError(t, err, "the regulator does not open a %s", v.Type)
				if v.Type == "envelope" {
					opensOwnEnvelopesOnly(t, outsider, body)
				}
				if !v.Sealed() {
					continue
				}
				sealed++
				opened.Write(body)
				_, _, err = outsider.Open(ctx, w)
				require.Equal(t, fault.KeyMissing, fault.CodeOf(err), "the outsider opens a %s", v.Type)
			}
		}
	}
	assert.Positive(t, sealed)
	for _, secret := range []string{"Acme Castings", "INV-1001", "4825000"} {
		assert.True(t, bytes.Contains(opened.Bytes(), []byte(secret)), "%q was nowhere, so the search proves nothing", secret)
	}
}
