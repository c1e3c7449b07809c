// Package consortium is a whole network: it makes, starts, deploys to, stops and wipes it, over either backend.
package consortium

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/compose"
	"github.com/tallystick/tallystick/network/lifecycle"
	"github.com/tallystick/tallystick/network/native"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/probe"
	"github.com/tallystick/tallystick/network/progress"
)

// Backend runs nodes.
type Backend interface {
	// Start starts those of the nodes that do not run, without waiting until they serve.
	Start(ctx context.Context, nodes []*plan.Node) error
	// Stop ends the nodes and returns when they are gone. Their data stays.
	Stop(ctx context.Context, nodes []*plan.Node) error
	// StopAll ends everything of the network, also what the plan no longer knows.
	StopAll(ctx context.Context) error
	// Running says whether a node runs, and as what.
	Running(ctx context.Context, n *plan.Node) (running bool, as string, err error)
	// Logs writes a node's last lines, and what follows if asked.
	Logs(ctx context.Context, n *plan.Node, lines int, follow bool, out io.Writer) error
	// CCAASBuilder is the folder of the peers' external builder as they see it.
	CCAASBuilder() string
}

const (
	nodePatience      = 60 * time.Second // for one node to serve
	networkPatience   = 90 * time.Second // for all nodes to agree
	failureLogLines   = 12
	failureLogWindow  = 200 // lines in which to look for the reason
	failureLogColumns = 300
)

// Network is a network and what runs it.
type Network struct {
	*plan.Plan
	backend  Backend
	programs *binaries.Set
	report   *progress.Reporter
}

// Open opens an existing network for commands that need no node programs to be built.
func Open(root, name string, report *progress.Reporter) (*Network, error) {
	p, err := plan.Open(root, name)
	if err != nil {
		return nil, err
	}
	programs, _, err := binaries.Find()
	if err != nil {
		programs = nil // the repository is elsewhere; only starting needs it
	}
	return wrap(p, programs, report)
}

func wrap(p *plan.Plan, programs *binaries.Set, report *progress.Reporter) (*Network, error) {
	n := &Network{Plan: p, programs: programs, report: report}
	switch p.Backend {
	case plan.Native:
		n.backend = native.New(p, programs)
	case plan.Compose:
		n.backend = &split{nodes: compose.New(p, programs), services: native.New(p, programs)}
	default:
		return nil, fmt.Errorf("backend %q; it must be native or compose", p.Backend)
	}
	return n, nil
}

// Stop ends one node.
func (n *Network) Stop(ctx context.Context, node *plan.Node) error {
	return n.backend.Stop(ctx, []*plan.Node{node})
}

// Start starts one node and returns when it serves.
func (n *Network) Start(ctx context.Context, node *plan.Node) error {
	if err := n.needPrograms(); err != nil {
		return err
	}
	if err := n.backend.Start(ctx, []*plan.Node{node}); err != nil {
		return err
	}
	return n.explain(ctx, n.waitHealthy(ctx, []*plan.Node{node}))
}

func (n *Network) needPrograms() error {
	if n.programs == nil {
		_, err := binaries.Root()
		return err
	}
	return nil
}

// Down stops every node and keeps the state.
func (n *Network) Down(ctx context.Context) error {
	return n.report.Do("stop all nodes", func() error { return n.backend.StopAll(ctx) })
}

// Reset stops every node and wipes the state.
func (n *Network) Reset(ctx context.Context) error {
	if err := n.Down(ctx); err != nil {
		return err
	}
	n.ReleasePorts()
	return os.RemoveAll(n.Dir)
}

// Logs writes a node's log.
func (n *Network) Logs(ctx context.Context, node *plan.Node, lines int, follow bool, out io.Writer) error {
	return n.backend.Logs(ctx, node, lines, follow, out)
}

// Status is what is known about a node.
type Status struct {
	Node      string         `json:"node"`
	Kind      plan.Kind      `json:"kind"`
	Org       string         `json:"org,omitempty"`
	State     string         `json:"state"` // serving, starting or stopped
	As        string         `json:"as,omitempty"`
	Endpoint  string         `json:"endpoint"`
	Ports     map[string]int `json:"ports"`
	Reason    string         `json:"reason,omitempty"`
	Directory string         `json:"directory"`
}

