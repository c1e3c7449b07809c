package fakeledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func TestEndorsersOfDifferentHeightsDisagree(t *testing.T) {
	f := start(t)
	f.do("put k 1")
	f.Pause("B")
	f.do2(t, "put k 2")
	_, err := f.Endorse(f.user, Call("run", "get k"), "A", "B")
	var m *MismatchError
	require.ErrorAs(t, err, &m)
	assert.False(t, m.SameHeight)
	assert.Contains(t, err.Error(), "ProposalResponsePayloads do not match")
	payload, err := f.Evaluate(f.user, Call("run", "get k", "history k"), "B")
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "1 deleted=false at 09:00"}, list(t, payload))
	stale, err := f.Endorse(f.user, Call("run", "put j 1"), "A", "B")
	require.NoError(t, err, "what does not depend on the height agrees")
	f.Resume("B")
	assert.Equal(t, []peer.TxValidationCode{valid}, f.cut(stale))
	f.endorse("get k")
}

// do2 endorses without B.
func (f *fixture) do2(t *testing.T, lines ...string) {
	t.Helper()
	_, err := f.Submit(f.user, Call("run", lines...), "A", "C")
	require.NoError(t, err)
}

func TestNondeterminismIsFound(t *testing.T) {
	f := start(t)
	for _, c := range []struct{ line, want string }{{"instance", "response"}} {
		_, err := f.Endorse(f.user, Call("run", c.line), "A", "B")
		var m *MismatchError
		require.ErrorAs(t, err, &m)
		assert.True(t, m.SameHeight)
		assert.Contains(t, m.Difference, c.want)
		assert.NotContains(t, m.Difference, "read-write set")

		_, err = f.Endorse(f.user, Call("run", c.line), "A")
		require.ErrorAs(t, err, &m, "one organisation runs twice")
		_, err = f.Evaluate(f.user, Call("run", c.line), "A")
		require.ErrorAs(t, err, &m)
		require.ErrorAs(t, f.Differential(f.user, Call("run", c.line), "A"), &m)
	}
	assert.NoError(t, f.Differential(f.user, Call("run", "get k", "put k 1", "event e x"), "A"))
	assert.NoError(t, f.Differential(f.user, Call("run", "nonsense"), "A"), "to refuse alike is to agree")

	f = start(t, func(c *Config) { c.RunOnce = true })
	_, err := f.Endorse(f.user, Call("run", "instance"), "A")
	assert.NoError(t, err)
}

func TestStoppedPeersDoNotEndorseButCatchUp(t *testing.T) {
	f := start(t)
	f.Stop("B")
	_, err := f.Endorse(f.user, Call("run", "put k 1"), "A", "B")
	require.ErrorIs(t, err, ErrUnavailable)
	f.do2(t, "put k 1")
	f.Start("B")
	payload, err := f.Evaluate(f.user, Call("run", "get k"), "B")
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, list(t, payload))
}

func TestIdentityTimeAndTransientData(t *testing.T) {
	f := start(t)
	assert.Equal(t, []string{"A", "p-1", "true"}, f.ask("who"))
	bob := f.Identity("B", "bob", nil)
	payload, err := f.Evaluate(bob, Call("run", "who", "transient key").WithTransient("key", []byte("secret")), "A")
	require.NoError(t, err)
	assert.Equal(t, []string{"B", "", "false", "secret"}, list(t, payload))
	assert.Same(t, f.user, f.Identity("A", "amy", map[string]string{"roles": "maker", "party": "p-1"}))
	assert.NotSame(t, f.user, f.Identity("A", "amy", map[string]string{"party": "p-2"}))

	at := Epoch.Add(10 * time.Minute)
	p := Call("run", "when", "txid")
	p.Timestamp = at
	tx, err := f.Endorse(f.user, p, "A", "B")
	require.NoError(t, err)
	assert.Equal(t, []string{"2026-01-05T09:10:00Z", tx.TxID, "tally"}, list(t, tx.Payload))
	assert.Regexp(t, "^[0-9a-f]{64}$", tx.TxID)
	p.Timestamp = Epoch.Add(16 * time.Minute)
	_, err = f.Endorse(f.user, p, "A", "B")
	assert.ErrorContains(t, err, "request unauthorized due to incorrect timestamp 2026-01-05T09:16:00Z, peer time 2026-01-05T09:00:00Z, peer.authentication.timewindow 15m0s")
	p.Timestamp = Epoch.Add(-16 * time.Minute)
	_, err = f.Endorse(f.user, p, "A", "B")
	assert.ErrorContains(t, err, "incorrect timestamp")
	f.Advance(-time.Hour)
	assert.Equal(t, Epoch.Add(-time.Hour), f.Now())
}

