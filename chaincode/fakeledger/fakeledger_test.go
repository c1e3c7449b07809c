package fakeledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

const (
	valid   = peer.TxValidationCode_VALID
	mvcc    = peer.TxValidationCode_MVCC_READ_CONFLICT
	phantom = peer.TxValidationCode_PHANTOM_READ_CONFLICT
	policy  = peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE
)

// What one transaction sees: core/ledger/kvledger/txmgmt/txmgr/query_executor.go reads committed state only.
func TestReadsSeeCommittedStateOnly(t *testing.T) {
	for _, noBatches := range []bool{false, true} {
		f := start(t, func(c *Config) { c.NoBatches = noBatches })
		assert.Equal(t, []string{"nil", "nil"}, f.do("put k 1", "get k", "del k", "get k", "put k 2"))
		assert.Equal(t, []string{"2", "2", "nil"}, f.do("put k 3", "get k", "gets k none"))
		assert.Equal(t, []string{"3"}, f.do("batch", "put k 4", "get k", "flush", "batch", "put k 5"))
		assert.Equal(t, []string{"5"}, f.ask("get k"))
		f.do("del k")
		assert.Equal(t, []string{"nil"}, f.ask("get k"))
	}
}

// To write nothing is to delete: rwsetutil.newKVWrite, IsKVWriteDelete.
func TestAnEmptyValueDeletes(t *testing.T) {
	f := start(t)
	f.do("put k 1")
	f.do("put k ")
	assert.Equal(t, []string{"nil"}, f.ask("get k"))
	assert.Equal(t, []string{" deleted=true at 09:00", "1 deleted=false at 09:00"}, f.ask("history k"))
}

// Errors are those of the shim (shim/stub.go) and of the peer's handler (core/chaincode/handler.go).
func TestErrorsOfTheStub(t *testing.T) {
	f := start(t)
	for step, want := range map[string]string{
		"put  v":           "key must not be an empty string",
		"range ~a b":       "first character of the key [\x00a] contains a null character which is not allowed",
		"composite a~b c":  "not allowed in the input attribute of a composite key",
		"composite a \xff": "not a valid utf8 string",
		"event  x":         "event name can not be empty string",
		"private":          "private data: not supported by fakeledger",
		"putprivate":       "private data: not supported by fakeledger",
		"rich":             "ExecuteQuery not supported for leveldb",
		"call":             "a call of another chaincode: not supported by fakeledger",
	} {
		_, err := f.Endorse(f.user, Call("run", step), "A", "B")
		var e *EndorsementError
		require.ErrorAs(t, err, &e, step)
		assert.Equal(t, int32(500), e.Status)
		assert.Contains(t, e.Message, want, step)
		assert.Contains(t, err.Error(), "A: chaincode response 500, ")
	}
	// In a batch the peer refuses at the end, and then it is the peer's refusal.
	_, err := f.Endorse(f.user, Call("run", "batch", "putprivate"), "A", "B")
	var e *EndorsementError
	require.ErrorAs(t, err, &e)
	assert.Zero(t, e.Status)
	assert.Contains(t, e.Message, "private data: not supported by fakeledger")
}

// A write after a page, or a page after a write, is refused: txmgr/tx_simulator.go.
func TestPagesAreForReadersOnly(t *testing.T) {
	f := start(t)
	for _, lines := range [][]string{{"page a z 2", "put k 1"}, {"put k 1", "page a z 2"}} {
		_, err := f.Endorse(f.user, Call("run", lines...), "A")
		assert.ErrorContains(t, err, "aginated quer")
	}
}

