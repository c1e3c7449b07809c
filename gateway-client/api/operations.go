package api

import (
	"context"

	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type operationFilter struct {
	Paging
	State outbox.State `query:"state" enum:"accepted,running,done,refused,failed"`
}

type operationInput struct {
	ID   string `path:"id" maxLength:"128"`
	Wait bool   `query:"wait" doc:"Wait until it has ended, up to 25 seconds"`
}

func (a *API) operationRoutes() {
	const tag = "operations"
	list(a, reading{"list-operations", "/operations", tag, "What you have asked of the ledger, the newest first"},
		func(ctx context.Context, v visit, f *operationFilter, p projection.Page) (projection.Slice[outbox.Operation], error) {
			size := p.Size
			if size == 0 {
				size = projection.DefaultPageSize
			}
			found, err := a.c.Outbox.List(ctx, v.person.Subject, f.State, p.After, min(size+1, outbox.MaxListed))
			slice := projection.Slice[outbox.Operation]{Items: found}
			if len(found) > size || size == outbox.MaxListed && len(found) == size {
				slice.Items = found[:size]
				slice.Next = found[size-1].ID
			}
			return slice, err
		})
	get(a, reading{"get-operation", "/operations/{id}", tag, "An operation: how far it is, the ledger's answer, or why it was refused"},
		func(ctx context.Context, v visit, in *operationInput) (outbox.Operation, error) {
			if !in.Wait {
				return a.c.Outbox.Get(ctx, v.person.Subject, in.ID)
			}
			waiting, cancel := context.WithTimeout(ctx, waitTime)
			defer cancel()
			return a.c.Outbox.Wait(waiting, v.person.Subject, in.ID)
		})
}
