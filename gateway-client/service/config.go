// Package service is what an organisation runs beside its peer: the loops that act for it, and the endpoints that say how
// they are.
package service

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Config is tallyd's one file.
type Config struct {
	// Profile is the organisation's profile.json; the keyring and the outbox stand beside it.
	Profile string `koanf:"profile"`
	// Listen is the loopback address of /healthz and /readyz.
	Listen string `koanf:"listen"`
	// Underwriter is set by a bank that has applications decided by its policy.
	Underwriter Underwriter `koanf:"underwriter"`
}

// Underwriter says as which user the underwriting loop signs; none runs without one.
type Underwriter struct {
	User string `koanf:"user"`
}

// envPrefix marks environment variables that override the file: TALLYD_UNDERWRITER_USER is underwriter.user.
const envPrefix = "TALLYD_"

// LoadConfig reads the file, which may be "", and the environment over it.
func LoadConfig(path string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	overrides := env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: func(name, value string) (string, any) {
		return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "_", "."), value
	}})
	if err := k.Load(overrides, nil); err != nil {
		return Config{}, err
	}
	c := Config{Listen: "127.0.0.1:0"}
	if err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{Tag: "koanf"}); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Profile == "" {
		errs = append(errs, errors.New("profile: the path of the organisation's profile.json is missing"))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	switch ip := net.ParseIP(host); {
	case err != nil:
		errs = append(errs, fmt.Errorf("listen: %q is not host:port", c.Listen))
	case ip == nil || !ip.IsLoopback():
		errs = append(errs, fmt.Errorf("listen: %q is not a loopback address; put a TLS proxy before the service to reach it from elsewhere", c.Listen))
	}
	return errors.Join(errs...)
}
