package fakeledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/proto"
)

// Config says what network to make. Only Orgs and Chaincode are needed.
type Config struct {
	// Orgs are the MSP ids of the organisations, each with a CA and a peer.
	Orgs []string
	// Chaincode makes an instance of the chaincode; every peer runs one or two of its own.
	Chaincode func() shim.Chaincode
	// Channel and ChaincodeName default to "tally" and "tallystick", as in the test network.
	Channel, ChaincodeName string
	// Policy is the chaincode's endorsement policy; without it, peers of any two organisations (of one, if there is
	// only one).
	Policy *common.SignaturePolicyEnvelope
	// Now is the clock of every peer and client. Without it the clock stands at Epoch until Advance or SetNow moves it.
	Now func() time.Time
	// TimeWindow is how far a proposal's timestamp may be from the endorser's clock, either way; 15 minutes without it
	// (peer.authentication.timewindow). Negative: not checked.
	TimeWindow time.Duration
	// NoBatches makes peers that know neither write batches nor multiple reads (chaincode.runtimeParams unset).
	NoBatches bool
	// RunOnce leaves out the second run, on another instance, of a proposal that only one organisation endorses or
	// evaluates. Benchmarks want that.
	RunOnce bool
}

// Epoch is where the clock of a network stands in the beginning: a Monday.
var Epoch = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)

// Network is a channel. Its methods may be called from several goroutines.
type Network struct {
	cfg  Config
	orgs map[string]*organisation

	cutting    sync.Mutex // held while a block is made
	mu         sync.RWMutex
	state      *state
	blocks     []*common.Block
	changed    *sync.Cond // blocks, peers or the network's end
	statuses   map[string]*Result
	pending    []*common.Envelope
	now        time.Time
	closed     bool
	identities map[string]*Identity
}

type organisation struct {
	mspID     string
	authority *authority
	peer      *Identity

	launchOnce [2]sync.Once
	instances  [2]*instance

	// guarded by the network's lock
	stopped bool
	paused  bool
	height  uint64 // where the peer paused
	seen    [][]byte
}

// New makes a network with a genesis block. It panics where the configuration is wrong, as that is the test's defect.
// Close ends it.
func New(cfg Config) *Network {
	if cfg.Channel == "" {
		cfg.Channel = "tally"
	}
	if cfg.ChaincodeName == "" {
		cfg.ChaincodeName = "tallystick"
	}
	if cfg.TimeWindow == 0 {
		cfg.TimeWindow = 15 * time.Minute
	}
	if len(cfg.Orgs) == 0 || cfg.Chaincode == nil {
		panic("fakeledger: the configuration needs organisations and a chaincode")
	}
	if cfg.Policy == nil {
		cfg.Policy = OutOf(min(2, len(cfg.Orgs)), cfg.Orgs...)
	}
	n := &Network{cfg: cfg, orgs: map[string]*organisation{}, state: newState(), statuses: map[string]*Result{}, now: Epoch,
		identities: map[string]*Identity{}}
	n.changed = sync.NewCond(&n.mu)
	for _, mspID := range cfg.Orgs {
		if mspID == "" || n.orgs[mspID] != nil {
			panic(fmt.Sprintf("fakeledger: organisation %q is empty or there twice", mspID))
		}
		ca, err := newAuthority(mspID)
		if err != nil {
			panic(err)
		}
		id, err := ca.issue("peer0."+mspID, "peer", nil)
		if err != nil {
			panic(err)
		}
		n.orgs[mspID] = &organisation{mspID: mspID, authority: ca, peer: id}
	}
	n.blocks = []*common.Block{n.genesis()}
	return n
}

// Close ends the chaincodes and the subscriptions.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	n.changed.Broadcast()
	n.mu.Unlock()
	for _, o := range n.orgs {
		for i := range o.instances {
			o.launchOnce[i].Do(func() {})
			if o.instances[i] != nil {
				o.instances[i].close()
			}
		}
	}
}

func (n *Network) org(mspID string) *organisation {
	o := n.orgs[mspID]
	if o == nil {
		panic(fmt.Sprintf("fakeledger: there is no organisation %q", mspID))
	}
	return o
}

// instance is the organisation's chaincode, or its second one.
func (n *Network) instance(o *organisation, i int) *instance {
	o.launchOnce[i].Do(func() { o.instances[i] = launch(n) })
	return o.instances[i]
}

// Channel and ChaincodeName are the names that proposals carry.
func (n *Network) Channel() string { return n.cfg.Channel }

// ChaincodeName is the chaincode's name and the namespace of its state.
func (n *Network) ChaincodeName() string { return n.cfg.ChaincodeName }

