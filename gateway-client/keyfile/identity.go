package keyfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"filippo.io/age"
	"golang.org/x/term"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Where the identity and its passphrase are named. A credential that systemd has loaded under the name counts where the variable
// is not set.
const (
	IdentityVariable     = "TALLYSTICK_KEYS_IDENTITY"
	PassphraseVariable   = "TALLYSTICK_KEYS_PASSPHRASE_FILE"
	IdentityCredential   = "tallystick-keys-identity"
	PassphraseCredential = "tallystick-keys-passphrase"

	credentialsVariable = "CREDENTIALS_DIRECTORY"
)

// Identity is what opens encrypted key files: one or more age identities from one file. Files are encrypted to the first.
type Identity struct {
	Path string

	keys      []age.Identity
	protected string // the passphrase that the file itself is encrypted with, or ""
}

// Kind is a kind of age identity.
type Kind string

// The kinds: Hybrid stays safe as long as X25519 or ML-KEM-768 does, X25519 is for older tools.
const (
	Hybrid Kind = "hybrid"
	X25519 Kind = "x25519"
)

// Named returns the identity that the environment names, or nil where it names none. It returns KEY_FILE_LOCKED where the one
// that is named cannot be used, and KEY_IDENTITY_WRONG where its passphrase is wrong.
func Named() (*Identity, error) {
	path := NamedPath()
	if path == "" {
		return nil, nil
	}
	return Open(path)
}

// NamedPath is the identity file that the environment names, or "".
func NamedPath() string { return named(IdentityVariable, IdentityCredential) }

func named(variable, credential string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	if dir := os.Getenv(credentialsVariable); dir != "" {
		path := filepath.Join(dir, credential)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// Open reads an identity file. Its passphrase, where it has one, comes from the file that the environment names, or from the
// terminal. Errors are those of Named.
func Open(path string) (*Identity, error) {
	raw, err := content(path)
	if err != nil {
		return nil, fault.New(fault.KeyFileLocked, "the identity of the key files cannot be read: %v (%s names it; tally key init makes one)", err, IdentityVariable)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o007 != 0 && runtime.GOOS != "windows" {
		return nil, fault.New(fault.KeyFileLocked, "everybody on this machine can read the identity %s, so it protects nothing: chmod 600 it", path)
	}
	i := &Identity{Path: path}
	if Encrypted(raw) {
		if raw, i.protected, err = unlocked(path, raw); err != nil {
			return nil, err
		}
	}
	if i.keys, err = age.ParseIdentities(bytes.NewReader(raw)); err != nil {
		return nil, fault.New(fault.KeyFileLocked, "%s is no age identity: %v", path, err)
	}
	for _, k := range i.keys {
		if recipientOf(k) == nil {
			return nil, fault.New(fault.KeyFileLocked, "%s holds an identity that is neither hybrid nor X25519", path)
		}
	}
	return i, nil
}

// Init makes a file with a fresh identity, which must not exist, and encrypts it with the passphrase unless that is empty.
func Init(path string, kind Kind, passphrase string) (*Identity, error) {
	key, err := generate(kind)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	i := &Identity{Path: path, keys: []age.Identity{key}, protected: passphrase}
	raw, err := i.content(i.keys)
	if err != nil {
		return nil, err
	}
	return i, place(path, raw, os.Link)
}

// Public is the recipient to which files are encrypted, in age's notation.
func (i *Identity) Public() string { return fmt.Sprint(i.first()) }

func (i *Identity) first() age.Recipient { return recipientOf(i.keys[0]) }

// content is the identity file with the keys.
func (i *Identity) content(keys []age.Identity) ([]byte, error) {
	var text bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&text, "# public key: %s\n%s\n", recipientOf(k), k)
	}
	if i.protected == "" {
		return text.Bytes(), nil
	}
	to, err := age.NewScryptRecipient(i.protected)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := sealTo(&out, to, text.Bytes()); err != nil {
		return nil, err
	}
	remember(out.Bytes(), text.Bytes(), i.protected) // so that nobody is asked for the passphrase again
	return out.Bytes(), nil
}

func generate(kind Kind) (age.Identity, error) {
	switch kind {
	case Hybrid:
		return age.GenerateHybridIdentity()
	case X25519:
		return age.GenerateX25519Identity()
	}
	return nil, fault.New(fault.InputInvalid, "the kind of an identity is %s or %s, not %q", Hybrid, X25519, kind)
}

// recipientOf is to whom one encrypts for the identity; nil for one that has no such thing.
func recipientOf(key age.Identity) age.Recipient {
	switch k := key.(type) {
	case *age.HybridIdentity:
		return k.Recipient()
	case *age.X25519Identity:
		return k.Recipient()
	}
	return nil
}

func kindOf(key age.Identity) Kind {
	if _, ok := key.(*age.X25519Identity); ok {
		return X25519
	}
	return Hybrid
}

// fingerprint tells identities apart in names of files: 16 hex digits of the hash of the recipient.
func fingerprint(key age.Identity) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(recipientOf(key))))
	return hex.EncodeToString(sum[:8])
}

// known remembers identities that a passphrase has opened, by the hash of their file: opening one takes a second on purpose.
var known = struct {
	sync.Mutex
	by map[[sha256.Size]byte]unlock
}{by: map[[sha256.Size]byte]unlock{}}

type unlock struct {
	raw        []byte
	passphrase string
}

func remember(raw, opened []byte, passphrase string) {
	known.Lock()
	defer known.Unlock()
	known.by[sha256.Sum256(raw)] = unlock{opened, passphrase}
}

// unlocked opens an identity file that is encrypted with a passphrase.
func unlocked(path string, raw []byte) (opened []byte, passphrase string, err error) {
	known.Lock()
	u, ok := known.by[sha256.Sum256(raw)]
	known.Unlock()
	if ok {
		return u.raw, u.passphrase, nil
	}
	passphrase, err = Passphrase(path)
	if err != nil {
		return nil, "", err
	}
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, "", fault.New(fault.KeyFileLocked, "the passphrase of %s: %v", path, err)
	}
	opened, err = openWith(raw, with)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, "", fault.New(fault.KeyIdentityWrong, "the passphrase is not the one of the identity %s", path)
	case err != nil:
		return nil, "", fault.New(fault.KeyFileLocked, "the identity %s cannot be opened: %v", path, err)
	}
	remember(raw, opened, passphrase)
	return opened, passphrase, nil
}

// Passphrase returns the passphrase for the identity file at the path: the first line of the file that the environment names, or
// what somebody types at the terminal.
func Passphrase(path string) (string, error) {
	if file := named(PassphraseVariable, PassphraseCredential); file != "" {
		return PassphraseFrom(file)
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", fault.New(fault.KeyFileLocked, "the identity %s has a passphrase; name a file that holds it: %s", path, PassphraseVariable)
	}
	return Ask("Passphrase of " + path + ": ")
}

// PassphraseFrom reads a passphrase: the first line of the file.
func PassphraseFrom(file string) (string, error) {
	raw, err := content(file)
	if err != nil {
		return "", fault.New(fault.KeyFileLocked, "the passphrase cannot be read: %v", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fault.New(fault.KeyFileLocked, "the passphrase in %s is empty", file)
	}
	return line, nil
}

// Ask asks for a secret at the terminal, without showing it.
func Ask(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	typed, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(typed), err
}
