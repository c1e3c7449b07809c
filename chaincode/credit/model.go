package credit

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// ModelStatus is where a model stands in its life.
type ModelStatus string

// The statuses of a model.
const (
	ModelProposed   ModelStatus = "proposed"
	ModelChallenger ModelStatus = "challenger"
	ModelChampion   ModelStatus = "champion"
	ModelRetired    ModelStatus = "retired"
	ModelRejected   ModelStatus = "rejected"
)

// ModelAction is a step in a model's life.
type ModelAction string

// The steps in a model's life.
const (
	ProposeModel         ModelAction = "propose"
	ValidateAsChampion   ModelAction = "validate_as_champion"
	ValidateAsChallenger ModelAction = "validate_as_challenger"
	RejectModel          ModelAction = "reject"
	PromoteModel         ModelAction = "promote"
	SupersedeModel       ModelAction = "supersede"
	RetireModel          ModelAction = "retire"
)

// ModelTable is the life of a model. It follows the roles of SR 11-7 (Federal Reserve and OCC, 2011, section V:
// validation by people who neither developed nor use the model).
var ModelTable = transition.Table[ModelStatus, ModelAction]{
	{From: "", Action: ProposeModel, To: ModelProposed, Who: "the bank's model owner", Why: "The scorecard's bytes and its documentation's hash are on the ledger; nobody may score with it yet."},
	{From: ModelProposed, Action: ValidateAsChampion, To: ModelChampion, Who: "a validator of another organisation", Why: "The bank may decide with it; the champion before it is retired in the same transaction."},
	{From: ModelProposed, Action: ValidateAsChallenger, To: ModelChallenger, Who: "a validator of another organisation", Why: "It scores in shadow, beside the champion."},
	{From: ModelProposed, Action: RejectModel, To: ModelRejected, Who: "a validator of another organisation", Why: "The documentation or the scorecard does not convince."},
	{From: ModelChallenger, Action: PromoteModel, To: ModelChampion, Who: "a validator of another organisation", Why: "The shadow scores were better; the champion before it is retired in the same transaction."},
	{From: ModelChallenger, Action: RetireModel, To: ModelRetired, Who: "the bank's model owner", Why: "It has lost."},
	{From: ModelChampion, Action: SupersedeModel, To: ModelRetired, Who: "the ledger", Why: "Another model has become the champion."},
	{From: ModelChampion, Action: RetireModel, To: ModelRetired, Who: "the bank's model owner", Why: "The bank stops deciding until it has another champion."},
}

// ModelProposal is what a model owner proposes. The scorecard goes beside it, whole; it is public.
type ModelProposal struct {
	ID string `json:"id"`
	// Intended says as what it is to be validated: champion or challenger.
	Intended ModelStatus `json:"intended"`
	// DocumentationHash is the SHA-256 of the model's documentation (the model report).
	DocumentationHash string `json:"documentation_hash"`
}

// Validate reports every failure of the input with its field and value.
func (p ModelProposal) Validate() error {
	var f fault.Fields
	checkID(&f, "id", p.ID)
	checkHash(&f, "documentation_hash", p.DocumentationHash)
	if p.Intended != ModelChampion && p.Intended != ModelChallenger {
		f.Add("intended", p.Intended, "must be champion or challenger")
	}
	return f.Err()
}

// Model is a scorecard that a bank has registered. Its identity is CardHash, the SHA-256 of the canonical bytes.
type Model struct {
	ID                string        `json:"id"`
	Bank              string        `json:"bank"` // MSP id of the bank that owns it
	Name              string        `json:"name"`
	Version           string        `json:"version"`
	CardHash          string        `json:"card_hash"`
	DocumentationHash string        `json:"documentation_hash"`
	Intended          ModelStatus   `json:"intended"`
	Status            ModelStatus   `json:"status"`
	ProposedBy        member.Actor  `json:"proposed_by"`
	ProposedAt        time.Time     `json:"proposed_at"`
	ValidatedBy       *member.Actor `json:"validated_by,omitempty"`
	ValidatedAt       time.Time     `json:"validated_at,omitzero"`
	// ReportHash is the SHA-256 of the validator's own report.
	ReportHash string    `json:"report_hash,omitempty"`
	RetiredAt  time.Time `json:"retired_at,omitzero"`
}

