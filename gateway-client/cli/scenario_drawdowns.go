package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/drawdown"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/scenario"
)

// Contention is how drawdowns on one buyer's limit went, beside the same load on separate limits.
type Contention struct {
	Load       string  `json:"load"` // one limit, separate limits
	Loans      int     `json:"loans"`
	Drawn      int     `json:"drawn"`
	Conflicted int     `json:"tried_again"` // loans that took more than one try
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"per_second"`
	// Failures counts the loans that were not drawn by the code of the refusal.
	Failures map[string]int `json:"failures,omitempty"`
}

// DrawdownReport is the whole measurement.
type DrawdownReport struct {
	Loads []Contention `json:"loads"`
	// Ratio is the throughput on one limit as a part of that on separate ones.
	Ratio         float64 `json:"ratio"`
	UsedMinor     int64   `json:"used_minor"`     // of the one limit, in the end
	ExpectedMinor int64   `json:"expected_minor"` // the principal that was drawn on it
	OverdrawMinor int64   `json:"overdraw_minor"` // beyond a lane's or the limit's bound
}

func scenarioDrawdownsCommand(app *App) *cobra.Command {
	var count, rounds, lanes, parallel int
	cmd := &cobra.Command{
		Use:   "drawdowns FILE",
		Short: "Measure drawdowns on one buyer's limit against the same on separate limits",
		Long: `Plays the scenario until two banks can lend, prepares loans on claims against one buyer and on claims against seven others, and
draws them in turns, so that both have the same machine. The network must have been started with testdata/topologies/eight-buyers.yaml.
Bank A's underwriter must run (tallyd).`,
		Example: "  tally scenario drawdowns testdata/scenarios/financing.yaml --count 70 --rounds 3",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := played(app, func(runner *scenario.Runner, sessions *Sessions) (*DrawdownReport, error) {
				return TryDrawdowns(cmd.Context(), app, runner, sessions.Get, args[0], Drawdowns{count, rounds, lanes, parallel})
			})
			if err != nil {
				return err
			}
			if app.JSON() {
				return app.PrintJSON(report)
			}
			return app.table(func(row func(...string)) {
				row("LOAD", "LOANS", "DRAWN", "TRIED AGAIN", "SECONDS", "A SECOND")
				for _, c := range report.Loads {
					row(c.Load, fmt.Sprint(c.Loans), fmt.Sprint(c.Drawn), fmt.Sprint(c.Conflicted), fmt.Sprintf("%.1f", c.Seconds), fmt.Sprintf("%.1f", c.PerSecond))
				}
				for _, c := range report.Loads {
					for code, n := range c.Failures {
						row("not drawn", c.Load, code, fmt.Sprint(n))
					}
				}
				row("ratio", fmt.Sprintf("%.2f", report.Ratio))
				row("overdraw", fmt.Sprint(report.OverdrawMinor))
			})
		},
	}
	cmd.Flags().IntVar(&count, "count", 70, "loans of each load in a round")
	cmd.Flags().IntVar(&rounds, "rounds", 3, "rounds")
	cmd.Flags().IntVar(&lanes, "lanes", financing.MaxLanes, "lanes of every limit")
	cmd.Flags().IntVar(&parallel, "parallel", drawdown.DefaultParallel, "drawdowns at a time")
	return cmd
}

// Drawdowns says how much is measured: loans of each load in a round, rounds, lanes of a limit, drawdowns at a time.
type Drawdowns struct{ Count, Rounds, Lanes, Parallel int }

// advanceMinor is the amount of each loan.
const advanceMinor = 1_000_00

