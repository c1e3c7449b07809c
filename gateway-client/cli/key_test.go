package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/fabric"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
	"github.com/tallystick/tallystick/network/profile"
)

func TestKeysOfAnOrganisationAreEncryptedInPlace(t *testing.T) {
	config, state := away(t)
	p := bank(t, state)
	dir := filepath.Join(state, "demo", "orgs", "bankA")
	// opens opens a session of the user with the keyring, and says which public sealing key that has.
	opens := func() (string, error) {
		s, end, err := fabric.OpenSession(p, "rita", dir)
		if err != nil {
			return "", err
		}
		defer func() { require.NoError(t, end()) }()
		signature, err := s.User().Sign([]byte("an undertaking"))
		assert.NotEmpty(t, signature)
		return s.Keyring.Public(), err
	}
	sealing, err := opens()
	require.NoError(t, err)
	states := func() map[string]string {
		var status struct{ Keys []keyFile }
		require.NoError(t, json.Unmarshal([]byte(done(t, "--org", "bankA", "key", "status", "--output", "json")), &status))
		all := map[string]string{}
		for _, k := range status.Keys {
			all[k.Of] = k.State
		}
		return all
	}
	assert.Equal(t, map[string]string{"keyring": "plain", "rita": "plain", "bob": "plain", "admin": "plain"}, states())

	status, _, errs := tally(t, nil, "--org", "bankA", "key", "encrypt")
	assert.Equal(t, ExitInvalid, status)
	assert.Contains(t, errs, "tally key init")
	done(t, "key", "init")
	identity := filepath.Join(config, "tallystick", "keys-identity.txt")
	status, _, _ = tally(t, nil, "key", "init")
	assert.Equal(t, ExitInvalid, status, "an identity is never replaced")
	var changes keyChanges
	require.NoError(t, json.Unmarshal([]byte(done(t, "--org", "bankA", "key", "encrypt", "--identity", identity, "--output", "json")), &changes))
	assert.Len(t, changes.Changed, 3)
	assert.Equal(t, map[string]string{"keyring": "encrypted", "rita": "encrypted", "bob": "encrypted", "admin": "plain"}, states())
	assert.Contains(t, done(t, "--org", "bankA", "key", "status"), "KEY_FILE_LOCKED", "no identity is named")

	_, err = opens()
	require.ErrorContains(t, err, "KEY_FILE_LOCKED")
	t.Setenv(keyfile.IdentityVariable, identity)
	again, err := opens()
	require.NoError(t, err)
	assert.Equal(t, sealing, again)
	assert.NotContains(t, done(t, "--org", "bankA", "key", "status"), "KEY_")

	require.NoError(t, json.Unmarshal([]byte(done(t, "--org", "bankA", "key", "rotate", "--output", "json")), &changes))
	assert.Len(t, changes.Changed, 3)
	require.Len(t, changes.Former, 1)
	again, err = opens()
	require.NoError(t, err)
	assert.Equal(t, sealing, again)
	t.Setenv(keyfile.IdentityVariable, changes.Former[0])
	_, err = opens()
	require.ErrorContains(t, err, "KEY_IDENTITY_WRONG")
	status, _, errs = tally(t, nil, "--org", "bankA", "key", "decrypt")
	assert.Equal(t, ExitFailed, status)
	assert.Contains(t, errs, "KEY_IDENTITY_WRONG")

	t.Setenv(keyfile.IdentityVariable, identity)
	done(t, "--org", "bankA", "key", "decrypt")
	t.Setenv(keyfile.IdentityVariable, "")
	again, err = opens()
	require.NoError(t, err)
	assert.Equal(t, sealing, again)
}

func TestKeyStatusSaysWhatIsWrong(t *testing.T) {
	_, state := away(t)
	p := bank(t, state)
	require.NoError(t, os.Chmod(p.Users[0].KeyFile, 0o644))
	require.NoError(t, os.Remove(p.Users[1].KeyFile))
	out := done(t, "--org", "bankA", "key", "status")
	assert.Contains(t, out, "others can read it (mode 0644)")
	assert.Contains(t, out, "missing")
	p.Users[1].KeyURI = "pkcs11:token=bank;object=bob"
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(state, "demo", "orgs", "bankA", profile.File), text, 0o600))
	assert.Contains(t, done(t, "--org", "bankA", "key", "status"), "pkcs11:token=bank;object=bob")
}

func TestAnIdentityWithAPassphraseFromAFile(t *testing.T) {
	away(t)
	dir := t.TempDir()
	words, identity := filepath.Join(dir, "words"), filepath.Join(dir, "identity.txt")
	require.NoError(t, os.WriteFile(words, []byte("correct horse\n"), 0o600))
	done(t, "key", "init", identity, "--passphrase-file", words)
	text, err := os.ReadFile(identity)
	require.NoError(t, err)
	assert.True(t, keyfile.Encrypted(text))
	status, _, _ := tally(t, nil, "key", "init", identity+"2", "--passphrase-file", words, "--passphrase")
	assert.Equal(t, ExitInvalid, status)
	status, _, _ = tally(t, nil, "key", "init", identity+"2", "--kind", "rsa")
	assert.Equal(t, ExitInvalid, status)
}
