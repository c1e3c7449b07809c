package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
	"github.com/tallystick/tallystick/network/profile"
)

// away gives the test folders of its own for configuration and networks, and takes the environment away.
func away(t *testing.T) (config, state string) {
	t.Helper()
	config, state = t.TempDir(), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("TALLYNET_STATE", state)
	for _, name := range []string{"TALLY_NETWORK", "TALLY_ORG", "TALLY_USER", "TALLY_PROFILE", "TALLY_CONTEXT", keyfile.IdentityVariable, keyfile.PassphraseVariable} {
		t.Setenv(name, "")
	}
	return config, state
}

// tally runs one command line and returns its exit status and what it printed.
func tally(t *testing.T, connect Connector, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	app := &App{In: &bytes.Buffer{}, Out: &o, Err: &e, Connect: connect}
	root := New(app)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	app.report(err)
	return ExitStatus(err), o.String(), e.String()
}

// done is tally for what must succeed.
func done(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := tally(t, nil, args...)
	require.Zero(t, status, "%v: %s", args, errs)
	return out
}

// asks runs a command that connects and returns as whom.
func asks(t *testing.T, args ...string) (who Who) {
	t.Helper()
	enough := errors.New("enough")
	status, _, errs := tally(t, func(_ context.Context, w Who) (*consortium.Session, func() error, error) {
		who = w
		return nil, nil, enough
	}, append(args, "device", "list")...)
	require.Equal(t, ExitFailed, status)
	require.Contains(t, errs, "enough")
	return who
}

func TestOptionsWinOverVariablesAndThoseOverContexts(t *testing.T) {
	config, _ := away(t)
	assert.Equal(t, Who{Network: "demo"}, asks(t))
	done(t, "context", "set", "anna", "--network", "second", "--org", "supplier", "--user", "anna")
	assert.Equal(t, Who{Network: "second", Org: "supplier", User: "anna"}, asks(t), "the first context is used")
	info, err := os.Stat(filepath.Join(config, "tallystick", "contexts.json"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	done(t, "context", "set", "rita", "--profile", "/etc/bank/profile.json", "--user", "rita")
	assert.Equal(t, "anna", asks(t).User, "another one changes nothing")
	assert.Equal(t, Who{Network: "demo", Profile: "/etc/bank/profile.json", User: "rita"}, asks(t, "--context", "rita"))
	assert.Equal(t, Who{Network: "demo", Org: "buyer", User: "rita"}, asks(t, "--context", "rita", "--org", "buyer"), "a profile stands for an organisation")
	assert.Equal(t, Who{Network: "demo", Profile: "p.json", User: "anna"}, asks(t, "--profile", "p.json"))
	done(t, "context", "use", "rita")
	assert.Equal(t, "rita", asks(t).User)
	t.Setenv("TALLY_CONTEXT", "anna")
	t.Setenv("TALLY_USER", "ben")
	assert.Equal(t, Who{Network: "second", Org: "supplier", User: "ben"}, asks(t))
	assert.Equal(t, "cara", asks(t, "--user", "cara").User)

	var shown struct {
		Settings []struct{ Option, Value, From string }
	}
	require.NoError(t, json.Unmarshal([]byte(done(t, "context", "show", "--output", "json")), &shown))
	assert.Contains(t, shown.Settings, struct{ Option, Value, From string }{"user", "ben", "option or TALLY_ variable"})
	assert.Contains(t, shown.Settings, struct{ Option, Value, From string }{"org", "supplier", "context anna"})
}

func TestContextsChangeInParts(t *testing.T) {
	config, _ := away(t)
	t.Setenv("TALLY_ORG", "bankB")
	done(t, "context", "set", "anna", "--org", "supplier", "--user", "anna")
	done(t, "context", "set", "anna", "--user", "amy")
	var list struct{ Contexts []contextRow }
	require.NoError(t, json.Unmarshal([]byte(done(t, "context", "list", "--output", "json")), &list))
	assert.Equal(t, []contextRow{{"anna", true, contextSettings{Org: "supplier", User: "amy"}}}, list.Contexts, "the environment is not kept")
	assert.Contains(t, done(t, "context", "list"), "anna *")
	for _, wrong := range [][]string{{"set", "anna"}, {"set", "an na", "--user", "x"}, {"use", "nobody"}, {"show", "nobody"}, {"delete", "nobody"}} {
		status, _, _ := tally(t, nil, append([]string{"context"}, wrong...)...)
		assert.Equal(t, ExitInvalid, status, "%v", wrong)
	}
	status, _, errs := tally(t, nil, "--context", "nobody", "device", "list")
	assert.Equal(t, ExitInvalid, status)
	assert.Contains(t, errs, "anna", "it says which there are")
	done(t, "context", "delete", "anna")
	assert.Equal(t, "", asks(t).User)

	require.NoError(t, os.WriteFile(filepath.Join(config, "tallystick", "contexts.json"), []byte(`{"nonsense":1}`), 0o600))
	status, _, errs = tally(t, nil, "device", "list")
	assert.Equal(t, ExitInvalid, status)
	assert.Contains(t, errs, "contexts.json")
}

// bank writes the folder of an organisation with two users, as a network does.
func bank(t *testing.T, state string) *profile.Profile {
	t.Helper()
	dir := filepath.Join(state, "demo", "orgs", "bankA")
	p := &profile.Profile{Network: "demo", Channel: "tally", Org: "bankA", MSPID: "BankAMSP"}
	user := func(name string, roles ...string) profile.User {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		require.NoError(t, err)
		u := profile.User{Name: name, Roles: roles, CertFile: filepath.Join(dir, name, "cert.pem"), KeyFile: filepath.Join(dir, name, "key.pem")}
		require.NoError(t, os.MkdirAll(filepath.Dir(u.CertFile), 0o700))
		require.NoError(t, os.WriteFile(u.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
		require.NoError(t, os.WriteFile(u.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
		return u
	}
	p.Users = []profile.User{user("rita", "risk"), user("bob", "maker", "checker")}
	p.Admin = user("admin")
	p.Peer = profile.Node{Name: "peer-bankA", Endpoint: "127.0.0.1:1", TLSCAFile: p.Admin.CertFile}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, profile.File), text, 0o600))
	return p
}
