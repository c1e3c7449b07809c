package fabric

import (
	"path/filepath"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/keyring"
	"github.com/tallystick/tallystick/network/profile"
)

// OpenSession connects a user of the profile, with the organisation's keyring and outbox below the folder. The returned
// function ends the connection.
func OpenSession(p *profile.Profile, user, dir string) (*consortium.Session, func() error, error) {
	ring, err := keyring.Open(filepath.Join(dir, "keyring"))
	if err != nil {
		return nil, nil, err
	}
	gateway, err := Connect(p, user, filepath.Join(dir, "outbox"))
	if err != nil {
		return nil, nil, err
	}
	return consortium.NewSession(gateway, ring), gateway.Close, nil
}
