package api

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type limitFilter struct {
	Paging
	Kind financing.LimitKind `query:"kind" maxLength:"32"`
}

type saleFilter struct {
	Paging
	Loan string `query:"loan" maxLength:"64"`
}

// lanes are the parts of a limit on which loans draw.
type lanes struct {
	Lanes []financing.Lane `json:"lanes"`
}

// selling records a sale of goods.
type selling struct {
	To             string `json:"to" minLength:"1" maxLength:"200" doc:"Purchaser: party id, or name, in the register of the warehouse's programme"`
	ProceedsMinor  int64  `json:"proceeds_minor" minimum:"0"`
	SaleCostsMinor int64  `json:"sale_costs_minor,omitempty" minimum:"0"`
}

func (a *API) deskRoutes() {
	const tag = "desks"
	store := a.c.Store
	records(a, tag, "policy", "policies", "A bank's policies", func(ctx context.Context, v projection.Viewer, c projection.Common, p projection.Page) (projection.Slice[financing.Policy], error) {
		list, err := store.Policies(ctx, v, c, p)
		for i := range list.Items {
			list.Items[i].Terms.LimitKey = ""
		}
		return list, err
	}, func(ctx context.Context, v projection.Viewer, id string) (financing.Policy, error) {
		policy, err := store.Policy(ctx, v, id)
		policy.Terms.LimitKey = ""
		return policy, err
	})
	getByID(a, reading{"get-active-policy", "/desks/{id}/policy", tag, "The policy that decides on a desk"},
		func(ctx context.Context, v visit, id string) (financing.Policy, error) {
			policy, err := store.ActivePolicy(ctx, v.viewer, id)
			policy.Terms.LimitKey = ""
			return policy, err
		})
	getByID(a, reading{"get-collateral-terms", "/desks/{id}/collateral-terms", tag, "How the bank of a desk lends on goods"},
		func(ctx context.Context, v visit, id string) (receipt.TermsVersion, error) {
			return store.CollateralTerms(ctx, v.viewer, id)
		})
	list(a, reading{"list-limits", "/limits", tag, "A bank's limits, and how much of each is used"},
		func(ctx context.Context, v visit, f *limitFilter, p projection.Page) (projection.Slice[projection.LimitView], error) {
			return store.Limits(ctx, v.viewer, f.Kind, p)
		})
	getByID(a, reading{"get-limit", "/limits/{id}", tag, "A limit"}, func(ctx context.Context, v visit, id string) (projection.LimitView, error) {
		return store.Limit(ctx, v.viewer, id)
	})
	getByID(a, reading{"get-lanes", "/limits/{id}/lanes", tag, "The lanes of a limit"}, func(ctx context.Context, v visit, id string) (lanes, error) {
		list, err := store.Lanes(ctx, v.viewer, id)
		return lanes{list}, err
	})
	records(a, "consents", "consent", "consents", "Which bank may use whose record, for what and until when", store.Consents, store.Consent)
	list(a, reading{"list-margins", "/margins", "margins", "Loan-to-value and margin calls of loans on goods"},
		func(ctx context.Context, v visit, f *commonOnly, p projection.Page) (projection.Slice[projection.MarginAccount], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[projection.MarginAccount]{}, err
			}
			return store.Margins(ctx, v.viewer, c, p)
		})
	getByID(a, reading{"get-margin", "/loans/{id}/margin", "margins", "A loan's loan-to-value and its latest margin call"},
		func(ctx context.Context, v visit, id string) (projection.MarginAccount, error) {
			return store.Margin(ctx, v.viewer, id)
		})
	list(a, reading{"list-sales", "/sales", "margins", "Sales of goods, and where the money went"},
		func(ctx context.Context, v visit, f *saleFilter, p projection.Page) (projection.Slice[receipt.Sale], error) {
			return store.Sales(ctx, v.viewer, f.Loan, p)
		})
	a.policySteps()
	a.marginSteps()
}

