// Package member says who takes part: the organisations of the consortium, what each of them is, and the people and
// services that act for them.
package member

import "slices"

// Kind says what an organisation is in the consortium. It decides which functions its people may call.
type Kind string

// The kinds of organisation.
const (
	Buyer     Kind = "buyer"     // a core enterprise: confirms invoices and pays at maturity
	Supplier  Kind = "supplier"  // hosts the SMEs that have no peer of their own
	Bank      Kind = "bank"      // scores, approves and funds
	Warehouse Kind = "warehouse" // issues receipts and attaches device evidence
	Regulator Kind = "regulator" // reads everything, changes nothing
)

// Kinds lists every kind, in the order in which people name them.
func Kinds() []Kind { return []Kind{Buyer, Supplier, Bank, Warehouse, Regulator} }

// Role is what a person or service may do for its organisation or party; the Fabric CA issues it in the certificate's
// attribute "roles".
type Role string

// The roles.
const (
	Maker       Role = "maker"       // prepares
	Checker     Role = "checker"     // approves what somebody else prepared
	Governor    Role = "governor"    // registers keys, founds programmes, votes
	Host        Role = "host"        // the supplier organisation's staff: registers the parties that it hosts
	Risk        Role = "risk"        // writes and approves a bank's policy
	ModelOwner  Role = "modelowner"  // proposes a scorecard
	Validator   Role = "validator"   // validates somebody else's scorecard
	Underwriter Role = "underwriter" // the bank's service: scores and decides by policy
	Operator    Role = "operator"    // runs the warehouse
	Collector   Role = "collector"   // the warehouse's service: anchors device evidence
	Auditor     Role = "auditor"     // the regulator's staff
)

// Actor is who signed an operation: one user of one party of one organisation.
type Actor struct {
	MSP   string `json:"msp"`   // the organisation's MSP id
	Party string `json:"party"` // the opaque id of the legal entity that the user acts for
	User  string `json:"user"`  // an opaque id of the certificate's subject, the same for as long as the user exists
	Roles []Role `json:"roles"`
}

// Has reports whether the actor holds the role.
func (a Actor) Has(role Role) bool { return slices.Contains(a.Roles, role) }
