package simulation

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// Limits and defaults of a back-test.
const (
	MaxSeeds          = 100
	MaxLives          = 10_000
	DefaultSeeds      = 8
	DefaultLives      = 50
	DefaultApproveBps = 8_000
	resamples         = 2_000
	confidence        = 0.95
)

// Backtest says which worlds to compare in.
type Backtest struct {
	FirstSeed  uint64
	Seeds      int
	Firms      int
	Months     int
	ApproveBps int64 // applicants that are approved, those with the best scores
	Lives      int   // futures of every test cut-off, for the true PD; 0 leaves the ceiling out
	BySource   bool  // trains models with trade, goods and graph features one by one, too
	Progress   Progress
}

// Validate reports every failure with its field and value.
func (b Backtest) Validate() error {
	var bad fault.Fields
	if b.Seeds < 2 || b.Seeds > MaxSeeds {
		bad.Add("seeds", b.Seeds, "must be 2 to %d", MaxSeeds)
	}
	if b.ApproveBps < 1 || b.ApproveBps > 9_999 {
		bad.Add("approve_bps", b.ApproveBps, "must be 1 to 9999")
	}
	if b.Lives < 0 || b.Lives > MaxLives {
		bad.Add("lives", b.Lives, "must be 0 to %d", MaxLives)
	}
	if err := bad.Err(); err != nil {
		return err
	}
	return Config{Firms: b.Firms, Months: b.Months}.Validate()
}

// Outcome is what a back-test found.
type Outcome struct {
	Notice     string         `json:"notice"`
	Firms      int            `json:"firms"`
	Months     int            `json:"months"`
	FirstSeed  uint64         `json:"first_seed"`
	Seeds      int            `json:"seeds"`
	ApproveBps int64          `json:"approve_bps"`
	World      WorldOutcome   `json:"world"`
	Placebo    WorldOutcome   `json:"placebo"`
	Bureau     []string       `json:"bureau_features"`
	Ledger     []string       `json:"ledger_features"`
	BySource   []SourceUplift `json:"by_source,omitempty"`
}

// WorldOutcome is the comparison in one kind of world. Rates and reductions are shares of 1.
type WorldOutcome struct {
	BySeed []SeedOutcome `json:"by_seed"`
	// BureauBadRate and LedgerBadRate are among the approved, of all seeds together.
	BureauBadRate float64 `json:"bureau_bad_rate"`
	LedgerBadRate float64 `json:"ledger_bad_rate"`
	// Reduction is 1 − LedgerBadRate ÷ BureauBadRate, its interval by a paired bootstrap of firms within their worlds.
	Reduction Interval `json:"reduction"`
	// OverSeeds is the mean of the seeds' own reductions, its interval Student's t over them.
	OverSeeds Interval `json:"reduction_over_seeds"`
	// UpliftAUC is by how much the AUC rises, over the seeds.
	UpliftAUC Interval `json:"auc_uplift_over_seeds"`
}

// Interval is an estimate with its 95 % confidence interval.
type Interval struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Contains reports whether x is inside.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// SeedOutcome is the comparison in one world.
type SeedOutcome struct {
	Seed          uint64  `json:"seed"`
	TrainRows     int     `json:"train_rows"`
	TestRows      int     `json:"test_rows"`
	TestBad       int     `json:"test_bad"`
	BureauAUC     float64 `json:"bureau_auc"`
	LedgerAUC     float64 `json:"ledger_auc"`
	BureauBadRate float64 `json:"bureau_bad_rate"`
	LedgerBadRate float64 `json:"ledger_bad_rate"`
	Reduction     float64 `json:"reduction"`
	// Ceiling is the AUC of the true PD. It is between the two: counts of few lives rank a little worse than the PD itself, and a
	// PD estimated by them predicts its own lives a little better.
	CeilingLow  float64 `json:"ceiling_auc_low,omitempty"`
	CeilingHigh float64 `json:"ceiling_auc_high,omitempty"`
	// Reached is (LedgerAUC − ½) ÷ (ceiling − ½), by the middle of the two.
	Reached float64 `json:"share_of_ceiling,omitempty"`
	// TruthBadRate is the bad rate among the approved if the true PD decided.
	TruthBadRate float64 `json:"truth_bad_rate,omitempty"`
}

