package fakeledger

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/statebased"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/require"
)

// script is a chaincode that does what its arguments say, one line a step, and returns what the reads gave.
type script struct{ instance int64 }

var instances atomic.Int64

func newScript() shim.Chaincode { return &script{instance: instances.Add(1)} }

func (c *script) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

func (c *script) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	_, lines := stub.GetFunctionAndParameters()
	var out []string
	for _, line := range lines {
		words := strings.Split(line, " ")
		result, err := c.step(stub, words[0], words[1:])
		if err != nil {
			return shim.Error(words[0] + ": " + err.Error())
		}
		out = append(out, result...)
	}
	payload, err := json.Marshal(out)
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

func (c *script) step(stub shim.ChaincodeStubInterface, verb string, a []string) ([]string, error) {
	arg := func(i int) string {
		if i < len(a) {
			return strings.ReplaceAll(a[i], "~", "\x00")
		}
		return ""
	}
	switch verb {
	case "put":
		return nil, stub.PutState(arg(0), []byte(arg(1)))
	case "del":
		return nil, stub.DelState(arg(0))
	case "get":
		v, err := stub.GetState(arg(0))
		return []string{value(v)}, err
	case "gets":
		list, err := stub.GetMultipleStates(a...)
		var out []string
		for _, v := range list {
			out = append(out, value(v))
		}
		return out, err
	case "batch":
		stub.StartWriteBatch()
		return nil, nil
	case "flush":
		return nil, stub.FinishWriteBatch()
	case "range", "few": // few reads one result and leaves
		it, err := stub.GetStateByRange(arg(0), arg(1))
		if err != nil {
			return nil, err
		}
		defer it.Close()
		var out []string
		for it.HasNext() {
			kv, err := it.Next()
			if err != nil {
				return nil, err
			}
			out = append(out, kv.GetKey()+"="+string(kv.GetValue()))
			if verb == "few" {
				break
			}
		}
		return out, nil
	case "page":
		size, _ := strconv.Atoi(arg(2))
		it, meta, err := stub.GetStateByRangeWithPagination(arg(0), arg(1), int32(size), arg(3))
		if err != nil {
			return nil, err
		}
		return drain(it, meta)
	case "partial", "partialpage":
		var it shim.StateQueryIteratorInterface
		var meta *peer.QueryResponseMetadata
		var err error
		if verb == "partial" {
			it, err = stub.GetStateByPartialCompositeKey(arg(0), a[1:])
		} else {
			it, meta, err = stub.GetStateByPartialCompositeKeyWithPagination(arg(0), a[3:], 2, arg(1))
		}
		if err != nil {
			return nil, err
		}
		return drain(it, meta)
	case "putc":
		key, err := stub.CreateCompositeKey(arg(0), a[1:len(a)-1])
		if err != nil {
			return nil, err
		}
		return nil, stub.PutState(key, []byte(a[len(a)-1]))
	case "composite":
		key, err := stub.CreateCompositeKey(arg(0), []string{arg(1)})
		return []string{key}, err
	case "history":
		it, err := stub.GetHistoryForKey(arg(0))
		if err != nil {
			return nil, err
		}
		defer it.Close()
		var out []string
		for it.HasNext() {
			m, err := it.Next()
			if err != nil {
				return nil, err
			}
			out = append(out, fmt.Sprintf("%s deleted=%t at %s", m.GetValue(), m.GetIsDelete(), m.GetTimestamp().AsTime().Format("15:04")))
		}
		return out, nil
	case "policy":
		ep, err := statebased.NewStateEP(nil)
		if err != nil {
			return nil, err
		}
		if err := ep.AddOrgs(statebased.RoleTypePeer, a[1:]...); err != nil {
			return nil, err
		}
		policy, err := ep.Policy()
		if err != nil {
			return nil, err
		}
		return nil, stub.SetStateValidationParameter(arg(0), policy)
	case "nopolicy":
		return nil, stub.SetStateValidationParameter(arg(0), nil)
	case "whose":
		policy, err := stub.GetStateValidationParameter(arg(0))
		if err != nil || policy == nil {
			return []string{"-"}, err
		}
		ep, err := statebased.NewStateEP(policy)
		if err != nil {
			return nil, err
		}
		return []string{strconv.Itoa(len(ep.ListOrgs()))}, nil
	case "event":
		return nil, stub.SetEvent(arg(0), []byte(arg(1)))
	case "who":
		id, err := cid.New(stub)
		if err != nil {
			return nil, err
		}
		msp, _ := id.GetMSPID()
		party, ok, err := id.GetAttributeValue("party")
		return []string{msp, party, strconv.FormatBool(ok)}, err
	case "when":
		t, err := stub.GetTxTimestamp()
		return []string{t.AsTime().Format("2006-01-02T15:04:05Z")}, err
	case "txid":
		return []string{stub.GetTxID(), stub.GetChannelID()}, nil
	case "transient":
		m, err := stub.GetTransient()
		return []string{string(m[arg(0)])}, err
	case "instance":
		return []string{strconv.FormatInt(c.instance, 10)}, nil
	case "private":
		_, err := stub.GetPrivateData("c", "k")
		return nil, err
	case "putprivate":
		return nil, stub.PutPrivateData("c", "k", []byte("v"))
	case "rich":
		_, err := stub.GetQueryResult("{}")
		return nil, err
	case "call":
		r := stub.InvokeChaincode("other", nil, "")
		return nil, fmt.Errorf("%d %s%s", r.GetStatus(), r.GetMessage(), r.GetPayload())
	}
	return nil, fmt.Errorf("no such step")
}

