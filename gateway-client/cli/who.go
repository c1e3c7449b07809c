package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/network/profile"
)

// Who is the identity under which a command works.
type Who struct {
	Network string // the name of a network on this machine
	Profile string // a profile file, instead of Network and Org
	Org     string
	User    string
}

// defaultNetwork is the network of whoever does not name one.
const defaultNetwork = "demo"

// addWho adds the options that say who works, with their defaults from the environment. What they leave open is resolved.
func (a *App) addWho(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.context, "context", os.Getenv("TALLY_CONTEXT"), "context whose settings count where options and variables say nothing [TALLY_CONTEXT]")
	flags.StringVar(&a.who.Network, "network", os.Getenv("TALLY_NETWORK"), "name of the network, as given to tallynet --name [TALLY_NETWORK] (default "+defaultNetwork+")")
	flags.StringVar(&a.who.Profile, "profile", os.Getenv("TALLY_PROFILE"), "profile.json of the organisation, instead of --network and --org [TALLY_PROFILE]")
	flags.StringVar(&a.who.Org, "org", os.Getenv("TALLY_ORG"), "organisation that you work for [TALLY_ORG]")
	flags.StringVar(&a.who.User, "user", os.Getenv("TALLY_USER"), "user whose certificate signs [TALLY_USER]")
	flags.Uint64Var(&a.afterBlock, "after-block", 0, "wait until your organisation's peer has this block")
	flags.StringVar(&a.request, "request", "", "request id: a repeat with the same id is answered with the first result")
}

// whoField is one option that says who works, with what a context says about it.
type whoField struct {
	option  string
	value   *string
	setting string
}

func (a *App) whoFields(s contextSettings) []whoField {
	return []whoField{{"network", &a.who.Network, s.Network}, {"org", &a.who.Org, s.Org}, {"user", &a.who.User, s.User}, {"profile", &a.who.Profile, s.Profile}}
}

// resolve fills what options and environment leave open of who works: from the context, then with the default. It notes where
// each setting comes from. A profile stands for a network and an organisation, so the context's counts only where neither is named.
func (a *App) resolve() error {
	if a.from != nil {
		return nil
	}
	a.from = map[string]string{}
	var s contextSettings
	if !a.isolated {
		all, err := loadContexts()
		if err != nil {
			return err
		}
		name := a.context
		if name == "" {
			name = all.Current
		}
		if name != "" {
			if s, err = all.get(name); err != nil {
				return err
			}
		}
		a.context = name
	}
	for _, f := range a.whoFields(s) {
		if *f.value != "" {
			a.from[f.option] = "option or TALLY_ variable"
		}
	}
	if a.who.Network != "" || a.who.Org != "" {
		s.Profile = ""
	}
	if a.who.Profile != "" {
		s.Network, s.Org = "", ""
	}
	for _, f := range a.whoFields(s) {
		if *f.value == "" && f.setting != "" {
			*f.value = f.setting
			a.from[f.option] = "context " + a.context
		}
	}
	if a.who.Network == "" {
		a.who.Network, a.from["network"] = defaultNetwork, "default"
	}
	return nil
}

// profilePath is where the organisation's profile is. The organisation's keyring and what its service says of itself are beside it.
func (w Who) profilePath() (string, error) {
	if w.Profile != "" {
		return w.Profile, nil
	}
	if w.Org == "" {
		return "", usageError{fmt.Errorf("say for which organisation you work: --org NAME, TALLY_ORG or a context (tally context set --help)")}
	}
	root, err := profile.StateRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, w.Network, "orgs", w.Org, profile.File), nil
}
