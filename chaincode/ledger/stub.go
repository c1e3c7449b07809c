package ledger

import (
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/record"
)

// stubBackend reads a peer's state through the stub of a transaction.
type stubBackend struct{ stub shim.ChaincodeStubInterface }

func (b stubBackend) Get(key string) ([]byte, error) { return b.stub.GetState(key) }

func (b stubBackend) GetMany(keys []string) ([][]byte, error) {
	if len(keys) == 1 {
		v, err := b.stub.GetState(keys[0])
		return [][]byte{v}, err
	}
	return b.stub.GetMultipleStates(keys...)
}

func (b stubBackend) Scan(from, to string, limit int) ([]Entry, error) {
	typ, id, err := record.SplitKey(from)
	if err != nil {
		return nil, err
	}
	rows, err := b.stub.GetStateByPartialCompositeKey(typ, id)
	if err != nil {
		return nil, err
	}
	return collect(rows, limit)
}

func (b stubBackend) Page(from, to string, size int, bookmark string) ([]Entry, string, error) {
	typ, id, err := record.SplitKey(from)
	if err != nil {
		return nil, "", err
	}
	rows, meta, err := b.stub.GetStateByPartialCompositeKeyWithPagination(typ, id, int32(size), bookmark)
	if err != nil {
		return nil, "", err
	}
	entries, err := collect(rows, size)
	if err != nil || len(entries) < size {
		return entries, "", err
	}
	return entries, meta.GetBookmark(), nil
}

func collect(rows shim.StateQueryIteratorInterface, limit int) (entries []Entry, err error) {
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	for rows.HasNext() && len(entries) < limit {
		kv, err := rows.Next()
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Key: kv.GetKey(), Value: kv.GetValue()})
	}
	return entries, nil
}

// setPolicy sets a key-level endorsement policy of any n of the organisations' peers.
func setPolicy(stub shim.ChaincodeStubInterface, key string, g Guard) error {
	envelope := &common.SignaturePolicyEnvelope{}
	var rules []*common.SignaturePolicy
	for i, org := range g.Organisations {
		role, err := proto.MarshalOptions{Deterministic: true}.Marshal(&msp.MSPRole{Role: msp.MSPRole_PEER, MspIdentifier: org})
		if err != nil {
			return fault.New(fault.InternalError, "the policy of a key cannot be written")
		}
		envelope.Identities = append(envelope.Identities, &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_ROLE, Principal: role})
		rules = append(rules, &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(i)}})
	}
	envelope.Rule = &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{NOutOf: &common.SignaturePolicy_NOutOf{N: int32(g.N), Rules: rules}}}
	policy, err := proto.MarshalOptions{Deterministic: true}.Marshal(envelope)
	if err != nil {
		return fault.New(fault.InternalError, "the policy of a key cannot be written")
	}
	return stub.SetStateValidationParameter(key, policy)
}
