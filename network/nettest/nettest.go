// Package nettest gives end-to-end tests a real network of their own: started before, wiped after, beside any other.
package nettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/compose"
	"github.com/tallystick/tallystick/network/consortium"
	"github.com/tallystick/tallystick/network/native"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/profile"
	"github.com/tallystick/tallystick/network/progress"
)

// startPatience covers building the node programs on a machine that has never done so.
const startPatience = 15 * time.Minute

// Network is a running network with the chaincode in service.
type Network struct {
	*profile.Network
	Root string // the folder that tallynet calls --state
	net  *consortium.Network
}

// Options of a test network. Its zero value is the native network of the built-in topology with the project's chaincode.
type Options struct {
	Backend          plan.Backend
	Ordering         plan.Ordering
	TopologyFile     string
	ChaincodePackage string // package of this repository, as go build takes it; "" is ./chaincode
}

// Start starts a network with the project's chaincode. It is wiped when the test ends. With -short the test is skipped.
func Start(t testing.TB) *Network { return StartWith(t, Options{}) }

// StartWith starts a network. Where containers are asked for and no engine answers, the test is skipped.
func StartWith(t testing.TB, o Options) *Network {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a real network; run without -short")
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if o.Backend == plan.Compose {
		if _, err := compose.Check(ctx); err != nil {
			t.Skip("no containers here: ", err)
		}
	}
	root, err := stateRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := sweep(ctx, root); err != nil {
		t.Log("networks of earlier runs: ", err)
	}
	name := fmt.Sprintf("t%d-%d", os.Getpid(), counter.Add(1))
	if err := writeOwner(filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
	// A test that is killed cleans up nothing; the next one sweeps.
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := wipe(ctx, root, name); err != nil {
			t.Errorf("wiping network %s: %v", name, err)
		}
	})
	program, err := buildChaincode(ctx, filepath.Join(root, name), o.ChaincodePackage)
	if err != nil {
		t.Fatal(err)
	}
	report := progress.New(os.Stderr)
	n, err := consortium.Up(ctx, root, name, plan.Wanted{
		Backend: o.Backend, Ordering: o.Ordering, TopologyFile: o.TopologyFile,
	}, report)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Deploy(ctx, program); err != nil {
		t.Fatal(err)
	}
	profiles, err := profile.LoadNetwork(n.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return &Network{Network: profiles, Root: root, net: n}
}

var counter atomic.Int64

// Stop ends a node as tallynet stop does, for example orderer-bankA, peer-warehouse or chaincode-buyer.
func (n *Network) Stop(t testing.TB, node string) {
	t.Helper()
	n.each(t, node, n.net.Stop)
}

// StartNode starts a node again and returns when it serves.
func (n *Network) StartNode(t testing.TB, node string) {
	t.Helper()
	n.each(t, node, n.net.Start)
}

func (n *Network) each(t testing.TB, node string, do func(context.Context, *plan.Node) error) {
	t.Helper()
	found, err := n.net.Find(node)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := do(ctx, found); err != nil {
		t.Fatal(err)
	}
}

// Deploy builds a package of this repository and brings it into service in the place of the chaincode that runs.
func (n *Network) Deploy(t testing.TB, chaincodePackage string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	program, err := buildChaincode(ctx, n.Dir, chaincodePackage)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.net.Deploy(ctx, program); err != nil {
		t.Fatal(err)
	}
}

// Serve builds tallyd from this repository, starts it for every organisation and returns where each is reached, by organisation.
func (n *Network) Serve(t testing.TB) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	root, err := binaries.Root()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(n.Dir, "tallyd-under-test")
	if err := binaries.GoBuild(ctx, root, "./gateway-client/cmd/tallyd", program); err != nil {
		t.Fatal(err)
	}
	if err := n.net.Serve(ctx, program); err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	for _, node := range n.net.ServiceNodes() {
		at[node.Org] = "http://" + node.External(plan.Main)
	}
	return at
}

// Log returns the last lines of a node's log.
func (n *Network) Log(t testing.TB, node string, lines int) string {
	t.Helper()
	var out bytes.Buffer
	n.each(t, node, func(ctx context.Context, found *plan.Node) error { return n.net.Logs(ctx, found, lines, false, &out) })
	return out.String()
}

func buildChaincode(ctx context.Context, dir, pkg string) (string, error) {
	root, err := binaries.Root()
	if err != nil {
		return "", err
	}
	if pkg == "" {
		pkg = "./chaincode"
	}
	program := filepath.Join(dir, "chaincode-under-test")
	return program, binaries.GoBuild(ctx, root, pkg, program)
}

// stateRoot is outside the test's temporary folder: that is gone when a killed test's processes are not.
func stateRoot() (string, error) {
	cache, err := plan.CacheRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "nettest"), nil
}

const ownerFile = "owner.json"

func writeOwner(dir string) error {
	text, err := native.Self()
	if err != nil {
		return err
	}
	return plan.WriteFile(filepath.Join(dir, ownerFile), text, 0o600)
}

// sweep wipes networks whose test process is gone.
func sweep(ctx context.Context, root string) error {
	owners, err := filepath.Glob(filepath.Join(root, "*", ownerFile))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range owners {
		text, err := os.ReadFile(file)
		if err != nil || native.Alive(text) {
			continue
		}
		errs = append(errs, wipe(ctx, root, filepath.Base(filepath.Dir(file))))
	}
	return errors.Join(errs...)
}

func wipe(ctx context.Context, root, name string) error {
	n, err := consortium.Open(root, name, progress.New(nil))
	if errors.Is(err, plan.ErrAbsent) {
		return os.RemoveAll(filepath.Join(root, name))
	}
	if err != nil {
		return err
	}
	return n.Reset(ctx)
}
