package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Financing is the contract of policies, applications, decisions, loans and limits. All of it is for the bank's desk.
type Financing struct{ contractapi.Contract }

// FinancingStatus is the answer of a transaction: nothing that an outsider must not see.
type FinancingStatus struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	// Loan is the loan that came of an application.
	Loan string `json:"loan,omitempty"`
}

// GetEvaluateTransactions names the functions that only read.
func (*Financing) GetEvaluateTransactions() []string {
	return []string{"Application", "Applications", "OpenApplications", "Case", "Loan", "Loans", "Policy", "ActivePolicy", "Limit", "Offers", "Explain", "Dossier", "Programme", "Enrolment"}
}

// ProposePolicy writes a new version of the caller's bank's policy (sealed input: financing.PolicyProposal).
func (*Financing) ProposePolicy(ctx *ledger.Context, desk, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:ProposePolicy")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.PolicyProposal](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another policy than %s", id)
	}
	if err := deskOf(tx, desk, actor.MSP); err != nil {
		return nil, err
	}
	var before *financing.Policy
	if p, found, err := findActivePolicy(tx, desk); err != nil {
		return nil, err
	} else if found {
		before = &p
	}
	p, err := financing.NewPolicy(in, before, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "policy.proposed", ID: id, Circle: desk})
	return &FinancingStatus{ID: id, Status: string(p.Status)}, policies.Create(tx, desk, p, id)
}

// ApprovePolicy makes a proposed policy the active one, by another user of the same bank.
func (*Financing) ApprovePolicy(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	p, desk, err := answerPolicy(tx, "financing:ApprovePolicy", id, true)
	if err != nil {
		return nil, err
	}
	before, found, err := findActivePolicy(tx, desk)
	if err != nil {
		return nil, err
	}
	active := ActivePolicy{Policy: id}
	if !found {
		return &FinancingStatus{ID: id, Status: string(p.Status)}, activePolicies.Create(tx, desk, active, desk)
	}
	if p.Version != before.Version+1 {
		return nil, fault.New(fault.PolicyNotActive, "another version has become active since policy %s was proposed", id)
	}
	if before, err = before.Supersede(); err != nil {
		return nil, err
	}
	if err := policies.Update(tx, before, before.ID); err != nil {
		return nil, err
	}
	return &FinancingStatus{ID: id, Status: string(p.Status)}, activePolicies.Update(tx, active, desk)
}

// RejectPolicy refuses a proposed policy, by another user of the same bank.
func (*Financing) RejectPolicy(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	p, _, err := answerPolicy(ctx.Tx(), "financing:RejectPolicy", id, false)
	return &FinancingStatus{ID: id, Status: string(p.Status)}, err
}

func answerPolicy(tx *ledger.Tx, function, id string, approve bool) (financing.Policy, string, error) {
	actor, err := tx.Authorise(function)
	if err != nil {
		return financing.Policy{}, "", err
	}
	p, err := policies.Get(tx, id)
	if err != nil {
		return p, "", err
	}
	if p, err = p.Answer(approve, actor, tx.Now()); err != nil {
		return p, "", err
	}
	desk, err := tx.CircleOf(policies.Type(), id)
	if err != nil {
		return p, "", err
	}
	tx.Emit(ledger.Event{Type: "policy." + string(p.Status), ID: id, Circle: desk})
	return p, desk, policies.Update(tx, p, id)
}

// Apply applies to the desk's bank for the caller's party (sealed input: financing.Request), and reserves the collateral.
// COLLATERAL_ENCUMBERED where another financing holds a part of it.
func (*Financing) Apply(ctx *ledger.Context, desk, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:Apply")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.Request](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the sealed input is for another application than %s", id)
	}
	if err := deskOf(tx, desk, in.Bank); err != nil {
		return nil, err
	}
	p, err := activePolicy(tx, desk)
	if err != nil {
		return nil, err
	}
	a, err := financing.Apply(in, p, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := reserveCollateral(tx, a); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "application.submitted", ID: id, Circle: desk})
	return statusOf(a), applications.Create(tx, desk, a, id)
}

