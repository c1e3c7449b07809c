package service

import (
	"context"
	"sync"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/network/profile"
)

// directory looks people up in the organisation's profile; what the organisation is stands on the ledger.
type directory struct {
	profile *profile.Profile
	store   *projection.Store

	mu   sync.Mutex
	kind member.Kind
}

// Lookup implements identity.Directory. The kind is empty until the consortium is founded.
func (d *directory) Lookup(ctx context.Context, user string) (identity.Person, bool, error) {
	u, err := d.profile.User(user)
	if err != nil {
		return identity.Person{}, false, nil
	}
	kind, err := d.kindOf(ctx)
	p := identity.Person{User: u.Name, Org: d.profile.Org, MSP: d.profile.MSPID, Kind: kind, Party: u.Party}
	for _, r := range u.Roles {
		p.Roles = append(p.Roles, member.Role(r))
	}
	return p, true, err
}

func (d *directory) kindOf(ctx context.Context) (member.Kind, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kind != "" {
		return d.kind, nil
	}
	// Members are public: a host's viewer without a party sees them.
	m, err := d.store.Member(ctx, projection.Viewer{MSP: d.profile.MSPID, Kind: member.Supplier}, d.profile.MSPID)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return "", nil
	}
	d.kind = m.Kind
	return m.Kind, err
}
