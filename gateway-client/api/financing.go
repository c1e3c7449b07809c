package api

import (
	"context"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type applicationFilter struct {
	Paging
	Common
	Applicant string `query:"applicant" maxLength:"64" doc:"Party id"`
	Bank      string `query:"bank" maxLength:"64" doc:"MSP id"`
	Product   string `query:"product" maxLength:"32"`
	Tender    string `query:"tender" maxLength:"64"`
	Open      bool   `query:"open" doc:"Only those that have not ended"`
}

// applying asks a bank for financing.
type applying struct {
	Desk         string `json:"desk" maxLength:"64" doc:"The bank's desk"`
	Bank         string `json:"bank" maxLength:"64" doc:"MSP id"`
	Consent      string `json:"consent" maxLength:"64" doc:"Your consent to this bank"`
	AdvanceMinor int64  `json:"advance_minor,omitempty" minimum:"0" doc:"0 asks for as much as the policy gives"`
	Currency     string `json:"currency" minLength:"3" maxLength:"3"`
	TenorDays    int64  `json:"tenor_days,omitempty" minimum:"0" maximum:"366" doc:"0 is until the last claim is due"`
	operation.Pledging
}

func (in applying) request(id string) financing.Request {
	return financing.Request{ID: id, Bank: in.Bank, Consent: in.Consent, Currency: in.Currency, AdvanceMinor: in.AdvanceMinor, TenorDays: in.TenorDays}
}

// bidding invites one bank to a tender.
type bidding struct {
	Desk    string `json:"desk" maxLength:"64"`
	Bank    string `json:"bank" maxLength:"64" doc:"MSP id"`
	Consent string `json:"consent" maxLength:"64"`
}

// tendering asks several banks at once, over the same collateral.
type tendering struct {
	Bidders      []bidding `json:"bidders" minItems:"2" maxItems:"16" nullable:"false"`
	CommitBy     time.Time `json:"commit_by" doc:"Until then banks commit to an offer that nobody sees"`
	RevealBy     time.Time `json:"reveal_by" doc:"Until then they show it"`
	AdvanceMinor int64     `json:"advance_minor,omitempty" minimum:"0"`
	Currency     string    `json:"currency" minLength:"3" maxLength:"3"`
	TenorDays    int64     `json:"tenor_days,omitempty" minimum:"0" maximum:"366"`
	operation.Pledging
}

// applications names those of one tender.
type applications struct {
	Applications []string `json:"applications" minItems:"1" maxItems:"16" nullable:"false"`
}

func (a *API) applicationRoutes() {
	const tag = "applications"
	list(a, reading{"list-applications", "/applications", tag, "The applications for financing that you may see"},
		func(ctx context.Context, v visit, f *applicationFilter, p projection.Page) (projection.Slice[financing.Application], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[financing.Application]{}, err
			}
			return a.c.Store.Applications(ctx, v.viewer, projection.ApplicationFilter{Common: c, Applicant: f.Applicant, Bank: f.Bank, Product: f.Product, Tender: f.Tender, Open: f.Open}, p)
		})
	getByID(a, reading{"get-application", "/applications/{id}", tag, "An application, and what the bank has decided"},
		func(ctx context.Context, v visit, id string) (financing.Application, error) {
			return a.c.Store.Application(ctx, v.viewer, id)
		})
	getByID(a, reading{"explain-application", "/applications/{id}/explanation", tag, "The decision in words: what it costs in all, why, and what would change it"},
		func(ctx context.Context, v visit, id string) (explain.Explained, error) {
			return a.c.Store.Explained(ctx, v.viewer, id)
		})
	getByID(a, reading{"list-offers", "/tenders/{id}/offers", tag, "The offers of a tender side by side, the cheapest first"},
		func(ctx context.Context, v visit, id string) (offers, error) { return a.offers(ctx, v, id) })

	command(a, writing{id: "apply", path: "/applications", tag: tag, summary: "Apply for financing on claims, on goods, or on both"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, _ nothing, in applying) (consortium.Call, string, error) {
			id := ids.New("app")
			call, err := operation.Apply(ctx, s, in.Desk, in.request(id), in.Pledging)
			return call, id, err
		})
	command(a, writing{id: "open-tender", path: "/tenders", tag: tag, summary: "Ask several banks for financing over the same collateral"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, _ nothing, in tendering) (consortium.Call, string, error) {
			t := financing.TenderRequest{Tender: financing.Tender{ID: ids.New("tnd"), CommitBy: in.CommitBy.UTC(), RevealBy: in.RevealBy.UTC()},
				Request: financing.Request{Currency: in.Currency, AdvanceMinor: in.AdvanceMinor, TenorDays: in.TenorDays}}
			for i, b := range in.Bidders {
				t.Bidders = append(t.Bidders, financing.Bidder{Bank: b.Bank, Desk: b.Desk, Consent: b.Consent, Application: ids.New("app", i)})
			}
			call, err := operation.Tender(ctx, s, t, in.Pledging)
			return call, t.Tender.ID, err
		})
	command(a, writing{id: "close-tender", path: "/tenders/close", tag: tag, summary: "Withdraw the open applications of a tender, and free the collateral"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, _ nothing, in applications) (consortium.Call, string, error) {
			call, err := operation.OnTender(ctx, s, "financing:CloseTender", in.Applications)
			return call, in.Applications[0], err
		})
	for _, s := range []struct{ verb, function, summary string }{
		{"withdraw", "financing:Withdraw", "Take an application back and free its collateral"},
		{"expire", "financing:Expire", "End an application whose time is over, and free its collateral"},
		{"approve-override", "financing:ApproveOverride", "Approve, as the bank's second person, what the first has proposed against the policy's decision"},
	} {
		step(a, writing{id: s.verb + "-application", path: "/applications/{id}/" + s.verb, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnApplication(ctx, session, s.function, at.ID, nil)
				return call, at.ID, err
			})
	}
	step(a, writing{id: "accept-application", path: "/applications/{id}/accept", tag: tag, summary: "Accept the approved terms: the loan is made and the collateral pledged"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			loan := ids.New("loan")
			call, err := operation.OnApplication(ctx, s, "financing:Accept", at.ID, nil, loan)
			return call, loan, err
		})
	command(a, writing{id: "propose-override", path: "/applications/{id}/propose-override", tag: tag, summary: "Propose, as the bank's first person, another outcome than the policy's"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in financing.OverrideInput) (consortium.Call, string, error) {
			call, err := operation.OnApplication(ctx, s, "financing:ProposeOverride", at.ID, in)
			return call, at.ID, err
		})
}