// NewModel registers a scorecard as proposed. The card must be valid (scorecard.Parse).
func NewModel(p ModelProposal, card *scorecard.Scorecard, by member.Actor, at time.Time) (Model, error) {
	if err := p.Validate(); err != nil {
		return Model{}, err
	}
	hash, err := card.Hash()
	if err != nil {
		return Model{}, err
	}
	status, err := ModelTable.Next("", ProposeModel)
	if err != nil {
		return Model{}, err
	}
	return Model{
		ID: p.ID, Bank: by.MSP, Name: card.Name, Version: card.Version, CardHash: hash, DocumentationHash: p.DocumentationHash,
		Intended: p.Intended, Status: status, ProposedBy: by, ProposedAt: at,
	}, nil
}

// Verdict is a validator's answer to a proposed model.
type Verdict struct {
	Accept bool `json:"accept"`
	// CardHash and DocumentationHash name what was validated, so that nobody can approve one thing and mean another.
	CardHash          string `json:"card_hash"`
	DocumentationHash string `json:"documentation_hash"`
	ReportHash        string `json:"report_hash"`
}

// Validate reports every failure of the input with its field and value.
func (v Verdict) Validate() error {
	var f fault.Fields
	checkHash(&f, "card_hash", v.CardHash)
	checkHash(&f, "documentation_hash", v.DocumentationHash)
	checkHash(&f, "report_hash", v.ReportHash)
	return f.Err()
}

// Judge validates or rejects a proposed model. The validator must belong to another organisation than the owner
// (MODEL_SELF_VALIDATED) and name the hashes that the proposal has (MODEL_HASH_MISMATCH).
func (m Model) Judge(v Verdict, by member.Actor, at time.Time) (Model, error) {
	if err := v.Validate(); err != nil {
		return m, err
	}
	action := RejectModel
	if v.Accept {
		action = ValidateAsChallenger
		if m.Intended == ModelChampion {
			action = ValidateAsChampion
		}
	}
	if v.CardHash != m.CardHash || v.DocumentationHash != m.DocumentationHash {
		return m, fault.New(fault.ModelHashMismatch, "the verdict names other hashes than model %s has", m.ID)
	}
	return m.validated(action, v.ReportHash, by, at)
}

// Promote makes a challenger the champion. The rules are those of Judge.
func (m Model) Promote(reportHash string, by member.Actor, at time.Time) (Model, error) {
	return m.validated(PromoteModel, reportHash, by, at)
}

func (m Model) validated(action ModelAction, reportHash string, by member.Actor, at time.Time) (Model, error) {
	if by.MSP == m.Bank || sameUser(by, m.ProposedBy) {
		return m, fault.New(fault.ModelSelfValidated, "model %s must be validated by another organisation than %s", m.ID, m.Bank)
	}
	next, err := ModelTable.Next(m.Status, action)
	if err != nil {
		return m, err
	}
	m.Status, m.ValidatedBy, m.ValidatedAt, m.ReportHash = next, &by, at, reportHash
	return m, nil
}

// Retire takes a model out of use. Only its own bank may (NOT_PERMITTED).
func (m Model) Retire(by member.Actor, at time.Time) (Model, error) {
	if by.MSP != m.Bank {
		return m, fault.New(fault.NotPermitted, "model %s belongs to another bank", m.ID)
	}
	return m.leave(RetireModel, at)
}

// Supersede retires a champion because another model has taken its place.
func (m Model) Supersede(at time.Time) (Model, error) { return m.leave(SupersedeModel, at) }

func (m Model) leave(action ModelAction, at time.Time) (Model, error) {
	next, err := ModelTable.Next(m.Status, action)
	if err != nil {
		return m, err
	}
	m.Status, m.RetiredAt = next, at
	return m, nil
}