// SourceUplift is what one source adds to the bureau's features, mean AUC over the seeds.
type SourceUplift struct {
	Source  string  `json:"source"`
	World   float64 `json:"world_auc"`
	Placebo float64 `json:"placebo_auc"`
}

// notice stands on every result.
const notice = "A simulated world, made of assumptions. It is no evidence about real lending."

// Run makes the worlds, trains on the early applications of one half of the firms, and scores the late ones of the other half, so
// that no row is scored by a model that has seen its firm or its time.
func (b Backtest) Run() (*Outcome, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	o := &Outcome{Notice: notice, Firms: b.Firms, Months: b.Months, FirstSeed: b.FirstSeed, Seeds: b.Seeds, ApproveBps: b.ApproveBps,
		Bureau: slices.Concat(BureauColumns, BureauRecord)}
	for _, f := range supplychain.Features {
		if !slices.Contains(BureauRecord, f.Name) {
			o.Ledger = append(o.Ledger, f.Name)
		}
	}
	sources := map[string]*SourceUplift{}
	for kind, into := range []*WorldOutcome{&o.World, &o.Placebo} {
		links, lives := AllLinks, Lives{Test: b.Lives}
		if kind == 1 {
			links, lives = Links{}, Lives{}
		}
		var books []book
		for k := range b.Seeds {
			b.Progress.say([]string{"world", "placebo"}[kind], kind*b.Seeds+k, 2*b.Seeds)
			seed := b.FirstSeed + uint64(k)
			cases, err := Cases(Config{Seed: seed, Firms: b.Firms, Months: b.Months, Links: links}, lives, nil)
			if err != nil {
				return nil, err
			}
			book, err := b.score(cases, o)
			if err != nil {
				return nil, fmt.Errorf("seed %d: %w", seed, err)
			}
			books = append(books, *book)
			into.BySeed = append(into.BySeed, book.outcome(seed, cases, b.ApproveBps))
			for name, risk := range book.sources {
				if sources[name] == nil {
					sources[name] = &SourceUplift{Source: name}
				}
				mean := []*float64{&sources[name].World, &sources[name].Placebo}[kind]
				*mean += scoring.AUC(risk, book.bad) / float64(b.Seeds)
			}
		}
		into.pool(books, b.ApproveBps, b.FirstSeed)
	}
	for _, name := range []string{"trade", "goods", "graph"} {
		if s := sources[name]; s != nil {
			o.BySource = append(o.BySource, *s)
		}
	}
	b.Progress.say("done", 2*b.Seeds, 2*b.Seeds)
	return o, nil
}

// book is the test applications of one world with the risk that each model gives them.
type book struct {
	firm           []int
	bad            []bool
	bureau, ledger []float64
	truth          []float64
	sources        map[string][]float64
	trainRows      int
}

// Sources of the ledger's features.
var (
	goodsFeatures = []string{"goods_covered", "goods_excursion_seconds", "goods_silence_seconds"}
	graphFeatures = []string{"tier_depth", "trade_rank", "buyers_late_days", "buyers_distress_bps", "two_hops_distress_bps",
		"community_overdue_bps", "related_sales_bps"}
)

