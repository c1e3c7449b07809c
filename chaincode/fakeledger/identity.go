package fakeledger

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"
)

// attributesOID is where Fabric CA puts attributes (fabric-chaincode-go/pkg/attrmgr).
var attributesOID = asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}

var (
	certificatesFrom  = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	certificatesUntil = time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Identity is a certificate of an organisation's CA with its private key: a user, or a peer.
type Identity struct {
	// MSPID is the organisation's MSP id, Name the certificate's common name.
	MSPID, Name string
	// Certificate is the certificate, CertPEM the same as PEM, Key its private key, KeyPEM the same as PKCS #8 PEM.
	Certificate     *x509.Certificate
	CertPEM, KeyPEM []byte
	Key             *ecdsa.PrivateKey
	// Creator is the serialized identity, as GetCreator gives it to a chaincode.
	Creator []byte
}

// Sign signs the SHA-256 digest of the message, in the low-S form that Fabric demands (bccsp/sw/ecdsa.go).
func (id *Identity) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, id.Key, digest[:])
	if err != nil {
		return nil, err
	}
	if order := elliptic.P256().Params().N; s.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		s.Sub(order, s)
	}
	return asn1.Marshal(struct{ R, S *big.Int }{r, s})
}

// authority is the CA of one organisation.
type authority struct {
	mspID       string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
	serial      int64
}

func newAuthority(mspID string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{mspID}, CommonName: "ca." + mspID},
		NotBefore: certificatesFrom, NotAfter: certificatesUntil, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &authority{mspID: mspID, certificate: certificate, key: key, pool: pool, serial: 1}, nil
}

// issue enrols a name. The role is a node OU: client, peer, admin or orderer.
func (a *authority) issue(name, role string, attributes map[string]string) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{OrganizationalUnit: []string{role}, CommonName: name},
		NotBefore: certificatesFrom, NotAfter: certificatesUntil, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if len(attributes) > 0 {
		value, err := json.Marshal(map[string]any{"attrs": attributes})
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = []pkix.Extension{{Id: attributesOID, Value: value}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	id := &Identity{MSPID: a.mspID, Name: name, Certificate: certificate, Key: key,
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})}
	id.Creator, err = proto.Marshal(&msp.SerializedIdentity{Mspid: a.mspID, IdBytes: id.CertPEM})
	return id, err
}

// signer is an identity that a signature named: who it is, once its certificate has proved itself.
type signer struct {
	mspID string
	role  string
	cert  *x509.Certificate
}

// identify checks a serialized identity against the CA of the organisation that it names.
func (n *Network) identify(serialized []byte) (*signer, error) {
	id := &msp.SerializedIdentity{}
	if err := proto.Unmarshal(serialized, id); err != nil {
		return nil, fmt.Errorf("creator is malformed: %w", err)
	}
	org := n.orgs[id.GetMspid()]
	if org == nil {
		return nil, fmt.Errorf("MSP %s is not defined on channel", id.GetMspid())
	}
	block, _ := pem.Decode(id.GetIdBytes())
	if block == nil {
		return nil, errors.New("creator has no PEM certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: org.authority.pool, CurrentTime: n.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, fmt.Errorf("creator certificate is not valid: %w", err)
	}
	s := &signer{mspID: id.GetMspid(), cert: certificate}
	for _, role := range []string{"client", "peer", "admin", "orderer"} {
		if slices.Contains(certificate.Subject.OrganizationalUnit, role) {
			s.role = role
		}
	}
	return s, nil
}

func (s *signer) verify(message, signature []byte) error {
	digest := sha256.Sum256(message)
	key, ok := s.cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !ecdsa.VerifyASN1(key, digest[:], signature) {
		return errors.New("the signature is invalid")
	}
	return nil
}
