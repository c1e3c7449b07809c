package keyring

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/seal"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
)

func TestFoundingOpensForItsReadersOnly(t *testing.T) {
	buyer, bank, regulator, outsider := ring(t), ring(t), ring(t), ring(t)
	f, err := buyer.Found("prg-0123456789", circle.Programme, 1, []Reader{
		{"RegulatorMSP", regulator.Public()}, {"BuyerMSP", buyer.Public()}, {"BankAMSP", bank.Public()},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"BankAMSP", "BuyerMSP", "RegulatorMSP"}, f.Readers)
	envelope := func(i int) circle.Envelope {
		return circle.Envelope{Circle: f.ID, Epoch: 1, MSP: f.Readers[i], Box: f.Envelopes[i]}
	}
	one, err := bank.Unwrap(envelope(0), f.Commitment)
	require.NoError(t, err)
	two, err := regulator.Unwrap(envelope(2), f.Commitment)
	require.NoError(t, err)
	assert.Equal(t, one, two)
	assert.Equal(t, f.Digests[0], seal.TokenDigest(one.Token(f.ID, 1, "BankAMSP")))
	kept, ok := bank.Key(f.ID, 1)
	assert.True(t, ok)
	assert.Equal(t, one, kept)

	for i := range f.Readers {
		_, err := outsider.Unwrap(envelope(i), f.Commitment)
		assert.Equal(t, fault.KeyWrong, fault.CodeOf(err), "an outsider opened the envelope of %s", f.Readers[i])
	}
	moved := envelope(0)
	moved.Circle = "prg-9999999999"
	_, err = bank.Unwrap(moved, f.Commitment)
	assert.Equal(t, fault.KeyWrong, fault.CodeOf(err))
	_, err = bank.Unwrap(envelope(0), one.Commitment(f.ID, 2))
	assert.Equal(t, fault.KeyWrong, fault.CodeOf(err), "a key other than the committed one is refused")
}

func TestOpenKeepsTheKey(t *testing.T) {
	dir := t.TempDir()
	var publics [4]string
	var group sync.WaitGroup
	for i := range publics {
		group.Go(func() {
			if k, err := Open(dir); err == nil {
				publics[i] = k.Public()
			}
		})
	}
	group.Wait()
	for _, p := range publics {
		assert.NotEmpty(t, p)
		assert.Equal(t, publics[0], p)
	}
}

func ring(t *testing.T) *Keyring {
	t.Helper()
	k, err := New()
	require.NoError(t, err)
	return k
}

func TestAKeyringIsEncryptedWhereAnIdentityIsNamed(t *testing.T) {
	i, err := keyfile.Init(filepath.Join(t.TempDir(), "identity.txt"), keyfile.Hybrid, "")
	require.NoError(t, err)
	t.Setenv(keyfile.IdentityVariable, i.Path)
	dir := t.TempDir()
	files, err := Files(dir)
	require.NoError(t, err)
	assert.Empty(t, files)
	made, err := Open(dir)
	require.NoError(t, err)
	files, err = Files(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.True(t, keyfile.Encrypted(raw))
	again, err := Open(dir)
	require.NoError(t, err)
	assert.Equal(t, made.Public(), again.Public())
	t.Setenv(keyfile.IdentityVariable, "")
	_, err = Open(dir)
	assert.Equal(t, fault.KeyFileLocked, fault.CodeOf(err), "and never replaced by a new one: %v", err)
}
