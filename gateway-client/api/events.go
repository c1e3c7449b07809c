package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

const (
	eventsPath = prefix + "/events"
	eventType  = "text/event-stream"
	heartbeat  = 15 * time.Second
	eventPage  = 200
	// writeTime bounds one write to a client that does not read.
	writeTime = 10 * time.Second
)

// eventInput says where a stream begins.
type eventInput struct {
	Last  string `header:"Last-Event-ID" maxLength:"20" pattern:"^[0-9]+$" doc:"The stream begins after this event"`
	After string `query:"after" maxLength:"20" pattern:"^[0-9]+$" doc:"The same, for clients that cannot set the header; with neither, the stream begins now"`
	Type  string `query:"type" maxLength:"64" doc:"receivable for all of the receivables', or receivable.confirmed"`
}

type pastEvents struct {
	After int64  `query:"after" minimum:"0" doc:"Events after this sequence number"`
	Type  string `query:"type" maxLength:"64"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type eventList struct {
	Events []projection.Event `json:"events"`
}

func (a *API) eventRoutes() {
	const tag = "events"
	op := reading{"stream-events", "/events", tag, "What happens, as it happens (server-sent events)"}.operation()
	op.Description = "Each event's id is its sequence number, its event the type, its data a JSON object. A comment every 15 seconds keeps the connection. A person has at most 8 streams."
	op.Responses = map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{eventType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	huma.Register(a.huma, op, func(ctx context.Context, in *eventInput) (*huma.StreamResponse, error) {
		v, err := a.visit(ctx)
		if err != nil {
			return nil, err
		}
		last, err := a.begin(ctx, v, in)
		if err != nil {
			return nil, a.problemOf(ctx, err)
		}
		if !a.openStream(v.person.Subject) {
			p := newProblem(fault.ServiceBusy, "there are too many streams")
			p.retryAfter = heartbeat
			return nil, p
		}
		return &huma.StreamResponse{Body: func(out huma.Context) {
			defer a.closeStream(v.person.Subject)
			a.stream(ctx, v, out, last, in.Type)
		}}, nil
	})
	get(a, reading{"list-events", "/past-events", tag, "What has happened, the oldest first"}, func(ctx context.Context, v visit, in *pastEvents) (eventList, error) {
		list, err := a.c.Store.Events(ctx, v.viewer, in.After, in.Type, in.Limit)
		if list == nil {
			list = []projection.Event{}
		}
		return eventList{list}, err
	})
}

// begin is the sequence number after which a stream begins.
func (a *API) begin(ctx context.Context, v visit, in *eventInput) (int64, error) {
	text := in.Last
	if text == "" {
		text = in.After
	}
	if text != "" {
		last, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, inQuery(missing("after", "must be a sequence number"))
		}
		return last, nil
	}
	latest, err := a.c.Store.LatestEvents(ctx, v.viewer, 0, "", 1)
	if err != nil || len(latest) == 0 {
		return 0, err
	}
	return latest[0].Sequence, nil
}

func (a *API) openStream(person string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := 0
	for _, n := range a.streams {
		all += n
	}
	if all >= maxStreams || a.streams[person] >= maxPerPerson {
		return false
	}
	a.streams[person]++
	return true
}

func (a *API) closeStream(person string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[person]--; a.streams[person] <= 0 {
		delete(a.streams, person)
	}
}

// stream writes events until the client or the service has gone.
func (a *API) stream(ctx context.Context, v visit, out huma.Context, last int64, typ string) {
	out.SetHeader("Content-Type", eventType)
	out.SetHeader("Cache-Control", "no-store")
	out.SetHeader("X-Accel-Buffering", "no")
	w, ok := out.BodyWriter().(http.ResponseWriter)
	if !ok {
		return
	}
	control := http.NewResponseController(w)
	send := func(text string) bool {
		// A writer without deadlines is a test's.
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := w.Write([]byte(text)); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	if !send(": tallystick\n\n") {
		return
	}
	for {
		moved := a.c.Store.Moved()
		list, err := a.c.Store.Events(ctx, v.viewer, last, typ, eventPage)
		if err != nil {
			return
		}
		for _, e := range list {
			text, err := json.Marshal(e)
			if err != nil || !send(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Sequence, e.Type, text)) {
				return
			}
			last = e.Sequence
		}
		if len(list) == eventPage {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		case <-ticker.C:
			if !send(": still here\n\n") {
				return
			}
		}
	}
}
