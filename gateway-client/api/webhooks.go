package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/gateway-client/webhook"
)

// hookInput registers a webhook.
type hookInput struct {
	Key  string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"128" pattern:"^[ -~]+$"`
	Body struct {
		URL  string `json:"url" maxLength:"500" doc:"https://…; http:// for this machine only"`
		Type string `json:"type,omitempty" maxLength:"64" doc:"receivable for all of the receivables' events, or receivable.confirmed; all where it is left out"`
	}
}

// registered is a webhook with the secret that signs its deliveries.
type registered struct {
	webhook.Webhook
	Secret string `json:"secret" doc:"Deliveries carry Tallystick-Signature: t=SECONDS,v1=HMAC-SHA256 in hex of the seconds, a dot and the body under this secret"`
}

type hookAnswer struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed"`
	Body     registered
}

type hooks struct {
	Webhooks []webhook.Webhook `json:"webhooks"`
}

type deadInput struct {
	ID    string `path:"id" maxLength:"64"`
	After int64  `query:"after" minimum:"0" doc:"Sequence number of the last one of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type deadLetters struct {
	Deliveries []webhook.Delivery `json:"deliveries"`
}

type redriveInput struct {
	Key string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"128" pattern:"^[ -~]+$"`
	ID  string `path:"id" maxLength:"64"`
}

type redriven struct {
	Deliveries int `json:"deliveries" doc:"How many are sent again"`
}

// openWebhooks keeps their tables beside the outbox's. Secrets are derived from the organisation's keyring.
func (a *API) openWebhooks(ctx context.Context) (err error) {
	a.hooks, err = webhook.Open(ctx, webhook.Config{DB: a.c.DB, Store: a.c.Store, Now: a.c.Now, Log: a.c.Log,
		Key: func(ctx context.Context, user string) ([]byte, error) {
			s, err := a.c.Sessions.Session(ctx, user)
			if err != nil {
				return nil, err
			}
			key, err := s.FingerprintKey("webhooks")
			if err != nil {
				return nil, err
			}
			return hex.DecodeString(key)
		}})
	return err
}

// Deliver delivers webhooks until the context ends; it may be called again.
func (a *API) Deliver(ctx context.Context) error { return a.hooks.Deliver(ctx) }

func (a *API) webhookRoutes() {
	const tag = "webhooks"
	op := writing{id: "register-webhook", path: "/webhooks", tag: tag, summary: "Have events that you may see posted to a URL, signed"}.operation(a)
	op.Description, op.DefaultStatus, op.Responses = "Each delivery is tried 12 times, with growing pauses, and then kept as a dead letter.", http.StatusCreated, nil
	huma.Register(a.huma, op, func(ctx context.Context, in *hookInput) (*hookAnswer, error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		hook, replayed, err := a.hooks.Register(ctx, v.person.Subject, v.person.User, v.viewer, in.Key, webhook.Registration{URL: in.Body.URL, Type: in.Body.Type})
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		out := &hookAnswer{Status: http.StatusCreated, Body: registered{Webhook: hook}}
		if replayed {
			out.Replayed = "true"
		}
		if out.Body.Secret, err = a.hooks.Secret(ctx, hook); err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return out, nil
	})
	get(a, reading{"list-webhooks", "/webhooks", tag, "Your webhooks"}, func(ctx context.Context, v visit, _ *nothing) (hooks, error) {
		list, err := a.hooks.List(ctx, v.person.Subject)
		return hooks{list}, err
	})
	getByID(a, reading{"get-webhook", "/webhooks/{id}", tag, "A webhook"}, func(ctx context.Context, v visit, id string) (webhook.Webhook, error) {
		return a.hooks.Get(ctx, v.person.Subject, id)
	})
	get(a, reading{"list-dead-letters", "/webhooks/{id}/dead-letters", tag, "What was given up, and why"}, func(ctx context.Context, v visit, in *deadInput) (deadLetters, error) {
		list, err := a.hooks.Dead(ctx, v.person.Subject, in.ID, in.After, in.Limit)
		return deadLetters{list}, err
	})
	op = writing{id: "redrive-webhook", path: "/webhooks/{id}/redrive", tag: tag, summary: "Send what was given up again"}.operation(a)
	op.Description, op.DefaultStatus, op.Responses = "", http.StatusOK, nil
	huma.Register(a.huma, op, func(ctx context.Context, in *redriveInput) (*body[redriven], error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		n, err := a.hooks.Redrive(ctx, v.person.Subject, in.ID)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return &body[redriven]{redriven{n}}, nil
	})
	op = reading{"delete-webhook", "/webhooks/{id}", tag, "End a webhook, and forget what it has not delivered"}.operation()
	op.Method = http.MethodDelete
	huma.Register(a.huma, op, func(ctx context.Context, in *ByID) (*struct{}, error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		if err := a.hooks.Delete(ctx, v.person.Subject, in.ID); err != nil {
			return nil, a.problemOf(ctx, err)
		}
		return nil, nil
	})
}
