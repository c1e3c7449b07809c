package fakeledger

import (
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Result is what became of an ordered transaction.
type Result struct {
	TxID string
	// Code is VALID, or why the peers refused it.
	Code peer.TxValidationCode
	// Block is the number of its block.
	Block uint64
	// Reason is what a real peer would log where Code is not VALID.
	Reason string
	// Payload is the chaincode's response, and Event its event; Submit fills them in.
	Payload []byte
	Event   *peer.ChaincodeEvent
}

// CommitError says that a transaction was ordered and then refused.
type CommitError struct {
	TxID   string
	Code   peer.TxValidationCode
	Reason string
}

func (e *CommitError) Error() string {
	return fmt.Sprintf("transaction %s failed to commit with status code %d (%s): %s", e.TxID, int32(e.Code), e.Code, e.Reason)
}

// Order gives transactions to the ordering service, in this order. They wait for Cut.
func (n *Network) Order(transactions ...*Transaction) {
	for _, t := range transactions {
		n.OrderEnvelope(t.Envelope)
	}
}

// OrderEnvelope is Order for an envelope that a client assembled itself.
func (n *Network) OrderEnvelope(e *common.Envelope) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending = append(n.pending, proto.Clone(e).(*common.Envelope))
}

// Cut makes a block of everything that was ordered, validates and commits it, and returns it; without anything
// ordered, nil.
func (n *Network) Cut() *common.Block {
	n.cutting.Lock()
	defer n.cutting.Unlock()
	signers := n.pendingSigners()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(signers) == 0 {
		return nil
	}
	pending := n.pending[:len(signers)]
	n.pending = n.pending[len(signers):]
	number := uint64(len(n.blocks))
	block := &common.Block{Header: &common.BlockHeader{Number: number, PreviousHash: headerHash(n.blocks[number-1].GetHeader())}, Data: &common.BlockData{}}
	for _, e := range pending {
		bytes, err := proto.Marshal(e)
		if err != nil {
			panic(err)
		}
		block.Data.Data = append(block.Data.Data, bytes)
	}
	digest := sha256.Sum256(slices.Concat(block.Data.Data...))
	block.Header.DataHash = digest[:]

	block.Metadata = metadata(n.validate(number, signers))
	n.blocks = append(n.blocks, block)
	n.changed.Broadcast()
	return proto.Clone(block).(*common.Block)
}

// Status returns what became of a transaction, and false while no block has it.
func (n *Network) Status(txID string) (Result, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	r := n.statuses[txID]
	if r == nil {
		return Result{}, false
	}
	return *r, true
}

// Submit endorses, orders and cuts a block of its own (with whatever else was ordered before), and returns the result.
// Errors are those of Endorse, and *CommitError, then with the result.
func (n *Network) Submit(id *Identity, p Proposal, mspIDs ...string) (*Result, error) {
	t, err := n.Endorse(id, p, mspIDs...)
	if err != nil {
		return nil, err
	}
	n.Order(t)
	n.Cut()
	r, ok := n.Status(t.TxID)
	if !ok {
		return nil, errors.New("fakeledger: the transaction was ordered, but no block has it")
	}
	r.Payload, r.Event = t.Payload, t.Event
	if r.Code != peer.TxValidationCode_VALID {
		return &r, &CommitError{TxID: r.TxID, Code: r.Code, Reason: r.Reason}
	}
	return &r, nil
}

// envelope is a transaction of a block, taken apart.
type envelope struct {
	channel      *common.ChannelHeader
	set          *kvrwset.KVRWSet
	event        *peer.ChaincodeEvent
	creator      []byte
	payload      []byte // of the common.Payload, which the client signed
	endorsements []*peer.Endorsement
	endorsed     []byte // of the peer.ProposalResponsePayload
}