func TestRangesAndPages(t *testing.T) {
	f := start(t)
	f.do("put a 1", "put b 2", "put c 3", "put d 4", "putc inv x 1 one", "putc inv x 2 two", "putc inv x 3 three", "putc inv y 1 other", "putc inva x 1 no")
	assert.Equal(t, []string{"b=2", "c=3"}, f.ask("range b d"))
	assert.Equal(t, []string{"a=1", "b=2", "c=3", "d=4"}, f.ask("range"), "without ends: all simple keys and no composite key")
	assert.Equal(t, []string{"1", "2", "2 next=c"}, f.ask("page a z 2"))
	assert.Equal(t, []string{"3", "4", "2 next="}, f.ask("page a z 2 c"))
	assert.Equal(t, []string{"one", "two", "three"}, f.ask("partial inv x"))
	// shim/interfaces.go promises an empty iterator here; its range begins with the key itself, and LevelDB includes that.
	assert.Equal(t, []string{"one"}, f.ask("partial inv x 1"))
	assert.Equal(t, []string{"one", "two", "2 next=~inv~x~3~"}, f.ask("partialpage inv  -- x"))
	assert.Equal(t, []string{"a", "b"}, f.Keys("")[len(f.Keys(""))-4:][:2])
	assert.Equal(t, "one", string(f.Get("\x00inv\x00x\x001\x00")))

	var lines []string
	for i := range 250 {
		lines = append(lines, fmt.Sprintf("put n%03d %d", i, i))
	}
	f.do(append([]string{"batch"}, lines...)...)
	got := f.ask("range n o")
	require.Len(t, got, 250, "more than two of the batches in which a peer sends results")
	assert.Equal(t, "n249=249", got[249])
}

func TestHistoryIsNewestFirstAndOfValidWritesOnly(t *testing.T) {
	f := start(t)
	f.do("put k 1")
	f.Advance(time.Minute)
	stale := f.endorse("get k", "put k lost")
	f.do("put k 2", "policy k A")
	require.Equal(t, []peer.TxValidationCode{mvcc}, f.cut(stale))
	f.Advance(time.Minute)
	_, err := f.Submit(f.user, Call("run", "del k"), "A")
	require.NoError(t, err, "the key's own policy names A only")
	assert.Equal(t, []string{" deleted=true at 09:02", "2 deleted=false at 09:01", "1 deleted=false at 09:00"}, f.ask("history k"))
}

// Validation in the order of the block: validation/validator.go, validation/rangequery_validator.go.
func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		name          string
		before        []string
		first, second []string
		want          peer.TxValidationCode // of the second, in the same block and in the next one
	}{
		{"read what was changed", []string{"put k 1"}, []string{"put k 2"}, []string{"get k", "put other 1"}, mvcc},
		{"read what was not there and now is", nil, []string{"put k 2"}, []string{"get k"}, mvcc},
		{"read what was deleted", []string{"put k 1"}, []string{"del k"}, []string{"get k"}, mvcc},
		{"read several, one changed", []string{"put k 1"}, []string{"put k 2"}, []string{"gets j k l"}, mvcc},
		{"write blindly", []string{"put k 1"}, []string{"put k 2"}, []string{"put k 3"}, valid},
		{"read another key", []string{"put k 1"}, []string{"put k 2"}, []string{"get j", "put k 3"}, valid},
		{"policy changed", []string{"put k 1"}, []string{"policy k A B"}, []string{"get k"}, mvcc},
		{"policy of nothing", nil, []string{"policy k A B"}, []string{"get k"}, valid},
		{"history is no read", []string{"put k 1"}, []string{"put k 2"}, []string{"history k"}, valid},
		{"range grew", []string{"put b 1"}, []string{"put c 1"}, []string{"range a d"}, phantom},
		{"range shrank", []string{"put b 1", "put c 1"}, []string{"del c"}, []string{"range a d"}, phantom},
		{"range changed", []string{"put b 1", "put c 1"}, []string{"put c 2"}, []string{"range a d"}, phantom},
		{"range elsewhere", []string{"put b 1"}, []string{"put d 1"}, []string{"range a d"}, valid},
		{"empty range filled", nil, []string{"put c 1"}, []string{"range a d"}, phantom},
		{"composite keys", []string{"putc inv x 1 v"}, []string{"putc inv x 2 v"}, []string{"partial inv x"}, phantom},
		{"composite keys elsewhere", []string{"putc inv x 1 v"}, []string{"putc inv y 2 v"}, []string{"partial inv x"}, valid},
		// The peer reads ahead of a chaincode that stops early, so it has seen all the same (QueryResponseGenerator).
		{"stopped early", []string{"put b 1", "put c 1"}, []string{"put c 2"}, []string{"few a d"}, phantom},
		{"page that changed", []string{"put b 1", "put c 1"}, []string{"put b 2"}, []string{"page a z 1"}, phantom},
		{"beyond the page", []string{"put b 1", "put c 1"}, []string{"put c 2"}, []string{"page a z 1"}, valid},
		{"read an absent key that is deleted", nil, []string{"del k"}, []string{"get k"}, mvcc},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			if c.before != nil {
				f.do(c.before...)
			}
			first, second := f.endorse(c.first...), f.endorse(c.second...)
			assert.Equal(t, []peer.TxValidationCode{valid, c.want}, f.cut(first, second), "in one block")

			want := c.want
			if strings.HasPrefix(c.name, "read an absent") {
				want = valid // only within a block does a deletion of nothing count (UpdateBatch.Exists)
			}
			f = start(t)
			if c.before != nil {
				f.do(c.before...)
			}
			first, second = f.endorse(c.first...), f.endorse(c.second...)
			assert.Equal(t, []peer.TxValidationCode{valid}, f.cut(first))
			assert.Equal(t, []peer.TxValidationCode{want}, f.cut(second), "in the next block")

			f = start(t)
			if c.before != nil {
				f.do(c.before...)
			}
			first, second = f.endorse(c.first...), f.endorse(c.second...)
			assert.Equal(t, []peer.TxValidationCode{valid}, f.cut(second), "the other way round the second cannot conflict")
			_ = first
		})
	}
}

