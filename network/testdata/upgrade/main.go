// The test chaincode with Get renamed to Read: an upgrade.
package main

import (
	"log"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
)

type kv struct{ contractapi.Contract }

func (kv) Ping() string { return "pong" }

func (kv) Put(ctx contractapi.TransactionContextInterface, key, value string) error {
	return ctx.GetStub().PutState(key, []byte(value))
}

func (kv) Read(ctx contractapi.TransactionContextInterface, key string) (string, error) {
	value, err := ctx.GetStub().GetState(key)
	return string(value), err
}

// Attribute returns an attribute of the caller's certificate.
func (kv) Attribute(ctx contractapi.TransactionContextInterface, name string) (string, error) {
	value, _, err := ctx.GetClientIdentity().GetAttributeValue(name)
	return value, err
}

func main() {
	cc, err := contractapi.NewChaincode(&kv{})
	if err != nil {
		log.Fatal(err)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(os.Getenv(name))
		if err != nil {
			log.Fatal(err)
		}
		return text
	}
	server := &shim.ChaincodeServer{
		CCID: os.Getenv("CHAINCODE_ID"), Address: os.Getenv("CHAINCODE_SERVER_ADDRESS"), CC: cc,
		TLSProps: shim.TLSProperties{
			Key: read("CHAINCODE_TLS_KEY"), Cert: read("CHAINCODE_TLS_CERT"), ClientCACerts: read("CHAINCODE_TLS_CLIENT_CA"),
		},
	}
	log.Fatal(server.Start())
}
