package receipt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// maxKeyChars bounds a public key: P-256 as SubjectPublicKeyInfo has 91 bytes.
const maxKeyChars = 256

// PublicKey is an Ed25519 or ECDSA P-256 key as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) in base64: what
// `openssl pkey -pubout -outform DER | base64 -w0` prints, and what a certificate holds.
type PublicKey string

// NewPublicKey spells an ed25519.PublicKey or an *ecdsa.PublicKey on P-256.
func NewPublicKey(key any) (PublicKey, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fault.New(fault.InputInvalid, "the key must be Ed25519 or ECDSA P-256")
	}
	p := PublicKey(base64.StdEncoding.EncodeToString(der))
	_, err = p.parse()
	return p, err
}

func (p PublicKey) parse() (any, error) {
	bad := fault.New(fault.InputInvalid, "the key must be Ed25519 or ECDSA P-256, as SubjectPublicKeyInfo in base64")
	der, err := base64.StdEncoding.DecodeString(string(p))
	if err != nil || len(p) > maxKeyChars {
		return nil, bad
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, bad
	}
	switch k := key.(type) {
	case ed25519.PublicKey:
		return k, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return k, nil
		}
	}
	return nil, bad
}

// Check records a failure unless the key can be used.
func (p PublicKey) Check(bad *fault.Fields, path string) {
	if _, err := p.parse(); err != nil {
		bad.Add(path, p, "must be an Ed25519 or ECDSA P-256 key, as SubjectPublicKeyInfo in base64")
	}
}

// Verify reports whether the signature is the key's over the message: Ed25519 (RFC 8032), or ECDSA over SHA-256 in ASN.1.
func (p PublicKey) Verify(message, signature []byte) bool {
	key, err := p.parse()
	if err != nil {
		return false
	}
	switch k := key.(type) {
	case ed25519.PublicKey:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(k, message, signature)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(k, digest[:], signature)
	}
	return false
}
