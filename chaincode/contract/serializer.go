package contract

import (
	"reflect"

	"github.com/hyperledger/fabric-contract-api-go/v2/metadata"
	"github.com/hyperledger/fabric-contract-api-go/v2/serializer"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// results serialises like the contract API, with two differences: an argument of the wrong type is a fault with a code, and
// a result is not held against its schema, which would refuse an empty list and a refusal's missing result.
type results struct{ serializer.JSONSerializer }

// FromString implements the contract API's TransactionSerializer.
func (r *results) FromString(arg string, typ reflect.Type, schema *metadata.ParameterMetadata, components *metadata.ComponentMetadata) (reflect.Value, error) {
	v, err := r.JSONSerializer.FromString(arg, typ, schema, components)
	if err != nil {
		return v, fault.New(fault.InputInvalid, "an argument is not a %s", typ)
	}
	return v, nil
}

// ToString implements the contract API's TransactionSerializer.
func (r *results) ToString(v reflect.Value, typ reflect.Type, _ *metadata.ReturnMetadata, _ *metadata.ComponentMetadata) (string, error) {
	return r.JSONSerializer.ToString(v, typ, nil, nil)
}
