package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/network/binaries"
	"github.com/tallystick/tallystick/network/compose"
	"github.com/tallystick/tallystick/network/lifecycle"
	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/topology"
)

func (a *app) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show every node: whether it serves, as what, and where", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := a.open()
			if err != nil {
				return err
			}
			rows, err := n.Status(c.Context())
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(map[string]any{
					"network": n.Name, "backend": n.Backend, "ordering": n.Ordering, "channel": n.Topology.Channel,
					"directory": n.Dir, "chaincode": n.Deployed, "nodes": rows,
				})
			}
			fmt.Fprintf(a.out, "network %s, %s backend, %s ordering, channel %s\n", n.Name, n.Backend, n.Ordering, n.Topology.Channel)
			if d := n.Deployed; d != nil {
				fmt.Fprintf(a.out, "chaincode %s %s, sequence %d\n", n.Topology.Chaincode, d.Version, d.Sequence)
			} else {
				fmt.Fprintln(a.out, "no chaincode yet: tallynet deploy --name", n.Name)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NODE\tSTATE\tAS\tENDPOINT\tNOTE")
			for _, r := range rows {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Node, r.State, r.As, r.Endpoint, r.Reason)
			}
			return w.Flush()
		},
	}
}

func (a *app) topology() *cobra.Command {
	var mermaid, asYAML bool
	var file string
	c := &cobra.Command{
		Use: "topology", Short: "Print the consortium: as a list, a Mermaid picture or a topology file", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, ordering, err := a.findTopology(file)
			if err != nil {
				return err
			}
			switch {
			case mermaid:
				_, err = fmt.Fprint(a.out, t.Mermaid(string(ordering)))
			case asYAML && file == "":
				text := topology.DefaultYAML()
				_, err = a.out.Write(text)
			case a.output == "json":
				err = a.json(t)
			default:
				w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ORGANISATION\tMSP\tORDERER\tPARTY\tUSER\tROLES")
				for _, o := range t.Organizations {
					for _, m := range o.Members() {
						fmt.Fprintf(w, "%s\t%s\t%v\t%s\t%s\t%s\n", o.Name, o.MSPID, o.Orderer, m.PartyAlias, m.Name, strings.Join(m.Roles, ","))
					}
				}
				err = w.Flush()
			}
			return err
		},
	}
	c.Flags().BoolVar(&mermaid, "mermaid", false, "as a Mermaid flowchart")
	c.Flags().BoolVar(&asYAML, "yaml", false, "the built-in topology file, to start one's own from")
	c.Flags().StringVar(&file, "topology", "", "of this file instead of the network's")
	c.MarkFlagsMutuallyExclusive("mermaid", "yaml")
	return c
}

// findTopology is the file's, else the existing network's, else the built-in one.
func (a *app) findTopology(file string) (*topology.Topology, plan.Ordering, error) {
	if file != "" {
		t, err := topology.Load(file)
		return t, plan.SmartBFT, err
	}
	if n, err := a.open(); err == nil {
		return n.Topology, n.Ordering, nil
	}
	return topology.Default(), plan.SmartBFT, nil
}

func (a *app) env() *cobra.Command {
	return &cobra.Command{
		Use:   "env ORG",
		Short: "Print shell variables with which Fabric's own peer command acts as an organisation's administrator",
		Example: `  eval "$(tallynet env bankA)"
  peer channel getinfo -c tally`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			t, _, err := a.findTopology("")
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, o := range t.Organizations {
				names = append(names, o.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := a.open()
			if err != nil {
				return err
			}
			org := args[0]
			o, ok := n.Topology.Organization(org)
			if !ok {
				return usageError{fmt.Errorf("no organisation %q in network %s", org, n.Name)}
			}
			peer := n.PeerOf(org)
			caFile, certFile, keyFile := lifecycle.TLSFiles(n.Plan, org)
			set, built, err := binaries.Find()
			vars := [][2]string{
				{"CORE_PEER_LOCALMSPID", o.MSPID},
				{"CORE_PEER_MSPCONFIGPATH", lifecycle.AdminMSP(n.Plan, org)},
				{"CORE_PEER_ADDRESS", peer.External(plan.Main)},
				{"CORE_PEER_TLS_ENABLED", "true"},
				{"CORE_PEER_TLS_ROOTCERT_FILE", caFile},
				{"CORE_PEER_TLS_SERVERHOSTOVERRIDE", peer.Name},
				{"FABRIC_LOGGING_SPEC", "error"},
				{"TALLYNET_CHANNEL", n.Topology.Channel},
				{"TALLYNET_CHAINCODE", n.Topology.Chaincode},
				{"TALLYNET_PROFILE", n.OrgDir(org, "profile.json")},
			}
			if err == nil && built {
				vars = append(vars, [2]string{"FABRIC_CFG_PATH", set.SampleConfig()},
					[2]string{"PATH", set.Dir + string(os.PathListSeparator) + os.Getenv("PATH")})
			}
			for _, orderer := range n.Of(plan.Orderer) {
				if orderer.Org == org {
					vars = append(vars,
						[2]string{"OSN_ADMIN_ADDRESS", orderer.External(plan.Admin)},
						[2]string{"OSN_ADMIN_CA_FILE", caFile},
						[2]string{"OSN_ADMIN_CLIENT_CERT", certFile},
						[2]string{"OSN_ADMIN_CLIENT_KEY", keyFile})
				}
			}
			if a.output == "json" {
				m := map[string]string{}
				for _, v := range vars {
					m[v[0]] = v[1]
				}
				return a.json(m)
			}
			for _, v := range vars {
				fmt.Fprintf(a.out, "export %s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
			}
			return nil
		},
	}
}

// check_ is the check command; app.check validates options.
func (a *app) check_() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Say what this machine has, and what is missing for which backend", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			type row struct {
				What string `json:"what"`
				OK   bool   `json:"ok"`
				Need string `json:"neededFor"`
				Note string `json:"note"`
			}
			var rows []row
			add := func(what, need string, err error, note string) {
				if err != nil {
					note = err.Error()
				}
				rows = append(rows, row{what, err == nil, need, note})
			}
			root, err := binaries.Root()
			add("repository", "both", err, root)
			goPath, err := exec.LookPath("go")
			add("go", "building", err, goPath)
			add("toolchain", "building", binaries.CheckToolchain(), "go and a C compiler")
			set, built, err := binaries.Find()
			if err == nil && built {
				add("node programs", "both", nil, set.Dir)
			} else {
				add("node programs", "both", err, "not built yet; up builds them (some minutes, once)")
			}
			engine, err := compose.Check(c.Context())
			add("containers", "compose", err, engine)
			if a.output == "json" {
				if err := a.json(rows); err != nil {
					return err
				}
			} else {
				w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "WHAT\tOK\tNEEDED FOR\tNOTE")
				for _, r := range rows {
					fmt.Fprintf(w, "%s\t%v\t%s\t%s\n", r.What, map[bool]string{true: "yes", false: "no"}[r.OK], r.Need, r.Note)
				}
				if err := w.Flush(); err != nil {
					return err
				}
			}
			for _, r := range rows {
				missing := !r.OK && (r.Need == "both" || r.Need == "building" && !built || r.Need == "compose" && a.kind == "compose")
				if missing {
					return fmt.Errorf("%s: %s", r.What, r.Note)
				}
			}
			return nil
		},
	}
}
