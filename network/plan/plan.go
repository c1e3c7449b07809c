// Package plan turns a topology into nodes: which programs run, with which names, folders and addresses. Both
// backends start the same plan; they differ only in how a node's ports are reached.
package plan

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/network/topology"
)

// Kind is what a node is.
type Kind string

// The kinds of nodes.
const (
	CA        Kind = "ca"
	Orderer   Kind = "orderer"
	Peer      Kind = "peer"
	Chaincode Kind = "chaincode"
	Service   Kind = "service" // what an organisation runs beside its peer
)

// Port is what a node's port is for.
type Port string

// The ports of nodes. A peer also listens for chaincode that connects to it, which nobody uses but Fabric opens.
const (
	Main       Port = "main"
	Operations Port = "operations"
	Admin      Port = "admin"    // of an orderer: the channel participation API
	Callback   Port = "callback" // of a peer: for chaincode that it would launch itself
	Spare      Port = "spare"    // of a chaincode: the other port, so that two versions can run during an upgrade
)

// containerPorts are the ports inside containers, where every node has an address of its own.
var containerPorts = map[Port]int{Main: 7050, Operations: 9443, Admin: 7053, Callback: 7052, Spare: 7050}

// Backend is how nodes are run.
type Backend string

// The backends.
const (
	Native  Backend = "native"
	Compose Backend = "compose"
)

// Node is one program of the network.
type Node struct {
	Name    string
	Kind    Kind
	Org     string // empty for the CA, which serves all
	MSPID   string
	Dir     string // the node's files, at the same path for the host and in a container
	Backend Backend
	Ports   map[Port]int // on this machine's loopback

	Sequence  int64  // of a chaincode: the lifecycle sequence it belongs to
	Version   string // of a chaincode: its version
	PackageID string // of a chaincode: its organisation's package
	Program   string // path of the program, for the native backend and for building images
	Args      []string
	Env       []string
}

// Host is the name under which other nodes know this one; it stands in the node's TLS certificate.
func (n *Node) Host() string {
	if n.Backend == Compose {
		return n.Name
	}
	return "127.0.0.1"
}

// port is the number that the node binds.
func (n *Node) port(p Port) int {
	if n.Backend == Compose {
		return containerPorts[p]
	}
	return n.Ports[p]
}

// Bind is the address on which the node listens: loopback, or everything inside its own container.
func (n *Node) Bind(p Port) string {
	host := "127.0.0.1"
	if n.Backend == Compose {
		host = "0.0.0.0"
	}
	return net.JoinHostPort(host, strconv.Itoa(n.port(p)))
}

// Internal is the address at which the other nodes reach this one.
func (n *Node) Internal(p Port) string { return net.JoinHostPort(n.Host(), strconv.Itoa(n.port(p))) }

// InternalPort is the port number at which the other nodes reach this one.
func (n *Node) InternalPort(p Port) int { return n.port(p) }

// External is the address at which programs on this machine reach the node.
func (n *Node) External(p Port) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.Ports[p]))
}

// File is a path in the node's folder.
func (n *Node) File(elem ...string) string {
	return filepath.Join(append([]string{n.Dir}, elem...)...)
}

// LogFile is where the native backend writes the node's output.
func (n *Node) LogFile() string { return n.File("node.log") }

// Plan is a network that can be started.
type Plan struct {
	*State
	Topology *topology.Topology
	Backend  Backend
	Nodes    []*Node // CA first, then orderers, then peers
}

// portsOf lists the ports a kind of node needs.
func portsOf(kind Kind) []Port {
	switch kind {
	case CA:
		return []Port{Main, Operations}
	case Orderer:
		return []Port{Main, Operations, Admin}
	case Peer:
		return []Port{Main, Operations, Callback}
	case Service:
		return []Port{Main}
	default:
		return []Port{Main, Spare}
	}
}

// specs lists every node of a topology, in the order in which they start.
func specs(t *topology.Topology) []Node {
	out := []Node{{Name: "ca", Kind: CA}}
	for _, o := range t.Orderers() {
		out = append(out, Node{Name: "orderer-" + o.Name, Kind: Orderer, Org: o.Name, MSPID: o.MSPID})
	}
	for _, kind := range []Kind{Peer, Chaincode} {
		for _, o := range t.Organizations {
			out = append(out, Node{Name: string(kind) + "-" + o.Name, Kind: kind, Org: o.Name, MSPID: o.MSPID})
		}
	}
	for _, o := range t.Organizations {
		out = append(out, Node{Name: "tallyd-" + o.Name, Kind: Service, Org: o.Name, MSPID: o.MSPID})
	}
	return out
}

