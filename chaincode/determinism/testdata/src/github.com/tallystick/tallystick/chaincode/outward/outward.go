package outward

import (
	_ "github.com/hyperledger/fabric-chaincode-go/v2/shim" // want `chaincode/outward must not import Fabric`
	_ "github.com/tallystick/tallystick/chaincode/claim"
	_ "github.com/tallystick/tallystick/chaincode/claim/claimtest" // want `it is for tests`
	_ "github.com/tallystick/tallystick/chaincode/contract"        // want `must not import a contract`
	_ "github.com/tallystick/tallystick/chaincode/fakeledger"      // want `it is for tests`
	_ "github.com/tallystick/tallystick/chaincode/ledger"          // want `must not import the store`
	_ "github.com/tallystick/tallystick/gateway-client/api"        // want `imports point inwards`
)
