package api

import (
	"context"
	"encoding/json"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type scoreFilter struct {
	Paging
	Common
	Subject     string `query:"subject" maxLength:"64" doc:"Party id"`
	Application string `query:"application" maxLength:"64"`
	Model       string `query:"model" maxLength:"64"`
}

// proposing puts a scorecard forward.
type proposing struct {
	Scorecard     json.RawMessage `json:"scorecard" doc:"The integer scorecard"`
	Documentation string          `json:"documentation" maxLength:"500000" doc:"Its documentation, of which the hash is registered"`
	Challenger    bool            `json:"challenger,omitempty" doc:"To be scored beside the champion, not to decide"`
}

// judging is a verdict on another organisation's model.
type judging struct {
	Accept bool   `json:"accept"`
	Report string `json:"report" minLength:"1" maxLength:"500000" doc:"The validation report, of which the hash is registered"`
}

type report struct {
	Report string `json:"report" minLength:"1" maxLength:"500000"`
}

// ground is why somebody appeals, or why the score stands.
type ground struct {
	Text string `json:"text" minLength:"1" maxLength:"2000"`
}

func (a *API) modelRoutes() {
	const tag = "models"
	store := a.c.Store
	records(a, tag, "model", "models", "Scorecards that banks have registered", store.Models, store.Model)
	getByID(a, reading{"get-champion", "/banks/{id}/champion", tag, "The model with which a bank decides"}, func(ctx context.Context, v visit, id string) (credit.Model, error) {
		return store.Champion(ctx, v.viewer, id)
	})
	getByID(a, reading{"get-scorecard", "/scorecards/{id}", tag, "An integer scorecard, by its hash"}, func(ctx context.Context, v visit, id string) (scorecard.Scorecard, error) {
		return store.Scorecard(ctx, v.viewer, id)
	})
	list(a, reading{"list-scores", "/scores", tag, "The scores that you may see"},
		func(ctx context.Context, v visit, f *scoreFilter, p projection.Page) (projection.Slice[credit.Score], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[credit.Score]{}, err
			}
			return store.Scores(ctx, v.viewer, projection.ScoreFilter{Common: c, Subject: f.Subject, Application: f.Application, Model: f.Model}, p)
		})
	getByID(a, reading{"get-score", "/scores/{id}", tag, "A score"}, func(ctx context.Context, v visit, id string) (credit.Score, error) {
		return store.Score(ctx, v.viewer, id)
	})
	command(a, writing{id: "propose-model", path: "/models", tag: tag, summary: "Propose a scorecard as your bank's model"},
		func(_ context.Context, _ *consortium.Session, ids outbox.IDs, _ nothing, in proposing) (consortium.Call, string, error) {
			id, intended := ids.New("mdl"), credit.ModelChampion
			if in.Challenger {
				intended = credit.ModelChallenger
			}
			call, err := operation.ProposeModel(id, in.Scorecard, []byte(in.Documentation), intended)
			return call, id, err
		})
	command(a, writing{id: "validate-model", path: "/models/{id}/validate", tag: tag, summary: "Accept or reject another organisation's model, on a validation report"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in judging) (consortium.Call, string, error) {
			call, err := operation.ValidateModel(ctx, s, at.ID, in.Accept, []byte(in.Report))
			return call, at.ID, err
		})
	command(a, writing{id: "promote-model", path: "/models/{id}/promote", tag: tag, summary: "Make a challenger its bank's champion, on a validation report"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, in report) (consortium.Call, string, error) {
			return operation.PromoteModel(at.ID, []byte(in.Report)), at.ID, nil
		})
	step(a, writing{id: "retire-model", path: "/models/{id}/retire", tag: tag, summary: "Take a model out of use"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			return operation.RetireModel(at.ID), at.ID, nil
		})
	for _, s := range []struct{ verb, function, summary string }{
		{"appeal", "credit:Appeal", "Contest a score of your party: nothing is decided with it until a person has answered"},
		{"uphold", "credit:Uphold", "Answer an appeal: the score stands"},
	} {
		command(a, writing{id: s.verb + "-score", path: "/scores/{id}/" + s.verb, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, in ground) (consortium.Call, string, error) {
				call, err := operation.OnDesk(ctx, session, s.function, "score", at.ID, in)
				return call, at.ID, err
			})
	}
}

type nameFilter struct {
	Exact string `query:"exact" required:"true" minLength:"2" maxLength:"200" doc:"A registered number, a name, or an id, in full"`
}

