//go:build !pkcs11

package fabric

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/network/profile"
)

func TestWithoutPKCS11TheErrorSaysHowToBuild(t *testing.T) {
	u, _ := enrolled(t, t.TempDir())
	u.KeyURI = "pkcs11:token=bank;object=rita"
	_, _, _, err := load(&profile.Profile{MSPID: "BankAMSP"}, u)
	assert.Equal(t, fault.SignerUnavailable, fault.CodeOf(err))
	assert.ErrorContains(t, err, "-tags pkcs11")
}

func TestAHardwareTokenSigns(t *testing.T) {
	t.Skip("built without PKCS#11: CGO_ENABLED=1 go test -tags pkcs11, with SoftHSM 2 installed")
}
