package plan

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/tallystick/tallystick/network/topology"
)

const (
	stateFile    = "network.json"
	topologyFile = "topology.yaml"
	lockFile     = ".lock"
)

var networkPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)

// Ordering is the consensus of the ordering service.
type Ordering string

// The orderings.
const (
	SmartBFT Ordering = "smartbft"
	Raft     Ordering = "raft"
)

// State is what a network remembers between commands. Everything in it is fixed when the network is made,
// except Joined and Deployed.
type State struct {
	Dir                string                  `json:"-"`
	Name               string                  `json:"name"`
	Backend            Backend                 `json:"backend"`
	Ordering           Ordering                `json:"ordering"`
	BatchTimeoutMillis int                     `json:"batchTimeoutMillis"`
	Seed               string                  `json:"seed"` // hex; opaque ids derive from it
	Ports              map[string]map[Port]int `json:"ports"`
	PortSlots          []int                   `json:"portSlots"`
	Joined             bool                    `json:"joined"` // every node has joined the channel
	Deployed           *Deployment             `json:"chaincode,omitempty"`
	Serving            bool                    `json:"serving,omitempty"` // the organisations' services belong up
}

// Deployment is the deployed chaincode.
type Deployment struct {
	Version    string            `json:"version"` // the first 12 hex digits of the program's SHA-256
	Sequence   int64             `json:"sequence"`
	PackageIDs map[string]string `json:"packageIds"` // by organisation
}

// Wanted is what the caller asked for; zero values accept what is there, or the default for a new network.
type Wanted struct {
	Backend            Backend
	Ordering           Ordering
	BatchTimeoutMillis int
	BasePort           int // first port; 0 finds free ones
	TopologyFile       string
}

// ErrAbsent says that no network of that name exists.
var ErrAbsent = errors.New("no such network")

// CheckName says whether a network may have this name.
func CheckName(name string) error {
	if !networkPattern.MatchString(name) {
		return fmt.Errorf("network name %q: lower-case letters, digits and '-', starting with a letter, at most 41", name)
	}
	return nil
}

// Open reads the state of a network. It returns ErrAbsent if there is none.
func Open(root, name string) (*Plan, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, name)
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s (below %s); start it with: tallynet up --name %s", ErrAbsent, name, root, name)
	}
	if err != nil {
		return nil, err
	}
	st := &State{}
	if err := json.Unmarshal(text, st); err != nil {
		return nil, fmt.Errorf("%s: %w; wipe the network with: tallynet reset --name %s", filepath.Join(dir, stateFile), err, name)
	}
	st.Dir = dir
	t, err := topology.Load(filepath.Join(dir, topologyFile))
	if err != nil {
		return nil, err
	}
	return New(st, t), nil
}

// OpenOrCreate reads the state of a network or makes a new one, and checks that it is what the caller wants.
func OpenOrCreate(root, name string, want Wanted) (*Plan, error) {
	p, err := Open(root, name)
	if errors.Is(err, ErrAbsent) {
		return create(root, name, want)
	}
	if err != nil {
		return nil, err
	}
	differs := func(what, have, wanted string) error {
		return fmt.Errorf("network %s already exists with %s %s, not %s; choose another --name, or wipe it with: tallynet reset --name %s",
			name, what, have, wanted, name)
	}
	if want.Backend != "" && want.Backend != p.Backend {
		return nil, differs("backend", string(p.Backend), string(want.Backend))
	}
	if want.Ordering != "" && want.Ordering != p.Ordering {
		return nil, differs("ordering", string(p.Ordering), string(want.Ordering))
	}
	if ms := want.BatchTimeoutMillis; ms != 0 && ms != p.BatchTimeoutMillis {
		return nil, differs("batch timeout", fmt.Sprint(p.BatchTimeoutMillis, " ms"), fmt.Sprint(ms, " ms"))
	}
	if want.TopologyFile != "" {
		t, err := topology.Load(want.TopologyFile)
		if err != nil {
			return nil, err
		}
		if err := p.adopt(t); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// adopt takes over a changed topology if only its users changed: the organisations stand in the channel.
func (p *Plan) adopt(t *topology.Topology) error {
	bones := func(t *topology.Topology) string {
		s := fmt.Sprint(t.Channel, t.Chaincode, t.Endorsers)
		for _, o := range t.Organizations {
			s += fmt.Sprint("|", o.Name, o.MSPID, o.Orderer)
		}
		return s
	}
	if bones(t) != bones(p.Topology) {
		return fmt.Errorf("the topology file changes more than users, and network %s exists; choose another --name, or wipe it with: tallynet reset --name %s",
			p.Name, p.Name)
	}
	p.Topology = t
	return p.saveTopology()
}

func create(root, name string, want Wanted) (*Plan, error) {
	t, err := topology.Load(want.TopologyFile)
	if err != nil {
		return nil, err
	}
	st := &State{
		Dir: filepath.Join(root, name), Name: name,
		Backend: want.Backend, Ordering: want.Ordering, BatchTimeoutMillis: want.BatchTimeoutMillis,
	}
	if st.Backend == "" {
		st.Backend = Native
	}
	if st.Ordering == "" {
		st.Ordering = SmartBFT
	}
	if st.BatchTimeoutMillis == 0 {
		st.BatchTimeoutMillis = 200
	}
	if n := len(t.Orderers()); st.Ordering == SmartBFT && n < 4 {
		return nil, fmt.Errorf("smartbft needs 4 orderers to bear one fault, the topology has %d; use --ordering raft", n)
	}
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	st.Seed = hex.EncodeToString(seed)
	if err := os.MkdirAll(st.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := st.allocatePorts(specs(t), want.BasePort); err != nil {
		return nil, err
	}
	p := New(st, t)
	if err := p.saveTopology(); err != nil {
		return nil, err
	}
	return p, p.Save()
}

func (p *Plan) saveTopology() error {
	text, err := p.Topology.Marshal()
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(p.Dir, topologyFile), text, 0o600)
}

// Save writes the state.
func (p *Plan) Save() error {
	text, err := json.MarshalIndent(p.State, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(p.Dir, stateFile), append(text, '\n'), 0o600)
}

// Opaque derives an id that says nothing about what it names: the same for the same seed and words.
func (s *State) Opaque(prefix string, words ...string) string {
	mac := hmac.New(sha256.New, []byte(s.Seed))
	for _, w := range words {
		fmt.Fprintf(mac, "%d:%s", len(w), w)
	}
	return prefix + hex.EncodeToString(mac.Sum(nil)[:8])
}

// Lock keeps other tallynet commands from changing the network at the same time. The lock ends with the
// returned function, or with the process.
func Lock(root, name string) (unlock func(), err error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another tallynet command is changing network %s; wait for it to end", name)
	}
	return func() { f.Close() }, nil
}

// WriteFile replaces a file in one step, so that a crash leaves the old or the new text.
func WriteFile(path string, text []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(text); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(mode); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