// offers are ranked.
type offers struct {
	Offers []financing.RankedOffer `json:"offers"`
}

func (a *API) offers(ctx context.Context, v visit, tender string) (offers, error) {
	found, err := a.c.Store.Applications(ctx, v.viewer, projection.ApplicationFilter{Tender: tender}, projection.Page{})
	if err != nil {
		return offers{}, err
	}
	out := offers{Offers: []financing.RankedOffer{}}
	ids := make([]string, len(found.Items))
	for i, app := range found.Items {
		ids[i] = app.ID
	}
	if len(ids) == 0 {
		return out, nil
	}
	s, err := v.session(ctx)
	if err != nil {
		return out, err
	}
	call, err := operation.OnTender(ctx, s, "financing:Offers", ids)
	if err != nil {
		return out, err
	}
	return out, s.Evaluate(ctx, call, &out.Offers)
}

type loanFilter struct {
	Paging
	Common
	Borrower    string `query:"borrower" maxLength:"64" doc:"Party id"`
	Bank        string `query:"bank" maxLength:"64" doc:"MSP id"`
	Product     string `query:"product" maxLength:"32"`
	Application string `query:"application" maxLength:"64"`
}

// noted carries a reference of the bank's.
type noted struct {
	Note string `json:"note,omitempty" maxLength:"500"`
}

// received is money that a bank has received.
type received struct {
	AmountMinor int64            `json:"amount_minor,omitempty" minimum:"0" doc:"0 is all that is owed today"`
	Currency    string           `json:"currency,omitempty" maxLength:"3" doc:"The loan's, where it is left out with the amount"`
	ReceivedOn  calendar.Date    `json:"received_on,omitzero" doc:"Value date; today where it is left out"`
	Source      financing.Source `json:"source,omitempty"`
	Note        string           `json:"note,omitempty" maxLength:"500"`
}

func (in received) payment() financing.Payment {
	return financing.Payment{AmountMinor: in.AmountMinor, Currency: in.Currency, ReceivedOn: in.ReceivedOn, Source: in.Source, Note: in.Note}
}

