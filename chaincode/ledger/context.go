package ledger

import (
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
)

// Context is the transaction context that contract methods receive.
type Context struct {
	contractapi.TransactionContext
	tx *Tx
}

// Tx is the operation that the method carries out.
func (c *Context) Tx() *Tx { return c.tx }

// SetTx gives the context an operation that is not the transaction itself: one of a batch.
func (c *Context) SetTx(tx *Tx) { c.tx = tx }

// SetStub implements contractapi's settable context. The door hands in its own stub, which knows the operation.
func (c *Context) SetStub(stub shim.ChaincodeStubInterface) {
	if d, ok := stub.(*doorStub); ok {
		c.tx = d.tx
	}
	c.TransactionContext.SetStub(stub)
}

// SetClientIdentity implements contractapi's settable context. Contracts ask the operation who calls, not the stub.
func (c *Context) SetClientIdentity(cid.ClientIdentity) {}

type doorStub struct {
	shim.ChaincodeStubInterface
	tx *Tx
}
