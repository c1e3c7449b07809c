// Package cli is the tallynet command line: it reads options, calls package consortium and prints.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/network/consortium"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/profile"
	"github.com/tallystick/tallystick/network/progress"
)

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

// app is what the commands of one invocation share.
type app struct {
	out    io.Writer // results
	err    io.Writer // progress and errors
	name   string
	state  string
	output string
	want   plan.Wanted
	kind   string // backend as written
	order  string // ordering as written
	began  bool   // a command has begun: the line was understood
}

// usageError marks a mistake in how a command was called.
type usageError struct{ error }

// Main runs the command line and returns the exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{out: os.Stdout, err: os.Stderr}
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(a.err, "tallynet:", err)
	if a.isUsage(err) {
		fmt.Fprintln(a.err, "See: tallynet --help")
		return exitUsage
	}
	return exitFailed
}

// isUsage says whether the failure lies in how the command was called: it says so, or no command had begun.
func (a *app) isUsage(err error) bool {
	var usage usageError
	return !a.began || errors.As(err, &usage)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tallynet",
		Short: "A real Fabric consortium network on this machine",
		Long: `tallynet makes and runs a real Hyperledger Fabric network of six organisations on this machine:
a peer and a certificate authority each, four Byzantine fault tolerant orderers, TLS on every link, and the
chaincode as a service. Everything listens on 127.0.0.1 only.

A network has a name and keeps its state in a folder until it is reset; several live side by side.`,
		Example: `  tallynet up && tallynet deploy      start the network and put bin/chaincode into service
  tallynet status                     what runs, and where
  tallynet stop orderer-bankA         let a node fail, and see that business goes on
  tallynet down                       stop everything and keep the ledger
  tallynet reset                      stop everything and wipe it`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.check()
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.name, "name", envOr("TALLYNET_NAME", "demo"), "name of the network (or TALLYNET_NAME)")
	flags.StringVar(&a.state, "state", "", "folder that keeps the state of networks (or TALLYNET_STATE; default ~/.local/share/tallystick)")
	flags.StringVar(&a.kind, "backend", os.Getenv("TALLYNET_BACKEND"), "how nodes run: native or compose (or TALLYNET_BACKEND; default native, then what the network was made with)")
	flags.StringVar(&a.output, "output", "table", "how results are printed: table or json")
	root.AddCommand(a.check_(), a.up(), a.deploy(), a.serve(), a.status(), a.portals(), a.logs(), a.env(), a.stop(), a.start(), a.down(), a.reset(),
		a.topology(), a.probe())
	for _, c := range root.Commands() {
		run := c.RunE
		c.RunE = func(c *cobra.Command, args []string) error {
			a.began = true
			return run(c, args)
		}
	}
	return root
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// check validates the options that every command has.
func (a *app) check() error {
	var errs []error
	if err := plan.CheckName(a.name); err != nil {
		errs = append(errs, fmt.Errorf("--name: %w", err))
	}
	oneOf := func(flag, value string, allowed ...string) {
		for _, v := range allowed {
			if value == v {
				return
			}
		}
		errs = append(errs, fmt.Errorf("--%s is %q; it must be %s", flag, value, strings.Join(allowed[1:], " or ")))
	}
	oneOf("output", a.output, "table", "table", "json")
	oneOf("backend", a.kind, "", string(plan.Native), string(plan.Compose))
	oneOf("ordering", a.order, "", string(plan.SmartBFT), string(plan.Raft))
	if ms := a.want.BatchTimeoutMillis; ms != 0 && (ms < 10 || ms > 60000) {
		errs = append(errs, fmt.Errorf("--batch-timeout-millis is %d; it must be 10 to 60000", ms))
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	a.want.Backend, a.want.Ordering = plan.Backend(a.kind), plan.Ordering(a.order)
	return nil
}

func (a *app) root() (string, error) {
	if a.state != "" {
		return filepath.Abs(a.state)
	}
	return profile.StateRoot()
}

func (a *app) open() (*consortium.Network, error) {
	root, err := a.root()
	if err != nil {
		return nil, err
	}
	return consortium.Open(root, a.name, progress.New(a.err))
}

// change runs what changes the network while no other tallynet command may.
func (a *app) change(do func(root string) error) error {
	root, err := a.root()
	if err != nil {
		return err
	}
	unlock, err := plan.Lock(root, a.name)
	if err != nil {
		return err
	}
	defer unlock()
	return do(root)
}

// node opens the network and finds a node of it.
func (a *app) node(name string) (*consortium.Network, *plan.Node, error) {
	n, err := a.open()
	if err != nil {
		return nil, nil, err
	}
	node, err := n.Find(name)
	if err != nil {
		return nil, nil, usageError{err}
	}
	return n, node, nil
}

func (a *app) json(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