func drain(it shim.StateQueryIteratorInterface, meta *peer.QueryResponseMetadata) ([]string, error) {
	defer it.Close()
	var out []string
	for it.HasNext() {
		kv, err := it.Next()
		if err != nil {
			return nil, err
		}
		out = append(out, string(kv.GetValue()))
	}
	if meta != nil {
		out = append(out, fmt.Sprintf("%d next=%s", meta.GetFetchedRecordsCount(), strings.ReplaceAll(meta.GetBookmark(), "\x00", "~")))
	}
	return out, nil
}

func value(v []byte) string {
	if v == nil {
		return "nil"
	}
	return string(v)
}

type fixture struct {
	*Network
	t    *testing.T
	user *Identity
}

func start(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	cfg := Config{Orgs: []string{"A", "B", "C"}, Chaincode: newScript}
	for _, c := range change {
		c(&cfg)
	}
	n := New(cfg)
	t.Cleanup(n.Close)
	return &fixture{n, t, n.Identity("A", "amy", map[string]string{"party": "p-1", "roles": "maker"})}
}

// do submits and must be valid.
func (f *fixture) do(lines ...string) []string {
	f.t.Helper()
	r, err := f.Submit(f.user, Call("run", lines...), "A", "B")
	require.NoError(f.t, err)
	return list(f.t, r.Payload)
}

func (f *fixture) ask(lines ...string) []string {
	f.t.Helper()
	payload, err := f.Evaluate(f.user, Call("run", lines...), "A")
	require.NoError(f.t, err)
	return list(f.t, payload)
}

// endorse must succeed, at A and B.
func (f *fixture) endorse(lines ...string) *Transaction {
	f.t.Helper()
	tx, err := f.Endorse(f.user, Call("run", lines...), "A", "B")
	require.NoError(f.t, err)
	return tx
}

// cut makes one block of the transactions and returns their codes.
func (f *fixture) cut(txs ...*Transaction) []peer.TxValidationCode {
	f.t.Helper()
	f.Order(txs...)
	f.Cut()
	var codes []peer.TxValidationCode
	for _, tx := range txs {
		r, ok := f.Status(tx.TxID)
		require.True(f.t, ok)
		codes = append(codes, r.Code)
	}
	return codes
}

func list(t *testing.T, payload []byte) []string {
	t.Helper()
	var out []string
	require.NoError(t, json.Unmarshal(payload, &out))
	return out
}
