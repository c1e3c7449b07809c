package credit

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// Scope is what a consent allows.
type Scope string

// The scopes. A consent names each that it gives; nothing is implied.
const (
	ScopeScore    Scope = "score"    // calculate a score from the party's trade record for an application
	ScopeMonitor  Scope = "monitor"  // calculate it again while a loan is outstanding
	ScopeTraining Scope = "training" // use the record to train models
)

// ConsentStatus is where a consent stands.
type ConsentStatus string

// The statuses of a consent. It also ends with its last day, without a step.
const (
	ConsentGiven     ConsentStatus = "given"
	ConsentWithdrawn ConsentStatus = "withdrawn"
)

// ConsentAction is a step in a consent's life.
type ConsentAction string

// The steps in a consent's life.
const (
	GiveConsent     ConsentAction = "give"
	WithdrawConsent ConsentAction = "withdraw"
)

// ConsentTable is the life of a consent (Regulation (EU) 2016/679, article 7(3): as easy to withdraw as to give).
var ConsentTable = transition.Table[ConsentStatus, ConsentAction]{
	{From: "", Action: GiveConsent, To: ConsentGiven, Who: "a user of the SME", Why: "The bank may use the party's record for the scopes named, until the last day."},
	{From: ConsentGiven, Action: WithdrawConsent, To: ConsentWithdrawn, Who: "a user of the SME", Why: "No further score; what was decided before stands."},
}

// ConsentInput is what the SME gives.
type ConsentInput struct {
	ID      string        `json:"id"`
	Bank    string        `json:"bank"` // MSP id
	Scopes  []Scope       `json:"scopes"`
	LastDay calendar.Date `json:"last_day"` // the consent ends with this day
}

// Validate reports every failure of the input with its field and value.
func (in ConsentInput) Validate() error {
	var f fault.Fields
	checkID(&f, "id", in.ID)
	if in.Bank == "" || len(in.Bank) > 64 {
		f.Add("bank", in.Bank, "must be the MSP id of a bank")
	}
	if len(in.Scopes) == 0 || len(in.Scopes) > 3 {
		f.Add("scopes", len(in.Scopes), "must name 1 to 3 scopes")
	}
	for i, s := range in.Scopes {
		if s != ScopeScore && s != ScopeMonitor && s != ScopeTraining {
			f.Add("scopes", s, "must be score, monitor or training")
		}
		if slices.Contains(in.Scopes[:i], s) {
			f.Add("scopes", s, "must be named once")
		}
	}
	in.LastDay.Check(&f, "last_day")
	return f.Err()
}

// Consent is a party's permission to a bank.
type Consent struct {
	ID          string        `json:"id"`
	Party       string        `json:"party"`
	Bank        string        `json:"bank"`
	Scopes      []Scope       `json:"scopes"`
	LastDay     calendar.Date `json:"last_day"`
	Status      ConsentStatus `json:"status"`
	GivenBy     member.Actor  `json:"given_by"`
	GivenAt     time.Time     `json:"given_at"`
	WithdrawnBy *member.Actor `json:"withdrawn_by,omitempty"`
	WithdrawnAt time.Time     `json:"withdrawn_at,omitzero"`
}

// Give makes a consent of the actor's party.
func Give(in ConsentInput, by member.Actor, at time.Time) (Consent, error) {
	if err := in.Validate(); err != nil {
		return Consent{}, err
	}
	if by.Party == "" {
		return Consent{}, fault.New(fault.NotPermitted, "only a user of a party can give its consent")
	}
	var f fault.Fields
	calendar.CheckTenor(&f, "last_day", calendar.From(at), in.LastDay, 0, MaxConsentDays)
	if err := f.Err(); err != nil {
		return Consent{}, err
	}
	status, err := ConsentTable.Next("", GiveConsent)
	if err != nil {
		return Consent{}, err
	}
	return Consent{
		ID: in.ID, Party: by.Party, Bank: in.Bank, Scopes: in.Scopes, LastDay: in.LastDay, Status: status, GivenBy: by, GivenAt: at,
	}, nil
}

// Withdraw ends a consent at once. Only a user of the party may.
func (c Consent) Withdraw(by member.Actor, at time.Time) (Consent, error) {
	if by.Party == "" || by.Party != c.Party {
		return c, fault.New(fault.NotPermitted, "consent %s belongs to another party", c.ID)
	}
	next, err := ConsentTable.Next(c.Status, WithdrawConsent)
	if err != nil {
		return c, err
	}
	c.Status, c.WithdrawnBy, c.WithdrawnAt = next, &by, at
	return c, nil
}

// Allows returns nil where the consent lets the bank use the party's record for the scope today, else CONSENT_MISSING.
func (c Consent) Allows(party, bank string, scope Scope, today calendar.Date) error {
	why := ""
	switch {
	case c.ID == "":
		why = "there is none"
	case c.Party != party:
		why = "it is another party's"
	case c.Bank != bank:
		why = "it is for another bank"
	case c.Status != ConsentGiven:
		why = "it was withdrawn"
	case today.After(c.LastDay):
		why = "it has expired"
	case today.Before(calendar.From(c.GivenAt)):
		why = "it was given later"
	case !slices.Contains(c.Scopes, scope):
		why = "it does not cover " + string(scope)
	default:
		return nil
	}
	return fault.New(fault.ConsentMissing, "no consent: %s", why)
}