func (b Backtest) score(cases []Case, o *Outcome) (*book, error) {
	t, err := scoring.ReadCSV("simulated", bytes.NewReader(CSV(cases, false)))
	if err != nil {
		return nil, err
	}
	target, err := scoring.ReadTarget(t, "label", "")
	if err != nil {
		return nil, err
	}
	sets := map[string][]string{"bureau": o.Bureau, "ledger": slices.Concat(o.Bureau, o.Ledger)}
	if b.BySource {
		trade := slices.DeleteFunc(slices.Clone(o.Ledger), func(name string) bool {
			return slices.Contains(goodsFeatures, name) || slices.Contains(graphFeatures, name)
		})
		sets["trade"], sets["goods"], sets["graph"] = slices.Concat(o.Bureau, trade), slices.Concat(o.Bureau, goodsFeatures), slices.Concat(o.Bureau, graphFeatures)
	}
	bk := &book{sources: map[string][]float64{}}
	var rows []int
	for half := range 2 {
		for i := range cases {
			if cases[i].Test && cases[i].firm%2 == half {
				rows = append(rows, i)
				bk.firm, bk.bad = append(bk.firm, cases[i].firm), append(bk.bad, cases[i].Bad)
				if cases[i].Lives > 0 {
					bk.truth = append(bk.truth, float64(cases[i].Futures)/float64(cases[i].Lives))
				}
			}
		}
	}
	for name, features := range sets {
		var risk []float64
		for half := range 2 {
			some, err := b.train(t, target, cases, features, half)
			if err != nil {
				return nil, err
			}
			bk.trainRows += some.trained
			for _, i := range rows {
				if cases[i].firm%2 != half {
					continue
				}
				_, result, err := some.scorer.Row(i)
				if err != nil {
					return nil, err
				}
				risk = append(risk, -float64(result.Points))
			}
		}
		switch name {
		case "bureau":
			bk.bureau = risk
		case "ledger":
			bk.ledger = risk
		default:
			bk.sources[name] = risk
		}
	}
	bk.trainRows /= len(sets)
	return bk, nil
}

type trained struct {
	scorer  *scoring.Scorer
	trained int
}

// train trains on the early applications of the firms that are not in the half.
func (b Backtest) train(t *scoring.Table, target scoring.Target, cases []Case, features []string, half int) (*trained, error) {
	var rows, columns []int
	for i := range cases {
		if !cases[i].Test && cases[i].firm%2 != half {
			rows = append(rows, i)
		}
	}
	options := scoring.Options{Kind: scoring.Additive, Seed: int64(b.FirstSeed % math.MaxInt32), Monotone: map[string]int{}}
	for _, name := range features {
		c := t.Column(name)
		columns = append(columns, c)
		if f := supplychain.ByName(name); f != nil && varies(t.Columns[c], rows) {
			options.Monotone[name] = f.Sign
		}
	}
	m, err := scoring.Train(t, columns, target, rows, options)
	if err != nil {
		return nil, err
	}
	s, err := scoring.NewScorer(m.Card, t)
	return &trained{s, len(rows)}, err
}

func varies(cells []string, rows []int) bool {
	return slices.ContainsFunc(rows, func(r int) bool { return cells[r] != cells[rows[0]] && cells[r] != "" })
}

func (bk *book) outcome(seed uint64, cases []Case, approveBps int64) SeedOutcome {
	one := make([]int, 1+slices.Max(bk.firm))
	for i := range one {
		one[i] = 1
	}
	o := SeedOutcome{Seed: seed, TrainRows: bk.trainRows, TestRows: len(bk.bad), BureauAUC: scoring.AUC(bk.bureau, bk.bad), LedgerAUC: scoring.AUC(bk.ledger, bk.bad)}
	for _, x := range bk.bad {
		if x {
			o.TestBad++
		}
	}
	o.BureauBadRate = approved(byRisk(bk.bureau), bk, one, approveBps).rate()
	o.LedgerBadRate = approved(byRisk(bk.ledger), bk, one, approveBps).rate()
	o.Reduction = 1 - o.LedgerBadRate/o.BureauBadRate
	if len(bk.truth) > 0 {
		o.CeilingLow, o.CeilingHigh = scoring.AUC(bk.truth, bk.bad), ownAUC(bk.truth)
		o.Reached = (o.LedgerAUC - 0.5) / ((o.CeilingLow+o.CeilingHigh)/2 - 0.5)
		o.TruthBadRate = approved(byRisk(bk.truth), bk, one, approveBps).rate()
	}
	return o
}

