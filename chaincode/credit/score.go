package credit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// ScoreStatus is where a score stands.
type ScoreStatus string

// The statuses of a score. It also ends with its last day, without a step.
const (
	ScoreCurrent    ScoreStatus = "current"
	ScoreAppealed   ScoreStatus = "appealed"
	ScoreUpheld     ScoreStatus = "upheld"
	ScoreSuperseded ScoreStatus = "superseded"
)

// ScoreAction is a step in a score's life.
type ScoreAction string

// The steps in a score's life.
const (
	SubmitScore ScoreAction = "submit"
	AppealScore ScoreAction = "appeal"
	UpholdScore ScoreAction = "uphold"
	Rescore     ScoreAction = "rescore"
)

// ScoreTable is the life of a score. The appeal is the right to contest a decision of Regulation (EU) 2016/679, article
// 22(3), and to a review by a person of Directive (EU) 2023/2225, article 18(8).
var ScoreTable = transition.Table[ScoreStatus, ScoreAction]{
	{From: "", Action: SubmitScore, To: ScoreCurrent, Who: "the bank's underwriter", Why: "Every endorser has calculated it again."},
	{From: ScoreCurrent, Action: AppealScore, To: ScoreAppealed, Who: "a user of the SME", Why: "The SME says which facts are wrong; nothing is decided with the score until a person has answered."},
	{From: ScoreAppealed, Action: UpholdScore, To: ScoreUpheld, Who: "the bank's checker", Why: "A person has looked and the score stands; the ground is recorded."},
	{From: ScoreCurrent, Action: Rescore, To: ScoreSuperseded, Who: "the bank's underwriter", Why: "A newer score of the same application takes its place."},
	{From: ScoreAppealed, Action: Rescore, To: ScoreSuperseded, Who: "the bank's underwriter", Why: "The appeal was right: a new score from corrected facts takes its place."},
	{From: ScoreUpheld, Action: Rescore, To: ScoreSuperseded, Who: "the bank's underwriter", Why: "A newer score of the same application takes its place."},
}

// Submission is what a bank submits, sealed.
type Submission struct {
	ID          string `json:"id"`
	Application string `json:"application"` // what the score is for
	Subject     string `json:"subject"`     // the party that is scored
	Model       string `json:"model"`       // id of the registered model
	Consent     string `json:"consent"`     // id of the subject's consent
	Claim       Claim  `json:"claim"`
	Proof       Proof  `json:"proof"`
	// EvidenceBlock is the height of the ledger whose facts the features were taken from, EvidenceOn its business date.
	EvidenceBlock uint64        `json:"evidence_block"`
	EvidenceOn    calendar.Date `json:"evidence_on"`
	LastDay       calendar.Date `json:"last_day"` // the score ends with this day
	// InputCommitment binds the bank to the raw inputs (Commit) without showing them.
	InputCommitment string `json:"input_commitment"`
	// Replaces is the id of the score that this one takes the place of; empty for a first one.
	Replaces string `json:"replaces,omitempty"`
}

// Validate reports every failure of the input with its field and value.
func (s Submission) Validate() error {
	var f fault.Fields
	checkID(&f, "id", s.ID)
	checkID(&f, "application", s.Application)
	checkID(&f, "subject", s.Subject)
	checkID(&f, "model", s.Model)
	checkID(&f, "consent", s.Consent)
	checkHash(&f, "input_commitment", s.InputCommitment)
	s.EvidenceOn.Check(&f, "evidence_on")
	s.LastDay.Check(&f, "last_day")
	if s.Replaces != "" {
		checkID(&f, "replaces", s.Replaces)
	}
	if len(s.Claim.Reasons) > MaxReasons {
		f.Add("claim.reasons", len(s.Claim.Reasons), "there may be at most %d", MaxReasons)
	}
	if len(s.Proof.Vector) > scorecard.MaxFeatures {
		f.Add("proof.vector", len(s.Proof.Vector), "may have at most %d bins", scorecard.MaxFeatures)
	}
	if s.Proof.Method != ByAddition {
		f.Add("proof.method", s.Proof.Method, "must be %s", ByAddition)
	}
	return f.Err()
}

// Score is a score that the endorsers have verified.
type Score struct {
	Submission
	Bank        string       `json:"bank"`
	CardHash    string       `json:"card_hash"`
	Shadow      bool         `json:"shadow,omitempty"` // by a challenger: nothing may be decided with it
	Status      ScoreStatus  `json:"status"`
	SubmittedBy member.Actor `json:"submitted_by"`
	SubmittedAt time.Time    `json:"submitted_at"`
	Appeal      *Appeal      `json:"appeal,omitempty"`
}

// Appeal is the SME's objection to a score and the bank's answer.
type Appeal struct {
	Ground     string       `json:"ground"`
	By         member.Actor `json:"by"`
	At         time.Time    `json:"at"`
	Answer     string       `json:"answer,omitempty"`
	AnsweredBy member.Actor `json:"answered_by,omitzero"`
	AnsweredAt time.Time    `json:"answered_at,omitzero"`
}

// Facts are the records that a submission refers to, as the ledger holds them.
type Facts struct {
	Model   Model
	Card    *scorecard.Scorecard
	Consent Consent
}

