package api

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// underwriterQueue is what the bank's service is about to decide, book or offer.
type underwriterQueue struct {
	Running bool                `json:"running" doc:"Whether this service underwrites; another replica may"`
	Items   []underwriting.Item `json:"items" doc:"Oldest first. A stuck item waits for somebody to mend what its code says"`
}

func (a *API) queueRoutes() {
	get(a, reading{"get-underwriter-queue", "/underwriter/queue", "applications", "What the bank's underwriter has before it, and what it could not do"},
		func(_ context.Context, v visit, _ *struct{}) (underwriterQueue, error) {
			if v.viewer.Kind != member.Bank {
				return underwriterQueue{}, fault.New(fault.NotPermitted, "only a bank has an underwriter")
			}
			q := underwriterQueue{Items: []underwriting.Item{}}
			if a.c.Queue != nil {
				items, running := a.c.Queue()
				q.Running, q.Items = running, append(q.Items, items...)
			}
			return q, nil
		})
}
