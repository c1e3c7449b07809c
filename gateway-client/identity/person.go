// Package identity says who is logged in at an organisation's service, and as which of its users they sign on the ledger.
package identity

import (
	"context"
	"slices"

	"github.com/tallystick/tallystick/chaincode/member"
)

// Person is who is logged in. What they may do is decided on the ledger by the certificate of the user as whom they sign;
// the fields here only choose what a page offers.
type Person struct {
	// Subject is the login: the provider's issuer and subject.
	Subject string `json:"subject"`
	// Name is what people call them.
	Name string `json:"name"`
	// User is the user of the organisation's profile whose certificate signs for them.
	User string `json:"user"`
	// Org is the organisation's name, MSP its MSP id, and Kind what it is in the consortium.
	Org  string      `json:"org"`
	MSP  string      `json:"msp"`
	Kind member.Kind `json:"kind"`
	// Party is the opaque id of the legal entity that they act for; "" where they act for no party.
	Party string        `json:"party,omitempty"`
	Roles []member.Role `json:"roles"`
}

// Has reports whether the person has the role.
func (p Person) Has(role member.Role) bool { return slices.Contains(p.Roles, role) }

type personKey struct{}

// With returns a context in which the person is logged in.
func With(ctx context.Context, p Person) context.Context {
	return context.WithValue(ctx, personKey{}, p)
}

// From returns who is logged in.
func From(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(personKey{}).(Person)
	return p, ok
}
