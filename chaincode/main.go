// Command chaincode serves the consortium's shared rules: as a service that the organisation runs beside its peer, or as a
// program that the peer starts itself.
package main

import (
	"fmt"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/tallystick/tallystick/chaincode/contract"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "chaincode:", err)
		os.Exit(1)
	}
}

func serve() error {
	cc, err := contract.New()
	if err != nil {
		return err
	}
	address := os.Getenv("CHAINCODE_SERVER_ADDRESS")
	if address == "" {
		return shim.Start(cc)
	}
	tls, err := tlsProperties()
	if err != nil {
		return err
	}
	server := &shim.ChaincodeServer{CCID: os.Getenv("CHAINCODE_ID"), Address: address, CC: cc, TLSProps: tls}
	return server.Start()
}

// tlsProperties reads the service's key and certificate, and the authority of the one peer that may connect.
func tlsProperties() (shim.TLSProperties, error) {
	files := [3]string{os.Getenv("CHAINCODE_TLS_KEY"), os.Getenv("CHAINCODE_TLS_CERT"), os.Getenv("CHAINCODE_TLS_CLIENT_CA")}
	if files == [3]string{} {
		return shim.TLSProperties{Disabled: true}, nil
	}
	var content [3][]byte
	for i, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return shim.TLSProperties{}, fmt.Errorf("TLS needs CHAINCODE_TLS_KEY, CHAINCODE_TLS_CERT and CHAINCODE_TLS_CLIENT_CA: %w", err)
		}
		content[i] = raw
	}
	return shim.TLSProperties{Key: content[0], Cert: content[1], ClientCACerts: content[2]}, nil
}