func (a *API) loanRoutes() {
	const tag = "loans"
	list(a, reading{"list-loans", "/loans", tag, "The loans that you may see"},
		func(ctx context.Context, v visit, f *loanFilter, p projection.Page) (projection.Slice[projection.LoanView], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[projection.LoanView]{}, err
			}
			return a.c.Store.Loans(ctx, v.viewer, projection.LoanFilter{Common: c, Borrower: f.Borrower, Bank: f.Bank, Product: f.Product, Application: f.Application}, v.today, p)
		})
	getByID(a, reading{"get-loan", "/loans/{id}", tag, "A loan as it stands today"},
		func(ctx context.Context, v visit, id string) (projection.LoanView, error) {
			return a.c.Store.Loan(ctx, v.viewer, id, v.today)
		})
	for _, s := range []struct{ verb, function, summary string }{
		{"cancel", "financing:Cancel", "End a loan that was not drawn"},
		{"default", "financing:Default", "Call an overdue loan in default"},
		{"cure", "financing:Cure", "End a default once nothing is overdue"},
		{"recourse", "financing:Recourse", "Ask the borrower to pay what the buyer has not"},
		{"enforce", "financing:Enforce", "Make a defaulted loan's claims the bank's, and let it sell the goods"},
	} {
		step(a, writing{id: s.verb + "-loan", path: "/loans/{id}/" + s.verb, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnLoan(ctx, session, s.function, at.ID, nil)
				return call, at.ID, err
			})
	}
	onLoan(a, "draw-loan", "draw", "Pay a loan out", func(in noted) (string, any) { return "financing:Draw", financing.DrawInput{Note: in.Note} })
	onLoan(a, "charge-loan", "charge", "Charge a fee", func(in financing.FeeInput) (string, any) { return "financing:Charge", in })
	onLoan(a, "write-off-loan", "write-off", "Take what is owed as a loss", func(in financing.NoteInput) (string, any) { return "financing:WriteOff", in })
	onLoan(a, "recover-loan", "recover", "Book money on a written-off loan", func(in received) (string, any) { return "financing:Recover", in.payment() })
	command(a, writing{id: "repay-loan", path: "/loans/{id}/repay", tag: tag, summary: "Book a repayment: fees first, then interest, then principal"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in received) (consortium.Call, string, error) {
			call, err := operation.Repay(ctx, s, at.ID, in.payment())
			return call, at.ID, err
		})
}

// onLoan registers a step on a loan that takes an input.
func onLoan[B any](a *API, id, verb, summary string, input func(B) (function string, sealed any)) {
	command(a, writing{id: id, path: "/loans/{id}/" + verb, tag: "loans", summary: summary},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in B) (consortium.Call, string, error) {
			function, sealed := input(in)
			call, err := operation.OnLoan(ctx, s, function, at.ID, sealed)
			return call, at.ID, err
		})
}

// commonOnly is the filter of lists that have no other.
type commonOnly struct {
	Paging
	Common
}

// records registers the list of a type that has only the common filters, and the read of one record.
func records[T any](a *API, tag, one, many, summary string, page func(context.Context, projection.Viewer, projection.Common, projection.Page) (projection.Slice[T], error),
	record func(context.Context, projection.Viewer, string) (T, error)) {
	list(a, reading{"list-" + many, "/" + many, tag, summary},
		func(ctx context.Context, v visit, f *commonOnly, p projection.Page) (projection.Slice[T], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[T]{}, err
			}
			return page(ctx, v.viewer, c, p)
		})
	if record != nil {
		getByID(a, reading{"get-" + one, "/" + many + "/{id}", tag, summary + ": one of them"},
			func(ctx context.Context, v visit, id string) (T, error) { return record(ctx, v.viewer, id) })
	}
}

// giving lets a bank use the own party's record.
type giving struct {
	Desk    string         `json:"desk" maxLength:"64" doc:"The bank's desk"`
	Bank    string         `json:"bank" maxLength:"64" doc:"MSP id"`
	Scopes  []credit.Scope `json:"scopes,omitempty" maxItems:"8" doc:"The score, where it is left out"`
	LastDay calendar.Date  `json:"last_day,omitzero" doc:"In a year, where it is left out"`
}