// A chaincode that stops early has seen as far as the peer read ahead: one batch, and the first of the next.
func TestAPeerReadsOneBatchAhead(t *testing.T) {
	for changed, want := range map[string]peer.TxValidationCode{"n050": phantom, "n100": phantom, "n101": valid, "n200": valid} {
		f := start(t)
		lines := []string{"batch"}
		for i := range 250 {
			lines = append(lines, fmt.Sprintf("put n%03d 1", i))
		}
		f.do(lines...)
		reader, writer := f.endorse("few n o"), f.endorse("put "+changed+" 2")
		assert.Equal(t, []peer.TxValidationCode{valid, want}, f.cut(writer, reader), changed)
	}
}

func TestOnlyOneOfManyIncrementsWinsABlock(t *testing.T) {
	f := start(t)
	f.do("put n 0")
	var txs []*Transaction
	for i := range 5 {
		txs = append(txs, f.endorse("get n", fmt.Sprintf("put n %d", i)))
	}
	assert.Equal(t, []peer.TxValidationCode{valid, mvcc, mvcc, mvcc, mvcc}, f.cut(txs...))
	assert.Equal(t, "0", string(f.Get("n")))
	block := f.Block(f.Height() - 1)
	assert.Equal(t, []byte{0, 11, 11, 11, 11}, block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER])
}

// core/common/validation/statebased: who must endorse what.
func TestEndorsementPolicies(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []string
		orgs   []string
		lines  []string
		want   peer.TxValidationCode
	}{
		{"one organisation alone", nil, []string{"A"}, []string{"put k 1"}, policy},
		{"one organisation twice", nil, []string{"A", "A"}, []string{"put k 1"}, policy},
		{"any two", nil, []string{"B", "C"}, []string{"put k 1"}, valid},
		{"reading needs the chaincode's policy, too", nil, []string{"A"}, []string{"get k"}, policy},
		{"the key's policy holds", []string{"put k 1", "policy k A B"}, []string{"A", "B"}, []string{"put k 2"}, valid},
		{"two others do not suffice", []string{"put k 1", "policy k A B"}, []string{"B", "C"}, []string{"put k 2"}, policy},
		{"nor to delete", []string{"put k 1", "policy k A B"}, []string{"B", "C"}, []string{"del k"}, policy},
		{"nor to change the policy", []string{"put k 1", "policy k A B"}, []string{"B", "C"}, []string{"policy k C"}, policy},
		{"one suffices where the key says so", []string{"put k 1", "policy k C"}, []string{"C"}, []string{"put k 2"}, valid},
		{"but not for another key", []string{"put k 1", "policy k C"}, []string{"C"}, []string{"put k 2", "put j 1"}, policy},
		{"two policies at once", []string{"put k 1", "policy k A B", "put j 1", "policy j C"}, []string{"A", "B"}, []string{"put k 2", "put j 2"}, policy},
		{"all of both", []string{"put k 1", "policy k A B", "put j 1", "policy j C"}, []string{"A", "B", "C"}, []string{"put k 2", "put j 2"}, valid},
		{"a write keeps the key's policy", []string{"put k 1", "policy k A B"}, []string{"A", "B"}, []string{"put k 2"}, valid},
		{"no policy any more", []string{"put k 1", "policy k C", "nopolicy k"}, []string{"A", "B"}, []string{"put k 2"}, valid},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			if c.before != nil {
				f.do(c.before...)
			}
			r, err := f.Submit(f.user, Call("run", c.lines...), c.orgs...)
			require.NotNil(t, r, "%v", err)
			assert.Equal(t, c.want, r.Code, r.Reason)
			var e *CommitError
			assert.Equal(t, c.want != valid, errors.As(err, &e))
		})
	}
}