func (n *Network) open(e *common.Envelope) (*envelope, error) {
	payload, transaction, action := &common.Payload{}, &peer.Transaction{}, &peer.ChaincodeActionPayload{}
	channel, signature := &common.ChannelHeader{}, &common.SignatureHeader{}
	response, chaincode, sets, event := &peer.ProposalResponsePayload{}, &peer.ChaincodeAction{}, &rwset.TxReadWriteSet{}, &peer.ChaincodeEvent{}
	for _, part := range []struct {
		bytes func() []byte
		into  proto.Message
	}{
		{e.GetPayload, payload},
		{func() []byte { return payload.GetHeader().GetChannelHeader() }, channel},
		{func() []byte { return payload.GetHeader().GetSignatureHeader() }, signature},
		{payload.GetData, transaction},
		{func() []byte { return first(transaction.GetActions()).GetPayload() }, action},
		{func() []byte { return action.GetAction().GetProposalResponsePayload() }, response},
		{response.GetExtension, chaincode}, {chaincode.GetResults, sets}, {chaincode.GetEvents, event},
	} {
		if err := proto.Unmarshal(part.bytes(), part.into); err != nil {
			return nil, err
		}
	}
	opened := &envelope{channel: channel, set: &kvrwset.KVRWSet{}, event: event, creator: signature.GetCreator(), payload: e.GetPayload(),
		endorsements: action.GetAction().GetEndorsements(), endorsed: action.GetAction().GetProposalResponsePayload()}
	for _, ns := range sets.GetNsRwset() {
		if ns.GetNamespace() == n.cfg.ChaincodeName {
			if err := proto.Unmarshal(ns.GetRwset(), opened.set); err != nil {
				return nil, err
			}
		}
	}
	return opened, nil
}