// Decide decides an application (sealed input: financing.Claimed). Every endorser decides it again; anything else than the
// policy's decision is refused with DECISION_OUTSIDE_POLICY.
func (*Financing) Decide(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Decide")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.Claimed](tx)
	if err != nil {
		return nil, err
	}
	s, err := scores.Get(tx, in.Score)
	if err != nil {
		return nil, err
	}
	return decide(tx, id, in, s, actor)
}

// ScoredClaim is a score and the decision that follows from it.
type ScoredClaim struct {
	Submission credit.Submission `json:"submission"`
	Claimed    financing.Claimed `json:"claimed"`
}

// Validate reports every failure of the input with its field and value.
func (c ScoredClaim) Validate() error {
	if err := c.Submission.Validate(); err != nil {
		return err
	}
	return c.Claimed.Validate()
}

// ScoreAndDecide submits a score and decides with it, in one transaction (sealed input: ScoredClaim). The rules are those of
// credit:SubmitScore and Decide; it saves waiting for a block between the two.
func (*Financing) ScoreAndDecide(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:ScoreAndDecide")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[ScoredClaim](tx)
	if err != nil {
		return nil, err
	}
	if in.Claimed.Score != in.Submission.ID {
		return nil, fault.New(fault.ScoreNotUsable, "the decision rests on another score than %s", in.Submission.ID)
	}
	s, err := recordScore(tx, in.Submission, actor)
	if err != nil {
		return nil, err
	}
	return decide(tx, id, in.Claimed, s, actor)
}

func decide(tx *ledger.Tx, id string, in financing.Claimed, s credit.Score, by member.Actor) (*FinancingStatus, error) {
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	if a.Bank != by.MSP {
		return nil, fault.New(fault.NotPermitted, "application %s is not to this bank", id)
	}
	c, fresh, err := loadCase(tx, a, desk, s, brought{lanes: in.Lanes, trips: in.Trips})
	if err != nil {
		return nil, err
	}
	want, err := financing.Decide(c)
	if err != nil {
		return nil, err
	}
	if err := financing.Same(in.Decision, want); err != nil {
		return nil, err
	}
	if err := a.Reveals(want, in.Salt, tx.Now()); err != nil {
		return nil, err
	}
	if a, err = a.Settle(want, c.Policy, by, tx.Now()); err != nil {
		return nil, err
	}
	if want.Outcome == financing.Decline {
		if err := freeCollateral(tx, a); err != nil {
			return nil, err
		}
	} else if err := openLimits(tx, desk, fresh); err != nil {
		return nil, err
	}
	return saveApplication(tx, desk, a)
}

// ProposeOverride proposes that a person decides otherwise (sealed input: financing.OverrideInput).
func (*Financing) ProposeOverride(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:ProposeOverride")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.OverrideInput](tx)
	if err != nil {
		return nil, err
	}
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	p, err := activePolicy(tx, desk)
	if err != nil {
		return nil, err
	}
	if a, err = a.Overrule(in, p, actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "application.override_proposed", ID: id, Circle: desk})
	return statusOf(a), applications.Update(tx, a, id)
}

// ApproveOverride carries out what a person has proposed, by another user. Limits, collateral and prices stay the policy's.
func (*Financing) ApproveOverride(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:ApproveOverride")
	if err != nil {
		return nil, err
	}
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	p, err := activePolicy(tx, desk)
	if err != nil {
		return nil, err
	}
	if a.Override == nil || a.Decision == nil {
		return nil, fault.New(fault.OverrideNotAllowed, "nobody has proposed to decide application %s otherwise", id)
	}
	var d financing.Decision
	if a.Override.Outcome == financing.Approve {
		if d, err = overriding(tx, a, desk); err != nil {
			return nil, err
		}
	}
	wasReferred := a.Status == financing.Referred
	if a, err = a.Confirm(d, p, actor, tx.Now()); err != nil {
		return nil, err
	}
	if a.Status == financing.Declined && wasReferred {
		if err := freeCollateral(tx, a); err != nil {
			return nil, err
		}
	}
	return saveApplication(tx, desk, a)
}

