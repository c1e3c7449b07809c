package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/network/topology"
)

func TestPortsAreFreeAndNobodyElses(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	root := t.TempDir()
	seen := map[int]string{}
	for _, name := range []string{"one", "two", "three"} {
		p, err := OpenOrCreate(root, name, Wanted{})
		require.NoError(t, err)
		for node, ports := range p.Ports {
			for port, number := range ports {
				assert.Empty(t, seen[number], "%s %s of %s and %s", node, port, name, seen[number])
				seen[number] = name
			}
		}
	}
	assert.Len(t, seen, 3*(2+4*3+6*3+6*2+6))
}

func TestReleasedSlotsAreFree(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	dir := t.TempDir()
	ok, err := claimSlot(3, dir)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = claimSlot(3, "/elsewhere")
	require.NoError(t, err)
	assert.False(t, ok, "a living network's slot was given away")
	require.NoError(t, os.RemoveAll(dir))
	ok, err = claimSlot(3, t.TempDir())
	require.NoError(t, err)
	assert.True(t, ok, "the slot of a network that is gone stays taken")
}

func TestBasePort(t *testing.T) {
	s := &State{Dir: t.TempDir()}
	nodes := []Node{{Name: "ca", Kind: CA}, {Name: "peer-x", Kind: Peer}}
	assert.ErrorContains(t, s.allocatePorts(nodes, 80), "--base-port 80")
	assert.ErrorContains(t, s.allocatePorts(nodes, 65533), "--base-port 65533")
	require.NoError(t, s.allocatePorts(nodes, 19000))
	assert.Equal(t, 19000, s.Ports["ca"][Main])
	assert.Equal(t, 19002, s.Ports["peer-x"][Main])
}

func TestStateReadsBack(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	root := t.TempDir()
	_, err := Open(root, "demo")
	require.ErrorIs(t, err, ErrAbsent)
	made, err := OpenOrCreate(root, "demo", Wanted{Ordering: Raft, BatchTimeoutMillis: 50})
	require.NoError(t, err)
	again, err := OpenOrCreate(root, "demo", Wanted{})
	require.NoError(t, err)
	assert.Equal(t, made.State, again.State)
	assert.Equal(t, Native, again.Backend)

	_, err = OpenOrCreate(root, "demo", Wanted{Backend: Compose})
	assert.ErrorContains(t, err, "already exists with backend native")
	_, err = OpenOrCreate(root, "demo", Wanted{Ordering: SmartBFT})
	assert.ErrorContains(t, err, "already exists with ordering raft")
}

func TestOnlyUsersMayChange(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	root := t.TempDir()
	_, err := OpenOrCreate(root, "demo", Wanted{})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "t.yaml")
	write := func(old, with string) {
		text := strings.Replace(string(topology.DefaultYAML()), old, with, 1)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	write("{name: alice, roles: [maker]}", "{name: zoe, roles: [maker]}")
	p, err := OpenOrCreate(root, "demo", Wanted{TopologyFile: file})
	require.NoError(t, err)
	assert.Equal(t, "zoe", p.Topology.Organizations[0].Users[0].Name)
	write("channel: tally", "channel: other")
	_, err = OpenOrCreate(root, "demo", Wanted{TopologyFile: file})
	assert.ErrorContains(t, err, "changes more than users")
}

func TestSmartBFTNeedsFourOrderers(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	file := filepath.Join(t.TempDir(), "t.yaml")
	text := strings.Replace(string(topology.DefaultYAML()), "orderer: true", "orderer: false", 1)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	_, err := OpenOrCreate(t.TempDir(), "demo", Wanted{TopologyFile: file})
	assert.ErrorContains(t, err, "smartbft needs 4 orderers")
	_, err = OpenOrCreate(t.TempDir(), "demo", Wanted{TopologyFile: file, Ordering: Raft})
	assert.NoError(t, err)
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", "..", "a/b", "Demo", "-x", strings.Repeat("a", 42)} {
		assert.Error(t, CheckName(bad), bad)
	}
	assert.NoError(t, CheckName("demo-2"))
}

func TestLockIsExclusive(t *testing.T) {
	root := t.TempDir()
	unlock, err := Lock(root, "demo")
	require.NoError(t, err)
	_, err = Lock(root, "demo")
	assert.ErrorContains(t, err, "another tallynet command")
	unlock()
	unlock, err = Lock(root, "demo")
	require.NoError(t, err)
	unlock()
}

func TestOpaqueIDs(t *testing.T) {
	s := &State{Seed: "00"}
	assert.Regexp(t, `^p-[0-9a-f]{16}$`, s.Opaque("p-", "party", "acme"))
	assert.Equal(t, s.Opaque("p-", "party", "acme"), s.Opaque("p-", "party", "acme"))
	assert.NotEqual(t, s.Opaque("p-", "party", "acme"), (&State{Seed: "01"}).Opaque("p-", "party", "acme"))
	assert.NotEqual(t, s.Opaque("", "ab", "c"), s.Opaque("", "a", "bc"), "words run together")
}

func TestUpgradesAlternatePorts(t *testing.T) {
	t.Setenv("TALLYSTICK_CACHE", t.TempDir())
	p, err := OpenOrCreate(t.TempDir(), "demo", Wanted{})
	require.NoError(t, err)
	first := p.ChaincodeNodes(&Deployment{Sequence: 1, PackageIDs: map[string]string{"buyer": "x:1"}})
	second := p.ChaincodeNodes(&Deployment{Sequence: 2})
	require.Len(t, first, 6)
	assert.Equal(t, "x:1", first[0].PackageID)
	for i := range first {
		assert.NotEqual(t, first[i].Ports[Main], second[i].Ports[Main])
		assert.NotEqual(t, first[i].Dir, second[i].Dir)
	}
	p.Deployed = &Deployment{Sequence: 2}
	n, err := p.Find("chaincode-bankA")
	require.NoError(t, err)
	assert.Equal(t, "chaincode-bankA-v2", n.Name)
	_, err = p.Find("peer-nobody")
	assert.ErrorContains(t, err, "peer-bankA")
}

func TestAddresses(t *testing.T) {
	ports := map[Port]int{Main: 20001}
	native := &Node{Name: "peer-x", Kind: Peer, Backend: Native, Ports: ports}
	assert.Equal(t, []string{"127.0.0.1:20001", "127.0.0.1:20001", "127.0.0.1:20001"},
		[]string{native.Bind(Main), native.Internal(Main), native.External(Main)})
	compose := &Node{Name: "peer-x", Kind: Peer, Backend: Compose, Ports: ports}
	assert.Equal(t, []string{"0.0.0.0:7050", "peer-x:7050", "127.0.0.1:20001"},
		[]string{compose.Bind(Main), compose.Internal(Main), compose.External(Main)})
}
