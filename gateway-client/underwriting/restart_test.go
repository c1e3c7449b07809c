package underwriting_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// mortal kills its process at one of its calls to the ledger, before the call or after it has taken effect.
type mortal struct {
	*consortium.Session
	kill  context.CancelFunc
	at    int64
	after bool
	calls atomic.Int64
	died  atomic.Bool
}

func (d *mortal) dies(after bool) bool {
	if after != d.after || d.calls.Load() != d.at {
		return false
	}
	d.died.Store(true)
	d.kill()
	return true
}

func (d *mortal) Evaluate(ctx context.Context, call consortium.Call, out any) error {
	d.calls.Add(1)
	if d.dies(false) {
		return context.Canceled
	}
	err := d.Session.Evaluate(ctx, call, out)
	if d.dies(true) {
		return context.Canceled
	}
	return err
}

func (d *mortal) Submit(ctx context.Context, call consortium.Call, out any) (consortium.Committed, error) {
	d.calls.Add(1)
	if d.dies(false) {
		return consortium.Committed{}, context.Canceled
	}
	done, err := d.Session.Submit(ctx, call, out)
	if d.dies(true) {
		return consortium.Committed{}, context.Canceled
	}
	return done, err
}

// Killed at any of its calls, before or after the call took effect, the service decides an application and books a payment neither
// twice nor not at all.
func TestKilledAtAnyPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the service again and again")
	}
	const lastCall = 12 // of the calls that an application and a payment take; with later ones it lists what is open
	m := newMarketWith(t, func(terms *financing.Terms) { terms.Limits[1].TotalMinor = 2_000_000_00 })
	loan, of := m.drawn(1)
	n, payments, deaths := 1, 0, 0
	for _, after := range []bool{false, true} {
		for at := int64(1); at <= lastCall; at++ {
			n++
			id := m.apply(n, m.claim())
			payments++
			m.pays(payments, of, 100_00)
			ctx, cancel := context.WithCancel(m.ctx)
			d := &mortal{Session: m.session("bankA", "svc"), kill: cancel, at: at, after: after}
			u := m.underwriter(d)
			u.Source, u.Workers = underwriting.FromLedger{Ledger: d}, 1
			finished := make(chan error, 1)
			go func() { finished <- u.Run(ctx) }()
			done := func() bool { return m.decided(id)() && m.booked(loan, payments)() }
			require.Eventually(t, func() bool { return d.died.Load() || done() }, 50*time.Second, time.Millisecond)
			cancel()
			require.ErrorIs(t, <-finished, context.Canceled)
			if d.died.Load() {
				deaths++
			}
			m.until(m.underwriter(nil), done)
		}
	}
	assert.Greater(t, deaths, lastCall)
	assert.Equal(t, int64(n), m.decisions(), "one valid decision an application")
	booked, received := m.collected(loan)
	assert.Equal(t, payments, booked)
	assert.Equal(t, int64(payments)*100_00, received)
}
