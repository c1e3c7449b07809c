package cli

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/network/profile"
)

// completionTimeout is how long a shell waits for ids from the ledger, completionMost how many it is offered.
const (
	completionTimeout = 3 * time.Second
	completionMost    = 100
)

// candidates are what a shell may offer, each with a description.
type candidates []cobra.Completion

func (c *candidates) add(text string, about ...string) {
	*c = append(*c, cobra.CompletionWithDesc(text, plain(strings.Join(about, " "))))
}

// complete gives shells what stands for options and arguments: networks, organisations, users and contexts from this machine's
// files, ids of records from the ledger. What fails offers nothing.
func (a *App) complete(root *cobra.Command) {
	offer := func(list func() candidates) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if err := a.resolve(); err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return list(), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for option, complete := range map[string]cobra.CompletionFunc{
		"network": offer(networks), "org": offer(a.organisations), "user": offer(a.users), "context": completeContexts,
		"output": cobra.FixedCompletions([]cobra.Completion{"table", "json"}, cobra.ShellCompDirectiveNoFileComp),
	} {
		cobra.CheckErr(root.RegisterFlagCompletionFunc(option, complete))
	}
	a.completeRecords(root)
}

// argument finds the first argument in how a command is used.
var argument = regexp.MustCompile(`^\S+ \[?([A-Z]+)\]?`)

// recordLists are the functions of the ledger that list what an argument of the name may be.
var recordLists = map[string]struct {
	function, key string
	kind          circle.Kind
}{
	"RECEIVABLE":  {"receivable:List", "receivables", circle.Programme},
	"RECEIPT":     {"receipt:List", "receipts", circle.Programme},
	"APPLICATION": {"financing:Applications", "applications", circle.Desk},
	"LOAN":        {"financing:Loans", "loans", circle.Desk},
}

// completeRecords gives every command below the one whose argument, or option, is a record the ids of such records.
func (a *App) completeRecords(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.completeRecords(sub)
	}
	for option, kind := range map[string]circle.Kind{"programme": circle.Programme, "desk": circle.Desk} {
		if cmd.LocalNonPersistentFlags().Lookup(option) != nil {
			cobra.CheckErr(cmd.RegisterFlagCompletionFunc(option, a.offerIDs(func(ctx context.Context, s *consortium.Session) (candidates, error) {
				return circlesOf(ctx, s, kind)
			})))
		}
	}
	found := argument.FindStringSubmatch(cmd.Use)
	if found == nil || cmd.ValidArgsFunction != nil || !cmd.Runnable() {
		return
	}
	list := recordLists[found[1]]
	switch {
	case list.function != "":
		cmd.ValidArgsFunction = a.offerIDs(func(ctx context.Context, s *consortium.Session) (candidates, error) {
			return recordsOf(ctx, s, list.function, list.key, list.kind)
		})
	case found[1] == "DEVICE":
		cmd.ValidArgsFunction = a.offerIDs(devicesOf)
	case found[1] == "PROGRAMME" || found[1] == "DESK":
		kind := map[string]circle.Kind{"PROGRAMME": circle.Programme, "DESK": circle.Desk}[found[1]]
		cmd.ValidArgsFunction = a.offerIDs(func(ctx context.Context, s *consortium.Session) (candidates, error) {
			return circlesOf(ctx, s, kind)
		})
	}
}

// offerIDs completes the first argument, or an option, with what the ledger lists for the user.
func (a *App) offerIDs(list func(context.Context, *consortium.Session) (candidates, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if a.resolve() != nil || a.Connect == nil && (a.who.User == "" || a.who.Org == "" && a.who.Profile == "") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, completionTimeout)
		defer cancel()
		cmd.SetContext(ctx)
		var all candidates
		err := a.withSession(cmd, func(ctx context.Context, s *consortium.Session) (err error) {
			all, err = list(ctx, s)
			return err
		})
		if err != nil {
			cobra.CompDebugln(err.Error(), false)
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return slices.DeleteFunc(all, func(c cobra.Completion) bool {
			id, _, _ := strings.Cut(c, "\t")
			return slices.Contains(args, id)
		}), cobra.ShellCompDirectiveNoFileComp
	}
}

func recordsOf(ctx context.Context, s *consortium.Session, function, key string, kind circle.Kind) (all candidates, err error) {
	circles, err := s.Readable(ctx, kind)
	if err != nil {
		return nil, err
	}
	type record struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	list, _, err := operation.List[record](ctx, s, function, key, circles, completionMost, "")
	for _, r := range list {
		all.add(r.ID, r.Status)
	}
	return all, err
}

func devicesOf(ctx context.Context, s *consortium.Session) (all candidates, err error) {
	list, err := operation.Devices(ctx, s)
	for _, d := range list {
		all.add(d.ID, string(d.Kind), string(d.Status), "of", d.Operator)
	}
	return all, err
}

func circlesOf(ctx context.Context, s *consortium.Session, kind circle.Kind) (all candidates, err error) {
	list, err := s.Circles(ctx)
	for _, c := range list {
		if c.Kind == kind {
			all.add(c.ID, string(c.Status), strings.Join(c.Readers(), " "))
		}
	}
	return all, err
}

// networks lists the networks of this machine.
func networks() (all candidates) {
	root, err := profile.StateRoot()
	if err != nil {
		return nil
	}
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if orgs := organisationsOf(root, e.Name()); len(orgs) > 0 {
			all.add(e.Name(), strings.Join(orgs, " "))
		}
	}
	return all
}

func organisationsOf(root, network string) (orgs []string) {
	entries, _ := os.ReadDir(filepath.Join(root, network, "orgs"))
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(root, network, "orgs", e.Name(), profile.File)); err == nil {
			orgs = append(orgs, e.Name())
		}
	}
	return orgs
}

func (a *App) organisations() (all candidates) {
	root, err := profile.StateRoot()
	if err != nil {
		return nil
	}
	for _, org := range organisationsOf(root, a.who.Network) {
		all.add(org)
	}
	return all
}

func (a *App) users() (all candidates) {
	path, err := a.who.profilePath()
	if err != nil {
		return nil
	}
	p, err := profile.Load(path)
	if err != nil {
		return nil
	}
	for _, u := range p.Users {
		all.add(u.Name, append([]string{u.PartyAlias}, u.Roles...)...)
	}
	return all
}

func completeContexts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all candidates
	if known, err := loadContexts(); err == nil {
		for _, name := range slices.Sorted(maps.Keys(known.Contexts)) {
			s := known.Contexts[name]
			all.add(name, s.User, s.Org, s.Network, s.Profile)
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
