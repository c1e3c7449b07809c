// Package transition is state machines as data: a table of rules says which action leads from which status to which,
// who may take it and why. The same table decides on the ledger, is drawn in the documentation, and is checked by
// tests, so the three cannot disagree.
package transition

import (
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Rule is one step: in status From, Action leads to To. An empty From is the moment before the record exists, so an
// action from there creates it.
type Rule[S, A ~string] struct {
	From   S
	Action A
	To     S
	// Who may take the step, in words: "the buyer's checker".
	Who string
	// Why the step exists, or what it does besides changing the status: one sentence.
	Why string
}

// Table is a state machine. The order of its rules is the order in which people read them.
type Table[S, A ~string] []Rule[S, A]

// Next returns the status to which the action leads, or TRANSITION_DENIED with what is possible instead.
func (t Table[S, A]) Next(from S, action A) (S, error) {
	for _, r := range t {
		if r.From == from && r.Action == action {
			return r.To, nil
		}
	}
	if from == "" {
		return "", fault.New(fault.TransitionDenied, "there is no record yet; %s is not possible", action)
	}
	possible := "nothing is"
	if actions := t.Actions(from); len(actions) > 0 {
		possible = join(actions)
	}
	return "", fault.New(fault.TransitionDenied, "the record is %s; %s is not possible (possible: %s)", from, action, possible)
}

// Allows reports whether the action is possible in the status.
func (t Table[S, A]) Allows(from S, action A) bool {
	for _, r := range t {
		if r.From == from && r.Action == action {
			return true
		}
	}
	return false
}

// Actions lists what is possible in the status, each once, in the order of the table.
func (t Table[S, A]) Actions(from S) []A {
	var list []A
	for _, r := range t {
		if r.From == from {
			list = appendNew(list, r.Action)
		}
	}
	return list
}

// States lists every status, each once, in the order in which the table first names it; the empty one before creation
// is not among them.
func (t Table[S, A]) States() []S {
	var list []S
	for _, r := range t {
		for _, s := range [2]S{r.From, r.To} {
			if s != "" {
				list = appendNew(list, s)
			}
		}
	}
	return list
}

// Final reports whether nothing can happen any more in the status.
func (t Table[S, A]) Final(s S) bool { return len(t.Actions(s)) == 0 }

// Reachable lists the statuses that some sequence of actions reaches from before creation, in breadth-first order.
func (t Table[S, A]) Reachable() []S {
	var list []S
	queue := []S{""}
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for _, r := range t {
			if r.From != from || r.To == "" {
				continue
			}
			if grown := appendNew(list, r.To); len(grown) > len(list) {
				list, queue = grown, append(queue, r.To)
			}
		}
	}
	return list
}

// Check returns INTERNAL_ERROR with the first thing that is wrong with the table: no rule that creates a record, two
// rules for one status and action, an action without who or why, or a status that nothing reaches.
func (t Table[S, A]) Check() error {
	if len(t.Actions("")) == 0 {
		return fault.New(fault.InternalError, "no rule creates a record")
	}
	for i, r := range t {
		switch {
		case r.To == "" || r.Action == "":
			return fault.New(fault.InternalError, "rule %d has no action or leads nowhere", i)
		case r.Who == "" || r.Why == "":
			return fault.New(fault.InternalError, "rule %d (%s in %q) does not say who and why", i, r.Action, r.From)
		}
		for _, other := range t[:i] {
			if other.From == r.From && other.Action == r.Action {
				return fault.New(fault.InternalError, "two rules for %s in %q", r.Action, r.From)
			}
		}
	}
	reachable := t.Reachable()
	for _, s := range t.States() {
		if len(appendNew(reachable, s)) > len(reachable) {
			return fault.New(fault.InternalError, "nothing reaches %s", s)
		}
	}
	return nil
}

// Mermaid draws the table as a Mermaid stateDiagram-v2 (https://mermaid.js.org/syntax/stateDiagram.html), without the
// fence. Actions that share both ends share one arrow.
func (t Table[S, A]) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for i, r := range t {
		var actions []A
		drawn := false
		for j, other := range t {
			if other.From == r.From && other.To == r.To {
				drawn = drawn || j < i
				actions = appendNew(actions, other.Action)
			}
		}
		if !drawn {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", node(r.From), node(r.To), join(actions))
		}
	}
	for _, s := range t.States() {
		if t.Final(s) {
			fmt.Fprintf(&b, "    %s --> [*]\n", node(s))
		}
	}
	return b.String()
}

// Markdown writes the table as a Markdown table: status, action, next status, who, why.
func (t Table[S, A]) Markdown() string {
	var b strings.Builder
	b.WriteString("| in status | action | leads to | who | why |\n|---|---|---|---|---|\n")
	for _, r := range t {
		from := "*(new)*"
		if r.From != "" {
			from = cell(string(r.From))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", from, cell(string(r.Action)), cell(string(r.To)), cell(r.Who), cell(r.Why))
	}
	return b.String()
}

// node is a status as a Mermaid identifier, which may hold no dash.
func node[S ~string](s S) string {
	if s == "" {
		return "[*]"
	}
	return strings.NewReplacer("-", "_", " ", "_").Replace(string(s))
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

func appendNew[T comparable](list []T, v T) []T {
	for _, have := range list {
		if have == v {
			return list
		}
	}
	return append(list[:len(list):len(list)], v)
}