func (a *API) policySteps() {
	const tag = "desks"
	command(a, writing{id: "propose-policy", path: "/desks/{id}/policies", tag: tag, summary: "Propose a new version of the bank's policy; empty: the champion's model_hash, a limit_key from the keyring"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, at ByID, in financing.Terms) (consortium.Call, string, error) {
			id := ids.New("pol")
			call, err := operation.ProposePolicy(ctx, s, at.ID, id, in)
			return call, id, err
		})
	for _, s := range []struct{ id, path, typ, function, tag, summary string }{
		{"approve-policy", "/policies/{id}/approve", "policy", "financing:ApprovePolicy", tag, "Approve a proposed policy, as another of the bank's people"},
		{"reject-policy", "/policies/{id}/reject", "policy", "financing:RejectPolicy", tag, "Refuse a proposed policy"},
		{"withdraw-consent", "/consents/{id}/withdraw", "consent", "credit:WithdrawConsent", "consents", "End a consent at once"},
	} {
		step(a, writing{id: s.id, path: s.path, tag: s.tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnDesk(ctx, session, s.function, s.typ, at.ID, nil)
				return call, at.ID, err
			})
	}
	command(a, writing{id: "give-consent", path: "/consents", tag: "consents", summary: "Let a bank calculate a score from your record"},
		func(_ context.Context, s *consortium.Session, ids outbox.IDs, _ nothing, in giving) (consortium.Call, string, error) {
			id := ids.New("cns")
			call, err := operation.GiveConsent(s, in.Desk, credit.ConsentInput{ID: id, Bank: in.Bank, Scopes: in.Scopes, LastDay: in.LastDay})
			return call, id, err
		})
	command(a, writing{id: "rebalance-limit", path: "/limits/{id}/rebalance", tag: tag, summary: "Set a limit's total, and spread it over its lanes"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in financing.RebalanceInput) (consortium.Call, string, error) {
			call, err := operation.OnDesk(ctx, s, "financing:RebalanceLimit", "limit", at.ID, in)
			return call, at.ID, err
		})
	command(a, writing{id: "propose-collateral-terms", path: "/desks/{id}/collateral-terms", tag: tag, summary: "Propose how the bank lends on goods"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, in receipt.Terms) (consortium.Call, string, error) {
			return operation.OnProgramme("margin:ProposeTerms", at.ID, in), at.ID, nil
		})
	step(a, writing{id: "approve-collateral-terms", path: "/desks/{id}/collateral-terms/approve", tag: tag, summary: "Approve the proposed terms, as another risk officer"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			return operation.OnProgramme("margin:ApproveTerms", at.ID, nil), at.ID, nil
		})
}

func (a *API) marginSteps() {
	const tag = "margins"
	for _, s := range []struct{ id, path, function, summary string }{
		{"assess-margin", "/loans/{id}/margin/assess", "margin:Assess", "Bring a loan's loan-to-value up to date: opens, cures or lets lapse a margin call"},
		{"liquidate-collateral", "/loans/{id}/margin/liquidate", "margin:Liquidate", "Take the goods of a loan for sale, once a margin call has lapsed"},
	} {
		step(a, writing{id: s.id, path: s.path, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnMargin(ctx, session, s.function, []string{at.ID}, nil)
				return call, at.ID, err
			})
	}
	for _, s := range []struct{ id, path, function, summary string }{
		{"add-collateral", "/loans/{id}/collateral/{other}/add", "margin:AddCollateral", "Pledge another receipt for a loan, as its borrower"},
		{"release-collateral", "/loans/{id}/collateral/{other}/release", "margin:Release", "Let a loan's receipt go where the rest covers the loan"},
	} {
		step(a, writing{id: s.id, path: s.path, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at OnTwo, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnMargin(ctx, session, s.function, []string{at.ID, at.Other}, nil)
				return call, at.ID, err
			})
	}
	command(a, writing{id: "sell-collateral", path: "/loans/{id}/collateral/{other}/sell", tag: tag, summary: "Record the sale of goods that were taken for sale; the proceeds follow the fixed order"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at OnTwo, in selling) (consortium.Call, string, error) {
			call, err := operation.Sell(ctx, s, at.ID, at.Other, in.To, receipt.SaleInput{ProceedsMinor: in.ProceedsMinor, SaleCostsMinor: in.SaleCostsMinor})
			return call, at.Other, err
		})
}
