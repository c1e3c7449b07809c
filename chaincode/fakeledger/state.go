package fakeledger

import (
	"sort"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// revision is what a transaction made of a key. A deleted key has a revision, too, so that peers at a lower height
// still see what was there.
type revision struct {
	version  *kvrwset.Version
	value    []byte
	metadata []*kvrwset.KVMetadataEntry
	deleted  bool
}

// modification is one entry of a key's history: only writes of values make one, as in
// core/ledger/kvledger/history/db.go.
type modification struct {
	block     uint64
	txID      string
	value     []byte
	timestamp *timestamppb.Timestamp
	deleted   bool
}

// state is the world state of every height at once.
type state struct {
	revisions map[string][]revision
	history   map[string][]modification
	keys      []string // every key that ever was, sorted
}

func newState() *state {
	return &state{revisions: map[string][]revision{}, history: map[string][]modification{}}
}

// get returns the key as a peer sees it that has committed every block below the height, or nil.
func (s *state) get(key string, height uint64) *revision {
	list := s.revisions[key]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].version.GetBlockNum() < height {
			if list[i].deleted {
				return nil
			}
			return &list[i]
		}
	}
	return nil
}

// put records a revision; versions of a key ascend.
func (s *state) put(key string, r revision) {
	if _, known := s.revisions[key]; !known {
		i := sort.SearchStrings(s.keys, key)
		s.keys = append(s.keys, "")
		copy(s.keys[i+1:], s.keys[i:])
		s.keys[i] = key
	}
	s.revisions[key] = append(s.revisions[key], r)
}

// scan lists the keys from start on that are there at the height, in byte order, up to end: without it, or with it
// where includeEnd says so. An empty end is no end.
func (s *state) scan(start, end string, includeEnd bool, height uint64) []string {
	var found []string
	for i := sort.SearchStrings(s.keys, start); i < len(s.keys); i++ {
		key := s.keys[i]
		if end != "" && (key > end || key == end && !includeEnd) {
			break
		}
		if s.get(key, height) != nil {
			found = append(found, key)
		}
	}
	return found
}

// apply writes what the transaction at the version wrote, as validation/tx_ops.go does: a write keeps the key's
// metadata unless the transaction sets it, metadata alone moves the key's version, and metadata for no key is nothing.
// It returns the keys that it touched.
func (s *state) apply(set *kvrwset.KVRWSet, version *kvrwset.Version, txID string, timestamp *timestamppb.Timestamp) map[string]bool {
	height := version.GetBlockNum() + 1 // includes what earlier transactions of the block did
	touched := map[string]bool{}
	metadata := map[string]*kvrwset.KVMetadataWrite{}
	for _, m := range set.GetMetadataWrites() {
		metadata[m.GetKey()] = m
	}
	for _, w := range set.GetWrites() {
		key := w.GetKey()
		touched[key] = true
		r := revision{version: version, value: w.GetValue(), deleted: isDelete(w)}
		if m, set := metadata[key]; set {
			r.metadata = m.GetEntries()
			delete(metadata, key)
		} else if before := s.get(key, height); before != nil {
			r.metadata = before.metadata
		}
		s.put(key, r)
		s.history[key] = append(s.history[key], modification{
			block: version.GetBlockNum(), txID: txID, value: w.GetValue(), timestamp: timestamp, deleted: r.deleted})
	}
	for _, m := range set.GetMetadataWrites() {
		key := m.GetKey()
		if metadata[key] == nil {
			continue
		}
		if before := s.get(key, height); before != nil {
			touched[key] = true
			s.put(key, revision{version: version, value: before.value, metadata: m.GetEntries()})
		}
	}
	return touched
}

// isDelete is rwsetutil.IsKVWriteDelete: to write nothing is to delete.
func isDelete(w *kvrwset.KVWrite) bool { return w.GetIsDelete() || len(w.GetValue()) == 0 }

func sameVersion(a, b *kvrwset.Version) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.GetBlockNum() == b.GetBlockNum() && a.GetTxNum() == b.GetTxNum()
}
