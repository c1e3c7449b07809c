package contract

import (
	_ "os" // want `must not import os`

	_ "github.com/hyperledger/fabric-chaincode-go/v2/shim"
)
