package consortium

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/ca"
	"github.com/tallystick/tallystick/network/fabricconfig"
	"github.com/tallystick/tallystick/network/lifecycle"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/profile"
	"github.com/tallystick/tallystick/network/progress"
)

// Up makes the network if there is none, starts what does not run, and returns when every organisation's peer sees
// all the others. Calling it again is harmless.
func Up(ctx context.Context, root, name string, want plan.Wanted, report *progress.Reporter) (*Network, error) {
	programs, err := binaries.Ensure(ctx, report.Writer())
	if err != nil {
		return nil, err
	}
	p, err := plan.OpenOrCreate(root, name, want)
	if err != nil {
		return nil, err
	}
	n, err := wrap(p, programs, report)
	if err != nil {
		return nil, err
	}
	return n, n.explain(ctx, n.up(ctx))
}

func (n *Network) up(ctx context.Context) error {
	if err := n.issueTLS(); err != nil {
		return fmt.Errorf("TLS certificates: %w", err)
	}
	if p, ok := n.nodes().(preparer); ok {
		if err := n.report.Do("prepare images", func() error { return p.Prepare(ctx) }); err != nil {
			return err
		}
	}
	authority := n.Of(plan.CA)
	if err := n.report.Do("start the certificate authority", func() error {
		files, err := fabricconfig.CAServer(n.Plan, authority[0])
		if err != nil {
			return err
		}
		for name, text := range files {
			if err := plan.WriteFile(authority[0].File(name), text, 0o600); err != nil {
				return err
			}
		}
		return n.serve(ctx, authority)
	}); err != nil {
		return err
	}
	issuers := n.issuers()
	if err := n.report.Do("issue identities of nodes and administrators", func() error {
		return n.issueNodes(ctx, issuers)
	}); err != nil {
		return err
	}
	// Users are not needed before the end, and their enrolment is slow by design (bcrypt): meanwhile the nodes start.
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return n.report.Do("issue identities of users", func() error { return n.issueUsers(gctx, issuers) })
	})
	g.Go(func() error { return n.startLedger(gctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	if err := n.writeProfiles(); err != nil {
		return err
	}
	if !n.Serving {
		return nil
	}
	return n.report.Do("start the organisations' services", func() error { return n.serve(ctx, n.ServiceNodes()) })
}

// preparer is a backend that needs something made before nodes can start.
type preparer interface {
	Prepare(ctx context.Context) error
}

func (n *Network) startLedger(ctx context.Context) error {
	if err := n.configure(); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := lifecycle.MakeGenesis(ctx, n.Plan, n.programs.Path("configtxgen")); err != nil {
		return fmt.Errorf("first block: %w", err)
	}
	orderers, peers := n.Of(plan.Orderer), n.Of(plan.Peer)
	nodes := append(append([]*plan.Node(nil), orderers...), peers...)
	if n.Deployed != nil {
		nodes = append(nodes, n.ChaincodeNodes(n.Deployed)...)
	}
	if err := n.report.Do(fmt.Sprintf("start %d orderers and %d peers", len(orderers), len(peers)), func() error {
		return n.serve(ctx, nodes)
	}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, networkPatience)
	defer cancel()
	if !n.Joined {
		if err := n.report.Do("join the channel "+n.Topology.Channel, func() error {
			if err := lifecycle.JoinOrderers(ctx, n.Plan); err != nil {
				return err
			}
			return lifecycle.JoinPeers(ctx, n.Plan)
		}); err != nil {
			return err
		}
		n.Joined = true
		if err := n.Save(); err != nil {
			return err
		}
	}
	return n.report.Do("every peer sees all others", func() error { return lifecycle.WaitMembership(ctx, n.Plan) })
}

func (n *Network) serve(ctx context.Context, nodes []*plan.Node) error {
	if err := n.backend.Start(ctx, nodes); err != nil {
		return err
	}
	return n.waitHealthy(ctx, nodes)
}

func (n *Network) tlsAuthority(org string) (*ca.TLSAuthority, error) {
	return ca.OpenTLSAuthority(n.OrgDir(org, "tls"), "tls."+org+"."+n.Name)
}

func (n *Network) issueTLS() error {
	for _, o := range n.Topology.Organizations {
		authority, err := n.tlsAuthority(o.Name)
		if err != nil {
			return err
		}
		_, certFile, keyFile := lifecycle.TLSFiles(n.Plan, o.Name)
		if err := authority.Issue(certFile, keyFile, "client."+o.Name); err != nil {
			return err
		}
		for _, node := range n.Nodes {
			if node.Org != o.Name {
				continue
			}
			if err := lifecycle.IssueNodeTLS(authority, node); err != nil {
				return err
			}
		}
	}
	for _, node := range n.Of(plan.CA) { // serves all organisations and belongs to none: its own root
		authority, err := ca.OpenTLSAuthority(node.File("tls"), "tls.ca."+n.Name)
		if err != nil {
			return err
		}
		if err := lifecycle.IssueNodeTLS(authority, node); err != nil {
			return err
		}
	}
	return nil
}

// configure writes the configuration of orderers and peers.
func (n *Network) configure() error {
	read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(n.programs.SampleConfig(), name)) }
	coreSample, err := read("core.yaml")
	if err != nil {
		return err
	}
	ordererSample, err := read("orderer.yaml")
	if err != nil {
		return err
	}
	for _, node := range n.Nodes {
		var file string
		var text []byte
		var err error
		switch node.Kind {
		case plan.Peer:
			file = "core.yaml"
			text, err = fabricconfig.Core(coreSample, n.Plan, node, n.backend.CCAASBuilder())
		case plan.Orderer:
			file = "orderer.yaml"
			text, err = fabricconfig.Orderer(ordererSample, node)
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
		if err := plan.WriteFile(node.File(file), text, 0o600); err != nil {
			return err
		}
		if err := os.MkdirAll(node.File("data"), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) writeProfiles() error {
	var peers, orderers []profile.Node
	public := func(node *plan.Node) profile.Node {
		return profile.Node{Name: node.Name, Org: node.Org, MSPID: node.MSPID, Endpoint: node.External(plan.Main),
			TLSServerName: node.Name, TLSCAFile: n.OrgDir(node.Org, "tls", "ca.pem")}
	}
	for _, node := range n.Of(plan.Peer) {
		peers = append(peers, public(node))
	}
	for _, node := range n.Of(plan.Orderer) {
		orderers = append(orderers, public(node))
	}
	authority := n.Of(plan.CA)[0]
	for _, o := range n.Topology.Organizations {
		caFile, certFile, keyFile := lifecycle.TLSFiles(n.Plan, o.Name)
		out := profile.Profile{
			Network: n.Name, Channel: n.Topology.Channel, Chaincode: n.Topology.Chaincode, Org: o.Name, MSPID: o.MSPID,
			Peer: public(n.PeerOf(o.Name)), Peers: peers, Orderers: orderers,
			Admin: n.profileUser(o.Name, "admin"),
			CA: profile.CA{Name: fabricconfig.CAName(o.Name), URL: "https://" + authority.External(plan.Main),
				TLSServerName: authority.Name, TLSCAFile: authority.File("tls", "ca.pem")},
		}
		for _, m := range o.Members() {
			u := n.profileUser(o.Name, m.Name)
			u.PartyAlias, u.Party, u.Roles = m.PartyAlias, n.party(m.PartyAlias), m.Roles
			out.Users = append(out.Users, u)
		}
		for _, node := range n.Nodes {
			if node.Org == o.Name {
				out.Operations = append(out.Operations, profile.Operation{Node: node.Name,
					URL: "https://" + node.External(plan.Operations), TLSServerName: node.Name,
					TLSCAFile: caFile, CertFile: certFile, KeyFile: keyFile})
			}
		}
		text, err := json.MarshalIndent(out, "", "  ")
		if err != nil {
			return err
		}
		if err := plan.WriteFile(n.OrgDir(o.Name, profile.File), append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) profileUser(org, name string) profile.User {
	msp := n.OrgDir(org, "users", name, "msp")
	return profile.User{Name: name, CertFile: ca.CertFile(msp), KeyFile: ca.KeyFile(msp), MSPDir: msp}
}

// party is the opaque id of a party: certificates are public, so that they must not name it.
func (n *Network) party(alias string) string { return n.Opaque("p-", "party", alias) }

func rolesAttribute(roles []string) string { return strings.Join(roles, ",") }
