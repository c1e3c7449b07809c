package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Credit is the contract of models, consents and scores. Models are public; consents and scores are for the bank's desk.
type Credit struct{ contractapi.Contract }

// Champion says which model a bank decides with.
type Champion struct {
	Bank  string `json:"bank"`
	Model string `json:"model"`
}

var (
	models     = ledger.Public[credit.Model]("model")
	scorecards = ledger.Public[scorecard.Scorecard]("scorecard") // id: hash
	champions  = ledger.Public[Champion]("champion")             // id: the bank's MSP id
	consents   = ledger.Sealed[credit.Consent]("consent")
	scores     = ledger.Sealed[credit.Score]("score")

	verifier credit.Verifier = credit.Addition{}
)

// CreditStatus is the answer of a transaction: nothing that an outsider must not see.
type CreditStatus struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// GetEvaluateTransactions names the functions that only read.
func (*Credit) GetEvaluateTransactions() []string {
	return []string{"Model", "Champion", "Scorecard", "Consent", "Score"}
}

// ProposeModel registers a scorecard (its JSON) as the caller's bank's model (JSON: credit.ModelProposal).
func (*Credit) ProposeModel(ctx *ledger.Context, proposal, card string) (*credit.Model, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("credit:ProposeModel")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Decode[credit.ModelProposal](proposal)
	if err != nil {
		return nil, err
	}
	parsed, err := scorecard.Parse([]byte(card))
	if err != nil {
		return nil, err
	}
	m, err := credit.NewModel(in, parsed, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if _, found, err := scorecards.Find(tx, m.CardHash); err != nil {
		return nil, err
	} else if !found {
		if err := scorecards.Create(tx, ledger.Governed, *parsed, m.CardHash); err != nil {
			return nil, err
		}
	}
	tx.Emit(ledger.Event{Type: "model.proposed", ID: m.ID, Ref: m.Bank})
	return &m, models.Create(tx, ledger.Governed, m, m.ID)
}

// ValidateModel accepts or rejects a proposed model (JSON: credit.Verdict). A new champion retires the one before it.
func (*Credit) ValidateModel(ctx *ledger.Context, id, verdict string) (*credit.Model, error) {
	return judgeModel(ctx, "credit:ValidateModel", id, func(tx *ledger.Tx, m credit.Model, by member.Actor) (credit.Model, error) {
		v, err := ledger.Decode[credit.Verdict](verdict)
		if err != nil {
			return m, err
		}
		return m.Judge(v, by, tx.Now())
	})
}

// PromoteModel makes a challenger the champion, on a validator's report (its SHA-256).
func (*Credit) PromoteModel(ctx *ledger.Context, id, reportHash string) (*credit.Model, error) {
	return judgeModel(ctx, "credit:PromoteModel", id, func(tx *ledger.Tx, m credit.Model, by member.Actor) (credit.Model, error) {
		return m.Promote(reportHash, by, tx.Now())
	})
}

// RetireModel takes a model of the caller's bank out of use.
func (*Credit) RetireModel(ctx *ledger.Context, id string) (*credit.Model, error) {
	return judgeModel(ctx, "credit:RetireModel", id, func(tx *ledger.Tx, m credit.Model, by member.Actor) (credit.Model, error) {
		return m.Retire(by, tx.Now())
	})
}

func judgeModel(ctx *ledger.Context, function, id string, rule func(*ledger.Tx, credit.Model, member.Actor) (credit.Model, error)) (*credit.Model, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise(function)
	if err != nil {
		return nil, err
	}
	m, err := models.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if m, err = rule(tx, m, actor); err != nil {
		return nil, err
	}
	if m.Status == credit.ModelChampion {
		if err := crown(tx, m); err != nil {
			return nil, err
		}
	}
	tx.Emit(ledger.Event{Type: "model." + string(m.Status), ID: m.ID, Ref: m.Bank})
	return &m, models.Update(tx, m, m.ID)
}

// crown makes the model its bank's champion and retires the one before it.
func crown(tx *ledger.Tx, m credit.Model) error {
	before, found, err := champions.Find(tx, m.Bank)
	if err != nil {
		return err
	}
	now := Champion{Bank: m.Bank, Model: m.ID}
	if !found {
		return champions.Create(tx, ledger.Governed, now, m.Bank)
	}
	old, err := models.Get(tx, before.Model)
	if err != nil {
		return err
	}
	if old.Status == credit.ModelChampion {
		if old, err = old.Supersede(tx.Now()); err != nil {
			return err
		}
		if err := models.Update(tx, old, old.ID); err != nil {
			return err
		}
	}
	return champions.Update(tx, now, m.Bank)
}

// GiveConsent lets a bank use the caller's party's record (sealed input: credit.ConsentInput), on the bank's desk.
func (*Credit) GiveConsent(ctx *ledger.Context, desk, id string) (*CreditStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "credit:GiveConsent")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[credit.ConsentInput](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another consent than %s", id)
	}
	if err := deskOf(tx, desk, in.Bank); err != nil {
		return nil, err
	}
	c, err := credit.Give(in, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "consent.given", ID: id, Circle: desk})
	return &CreditStatus{ID: id, Status: string(c.Status)}, consents.Create(tx, desk, c, id)
}

