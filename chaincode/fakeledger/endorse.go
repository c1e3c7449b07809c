package fakeledger

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Proposal is what a client asks the chaincode.
type Proposal struct {
	// Function and Args are the arguments, the function first.
	Function string
	Args     [][]byte
	// Transient reaches the endorsers and never a block.
	Transient map[string][]byte
	// Timestamp is the client's; without it, the network's clock.
	Timestamp time.Time
	// Nonce makes the transaction id, with the client's certificate; random without it. To use one again is to propose
	// the same transaction again.
	Nonce []byte
}

// Call makes a proposal with text arguments.
func Call(function string, args ...string) Proposal {
	p := Proposal{Function: function}
	for _, a := range args {
		p.Args = append(p.Args, []byte(a))
	}
	return p
}

// WithTransient adds an entry to the proposal's transient data.
func (p Proposal) WithTransient(name string, value []byte) Proposal {
	copied := map[string][]byte{name: value}
	for k, v := range p.Transient {
		if k != name {
			copied[k] = v
		}
	}
	p.Transient = copied
	return p
}

// EndorsementError says that an organisation refused to endorse or to evaluate. Its text has the form that the gateway
// gives it, so that clients can be tested with it.
type EndorsementError struct {
	MSPID string
	// Status is the chaincode's, 400 or above, or 0 where the peer itself refused.
	Status int32
	// Message is the chaincode's or the peer's.
	Message string
}

func (e *EndorsementError) Error() string { return e.MSPID + ": " + e.text() }

// ErrUnavailable is in the chain of the error where an organisation's peer is stopped.
var ErrUnavailable = errors.New("no peer is available")

// Transaction is an endorsed transaction, not yet ordered.
type Transaction struct {
	// TxID is the transaction id, 64 hexadecimal digits.
	TxID string
	// Payload is the chaincode's response.
	Payload []byte
	// ReadWriteSet is what it read and wrote.
	ReadWriteSet *kvrwset.KVRWSet
	// Event is the chaincode's event, or nil.
	Event *peer.ChaincodeEvent
	// Envelope is what goes to the ordering service, signed by the client.
	Envelope *common.Envelope
}

// NewProposal signs a proposal as a client does, and returns it with its transaction id.
func (n *Network) NewProposal(id *Identity, p Proposal) (*peer.SignedProposal, string, error) {
	nonce := p.Nonce
	if len(nonce) == 0 {
		nonce = make([]byte, 24)
		if _, err := rand.Read(nonce); err != nil {
			return nil, "", err
		}
	}
	timestamp := p.Timestamp
	if timestamp.IsZero() {
		timestamp = n.Now()
	}
	digest := sha256.Sum256(slices.Concat(nonce, id.Creator))
	txID := hex.EncodeToString(digest[:])

	name := &peer.ChaincodeID{Name: n.cfg.ChaincodeName}
	var w writer
	channelHeader := w.marshal(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), TxId: txID,
		Timestamp: timestamppb.New(timestamp), ChannelId: n.cfg.Channel, Extension: w.marshal(&peer.ChaincodeHeaderExtension{ChaincodeId: name})})
	header := w.marshal(&common.Header{ChannelHeader: channelHeader,
		SignatureHeader: w.marshal(&common.SignatureHeader{Nonce: nonce, Creator: id.Creator})})
	payload := w.marshal(&peer.ChaincodeProposalPayload{TransientMap: p.Transient,
		Input: w.marshal(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{Type: peer.ChaincodeSpec_GOLANG, ChaincodeId: name,
			Input: &peer.ChaincodeInput{Args: slices.Concat([][]byte{[]byte(p.Function)}, p.Args)}}})})
	proposal := w.marshal(&peer.Proposal{Header: header, Payload: payload})
	if w.err != nil {
		return nil, "", w.err
	}
	signature, err := id.Sign(proposal)
	return &peer.SignedProposal{ProposalBytes: proposal, Signature: signature}, txID, err
}

// Evaluate asks the peer of one organisation and returns the chaincode's response; nothing is ordered. Errors are
// *EndorsementError (the peer refused or the chaincode did) and *MismatchError (a second run differed).
func (n *Network) Evaluate(id *Identity, p Proposal, mspID string) ([]byte, error) {
	signed, _, err := n.NewProposal(id, p)
	if err != nil {
		return nil, err
	}
	runs, err := n.simulate(signed, []string{mspID})
	if err != nil {
		return nil, err
	}
	return runs[0].response.GetPayload(), nil
}

// Endorse asks the peers of the organisations, all of them, and returns the transaction that the client would submit.
// Errors are *EndorsementError of the first organisation that refused, and *MismatchError where two results differ, be
// it because their peers have different heights or because the chaincode does not behave the same everywhere.
func (n *Network) Endorse(id *Identity, p Proposal, mspIDs ...string) (*Transaction, error) {
	signed, txID, err := n.NewProposal(id, p)
	if err != nil {
		return nil, err
	}
	return n.endorse(id, signed, txID, mspIDs)
}