func first[T any](list []*T) *T {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// proven is what the signatures of one pending envelope come to.
type proven struct {
	envelope   *envelope
	err        error // the envelope cannot be read
	creatorErr error
	endorsers  []*signer
}

// pendingSigners checks all signatures before the lock is taken, because it asks the clock.
func (n *Network) pendingSigners() []proven {
	n.mu.RLock()
	pending := slices.Clone(n.pending)
	n.mu.RUnlock()
	list := make([]proven, len(pending))
	for i, e := range pending {
		list[i] = n.prove(e)
	}
	return list
}

func (n *Network) prove(e *common.Envelope) proven {
	opened, err := n.open(e)
	if err != nil {
		return proven{err: err}
	}
	p := proven{envelope: opened}
	creator, err := n.identify(opened.creator)
	if err == nil {
		err = creator.verify(opened.payload, e.GetSignature())
	}
	p.creatorErr = err
	seen := map[string]bool{}
	for _, endorsement := range opened.endorsements {
		if seen[string(endorsement.GetEndorser())] {
			continue
		}
		seen[string(endorsement.GetEndorser())] = true
		// Endorsements that do not verify do not count; they spoil nothing (common/policies, SignatureSetToValidIdentities).
		if s, err := n.identify(endorsement.GetEndorser()); err == nil &&
			s.verify(slices.Concat(opened.endorsed, endorsement.GetEndorser()), endorsement.GetSignature()) == nil {
			p.endorsers = append(p.endorsers, s)
		}
	}
	return p
}

// validate decides about every transaction of a block and commits the valid ones: first all endorsements against the
// state before the block (core/committer/txvalidator), then, in order, reads and ranges against the state with the
// block's earlier valid transactions (txmgmt/validation).
func (n *Network) validate(number uint64, signers []proven) []byte {
	codes := make([]byte, len(signers))
	results := make([]*Result, len(signers))
	inBlock := map[string]bool{}
	policies := map[string]bool{} // keys whose policy a transaction of this block changes
	for i, p := range signers {
		r := &Result{Block: number, Code: peer.TxValidationCode_VALID}
		results[i] = r
		refuse := func(code peer.TxValidationCode, err error) { r.Code, r.Reason = code, err.Error() }
		if p.err != nil {
			refuse(peer.TxValidationCode_BAD_PAYLOAD, p.err)
			continue
		}
		r.TxID = p.envelope.channel.GetTxId()
		if n.statuses[r.TxID] != nil || inBlock[r.TxID] {
			refuse(peer.TxValidationCode_DUPLICATE_TXID, errors.New("the ledger has this transaction id already"))
			continue
		}
		if p.creatorErr != nil {
			refuse(peer.TxValidationCode_BAD_CREATOR_SIGNATURE, p.creatorErr)
			continue
		}
		if err := n.endorsed(p.envelope.set, p.endorsers, number, policies); err != nil {
			refuse(peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, err)
			continue
		}
		for _, w := range p.envelope.set.GetMetadataWrites() {
			policies[w.GetKey()] = true
		}
		inBlock[r.TxID] = true
	}
	touched := map[string]bool{}
	for i, r := range results {
		if r.Code == peer.TxValidationCode_VALID {
			e := signers[i].envelope
			version := &kvrwset.Version{BlockNum: number, TxNum: uint64(i)}
			if r.Code, r.Reason = n.conflicts(e.set, number+1, touched); r.Code == peer.TxValidationCode_VALID {
				for key := range n.state.apply(e.set, version, r.TxID, e.channel.GetTimestamp()) {
					touched[key] = true
				}
			}
		}
		codes[i] = byte(r.Code)
		if r.TxID != "" && r.Code != peer.TxValidationCode_DUPLICATE_TXID {
			n.statuses[r.TxID] = r
		}
	}
	return codes
}

// conflicts checks reads and ranges against the state below the height, where touched names the keys that earlier
// transactions of the same block wrote.
func (n *Network) conflicts(set *kvrwset.KVRWSet, height uint64, touched map[string]bool) (peer.TxValidationCode, string) {
	for _, read := range set.GetReads() {
		var committed *kvrwset.Version
		if r := n.state.get(read.GetKey(), height); r != nil {
			committed = r.version
		}
		if touched[read.GetKey()] || !sameVersion(committed, read.GetVersion()) {
			return peer.TxValidationCode_MVCC_READ_CONFLICT, fmt.Sprintf("key %q was read at version %v and is at version %v",
				read.GetKey(), read.GetVersion(), committed)
		}
	}
	for _, q := range set.GetRangeQueriesInfo() {
		now := n.state.scan(q.GetStartKey(), q.GetEndKey(), !q.GetItrExhausted(), height)
		reads := q.GetRawReads().GetKvReads()
		phantom := len(now) != len(reads)
		for i := 0; !phantom && i < len(reads); i++ {
			phantom = now[i] != reads[i].GetKey() || !sameVersion(n.state.get(now[i], height).version, reads[i].GetVersion())
		}
		if phantom {
			return peer.TxValidationCode_PHANTOM_READ_CONFLICT, fmt.Sprintf("the range from %q to %q had %d keys and has others now",
				q.GetStartKey(), q.GetEndKey(), len(reads))
		}
	}
	return peer.TxValidationCode_VALID, ""
}

// genesis is a block with a configuration envelope that configures nothing.
func (n *Network) genesis() *common.Block {
	var w writer
	channel := w.marshal(&common.ChannelHeader{Type: int32(common.HeaderType_CONFIG), ChannelId: n.cfg.Channel, Timestamp: timestamppb.New(Epoch)})
	payload := w.marshal(&common.Payload{Header: &common.Header{ChannelHeader: channel, SignatureHeader: w.marshal(&common.SignatureHeader{})},
		Data: w.marshal(&common.ConfigEnvelope{Config: &common.Config{ChannelGroup: &common.ConfigGroup{}}})})
	data := w.marshal(&common.Envelope{Payload: payload})
	if w.err != nil {
		panic(w.err)
	}
	digest := sha256.Sum256(data)
	return &common.Block{Header: &common.BlockHeader{DataHash: digest[:]}, Data: &common.BlockData{Data: [][]byte{data}},
		Metadata: metadata([]byte{byte(peer.TxValidationCode_VALID)})}
}

func metadata(codes []byte) *common.BlockMetadata {
	m := &common.BlockMetadata{Metadata: make([][]byte, len(common.BlockMetadataIndex_name))}
	m.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = codes
	return m
}

// headerHash is protoutil.BlockHeaderHash: what the next block's header refers to.
func headerHash(h *common.BlockHeader) []byte {
	bytes, err := asn1.Marshal(struct {
		Number                 *big.Int
		PreviousHash, DataHash []byte
	}{new(big.Int).SetUint64(h.GetNumber()), h.GetPreviousHash(), h.GetDataHash()})
	if err != nil {
		panic(err)
	}
	digest := sha256.Sum256(bytes)
	return digest[:]
}
