package projection_test

import (
	"context"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

var whole = projection.Page{Size: projection.MaxPageSize}

// reads are all methods of a Store that take a viewer, each called with everything that there is to ask for.
var reads = map[string]func(ctx context.Context, r *reading){
	"Receivables": func(ctx context.Context, r *reading) {
		r.got(r.s.Receivables(ctx, r.v, projection.ReceivableFilter{}, whole))
		r.got(r.s.Receivables(ctx, r.v, projection.ReceivableFilter{Common: projection.Common{ByDue: true}}, whole))
		for _, p := range r.parties() {
			r.got(r.s.Receivables(ctx, r.v, projection.ReceivableFilter{Seller: p}, whole))
			r.got(r.s.Receivables(ctx, r.v, projection.ReceivableFilter{Buyer: p, Common: projection.Common{Status: []string{"issued", "confirmed", "settled"}}}, whole))
		}
		r.each("circle", func(id string) {
			r.got(r.s.Receivables(ctx, r.v, projection.ReceivableFilter{Programme: id}, whole))
			r.got(r.s.Receivables(ctx, r.v, projection.ReceivableFilter{Common: projection.Common{Circle: id}}, whole))
		})
	},
	"Receivable": func(ctx context.Context, r *reading) {
		r.each("receivable", func(id string) { r.got(r.s.Receivable(ctx, r.v, id)) })
	},
	"Fragments": func(ctx context.Context, r *reading) {
		r.got(r.s.Fragments(ctx, r.v, projection.FragmentFilter{}, whole))
		r.each("receivable", func(id string) { r.got(r.s.Fragments(ctx, r.v, projection.FragmentFilter{Receivable: id}, whole)) })
	},
	"Fragment": func(ctx context.Context, r *reading) {
		r.each("fragment", func(id string) { r.got(r.s.Fragment(ctx, r.v, id)) })
	},
	"Holdings": func(ctx context.Context, r *reading) {
		r.got(r.s.Holdings(ctx, r.v, projection.HoldingFilter{}, whole))
		r.each("receivable", func(id string) { r.got(r.s.Holdings(ctx, r.v, projection.HoldingFilter{Receivable: id}, whole)) })
	},
	"Holding": func(ctx context.Context, r *reading) {
		r.each("fragment", func(id string) { r.got(r.s.Holding(ctx, r.v, id)) })
	},
	"Payments":    ofReceivables((*projection.Store).Payments),
	"CreditNotes": ofReceivables((*projection.Store).CreditNotes),
	"Disputes":    ofReceivables((*projection.Store).Disputes),
	"Rules":       ofEach("circle", (*projection.Store).Rules),
	"Applications": func(ctx context.Context, r *reading) {
		r.got(r.s.Applications(ctx, r.v, projection.ApplicationFilter{}, whole))
		r.got(r.s.Applications(ctx, r.v, projection.ApplicationFilter{Open: true}, whole))
		for _, p := range r.parties() {
			r.got(r.s.Applications(ctx, r.v, projection.ApplicationFilter{Applicant: p}, whole))
		}
	},
	"Application": ofEach("application", (*projection.Store).Application),
	"Explained":   ofEach("application", (*projection.Store).Explained),
	"Loans": func(ctx context.Context, r *reading) {
		r.got(r.s.Loans(ctx, r.v, projection.LoanFilter{}, r.today, whole))
		for _, p := range r.parties() {
			r.got(r.s.Loans(ctx, r.v, projection.LoanFilter{Borrower: p}, r.today, whole))
		}
		r.each("application", func(id string) { r.got(r.s.Loans(ctx, r.v, projection.LoanFilter{Application: id}, r.today, whole)) })
	},
	"Loan": func(ctx context.Context, r *reading) {
		r.each("loan", func(id string) { r.got(r.s.Loan(ctx, r.v, id, r.today)) })
	},
	"Policies":     listed((*projection.Store).Policies),
	"Policy":       ofEach("policy", (*projection.Store).Policy),
	"ActivePolicy": ofEach("circle", (*projection.Store).ActivePolicy),
	"Limits": func(ctx context.Context, r *reading) {
		r.got(r.s.Limits(ctx, r.v, "", whole))
		r.got(r.s.Limits(ctx, r.v, "borrower", whole))
	},
	"Limit": ofEach("limit", (*projection.Store).Limit),
	"Lanes": ofEach("limit", (*projection.Store).Lanes),
	"Receipts": func(ctx context.Context, r *reading) {
		r.got(r.s.Receipts(ctx, r.v, projection.ReceiptFilter{}, whole))
		for _, p := range r.parties() {
			r.got(r.s.Receipts(ctx, r.v, projection.ReceiptFilter{Owner: p}, whole))
		}
		r.each("device", func(id string) { r.got(r.s.Receipts(ctx, r.v, projection.ReceiptFilter{Device: id}, whole)) })
	},
	"Receipt":       ofEach("receipt", (*projection.Store).Receipt),
	"Watch":         ofEach("receipt", (*projection.Store).Watch),
	"Devices":       listed((*projection.Store).Devices),
	"Device":        ofEach("device", (*projection.Store).Device),
	"EvidenceBatch": ofEach("evidence", (*projection.Store).EvidenceBatch),
	"Evidence": func(ctx context.Context, r *reading) {
		r.got(r.s.Evidence(ctx, r.v, "", projection.Common{}, whole))
		r.each("receipt", func(id string) { r.got(r.s.Evidence(ctx, r.v, id, projection.Common{}, whole)) })
	},
	"Prices":          ofEach("circle", (*projection.Store).Prices),
	"Quotes":          listed((*projection.Store).Quotes),
	"Margins":         listed((*projection.Store).Margins),
	"Margin":          ofEach("loan", (*projection.Store).Margin),
	"CollateralTerms": ofEach("circle", (*projection.Store).CollateralTerms),
	"Sales": func(ctx context.Context, r *reading) {
		r.got(r.s.Sales(ctx, r.v, "", whole))
		r.each("loan", func(id string) { r.got(r.s.Sales(ctx, r.v, id, whole)) })
	},
	"Models":    listed((*projection.Store).Models),
	"Model":     ofEach("model", (*projection.Store).Model),
	"Champion":  ofEach("member", (*projection.Store).Champion),
	"Scorecard": ofEach("scorecard", (*projection.Store).Scorecard),
	"Consents":  listed((*projection.Store).Consents),
	"Consent":   ofEach("consent", (*projection.Store).Consent),
	"Scores": func(ctx context.Context, r *reading) {
		r.got(r.s.Scores(ctx, r.v, projection.ScoreFilter{}, whole))
		for _, p := range r.parties() {
			r.got(r.s.Scores(ctx, r.v, projection.ScoreFilter{Subject: p}, whole))
		}
	},
	"Score":   ofEach("score", (*projection.Store).Score),
	"Parties": func(ctx context.Context, r *reading) { r.got(r.s.Parties(ctx, r.v, whole)) },
	"Party": func(ctx context.Context, r *reading) {
		for _, p := range r.parties() {
			r.got(r.s.Party(ctx, r.v, p))
		}
	},
	"Names": func(ctx context.Context, r *reading) { r.got(r.s.Names(ctx, r.v, r.parties()...)) },
	// FindParty answers to whoever names a business exactly; TestFindPartyNeedsTheExactName says how far.
	"FindParty": func(context.Context, *reading) {},
	"Members":   func(ctx context.Context, r *reading) { r.got(r.s.Members(ctx, r.v, whole)) },
	"Member":    ofEach("member", (*projection.Store).Member),
	"Proposals": listed((*projection.Store).Proposals),
	"Circles":   func(ctx context.Context, r *reading) { r.got(r.s.Circles(ctx, r.v, "", whole)) },
	"Circle":    ofEach("circle", (*projection.Store).Circle),
	"Located": func(ctx context.Context, r *reading) {
		for _, typ := range slices.Sorted(maps.Keys(r.keys)) {
			r.each(typ, func(id string) { r.got(r.s.Located(ctx, r.v, typ, id)) })
		}
	},
	"History": func(ctx context.Context, r *reading) {
		for _, typ := range slices.Sorted(maps.Keys(r.keys)) {
			r.each(typ, func(id string) { r.got(r.s.History(ctx, r.v, typ, id)) })
		}
	},
	"Applicant": func(ctx context.Context, r *reading) {
		r.each("application", func(id string) {
			a, err := r.s.Application(ctx, projection.Viewer{Kind: member.Regulator}, id)
			if fault.CodeOf(err) == fault.RecordNotFound {
				return
			}
			require.NoError(r.t, err)
			facts, err := r.s.Applicant(ctx, r.v, a, calendar.Date{})
			if fault.CodeOf(err) != fault.NotPermitted {
				r.got(facts, err)
			}
		})
	},
	"Walk": func(ctx context.Context, r *reading) {
		for _, typ := range slices.Sorted(maps.Keys(r.keys)) {
			r.each(typ, func(id string) { r.got(r.s.Walk(ctx, r.v, typ, id, projection.MaxSteps)) })
		}
	},
	"Events": func(ctx context.Context, r *reading) {
		r.got(r.s.Events(ctx, r.v, 0, "", 0))
		for _, typ := range []string{"receivable", "fragment", "loan.active"} {
			r.got(r.s.Events(ctx, r.v, 0, typ, 0))
		}
	},
	"LatestEvents": func(ctx context.Context, r *reading) {
		r.got(r.s.LatestEvents(ctx, r.v, 0, "", 0))
		r.got(r.s.LatestEvents(ctx, r.v, 40<<20, "fragment", 0))
	},
	"Search": func(ctx context.Context, r *reading) {
		texts := append([]string{"INV-", "lot", "rcv-", "1001", "2001"}, r.names...)
		for _, typ := range slices.Sorted(maps.Keys(r.keys)) {
			texts = append(texts, r.keys[typ]...)
		}
		for _, text := range texts {
			r.got(r.s.Search(ctx, r.v, text, 0))
			r.got(r.s.Search(ctx, r.v, text[:min(len(text), 10)], 0))
		}
	},
	"Owed": func(ctx context.Context, r *reading) {
		for _, p := range append(r.parties(), "") {
			r.got(r.s.Owed(ctx, r.v, p))
		}
	},
	"Held": func(ctx context.Context, r *reading) {
		for _, p := range append(r.parties(), "") {
			r.got(r.s.Held(ctx, r.v, p))
		}
	},
	"Overdue": func(ctx context.Context, r *reading) { r.got(r.s.Overdue(ctx, r.v, r.today)) },
	"Portfolio": func(ctx context.Context, r *reading) {
		r.got(r.s.Portfolio(ctx, r.v, "", r.today))
		r.each("member", func(id string) { r.got(r.s.Portfolio(ctx, r.v, id, r.today)) })
	},
	"Concentration": func(ctx context.Context, r *reading) {
		for _, d := range projection.Dimensions() {
			r.got(r.s.Concentration(ctx, r.v, d))
		}
	},
	"Counts": func(ctx context.Context, r *reading) { r.got(r.s.Counts(ctx, r.v)) },
	"Alerts": func(ctx context.Context, r *reading) { r.got(r.s.Alerts(ctx, r.v, r.today, 0)) },
}

func listed[T any](list func(*projection.Store, context.Context, projection.Viewer, projection.Common, projection.Page) (projection.Slice[T], error)) func(context.Context, *reading) {
	return func(ctx context.Context, r *reading) { r.got(list(r.s, ctx, r.v, projection.Common{}, whole)) }
}

func ofEach[T any](typ string, one func(*projection.Store, context.Context, projection.Viewer, string) (T, error)) func(context.Context, *reading) {
	return func(ctx context.Context, r *reading) { r.each(typ, func(id string) { r.got(one(r.s, ctx, r.v, id)) }) }
}

func ofReceivables[T any](list func(*projection.Store, context.Context, projection.Viewer, string, projection.Common, projection.Page) (projection.Slice[T], error)) func(context.Context, *reading) {
	return func(ctx context.Context, r *reading) {
		r.got(list(r.s, ctx, r.v, "", projection.Common{}, whole))
		r.each("receivable", func(id string) { r.got(list(r.s, ctx, r.v, id, projection.Common{}, whole)) })
	}
}