func (n *Network) endorse(id *Identity, signed *peer.SignedProposal, txID string, mspIDs []string) (*Transaction, error) {
	payload, err := n.prepare(signed, mspIDs)
	if err != nil {
		return nil, err
	}
	signature, err := id.Sign(payload.bytes)
	if err != nil {
		return nil, err
	}
	return &Transaction{TxID: txID, Payload: payload.run.response.GetPayload(), ReadWriteSet: payload.run.set, Event: payload.run.event,
		Envelope: &common.Envelope{Payload: payload.bytes, Signature: signature}}, nil
}

type prepared struct {
	bytes []byte // of a common.Payload, not yet signed
	run   *run
}

// prepare collects the endorsements and assembles the transaction: gateway's Endorse with prepareTransaction.
func (n *Network) prepare(signed *peer.SignedProposal, mspIDs []string) (*prepared, error) {
	if len(mspIDs) == 0 {
		return nil, errors.New("fakeledger: name the organisations that endorse")
	}
	runs, err := n.simulate(signed, mspIDs)
	if err != nil {
		return nil, err
	}
	action := &peer.ChaincodeEndorsedAction{ProposalResponsePayload: runs[0].payload}
	for _, r := range runs {
		endorser := r.org.peer
		signature, err := endorser.Sign(slices.Concat(r.payload, endorser.Creator))
		if err != nil {
			return nil, err
		}
		action.Endorsements = append(action.Endorsements, &peer.Endorsement{Endorser: endorser.Creator, Signature: signature})
	}
	u := runs[0].unpacked
	var w writer
	transaction := w.marshal(&peer.Transaction{Actions: []*peer.TransactionAction{{Header: u.header.GetSignatureHeader(),
		Payload: w.marshal(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: u.visible, Action: action})}}})
	bytes := w.marshal(&common.Payload{Header: u.header, Data: transaction})
	return &prepared{bytes: bytes, run: runs[0]}, w.err
}

// run is what one execution of the chaincode came to.
type run struct {
	org      *organisation
	height   uint64
	unpacked *unpacked
	response *peer.Response
	event    *peer.ChaincodeEvent
	set      *kvrwset.KVRWSet
	results  []byte
	payload  []byte // of a peer.ProposalResponsePayload
}

// simulate runs the proposal at every organisation and compares the results.
func (n *Network) simulate(signed *peer.SignedProposal, mspIDs []string) ([]*run, error) {
	var runs []*run
	var first error
	for _, mspID := range slices.Compact(slices.Sorted(slices.Values(mspIDs))) {
		r, err := n.processProposal(n.org(mspID), signed, 0)
		if err != nil && first == nil {
			first = err
		}
		if err == nil {
			runs = append(runs, r)
		}
	}
	if first != nil {
		return nil, first
	}
	compared := runs
	if len(runs) == 1 && !n.cfg.RunOnce {
		twin, err := n.processProposal(runs[0].org, signed, 1)
		if err != nil {
			return nil, &MismatchError{First: runs[0].org.mspID, Second: runs[0].org.mspID, SameHeight: true, Difference: "only the second run failed: " + err.Error()}
		}
		compared = append(compared, twin)
	}
	for _, r := range compared[1:] {
		if !bytes.Equal(r.payload, runs[0].payload) {
			return nil, &MismatchError{First: runs[0].org.mspID, Second: r.org.mspID, SameHeight: r.height == runs[0].height,
				Difference: difference(runs[0], r)}
		}
	}
	return runs, nil
}

// processProposal is core/endorser.ProcessProposal up to the signature, on the organisation's first or second instance.
func (n *Network) processProposal(o *organisation, signed *peer.SignedProposal, instance int) (*run, error) {
	n.mu.RLock()
	stopped, height := o.stopped, n.heightOf(o)
	n.mu.RUnlock()
	refuse := func(err error) (*run, error) {
		n.remember(o, signed, []byte(err.Error()))
		return nil, &EndorsementError{MSPID: o.mspID, Message: err.Error()}
	}
	if stopped {
		return nil, fmt.Errorf("failed to find any endorsing peers for org(s): %s: %w", o.mspID, ErrUnavailable)
	}
	u, err := n.unpack(signed)
	if err != nil {
		return refuse(err)
	}
	simulator := newSimulator(n, height, u.channel.GetTxId())
	response, event, err := n.instance(o, instance).invoke(simulator, u.input, signed)
	if err != nil {
		return refuse(fmt.Errorf("error in simulation: failed to execute transaction %s: %w", u.channel.GetTxId(), err))
	}
	answer, err := proto.Marshal(response)
	if err != nil {
		return refuse(err)
	}
	n.remember(o, signed, answer)
	if response.GetStatus() < 200 || response.GetStatus() >= shim.ERRORTHRESHOLD {
		return nil, &EndorsementError{MSPID: o.mspID, Status: response.GetStatus(), Message: response.GetMessage()}
	}
	r := &run{org: o, height: height, unpacked: u, response: response, event: event}
	if r.set, r.results, err = simulator.results(); err != nil {
		return refuse(err)
	}
	var w writer
	action := &peer.ChaincodeAction{Results: r.results, Response: response, ChaincodeId: &peer.ChaincodeID{Name: n.cfg.ChaincodeName, Version: "1"}}
	if event != nil {
		action.Events = w.marshal(event)
	}
	r.payload = w.marshal(&peer.ProposalResponsePayload{ProposalHash: u.hash, Extension: w.marshal(action)})
	return r, w.err
}

