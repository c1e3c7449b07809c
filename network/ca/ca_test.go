package ca

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTLSAuthority(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenTLSAuthority(dir, "tls.test")
	require.NoError(t, err)
	certFile, keyFile := filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	require.NoError(t, a.Issue(certFile, keyFile, "peer-x", "peer-x", "127.0.0.1"))
	before, err := os.ReadFile(certFile)
	require.NoError(t, err)

	again, err := OpenTLSAuthority(dir, "tls.test")
	require.NoError(t, err)
	require.NoError(t, again.Issue(certFile, keyFile, "peer-x", "peer-x"))
	after, err := os.ReadFile(certFile)
	require.NoError(t, err)
	assert.Equal(t, before, after, "a second up replaces certificates, which stand in the first block")

	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for _, name := range []string{"peer-x", "127.0.0.1"} {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		assert.NoError(t, err, name)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "peer-y"})
	assert.Error(t, err)
	info, err := os.Stat(keyFile)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// fakeCA answers as Fabric CA does: it keeps a register, checks secrets and tokens, and issues certificates.
type fakeCA struct {
	mu       sync.Mutex
	t        *testing.T
	key      *ecdsa.PrivateKey
	cert     *x509.Certificate
	pem      []byte
	register map[string]map[string]any
	enrolled []map[string]any
}

func newFakeCA(t *testing.T) (*fakeCA, *Client) {
	dir := t.TempDir()
	a, err := OpenTLSAuthority(dir, "ca")
	require.NoError(t, err)
	text, err := os.ReadFile(a.CertFile)
	require.NoError(t, err)
	f := &fakeCA{t: t, key: a.key, cert: a.cert, pem: text, register: map[string]map[string]any{"registrar": {"secret": "s"}}}
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	rootFile := filepath.Join(dir, "root.pem")
	require.NoError(t, writePEM(rootFile, "CERTIFICATE", server.Certificate().Raw, 0o600))
	c, err := NewClient(server.URL, "ca-test", rootFile)
	require.NoError(t, err)
	return f, c
}

func (f *fakeCA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, _ := io.ReadAll(r.Body)
	var body map[string]any
	assert.NoError(f.t, json.Unmarshal(text, &body))
	refuse := func(code int, message string) {
		json.NewEncoder(w).Encode(map[string]any{"success": false, "errors": []Error{{code, message}}})
	}
	switch r.URL.Path {
	case "/api/v1/register":
		if !f.tokenValid(r, text) {
			refuse(20, "Authentication failure")
			return
		}
		id := body["id"].(string)
		if f.register[id] != nil {
			refuse(alreadyRegistered, "already registered")
			return
		}
		f.register[id] = body
		json.NewEncoder(w).Encode(map[string]any{"success": true, "result": map[string]any{}})
	case "/api/v1/enroll":
		id, secret, _ := r.BasicAuth()
		if f.register[id] == nil || f.register[id]["secret"] != secret {
			refuse(20, "Authentication failure")
			return
		}
		f.enrolled = append(f.enrolled, body)
		block, _ := pem.Decode([]byte(body["certificate_request"].(string)))
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		assert.NoError(f.t, err)
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: id},
			NotAfter: time.Now().Add(time.Hour)}, f.cert, csr.PublicKey, f.key)
		assert.NoError(f.t, err)
		json.NewEncoder(w).Encode(map[string]any{"success": true, "result": map[string]any{
			"Cert":       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			"ServerInfo": map[string]any{"CAChain": f.pem},
		}})
	}
}

// tokenValid checks the token as util.VerifyToken of Fabric CA does, including that S is low.
func (f *fakeCA) tokenValid(r *http.Request, body []byte) bool {
	b64cert, b64sig, _ := strings.Cut(r.Header.Get("Authorization"), ".")
	certPEM, _ := base64.StdEncoding.DecodeString(b64cert)
	sig, _ := base64.StdEncoding.DecodeString(b64sig)
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	b64 := base64.StdEncoding.EncodeToString
	digest := sha256.Sum256([]byte(r.Method + "." + b64([]byte(r.URL.RequestURI())) + "." + b64(body) + "." + b64cert))
	return cert.PublicKey.(*ecdsa.PublicKey).Curve == elliptic.P256() && ecdsa.VerifyASN1(cert.PublicKey.(*ecdsa.PublicKey), digest[:], sig)
}

func TestIssue(t *testing.T) {
	f, c := newFakeCA(t)
	ctx := context.Background()
	_, err := c.Registrar(ctx, "registrar", "wrong")
	assert.ErrorContains(t, err, "Authentication failure (code 20)")
	registrar, err := c.Registrar(ctx, "registrar", "s")
	require.NoError(t, err)

	id := Identity{ID: "u-1", Secret: "x", Type: "client", Attributes: map[string]string{"roles": "maker,checker"}}
	msp := filepath.Join(t.TempDir(), "msp")
	tlsCA := filepath.Join(t.TempDir(), "tls.pem")
	require.NoError(t, os.WriteFile(tlsCA, f.pem, 0o600))
	require.NoError(t, registrar.Issue(ctx, id, msp, tlsCA))
	assert.Equal(t, "client", f.register["u-1"]["type"])
	last := f.enrolled[len(f.enrolled)-1]
	assert.Equal(t, "ca-test", last["caname"])
	assert.Equal(t, []any{map[string]any{"name": "roles"}}, last["attr_reqs"], "only named attributes may enter the certificate")
	_, err = tls.LoadX509KeyPair(CertFile(msp), KeyFile(msp))
	require.NoError(t, err)
	for _, name := range []string{"cacerts/ca.pem", "tlscacerts/ca.pem", "config.yaml"} {
		assert.FileExists(t, filepath.Join(msp, name))
	}

	calls := len(f.enrolled)
	require.NoError(t, registrar.Issue(ctx, id, msp, tlsCA))
	assert.Len(t, f.enrolled, calls, "what is issued is issued again")
	// The enrolment was interrupted after the registration.
	require.NoError(t, registrar.Issue(ctx, id, filepath.Join(t.TempDir(), "msp"), tlsCA))
}

func TestUnintelligibleAnswers(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "oops")
	}))
	defer server.Close()
	rootFile := filepath.Join(t.TempDir(), "root.pem")
	require.NoError(t, writePEM(rootFile, "CERTIFICATE", server.Certificate().Raw, 0o600))
	c, err := NewClient(server.URL, "x", rootFile)
	require.NoError(t, err)
	_, err = c.Registrar(context.Background(), "a", "b")
	assert.ErrorContains(t, err, "502 Bad Gateway: oops")
}
