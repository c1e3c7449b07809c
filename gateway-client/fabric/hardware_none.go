//go:build !pkcs11

package fabric

import "github.com/tallystick/tallystick/chaincode/fault"

// hardwareSigner refuses: PKCS#11 needs cgo, and our programs are built without it.
func hardwareSigner(uri keyURI) (signer, error) {
	return signer{}, fault.New(fault.SignerUnavailable, "the key is in the hardware token %q, and this program was built without PKCS#11; "+
		"build it with: CGO_ENABLED=1 go build -tags pkcs11 ./gateway-client/cmd/...", uri.token)
}
