package topology

import (
	"fmt"
	"strings"
)

// Mermaid draws the topology as a Mermaid flowchart.
func (t *Topology) Mermaid(ordering string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flowchart TB\n  subgraph ordering[\"ordering: %s\"]\n", ordering)
	for _, o := range t.Orderers() {
		fmt.Fprintf(&b, "    o_%s([\"orderer-%s\"])\n", o.Name, o.Name)
	}
	b.WriteString("  end\n")
	fmt.Fprintf(&b, "  ch{{\"channel %s<br/>chaincode %s: any %d of %d endorse\"}}\n",
		t.Channel, t.Chaincode, t.Endorsers, len(t.Organizations))
	b.WriteString("  ordering --- ch\n")
	for _, o := range t.Organizations {
		fmt.Fprintf(&b, "  subgraph %s[\"%s (%s)\"]\n", o.Name, o.Name, o.MSPID)
		fmt.Fprintf(&b, "    p_%s[\"peer-%s\"] --- c_%s[[\"chaincode-%s\"]]\n", o.Name, o.Name, o.Name, o.Name)
		byParty := map[string][]string{}
		var order []string
		for _, m := range o.Members() {
			if byParty[m.PartyAlias] == nil {
				order = append(order, m.PartyAlias)
			}
			byParty[m.PartyAlias] = append(byParty[m.PartyAlias], m.Name)
		}
		for _, party := range order {
			fmt.Fprintf(&b, "    u_%s_%s(\"%s: %s\") --> p_%s\n", o.Name, party, party, strings.Join(byParty[party], ", "), o.Name)
		}
		b.WriteString("  end\n")
		fmt.Fprintf(&b, "  ch --- p_%s\n", o.Name)
	}
	return b.String()
}
