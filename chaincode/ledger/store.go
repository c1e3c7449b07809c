package ledger

import (
	"sort"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// MaxScan limits what one decision may read by range.
const MaxScan = 1000

// Entry is one key of the world state with its value.
type Entry struct {
	Key   string
	Value []byte
}

// Store is the world state as one operation sees it: it sees its own writes, and nothing is written before the operation
// succeeds.
type Store interface {
	// Get returns nil for a key that has no value.
	Get(key string) ([]byte, error)
	// GetMany returns values in the order of the keys, nil where there is none.
	GetMany(keys []string) ([][]byte, error)
	// Scan returns the entries with from <= key < to, in order; INPUT_TOO_LARGE when there are more than MaxScan.
	Scan(from, to string) ([]Entry, error)
	// Page returns up to size entries and the bookmark of the next page, "" at the end. It serves queries only: a
	// transaction that has written gets an error.
	Page(from, to string, size int, bookmark string) ([]Entry, string, error)
	Put(key string, value []byte)
	Delete(key string)
	// Guard sets the key-level endorsement policy: any n of the organisations.
	Guard(key string, n int, organisations []string)
}

// Backend is what lies below an operation's own writes: a peer's state, or the store of the batch that it is part of.
type Backend interface {
	Get(key string) ([]byte, error)
	GetMany(keys []string) ([][]byte, error)
	Scan(from, to string, limit int) ([]Entry, error)
	Page(from, to string, size int, bookmark string) ([]Entry, string, error)
}

// Write is what an operation has written to one key.
type Write struct {
	Key    string
	Value  []byte // nil when deleted
	Put    bool
	Delete bool
	Guard  *Guard
}

// Guard is a key-level endorsement policy: any N of the organisations' peers.
type Guard struct {
	N             int
	Organisations []string
}

// Overlay is a Store that keeps an operation's writes above a backend.
type Overlay struct {
	below  Backend
	writes map[string]*Write
	cache  map[string][]byte
}

// NewOverlay returns an empty overlay.
func NewOverlay(below Backend) *Overlay {
	return &Overlay{below: below, writes: map[string]*Write{}, cache: map[string][]byte{}}
}

// Get implements Store.
func (o *Overlay) Get(key string) ([]byte, error) {
	if w, ok := o.writes[key]; ok && (w.Put || w.Delete) {
		return w.Value, nil
	}
	if v, ok := o.cache[key]; ok {
		return v, nil
	}
	v, err := o.below.Get(key)
	if err == nil {
		o.cache[key] = v
	}
	return v, err
}

// GetMany implements Store; what was not read before is read at once.
func (o *Overlay) GetMany(keys []string) ([][]byte, error) {
	var ask []string
	for _, k := range keys {
		if w, ok := o.writes[k]; ok && (w.Put || w.Delete) {
			continue
		}
		if _, ok := o.cache[k]; !ok {
			ask = append(ask, k)
		}
	}
	if len(ask) > 0 {
		got, err := o.below.GetMany(ask)
		if err != nil {
			return nil, err
		}
		for i, k := range ask {
			o.cache[k] = got[i]
		}
	}
	values := make([][]byte, len(keys))
	for i, k := range keys {
		v, err := o.Get(k)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// Scan implements Store.
func (o *Overlay) Scan(from, to string) ([]Entry, error) {
	entries, err := o.below.Scan(from, to, MaxScan+1)
	if err != nil {
		return nil, err
	}
	merged := entries[:0:0]
	for _, e := range entries {
		if w, ok := o.writes[e.Key]; !ok || (!w.Put && !w.Delete) {
			merged = append(merged, e)
		}
	}
	for _, w := range o.Changes() {
		if w.Put && w.Key >= from && w.Key < to {
			merged = append(merged, Entry{Key: w.Key, Value: w.Value})
		}
	}
	if len(merged) > MaxScan {
		return nil, fault.New(fault.InputTooLarge, "a decision would read more than %d records", MaxScan)
	}
	sort.Slice(merged, func(i, j int) bool { return merged[i].Key < merged[j].Key })
	return merged, nil
}

// Page implements Store.
func (o *Overlay) Page(from, to string, size int, bookmark string) ([]Entry, string, error) {
	if len(o.writes) > 0 {
		return nil, "", fault.New(fault.InternalError, "a transaction that writes cannot page")
	}
	return o.below.Page(from, to, size, bookmark)
}

// Put implements Store.
func (o *Overlay) Put(key string, value []byte) {
	w := o.at(key)
	w.Value, w.Put, w.Delete = value, true, false
}

// Delete implements Store.
func (o *Overlay) Delete(key string) {
	w := o.at(key)
	w.Value, w.Put, w.Delete = nil, false, true
}

// Guard implements Store.
func (o *Overlay) Guard(key string, n int, organisations []string) {
	o.at(key).Guard = &Guard{N: n, Organisations: organisations}
}

func (o *Overlay) at(key string) *Write {
	w, ok := o.writes[key]
	if !ok {
		w = &Write{Key: key}
		o.writes[key] = w
	}
	return w
}

// Changes lists what was written, in the order of the keys, so that every peer writes it in the same order.
func (o *Overlay) Changes() []Write {
	keys := make([]string, 0, len(o.writes))
	for k := range o.writes {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	list := make([]Write, len(keys))
	for i, k := range keys {
		list[i] = *o.writes[k]
	}
	return list
}
