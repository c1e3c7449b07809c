package financing

import "github.com/tallystick/tallystick/chaincode/calendar"

// ScoreFact is what a decision needs of a verified score. Whoever makes it from the score on the ledger has checked that
// the score is usable.
type ScoreFact struct {
	ID          string        `json:"id"`
	Application string        `json:"application"`
	Subject     string        `json:"subject"`
	CardHash    string        `json:"card_hash"`
	Points      int64         `json:"points"`
	Reasons     []string      `json:"reasons"` // names of the features that cost points, ranked
	EvidenceOn  calendar.Date `json:"evidence_on"`
}

// CollateralFact is what a decision needs of a piece of collateral, taken from the ledger.
type CollateralFact struct {
	Ref
	Owner      string `json:"owner"` // party
	Currency   string `json:"currency"`
	ValueMinor int64  `json:"value_minor"` // face of a claim, value of goods
	// Buyer owes the claim; empty for goods.
	Buyer string `json:"buyer,omitempty"`
	// DueOn is the day on which the claim is due; no date for goods.
	DueOn calendar.Date `json:"due_on"`
	// Proved: the buyer has undertaken to pay, or devices have reported on the goods.
	Proved bool `json:"proved"`
	// Impaired: the claim is disputed or overdue, or the goods were not kept as they must be.
	Impaired bool `json:"impaired"`
	// EvidenceOn is the date of the oldest fact that the value rests on; no date where it cannot age.
	EvidenceOn calendar.Date `json:"evidence_on"`
	// ReservedFor is the application that holds the collateral.
	ReservedFor string `json:"reserved_for"`
}

// Headroom is the free room of one lane of a limit that the loan would draw on.
type Headroom struct {
	Kind      LimitKind `json:"kind"`
	Subject   string    `json:"subject"`
	Limit     string    `json:"limit"`
	Lane      int       `json:"lane"`
	FreeMinor int64     `json:"free_minor"`
}

// Case is everything that a decision depends on. The same case gives the same decision, byte for byte, on every peer.
type Case struct {
	Application Application      `json:"application"`
	Score       ScoreFact        `json:"score"`
	Collateral  []CollateralFact `json:"collateral"` // in the order of the application
	Headroom    []Headroom       `json:"headroom"`   // one for each of Draws
	// Programme is set for an early payment: it prices the offer.
	Programme *Programme `json:"programme,omitempty"`
	// Sectors are those under which the registers of the collateral's programmes have the applicant, sorted; Unclassified stands for
	// none. They are loaded where the policy limits sectors.
	Sectors []string `json:"sectors,omitempty"`
	// Findings are what looks wrong in the trades behind the application, proved by records on the ledger.
	Findings Findings      `json:"findings,omitzero"`
	Policy   Policy        `json:"policy"`
	Today    calendar.Date `json:"today"`
}