func TestStrangersAndForgersAreRefused(t *testing.T) {
	f := start(t)
	stranger := start(t).user // of an organisation of the same name, but another CA
	_, err := f.Endorse(stranger, Call("run", "get k"), "A", "B")
	assert.ErrorContains(t, err, "access denied")

	forged := *f.user
	forged.Key = stranger.Key
	_, err = f.Endorse(&forged, Call("run", "get k"), "A", "B")
	assert.ErrorContains(t, err, "access denied")

	tx := f.endorse("put k 1")
	tx.Envelope.Signature = []byte("no")
	assert.Equal(t, []peer.TxValidationCode{peer.TxValidationCode_BAD_CREATOR_SIGNATURE}, f.cut(tx))

	tx = f.endorse("put k 1")
	changed := bytes.Replace(tx.Envelope.GetPayload(), []byte("put k 1"), []byte("put k 2"), -1)
	require.NotEqual(t, changed, tx.Envelope.GetPayload())
	tx.Envelope.Payload = changed
	tx.Envelope.Signature, err = f.user.Sign(changed)
	require.NoError(t, err)
	f.OrderEnvelope(tx.Envelope)
	f.OrderEnvelope(&common.Envelope{Payload: []byte("\xff")})
	block := f.Cut()
	assert.Equal(t, []byte{byte(valid), byte(peer.TxValidationCode_BAD_PAYLOAD)}, block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER],
		"arguments are not what endorsers sign; see the next test for results")
}

func TestAChangedResultLosesItsEndorsements(t *testing.T) {
	f := start(t)
	tx := f.endorse("put k before")
	payload := &common.Payload{}
	require.NoError(t, proto.Unmarshal(tx.Envelope.GetPayload(), payload))
	payload.Data = bytes.Replace(payload.GetData(), []byte("before"), []byte("after!"), -1)
	var err error
	tx.Envelope.Payload, err = proto.Marshal(payload)
	require.NoError(t, err)
	tx.Envelope.Signature, err = f.user.Sign(tx.Envelope.GetPayload())
	require.NoError(t, err)
	assert.Equal(t, []peer.TxValidationCode{policy}, f.cut(tx))
}

func TestATransactionIDServesOnce(t *testing.T) {
	f := start(t)
	p := Call("run", "put k 1")
	p.Nonce = []byte("the same nonce")
	tx, err := f.Endorse(f.user, p, "A", "B")
	require.NoError(t, err)
	f.Order(tx, tx)
	block := f.Cut()
	assert.Equal(t, []byte{0, byte(peer.TxValidationCode_DUPLICATE_TXID)}, block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER])
	f.Order(tx)
	block = f.Cut()
	assert.Equal(t, []byte{byte(peer.TxValidationCode_DUPLICATE_TXID)}, block.GetMetadata().GetMetadata()[common.BlockMetadataIndex_TRANSACTIONS_FILTER])
	r, _ := f.Status(tx.TxID)
	assert.Equal(t, valid, r.Code)
	_, err = f.Endorse(f.user, p, "A", "B")
	assert.ErrorContains(t, err, "duplicate transaction found")
	assert.Nil(t, f.Cut())
}

func TestBlocksAreChainedAndDelivered(t *testing.T) {
	f := start(t)
	r, err := f.Submit(f.user, Call("run", "put k 1", "event one first", "event two payload"), "A", "B")
	require.NoError(t, err)
	assert.Equal(t, "two", r.Event.GetEventName(), "the last event wins (stub.SetEvent)")
	assert.Equal(t, r.TxID, r.Event.GetTxId())
	ctx, cancel := context.WithCancel(t.Context())
	blocks := f.Blocks(ctx, 0)
	genesis, first := <-blocks, <-blocks
	f.do("put k 2")
	second := <-blocks
	assert.Equal(t, uint64(2), second.GetHeader().GetNumber())
	assert.Equal(t, headerHash(genesis.GetHeader()), first.GetHeader().GetPreviousHash())
	assert.Equal(t, headerHash(first.GetHeader()), second.GetHeader().GetPreviousHash())
	digest := sha256.Sum256(first.GetData().GetData()[0])
	assert.Equal(t, digest[:], first.GetHeader().GetDataHash())
	cancel()
	_, open := <-blocks
	assert.False(t, open)

	closing := f.Blocks(t.Context(), f.Height())
	f.Close()
	_, open = <-closing
	assert.False(t, open)
	assert.Nil(t, f.Block(99))
}

