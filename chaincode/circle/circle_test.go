package circle

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/seal"
)

const id = "prg-0123456789"

var readers = []string{"BankAMSP", "BuyerMSP", "RegulatorMSP", "SupplierMSP"}

func key(b byte) (k seal.Key) {
	for i := range k {
		k[i] = b
	}
	return k
}

// founding makes the input for an epoch under a key.
func founding(k seal.Key, epoch int, who ...string) Founding {
	f := Founding{ID: id, Kind: Programme, Readers: who, Commitment: k.Commitment(id, epoch)}
	for _, msp := range who {
		f.Digests = append(f.Digests, seal.TokenDigest(k.Token(id, epoch, msp)))
		f.Envelopes = append(f.Envelopes, base64.StdEncoding.EncodeToString([]byte("sealed to "+msp)))
	}
	return f
}

func TestCircleIsActiveOnlyWhenEveryReaderHasConfirmed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := key(1)
		c, err := Found("BuyerMSP", founding(k, 1, readers...), []string{"RegulatorMSP"})
		require.NoError(t, err)
		confirmed := map[string]bool{}
		for _, msp := range rapid.SliceOfN(rapid.SampledFrom(readers), 0, 8).Draw(t, "confirmations") {
			was := c.Status
			c, err = c.Confirm(msp, 1, k.Token(id, 1, msp))
			require.NoError(t, err)
			confirmed[msp] = true
			assert.Equal(t, len(confirmed) == len(readers), c.Status == Active, "after %v, before it was %s", confirmed, was)
		}
		_, err = c.Writable()
		assert.Equal(t, c.Status == Active, err == nil)
		for _, msp := range readers {
			assert.Equal(t, !confirmed[msp] && c.Status != Active, slices.Contains(c.Missing(), msp))
		}
	})
}

func TestRekeyServesTheOldEpochUntilTheNewOneIsConfirmed(t *testing.T) {
	c := active(t)
	next := founding(key(2), 2, "BankBMSP", "BuyerMSP", "RegulatorMSP", "SupplierMSP")
	c, err := c.Rekey("BuyerMSP", next, []string{"RegulatorMSP"})
	require.NoError(t, err)
	epoch, err := c.Writable()
	require.NoError(t, err)
	assert.Equal(t, 1, epoch.Number)
	assert.Equal(t, readers, c.Readers())
	for _, msp := range next.Readers {
		c, err = c.Confirm(msp, 2, key(2).Token(id, 2, msp))
		require.NoError(t, err)
	}
	assert.Equal(t, next.Readers, c.Readers(), "who left reads nothing that is written from now on")
	for n, k := range map[int]seal.Key{1: key(1), 2: key(2)} {
		commitment, ok := c.Commitment(n)
		require.True(t, ok)
		assert.True(t, k.Matches(commitment, id, n))
	}
	_, ok := c.Commitment(3)
	assert.False(t, ok)
}

func TestRefusals(t *testing.T) {
	regulator := []string{"RegulatorMSP"}
	good := founding(key(1), 1, readers...)
	cases := map[string]struct {
		do   func() error
		want fault.Code
	}{
		"without the regulator": {func() error {
			_, err := Found("BuyerMSP", founding(key(1), 1, "BankAMSP", "BuyerMSP", "SupplierMSP"), regulator)
			return err
		}, fault.RegulatorMissing},
		"before there is a regulator": {func() error { _, err := Found("BuyerMSP", good, nil); return err }, fault.RegulatorMissing},
		"founder does not read":       {func() error { _, err := Found("WarehouseMSP", good, regulator); return err }, fault.InputInvalid},
		"rekey by another": {func() error {
			_, err := active(t).Rekey("BankAMSP", founding(key(2), 2, readers...), regulator)
			return err
		}, fault.NotPermitted},
		"confirmed by an outsider": {func() error {
			c, _ := Found("BuyerMSP", good, regulator)
			_, err := c.Confirm("BankBMSP", 1, key(1).Token(id, 1, "BankBMSP"))
			return err
		}, fault.NotPermitted},
		"another's token": {func() error {
			c, _ := Found("BuyerMSP", good, regulator)
			_, err := c.Confirm("BankAMSP", 1, key(1).Token(id, 1, "BuyerMSP"))
			return err
		}, fault.CircleTokenWrong},
		"another key's token": {func() error {
			c, _ := Found("BuyerMSP", good, regulator)
			_, err := c.Confirm("BankAMSP", 1, key(9).Token(id, 1, "BankAMSP"))
			return err
		}, fault.CircleTokenWrong},
		"an epoch that is not": {func() error { _, err := active(t).Confirm("BankAMSP", 7, "x"); return err }, fault.RecordNotFound},
	}
	for name, c := range cases {
		assert.Equal(t, c.want, fault.CodeOf(c.do()), name)
	}
}

func TestValidateReportsEveryFailure(t *testing.T) {
	bad := Founding{ID: "Programme 1", Kind: "club", Readers: []string{"B", "A"}, Commitment: "x", Digests: []string{"y"}, Envelopes: []string{"?"}}
	var e *fault.Error
	require.True(t, errors.As(bad.Validate(), &e))
	paths := map[string]bool{}
	for _, f := range e.Fields {
		paths[f.Path] = true
	}
	assert.Equal(t, map[string]bool{"id": true, "kind": true, "readers": true, "commitment": true, "digests": true, "envelopes": true}, paths)
}

func active(t *testing.T) Circle {
	t.Helper()
	c, err := Found("BuyerMSP", founding(key(1), 1, readers...), []string{"RegulatorMSP"})
	require.NoError(t, err)
	for _, msp := range readers {
		c, err = c.Confirm(msp, 1, key(1).Token(id, 1, msp))
		require.NoError(t, err)
	}
	return c
}
