package fakeledger

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// instance is a running chaincode and the peer's end of its stream: what core/chaincode.Handler is on a real peer.
type instance struct {
	network *Network
	toCC    chan *peer.ChaincodeMessage
	fromCC  chan *peer.ChaincodeMessage
	closed  chan struct{}
	once    sync.Once
	ready   chan struct{}

	mu    sync.Mutex
	calls map[string]*call // by transaction id
}

type call struct {
	simulator *simulator
	done      chan *peer.ChaincodeMessage
}

// stream is the chaincode's end.
type stream struct{ *instance }

func (s stream) Send(m *peer.ChaincodeMessage) error {
	select {
	case s.fromCC <- m:
		return nil
	case <-s.closed:
		return io.EOF
	}
}

func (s stream) Recv() (*peer.ChaincodeMessage, error) {
	select {
	case m := <-s.toCC:
		return m, nil
	case <-s.closed:
		return nil, io.EOF
	}
}

func (s stream) CloseSend() error { s.close(); return nil }

func launch(n *Network) *instance {
	i := &instance{network: n, toCC: make(chan *peer.ChaincodeMessage), fromCC: make(chan *peer.ChaincodeMessage),
		closed: make(chan struct{}), ready: make(chan struct{}), calls: map[string]*call{}}
	go func() {
		defer i.close()
		_ = shim.StartInProc(n.cfg.ChaincodeName, stream{i}, n.cfg.Chaincode()) // ends with EOF when the network closes
	}()
	go i.serve()
	return i
}

func (i *instance) close() { i.once.Do(func() { close(i.closed) }) }

func (i *instance) serve() {
	for {
		select {
		case <-i.closed:
			return
		case m := <-i.fromCC:
			i.receive(m)
		}
	}
}

func (i *instance) send(m *peer.ChaincodeMessage) {
	select {
	case i.toCC <- m:
	case <-i.closed:
	}
}

func (i *instance) receive(m *peer.ChaincodeMessage) {
	switch m.GetType() {
	case peer.ChaincodeMessage_REGISTER:
		parameters, _ := proto.Marshal(&peer.ChaincodeAdditionalParams{
			UseWriteBatch: !i.network.cfg.NoBatches, MaxSizeWriteBatch: 1000,
			UseGetMultipleKeys: !i.network.cfg.NoBatches, MaxSizeGetMultipleKeys: 1000})
		i.send(&peer.ChaincodeMessage{Type: peer.ChaincodeMessage_REGISTERED})
		i.send(&peer.ChaincodeMessage{Type: peer.ChaincodeMessage_READY, Payload: parameters})
		close(i.ready)
		return
	case peer.ChaincodeMessage_KEEPALIVE:
		return
	}
	i.mu.Lock()
	c := i.calls[m.GetTxid()]
	i.mu.Unlock()
	if c == nil {
		return
	}
	if t := m.GetType(); t == peer.ChaincodeMessage_COMPLETED || t == peer.ChaincodeMessage_ERROR {
		c.done <- m
		return
	}
	answer := &peer.ChaincodeMessage{Type: peer.ChaincodeMessage_RESPONSE, Txid: m.GetTxid(), ChannelId: m.GetChannelId()}
	payload, err := c.simulator.handle(m)
	if err != nil {
		answer.Type = peer.ChaincodeMessage_ERROR
		payload = fmt.Appendf(nil, "%s failed: transaction ID: %s: %s", m.GetType(), m.GetTxid(), err)
	}
	answer.Payload = payload
	i.send(answer)
}

// invoke runs one transaction to its end: ChaincodeSupport.Execute.
func (i *instance) invoke(s *simulator, input *peer.ChaincodeInput, proposal *peer.SignedProposal) (*peer.Response, *peer.ChaincodeEvent, error) {
	select {
	case <-i.ready:
	case <-i.closed:
		return nil, nil, errors.New("chaincode stream terminated")
	}
	payload, err := proto.Marshal(input)
	if err != nil {
		return nil, nil, err
	}
	c := &call{simulator: s, done: make(chan *peer.ChaincodeMessage, 1)}
	i.mu.Lock()
	if i.calls[s.txID] != nil {
		i.mu.Unlock()
		return nil, nil, fmt.Errorf("txid: %s(%s) exists", s.txID, i.network.cfg.Channel)
	}
	i.calls[s.txID] = c
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		delete(i.calls, s.txID)
		i.mu.Unlock()
	}()

	i.send(&peer.ChaincodeMessage{Type: peer.ChaincodeMessage_TRANSACTION, Payload: payload, Txid: s.txID,
		ChannelId: i.network.cfg.Channel, Proposal: proposal})
	select {
	case m := <-c.done:
		if m.GetType() == peer.ChaincodeMessage_ERROR {
			return nil, nil, fmt.Errorf("transaction returned with failure: %s", m.GetPayload())
		}
		response := &peer.Response{}
		if err := proto.Unmarshal(m.GetPayload(), response); err != nil {
			return nil, nil, err
		}
		event := m.GetChaincodeEvent()
		if event != nil {
			event.ChaincodeId, event.TxId = i.network.cfg.ChaincodeName, s.txID
		}
		return response, event, nil
	case <-i.closed:
		return nil, nil, errors.New("chaincode stream terminated")
	}
}

