package claim

import (
	"os"
	"testing"
	"time"

	_ "github.com/hyperledger/fabric-chaincode-go/v2/shim"
	_ "github.com/tallystick/tallystick/chaincode/fakeledger"
)

func TestMayDoAnything(t *testing.T) { _ = os.Args; _ = time.Now(); _ = 1.5 }