// WithdrawConsent ends a consent of the caller's party at once.
func (*Credit) WithdrawConsent(ctx *ledger.Context, id string) (*CreditStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "credit:WithdrawConsent")
	if err != nil {
		return nil, err
	}
	c, err := consents.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if c, err = c.Withdraw(actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "consent.withdrawn", ID: id})
	return &CreditStatus{ID: id, Status: string(c.Status)}, consents.Update(tx, c, id)
}

// SubmitScore records a score for an application (sealed input: credit.Submission), once the caller's endorsers have calculated
// it again.
func (*Credit) SubmitScore(ctx *ledger.Context, id string) (*CreditStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("credit:SubmitScore")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[credit.Submission](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another score than %s", id)
	}
	s, err := recordScore(tx, in, actor)
	return &CreditStatus{ID: id, Status: string(s.Status)}, err
}

// verifyScore makes a score of a submission about an application to the caller's bank, and writes nothing.
func verifyScore(tx *ledger.Tx, in credit.Submission, a financing.Application, by member.Actor) (credit.Score, error) {
	if a.ID != in.Application || a.Bank != by.MSP || a.Applicant != in.Subject || a.Consent != in.Consent {
		return credit.Score{}, fault.New(fault.ScoreNotUsable, "score %s is not about an application to %s", in.ID, by.MSP)
	}
	facts, err := scoreFacts(tx, in)
	if err != nil {
		return credit.Score{}, err
	}
	return credit.Accept(in, facts, verifier, by, tx.Now())
}

// recordScore verifies a score and writes it on the desk of its application.
func recordScore(tx *ledger.Tx, in credit.Submission, by member.Actor) (credit.Score, error) {
	a, desk, err := applicationOn(tx, in.Application)
	if err != nil {
		return credit.Score{}, err
	}
	s, err := verifyScore(tx, in, a, by)
	if err != nil {
		return s, err
	}
	if in.Replaces != "" {
		old, err := scores.Get(tx, in.Replaces)
		if err != nil {
			return s, err
		}
		if old, err = old.Supersede(s); err != nil {
			return s, err
		}
		if err := scores.Update(tx, old, old.ID); err != nil {
			return s, err
		}
	}
	tx.Emit(ledger.Event{Type: "score.submitted", ID: s.ID, Circle: desk, Ref: s.Application})
	return s, scores.Create(tx, desk, s, s.ID)
}

// scoreFacts loads what a submission refers to. A model or consent that is not there is left empty: the rules name the failure.
func scoreFacts(tx *ledger.Tx, in credit.Submission) (credit.Facts, error) {
	var facts credit.Facts
	var err error
	if facts.Consent, _, err = consents.Find(tx, in.Consent); err != nil {
		return facts, err
	}
	var found bool
	if facts.Model, found, err = models.Find(tx, in.Model); err != nil || !found {
		return facts, err
	}
	card, err := scorecards.Get(tx, facts.Model.CardHash)
	facts.Card = &card
	return facts, err
}