// tally counts the approved.
type tally struct{ approved, bad float64 }

func (t tally) rate() float64 { return t.bad / t.approved }

func byRisk(risk []float64) []int {
	list := make([]int, len(risk))
	for i := range list {
		list[i] = i
	}
	slices.SortStableFunc(list, func(a, b int) int {
		switch {
		case risk[a] < risk[b]:
			return -1
		case risk[a] > risk[b]:
			return 1
		}
		return 0
	})
	return list
}

// approved takes the best rows, each as often as its firm counts, until the share is reached.
func approved(order []int, bk *book, times []int, approveBps int64) tally {
	total := 0
	for _, f := range bk.firm {
		total += times[f]
	}
	left := float64(total) * float64(approveBps) / 10_000
	var t tally
	for _, i := range order {
		n := min(left-t.approved, float64(times[bk.firm[i]]))
		if n <= 0 && t.approved >= left {
			break
		}
		t.approved += n
		if bk.bad[i] {
			t.bad += n
		}
	}
	return t
}

// pool adds the seeds up and resamples their firms.
func (o *WorldOutcome) pool(books []book, approveBps int64, seed uint64) {
	d := rand.New(rand.NewPCG(seed, 0xb007))
	orders := make([][2][]int, len(books))
	for k := range books {
		orders[k] = [2][]int{byRisk(books[k].bureau), byRisk(books[k].ledger)}
	}
	draws := make([]float64, 0, resamples)
	for n := range resamples + 1 {
		var sum [2]tally
		for k := range books {
			times := make([]int, 1+slices.Max(books[k].firm))
			for i := range times {
				times[i] = 1
			}
			if n > 0 {
				clear(times)
				for range times {
					times[d.IntN(len(times))]++
				}
			}
			for m := range sum {
				t := approved(orders[k][m], &books[k], times, approveBps)
				sum[m].approved, sum[m].bad = sum[m].approved+t.approved, sum[m].bad+t.bad
			}
		}
		reduction := 1 - sum[1].rate()/sum[0].rate()
		if n == 0 {
			o.BureauBadRate, o.LedgerBadRate, o.Reduction.Estimate = sum[0].rate(), sum[1].rate(), reduction
			continue
		}
		draws = append(draws, reduction)
	}
	slices.Sort(draws)
	o.Reduction.Low, o.Reduction.High = draws[int((1-confidence)/2*resamples)], draws[int((1+confidence)/2*resamples)-1]
	var reductions, uplifts []float64
	for _, s := range o.BySeed {
		reductions, uplifts = append(reductions, s.Reduction), append(uplifts, s.LedgerAUC-s.BureauAUC)
	}
	o.OverSeeds, o.UpliftAUC = student(reductions), student(uplifts)
}

// student is Student's t interval of a mean.
func student(x []float64) Interval {
	mean, sd := stat.MeanStdDev(x, nil)
	t := distuv.StudentsT{Sigma: 1, Nu: float64(len(x) - 1)}.Quantile((1 + confidence) / 2)
	half := t * sd / math.Sqrt(float64(len(x)))
	return Interval{mean, mean - half, mean + half}
}

// ownAUC is the AUC that a PD reaches on outcomes drawn from itself: the chance that of a bad and a good one, the bad one has
// the higher PD.
func ownAUC(pd []float64) float64 {
	var wins, goodBelow, bads, goods float64
	list := byRisk(pd)
	for i := 0; i < len(list); {
		j, good, bad := i, 0.0, 0.0
		for ; j < len(list) && pd[list[j]] == pd[list[i]]; j++ {
			good, bad = good+1-pd[list[j]], bad+pd[list[j]]
		}
		wins += bad * (goodBelow + good/2)
		goodBelow, bads, goods, i = goodBelow+good, bads+bad, goods+good, j
	}
	return wins / (bads * goods)
}
