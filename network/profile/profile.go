// Package profile is what a network tells its clients: where the nodes of every organisation are, which
// certificates to trust, and which users an organisation has. It imports nothing beyond the standard library.
package profile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File is the name of an organisation's profile in its folder.
const File = "profile.json"

// Profile is one organisation's view of the network. All paths are absolute.
type Profile struct {
	Network   string `json:"network"`
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`
	Org       string `json:"org"`
	MSPID     string `json:"mspId"`

	Peer       Node        `json:"peer"`       // the organisation's own peer: its gateway
	Peers      []Node      `json:"peers"`      // the peers of all organisations
	Orderers   []Node      `json:"orderers"`   // all orderers
	Users      []User      `json:"users"`      // the organisation's users
	Admin      User        `json:"admin"`      // the organisation's administrator
	Operations []Operation `json:"operations"` // health and metrics of the organisation's nodes
	CA         CA          `json:"ca"`
}

// Node is a peer or an orderer as a client on this machine reaches it.
type Node struct {
	Name          string `json:"name"`
	Org           string `json:"org"`
	MSPID         string `json:"mspId"`
	Endpoint      string `json:"endpoint"` // host:port
	TLSServerName string `json:"tlsServerName"`
	TLSCAFile     string `json:"tlsCaFile"`
}

// User is an identity that the organisation's CA issued. Party and roles stand in the certificate; name and
// party alias stand only here.
type User struct {
	Name       string   `json:"name"`
	Party      string   `json:"party,omitempty"`
	PartyAlias string   `json:"partyAlias,omitempty"`
	Roles      []string `json:"roles,omitempty"`
	CertFile   string   `json:"certFile"`
	// KeyFile holds the private key, unless KeyURI names one in a hardware token (RFC 7512).
	KeyFile string `json:"keyFile,omitempty"`
	KeyURI  string `json:"keyUri,omitempty"`
	MSPDir  string `json:"mspDir"`
}

// Operation is the operations endpoint of a node: https, with /healthz open and /metrics for holders of a
// client certificate of the organisation's TLS CA.
type Operation struct {
	Node          string `json:"node"`
	URL           string `json:"url"`
	TLSServerName string `json:"tlsServerName"`
	TLSCAFile     string `json:"tlsCaFile"`
	CertFile      string `json:"certFile"`
	KeyFile       string `json:"keyFile"`
}

// CA is where the organisation's users are registered and enrolled.
type CA struct {
	Name          string `json:"name"`
	URL           string `json:"url"`
	TLSServerName string `json:"tlsServerName"`
	TLSCAFile     string `json:"tlsCaFile"`
}

// Network is the profiles of all organisations, by organisation name.
type Network struct {
	Name string
	Dir  string // the network's state folder
	Orgs map[string]*Profile
}

// Load reads one organisation's profile.json.
func Load(path string) (*Profile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("network profile: %w (start the network with: tallynet up)", err)
	}
	p := &Profile{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("network profile %s: %w", path, err)
	}
	return p, nil
}

// LoadNetwork reads the profiles of all organisations below a network's state folder.
func LoadNetwork(dir string) (*Network, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "orgs", "*", File))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no network profile below %s (start the network with: tallynet up)", dir)
	}
	n := &Network{Dir: dir, Orgs: map[string]*Profile{}}
	for _, path := range paths {
		p, err := Load(path)
		if err != nil {
			return nil, err
		}
		n.Name = p.Network
		n.Orgs[p.Org] = p
	}
	return n, nil
}

// User returns the organisation's user of that name.
func (p *Profile) User(name string) (User, error) {
	var names []string
	for _, u := range p.Users {
		if u.Name == name {
			return u, nil
		}
		names = append(names, u.Name)
	}
	return User{}, fmt.Errorf("organisation %s has no user %q; it has %s", p.Org, name, strings.Join(names, ", "))
}

// StateRoot is the folder below which networks keep their state: TALLYNET_STATE, or tallystick in the user's
// data folder (XDG_DATA_HOME, ~/.local/share).
func StateRoot() (string, error) {
	if dir := os.Getenv("TALLYNET_STATE"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tallystick"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share", "tallystick"), nil
}
