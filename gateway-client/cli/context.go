package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
)

// contextSettings are the defaults that a context gives for the options of the same names.
type contextSettings struct {
	Network string `json:"network,omitempty"`
	Org     string `json:"org,omitempty"`
	User    string `json:"user,omitempty"`
	Profile string `json:"profile,omitempty"`
}

// contexts is the file of a person's contexts.
type contexts struct {
	Current  string                     `json:"current,omitempty"`
	Contexts map[string]contextSettings `json:"contexts"`
}

const maxContextsBytes = 1 << 20

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// configFile is a file of the person who runs tally.
func configFile(name string) (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		var err error
		if dir, err = os.UserConfigDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "tallystick", name), nil
}

func loadContexts() (contexts, error) {
	c := contexts{Contexts: map[string]contextSettings{}}
	path, err := configFile("contexts.json")
	if err != nil {
		return c, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if len(text) > maxContextsBytes {
		return c, fault.New(fault.InputTooLarge, "%s is larger than %d bytes", path, maxContextsBytes)
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&c); err != nil {
		return c, fault.New(fault.InputInvalid, "the contexts in %s cannot be read: %v; correct the file, or delete it", path, err)
	}
	return c, nil
}

func (c contexts) save() error {
	path, err := configFile("contexts.json")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return keyfile.Replace(path, append(text, '\n'))
}

func (c contexts) get(name string) (contextSettings, error) {
	s, ok := c.Contexts[name]
	if !ok {
		return s, usageError{fmt.Errorf("there is no context %q; there are %v; see: tally context set --help", name, slices.Sorted(maps.Keys(c.Contexts)))}
	}
	return s, nil
}

// contextCommand is about contexts: named defaults for the options that say who works.
func contextCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "context",
		Aliases: []string{"contexts"},
		Short:   "Named defaults for --network, --org, --user and --profile",
		Long: `A context says for which organisation and as which user commands work. What an option or a TALLY_ variable says wins over it.
--context NAME or TALLY_CONTEXT chooses another one than the current for one command. Contexts hold no secrets.`,
	}
	cmd.AddCommand(contextSetCommand(app), contextUseCommand(app), contextListCommand(app), contextShowCommand(app), contextDeleteCommand(app))
	return cmd
}

func contextSetCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME",
		Short: "Make a context, or change what it says",
		Long:  "Sets what is given of --network, --org, --user and --profile, and leaves the rest. The first context is used from then on.",
		Example: `  tally context set anna --network demo --org supplier --user anna
  tally context set rita --profile /etc/tallystick/bankA/profile.json --user rita`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !contextName.MatchString(args[0]) {
				return usageError{fmt.Errorf("the name of a context is up to 63 letters, digits, dots, dashes and underscores, not %q", args[0])}
			}
			all, err := loadContexts()
			if err != nil {
				return err
			}
			s := all.Contexts[args[0]]
			given := 0
			for name, field := range map[string]*string{"network": &s.Network, "org": &s.Org, "user": &s.User, "profile": &s.Profile} {
				if cmd.Flags().Changed(name) {
					given++
					*field = cmd.Flags().Lookup(name).Value.String()
				}
			}
			if given == 0 {
				return usageError{errors.New("say what the context stands for: --network, --org, --user or --profile")}
			}
			if s.Profile != "" {
				if s.Profile, err = filepath.Abs(s.Profile); err != nil {
					return err
				}
			}
			all.Contexts[args[0]] = s
			if all.Current == "" {
				all.Current = args[0]
			}
			if err := all.save(); err != nil {
				return err
			}
			return app.showContexts(all, args[0])
		},
	}
}

func contextUseCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Example:           "  tally context use anna",
		Args:              usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := loadContexts()
			if err != nil {
				return err
			}
			if _, err := all.get(args[0]); err != nil {
				return err
			}
			all.Current = args[0]
			if err := all.save(); err != nil {
				return err
			}
			return app.showContexts(all, args[0])
		},
	}
}

func contextListCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the contexts; the current one has a star",
		Example: "  tally context list",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			all, err := loadContexts()
			if err != nil {
				return err
			}
			return app.showContexts(all, slices.Sorted(maps.Keys(all.Contexts))...)
		},
	}
}

func contextDeleteCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete a context",
		Example:           "  tally context delete anna",
		Args:              usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := loadContexts()
			if err != nil {
				return err
			}
			if _, err := all.get(args[0]); err != nil {
				return err
			}
			delete(all.Contexts, args[0])
			if all.Current == args[0] {
				all.Current = ""
			}
			return all.save()
		},
	}
}

// contextRow is a context as it is printed.
type contextRow struct {
	Name    string `json:"name"`
	Current bool   `json:"current,omitempty"`
	contextSettings
}

func (a *App) showContexts(all contexts, names ...string) error {
	rows := make([]contextRow, 0, len(names))
	for _, name := range names {
		rows = append(rows, contextRow{name, name == all.Current, all.Contexts[name]})
	}
	if a.JSON() {
		return a.PrintJSON(map[string][]contextRow{"contexts": rows})
	}
	return a.table(func(row func(...string)) {
		row("CONTEXT", "NETWORK", "ORG", "USER", "PROFILE")
		for _, r := range rows {
			name := r.Name
			if r.Current {
				name += " *"
			}
			row(name, r.Network, r.Org, r.User, r.Profile)
		}
	})
}

func contextShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "show [NAME]",
		Short:             "Show a context, or who would work now and why",
		Example:           "  tally context show",
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := loadContexts()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if _, err := all.get(args[0]); err != nil {
					return err
				}
				return app.showContexts(all, args[0])
			}
			if err := app.resolve(); err != nil {
				return err
			}
			type setting struct {
				Option string `json:"option"`
				Value  string `json:"value"`
				From   string `json:"from"`
			}
			var list []setting
			for _, f := range app.whoFields(contextSettings{}) {
				if *f.value != "" {
					list = append(list, setting{f.option, *f.value, app.from[f.option]})
				}
			}
			if app.JSON() {
				return app.PrintJSON(map[string][]setting{"settings": list})
			}
			return app.table(func(row func(...string)) {
				row("OPTION", "VALUE", "FROM")
				for _, s := range list {
					row("--"+s.Option, s.Value, s.From)
				}
			})
		},
	}
}