// overriding is the decision that a person may take. What was declined has lost its collateral: it is reserved again, as the
// applicant once asked.
func overriding(tx *ledger.Tx, a financing.Application, desk string) (financing.Decision, error) {
	if a.Status == financing.Declined && a.Tender == nil {
		if err := reserveCollateral(tx, a); err != nil {
			return financing.Decision{}, err
		}
	}
	s, err := scores.Get(tx, a.Decision.Score)
	if err != nil {
		return financing.Decision{}, err
	}
	c, fresh, err := loadCase(tx, a, desk, s, brought{lanes: lanesOf(a.Decision.Uses), trips: tripsOf(*a.Decision)})
	if err != nil {
		return financing.Decision{}, err
	}
	d, err := financing.DecideOverride(c)
	if err != nil {
		return d, err
	}
	return d, openLimits(tx, desk, fresh)
}

func lanesOf(uses []financing.LimitUse) []int {
	var list []int
	for _, u := range uses {
		list = append(list, u.Lane)
	}
	return list
}

// Withdraw ends an application of the caller's party and frees its collateral.
func (*Financing) Withdraw(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:Withdraw")
	if err != nil {
		return nil, err
	}
	return endApplication(tx, id, func(a financing.Application) (financing.Application, error) { return a.Withdraw(actor) })
}

// Expire ends an application whose last day has passed and frees its collateral.
func (*Financing) Expire(ctx *ledger.Context, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Expire")
	if err != nil {
		return nil, err
	}
	return endApplication(tx, id, func(a financing.Application) (financing.Application, error) {
		if err := forParty(tx, actor, a.Applicant, a.Bank); err != nil {
			return a, err
		}
		return a.Expire(tx.Today())
	})
}

func endApplication(tx *ledger.Tx, id string, rule func(financing.Application) (financing.Application, error)) (*FinancingStatus, error) {
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	if a, err = rule(a); err != nil {
		return nil, err
	}
	if err := freeCollateral(tx, a); err != nil {
		return nil, err
	}
	return saveApplication(tx, desk, a)
}

// Accept turns approved terms into the loan with the id and pledges the collateral.
func (*Financing) Accept(ctx *ledger.Context, id, loan string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:Accept")
	if err != nil {
		return nil, err
	}
	a, desk, err := applicationOn(tx, id)
	if err != nil {
		return nil, err
	}
	if err := a.Choosable(tx.Now()); err != nil {
		return nil, err
	}
	if a.Decision == nil {
		return nil, fault.New(fault.TransitionDenied, "application %s is %s; accept is not possible", id, a.Status)
	}
	p, err := policies.Get(tx, a.Decision.Policy)
	if err != nil {
		return nil, err
	}
	a, l, err := a.Accept(loan, p, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if a.Product == financing.ReverseFactoring { // nothing was reserved by the offer
		a.AppliedBy = actor
		if err := reserveCollateral(tx, a); err != nil {
			return nil, err
		}
	}
	if err := pledgeCollateral(tx, a, l); err != nil {
		return nil, err
	}
	if err := loans.Create(tx, desk, l, loan); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "loan." + string(l.Status), ID: loan, Circle: desk, Ref: id})
	return saveApplication(tx, desk, a)
}

// applicationOn loads an application with the desk that it is on.
func applicationOn(tx *ledger.Tx, id string) (financing.Application, string, error) {
	a, err := applications.Get(tx, id)
	if err != nil {
		return a, "", err
	}
	desk, err := tx.CircleOf(applications.Type(), id)
	return a, desk, err
}

func saveApplication(tx *ledger.Tx, desk string, a financing.Application) (*FinancingStatus, error) {
	tx.Emit(ledger.Event{Type: "application." + string(a.Status), ID: a.ID, Circle: desk})
	return statusOf(a), applications.Update(tx, a, a.ID)
}

func statusOf(a financing.Application) *FinancingStatus {
	return &FinancingStatus{ID: a.ID, Status: string(a.Status), Loan: a.Loan}
}

// visibleTo returns NOT_PERMITTED unless the caller may see an application or loan: its bank, its applicant, a regulator.
func visibleTo(tx *ledger.Tx, actor member.Actor, bank, party string) error {
	return forParty(tx, actor, party, bank)
}
