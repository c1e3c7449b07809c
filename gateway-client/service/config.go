// Package service is what an organisation runs beside its peer: its read model, its API and portal, and the loops that act for
// it, in one program with one configuration.
package service

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/outbox"
)

// Config is tallyd's one file.
type Config struct {
	// Profile is the organisation's profile.json; the keyring and the envelopes under way stand beside it.
	Profile string `koanf:"profile"`
	// Listen is a loopback address. A proxy before it ends TLS.
	Listen string `koanf:"listen"`
	// Database is "sqlite:PATH" or "postgres://…"; service.db beside the profile where it is empty.
	Database string `koanf:"database"`
	// Identity says who logs people in. The service has neither API nor portal where its URL is empty.
	Identity identity.Config `koanf:"identity"`
	// Reader is the user whose session reads the ledger; the profile's first user where it is empty.
	Reader Worker `koanf:"reader"`
	// Underwriter is set by a bank that has applications decided by its policy, Collateral by one that has goods watched.
	Underwriter Worker `koanf:"underwriter"`
	Collateral  Worker `koanf:"collateral"`
	// Collector is set by a warehouse that has devices' evidence anchored.
	Collector Collector `koanf:"collector"`
	Limits    Limits    `koanf:"limits"`
	// TelemetryEndpoint is where OpenTelemetry traces go (OTLP over HTTP); none are sent where it is empty.
	TelemetryEndpoint string `koanf:"telemetry_endpoint"`
}

// Worker says as which user of the profile a loop signs; the loop does not run where the user is empty.
type Worker struct {
	User string `koanf:"user"`
}

// Collector is the worker that gathers devices' evidence.
type Collector struct {
	User string `koanf:"user"`
	// Spool is the folder into which evidence comes, by hand or through the API; spool beside the profile where it is empty.
	Spool string `koanf:"spool"`
	// Archive keeps the readings behind the batches; the organisation's evidence folder where it is empty.
	Archive string `koanf:"archive"`
	// Every is how long readings are gathered.
	Every time.Duration `koanf:"every"`
}

// Limits bound what the service takes on.
type Limits struct {
	// RequestsPerMinute is for each person, or each address that is not logged in.
	RequestsPerMinute int `koanf:"requests_per_minute"`
	// Queue is how many operations may wait, InFlight how many are sent at a time.
	Queue    int `koanf:"queue"`
	InFlight int `koanf:"in_flight"`
	// BehindBlocks is how far the read model may be behind the ledger before the service says that it is not ready.
	BehindBlocks uint64 `koanf:"behind_blocks"`
}

const (
	// envPrefix marks environment variables that override the file: TALLYD_UNDERWRITER_USER is underwriter.user, and two
	// underscores stand for one: TALLYD_LIMITS_IN__FLIGHT is limits.in_flight.
	envPrefix           = "TALLYD_"
	defaultBehindBlocks = 100
	maxPerMinute        = 1_000_000
)

// LoadConfig reads the file, which may be "", and the environment over it.
func LoadConfig(path string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	overrides := env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: func(name, value string) (string, any) {
		name = strings.ToLower(strings.TrimPrefix(name, envPrefix))
		return strings.NewReplacer("__", "_", "_", ".").Replace(name), value
	}})
	if err := k.Load(overrides, nil); err != nil {
		return Config{}, err
	}
	c := Config{Listen: "127.0.0.1:0", Limits: Limits{RequestsPerMinute: identity.DefaultRequestsMinute, Queue: outbox.DefaultQueue,
		InFlight: outbox.DefaultInFlight, BehindBlocks: defaultBehindBlocks}}
	decode := koanf.UnmarshalConf{Tag: "koanf"}
	if err := k.UnmarshalWithConf("", &c, decode); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if unknown := strangers(k.Keys()); len(unknown) > 0 {
		return c, fmt.Errorf("%s: there are no settings %s", path, strings.Join(unknown, ", "))
	}
	return c, nil
}

// settings are the keys that a configuration may have; below identity.users stand names.
var settings = []string{"profile", "listen", "database", "identity.url", "identity.development", "identity.issuer", "identity.client_id",
	"identity.client_secret_file", "identity.audience", "identity.claim", "identity.users.", "reader.user", "underwriter.user", "collateral.user",
	"collector.user", "collector.spool", "collector.archive", "collector.every", "limits.requests_per_minute", "limits.queue", "limits.in_flight",
	"limits.behind_blocks", "telemetry_endpoint"}

// strangers lists the keys that are no settings: a misspelt one must not pass for a default.
func strangers(keys []string) []string {
	var unknown []string
next:
	for _, key := range keys {
		for _, known := range settings {
			if key == known || strings.HasSuffix(known, ".") && strings.HasPrefix(key, known) {
				continue next
			}
		}
		unknown = append(unknown, key)
	}
	return unknown
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var bad fault.Fields
	if c.Profile == "" {
		bad.Add("profile", c.Profile, "must be the path of the organisation's profile.json")
	}
	host, _, err := net.SplitHostPort(c.Listen)
	switch ip := net.ParseIP(host); {
	case err != nil:
		bad.Add("listen", c.Listen, "must be host:port")
	case ip == nil || !ip.IsLoopback():
		bad.Add("listen", c.Listen, "must be a loopback address; put a TLS proxy before the service to reach it from elsewhere")
	}
	for _, l := range []struct {
		field          string
		value, highest int
	}{{"requests_per_minute", c.Limits.RequestsPerMinute, maxPerMinute}, {"queue", c.Limits.Queue, maxPerMinute}, {"in_flight", c.Limits.InFlight, outbox.MaxInFlight}} {
		if l.value < 1 || l.value > l.highest {
			bad.Add("limits."+l.field, l.value, "must be 1 to %d", l.highest)
		}
	}
	if u, err := url.Parse(c.TelemetryEndpoint); c.TelemetryEndpoint != "" && (err != nil || u.Host == "") {
		bad.Add("telemetry_endpoint", c.TelemetryEndpoint, "must be http://HOST:PORT or https://HOST of an OpenTelemetry collector")
	}
	if c.Collector.Every < 0 {
		bad.Add("collector.every", c.Collector.Every, "must be a duration such as 15m")
	}
	if c.Identity.URL == "" {
		return bad.Err()
	}
	return errors.Join(bad.Err(), c.Identity.Validate())
}

// beside is the path, or the name beside the profile where the path is empty.
func (c Config) beside(path, name string) string {
	if path != "" {
		return path
	}
	return filepath.Join(filepath.Dir(c.Profile), name)
}

// dsn is the database's.
func (c Config) dsn() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + c.beside("", "service.db")
}
