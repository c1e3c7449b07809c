package fabric

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
	"github.com/tallystick/tallystick/network/profile"
)

// enrolled is a user with a key and a certificate in files.
func enrolled(t *testing.T, dir string) (profile.User, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	u := profile.User{Name: "wes", CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	require.NoError(t, os.WriteFile(u.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	certify(t, u, key)
	return u, key
}

func certify(t *testing.T, u profile.User, key *ecdsa.PrivateKey) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wes"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(u.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
}

// signs loads the user and checks what it signs: transactions and undertakings alike.
func signs(t *testing.T, u profile.User, public *ecdsa.PublicKey) {
	t.Helper()
	user, id, key, err := load(&profile.Profile{Org: "warehouse", MSPID: "WarehouseMSP"}, u)
	require.NoError(t, err)
	defer func() { assert.NoError(t, key.close()) }()
	assert.Equal(t, "WarehouseMSP", id.MspID())
	message := []byte("an undertaking")
	digest := sha256.Sum256(message)
	signature, err := user.Sign(message)
	require.NoError(t, err)
	assert.True(t, ecdsa.VerifyASN1(public, digest[:], signature))
	signature, err = key.sign(digest[:])
	require.NoError(t, err)
	assert.True(t, ecdsa.VerifyASN1(public, digest[:], signature))
}

func TestAKeyFileMayBeEncrypted(t *testing.T) {
	u, key := enrolled(t, t.TempDir())
	signs(t, u, &key.PublicKey)
	i, err := keyfile.Init(filepath.Join(t.TempDir(), "identity.txt"), keyfile.Hybrid, "")
	require.NoError(t, err)
	_, err = i.Encrypt([]string{u.KeyFile})
	require.NoError(t, err)
	_, _, _, err = load(&profile.Profile{}, u)
	assert.Equal(t, fault.KeyFileLocked, fault.CodeOf(err), "%v", err)
	t.Setenv(keyfile.IdentityVariable, i.Path)
	signs(t, u, &key.PublicKey)
}

func TestAKeyMustBeTheCertificates(t *testing.T) {
	u, _ := enrolled(t, t.TempDir())
	other, _ := enrolled(t, t.TempDir())
	u.KeyFile = other.KeyFile
	_, _, _, err := load(&profile.Profile{MSPID: "WarehouseMSP"}, u)
	assert.Equal(t, fault.SignerUnavailable, fault.CodeOf(err), "%v", err)
}

func TestKeyURIs(t *testing.T) {
	for text, want := range map[string]keyURI{
		"pkcs11:token=bank;object=rita":                                              {token: "bank", object: "rita"},
		"pkcs11:token=my%20bank;id=%01%A7":                                           {token: "my bank", id: "\x01\xa7"},
		"pkcs11:token=t;object=o;type=private":                                       {token: "t", object: "o"},
		"pkcs11:object=o;token=t;manufacturer=":                                      {token: "t", object: "o"},
		"pkcs11:token=t;object=o?module-path=/usr/lib/p.so&pin-source=file:/etc/pin": {token: "t", object: "o", module: "/usr/lib/p.so", pinFile: "/etc/pin"},
		"pkcs11:token=t;object=o?pin-source=/etc/pin":                                {token: "t", object: "o", pinFile: "/etc/pin"},
	} {
		got, err := parseKeyURI(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "pkcs11:", "http://t/o", "pkcs11:token=t", "pkcs11:object=o", "pkcs11:token=t;token=u;object=o", "pkcs11:token=%zz;object=o",
		"pkcs11:token=t;object=o;type=public", "pkcs11:token=t;object=o?module-path=p.so", "pkcs11:token=t;object=o?pin-source=pin",
		"pkcs11:token=t;object=" + strings.Repeat("o", maxKeyURI)} {
		_, err := parseKeyURI(text)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), text)
	}
	_, err := parseKeyURI("pkcs11:token=t;object=o?pin-value=123456")
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	assert.NotContains(t, f.Text(), "123456", "a PIN is not repeated")
}

func FuzzKeyURI(f *testing.F) {
	f.Add("pkcs11:token=bank;object=rita?module-path=/usr/lib/p.so&pin-source=file:/etc/pin")
	f.Add("pkcs11:token=%2f;id=%00")
	f.Fuzz(func(t *testing.T, text string) {
		uri, err := parseKeyURI(text)
		if err != nil {
			assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
			return
		}
		assert.NotEmpty(t, uri.token)
		assert.NotEmpty(t, uri.object+uri.id)
		assert.NotContains(t, text, "?pin-value=")
	})
}

func TestATokenNeedsItsLibraryAndPIN(t *testing.T) {
	t.Setenv(ModuleVariable, "")
	t.Setenv(PINVariable, "")
	_, err := keyURI{token: "t"}.library()
	assert.ErrorContains(t, err, ModuleVariable)
	_, err = keyURI{token: "t"}.pin()
	assert.ErrorContains(t, err, PINVariable)
	file := filepath.Join(t.TempDir(), "pin")
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	t.Setenv(PINVariable, file)
	_, err = keyURI{token: "t"}.pin()
	assert.Equal(t, fault.SignerUnavailable, fault.CodeOf(err))
	require.NoError(t, os.WriteFile(file, []byte("1234\r\n"), 0o600))
	pin, err := keyURI{token: "t"}.pin()
	require.NoError(t, err)
	assert.Equal(t, "1234", pin)
}