// Accept makes a score of a submission after every check. It returns MODEL_NOT_CHAMPION for a model that is not this
// bank's champion (a challenger's score is accepted as a shadow), CONSENT_MISSING, SCORE_EXPIRED for a last day that is
// past, INPUT_INVALID for evidence from the future or a life that is too long, SCORE_MISMATCH from the verifier.
func Accept(s Submission, facts Facts, v Verifier, by member.Actor, at time.Time) (Score, error) {
	if err := s.Validate(); err != nil {
		return Score{}, err
	}
	today := calendar.From(at)
	m := facts.Model
	if m.ID != s.Model || m.Bank != by.MSP || m.Status != ModelChampion && m.Status != ModelChallenger {
		return Score{}, fault.New(fault.ModelNotChampion, "model %s is not a model that %s may score with", s.Model, by.MSP)
	}
	if hash, err := facts.Card.Hash(); err != nil || hash != m.CardHash {
		return Score{}, fault.New(fault.ModelHashMismatch, "the scorecard is not the one that model %s is registered with", m.ID)
	}
	if facts.Consent.ID != s.Consent {
		return Score{}, fault.New(fault.ConsentMissing, "no consent: there is none")
	}
	if err := facts.Consent.Allows(s.Subject, by.MSP, ScopeScore, today); err != nil {
		return Score{}, err
	}
	if today.After(s.LastDay) {
		return Score{}, fault.New(fault.ScoreExpired, "the last day of score %s is past", s.ID)
	}
	var f fault.Fields
	if s.EvidenceOn.After(today) {
		f.Add("evidence_on", s.EvidenceOn, "must not be in the future")
	}
	calendar.CheckTenor(&f, "last_day", s.EvidenceOn, s.LastDay, 0, MaxScoreDays)
	if err := f.Err(); err != nil {
		return Score{}, err
	}
	if err := v.Verify(facts.Card, s.Claim, s.Proof); err != nil {
		return Score{}, err
	}
	status, err := ScoreTable.Next("", SubmitScore)
	if err != nil {
		return Score{}, err
	}
	return Score{
		Submission: s, Bank: by.MSP, CardHash: m.CardHash, Shadow: m.Status == ModelChallenger,
		Status: status, SubmittedBy: by, SubmittedAt: at,
	}, nil
}

// Usable returns nil where a bank may decide with the score today, else SCORE_EXPIRED or SCORE_NOT_USABLE (a shadow
// score, one under appeal, one that was superseded).
func (s Score) Usable(today calendar.Date) error {
	switch {
	case s.Shadow:
		return fault.New(fault.ScoreNotUsable, "score %s is a challenger's", s.ID)
	case s.Status != ScoreCurrent && s.Status != ScoreUpheld:
		return fault.New(fault.ScoreNotUsable, "score %s is %s", s.ID, s.Status)
	case today.After(s.LastDay):
		return fault.New(fault.ScoreExpired, "score %s has expired", s.ID)
	}
	return nil
}

// Contest is the SME's appeal. Only a user of the subject may (NOT_PERMITTED), with a ground of 1 to 512 bytes.
func (s Score) Contest(ground string, by member.Actor, at time.Time) (Score, error) {
	if by.Party == "" || by.Party != s.Subject {
		return s, fault.New(fault.NotPermitted, "score %s is about another party", s.ID)
	}
	if err := checkText("ground", ground); err != nil {
		return s, err
	}
	next, err := ScoreTable.Next(s.Status, AppealScore)
	if err != nil {
		return s, err
	}
	s.Status, s.Appeal = next, &Appeal{Ground: ground, By: by, At: at}
	return s, nil
}

// Uphold answers an appeal: the score stands. It takes a person of the bank who did not submit the score.
func (s Score) Uphold(answer string, by member.Actor, at time.Time) (Score, error) {
	if by.MSP != s.Bank {
		return s, fault.New(fault.NotPermitted, "score %s belongs to another bank", s.ID)
	}
	if sameUser(by, s.SubmittedBy) {
		return s, fault.New(fault.MakerIsChecker, "an appeal is answered by somebody else than who submitted the score")
	}
	if err := checkText("answer", answer); err != nil {
		return s, err
	}
	next, err := ScoreTable.Next(s.Status, UpholdScore)
	if err != nil {
		return s, err
	}
	appeal := *s.Appeal
	appeal.Answer, appeal.AnsweredBy, appeal.AnsweredAt = answer, by, at
	s.Status, s.Appeal = next, &appeal
	return s, nil
}

// Supersede ends a score because a newer one of the same application, subject and bank takes its place.
func (s Score) Supersede(newer Score) (Score, error) {
	if newer.Replaces != s.ID || newer.Application != s.Application || newer.Subject != s.Subject || newer.Bank != s.Bank {
		return s, fault.New(fault.ScoreNotUsable, "score %s does not take the place of %s", newer.ID, s.ID)
	}
	next, err := ScoreTable.Next(s.Status, Rescore)
	if err != nil {
		return s, err
	}
	s.Status = next
	return s, nil
}

// Commit is the salted commitment to the raw inputs of a score: HMAC-SHA-256 keyed by the salt (32 random bytes that the
// bank keeps) over their canonical JSON, in hexadecimal.
func Commit(salt, inputs []byte) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write(inputs)
	return hex.EncodeToString(mac.Sum(nil))
}

func checkText(path, text string) error {
	var f fault.Fields
	if text == "" || len(text) > MaxTextBytes {
		f.Add(path, text, "must have 1 to %d bytes", MaxTextBytes)
	}
	return f.Err()
}
