package contract

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/ledger"
)

// A programme's terms and enrolments are for the programme's circle: the buyer, its suppliers' host, its banks.
var (
	earlyProgrammes = ledger.Sealed[financing.Programme]("early-programme") // id: programme
	enrolments      = ledger.Sealed[financing.Enrolment]("enrolment")       // id: programme, party
)

// ProposeProgramme proposes the terms of early payment in a programme that the caller's buyer has founded (sealed input:
// financing.ProgrammeTerms).
func (*Financing) ProposeProgramme(ctx *ledger.Context, programme string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:ProposeProgramme")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[financing.ProgrammeTerms](tx)
	if err != nil {
		return nil, err
	}
	c, err := ledger.Circles.Get(tx, programme)
	if err != nil {
		return nil, err
	}
	if c.Kind != "programme" || c.Founder != actor.MSP {
		return nil, fault.New(fault.NotPermitted, "%s has not founded programme %s", actor.MSP, programme)
	}
	p, found, err := earlyProgrammes.Find(tx, programme)
	if err != nil {
		return nil, err
	}
	if !found {
		p = financing.Programme{ID: programme, Buyer: actor.Party, Funders: []financing.Funder{}}
	}
	if p, err = p.Propose(in, actor); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "programme.proposed", ID: programme, Circle: programme})
	s := &FinancingStatus{ID: programme, Status: "proposed"}
	if !found {
		return s, earlyProgrammes.Create(tx, programme, p, programme)
	}
	return s, earlyProgrammes.Update(tx, p, programme)
}

// ApproveProgramme makes the proposed terms active, by another user of the buyer.
func (*Financing) ApproveProgramme(ctx *ledger.Context, programme string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:ApproveProgramme")
	if err != nil {
		return nil, err
	}
	p, err := earlyProgrammes.Get(tx, programme)
	if err != nil {
		return nil, err
	}
	if p, err = p.Approve(actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "programme.approved", ID: programme, Circle: programme})
	return &FinancingStatus{ID: programme, Status: "active"}, earlyProgrammes.Update(tx, p, programme)
}

// FundProgramme records that the caller's bank agrees to the active terms, and offers by its desk.
func (*Financing) FundProgramme(ctx *ledger.Context, programme, desk string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:FundProgramme")
	if err != nil {
		return nil, err
	}
	if err := deskOf(tx, desk, actor.MSP); err != nil {
		return nil, err
	}
	p, err := earlyProgrammes.Get(tx, programme)
	if err != nil {
		return nil, err
	}
	if p, err = p.Fund(desk, actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "programme.funded", ID: programme, Circle: programme})
	return &FinancingStatus{ID: programme, Status: "funded"}, earlyProgrammes.Update(tx, p, programme)
}

// Enrol enrols the caller's party with a bank of the programme.
func (*Financing) Enrol(ctx *ledger.Context, programme, bank string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:Enrol")
	if err != nil {
		return nil, err
	}
	if _, err := parties.Get(tx, programme, actor.Party); err != nil {
		return nil, err
	}
	p, err := earlyProgrammes.Get(tx, programme)
	if err != nil {
		return nil, err
	}
	e, err := p.Enrol(bank, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	was, found, err := enrolments.Find(tx, programme, actor.Party)
	if err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "supplier.enrolled", ID: actor.Party, Circle: programme, Ref: programme})
	s := &FinancingStatus{ID: programme, Status: "enrolled"}
	switch {
	case !found:
		return s, enrolments.Create(tx, programme, e, programme, actor.Party)
	case was.Live():
		return nil, fault.New(fault.RecordExists, "the party is enrolled in programme %s", programme)
	}
	return s, enrolments.Update(tx, e, programme, actor.Party)
}

// EndEnrolment ends the enrolment of the caller's party.
func (*Financing) EndEnrolment(ctx *ledger.Context, programme string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "financing:EndEnrolment")
	if err != nil {
		return nil, err
	}
	e, err := enrolments.Get(tx, programme, actor.Party)
	if err != nil {
		return nil, err
	}
	if e, err = e.End(actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "supplier.left", ID: actor.Party, Circle: programme, Ref: programme})
	return &FinancingStatus{ID: programme, Status: "ended"}, enrolments.Update(tx, e, programme, actor.Party)
}

// OfferEarly offers early payment of a fragment to its holder, as the programme's terms give it: every endorser works them out. The
// application with the id is approved at once and waits for the supplier. OFFER_NOT_MADE where the terms give no offer.
func (*Financing) OfferEarly(ctx *ledger.Context, programme, fragment, id string) (*FinancingStatus, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:OfferEarly")
	if err != nil {
		return nil, err
	}
	_, f, err := fragmentWith(tx, fragment)
	if err != nil {
		return nil, err
	}
	e, err := enrolments.Get(tx, programme, f.Holder)
	if err != nil {
		return nil, err
	}
	a, err := e.OfferOf(id, financing.Ref{Kind: financing.Fragment, ID: fragment, Circle: programme}, f.Currency, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	p, err := earlyProgrammes.Get(tx, programme)
	if err != nil {
		return nil, err
	}
	c := financing.Case{Application: a, Programme: &p, Today: tx.Today()}
	if c.Policy, err = activePolicy(tx, e.Desk); err != nil {
		return nil, err
	}
	if err := loadCollateral(tx, e.Desk, &c); err != nil {
		return nil, err
	}
	var fresh []opening
	if c.Headroom, fresh, err = headroom(tx, c, nil); err != nil {
		return nil, err
	}
	d, err := financing.DecideEarly(c)
	if err != nil {
		return nil, err
	}
	if a, err = a.Offer(d, c.Policy, actor, tx.Now()); err != nil {
		return nil, err
	}
	if err := openLimits(tx, e.Desk, fresh); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "application." + string(a.Status), ID: id, Circle: e.Desk, Ref: fragment})
	return statusOf(a), applications.Create(tx, e.Desk, a, id)
}

// Programme returns the terms of early payment of a programme that the caller's organisation reads.
func (*Financing) Programme(ctx *ledger.Context, programme string) (*financing.Programme, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("financing:Programme"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(programme); err != nil {
		return nil, err
	}
	p, err := earlyProgrammes.Get(tx, programme)
	return &p, err
}

// Enrolment returns the enrolment of a party, to the party, its bank, the programme's buyer and the regulator.
func (*Financing) Enrolment(ctx *ledger.Context, programme, party string) (*financing.Enrolment, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("financing:Enrolment")
	if err != nil {
		return nil, err
	}
	e, err := enrolments.Get(tx, programme, party)
	if err != nil {
		return nil, err
	}
	p, err := earlyProgrammes.Get(tx, programme)
	if err != nil {
		return nil, err
	}
	if actor.Party == p.Buyer {
		return &e, nil
	}
	return &e, forParty(tx, actor, e.Party, e.Bank)
}
