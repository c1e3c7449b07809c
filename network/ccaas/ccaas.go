// Package ccaas is an external builder for chaincode that runs as a service: a Fabric peer calls it as detect,
// build and release, and it hands the peer the address and the certificates of the chaincode's server.
// The protocol is Fabric's "External Builders and Launchers".
package ccaas

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Type is the package type that the builder claims.
const Type = "ccaas"

// Limits of what a package may contain.
const (
	maxFileBytes   = 1 << 20
	maxDialTimeout = time.Minute
	connectionFile = "connection.json"
	metadataFile   = "metadata.json"
	indexesFolder  = "META-INF"
)

// ErrNotOurs says that the package is of another type.
var ErrNotOurs = errors.New("not a chaincode-as-a-service package")

// Connection is connection.json: how the peer reaches the chaincode's server. Certificates and the key are PEM
// text. Its fields are Fabric's.
type Connection struct {
	Address            string `json:"address"`
	DialTimeout        string `json:"dial_timeout"`
	TLSRequired        bool   `json:"tls_required"`
	ClientAuthRequired bool   `json:"client_auth_required,omitempty"`
	ClientKey          string `json:"client_key,omitempty"`
	ClientCert         string `json:"client_cert,omitempty"`
	RootCert           string `json:"root_cert,omitempty"`
}

// Metadata is metadata.json of a package.
type Metadata struct {
	Type  string `json:"type"`
	Label string `json:"label"`
}

// Validate reports what is missing or wrong, joined.
func (c Connection) Validate() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		errs = append(errs, fmt.Errorf("address %q: %w", c.Address, err))
	}
	if d, err := time.ParseDuration(c.DialTimeout); err != nil || d <= 0 || d > maxDialTimeout {
		errs = append(errs, fmt.Errorf("dial_timeout %q: a duration of at most %s", c.DialTimeout, maxDialTimeout))
	}
	if c.TLSRequired && c.RootCert == "" {
		errs = append(errs, errors.New("root_cert is empty and tls_required is set"))
	}
	if c.ClientAuthRequired && (c.ClientKey == "" || c.ClientCert == "") {
		errs = append(errs, errors.New("client_key or client_cert is empty and client_auth_required is set"))
	}
	return errors.Join(errs...)
}

// Run does what the peer asks under the given name: detect SRC META, build SRC META OUT, release OUT RELEASE.
func Run(name string, args []string) error {
	want := map[string]int{"detect": 2, "build": 3, "release": 2}
	n, ok := want[name]
	if !ok {
		return fmt.Errorf("called as %q; the peer calls detect, build or release", name)
	}
	if len(args) != n {
		return fmt.Errorf("%s takes %d folders, got %d", name, n, len(args))
	}
	switch name {
	case "detect":
		return Detect(args[1])
	case "build":
		return Build(args[0], args[2])
	default:
		return Release(args[0], args[1])
	}
}

// Detect returns ErrNotOurs unless the metadata folder describes a package of our type.
func Detect(metadata string) error {
	var m Metadata
	if err := readJSON(filepath.Join(metadata, metadataFile), &m); err != nil {
		return err
	}
	if m.Type != Type {
		return fmt.Errorf("%w: type %q", ErrNotOurs, m.Type)
	}
	return nil
}

// Build checks the package's connection and keeps it, and its index definitions, in the output folder.
func Build(source, output string) error {
	var c Connection
	if err := readJSON(filepath.Join(source, connectionFile), &c); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("%s: %w", connectionFile, err)
	}
	if err := writeJSON(filepath.Join(output, connectionFile), c); err != nil {
		return err
	}
	return copyFolder(filepath.Join(source, indexesFolder), filepath.Join(output, indexesFolder))
}

// Release hands the connection to the peer.
func Release(output, release string) error {
	var c Connection
	if err := readJSON(filepath.Join(output, connectionFile), &c); err != nil {
		return err
	}
	// statedb holds index definitions; the peer looks for it below the release folder.
	if err := copyFolder(filepath.Join(output, indexesFolder, "statedb"), filepath.Join(release, "statedb")); err != nil {
		return err
	}
	return writeJSON(filepath.Join(release, "chaincode", "server", connectionFile), c)
}

// label as Fabric allows it.
var labelPattern = regexp.MustCompile(`^[[:alnum:]][[:alnum:]_.+-]*$`)

func readJSON(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return err
	}
	if len(text) > maxFileBytes {
		return fmt.Errorf("%s: more than %d bytes", path, maxFileBytes)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func copyFolder(from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return os.CopyFS(to, os.DirFS(from))
}