func unsupported(what string) error {
	return fmt.Errorf("%s: not supported by fakeledger", what)
}

// handle answers one request of the chaincode, as the methods of core/chaincode.Handler do.
func (s *simulator) handle(m *peer.ChaincodeMessage) ([]byte, error) {
	switch m.GetType() {
	case peer.ChaincodeMessage_GET_STATE:
		q := &peer.GetState{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return s.getState(q.GetKey()), nil
	case peer.ChaincodeMessage_GET_STATE_MULTIPLE:
		q := &peer.GetStateMultiple{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		result := &peer.GetStateMultipleResult{}
		for _, key := range q.GetKeys() {
			result.Values = append(result.Values, s.getState(key))
		}
		return proto.Marshal(result)
	case peer.ChaincodeMessage_GET_STATE_METADATA:
		q := &peer.GetStateMetadata{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return proto.Marshal(s.getMetadata(q.GetKey()))
	case peer.ChaincodeMessage_PUT_STATE:
		q := &peer.PutState{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return nil, s.put(q.GetKey(), q.GetValue())
	case peer.ChaincodeMessage_DEL_STATE:
		q := &peer.DelState{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return nil, s.put(q.GetKey(), nil)
	case peer.ChaincodeMessage_PUT_STATE_METADATA:
		q := &peer.PutStateMetadata{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return nil, s.putMetadata(q.GetKey(), q.GetMetadata())
	case peer.ChaincodeMessage_WRITE_BATCH_STATE:
		q := &peer.WriteBatchState{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return nil, s.writeBatch(q)
	case peer.ChaincodeMessage_GET_STATE_BY_RANGE:
		q := &peer.GetStateByRange{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return marshalResponse(s.rangeQuery(q))
	case peer.ChaincodeMessage_GET_HISTORY_FOR_KEY:
		q := &peer.GetHistoryForKey{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return marshalResponse(s.historyQuery(q.GetKey()))
	case peer.ChaincodeMessage_QUERY_STATE_NEXT:
		q := &peer.QueryStateNext{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return marshalResponse(s.queryNext(q.GetId()))
	case peer.ChaincodeMessage_QUERY_STATE_CLOSE:
		q := &peer.QueryStateClose{}
		if err := s.decode(m, q); err != nil {
			return nil, err
		}
		return marshalResponse(s.queryClose(q.GetId()), nil)
	case peer.ChaincodeMessage_GET_QUERY_RESULT:
		return nil, errors.New("ExecuteQuery not supported for leveldb")
	case peer.ChaincodeMessage_GET_PRIVATE_DATA_HASH, peer.ChaincodeMessage_PURGE_PRIVATE_DATA:
		return nil, unsupported("private data")
	case peer.ChaincodeMessage_INVOKE_CHAINCODE:
		return nil, unsupported("a call of another chaincode")
	}
	return nil, unsupported("message " + m.GetType().String())
}

// decode reads a request, and refuses it where it is about a private data collection.
func (s *simulator) decode(m *peer.ChaincodeMessage, into proto.Message) error {
	if err := proto.Unmarshal(m.GetPayload(), into); err != nil {
		return fmt.Errorf("unmarshal failed: %w", err)
	}
	if c, ok := into.(interface{ GetCollection() string }); ok && c.GetCollection() != "" {
		return unsupported("private data")
	}
	return nil
}

func (s *simulator) writeBatch(batch *peer.WriteBatchState) error {
	for _, w := range batch.GetRec() {
		if w.GetCollection() != "" {
			return unsupported("private data")
		}
		var err error
		switch w.GetType() {
		case peer.WriteRecord_PUT_STATE:
			err = s.put(w.GetKey(), w.GetValue())
		case peer.WriteRecord_DEL_STATE:
			err = s.put(w.GetKey(), nil)
		case peer.WriteRecord_PUT_STATE_METADATA:
			err = s.putMetadata(w.GetKey(), w.GetMetadata())
		default:
			err = errors.New("unknown operation type")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func marshalResponse(r *peer.QueryResponse, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return proto.Marshal(r)
}
