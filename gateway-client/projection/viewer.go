// Package projection is an organisation's read model: the blocks of the ledger, opened with the keys that the organisation
// holds, as tables that answer pages, exports and searches.
package projection

import "github.com/tallystick/tallystick/chaincode/member"

// Viewer is for whom rows are read. Every read takes one, so that what somebody may see is decided in this package alone.
type Viewer struct {
	MSP  string
	Kind member.Kind
	// Party is the opaque id of the legal entity; a supplier's viewer without one sees nothing of the parties that it hosts.
	Party string
}

// Limits of a page.
const (
	DefaultPageSize = 50
	MaxPageSize     = 200
)

// Page asks for at most Size rows (1 to MaxPageSize; 0 stands for DefaultPageSize) after the cursor that the page before gave.
type Page struct {
	Size  int
	After string
}

// Slice is a page of rows; Next is "" on the last one.
type Slice[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}