// TryDrawdowns measures drawdowns over the scenario file on a network with several buyers.
func TryDrawdowns(ctx context.Context, app *App, runner *scenario.Runner, connect Connector, file string, size Drawdowns) (*DrawdownReport, error) {
	l, err := newLender(ctx, app, runner, connect, file)
	if err != nil {
		return nil, err
	}
	others, err := l.moreBuyers(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.widePolicy(ctx, size.Lanes); err != nil {
		return nil, err
	}
	all := size.Count * size.Rounds
	one, err := l.agreed(ctx, firstBuyer, "ONE", all)
	if err != nil {
		return nil, err
	}
	var separate []string
	for i, b := range others {
		part := all / len(others)
		if i < all%len(others) {
			part++
		}
		some, err := l.agreed(ctx, b, "SEP"+fmt.Sprint(i), part)
		if err != nil {
			return nil, err
		}
		separate = append(separate, some...)
	}
	separate = dealt(separate, len(others))
	s, err := l.session(ctx, "bankA", "mona")
	if err != nil {
		return nil, err
	}
	report := &DrawdownReport{Loads: []Contention{{Load: "one limit"}, {Load: "separate limits"}}}
	lists := [2][]string{one, separate}
	for round := range size.Rounds {
		for turn := range 2 {
			which := (round + turn) % 2 // who goes first changes from round to round
			if err := report.Loads[which].draw(ctx, s, lists[which][round*size.Count:(round+1)*size.Count], size.Parallel); err != nil {
				return report, err
			}
		}
	}
	report.Ratio = report.Loads[0].PerSecond / report.Loads[1].PerSecond
	report.ExpectedMinor = int64(report.Loads[0].Drawn) * advanceMinor
	return report, l.overdraw(ctx, report)
}

// dealt mixes a list that was filled in parts, as cards are dealt.
func dealt(list []string, hands int) []string {
	var out []string
	size := (len(list) + hands - 1) / hands
	for i := range size {
		for h := range hands {
			if at := h*size + i; at < min(len(list), (h+1)*size) {
				out = append(out, list[at])
			}
		}
	}
	return out
}

func (c *Contention) draw(ctx context.Context, s *consortium.Session, loans []string, parallel int) error {
	d := drawdown.Drawer{Session: s, Parallel: parallel}
	start := time.Now()
	var first error
	for _, r := range d.Draw(ctx, loans) {
		c.Loans++
		if r.Err == nil {
			c.Drawn++
		} else {
			if first == nil {
				first = r.Err
			}
			if c.Failures == nil {
				c.Failures = map[string]int{}
			}
			c.Failures[cmp.Or(string(fault.CodeOf(r.Err)), r.Err.Error())]++
		}
		if r.Tries > 1 {
			c.Conflicted++
		}
	}
	c.Seconds += time.Since(start).Seconds()
	c.PerSecond = float64(c.Drawn) / c.Seconds
	if c.Drawn == 0 {
		return first
	}
	return nil
}

// overdraw reads the one limit and holds it against what was drawn.
func (l *lender) overdraw(ctx context.Context, report *DrawdownReport) error {
	s, err := l.session(ctx, "bankA", "rita")
	if err != nil {
		return err
	}
	id, err := operation.LimitID(ctx, s, l.vars["desk_a"], financing.Draw{Kind: financing.PerBuyer, Subject: l.vars["party_buyer"]})
	if err != nil {
		return err
	}
	limit, err := operation.ReadLimit(ctx, s, l.vars["desk_a"], id)
	if err != nil {
		return err
	}
	report.UsedMinor = limit.UsedMinor
	report.OverdrawMinor = max(0, limit.UsedMinor-limit.TotalMinor)
	for _, lane := range limit.Lanes {
		report.OverdrawMinor += max(0, lane.UsedMinor-lane.CapMinor)
	}
	return nil
}

// moreBuyers registers the network's other buyers in the programme.
func (l *lender) moreBuyers(ctx context.Context) ([]buyerUsers, error) {
	var list []buyerUsers
	for n := 2; l.vars[fmt.Sprint("party_buyer", n)] != ""; n++ {
		b := buyerUsers{fmt.Sprint("buyer", n), fmt.Sprintf("95200001002%02d", n), fmt.Sprint("maker", n), fmt.Sprint("checker", n)}
		err := l.run(ctx, "buyer", "gwen", nil, "party", "register", l.vars["party_"+b.alias], "--programme", l.vars["programme"], "--name", "Buyer "+fmt.Sprint(n), "--id", "0088:"+b.gln)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	if len(list) == 0 {
		return nil, usageError{errors.New("the network has one buyer; start it with --topology testdata/topologies/eight-buyers.yaml")}
	}
	return list, nil
}

// widePolicy lets bank A lend much, in limits of so many lanes.
func (l *lender) widePolicy(ctx context.Context, lanes int) error {
	raw, err := os.ReadFile(filepath.Join(l.vars["testdata"], "policies", "bank-b.json"))
	if err != nil {
		return err
	}
	var terms financing.Terms
	if err := json.Unmarshal(raw, &terms); err != nil {
		return err
	}
	for i := range terms.Limits {
		terms.Limits[i].Lanes, terms.Limits[i].TotalMinor = int64(lanes), 1_000_000_000_00
		if terms.Limits[i].Kind == financing.PerBuyer {
			terms.Limits[i].TotalMinor = 200_000_000_00
		}
	}
	if raw, err = json.Marshal(terms); err != nil {
		return err
	}
	file := filepath.Join(l.dir, "wide-policy.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return err
	}
	var proposed struct {
		ID string `json:"id"`
	}
	if err := l.run(ctx, "bankA", "rita", &proposed, "policy", "propose", file, "--desk", l.vars["desk_a"]); err != nil {
		return err
	}
	return l.run(ctx, "bankA", "rob", nil, "policy", "approve", proposed.ID)
}

// agreed takes so many claims against a buyer to loans that wait for their drawdown.
func (l *lender) agreed(ctx context.Context, b buyerUsers, series string, count int) ([]string, error) {
	receivables, err := l.confirmed(ctx, b, series, count)
	if err != nil {
		return nil, err
	}
	calls, err := l.applications(ctx, receivables, advanceMinor)
	if err != nil {
		return nil, err
	}
	bank, err := l.session(ctx, "bankA", "mona")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sme, err := l.session(ctx, "supplier", "amy")
	if err != nil {
		return nil, err
	}
	w := watching(ctx, sme, l.last) // at the peer that is asked to accept
	loans := make([]string, count)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(peakParallel)
	for i, call := range calls {
		g.Go(func() error {
			if _, err := sme.Submit(gctx, call, nil); err != nil {
				return err
			}
			if err := w.await(gctx, []string{call.Args[1]}, decided...); err != nil {
				return err
			}
			loans[i] = consortium.NewID("loan")
			done, err := sme.Submit(gctx, consortium.Call{Function: "financing:Accept", Args: []string{call.Args[1], loans[i]}, Circles: call.Circles}, nil)
			if err == nil {
				err = bank.Await(gctx, done.Block)
			}
			return err
		})
	}
	return loans, g.Wait()
}
