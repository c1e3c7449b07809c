package consortium

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/native"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/profile"
	"github.com/tallystick/tallystick/network/topology"
)

// Serve starts the organisations' services with the program, or does nothing where they run. An empty path means bin/tallyd
// of the repository, built if it is missing.
func (n *Network) Serve(ctx context.Context, program string) error {
	if n.Deployed == nil {
		return errors.New("the network has no chaincode yet; deploy it with: tallynet deploy --name " + n.Name)
	}
	program, err := repositoryProgram(ctx, program, "tallyd", "./gateway-client/cmd/tallyd")
	if err != nil {
		return err
	}
	nodes := n.ServiceNodes()
	if err := n.backend.Stop(ctx, nodes); err != nil {
		return err
	}
	if err := copyProgram(program, n.ServiceProgram()); err != nil {
		return err
	}
	for _, node := range nodes {
		if err := n.configureService(node); err != nil {
			return err
		}
	}
	n.Serving = true
	if err := n.Save(); err != nil {
		return err
	}
	return n.explain(ctx, n.report.Do(fmt.Sprintf("start %d services", len(nodes)), func() error { return n.serve(ctx, nodes) }))
}

// serviceUsers are the users as whom an organisation's service works, by the key of the service's configuration: each is the
// first user who has the role.
var serviceUsers = []struct{ key, role string }{
	{"underwriter", "underwriter"}, {"collateral", "underwriter"}, {"collector", "collector"},
}

// Service is what clients on this machine read about an organisation's service.
type Service struct {
	URL string `json:"url"`
}

// ServiceFile is the name of the file with a Service, beside the organisation's profile.
const ServiceFile = "service.json"

// configureService writes the service's configuration, and beside the organisation's profile where it will be found.
func (n *Network) configureService(node *plan.Node) error {
	at := Service{URL: "http://" + node.External(plan.Main)}
	config := map[string]any{
		"profile": n.OrgDir(node.Org, profile.File), "listen": node.Bind(plan.Main),
		"database": "sqlite:" + n.OrgDir(node.Org, "service.db"),
		"identity": map[string]any{"url": at.URL, "development": true},
	}
	org, ok := n.Topology.Organization(node.Org)
	if !ok {
		return fmt.Errorf("organisation %s is not in the topology", node.Org)
	}
	members := org.Members()
	for _, u := range serviceUsers {
		if i := slices.IndexFunc(members, func(m topology.Member) bool { return slices.Contains(m.Roles, u.role) }); i >= 0 {
			config[u.key] = map[string]string{"user": members[i].Name}
		}
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	if err := plan.WriteFile(node.File(plan.ServiceConfig), text, 0o600); err != nil {
		return err
	}
	if text, err = json.Marshal(at); err != nil {
		return err
	}
	return plan.WriteFile(n.OrgDir(node.Org, ServiceFile), text, 0o600)
}

// repositoryProgram is the program at the path, or bin/NAME of the repository, built if it is missing.
func repositoryProgram(ctx context.Context, path, name, pkg string) (string, error) {
	if path != "" {
		return filepath.Abs(path)
	}
	root, err := binaries.Root()
	if err != nil {
		return "", err
	}
	path = filepath.Join(root, "bin", name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, binaries.GoBuild(ctx, root, pkg, path)
}

// split runs the services as processes of this machine and everything else in containers.
type split struct {
	nodes    Backend
	services *native.Backend
}

// nodes is the backend of everything but the services.
func (n *Network) nodes() Backend {
	if s, ok := n.backend.(*split); ok {
		return s.nodes
	}
	return n.backend
}

func (s *split) of(node *plan.Node) Backend {
	if node.Kind == plan.Service {
		return s.services
	}
	return s.nodes
}

// each calls the function once for each backend that has some of the nodes.
func (s *split) each(nodes []*plan.Node, do func(Backend, []*plan.Node) error) error {
	for _, b := range []Backend{s.nodes, s.services} {
		var own []*plan.Node
		for _, node := range nodes {
			if s.of(node) == b {
				own = append(own, node)
			}
		}
		if len(own) > 0 {
			if err := do(b, own); err != nil {
				return err
			}
		}
	}
	return nil
}

// Start implements Backend.
func (s *split) Start(ctx context.Context, nodes []*plan.Node) error {
	return s.each(nodes, func(b Backend, own []*plan.Node) error { return b.Start(ctx, own) })
}

// Stop implements Backend.
func (s *split) Stop(ctx context.Context, nodes []*plan.Node) error {
	return s.each(nodes, func(b Backend, own []*plan.Node) error { return b.Stop(ctx, own) })
}

// StopAll implements Backend.
func (s *split) StopAll(ctx context.Context) error {
	return errors.Join(s.services.StopAll(ctx), s.nodes.StopAll(ctx))
}

// Running implements Backend.
func (s *split) Running(ctx context.Context, node *plan.Node) (bool, string, error) {
	return s.of(node).Running(ctx, node)
}

// Logs implements Backend.
func (s *split) Logs(ctx context.Context, node *plan.Node, lines int, follow bool, out io.Writer) error {
	return s.of(node).Logs(ctx, node, lines, follow, out)
}

// CCAASBuilder implements Backend.
func (s *split) CCAASBuilder() string { return s.nodes.CCAASBuilder() }
