package api

import (
	"context"

	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type searchInput struct {
	Text  string `query:"q" required:"true" minLength:"2" maxLength:"200" doc:"The beginning of an id (8 characters or more), of an invoice's number, of a party's name or number, of a lot"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20" doc:"Hits of each type"`
}

type hits struct {
	Hits []projection.Hit `json:"hits"`
}

type sums struct {
	Sums []projection.Sum `json:"sums"`
}

type counts struct {
	Counts []projection.Count `json:"counts"`
}

type alerts struct {
	Alerts []projection.Alert `json:"alerts"`
}

type concentrations struct {
	Concentrations []projection.Concentrated `json:"concentrations"`
}

type versions struct {
	Versions []projection.Version `json:"versions"`
}

type partyInput struct {
	Party string `query:"party" maxLength:"64" doc:"Of one party; everything that you may see, where it is left out"`
}

type bankInput struct {
	Bank string `query:"bank" maxLength:"64" doc:"MSP id"`
}

type recordInput struct {
	Type string `path:"type" maxLength:"32" doc:"The record's type, such as receivable or loan"`
	ID   string `path:"id" maxLength:"128"`
}

type walkInput struct {
	Type  string `path:"type" maxLength:"32"`
	ID    string `path:"id" maxLength:"128"`
	Steps int    `query:"steps" minimum:"1" maximum:"8" default:"4"`
}

type dimensionInput struct {
	By projection.Dimension `query:"by" enum:"buyer,seller,borrower,buyer_exposure" default:"buyer"`
}

type alertInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"Alerts of each code"`
}

func (a *API) overviewRoutes() {
	const tag = "overview"
	store := a.c.Store
	get(a, reading{"get-me", "/me", tag, "Who you are to this service"}, func(_ context.Context, v visit, _ *nothing) (identity.Person, error) {
		return v.person, nil
	})
	get(a, reading{"get-status", "/status", tag, "How far the read model is behind the ledger"}, func(ctx context.Context, _ visit, _ *nothing) (projection.Status, error) {
		return store.Status(ctx)
	})
	get(a, reading{"search", "/search", tag, "Records that you may see, by a beginning"}, func(ctx context.Context, v visit, in *searchInput) (hits, error) {
		list, err := store.Search(ctx, v.viewer, in.Text, in.Limit)
		return hits{list}, err
	})
	get(a, reading{"get-counts", "/counts", tag, "How many records of each type and status you may see"}, func(ctx context.Context, v visit, _ *nothing) (counts, error) {
		list, err := store.Counts(ctx, v.viewer)
		return counts{list}, err
	})
	get(a, reading{"get-owed", "/owed", tag, "What is owed, by due date"}, func(ctx context.Context, v visit, in *partyInput) (sums, error) {
		list, err := store.Owed(ctx, v.viewer, in.Party)
		return sums{list}, err
	})
	get(a, reading{"get-held", "/held", tag, "What is held, by due date"}, func(ctx context.Context, v visit, in *partyInput) (sums, error) {
		list, err := store.Held(ctx, v.viewer, in.Party)
		return sums{list}, err
	})
	get(a, reading{"get-overdue", "/overdue", tag, "What is overdue today, by debtor"}, func(ctx context.Context, v visit, _ *nothing) (sums, error) {
		list, err := store.Overdue(ctx, v.viewer, v.today)
		return sums{list}, err
	})
	get(a, reading{"get-portfolio", "/portfolio", tag, "What a bank has lent: ageing, borrowers, maturities"}, func(ctx context.Context, v visit, in *bankInput) (projection.Portfolio, error) {
		return store.Portfolio(ctx, v.viewer, in.Bank, v.today)
	})
	get(a, reading{"get-concentration", "/concentration", tag, "How claims and loans are spread"}, func(ctx context.Context, v visit, in *dimensionInput) (concentrations, error) {
		list, err := store.Concentration(ctx, v.viewer, in.By)
		return concentrations{list}, err
	})
	get(a, reading{"get-alerts", "/alerts", tag, "What somebody should look at"}, func(ctx context.Context, v visit, in *alertInput) (alerts, error) {
		list, err := store.Alerts(ctx, v.viewer, v.today, in.Limit)
		return alerts{list}, err
	})
	get(a, reading{"get-history", "/history/{type}/{id}", tag, "The states that a record has had"}, func(ctx context.Context, v visit, in *recordInput) (versions, error) {
		list, err := store.History(ctx, v.viewer, in.Type, in.ID)
		return versions{list}, err
	})
	get(a, reading{"walk", "/walk/{type}/{id}", tag, "What belongs to a record, as a graph: from a loan to the goods and the invoice behind it"},
		func(ctx context.Context, v visit, in *walkInput) (projection.Graph, error) {
			return store.Walk(ctx, v.viewer, in.Type, in.ID, in.Steps)
		})
}
