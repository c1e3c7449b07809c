package fakeledger

import (
	"errors"
	"fmt"
	"sort"
	"strconv"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

const (
	// responseBatch is how many query results a peer sends at once (QueryResponseGenerator.MaxResultLimit).
	responseBatch = 100
	// totalQueryLimit is core.yaml's ledger.state.totalQueryLimit.
	totalQueryLimit = 100_000
)

// simulator collects what one transaction reads and writes on one peer: txmgr.txSimulator and rwsetutil.RWSetBuilder.
type simulator struct {
	network *Network
	height  uint64
	txID    string

	reads     map[string]*kvrwset.KVRead
	writes    map[string]*kvrwset.KVWrite
	metadata  map[string]*kvrwset.KVMetadataWrite
	iterators []*iterator
	open      map[string]*iterator

	wrote, paginated bool
}

func newSimulator(n *Network, height uint64, txID string) *simulator {
	return &simulator{network: n, height: height, txID: txID, reads: map[string]*kvrwset.KVRead{}, writes: map[string]*kvrwset.KVWrite{},
		metadata: map[string]*kvrwset.KVMetadataWrite{}, open: map[string]*iterator{}}
}

func (s *simulator) get(key string) *revision {
	s.network.mu.RLock()
	defer s.network.mu.RUnlock()
	r := s.network.state.get(key, s.height)
	read := &kvrwset.KVRead{Key: key}
	if r != nil {
		read.Version = r.version
	}
	s.reads[key] = read
	return r
}

func (s *simulator) getState(key string) []byte {
	if r := s.get(key); r != nil {
		return r.value
	}
	return nil
}

func (s *simulator) getMetadata(key string) *peer.StateMetadataResult {
	result := &peer.StateMetadataResult{}
	if r := s.get(key); r != nil {
		for _, e := range r.metadata {
			result.Entries = append(result.Entries, &peer.StateMetadata{Metakey: e.GetName(), Value: e.GetValue()})
		}
	}
	return result
}

func (s *simulator) mayWrite() error {
	if s.paginated {
		return fmt.Errorf("txid [%s]: unsuppored transaction. Transaction has already performed a paginated query. Writes are not allowed", s.txID)
	}
	s.wrote = true
	return nil
}

func (s *simulator) put(key string, value []byte) error {
	if err := s.mayWrite(); err != nil {
		return err
	}
	s.writes[key] = &kvrwset.KVWrite{Key: key, IsDelete: len(value) == 0, Value: value}
	return nil
}

func (s *simulator) putMetadata(key string, m *peer.StateMetadata) error {
	if err := s.mayWrite(); err != nil {
		return err
	}
	s.metadata[key] = &kvrwset.KVMetadataWrite{Key: key, Entries: []*kvrwset.KVMetadataEntry{{Name: m.GetMetakey(), Value: m.GetValue()}}}
	return nil
}

// iterator is a query that is under way: txmgr.resultsItr with the handler's pending results.
type iterator struct {
	next    func() (result proto.Message, more bool)
	pending []*peer.QueryResultBytes
	count   int32
	limit   int32
	info    *kvrwset.RangeQueryInfo // nil for a history
	reads   []*kvrwset.KVRead
}

func (s *simulator) rangeQuery(q *peer.GetStateByRange) (*peer.QueryResponse, error) {
	metadata := &peer.QueryMetadata{}
	if err := proto.Unmarshal(q.GetMetadata(), metadata); err != nil {
		return nil, fmt.Errorf("unmarshal failed: %w", err)
	}
	start, end, pageSize := q.GetStartKey(), q.GetEndKey(), metadata.GetPageSize()
	paginated := q.GetMetadata() != nil && (pageSize != 0 || metadata.GetBookmark() != "")
	if paginated {
		if s.wrote {
			return nil, fmt.Errorf("txid [%s]: unsuppored transaction. Paginated queries are supported only in a read-only transaction", s.txID)
		}
		s.paginated = true
		if metadata.GetBookmark() != "" {
			start = metadata.GetBookmark()
		}
	}

	s.network.mu.RLock()
	keys := s.network.state.scan(start, end, false, s.height)
	s.network.mu.RUnlock()
	at := 0
	it := &iterator{limit: totalQueryLimit, info: &kvrwset.RangeQueryInfo{StartKey: start}}
	if pageSize > 0 && pageSize < it.limit {
		it.limit = pageSize
	}
	it.next = func() (proto.Message, bool) {
		if at >= len(keys) || paginated && pageSize > 0 && at >= int(pageSize) {
			it.info.ItrExhausted = true
			it.info.EndKey = end
			return nil, false
		}
		key := keys[at]
		at++
		s.network.mu.RLock()
		r := s.network.state.get(key, s.height)
		s.network.mu.RUnlock()
		it.reads = append(it.reads, &kvrwset.KVRead{Key: key, Version: r.version})
		it.info.EndKey = key
		return &queryresult.KV{Namespace: s.network.cfg.ChaincodeName, Key: key, Value: r.value}, true
	}
	response, err := s.start(it, paginated)
	if err != nil || !paginated {
		return response, err
	}
	bookmark := ""
	if at < len(keys) {
		bookmark = keys[at]
	}
	response.Metadata, err = proto.Marshal(&peer.QueryResponseMetadata{FetchedRecordsCount: it.count, Bookmark: bookmark})
	return response, err
}

func (s *simulator) historyQuery(key string) (*peer.QueryResponse, error) {
	s.network.mu.RLock()
	defer s.network.mu.RUnlock()
	list := s.network.state.history[key]
	at := len(list) - 1 // newest first (core/ledger/kvledger/history/query_executer.go)
	for at >= 0 && list[at].block >= s.height {
		at--
	}
	it := &iterator{limit: totalQueryLimit}
	it.next = func() (proto.Message, bool) {
		if at < 0 {
			return nil, false
		}
		m := list[at]
		at--
		return &queryresult.KeyModification{TxId: m.txID, Value: m.value, Timestamp: m.timestamp, IsDelete: m.deleted}, true
	}
	return s.start(it, false)
}

func (s *simulator) start(it *iterator, paginated bool) (*peer.QueryResponse, error) {
	id := strconv.Itoa(len(s.iterators) + 1)
	s.iterators = append(s.iterators, it)
	s.open[id] = it
	return s.respond(id, it, paginated)
}

// respond is QueryResponseGenerator.BuildQueryResponse: it runs ahead of the chaincode by a batch, which decides what
// the range set says that the chaincode has seen.
func (s *simulator) respond(id string, it *iterator, paginated bool) (*peer.QueryResponse, error) {
	for {
		if it.count >= it.limit {
			break
		}
		result, more := it.next()
		if !more {
			break
		}
		bytes, err := proto.Marshal(result)
		if err != nil {
			return nil, err
		}
		var full []*peer.QueryResultBytes
		if !paginated && len(it.pending) == responseBatch {
			full, it.pending = it.pending, nil
		}
		it.pending = append(it.pending, &peer.QueryResultBytes{ResultBytes: bytes})
		it.count++
		if full != nil {
			return &peer.QueryResponse{Results: full, HasMore: true, Id: id}, nil
		}
	}
	last := it.pending
	it.pending = nil
	delete(s.open, id)
	return &peer.QueryResponse{Results: last, Id: id}, nil
}

func (s *simulator) queryNext(id string) (*peer.QueryResponse, error) {
	it := s.open[id]
	if it == nil {
		return nil, errors.New("query iterator not found")
	}
	return s.respond(id, it, false)
}

func (s *simulator) queryClose(id string) *peer.QueryResponse {
	delete(s.open, id)
	return &peer.QueryResponse{Id: id}
}

// results is the transaction's read-write set as the endorsement carries it, sorted as RWSetBuilder sorts it.
func (s *simulator) results() (*kvrwset.KVRWSet, []byte, error) {
	set := &kvrwset.KVRWSet{Reads: sorted(s.reads), Writes: sorted(s.writes), MetadataWrites: sorted(s.metadata)}
	type query struct {
		start, end string
		exhausted  bool
	}
	seen := map[query]bool{}
	for _, it := range s.iterators {
		if it.info == nil {
			continue
		}
		if it.reads != nil {
			it.info.ReadsInfo = &kvrwset.RangeQueryInfo_RawReads{RawReads: &kvrwset.QueryReads{KvReads: it.reads}}
		}
		if q := (query{it.info.GetStartKey(), it.info.GetEndKey(), it.info.GetItrExhausted()}); !seen[q] {
			seen[q] = true
			set.RangeQueriesInfo = append(set.RangeQueriesInfo, it.info)
		}
	}
	inner, err := proto.Marshal(set)
	if err != nil {
		return nil, nil, err
	}
	outer := &rwset.TxReadWriteSet{DataModel: rwset.TxReadWriteSet_KV}
	if len(inner) > 0 {
		outer.NsRwset = []*rwset.NsReadWriteSet{{Namespace: s.network.cfg.ChaincodeName, Rwset: inner}}
	}
	bytes, err := proto.Marshal(outer)
	return set, bytes, err
}

func sorted[T any](m map[string]T) []T {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	list := make([]T, len(keys))
	for i, k := range keys {
		list[i] = m[k]
	}
	return list
}