// remember keeps what an organisation's peer was sent and what it answered.
func (n *Network) remember(o *organisation, signed *peer.SignedProposal, answer []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o.seen = append(o.seen, signed.GetProposalBytes(), answer)
}

// unpacked is a proposal taken apart and checked.
type unpacked struct {
	header  *common.Header
	channel *common.ChannelHeader
	creator []byte
	input   *peer.ChaincodeInput
	visible []byte // the proposal's payload without transient data
	hash    []byte
}

// unpack checks a proposal as core/endorser/msgvalidation.go and the filter of the time window do.
func (n *Network) unpack(signed *peer.SignedProposal) (*unpacked, error) {
	proposal, header, channel := &peer.Proposal{}, &common.Header{}, &common.ChannelHeader{}
	signature, payload, spec := &common.SignatureHeader{}, &peer.ChaincodeProposalPayload{}, &peer.ChaincodeInvocationSpec{}
	for _, part := range []struct {
		bytes func() []byte
		into  proto.Message
	}{
		{signed.GetProposalBytes, proposal}, {proposal.GetHeader, header}, {header.GetChannelHeader, channel},
		{header.GetSignatureHeader, signature}, {proposal.GetPayload, payload}, {payload.GetInput, spec},
	} {
		if err := proto.Unmarshal(part.bytes(), part.into); err != nil {
			return nil, fmt.Errorf("error unmarshalling %s: %w", part.into.ProtoReflect().Descriptor().Name(), err)
		}
	}
	if channel.GetChannelId() != n.cfg.Channel {
		return nil, fmt.Errorf("channel '%s' not found", channel.GetChannelId())
	}
	if name := spec.GetChaincodeSpec().GetChaincodeId().GetName(); name != n.cfg.ChaincodeName {
		return nil, fmt.Errorf("make sure the chaincode %s has been successfully defined on channel %s and try again", name, n.cfg.Channel)
	}
	digest := sha256.Sum256(slices.Concat(signature.GetNonce(), signature.GetCreator()))
	if len(signature.GetNonce()) == 0 || channel.GetTxId() != hex.EncodeToString(digest[:]) {
		return nil, fmt.Errorf("incorrectly computed txid '%s'", channel.GetTxId())
	}
	creator, err := n.identify(signature.GetCreator())
	if err != nil {
		return nil, fmt.Errorf("error validating proposal: access denied: %w", err)
	}
	if err := creator.verify(signed.GetProposalBytes(), signed.GetSignature()); err != nil {
		return nil, fmt.Errorf("error validating proposal: access denied: %w", err)
	}
	if window := n.cfg.TimeWindow; window > 0 {
		sent, now := channel.GetTimestamp().AsTime(), n.Now()
		if sent.Add(window).Before(now) || sent.Add(-window).After(now) {
			return nil, fmt.Errorf("request unauthorized due to incorrect timestamp %s, peer time %s, peer.authentication.timewindow %s",
				sent.Format(time.RFC3339), now.Format(time.RFC3339), window)
		}
	}
	n.mu.RLock()
	_, known := n.statuses[channel.GetTxId()]
	n.mu.RUnlock()
	if known {
		return nil, fmt.Errorf("duplicate transaction found [%s]", channel.GetTxId())
	}
	visible, err := proto.Marshal(&peer.ChaincodeProposalPayload{Input: payload.GetInput()})
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(slices.Concat(header.GetChannelHeader(), header.GetSignatureHeader(), visible))
	return &unpacked{header: header, channel: channel, creator: signature.GetCreator(), input: spec.GetChaincodeSpec().GetInput(),
		visible: visible, hash: hash[:]}, nil
}

// writer marshals one message after another and keeps the first error.
type writer struct{ err error }

func (w *writer) marshal(m proto.Message) []byte {
	bytes, err := proto.Marshal(m)
	if w.err == nil {
		w.err = err
	}
	return bytes
}
