package member

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Change is what a proposal would do to the consortium.
type Change struct {
	Action Action `json:"action"`
	MSP    string `json:"msp"`
	Kind   Kind   `json:"kind,omitempty"` // of an admitted organisation
}

// Action is the kind of a change.
type Action string

// The changes that the members vote on.
const (
	Admit     Action = "admit"
	Suspend   Action = "suspend"
	Reinstate Action = "reinstate"
)

// Validate reports every failure of the input with its field and value.
func (c Change) Validate() error {
	var bad fault.Fields
	if !slices.Contains([]Action{Admit, Suspend, Reinstate}, c.Action) {
		bad.Add("action", c.Action, "must be admit, suspend or reinstate")
	}
	if !mspPattern.MatchString(c.MSP) {
		bad.Add("msp", c.MSP, "must be an MSP id")
	}
	if c.Action == Admit && !slices.Contains(Kinds(), c.Kind) {
		bad.Add("kind", c.Kind, "must be one of %v", Kinds())
	}
	return bad.Err()
}

// ProposalStatus of a proposal: open until a majority is for it or can no longer be reached.
type ProposalStatus string

// The statuses of a proposal.
const (
	Open     ProposalStatus = "open"
	Adopted  ProposalStatus = "adopted"
	Rejected ProposalStatus = "rejected"
)

// Ballot is one organisation's vote.
type Ballot struct {
	MSP string    `json:"msp"`
	Yes bool      `json:"yes"`
	At  time.Time `json:"at"`
}

// Proposal is a change that the members vote on, one vote an organisation.
type Proposal struct {
	ID      string         `json:"id"`
	Change  Change         `json:"change"`
	Status  ProposalStatus `json:"status"`
	Ballots []Ballot       `json:"ballots"`
}

// Vote adds an organisation's ballot and decides the proposal when a majority of the consortium's voters is reached, or
// can no longer be. An organisation votes once.
func (p Proposal) Vote(msp string, yes bool, c Consortium, at time.Time) (Proposal, error) {
	if p.Status != Open {
		return p, fault.New(fault.TransitionDenied, "proposal %s is %s; it takes no more votes", p.ID, p.Status)
	}
	if slices.ContainsFunc(p.Ballots, func(b Ballot) bool { return b.MSP == msp }) {
		return p, fault.New(fault.AlreadyVoted, "%s has voted on proposal %s", msp, p.ID)
	}
	p.Ballots = append(slices.Clone(p.Ballots), Ballot{MSP: msp, Yes: yes, At: at})
	inFavour, against := 0, 0
	voters := c.Voters()
	for _, b := range p.Ballots {
		switch {
		case !slices.Contains(voters, b.MSP): // suspended since it voted: it counts no more
		case b.Yes:
			inFavour++
		default:
			against++
		}
	}
	switch {
	case inFavour >= c.Majority():
		p.Status = Adopted
	case against > len(voters)-c.Majority():
		p.Status = Rejected
	}
	return p, nil
}
