package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/network/consortium"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/progress"
)

func (a *app) up() *cobra.Command {
	c := &cobra.Command{
		Use:   "up",
		Short: "Make the network if there is none, and start what does not run",
		Long: `up makes the network on its first call: certificates, users, the channel. Later calls start what does not run.
It returns when discovery at every organisation's peer lists all the others.

The first call ever also builds Fabric's node programs, which takes some minutes; they are kept in the user's
cache folder (or TALLYSTICK_CACHE).`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(func(root string) error {
				report := progress.New(a.err)
				n, err := consortium.Up(c.Context(), root, a.name, a.want, report)
				if err != nil {
					return err
				}
				return a.done(n, report, "is up")
			})
		},
	}
	c.Flags().StringVar(&a.order, "ordering", "", "consensus of a new network: smartbft or raft (default smartbft)")
	c.Flags().StringVar(&a.want.TopologyFile, "topology", "", "file that describes the consortium (default: built in; see tallynet topology --yaml)")
	c.Flags().IntVar(&a.want.BatchTimeoutMillis, "batch-timeout-millis", 0, "how long orderers of a new network wait to fill a block (default 200)")
	c.Flags().IntVar(&a.want.BasePort, "base-port", 0, "first port of a new network (default: free ones are found)")
	return c
}

func (a *app) deploy() *cobra.Command {
	var program string
	c := &cobra.Command{
		Use:   "deploy",
		Short: "Put the chaincode into service, or a changed one into its place",
		Long: `deploy starts a chaincode server for each organisation, installs its package on the organisation's peer, lets
every organisation approve the definition, and commits it. The sequence is found from the channel: the same program
again changes nothing, another one is an upgrade. It returns when any two organisations endorse a transaction.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(func(root string) error {
				report := progress.New(a.err)
				n, err := consortium.Open(root, a.name, report)
				if err != nil {
					return err
				}
				if err := n.Deploy(c.Context(), program); err != nil {
					return err
				}
				return a.done(n, report, "serves chaincode "+n.Topology.Chaincode)
			})
		},
	}
	c.Flags().StringVar(&program, "chaincode", "", "the chaincode's program (default: bin/chaincode of the repository, built if it is missing)")
	return c
}

func (a *app) serve() *cobra.Command {
	var program string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Start the organisations' services: portal, API, read model, and the banks' underwriters",
		Long:  "serve starts tallyd for every organisation, writes its configuration, and prints where its portal is. Running ones are replaced.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.change(func(root string) error {
				report := progress.New(a.err)
				n, err := consortium.Open(root, a.name, report)
				if err != nil {
					return err
				}
				if err := n.Serve(c.Context(), program); err != nil {
					return err
				}
				if err := a.done(n, report, "has its services"); err != nil || a.output == "json" {
					return err
				}
				return a.printPortals(n)
			})
		},
	}
	c.Flags().StringVar(&program, "program", "", "tallyd (default: bin/tallyd of the repository, built if it is missing)")
	return c
}

// done prints the total and what the network is now.
func (a *app) done(n *consortium.Network, report *progress.Reporter, what string) error {
	took := report.Total("total")
	if a.output == "json" {
		return a.json(map[string]any{
			"network": n.Name, "backend": n.Backend, "ordering": n.Ordering, "directory": n.Dir,
			"chaincode": n.Deployed, "services": services(n), "steps": report.Steps(), "totalSeconds": took.Seconds(),
		})
	}
	fmt.Fprintf(a.out, "Network %s %s: %d organisations, %d orderers (%s), %s backend.\nState: %s\n",
		n.Name, what, len(n.Topology.Organizations), len(n.Topology.Orderers()), n.Ordering, n.Backend, n.Dir)
	return nil
}

func (a *app) down() *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Stop every node and keep the state", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ending(func(n *consortium.Network) error { return n.Down(c.Context()) })
		},
	}
}

func (a *app) reset() *cobra.Command {
	return &cobra.Command{
		Use: "reset", Short: "Stop every node and wipe the state: ledger, keys and users are gone", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ending(func(n *consortium.Network) error { return n.Reset(c.Context()) })
		},
	}
}

// ending runs what ends a network; there being none is as good.
func (a *app) ending(do func(*consortium.Network) error) error {
	return a.change(func(root string) error {
		report := progress.New(a.err)
		n, err := consortium.Open(root, a.name, report)
		if errors.Is(err, plan.ErrAbsent) {
			report.Say("  there is no network %s", a.name)
			return consortium.RemoveEmpty(root, a.name)
		}
		if err != nil {
			return err
		}
		return do(n)
	})
}

func (a *app) stop() *cobra.Command {
	return &cobra.Command{
		Use: "stop NODE", Short: "Stop one node", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNodes,
		RunE: func(c *cobra.Command, args []string) error {
			return a.change(func(string) error {
				n, node, err := a.node(args[0])
				if err != nil {
					return err
				}
				return n.Stop(c.Context(), node)
			})
		},
	}
}

func (a *app) start() *cobra.Command {
	return &cobra.Command{
		Use: "start NODE", Short: "Start one node and wait until it serves", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNodes,
		RunE: func(c *cobra.Command, args []string) error {
			return a.change(func(string) error {
				n, node, err := a.node(args[0])
				if err != nil {
					return err
				}
				return n.Start(c.Context(), node)
			})
		},
	}
}

func (a *app) logs() *cobra.Command {
	var follow bool
	lines := 50
	c := &cobra.Command{
		Use: "logs [-f] NODE", Short: "Print a node's last log lines, and follow them with -f", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completeNodes,
		RunE: func(c *cobra.Command, args []string) error {
			if lines < 0 {
				return usageError{fmt.Errorf("--lines is %d; it must not be negative", lines)}
			}
			n, node, err := a.node(args[0])
			if err != nil {
				return err
			}
			return n.Logs(c.Context(), node, lines, follow, os.Stdout)
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on printing until interrupted")
	c.Flags().IntVarP(&lines, "lines", "n", lines, "how many lines to start with")
	return c
}

func (a *app) completeNodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	n, err := a.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, node := range n.Running() {
		if node.Kind == plan.Chaincode {
			names = append(names, "chaincode-"+node.Org)
		} else {
			names = append(names, node.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
