package fabric

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hyperledger/fabric-gateway/pkg/identity"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
	"github.com/tallystick/tallystick/network/profile"
)

// signer signs SHA-256 digests with a user's key: transactions, and everything else that the user signs.
type signer struct {
	sign  identity.Sign
	close func() error
}

// signerFor is the signer of a profile's user: a hardware token where its key has a URI, else a key file. It returns
// SIGNER_UNAVAILABLE where the key cannot be used or is not the one of the certificate.
func signerFor(entry profile.User, cert *x509.Certificate) (signer, error) {
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return signer{}, errors.New("the certificate's key is not ECDSA")
	}
	key, err := openSigner(entry)
	if err != nil {
		return signer{}, err
	}
	probe := sha256.Sum256([]byte("tallystick: is this the key of the certificate?"))
	signature, err := key.sign(probe[:])
	switch {
	case err != nil:
		err = fault.New(fault.SignerUnavailable, "the key does not sign: %v", err)
	case !ecdsa.VerifyASN1(public, probe[:], signature):
		err = fault.New(fault.SignerUnavailable, "the key is not the one of the certificate %s", entry.CertFile)
	}
	if err != nil {
		return signer{}, errors.Join(err, key.close())
	}
	return key, nil
}

func openSigner(entry profile.User) (signer, error) {
	if entry.KeyURI != "" {
		uri, err := parseKeyURI(entry.KeyURI)
		if err != nil {
			return signer{}, err
		}
		return hardwareSigner(uri)
	}
	return fileSigner(entry.KeyFile)
}

// fileSigner signs with the key in a file, PEM, plain or encrypted.
func fileSigner(path string) (signer, error) {
	keyPEM, err := keyfile.Read(path)
	if err != nil {
		return signer{}, err
	}
	key, err := identity.PrivateKeyFromPEM(keyPEM)
	if err != nil {
		return signer{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if _, ok := key.(*ecdsa.PrivateKey); !ok {
		return signer{}, errors.New("the private key is not ECDSA")
	}
	sign, err := identity.NewPrivateKeySign(key)
	return signer{sign: sign, close: func() error { return nil }}, err
}
