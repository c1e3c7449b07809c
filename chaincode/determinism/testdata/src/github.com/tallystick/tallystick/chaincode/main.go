package main

import (
	"math/rand" // want `must not import math/rand`
	"net"
	"os"

	_ "github.com/hyperledger/fabric-chaincode-go/v2/shim"
	_ "github.com/tallystick/tallystick/chaincode/contract"
)

func main() {
	_ = rand.Int()
	_ = os.Getenv("CHAINCODE_SERVER_ADDRESS")
	_, _ = net.Listen("tcp", "")
}
