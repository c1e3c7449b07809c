package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/keyfile"
	"github.com/tallystick/tallystick/gateway-client/keyring"
	"github.com/tallystick/tallystick/network/profile"
)

func keyCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Aliases: []string{"keys"},
		Short:   "The organisation's private keys on this machine, plain or encrypted",
		Long: `The files are the organisation's keyring and the keys of its users. They are encrypted with age to an identity, a file that
` + keyfile.IdentityVariable + ` names for tally and tallyd. Whoever has the identity can open the keys: keep it elsewhere than
their backups. The organisation's administrator's key stays plain, because Fabric's own programs read it.`,
	}
	cmd.AddCommand(keyInitCommand(app), keyStatusCommand(app),
		keyChangeCommand(app, "encrypt", "Encrypt the organisation's key files", `Rewrites every plain key file, each in one step: a crash leaves it plain or encrypted, and a
second call does the rest. What has stood plain on a disk may still be read from it: give users new keys where that matters.`,
			func(i *keyfile.Identity, files []string) (keyChanges, error) {
				changed, err := i.Encrypt(files)
				return keyChanges{Changed: changed}, err
			}),
		keyChangeCommand(app, "decrypt", "Put the organisation's key files back as plain ones", "Rewrites every encrypted key file, each in one step.",
			func(i *keyfile.Identity, files []string) (keyChanges, error) {
				changed, err := i.Decrypt(files)
				return keyChanges{Changed: changed}, err
			}),
		keyChangeCommand(app, "rotate", "Encrypt the organisation's key files to a fresh identity", `Makes a fresh identity in the place of the former one and encrypts the files to it. At every moment the identity file opens
every file; after a crash, call it again. The former identity is kept beside the new one, for backups and for other organisations
that use it: delete it once nothing needs it.`,
			func(i *keyfile.Identity, files []string) (keyChanges, error) {
				changed, former, err := i.Rotate(files)
				return keyChanges{Changed: changed, Former: former}, err
			}))
	return cmd
}

func keyInitCommand(app *App) *cobra.Command {
	var kind, passphraseFile string
	var ask bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Make an identity to which key files are encrypted",
		Long: `Makes the file with a fresh age identity, readable by you only; an existing one is never replaced. The file is FILE, or what
` + keyfile.IdentityVariable + ` names, or keys-identity.txt in your configuration folder. A passphrase protects it further: whoever starts
tally or tallyd then types it, or names a file that holds it with ` + keyfile.PassphraseVariable + `.`,
		Example: `  tally key init
  tally key init /etc/tallystick/identity.txt --passphrase-file /run/secrets/passphrase`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			path := keyfile.NamedPath()
			if len(args) == 1 {
				path = args[0]
			}
			var err error
			if path == "" {
				path, err = configFile("keys-identity.txt")
			} else {
				path, err = filepath.Abs(path)
			}
			if err != nil {
				return err
			}
			if _, err := os.Lstat(path); err == nil {
				return usageError{fmt.Errorf("%s is there already; tally key rotate makes a fresh identity in its place", path)}
			}
			passphrase, err := newPassphrase(passphraseFile, ask)
			if err != nil {
				return err
			}
			i, err := keyfile.Init(path, keyfile.Kind(kind), passphrase)
			if errors.Is(err, fs.ErrExist) {
				return usageError{fmt.Errorf("%s has just been made by somebody else", path)}
			}
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(map[string]string{"identity": path, "public_key": i.Public()})
			}
			fmt.Fprintf(app.Err, "Name it for tally and for the service, then encrypt the keys:\n  export %s=%s\n  tally --org ORG key encrypt\n", keyfile.IdentityVariable, path)
			return app.table(func(row func(...string)) {
				row("identity", path)
				row("public key", i.Public())
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", string(keyfile.Hybrid), "hybrid (X25519 with ML-KEM-768), or x25519 for age before 1.3")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "protect the identity with the passphrase in this file")
	cmd.Flags().BoolVar(&ask, "passphrase", false, "protect the identity with a passphrase that you type")
	return cmd
}

// newPassphrase is the passphrase of a new identity, or "" for none.
func newPassphrase(file string, ask bool) (string, error) {
	switch {
	case file != "" && ask:
		return "", usageError{errors.New("--passphrase and --passphrase-file exclude each other")}
	case file != "":
		return keyfile.PassphraseFrom(file)
	case !ask:
		return "", nil
	}
	one, err := keyfile.Ask("New passphrase: ")
	if err != nil {
		return "", usageError{fmt.Errorf("a passphrase is typed at a terminal: %w; use --passphrase-file", err)}
	}
	two, err := keyfile.Ask("Again: ")
	if err == nil && (one != two || one == "") {
		err = usageError{errors.New("the two are not the same, or empty")}
	}
	return one, err
}

// keyChanges is what a change of key files did.
type keyChanges struct {
	Changed []string `json:"changed"`
	Former  []string `json:"former_identities,omitempty"`
}

func keyChangeCommand(app *App, verb, short, long string, change func(*keyfile.Identity, []string) (keyChanges, error)) *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use:     verb,
		Short:   short,
		Long:    long,
		Example: fmt.Sprintf("  tally --org bankA key %s", verb),
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if identity == "" {
				identity = keyfile.NamedPath()
			}
			if identity == "" {
				return usageError{fmt.Errorf("name the identity: %s or --identity FILE; tally key init makes one", keyfile.IdentityVariable)}
			}
			all, err := app.keyFiles()
			if err != nil {
				return err
			}
			var files []string
			for _, f := range all {
				if f.Managed {
					files = append(files, f.File)
				}
			}
			i, err := keyfile.Open(identity)
			if err != nil {
				return err
			}
			done, err := change(i, files)
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(done)
			}
			fmt.Fprintf(app.Err, "%d of %d key files rewritten\n", len(done.Changed), len(files))
			return app.table(func(row func(...string)) {
				for _, f := range done.Changed {
					row(f)
				}
				for _, f := range done.Former {
					row("former identity", f)
				}
			})
		},
	}
	cmd.Flags().StringVar(&identity, "identity", "", "identity file, instead of the one that "+keyfile.IdentityVariable+" names")
	return cmd
}

