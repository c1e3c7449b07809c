package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"regexp"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
)

// Door is the chaincode that stands before the contracts. It makes the operation from the transaction, answers a repeated
// request with its first result, and writes what the operation has written, its request and its one event at the end, or
// nothing at all.
type Door struct {
	Contracts shim.Chaincode
	Access    Access
}

// Attributes of a certificate, issued by the Fabric CA.
const (
	attributeParty = "party"
	attributeRoles = "roles"
)

// answered is the record of a request: the first result, which a repeat gets again.
type answered struct {
	Call   string `json:"call"` // SHA-256 of the function and its arguments
	Result string `json:"result"`
}

var (
	requests       = Public[answered]("request")
	requestPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)
)

// systemPrefix marks the contract API's own contract, which tells what functions there are.
const systemPrefix = "org.hyperledger.fabric:"

// pingFunction answers everybody the same and reads nothing: a network asks it whether the chaincode is in service.
const pingFunction = "ping"

// Init implements shim.Chaincode. There is nothing to initialise.
func (d *Door) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// Invoke implements shim.Chaincode.
func (d *Door) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	function, _ := stub.GetFunctionAndParameters()
	if function == pingFunction {
		return shim.Success([]byte("pong"))
	}
	if strings.HasPrefix(function, systemPrefix) {
		return d.Contracts.Invoke(stub)
	}
	if _, known := d.Access[function]; !known {
		return shim.Error(fault.New(fault.FunctionUnknown, "there is no function %q", function).Error())
	}
	response, err := d.operate(stub, function)
	if err != nil {
		return shim.Error(err.Error())
	}
	return response
}

func (d *Door) operate(stub shim.ChaincodeStubInterface, function string) (*peer.Response, error) {
	op, err := operation(stub, function)
	if err != nil {
		return nil, err
	}
	overlay := NewOverlay(stubBackend{stub})
	tx, err := NewTx(op, overlay, d.Access)
	if err != nil {
		return nil, err
	}
	call := callDigest(stub.GetArgs())
	if op.Request != "" {
		first, found, err := requests.Find(tx, op.Caller.MSP, op.Caller.User, op.Request)
		if err != nil {
			return nil, err
		}
		if found && first.Call != call {
			return nil, fault.New(fault.RequestReused, "request %s was another call", op.Request)
		}
		if found {
			return shim.Success([]byte(first.Result)), nil
		}
	}
	response := d.Contracts.Invoke(&doorStub{ChaincodeStubInterface: stub, tx: tx})
	if response.GetStatus() != shim.OK {
		return response, nil
	}
	if len(overlay.Changes()) == 0 {
		return response, nil
	}
	if op.Request == "" {
		return nil, fault.New(fault.RequestMissing, "%s writes and has no request id", function)
	}
	if err := requests.remember(tx, answered{Call: call, Result: string(response.GetPayload())}, op); err != nil {
		return nil, err
	}
	return response, flush(stub, tx, overlay)
}

// remember writes the request's record. It has no key-level policy: the chaincode's own one, any two organisations, holds.
func (r Repository[T]) remember(tx *Tx, rec T, op Operation) error {
	key, err := record.Key(r.typ, op.Caller.MSP, op.Caller.User, op.Request)
	if err != nil {
		return err
	}
	return r.write(tx, key, "", rec)
}

func flush(stub shim.ChaincodeStubInterface, tx *Tx, overlay *Overlay) error {
	envelope, happened, err := tx.Envelope()
	if err != nil {
		return err
	}
	stub.StartWriteBatch()
	for _, w := range overlay.Changes() {
		switch {
		case w.Delete:
			err = stub.DelState(w.Key)
		case w.Put:
			err = stub.PutState(w.Key, w.Value)
		}
		if err == nil && w.Guard != nil && !w.Delete {
			err = setPolicy(stub, w.Key, *w.Guard)
		}
		if err != nil {
			return err
		}
	}
	if err := stub.FinishWriteBatch(); err != nil {
		return err
	}
	if happened {
		return stub.SetEvent(record.EventName, envelope)
	}
	return nil
}

func operation(stub shim.ChaincodeStubInterface, function string) (Operation, error) {
	op := Operation{ID: stub.GetTxID(), Function: function}
	at, err := stub.GetTxTimestamp()
	if err != nil {
		return op, fault.New(fault.InternalError, "the transaction has no timestamp")
	}
	op.At = at.AsTime().UTC()
	if op.Caller, op.Identity, err = caller(stub); err != nil {
		return op, err
	}
	transient, err := stub.GetTransient()
	if err != nil {
		return op, fault.New(fault.InternalError, "the transient data cannot be read")
	}
	op.Request = string(transient[record.TransientRequest])
	if op.Request != "" && !requestPattern.MatchString(op.Request) {
		return op, fault.New(fault.RequestMissing, "the request id is malformed")
	}
	op.Input = transient[record.TransientInput]
	if raw := transient[record.TransientKeys]; len(raw) > 0 {
		if err := decodeStrict(raw, &op.Keys); err != nil {
			return op, fault.New(fault.KeyWrong, "the transient keys are malformed")
		}
	}
	return op, nil
}

func caller(stub shim.ChaincodeStubInterface) (member.Actor, Identity, error) {
	var actor member.Actor
	id, err := cid.New(stub)
	if err != nil {
		return actor, Identity{}, fault.New(fault.CallerUnknown, "the creator is no X.509 identity")
	}
	if actor.MSP, err = id.GetMSPID(); err != nil {
		return actor, Identity{}, fault.New(fault.CallerUnknown, "the creator names no MSP")
	}
	party, _, err := id.GetAttributeValue(attributeParty)
	if err != nil {
		return actor, Identity{}, fault.New(fault.CallerUnknown, "the certificate's attributes cannot be read")
	}
	actor.Party = party
	roles, _, err := id.GetAttributeValue(attributeRoles)
	if err != nil {
		return actor, Identity{}, fault.New(fault.CallerUnknown, "the certificate's attributes cannot be read")
	}
	for _, r := range strings.FieldsFunc(roles, func(r rune) bool { return r == ',' || r == ' ' }) {
		actor.Roles = append(actor.Roles, member.Role(r))
	}
	name, err := id.GetID()
	if err != nil {
		return actor, Identity{}, fault.New(fault.CallerUnknown, "the certificate names nobody")
	}
	sum := sha256.Sum256([]byte(actor.MSP + "\x00" + name))
	actor.User = "u-" + hex.EncodeToString(sum[:10])
	cert, err := id.GetX509Certificate()
	if err != nil || cert == nil {
		return actor, Identity{}, fault.New(fault.CallerUnknown, "the creator is no X.509 identity")
	}
	return actor, Identity{CertificatePEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})}, nil
}

func callDigest(args [][]byte) string {
	list, err := json.Marshal(args)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(list)
	return hex.EncodeToString(sum[:])
}