// common/cauthdsl: every signer counts once, and only in the role that the policy names.
func TestSatisfies(t *testing.T) {
	nested := OutOf(1, "C")
	nested.Rule = &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{NOutOf: &common.SignaturePolicy_NOutOf{N: 2,
		Rules: []*common.SignaturePolicy{nested.GetRule(), OutOf(1, "C").GetRule()}}}}
	member, err := proto.Marshal(&msp.MSPRole{MspIdentifier: "A", Role: msp.MSPRole_MEMBER})
	require.NoError(t, err)
	anybody := OutOf(1, "A")
	anybody.Identities[0].Principal = member
	for _, c := range []struct {
		policy  *common.SignaturePolicyEnvelope
		signers []*signer
		want    bool
	}{
		{OutOf(1, "A"), []*signer{{mspID: "A", role: "peer"}}, true},
		{OutOf(1, "A"), []*signer{{mspID: "A", role: "client"}}, false},
		{OutOf(1, "A"), []*signer{{mspID: "B", role: "peer"}}, false},
		{OutOf(2, "A", "A"), []*signer{{mspID: "A", role: "peer"}}, false},
		{OutOf(2, "A", "A"), []*signer{{mspID: "A", role: "peer"}, {mspID: "A", role: "peer"}}, true},
		{nested, []*signer{{mspID: "C", role: "peer"}}, false},
		{nested, []*signer{{mspID: "C", role: "peer"}, {mspID: "C", role: "peer"}}, true},
		{anybody, []*signer{{mspID: "A", role: "client"}}, true},
		{OutOf(0, "A"), nil, true},
	} {
		got, err := satisfies(c.policy, c.signers)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "%v %v", c.policy, c.signers)
	}
	_, err = satisfies(&common.SignaturePolicyEnvelope{}, nil)
	assert.Error(t, err)
	broken := OutOf(1, "A")
	broken.Identities = nil
	_, err = satisfies(broken, []*signer{{mspID: "A", role: "peer"}})
	assert.ErrorContains(t, err, "identity index out of range")
}

func TestPoliciesOfKeysAreKeptReadAndDropped(t *testing.T) {
	f := start(t)
	f.do("put k 1", "policy k A B")
	assert.Equal(t, []string{"2"}, f.ask("whose k"))
	f.do("put k 2")
	assert.Equal(t, []string{"2"}, f.ask("whose k"), "a write keeps the policy")
	f.do("del k")
	f.do("put k 3")
	assert.Equal(t, []string{"-"}, f.ask("whose k"), "a deleted key takes its policy along")
	f.do("policy none A B")
	assert.Equal(t, []string{"-"}, f.ask("whose none"), "nothing has no policy")

	reader, changer := f.endorse("whose k"), f.endorse("policy k A B")
	assert.Equal(t, []peer.TxValidationCode{valid, mvcc}, f.cut(changer, reader), "to read a policy is to read the key")
}

// vpmanagerimpl.go: ValidationParameterUpdatedError, even where the key's new policy would allow it.
func TestAKeyWhosePolicyChangesInTheBlockCannotBeWrittenInIt(t *testing.T) {
	f := start(t)
	f.do("put k 1")
	changer, writer, other := f.endorse("policy k A B"), f.endorse("put k 2"), f.endorse("put j 1")
	assert.Equal(t, []peer.TxValidationCode{valid, policy, valid}, f.cut(changer, writer, other))
}