// Status asks every node.
func (n *Network) Status(ctx context.Context) ([]Status, error) {
	nodes := n.Running()
	out := make([]Status, len(nodes))
	g, ctx := errgroup.WithContext(ctx)
	for i, node := range nodes {
		g.Go(func() error {
			s := Status{Node: node.Name, Kind: node.Kind, Org: node.Org, State: "stopped",
				Endpoint: node.External(plan.Main), Ports: map[string]int{}, Directory: node.Dir}
			for p, number := range node.Ports {
				s.Ports[string(p)] = number
			}
			running, as, err := n.backend.Running(ctx, node)
			if err != nil {
				return err
			}
			if running {
				s.State, s.As = "serving", as
				if err := n.probe(ctx, node); err != nil {
					s.State, s.Reason = "starting", err.Error()
				}
			}
			out[i] = s
			return nil
		})
	}
	return out, g.Wait()
}

// waitHealthy returns when every node serves. A node that ends meanwhile is reported at once.
func (n *Network) waitHealthy(ctx context.Context, nodes []*plan.Node) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, node := range nodes {
		g.Go(func() error {
			deadline := time.Now().Add(nodePatience)
			for {
				err := n.probe(ctx, node)
				if err == nil {
					return nil
				}
				if running, _, rerr := n.backend.Running(ctx, node); rerr == nil && !running {
					return &lifecycle.NodeError{Node: node, Err: errors.New("the program ended")}
				}
				if time.Now().After(deadline) {
					return &lifecycle.NodeError{Node: node, Err: fmt.Errorf("it does not serve within %s: %w", nodePatience, err)}
				}
				select {
				case <-ctx.Done():
					return &lifecycle.NodeError{Node: node, Err: ctx.Err()}
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	return g.Wait()
}

// probe shakes hands at the ports that others use, and asks the node's health endpoint where it has one. Health alone
// does not do: Fabric's programs open that port first.
func (n *Network) probe(ctx context.Context, node *plan.Node) error {
	if node.Kind == plan.Service {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		return probe.Health(ctx, "http://"+node.External(plan.Main)+"/readyz", nil)
	}
	config, err := lifecycle.ClientTLS(n.Plan, node)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	ports := []plan.Port{plan.Main}
	if node.Kind == plan.Orderer {
		ports = append(ports, plan.Admin)
	}
	for _, port := range ports {
		if err := probe.Handshake(ctx, node.External(port), config); err != nil {
			return err
		}
	}
	if node.Kind == plan.Chaincode {
		return nil
	}
	return probe.Health(ctx, "https://"+node.External(plan.Operations)+"/healthz", config)
}

// explain adds the last log lines of the node on which a step failed.
func (n *Network) explain(ctx context.Context, err error) error {
	var failed *lifecycle.NodeError
	if err == nil || !errors.As(err, &failed) {
		return err
	}
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if lerr := n.backend.Logs(ctx, failed.Node, failureLogWindow, false, &log); lerr != nil || log.Len() == 0 {
		return err
	}
	return fmt.Errorf("%w\nthe last lines of %s (all of them: tallynet logs --name %s %s):%s",
		err, failed.Node.Name, n.Name, failed.Node.Name, lastWords(log.String()))
}

// lastWords are the lines in which a log says why its program ended: the last ones, or those before a Go stack trace.
func lastWords(log string) string {
	if i := strings.LastIndex(log, "\ngoroutine "); i > 0 && strings.Contains(log[:i], "panic") {
		log = log[:i]
	}
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	var text strings.Builder
	for _, line := range lines[max(0, len(lines)-failureLogLines):] {
		if len(line) > failureLogColumns {
			line = strings.ToValidUTF8(line[:failureLogColumns], "") + " …"
		}
		text.WriteString("\n  " + line)
	}
	return text.String()
}

// RemoveEmpty removes the folder of a network that was never made.
func RemoveEmpty(root, name string) error {
	dir := filepath.Join(root, name)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "network.json" {
			return nil
		}
	}
	return os.RemoveAll(dir)
}
