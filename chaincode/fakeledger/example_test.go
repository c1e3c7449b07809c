package fakeledger_test

import (
	"fmt"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallystick/tallystick/chaincode/fakeledger"
)

// counter adds one to a key: the read-modify-write that allows one success a block.
type counter struct{}

func (counter) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

func (counter) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	before, err := stub.GetState("count")
	if err != nil {
		return shim.Error(err.Error())
	}
	after := append(before, '|')
	if err := stub.PutState("count", after); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(after)
}

func Example() {
	n := fakeledger.New(fakeledger.Config{
		Orgs:      []string{"BuyerMSP", "SupplierMSP", "BankAMSP"},
		Chaincode: func() shim.Chaincode { return counter{} },
	})
	defer n.Close()
	amy := n.Identity("SupplierMSP", "amy", map[string]string{"party": "p-7f3a", "roles": "maker"})

	result, err := n.Submit(amy, fakeledger.Call("add"), "BuyerMSP", "SupplierMSP")
	fmt.Println(result.Code, string(result.Payload), err)

	// Two at the same height, in one block: the second has read what the first changed.
	first, _ := n.Endorse(amy, fakeledger.Call("add"), "BuyerMSP", "SupplierMSP")
	second, _ := n.Endorse(amy, fakeledger.Call("add"), "BuyerMSP", "BankAMSP")
	n.Order(first, second)
	n.Cut()
	for _, t := range []*fakeledger.Transaction{first, second} {
		status, _ := n.Status(t.TxID)
		fmt.Println(status.Code)
	}
	fmt.Println(string(n.Get("count")))
	// Output:
	// VALID | <nil>
	// VALID
	// MVCC_READ_CONFLICT
	// ||
}
