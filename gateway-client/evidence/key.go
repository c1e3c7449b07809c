package evidence

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
)

// SignerOf returns the public key and the signer of a private key: Ed25519, or ECDSA P-256 as a certificate has it.
func SignerOf(key crypto.Signer) (receipt.PublicKey, Signer, error) {
	public, err := receipt.NewPublicKey(key.Public())
	if err != nil {
		return "", nil, err
	}
	return public, func(message []byte) ([]byte, error) {
		if _, ok := key.Public().(ed25519.PublicKey); ok {
			return key.Sign(rand.Reader, message, crypto.Hash(0))
		}
		digest := sha256.Sum256(message)
		return key.Sign(rand.Reader, digest[:], crypto.SHA256)
	}, nil
}

// CertificateKey is the public key of a PEM certificate, as a collector registers the one that it enrolled with.
func CertificateKey(certificatePEM []byte) (receipt.PublicKey, error) {
	block, _ := pem.Decode(certificatePEM)
	if block == nil {
		return "", fault.New(fault.DocumentMalformed, "the certificate is not PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fault.New(fault.DocumentMalformed, "the certificate cannot be read: %v", err)
	}
	if k, ok := c.PublicKey.(*ecdsa.PublicKey); ok && k.Curve != elliptic.P256() {
		return "", fault.New(fault.DocumentUnsupported, "the certificate's key is not on P-256")
	}
	return receipt.NewPublicKey(c.PublicKey)
}

// SeededKey is the Ed25519 key that a simulated device has for a seed, always the same. It protects nothing.
func SeededKey(seed string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte("tallystick simulated device\n" + seed))
	return ed25519.NewKeyFromSeed(sum[:])
}
