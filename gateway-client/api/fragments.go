package api

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type fragmentFilter struct {
	Paging
	Common
	Receivable string `query:"receivable" maxLength:"128"`
	Holder     string `query:"holder" maxLength:"64" doc:"Party id"`
	Programme  string `query:"programme" maxLength:"64"`
}

type holdingFilter struct {
	Paging
	Common
	Receivable string `query:"receivable" maxLength:"128"`
}

// division divides a fragment: by faces or in proportion.
type division struct {
	AmountsMinor []int64 `json:"amounts_minor,omitempty" maxItems:"500" doc:"Faces of the parts; what is left is one part more"`
	Ratios       []int64 `json:"ratios,omitempty" maxItems:"500" doc:"Whole numbers in whose proportion the face is divided"`
}

type fragments struct {
	Fragments []string `json:"fragments" minItems:"2" maxItems:"500" nullable:"false"`
}

type offering struct {
	To                 string              `json:"to" minLength:"1" maxLength:"200" doc:"Party id, or name, in the programme's register"`
	Recourse           receivable.Recourse `json:"recourse" enum:"with_recourse,without_recourse" doc:"Whether the receiver has recourse to you"`
	ConsiderationMinor int64               `json:"consideration_minor,omitempty" minimum:"0" doc:"What the receiver gives for it; 0 is the face"`
}

type consenting struct {
	CreditNote string `json:"credit_note" maxLength:"128"`
	UpToMinor  int64  `json:"up_to_minor,omitempty" minimum:"0" doc:"The most that it may take off; 0 is the whole face"`
}

// fragmentView is a fragment with the all-in cost of each tier, for banks and the regulator.
type fragmentView struct {
	receivable.Fragment
	Costs []receivable.Cost `json:"costs,omitempty" doc:"What each tier's transfer has cost: the face less the price, and that as a simple yearly rate"`
}

func (a *API) fragment(ctx context.Context, v visit, id string) (view fragmentView, err error) {
	if view.Fragment, err = a.c.Store.Fragment(ctx, v.viewer, id); err != nil || len(view.Chain) == 0 {
		return view, err
	}
	of, err := a.c.Store.Receivable(ctx, v.viewer, view.Receivable)
	if err != nil {
		return view, err
	}
	view.Costs, err = view.Fragment.Costs(of.Rules.WithDefaults().DayCount)
	return view, err
}

func (a *API) fragmentRoutes() {
	const tag = "fragments"
	list(a, reading{"list-fragments", "/fragments", tag, "Fragments with their lineage, as the buyer, banks and the regulator see them"},
		func(ctx context.Context, v visit, f *fragmentFilter, p projection.Page) (projection.Slice[receivable.Fragment], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[receivable.Fragment]{}, err
			}
			return a.c.Store.Fragments(ctx, v.viewer, projection.FragmentFilter{Common: c, Receivable: f.Receivable, Holder: f.Holder, Programme: f.Programme}, p)
		})
	getByID(a, reading{"get-fragment", "/fragments/{id}", tag, "A fragment with its lineage, and what each tier's transfer has cost"}, a.fragment)
	list(a, reading{"list-holdings", "/holdings", tag, "What your party holds, is offered, or has passed on"},
		func(ctx context.Context, v visit, f *holdingFilter, p projection.Page) (projection.Slice[receivable.Holding], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[receivable.Holding]{}, err
			}
			return a.c.Store.Holdings(ctx, v.viewer, projection.HoldingFilter{Common: c, Receivable: f.Receivable}, p)
		})
	getByID(a, reading{"get-holding", "/holdings/{id}", tag, "A fragment as its holder sees it: the debtor's undertaking, not the tiers between"},
		func(ctx context.Context, v visit, id string) (receivable.Holding, error) {
			return a.c.Store.Holding(ctx, v.viewer, id)
		})

	command(a, writing{id: "split-fragment", path: "/fragments/{id}/split", tag: tag, summary: "Divide a fragment to the cent"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in division) (consortium.Call, string, error) {
			call, err := operation.OnFragment(ctx, s, "receivable:Split", at.ID, receivable.Division{AmountsMinor: in.AmountsMinor, Ratios: in.Ratios})
			return call, at.ID, err
		})
	command(a, writing{id: "merge-fragments", path: "/fragments/merge", tag: tag, summary: "Join fragments of one receivable that you hold on the same terms"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, _ nothing, in fragments) (consortium.Call, string, error) {
			call, err := operation.Merge(ctx, s, in.Fragments)
			return call, in.Fragments[0], err
		})
	command(a, writing{id: "offer-fragment", path: "/fragments/{id}/offer", tag: tag, summary: "Offer a fragment to another party; it passes when that party accepts"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in offering) (consortium.Call, string, error) {
			call, err := operation.Offer(ctx, s, at.ID, in.To, receivable.Offering{Recourse: in.Recourse, ConsiderationMinor: in.ConsiderationMinor})
			return call, at.ID, err
		})
	command(a, writing{id: "consent-fragment", path: "/fragments/{id}/consent", tag: tag, summary: "Let one credit note lower a fragment that you hold"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in consenting) (consortium.Call, string, error) {
			consent := receivable.Consenting{CreditNote: in.CreditNote, UpToMinor: in.UpToMinor}
			if consent.UpToMinor == 0 {
				h, err := operation.Holding(ctx, s, at.ID)
				if err != nil {
					return consortium.Call{}, "", err
				}
				consent.UpToMinor = h.FaceMinor
			}
			call, err := operation.OnFragment(ctx, s, "receivable:Consent", at.ID, consent)
			return call, at.ID, err
		})
	for _, s := range []struct{ verb, function, summary string }{
		{"accept", "receivable:Accept", "Take over a fragment that is offered to you"},
		{"decline", "receivable:Decline", "Refuse a fragment that is offered to you"},
		{"take-back", "receivable:TakeBack", "Withdraw your offer"},
	} {
		step(a, writing{id: s.verb + "-fragment", path: "/fragments/{id}/" + s.verb, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnFragment(ctx, session, s.function, at.ID, nil)
				return call, at.ID, err
			})
	}
}