// Ground is a text that goes with a step, sealed.
type Ground struct {
	Text string `json:"text"`
}

// Appeal contests a score of the caller's party (sealed input: Ground). Nothing is decided with it until a person has answered.
func (*Credit) Appeal(ctx *ledger.Context, id string) (*CreditStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "credit:Appeal")
	if err != nil {
		return nil, err
	}
	return answerScore(tx, id, "score.appealed", func(s credit.Score, g Ground) (credit.Score, error) {
		return s.Contest(g.Text, actor, tx.Now())
	})
}

// Uphold answers an appeal: the score stands (sealed input: Ground).
func (*Credit) Uphold(ctx *ledger.Context, id string) (*CreditStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("credit:Uphold")
	if err != nil {
		return nil, err
	}
	return answerScore(tx, id, "score.upheld", func(s credit.Score, g Ground) (credit.Score, error) {
		return s.Uphold(g.Text, actor, tx.Now())
	})
}

func answerScore(tx *ledger.Tx, id, event string, rule func(credit.Score, Ground) (credit.Score, error)) (*CreditStatus, error) {
	g, err := ledger.Input[Ground](tx)
	if err != nil {
		return nil, err
	}
	s, err := scores.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if s, err = rule(s, g); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: event, ID: id, Ref: s.Application})
	return &CreditStatus{ID: id, Status: string(s.Status)}, scores.Update(tx, s, id)
}

// Model returns a model.
func (*Credit) Model(ctx *ledger.Context, id string) (*credit.Model, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("credit:Model"); err != nil {
		return nil, err
	}
	m, err := models.Get(tx, id)
	return &m, err
}

// Champion returns the model that a bank decides with.
func (*Credit) Champion(ctx *ledger.Context, bank string) (*credit.Model, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("credit:Champion"); err != nil {
		return nil, err
	}
	c, err := champions.Get(tx, bank)
	if err != nil {
		return nil, err
	}
	m, err := models.Get(tx, c.Model)
	return &m, err
}

// Scorecard returns a scorecard by its hash.
func (*Credit) Scorecard(ctx *ledger.Context, hash string) (*scorecard.Scorecard, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("credit:Scorecard"); err != nil {
		return nil, err
	}
	c, err := scorecards.Get(tx, hash)
	return &c, err
}

// Consent returns a consent, to its party, its bank and the regulator.
func (*Credit) Consent(ctx *ledger.Context, id string) (*credit.Consent, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("credit:Consent")
	if err != nil {
		return nil, err
	}
	c, err := consents.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return &c, forParty(tx, actor, c.Party, c.Bank)
}

// Score returns a score, to its subject, its bank and the regulator.
func (*Credit) Score(ctx *ledger.Context, id string) (*credit.Score, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("credit:Score")
	if err != nil {
		return nil, err
	}
	s, err := scores.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return &s, forParty(tx, actor, s.Subject, s.Bank)
}

// forParty returns NOT_PERMITTED unless the caller acts for the party, or for the bank, or is a regulator.
func forParty(tx *ledger.Tx, actor member.Actor, party, bank string) error {
	if actor.MSP == bank {
		return nil
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	if err != nil || m.Kind == member.Regulator {
		return err
	}
	if own, err := hosted(tx, actor); err != nil || own != party {
		return fault.New(fault.NotPermitted, "this is another party's")
	}
	return nil
}

// deskOf returns NOT_PERMITTED unless the circle is the bank's desk.
func deskOf(tx *ledger.Tx, id, bank string) error {
	c, err := ledger.Circles.Get(tx, id)
	if err != nil {
		return err
	}
	if c.Kind != "desk" || c.Founder != bank {
		return fault.New(fault.NotPermitted, "circle %s is not a desk of %s", id, bank)
	}
	return tx.CanRead(id)
}
