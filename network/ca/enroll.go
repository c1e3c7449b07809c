package ca

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hyperledger/fabric-admin-sdk/pkg/identity"

	"github.com/tallystick/tallystick/network/plan"
)

const maxResponseBytes = 1 << 20

// Client speaks Fabric CA's REST protocol to one CA of a server.
type Client struct {
	url    string
	caName string
	http   *http.Client
}

// NewClient returns a client of the CA with that name behind a server's https URL, which tlsCAFile vouches for.
func NewClient(url, caName, tlsCAFile string) (*Client, error) {
	text, err := os.ReadFile(tlsCAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate", tlsCAFile)
	}
	return &Client{url: url, caName: caName, http: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}}, nil
}

// Identity is what a CA is to issue.
type Identity struct {
	ID         string
	Secret     string
	Type       string            // client, peer, orderer or admin
	Attributes map[string]string // into the certificate
}

// Error is a refusal by the CA.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return fmt.Sprintf("fabric-ca: %s (code %d)", e.Message, e.Code) }

// alreadyRegistered is Fabric CA's code for a name that it has in its register (lib/caerrors: ErrDupIdentityReg).
const alreadyRegistered = 74

// Registrar may register identities at its CA.
type Registrar struct {
	client *Client
	cert   []byte
	signer identity.SigningIdentity
}

// Registrar enrols the registrar, which the CA's configuration names.
func (c *Client) Registrar(ctx context.Context, id, secret string) (*Registrar, error) {
	key, cert, _, err := c.enroll(ctx, Identity{ID: id, Secret: secret})
	if err != nil {
		return nil, fmt.Errorf("enrolling the registrar of %s: %w", c.caName, err)
	}
	block, _ := pem.Decode(cert)
	if block == nil {
		return nil, fmt.Errorf("%s issued no PEM text", c.caName)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, err := identity.NewPrivateKeySigningIdentity("", parsed, key)
	if err != nil {
		return nil, err
	}
	return &Registrar{client: c, cert: cert, signer: signer}, nil
}

// register is harmless for an identity that is registered already.
func (r *Registrar) register(ctx context.Context, id Identity) error {
	type attribute struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		ECert bool   `json:"ecert"`
	}
	attrs := []attribute{}
	for name, value := range id.Attributes {
		attrs = append(attrs, attribute{name, value, true})
	}
	err := r.client.call(ctx, "/api/v1/register", map[string]any{
		"id": id.ID, "type": id.Type, "secret": id.Secret, "max_enrollments": -1, "affiliation": "",
		"attrs": attrs, "caname": r.client.caName,
	}, func(req *http.Request, body []byte) error {
		// lib: util.GenECDSAToken
		b64 := base64.StdEncoding.EncodeToString
		payload := req.Method + "." + b64([]byte(req.URL.RequestURI())) + "." + b64(body) + "." + b64(r.cert)
		sig, err := r.signer.Sign([]byte(payload))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", b64(r.cert)+"."+b64(sig))
		return nil
	}, nil)
	var refused *Error
	if errors.As(err, &refused) && refused.Code == alreadyRegistered {
		return nil
	}
	return err
}

// Issue registers and enrols an identity and writes it as an MSP folder that Fabric's programs read, unless the
// folder is there. tlsCAFile becomes the MSP's TLS root.
func (r *Registrar) Issue(ctx context.Context, id Identity, mspDir, tlsCAFile string) error {
	if _, err := os.Stat(CertFile(mspDir)); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.register(ctx, id); err != nil {
		return fmt.Errorf("registering %s: %w", id.ID, err)
	}
	key, cert, chain, err := r.client.enroll(ctx, id)
	if err != nil {
		return fmt.Errorf("enrolling %s: %w", id.ID, err)
	}
	if err := WriteMSP(mspDir, chain, tlsCAFile); err != nil {
		return err
	}
	if err := writeKey(KeyFile(mspDir), key); err != nil {
		return err
	}
	return plan.WriteFile(CertFile(mspDir), cert, 0o644)
}

// CertFile and KeyFile are where an MSP folder keeps its own certificate and key.
func CertFile(mspDir string) string { return filepath.Join(mspDir, "signcerts", "cert.pem") }

// KeyFile is where an MSP folder keeps its private key.
func KeyFile(mspDir string) string { return filepath.Join(mspDir, "keystore", "key.pem") }

// nodeOUs tells peers, orderers, admins and clients of an organisation apart by a unit in their certificates.
const nodeOUs = `NodeOUs:
  Enable: true
  ClientOUIdentifier: {Certificate: cacerts/ca.pem, OrganizationalUnitIdentifier: client}
  PeerOUIdentifier: {Certificate: cacerts/ca.pem, OrganizationalUnitIdentifier: peer}
  AdminOUIdentifier: {Certificate: cacerts/ca.pem, OrganizationalUnitIdentifier: admin}
  OrdererOUIdentifier: {Certificate: cacerts/ca.pem, OrganizationalUnitIdentifier: orderer}
`

// WriteMSP writes what the MSP folders of an organisation have in common.
func WriteMSP(dir string, chain []byte, tlsCAFile string) error {
	tlsCA, err := os.ReadFile(tlsCAFile)
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"cacerts/ca.pem": chain, "tlscacerts/ca.pem": tlsCA, "config.yaml": []byte(nodeOUs),
	} {
		if err := plan.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// enroll makes a key, and returns it with its certificate and the CA's chain.
func (c *Client) enroll(ctx context.Context, id Identity) (key *ecdsa.PrivateKey, cert, chain []byte, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: id.ID}, SignatureAlgorithm: x509.ECDSAWithSHA256,
	}, key)
	if err != nil {
		return nil, nil, nil, err
	}
	type attributeRequest struct {
		Name string `json:"name"`
	}
	// Named attributes only: the default ones would put the enrolment id and the affiliation into the certificate.
	attrs := []attributeRequest{}
	for name := range id.Attributes {
		attrs = append(attrs, attributeRequest{name})
	}
	body := map[string]any{
		"certificate_request": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
		"caname":              c.caName,
		"attr_reqs":           attrs,
	}
	var result struct {
		Cert       []byte
		ServerInfo struct{ CAChain []byte }
	}
	err = c.call(ctx, "/api/v1/enroll", body, func(req *http.Request, _ []byte) error {
		req.SetBasicAuth(id.ID, id.Secret)
		return nil
	}, &result)
	if err != nil {
		return nil, nil, nil, err
	}
	return key, result.Cert, result.ServerInfo.CAChain, nil
}

func (c *Client) call(ctx context.Context, path string, body any, authorise func(*http.Request, []byte) error, result any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if authorise != nil {
		if err := authorise(req, text); err != nil {
			return err
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes))
	if err != nil {
		return err
	}
	var envelope struct {
		Success bool            `json:"success"`
		Result  json.RawMessage `json:"result"`
		Errors  []*Error        `json:"errors"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return fmt.Errorf("fabric-ca answered %s: %s", resp.Status, strings.TrimSpace(string(answer)))
	}
	if !envelope.Success {
		if len(envelope.Errors) > 0 {
			return envelope.Errors[0]
		}
		return fmt.Errorf("fabric-ca answered %s", resp.Status)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(envelope.Result, result)
}
