package collateral_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/collateral"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/scenario/scenariotest"
)

// lent is a consortium in memory in which bank A has lent on goods: the margin scenario up to the drawdown.
type lent struct {
	*scenariotest.Played
	t *testing.T
}

func newLent(t *testing.T) *lent {
	return &lent{scenariotest.Play(t, "../../testdata/scenarios", "margin.yaml", "lent"), t}
}

func (l *lent) observe(price string) {
	l.Ledger.Advance(time.Second)
	l.Tally("bankA/svc", "receipt price observe --programme ${warehouse_programme} --source exchange --class epoxy-primer --price "+price+" --unit KGM")
}

func (l *lent) margin() receipt.Margin {
	var m struct{ receipt.Margin }
	err := l.As("bankA/mona").Evaluate(l.t.Context(), consortium.Call{Function: "margin:Get", Args: []string{l.Vars["loan"]}, Circles: []string{l.Vars["desk"]}}, &m)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return receipt.Margin{}
	}
	require.NoError(l.t, err)
	return m.Margin
}

// watching is a running watcher.
type watching struct {
	assessed chan receipt.CallStatus
	stop     func()
}

// watch starts a watcher, as the service does after a start of the process.
func (l *lent) watch() watching {
	s := l.As("bankA/svc")
	height, err := s.Network.(interface {
		Height(context.Context) (uint64, error)
	}).Height(l.t.Context())
	require.NoError(l.t, err)
	w := watching{assessed: make(chan receipt.CallStatus, 1000)}
	watcher := &collateral.Watcher{Ledger: s, Blocks: s.Network.Blocks, From: height, Gather: time.Millisecond,
		Today: func() calendar.Date { return calendar.From(l.Ledger.Now()) },
		Assessed: func(loan string, status receipt.CallStatus, err error) {
			if err == nil {
				w.assessed <- status
			}
		}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- watcher.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			assert.NoError(l.t, err)
		}
	}
	l.t.Cleanup(cancel)
	return w
}

// hears waits for an assessment with the status.
func (w watching) hears(t *testing.T, want receipt.CallStatus) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case got := <-w.assessed:
			if got == want {
				return
			}
		case <-timeout:
			require.Fail(t, "nothing was assessed as "+string(want))
		}
	}
}

// demands counts the margin calls that the ledger has announced.
func (l *lent) demands() map[string]int {
	counts := map[string]int{}
	height := l.Ledger.Height()
	enough := errors.New("enough")
	err := l.As("bankA/mona").Network.Blocks(l.t.Context(), 0, func(b consortium.Block) error {
		for _, tx := range b.Transactions {
			if tx.Valid && tx.Event != nil {
				for _, e := range tx.Event.Events {
					counts[e.Type]++
				}
			}
		}
		if b.Number+1 >= height {
			return enough
		}
		return nil
	})
	require.ErrorIs(l.t, err, enough)
	return counts
}

func TestWatcherFromTheFirstCallToTheLast(t *testing.T) {
	l := newLent(t)
	w := l.watch()
	w.hears(t, "")
	assert.Equal(t, int64(5556), l.margin().LTVBps, "the start has assessed the loan")
	l.observe("2.70")
	w.hears(t, receipt.CallOpen)
	l.Tally("bankA/mona", "loan repay ${loan} --amount 5000.00")
	w.hears(t, receipt.CallCured)

	// The service is away while the price falls: the start finds it.
	w.stop()
	l.observe("1.50")
	assert.Equal(t, 1, l.margin().Calls)
	w = l.watch()
	w.hears(t, receipt.CallOpen)

	// Evidence is a reason, too; and so is the date.
	l.observe("2.60")
	w.hears(t, receipt.CallCured)
	day := calendar.From(l.Ledger.Now())
	l.Tally("warehouse/dev", "receipt anchor "+excursion(t, day)+" --receipt ${receipt}")
	w.hears(t, receipt.CallOpen)
	l.Ledger.Advance(8 * 24 * time.Hour)
	w.hears(t, receipt.CallLapsed)
	assert.Equal(t, 3, l.margin().Calls)
	w.stop()
	assert.Equal(t, 3, l.demands()["margin.demand"])
}

// Two replicas hear the same blocks and one of them dies again and again; whatever comes in which order, every call opens once and
// none is missed.
func TestReplicasAndRestartsOpenEveryCallOnce(t *testing.T) {
	l := newLent(t)
	random := rand.New(rand.NewPCG(11, 4))
	first, second := l.watch(), l.watch()
	first.hears(t, "")
	prices := []string{"4.50", "2.70", "1.90", "3.30", "2.20", "5.00", "1.10"}
	calls, live := 0, false
	for i := range 14 {
		price := prices[random.IntN(len(prices))]
		l.observe(price)
		var minor int64
		for _, digit := range strings.ReplaceAll(price, ".", "") {
			minor = minor*10 + int64(digit-'0')
		}
		ltv := receipt.LTV(14_000_00, 8000*minor*7/10)
		switch { // the demonstration bank's levels: a call above 70 %, cured at 65 %
		case !live && ltv > 7000:
			live = true
			calls++
		case live && ltv <= 6500:
			live = false
		}
		require.Eventually(t, func() bool { return l.margin().LTVBps == ltv }, 30*time.Second, time.Millisecond, "price %s: loan-to-value %d", price, ltv)
		require.Equal(t, []any{calls, live}, []any{l.margin().Calls, l.margin().Live()}, "after price %s", price)
		if i%3 == 2 {
			second.stop()
			second = l.watch()
		}
	}
	first.stop()
	second.stop()
	counts := l.demands()
	require.Positive(t, calls)
	assert.Equal(t, calls, counts["margin.demand"])
	assert.Equal(t, calls, counts["margin.cure"]+map[bool]int{true: 1}[live])
}

// excursion writes a sensor's warm hour of the day before.
func excursion(t *testing.T, today calendar.Date) string {
	before, err := today.AddDays(-1)
	require.NoError(t, err)
	path := t.TempDir() + "/warm.jsonld"
	var out, errs bytes.Buffer
	exit := cli.Run(t.Context(), nil, cli.Who{}, slices.Concat(strings.Fields("device simulate urn:epc:id:giai:9520001.TH-0001 --measure Temperature:CEL:-40.00:85.00:5.00:25.00 --base 31"),
		[]string{"--from", fmt.Sprintf("%sT18:00:00Z", before), "--readings", "6", "-o", path}), &out, &errs)
	require.Zero(t, exit, errs.String())
	return path
}
