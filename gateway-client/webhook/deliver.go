package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Deliver delivers until the context ends; it may be called again.
func (w *Webhooks) Deliver(ctx context.Context) error {
	for {
		moved := w.c.Store.Moved()
		more, err := w.Round(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-moved:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Round takes up what is new and delivers once what is due. more is set where another round has something to do at once.
func (w *Webhooks) Round(ctx context.Context) (more bool, err error) {
	hooks, err := w.query(ctx, `SELECT `+columns+` FROM webhook ORDER BY id`)
	if err != nil {
		return false, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	full := make(chan bool, len(hooks))
	for _, hook := range hooks {
		group.Go(func() error {
			taken, err := w.take(ctx, hook)
			if err != nil {
				return err
			}
			list, err := w.waiting(ctx, hook.ID)
			if err != nil {
				return err
			}
			full <- taken == batch || len(list) == batch
			for _, d := range list {
				if err := w.deliver(ctx, hook, d); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	close(full)
	for f := range full {
		more = more || f
	}
	return more, err
}

// Posted is the body of a delivery.
type Posted struct {
	Webhook string          `json:"webhook"`
	Event   json.RawMessage `json:"event"`
}

// deliver posts an event once and records how that ended. It fails only where that cannot be recorded.
func (w *Webhooks) deliver(ctx context.Context, hook Webhook, d Delivery) error {
	problem := w.post(ctx, hook, d)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if problem == "" {
		return w.delivered(ctx, hook.ID, d.Sequence)
	}
	w.c.Log.Info("a webhook was not delivered", "webhook", hook.ID, "sequence", d.Sequence, "attempts", d.Attempts+1, "problem", problem)
	return w.failed(ctx, hook.ID, d, w.c.Now().Add(w.backoff(d.Attempts)), problem)
}

// post returns what went wrong, or "".
func (w *Webhooks) post(ctx context.Context, hook Webhook, d Delivery) string {
	body, err := json.Marshal(Posted{Webhook: hook.ID, Event: d.Event})
	if err != nil {
		return err.Error()
	}
	secret, err := w.Secret(ctx, hook)
	if err != nil {
		return "there is no key to sign with"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "tallystick")
	r.Header.Set(SignatureHeader, Sign(secret, w.c.Now(), body))
	r.Header.Set(DeliveryHeader, fmt.Sprintf("%s/%d", hook.ID, d.Sequence))
	answer, err := w.client.Do(r)
	if err != nil {
		return "there was no answer"
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10) // so that the connection can be used again
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return "it was answered with " + answer.Status
	}
	return ""
}

// backoff is a pause with jitter that doubles with every attempt.
func (w *Webhooks) backoff(attempts int) time.Duration {
	most := min(w.c.Pause<<min(attempts, 20), longestPause)
	return most/2 + time.Duration(rand.Int64N(int64(most/2)+1))
}
