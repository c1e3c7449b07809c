package cli

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/network/consortium"
	"github.com/tallystick/tallystick/network/plan"
)

func (a *app) portals() *cobra.Command {
	return &cobra.Command{
		Use: "portals", Short: "Print where each organisation's portal is, and as whom one can log in there", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			n, err := a.open()
			if err != nil {
				return err
			}
			if !n.Serving {
				return errors.New("the organisations' services do not run; start them with: tallynet serve --name " + n.Name)
			}
			if a.output == "json" {
				return a.json(services(n))
			}
			return a.printPortals(n)
		},
	}
}

// services are the URLs of the organisations' services, once they serve.
func services(n *consortium.Network) map[string]string {
	if !n.Serving {
		return nil
	}
	urls := map[string]string{}
	for _, node := range n.ServiceNodes() {
		urls[node.Org] = "http://" + node.External(plan.Main)
	}
	return urls
}

func (a *app) printPortals(n *consortium.Network) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ORGANISATION\tPORTAL\tUSERS")
	for _, node := range n.ServiceNodes() {
		o, _ := n.Topology.Organization(node.Org)
		var names []string
		for _, m := range o.Members() {
			names = append(names, m.Name)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", node.Org, services(n)[node.Org], strings.Join(names, ", "))
	}
	return w.Flush()
}
