//go:build pkcs11

package fabric

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/network/profile"
)

const testPIN = "9876543210"

// softHSM makes a token with the key in it and returns the library's path.
func softHSM(t *testing.T, key *ecdsa.PrivateKey) (library string) {
	t.Helper()
	util, err := exec.LookPath("softhsm2-util")
	if err != nil {
		t.Skip("SoftHSM 2 is not installed (apt-get install softhsm2)")
	}
	for _, path := range []string{os.Getenv(ModuleVariable), "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); path != "" && err == nil {
			library = path
		}
	}
	if library == "" {
		t.Skip("the library of SoftHSM 2 was not found; name it: " + ModuleVariable)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "softhsm2.conf")
	require.NoError(t, os.WriteFile(config, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\n"), 0o600))
	t.Setenv("SOFTHSM2_CONF", config)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	for _, args := range [][]string{
		{"--init-token", "--free", "--label", "warehouse", "--pin", testPIN, "--so-pin", testPIN},
		{"--import", file, "--token", "warehouse", "--label", "wes", "--id", "A7B1", "--pin", testPIN},
	} {
		out, err := exec.Command(util, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	require.NoError(t, os.Remove(file))
	return library
}

func TestAHardwareTokenSigns(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	library := softHSM(t, key)
	dir := t.TempDir()
	u := profile.User{Name: "wes", CertFile: filepath.Join(dir, "cert.pem")}
	certify(t, u, key)
	pin := filepath.Join(dir, "pin")
	require.NoError(t, os.WriteFile(pin, []byte(testPIN+"\n"), 0o600))
	t.Setenv(ModuleVariable, library)
	t.Setenv(PINVariable, pin)

	for _, uri := range []string{"pkcs11:token=warehouse;object=wes", "pkcs11:token=warehouse;id=%A7%B1",
		"pkcs11:token=warehouse;object=wes?module-path=" + library + "&pin-source=" + pin} {
		u.KeyURI = uri
		signs(t, u, &key.PublicKey)
	}
	refused := func(text string) {
		t.Helper()
		_, _, _, err := load(&profile.Profile{MSPID: "WarehouseMSP"}, u)
		assert.Equal(t, fault.SignerUnavailable, fault.CodeOf(err), "%v", err)
		assert.ErrorContains(t, err, text)
	}
	u.KeyURI = "pkcs11:token=another;object=wes"
	refused("another")
	u.KeyURI = "pkcs11:token=warehouse;object=nobody"
	refused("nobody")
	u.KeyURI = "pkcs11:token=warehouse;object=wes"
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	certify(t, u, other)
	refused("not the one of the certificate")
	certify(t, u, key)
	require.NoError(t, os.WriteFile(pin, []byte("1111\n"), 0o600))
	refused("PIN")
	t.Setenv(ModuleVariable, filepath.Join(dir, "nothing.so"))
	refused("nothing.so")
}
