// Package topology describes a consortium network: its organisations, which of them order transactions, and
// their users. It is read from a YAML file and says nothing about ports, folders or processes.
package topology

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Limits of a topology file.
const (
	maxFileBytes     = 1 << 20
	maxOrganizations = 20
	maxUsersPerOrg   = 200
	maxRolesPerUser  = 16
)

//go:embed topology.yaml
var defaultYAML []byte

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-zA-Z0-9]{0,30}$`)
	mspIDPattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,40}$`)
	channelPattern = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,200}$`)
	labelPattern   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)
)

// Topology is a consortium: one channel, one chaincode, and the organisations that run both.
type Topology struct {
	Channel       string         `yaml:"channel"`
	Chaincode     string         `yaml:"chaincode"`
	Endorsers     int            `yaml:"endorsers"` // organisations that must endorse a transaction
	Organizations []Organization `yaml:"organizations"`
}

// Organization runs one peer, and one orderer if Orderer is set.
type Organization struct {
	Name    string   `yaml:"name"`
	MSPID   string   `yaml:"mspId"`
	Orderer bool     `yaml:"orderer,omitempty"`
	Users   []User   `yaml:"users,omitempty"`
	Hosted  []Hosted `yaml:"hosted,omitempty"`
}

// Hosted is a party without a peer: its users are clients of the organisation that hosts it.
type Hosted struct {
	Alias string `yaml:"alias"`
	Users []User `yaml:"users"`
}

// User is a person or service with roles in its party.
type User struct {
	Name  string   `yaml:"name"`
	Roles []string `yaml:"roles"`
}

// Member is a user together with the party for which it acts.
type Member struct {
	User
	PartyAlias string
}

// Default returns the built-in consortium of six organisations.
func Default() *Topology {
	t, err := Parse(bytes.NewReader(defaultYAML))
	if err != nil {
		panic("built-in topology: " + err.Error())
	}
	return t
}

// DefaultYAML returns the text of the built-in topology, as a start for one's own file.
func DefaultYAML() []byte { return bytes.Clone(defaultYAML) }

// Load reads a topology file. An empty path means the built-in one.
func Load(path string) (*Topology, error) {
	if path == "" {
		return Default(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse reads and validates a topology. Unknown fields are errors.
func Parse(r io.Reader) (*Topology, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("a topology is at most %d bytes", maxFileBytes)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	t := &Topology{}
	if err := dec.Decode(t); err != nil {
		return nil, err
	}
	return t, t.Validate()
}

// Validate reports everything that is wrong with the topology, joined, each with its field and value.
func (t *Topology) Validate() error {
	var errs []error
	fail := func(field string, value any, want string) {
		errs = append(errs, fmt.Errorf("%s is %q: %s", field, fmt.Sprint(value), want))
	}
	if !channelPattern.MatchString(t.Channel) {
		fail("channel", t.Channel, "lower-case letters, digits, '.' and '-', starting with a letter")
	}
	if !labelPattern.MatchString(t.Chaincode) {
		fail("chaincode", t.Chaincode, "lower-case letters, digits and '-', starting with a letter")
	}
	if n := len(t.Organizations); n < 2 || n > maxOrganizations {
		fail("organizations", n, fmt.Sprintf("a consortium has 2 to %d", maxOrganizations))
	}
	if t.Endorsers < 1 || t.Endorsers > len(t.Organizations) {
		fail("endorsers", t.Endorsers, "at least 1 and at most the number of organisations")
	}
	if len(t.Orderers()) == 0 {
		fail("organizations", "no orderer", "at least one must have orderer: true")
	}
	seenOrg, seenMSP, seenParty := map[string]bool{}, map[string]bool{}, map[string]bool{}
	unique := func(seen map[string]bool, field, value string) {
		if key := strings.ToLower(value); seen[key] {
			fail(field, value, "used twice")
		} else {
			seen[key] = true
		}
	}
	for i, org := range t.Organizations {
		at := fmt.Sprintf("organizations[%d]", i)
		if !namePattern.MatchString(org.Name) {
			fail(at+".name", org.Name, "letters and digits, starting with a lower-case letter, at most 31")
		}
		if !mspIDPattern.MatchString(org.MSPID) {
			fail(at+".mspId", org.MSPID, "letters and digits, starting with a letter")
		}
		unique(seenOrg, at+".name", org.Name)
		unique(seenMSP, at+".mspId", org.MSPID)
		unique(seenParty, at+".name (as a party)", org.Name)
		for j, h := range org.Hosted {
			if !namePattern.MatchString(h.Alias) {
				fail(fmt.Sprintf("%s.hosted[%d].alias", at, j), h.Alias, "letters and digits, starting with a lower-case letter")
			}
			unique(seenParty, fmt.Sprintf("%s.hosted[%d].alias", at, j), h.Alias)
		}
		members := org.Members()
		if len(members) > maxUsersPerOrg {
			fail(at+".users", len(members), fmt.Sprintf("at most %d", maxUsersPerOrg))
		}
		seenUser := map[string]bool{}
		for _, m := range members {
			field := at + ".users." + m.Name
			if !namePattern.MatchString(m.Name) || m.Name == "admin" {
				fail(field, m.Name, "letters and digits, starting with a lower-case letter, and not admin")
			}
			unique(seenUser, field, m.Name)
			if len(m.Roles) == 0 || len(m.Roles) > maxRolesPerUser {
				fail(field+".roles", len(m.Roles), fmt.Sprintf("1 to %d roles", maxRolesPerUser))
			}
			for _, role := range m.Roles {
				if !labelPattern.MatchString(role) {
					fail(field+".roles", role, "lower-case letters, digits and '-'")
				}
			}
		}
	}
	return errors.Join(errs...)
}

// Members lists the organisation's users with their parties: its own first, then those of the hosted parties.
func (o Organization) Members() []Member {
	var out []Member
	for _, u := range o.Users {
		out = append(out, Member{User: u, PartyAlias: o.Name})
	}
	for _, h := range o.Hosted {
		for _, u := range h.Users {
			out = append(out, Member{User: u, PartyAlias: h.Alias})
		}
	}
	return out
}

// Orderers lists the organisations that run an orderer, in the file's order.
func (t *Topology) Orderers() []Organization {
	var out []Organization
	for _, o := range t.Organizations {
		if o.Orderer {
			out = append(out, o)
		}
	}
	return out
}

// Organization returns the organisation of that name.
func (t *Topology) Organization(name string) (Organization, bool) {
	for _, o := range t.Organizations {
		if o.Name == name {
			return o, true
		}
	}
	return Organization{}, false
}

// Marshal returns the topology as YAML that Parse reads back.
func (t *Topology) Marshal() ([]byte, error) { return yaml.Marshal(t) }