func TestManyClientsAtOnce(t *testing.T) {
	f := start(t)
	var clients sync.WaitGroup
	results := make([]*Result, 24)
	for i := range results {
		clients.Go(func() {
			results[i], _ = f.Submit(f.user, Call("run", "get shared", fmt.Sprintf("put own-%d 1", i), "range x z"), "A", "B")
		})
	}
	clients.Wait()
	blocks := map[uint64]int{}
	for _, r := range results {
		require.NotNil(t, r)
		assert.Equal(t, valid, r.Code, r.Reason)
		blocks[r.Block]++
	}
	assert.Len(t, f.Keys("own-"), 24)
	for number, count := range blocks {
		assert.Len(t, f.Block(number).GetData().GetData(), count)
	}
}

func TestSeenBy(t *testing.T) {
	f := start(t)
	_, err := f.Submit(f.user, Call("run", "put k argument", "transient key", "event e thing").WithTransient("key", []byte("terms")), "A", "B")
	require.NoError(t, err)
	_, err = f.Evaluate(f.user, Call("run", "put k asked", "nonsense"), "B")
	require.Error(t, err)
	for _, c := range []struct {
		org, text string
		want      bool
	}{
		{"A", "terms", true}, {"B", "terms", true}, {"C", "argument", true}, {"C", "thing", true}, {"B", "no such step", true},
		{"B", "asked", true}, {"A", "asked", false}, {"C", "asked", false},
	} {
		found := slices.ContainsFunc(f.SeenBy(c.org), func(b []byte) bool { return bytes.Contains(b, []byte(c.text)) })
		assert.Equal(t, c.want, found, "%s %s", c.org, c.text)
	}
	// The step "transient" returns what it read, so the response put the terms into the block: C must see them there.
	found := slices.ContainsFunc(f.SeenBy("C"), func(b []byte) bool { return bytes.Contains(b, []byte("terms")) })
	assert.True(t, found)

	f = start(t)
	_, err = f.Submit(f.user, Call("run", "put k 1").WithTransient("key", []byte("terms")), "A", "B")
	require.NoError(t, err)
	found = slices.ContainsFunc(f.SeenBy("C"), func(b []byte) bool { return bytes.Contains(b, []byte("terms")) })
	assert.False(t, found, "transient data are in no block")
}

// Whatever is endorsed and however it is cut into blocks, the valid transactions one after another give the same state
// as the ledger: serialisability, which is what the validation is for.
func TestValidTransactionsAreSerializable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := New(Config{Orgs: []string{"A"}, Chaincode: newScript, RunOnce: true})
		defer n.Close()
		user := n.Identity("A", "u", nil)
		type op struct {
			tx    *Transaction
			reads []string
			step  []string
		}
		model := map[string]string{}
		keys := rapid.SampledFrom([]string{"a", "b", "c"})
		for range rapid.IntRange(1, 4).Draw(rt, "blocks") {
			var ops []op
			for i := range rapid.IntRange(1, 4).Draw(rt, "transactions") {
				k1, k2 := keys.Draw(rt, "read"), keys.Draw(rt, "write")
				o := op{step: []string{"get " + k1, "range b d", fmt.Sprintf("put %s v%d", k2, i)}}
				if rapid.Bool().Draw(rt, "delete") {
					o.step[2] = "del " + k2
				}
				tx, err := n.Endorse(user, Call("run", o.step...), "A")
				require.NoError(rt, err)
				o.tx = tx
				o.reads = list(t, tx.Payload)
				ops = append(ops, o)
				n.Order(tx)
			}
			n.Cut()
			for _, o := range ops {
				r, ok := n.Status(o.tx.TxID)
				require.True(rt, ok)
				if r.Code != valid {
					continue
				}
				want := []string{value(nil)}
				if v, there := model[o.step[0][4:]]; there {
					want[0] = v
				}
				for _, k := range []string{"b", "c"} {
					if v, there := model[k]; there {
						want = append(want, k+"="+v)
					}
				}
				require.Equal(rt, want, o.reads, "a valid transaction read what was there when its turn came")
				words := strings.Split(o.step[2], " ")
				if words[0] == "del" {
					delete(model, words[1])
				} else {
					model[words[1]] = words[2]
				}
			}
		}
		for _, k := range []string{"a", "b", "c"} {
			require.Equal(rt, model[k], string(n.Get(k)))
		}
	})
}