// New makes the plan of a network from its state and topology.
func New(st *State, t *topology.Topology) *Plan {
	p := &Plan{State: st, Topology: t, Backend: st.Backend}
	for _, spec := range specs(t) {
		if spec.Kind == Chaincode || spec.Kind == Service {
			continue
		}
		n := spec
		n.Backend, n.Ports = st.Backend, st.Ports[n.Name]
		n.Dir = filepath.Join(st.Dir, "nodes", n.Name)
		p.Nodes = append(p.Nodes, &n)
	}
	return p
}

// ChaincodeNodes are the chaincode servers of one lifecycle sequence, one an organisation. Sequences alternate
// between two ports, so that a new version can serve before the old one ends.
func (p *Plan) ChaincodeNodes(cc *Deployment) []*Node {
	var out []*Node
	for _, o := range p.Topology.Organizations {
		name := fmt.Sprintf("chaincode-%s-v%d", o.Name, cc.Sequence)
		ports := p.Ports["chaincode-"+o.Name]
		port := ports[Main]
		if cc.Sequence%2 == 0 {
			port = ports[Spare]
		}
		out = append(out, &Node{
			Name: name, Kind: Chaincode, Org: o.Name, MSPID: o.MSPID, Backend: p.Backend,
			Dir: filepath.Join(p.Dir, "nodes", name), Ports: map[Port]int{Main: port},
			Sequence: cc.Sequence, Version: cc.Version, PackageID: cc.PackageIDs[o.Name],
		})
	}
	return out
}

// ServiceNodes are the services of the organisations. They are clients of the network and run on this machine whichever way
// its nodes do. Args name the configuration file.
func (p *Plan) ServiceNodes() []*Node {
	var out []*Node
	for _, o := range p.Topology.Organizations {
		name := "tallyd-" + o.Name
		if p.Ports[name] == nil {
			continue
		}
		n := &Node{Name: name, Kind: Service, Org: o.Name, MSPID: o.MSPID, Backend: Native, Dir: filepath.Join(p.Dir, "nodes", name), Ports: p.Ports[name]}
		n.Args = []string{"--config", n.File(ServiceConfig)}
		out = append(out, n)
	}
	return out
}

// ServiceConfig is the name of a service's configuration in its folder.
const ServiceConfig = "tallyd.yaml"

// ServiceProgram is where the services' program is kept, so that a later build does not change what runs.
func (p *Plan) ServiceProgram() string { return filepath.Join(p.Dir, "service", "tallyd") }

// Running lists every node that belongs up: the plan's, the chaincode's once one is deployed, and the services once they serve.
func (p *Plan) Running() []*Node {
	out := append([]*Node(nil), p.Nodes...)
	if p.Deployed != nil {
		out = append(out, p.ChaincodeNodes(p.Deployed)...)
	}
	if p.Serving {
		out = append(out, p.ServiceNodes()...)
	}
	return out
}

// Of lists the nodes of a kind.
func (p *Plan) Of(kind Kind) []*Node {
	var out []*Node
	for _, n := range p.Nodes {
		if n.Kind == kind {
			out = append(out, n)
		}
	}
	return out
}

// PeerOf returns the peer of an organisation.
func (p *Plan) PeerOf(org string) *Node {
	for _, n := range p.Of(Peer) {
		if n.Org == org {
			return n
		}
	}
	return nil
}

// Find returns the node of that name; chaincode-ORG stands for the running version.
func (p *Plan) Find(name string) (*Node, error) {
	var names []string
	for _, n := range p.Running() {
		short := n.Name
		if n.Kind == Chaincode {
			short = "chaincode-" + n.Org
		}
		if n.Name == name || short == name {
			return n, nil
		}
		names = append(names, short)
	}
	return nil, fmt.Errorf("no node %q; the nodes are %s", name, strings.Join(names, ", "))
}

// OrgDir is the folder of an organisation's certificates and users.
func (p *Plan) OrgDir(org string, elem ...string) string {
	return filepath.Join(append([]string{p.Dir, "orgs", org}, elem...)...)
}
