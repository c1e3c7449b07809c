package consortium

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/network/ca"
	"github.com/tallystick/tallystick/network/fabricconfig"
	"github.com/tallystick/tallystick/network/lifecycle"
	"github.com/tallystick/tallystick/network/plan"
)

// issuer registers and enrols at one organisation's CA. The registrar is enrolled when it is first needed, so that a
// second up, which needs none, costs nothing.
type issuer struct {
	registrar func(context.Context) (*ca.Registrar, error)
}

func (n *Network) issuers() map[string]*issuer {
	out := map[string]*issuer{}
	server := n.Of(plan.CA)[0]
	for _, o := range n.Topology.Organizations {
		var once sync.Once
		var registrar *ca.Registrar
		var failed error
		out[o.Name] = &issuer{registrar: func(ctx context.Context) (*ca.Registrar, error) {
			once.Do(func() {
				var client *ca.Client
				client, failed = ca.NewClient("https://"+server.External(plan.Main), fabricconfig.CAName(o.Name), server.File(fabricconfig.TLSCA))
				if failed == nil {
					registrar, failed = client.Registrar(ctx, fabricconfig.RegistrarID,
						fabricconfig.Secret(n.Plan, o.Name, fabricconfig.RegistrarID))
				}
			})
			return registrar, failed
		}}
	}
	return out
}

type issue struct {
	org string
	id  ca.Identity
	msp string
}

// issueAll issues what is missing, as many at a time as there are processors: the CA hashes passwords, which costs it
// more than all else.
func (n *Network) issueAll(ctx context.Context, issuers map[string]*issuer, all []issue) error {
	server := n.Of(plan.CA)[0]
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, one := range all {
		if _, err := os.Stat(ca.CertFile(one.msp)); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		g.Go(func() error {
			registrar, err := issuers[one.org].registrar(ctx)
			if err == nil {
				one.id.Secret = fabricconfig.Secret(n.Plan, one.org, one.id.ID)
				err = registrar.Issue(ctx, one.id, one.msp, n.OrgDir(one.org, "tls", "ca.pem"))
			}
			if err != nil {
				return &lifecycle.NodeError{Node: server, Err: fmt.Errorf("%s: %w", one.org, err)}
			}
			return nil
		})
	}
	return g.Wait()
}

func (n *Network) issueNodes(ctx context.Context, issuers map[string]*issuer) error {
	var all []issue
	for _, o := range n.Topology.Organizations {
		all = append(all, issue{o.Name, ca.Identity{ID: "admin", Type: "admin"}, lifecycle.AdminMSP(n.Plan, o.Name)})
	}
	for _, node := range n.Nodes {
		if node.Org != "" {
			all = append(all, issue{node.Org, ca.Identity{ID: node.Name, Type: string(node.Kind)}, node.File(fabricconfig.MSP)})
		}
	}
	if err := n.issueAll(ctx, issuers, all); err != nil {
		return err
	}
	for _, o := range n.Topology.Organizations {
		chain, err := os.ReadFile(lifecycle.AdminMSP(n.Plan, o.Name) + "/cacerts/ca.pem")
		if err != nil {
			return err
		}
		if err := ca.WriteMSP(n.OrgDir(o.Name, "msp"), chain, n.OrgDir(o.Name, "tls", "ca.pem")); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) issueUsers(ctx context.Context, issuers map[string]*issuer) error {
	var all []issue
	for _, o := range n.Topology.Organizations {
		for _, m := range o.Members() {
			all = append(all, issue{o.Name, ca.Identity{
				// The enrolment id becomes the certificate's common name, which is public like all of it.
				ID: n.Opaque("u-", "user", o.Name, m.Name), Type: "client",
				Attributes: map[string]string{"party": n.party(m.PartyAlias), "roles": rolesAttribute(m.Roles)},
			}, n.OrgDir(o.Name, "users", m.Name, "msp")})
		}
	}
	return n.issueAll(ctx, issuers, all)
}
