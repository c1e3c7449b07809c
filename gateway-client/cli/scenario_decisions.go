package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/scenario"
)

// decided are the events that end the wait of an applicant.
var decided = []string{"application.approved", "application.referred", "application.declined"}

// DecisionTime is how long decisions took at one load, beside empty transactions of the same minutes.
type DecisionTime struct {
	Load          string  `json:"load"` // low, peak, half of peak
	Applications  int     `json:"applications"`
	PerSecond     float64 `json:"per_second"` // decisions
	MedianSeconds float64 `json:"median_seconds"`
	P99Seconds    float64 `json:"p99_seconds"`
	EmptySeconds  float64 `json:"empty_median_seconds"`
	MedianRatio   float64 `json:"median_ratio"` // of the empty transaction's median
	P99Ratio      float64 `json:"p99_ratio"`
}

// Settings of the measurement.
const (
	emptyPause     = 300 * time.Millisecond
	lowLoadPause   = time.Second
	peakParallel   = 16
	decisionWithin = 5 * time.Minute
)

func scenarioDecisionsCommand(app *App) *cobra.Command {
	var count int
	cmd := &cobra.Command{
		Use:   "decisions FILE",
		Short: "Measure how long a decision takes on a fresh network of this machine",
		Long: `Plays the scenario until two banks can lend (the step with the mark "lending"), and then measures the time from the commit of
an application to the commit of the bank's decision: one at a time, as many as go, and at half of that rate. Empty transactions are
measured in the same minutes, so the ratios hold on a machine that does other things, too. Bank A's underwriter must run (tallyd).`,
		Example: "  tally scenario decisions testdata/scenarios/financing.yaml --count 50",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			times, err := played(app, func(runner *scenario.Runner, sessions *Sessions) ([]DecisionTime, error) {
				return TryDecisions(cmd.Context(), app, runner, sessions.Get, args[0], count)
			})
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(map[string]any{"decisions": times})
			}
			return app.table(func(row func(...string)) {
				row("LOAD", "APPLICATIONS", "A SECOND", "MEDIAN", "P99", "EMPTY", "MEDIAN/EMPTY", "P99/EMPTY")
				for _, t := range times {
					row(t.Load, fmt.Sprint(t.Applications), fmt.Sprintf("%.1f", t.PerSecond), fmt.Sprintf("%.2f s", t.MedianSeconds), fmt.Sprintf("%.2f s", t.P99Seconds),
						fmt.Sprintf("%.2f s", t.EmptySeconds), fmt.Sprintf("%.2f", t.MedianRatio), fmt.Sprintf("%.2f", t.P99Ratio))
				}
			})
		},
	}
	cmd.Flags().IntVar(&count, "count", 40, "applications at each load")
	return cmd
}

// TryDecisions measures decision times over the scenario file, with count applications at each load.
func TryDecisions(ctx context.Context, app *App, runner *scenario.Runner, connect Connector, file string, count int) ([]DecisionTime, error) {
	l, err := newLender(ctx, app, runner, connect, file)
	if err != nil {
		return nil, err
	}
	// More than are measured: the first decisions open limits and fill caches.
	receivables, err := l.confirmed(ctx, firstBuyer, "D", 3*count+warmUp)
	if err != nil {
		return nil, err
	}
	calls, err := l.applications(ctx, receivables, 2_000_00)
	if err != nil {
		return nil, err
	}
	bank, err := l.session(ctx, "bankA", "mona")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &decisionMeter{lender: l, watch: watching(ctx, bank, l.last)}
	if m.sme, err = l.session(ctx, "supplier", "amy"); err != nil {
		return nil, err
	}
	if m.ping, err = l.session(ctx, "bankA", "rita"); err != nil {
		return nil, err
	}
	if _, err := m.measure(ctx, "", calls[:warmUp], oneAtATime); err != nil {
		return nil, err
	}
	calls = calls[warmUp:]
	low, err := m.measure(ctx, "low", calls[:count], oneAtATime)
	if err != nil {
		return nil, err
	}
	peak, err := m.measure(ctx, "peak", calls[count:2*count], asManyAsGo)
	if err != nil {
		return nil, err
	}
	half, err := m.measure(ctx, "half of peak", calls[2*count:], every(time.Duration(2*float64(time.Second)/peak.PerSecond)))
	return []DecisionTime{low, half, peak}, err
}

// warmUp is the number of applications before those that count.
const warmUp = 4

type decisionMeter struct {
	lender    *lender
	watch     *watch
	sme, ping *consortium.Session
}

// pace submits calls in its own time; each must return once its own call is committed.
type pace func(ctx context.Context, calls []consortium.Call, submit func(consortium.Call) error, settled func(consortium.Call) error) error

// oneAtATime waits for each decision, and a moment, before the next application.
func oneAtATime(ctx context.Context, calls []consortium.Call, submit, settled func(consortium.Call) error) error {
	for _, call := range calls {
		if err := submit(call); err != nil {
			return err
		}
		if err := settled(call); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lowLoadPause):
		}
	}
	return nil
}

func asManyAsGo(_ context.Context, calls []consortium.Call, submit, _ func(consortium.Call) error) error {
	var g errgroup.Group
	g.SetLimit(peakParallel)
	for _, call := range calls {
		g.Go(func() error { return submit(call) })
	}
	return g.Wait()
}

// every begins an application each period, whether or not those before it are committed.
func every(period time.Duration) pace {
	return func(ctx context.Context, calls []consortium.Call, submit, _ func(consortium.Call) error) error {
		var g errgroup.Group
		for _, call := range calls {
			g.Go(func() error { return submit(call) })
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(period):
			}
		}
		return g.Wait()
	}
}

func (m *decisionMeter) measure(ctx context.Context, load string, calls []consortium.Call, at pace) (DecisionTime, error) {
	ctx, cancel := context.WithTimeout(ctx, decisionWithin)
	defer cancel()
	stop := emptyTransactions(ctx, m.ping, emptyPause)
	var ids []string
	for _, call := range calls {
		ids = append(ids, call.Args[1])
	}
	err := at(ctx, calls,
		func(call consortium.Call) error { _, err := m.sme.Submit(ctx, call, nil); return err },
		func(call consortium.Call) error { return m.watch.await(ctx, []string{call.Args[1]}, decided...) })
	if err == nil {
		err = m.watch.await(ctx, ids, decided...)
	}
	empty := stop()
	if err != nil {
		return DecisionTime{}, err
	}
	var took []time.Duration
	var first, last time.Time
	for _, id := range ids {
		applied, _ := m.watch.at(id, "application.submitted")
		end, _ := m.watch.at(id, decided...)
		took = append(took, end.Sub(applied))
		if first.IsZero() || applied.Before(first) {
			first = applied
		}
		if end.After(last) {
			last = end
		}
	}
	d := DecisionTime{Load: load, Applications: len(ids), PerSecond: float64(len(ids)) / last.Sub(first).Seconds(),
		MedianSeconds: quantile(took, 0.5).Seconds(), P99Seconds: quantile(took, 0.99).Seconds(), EmptySeconds: quantile(empty, 0.5).Seconds()}
	if d.EmptySeconds > 0 {
		d.MedianRatio, d.P99Ratio = d.MedianSeconds/d.EmptySeconds, d.P99Seconds/d.EmptySeconds
	}
	return d, nil
}