// Now is what the clock says.
func (n *Network) Now() time.Time {
	if n.cfg.Now != nil {
		return n.cfg.Now().UTC()
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.now
}

// SetNow sets the clock, where the configuration has none of its own.
func (n *Network) SetNow(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = now.UTC()
}

// Advance moves the clock on, where the configuration has none of its own.
func (n *Network) Advance(by time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = n.now.Add(by)
}

// Identity enrols a user of the organisation with these attributes in the certificate, or returns the one that is
// enrolled with the same. Attributes are Fabric CA's, so package cid reads them.
func (n *Network) Identity(mspID, user string, attributes map[string]string) *Identity {
	o := n.org(mspID)
	name := fmt.Sprintf("%s\x00%s", mspID, user)
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		name += fmt.Sprintf("\x00%s\x00%s", key, attributes[key])
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id := n.identities[name]; id != nil {
		return id
	}
	id, err := o.authority.issue(user, "client", attributes)
	if err != nil {
		panic(err)
	}
	n.identities[name] = id
	return id
}

// Stop takes the organisation's peer down: it neither endorses nor evaluates. Blocks go on without it, and it has
// caught up when it starts.
func (n *Network) Stop(mspID string) { n.set(mspID, func(o *organisation) { o.stopped = true }) }

// Start brings the organisation's peer back.
func (n *Network) Start(mspID string) { n.set(mspID, func(o *organisation) { o.stopped = false }) }

// Pause leaves the organisation's peer up but without new blocks, so that it endorses on an old state.
func (n *Network) Pause(mspID string) {
	n.set(mspID, func(o *organisation) { o.paused, o.height = true, uint64(len(n.blocks)) })
}

// Resume lets the organisation's peer catch up.
func (n *Network) Resume(mspID string) { n.set(mspID, func(o *organisation) { o.paused = false }) }

func (n *Network) set(mspID string, change func(*organisation)) {
	o := n.org(mspID)
	n.mu.Lock()
	defer n.mu.Unlock()
	change(o)
	n.changed.Broadcast()
}

// heightOf is the number of blocks that the peer has committed. The caller holds the lock.
func (n *Network) heightOf(o *organisation) uint64 {
	if o.paused {
		return o.height
	}
	return uint64(len(n.blocks))
}

// Height is the number of blocks, the genesis block included.
func (n *Network) Height() uint64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return uint64(len(n.blocks))
}

// Block returns the block of that number, or nil. It is a copy.
func (n *Network) Block(number uint64) *common.Block {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if number >= uint64(len(n.blocks)) {
		return nil
	}
	return proto.Clone(n.blocks[number]).(*common.Block)
}

// Blocks delivers every block from that number on, those that are there and those that come, until the context ends
// or the network closes; then the channel closes.
func (n *Network) Blocks(ctx context.Context, from uint64) <-chan *common.Block {
	out := make(chan *common.Block)
	go func() {
		defer close(out)
		for number := from; ; number++ {
			block := n.await(ctx, nil, number)
			if block == nil {
				return
			}
			select {
			case out <- block:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// await returns the block of that number as soon as the organisation's peer has it, or anybody where there is no
// organisation; nil where the context ends, the network closes or the peer stops.
func (n *Network) await(ctx context.Context, o *organisation, number uint64) *common.Block {
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changed.Broadcast()
	})
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		height := uint64(len(n.blocks))
		if o != nil {
			height = n.heightOf(o)
		}
		if number < height && ctx.Err() == nil && (o == nil || !o.stopped) {
			return proto.Clone(n.blocks[number]).(*common.Block)
		}
		if n.closed || ctx.Err() != nil || o != nil && o.stopped {
			return nil
		}
		n.changed.Wait()
	}
}

// Get returns the committed value of a key, or nil: for a test that looks behind the chaincode.
func (n *Network) Get(key string) []byte {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if r := n.state.get(key, uint64(len(n.blocks))); r != nil {
		return slices.Clone(r.value)
	}
	return nil
}

// Keys lists the committed keys that begin with the prefix, composite keys included, in byte order.
func (n *Network) Keys(prefix string) []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var keys []string
	for _, key := range n.state.scan(prefix, "", false, uint64(len(n.blocks))) {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			break
		}
		keys = append(keys, key)
	}
	return keys
}

// SeenBy returns everything that reached the organisation's peer, as bytes to search in: every block that it has, with
// arguments, write sets, events and responses, and every proposal that it was asked to endorse or evaluate, transient
// data included, with its answer or error.
func (n *Network) SeenBy(mspID string) [][]byte {
	o := n.org(mspID)
	n.mu.RLock()
	defer n.mu.RUnlock()
	var seen [][]byte
	for _, b := range n.blocks[:n.heightOf(o)] {
		bytes, err := proto.Marshal(b)
		if err != nil {
			panic(err)
		}
		seen = append(seen, bytes)
	}
	return append(seen, o.seen...)
}