// keyFile is a file with a private key of the organisation.
type keyFile struct {
	Of    string `json:"of"`
	File  string `json:"file,omitempty"`
	State string `json:"state"`
	Note  string `json:"note,omitempty"`
	// Managed says that encrypt, decrypt and rotate rewrite it.
	Managed bool `json:"managed"`
}

// keyFiles lists the organisation's private keys as its profile names them.
func (a *App) keyFiles() ([]keyFile, error) {
	path, err := a.who.profilePath()
	if err != nil {
		return nil, err
	}
	p, err := profile.Load(path)
	if err != nil {
		return nil, err
	}
	rings, err := keyring.Files(filepath.Join(filepath.Dir(path), "keyring"))
	if err != nil {
		return nil, err
	}
	var all []keyFile
	for _, f := range rings {
		all = append(all, keyFile{Of: "keyring", File: f, Managed: true})
	}
	for _, u := range p.Users {
		switch {
		case u.KeyURI != "":
			all = append(all, keyFile{Of: u.Name, State: "token", Note: u.KeyURI})
		case !slices.ContainsFunc(all, func(f keyFile) bool { return f.File == u.KeyFile }):
			all = append(all, keyFile{Of: u.Name, File: u.KeyFile, Managed: true})
		}
	}
	if p.Admin.KeyFile != "" && !slices.ContainsFunc(all, func(f keyFile) bool { return f.File == p.Admin.KeyFile }) {
		all = append(all, keyFile{Of: p.Admin.Name, File: p.Admin.KeyFile, Note: "stays plain: Fabric's programs read it"})
	}
	return all, nil
}

func keyStatusCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "List the organisation's key files: plain or encrypted, and whether they open",
		Example: "  tally --org bankA key status",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := app.keyFiles()
			if err != nil {
				return err
			}
			for i := range all {
				if all[i].File != "" {
					all[i].look()
				}
			}
			if app.JSON() {
				return app.PrintJSON(map[string][]keyFile{"keys": all})
			}
			return app.table(func(row func(...string)) {
				row("KEY OF", "STATE", "FILE", "NOTE")
				for _, f := range all {
					row(f.Of, f.State, f.File, f.Note)
				}
			})
		},
	}
}

// look fills in how the file is.
func (f *keyFile) look() {
	raw, err := os.ReadFile(f.File)
	if err != nil {
		f.State, f.Note = "missing", err.Error()
		return
	}
	if f.State = "plain"; keyfile.Encrypted(raw) {
		f.State = "encrypted"
		if _, err := keyfile.Read(f.File); err != nil {
			f.Note = err.Error()
		}
		return
	}
	if info, err := os.Stat(f.File); err == nil && info.Mode().Perm()&0o077 != 0 {
		f.Note = fmt.Sprintf("others can read it (mode %04o)", info.Mode().Perm())
	}
}