type circleFilter struct {
	Paging
	Kind circle.Kind `query:"kind" enum:"programme,desk" doc:"Programmes or desks only"`
}

// registering enters a hosted party into a programme.
type registering struct {
	ID          string              `json:"id" pattern:"^p-[0-9a-f]{6,40}$"`
	Name        string              `json:"name" minLength:"1" maxLength:"200"`
	Country     string              `json:"country,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2"`
	Identifiers []member.Identifier `json:"identifiers,omitempty" maxItems:"16"`
}

type vote struct {
	Yes bool `json:"yes"`
}

func (a *API) memberRoutes() {
	const tag = "members"
	store := a.c.Store
	list(a, reading{"list-members", "/members", tag, "The organisations of the consortium"},
		func(ctx context.Context, v visit, _ *pagesOnly, p projection.Page) (projection.Slice[member.Member], error) {
			return store.Members(ctx, v.viewer, p)
		})
	getByID(a, reading{"get-member", "/members/{id}", tag, "An organisation, by its MSP id"}, func(ctx context.Context, v visit, id string) (member.Member, error) {
		return store.Member(ctx, v.viewer, id)
	})
	list(a, reading{"list-proposals", "/proposals", tag, "Votes on changes of the members"},
		func(ctx context.Context, v visit, f *commonOnly, p projection.Page) (projection.Slice[member.Proposal], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[member.Proposal]{}, err
			}
			return store.Proposals(ctx, v.viewer, c, p)
		})
	list(a, reading{"list-parties", "/parties", tag, "Who the opaque party ids are, as far as you may know"},
		func(ctx context.Context, v visit, _ *pagesOnly, p projection.Page) (projection.Slice[projection.Party], error) {
			return store.Parties(ctx, v.viewer, p)
		})
	getByID(a, reading{"get-party", "/parties/{id}", tag, "A party"}, func(ctx context.Context, v visit, id string) (projection.Party, error) {
		return store.Party(ctx, v.viewer, id)
	})
	get(a, reading{"find-party", "/find-party", tag, "The party with exactly this registered number, name or id"},
		func(ctx context.Context, v visit, in *nameFilter) (projection.Party, error) {
			return store.FindParty(ctx, v.viewer, in.Exact)
		})
	list(a, reading{"list-programmes", "/programmes", tag, "Programmes and desks, their readers and their status"},
		func(ctx context.Context, v visit, f *circleFilter, p projection.Page) (projection.Slice[projection.CircleView], error) {
			return store.Circles(ctx, v.viewer, f.Kind, p)
		})
	getByID(a, reading{"get-programme", "/programmes/{id}", tag, "A programme or a desk"}, func(ctx context.Context, v visit, id string) (projection.CircleView, error) {
		return store.Circle(ctx, v.viewer, id)
	})
	getByID(a, reading{"get-rules", "/programmes/{id}/rules", tag, "A programme's terms for receivables"}, func(ctx context.Context, v visit, id string) (receivable.Rules, error) {
		return store.Rules(ctx, v.viewer, id)
	})
	command(a, writing{id: "set-rules", path: "/programmes/{id}/rules", tag: tag, summary: "Set a programme's terms for receivables, as the buyer's governor"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, in receivable.Rules) (consortium.Call, string, error) {
			return operation.OnProgramme("receivable:SetRules", at.ID, in), at.ID, nil
		})
	command(a, writing{id: "register-party", path: "/programmes/{id}/parties", tag: tag, summary: "Register a party that your organisation hosts"},
		func(_ context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in registering) (consortium.Call, string, error) {
			call, err := operation.RegisterParty(s, at.ID, member.Party{ID: in.ID, Name: in.Name, Country: in.Country, Identifiers: in.Identifiers})
			return call, in.ID, err
		})
	command(a, writing{id: "propose-member", path: "/proposals", tag: tag, summary: "Open a vote on a change of the members"},
		func(_ context.Context, _ *consortium.Session, ids outbox.IDs, _ nothing, in member.Change) (consortium.Call, string, error) {
			id := ids.New("vote")
			call, err := operation.ProposeMember(id, in)
			return call, id, err
		})
	command(a, writing{id: "cast-vote", path: "/proposals/{id}/vote", tag: tag, summary: "Cast your organisation's vote"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, in vote) (consortium.Call, string, error) {
			return operation.Vote(at.ID, in.Yes), at.ID, nil
		})
}
