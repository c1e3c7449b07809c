package identity

import (
	"net/url"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/identity/development"
)

// Config says who logs people in, and which of the organisation's users they then are.
type Config struct {
	// URL is under which browsers reach the service: scheme and host, no path.
	URL string `koanf:"url"`
	// Development turns the embedded provider on; the fields about a provider are then not used.
	Development bool `koanf:"development"`
	// Issuer is the OpenID provider's.
	Issuer string `koanf:"issuer"`
	// ClientID and ClientSecretFile are the service as a client of the provider; a public client has no secret.
	ClientID         string `koanf:"client_id"`
	ClientSecretFile string `koanf:"client_secret_file"`
	// Audience is for whom the provider issues access tokens of machines; ClientID where it is empty.
	Audience string `koanf:"audience"`
	// Claim names the person in ID and access tokens; preferred_username where it is empty.
	Claim string `koanf:"claim"`
	// Users maps the claim's value to a user of the organisation's profile. Where it is empty, the claim is the user's name.
	Users map[string]string `koanf:"users"`
}

// maxUsers limits the map of users.
const maxUsers = 10_000

// Validate reports every field that is wrong.
func (c Config) Validate() error {
	var bad fault.Fields
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		bad.Add("identity.url", c.URL, "must be http://HOST:PORT or https://HOST, under which browsers reach the service")
	}
	if !c.Development {
		if c.Issuer == "" {
			bad.Add("identity.issuer", c.Issuer, "must be the URL of an OpenID provider, unless identity.development is true")
		}
		if c.ClientID == "" {
			bad.Add("identity.client_id", c.ClientID, "must be the service's client id at the provider")
		}
	}
	if len(c.Users) > maxUsers {
		bad.Add("identity.users", len(c.Users), "must be at most 10,000")
	}
	return bad.Err()
}

// secure reports whether browsers reach the service over TLS.
func (c Config) secure() bool { return strings.HasPrefix(c.URL, "https://") }

// provided is the configuration with the embedded provider's values filled in.
func (c Config) provided() Config {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.Development {
		c.Issuer, c.ClientID, c.Users = c.URL+development.Path, development.ClientID, nil
	}
	if c.Audience == "" {
		c.Audience = c.ClientID
	}
	if c.Claim == "" {
		c.Claim = "preferred_username"
	}
	return c
}

// user is the profile's user for a claim's value; "" where there is none.
func (c Config) user(claim string) string {
	if len(c.Users) == 0 {
		return claim
	}
	return c.Users[claim]
}
