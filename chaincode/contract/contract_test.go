package contract

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
)

func TestEveryFunctionHasAnAccessRowAndEveryRowAFunction(t *testing.T) {
	_, err := New()
	require.NoError(t, err)
	list, access := contracts()
	var functions []string
	base := reflect.TypeFor[*contractapi.Contract]()
	for _, c := range list {
		typ := reflect.TypeOf(c)
		for i := range typ.NumMethod() {
			name := typ.Method(i).Name
			if _, inherited := base.MethodByName(name); inherited || name == "GetEvaluateTransactions" {
				continue
			}
			functions = append(functions, c.GetName()+":"+name)
		}
		if e, ok := c.(contractapi.EvaluationContractInterface); ok {
			for _, name := range e.GetEvaluateTransactions() {
				assert.True(t, slices.Contains(functions, c.GetName()+":"+name), "%s:%s is listed as evaluate and does not exist", c.GetName(), name)
			}
		}
	}
	for _, f := range functions {
		assert.Contains(t, access, f, "a function without an access row can be called by nobody")
	}
	for f := range access {
		assert.Contains(t, functions, f, "a row for a function that does not exist")
	}
}
