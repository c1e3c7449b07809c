package fabric

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	pkcs11uri "github.com/stefanberger/go-pkcs11uri"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/keyfile"
)

// Where a hardware token's library and the file with its PIN are named, unless the key's URI names them.
const (
	ModuleVariable = "TALLYSTICK_PKCS11_MODULE"
	PINVariable    = "TALLYSTICK_PKCS11_PIN_FILE"
)

const maxKeyURI = 2048

// keyURI says where a private key is in a hardware token (RFC 7512).
type keyURI struct {
	token   string // the token's label
	object  string // CKA_LABEL, or ""
	id      string // CKA_ID, or ""
	module  string // absolute path of the token's library, or "" for what the environment names
	pinFile string // absolute, or "" for what the environment names
}

// parseKeyURI reads a key's URI. The token and the object or the id must be named; what else may stand there only narrows the
// choice, and the key is checked against the certificate anyway. A PIN does not belong into a profile.
func parseKeyURI(text string) (keyURI, error) {
	var bad fault.Fields
	refuse := func(reason string) (keyURI, error) {
		if strings.Contains(text, "pin-value") {
			text = "" // no PIN goes into an error
		}
		bad.Add("keyUri", text, "%s", reason)
		return keyURI{}, bad.Err()
	}
	if len(text) > maxKeyURI {
		return refuse("is too long")
	}
	parsed := pkcs11uri.New()
	if err := parsed.Parse(text); err != nil {
		return refuse("must be pkcs11:token=LABEL;object=LABEL (RFC 7512): " + err.Error())
	}
	path := func(name string) string { v, _ := parsed.GetPathAttribute(name, false); return v }
	query := func(name string) string { v, _ := parsed.GetQueryAttribute(name, false); return v }
	uri := keyURI{token: path("token"), object: path("object"), id: path("id"), module: query("module-path")}
	source := query("pin-source")
	if u, err := url.Parse(source); err == nil && u.Scheme == "file" {
		source = u.Path
	}
	uri.pinFile = source
	_, hasPIN := parsed.GetQueryAttribute("pin-value", false)
	switch {
	case hasPIN:
		return refuse("must not hold a PIN (pin-value); name a file with it: " + PINVariable)
	case uri.token == "":
		return refuse("must name the token: pkcs11:token=LABEL;object=LABEL")
	case uri.object == "" && uri.id == "":
		return refuse("must name the key by object (its label) or by id")
	case path("type") != "" && path("type") != "private":
		return refuse("must be of type private, if any")
	case uri.module != "" && !filepath.IsAbs(uri.module):
		return refuse("module-path must be absolute")
	case uri.pinFile != "" && !filepath.IsAbs(uri.pinFile):
		return refuse("pin-source must be the absolute path of a file")
	}
	return uri, nil
}

// library is the path of the token's PKCS#11 library.
func (u keyURI) library() (string, error) {
	if u.module != "" {
		return u.module, nil
	}
	if path := os.Getenv(ModuleVariable); path != "" {
		return path, nil
	}
	return "", fault.New(fault.SignerUnavailable, "name the PKCS#11 library of the token %q: module-path in the key's URI, or %s", u.token, ModuleVariable)
}

// pin reads the token's PIN: the first line of a file, which may be encrypted as a key file.
func (u keyURI) pin() (string, error) {
	path := u.pinFile
	if path == "" {
		path = os.Getenv(PINVariable)
	}
	if path == "" {
		return "", fault.New(fault.SignerUnavailable, "name a file with the PIN of the token %q: %s", u.token, PINVariable)
	}
	raw, err := keyfile.Read(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fault.New(fault.SignerUnavailable, "there is no PIN in %s", path)
	}
	return line, nil
}
