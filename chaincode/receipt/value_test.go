package receipt

import (
	"crypto/ed25519"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// market is three agreed sources and a rule over them.
type market struct {
	rule PriceRule
	keys map[string]ed25519.PrivateKey
}

func newMarket(t testing.TB) market {
	m := market{rule: PriceRule{Quorum: 2, FreshSeconds: 3600, UsableSeconds: 86400}, keys: map[string]ed25519.PrivateKey{}}
	for _, id := range []string{"exchange-a", "exchange-b", "exchange-c"} {
		public, private := key(t, id)
		m.rule.Sources = append(m.rule.Sources, PriceSource{ID: id, Key: public})
		m.keys[id] = private
	}
	require.NoError(t, m.rule.Validate())
	return m
}

func (m market) price(source string, minor int64, at time.Time) Price {
	p := Price{Source: source, Class: "cocoa-beans", Minor: minor, Currency: "USD", Per: 1, Unit: "TNE", At: at}
	p.Signature = ed25519.Sign(m.keys[source], p.Message())
	return p
}

func terms() Terms {
	return Terms{Currency: "USD", Classes: []ClassHaircut{{"cocoa-beans", 1500}}, SilenceSeconds: 7200, SilenceBps: 1000, ExcursionReadings: 2, ExcursionBps: 2000,
		MissingReadings: 5, CustodyGapBps: 500, StalePriceBps: 1000, AdvanceBps: 6000, MaintenanceBps: 7500, CureBps: 7000, CureDays: 3}
}

func TestQuotesTakeOnlySignedLaterPricesOfAgreedSources(t *testing.T) {
	m := newMarket(t)
	var q Quotes
	q, err := q.Add(m.rule, m.price("exchange-a", 800_000, noon), noon)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		price Price
		code  fault.Code
	}{
		"same instant": {m.price("exchange-a", 1, noon), fault.PriceOutOfDate},
		"earlier":      {m.price("exchange-a", 1, noon.Add(-time.Minute)), fault.PriceOutOfDate},
		"future":       {m.price("exchange-b", 1, noon.Add(time.Hour)), fault.EvidenceFromFuture},
		"unknown":      {func() Price { p := m.price("exchange-a", 1, noon); p.Source = "exchange-x"; return p }(), fault.PriceSourceUnknown},
		"of another":   {func() Price { p := m.price("exchange-a", 1, noon); p.Source = "exchange-b"; return p }(), fault.PriceSignatureInvalid},
		"altered":      {func() Price { p := m.price("exchange-b", 1, noon); p.Minor = 2; return p }(), fault.PriceSignatureInvalid},
		"malformed":    {func() Price { p := m.price("exchange-b", 1, noon); p.Per = 0; return p }(), fault.InputInvalid},
	} {
		after, err := q.Add(m.rule, c.price, noon)
		assert.Equal(t, c.code, fault.CodeOf(err), name)
		assert.Equal(t, q, after, name)
	}
}

func TestPriceThatCounts(t *testing.T) {
	m := newMarket(t)
	add := func(q Quotes, source string, minor int64, age time.Duration) Quotes {
		q, err := q.Add(m.rule, m.price(source, minor, noon.Add(-age)), noon)
		require.NoError(t, err)
		return q
	}
	_, _, ok := Quotes{}.At(m.rule, "USD", "TNE", noon)
	assert.False(t, ok)
	one := add(Quotes{}, "exchange-a", 900, 0)
	p, fresh, ok := one.At(m.rule, "USD", "TNE", noon)
	assert.True(t, ok)
	assert.False(t, fresh, "one is no quorum")
	assert.Equal(t, int64(900), p.Minor)
	two := add(one, "exchange-b", 800, 30*time.Minute)
	p, fresh, _ = two.At(m.rule, "USD", "TNE", noon)
	assert.True(t, fresh)
	assert.Equal(t, int64(800), p.Minor, "of two the lower")
	three := add(two, "exchange-c", 100, time.Minute)
	p, _, _ = three.At(m.rule, "USD", "TNE", noon)
	assert.Equal(t, int64(800), p.Minor, "one wild source moves nothing")
	p, fresh, ok = three.At(m.rule, "USD", "TNE", noon.Add(2*time.Hour))
	assert.True(t, ok)
	assert.False(t, fresh)
	assert.Equal(t, int64(100), p.Minor, "stale: the lowest")
	_, _, ok = three.At(m.rule, "USD", "TNE", noon.Add(25*time.Hour))
	assert.False(t, ok)
	_, _, ok = three.At(m.rule, "EUR", "TNE", noon)
	assert.False(t, ok, "another currency is another price")
	_, _, ok = three.At(m.rule, "USD", "H87", noon)
	assert.False(t, ok, "pieces are not tonnes")
	withdrawn := m.rule
	withdrawn.Sources = withdrawn.Sources[:1]
	withdrawn.Quorum = 1
	p, fresh, _ = three.At(withdrawn, "USD", "TNE", noon)
	assert.True(t, fresh)
	assert.Equal(t, int64(900), p.Minor, "sources that are no longer agreed on do not count")
}

func TestValueAndItsCuts(t *testing.T) {
	m := newMarket(t)
	q := Quotes{}
	for source, minor := range map[string]int64{"exchange-a": 800_000, "exchange-b": 810_000, "exchange-c": 790_000} {
		var err error
		q, err = q.Add(m.rule, m.price(source, minor, noon), noon)
		require.NoError(t, err)
	}
	r := issued(t, rid(1), cocoa("L", 12_500)) // 12.5 t at 8000.00
	good := Watch{Receipt: r.ID, Devices: []DeviceWatch{{Device: "dev-00000001", LastAt: noon}}}
	for name, c := range map[string]struct {
		watch   func(*DeviceWatch)
		at      time.Time
		devices []Device
		terms   func(*Terms)
		unit    string
		value   int64
		finding Finding
	}{
		"as agreed":      {value: 8_500_000},
		"silent":         {watch: func(d *DeviceWatch) { d.LastAt = noon.Add(-3 * time.Hour) }, value: 7_500_000, finding: FindingSilence},
		"tolerated":      {watch: func(d *DeviceWatch) { d.Excursions, d.Missing = 2, 5 }, value: 8_500_000},
		"excursions":     {watch: func(d *DeviceWatch) { d.Excursions = 3 }, value: 6_500_000, finding: FindingExcursion},
		"breach":         {watch: func(d *DeviceWatch) { d.Breaches = 1 }, value: 6_500_000, finding: FindingExcursion},
		"missing":        {watch: func(d *DeviceWatch) { d.Missing = 6 }, value: 8_000_000, finding: FindingCustodyGap},
		"silence over":   {watch: func(d *DeviceWatch) { d.SilenceSeconds = 7201 }, value: 8_000_000, finding: FindingCustodyGap},
		"revoked before": {devices: []Device{{ID: "dev-00000001", Status: Revoked, RevokedFrom: noon}}, value: 8_000_000, finding: FindingCustodyGap},
		"revoked after":  {devices: []Device{{ID: "dev-00000001", Status: Revoked, RevokedFrom: noon.Add(1)}}, value: 8_500_000},
		"stale":          {at: noon.Add(90 * time.Minute), value: 7_406_250, finding: FindingStalePrice}, // 12.5 t at 7900.00, less 25 %
		"unpriced":       {at: noon.Add(25 * time.Hour), value: 0, finding: FindingUnpriced},
		"no class":       {terms: func(t *Terms) { t.Classes[0].Class = "coffee" }, value: 0, finding: FindingNoClass},
		"all gone":       {terms: func(t *Terms) { t.Classes[0].Bps = 9500 }, watch: func(d *DeviceWatch) { d.Breaches, d.LastAt = 1, time.Time{} }, value: 0, finding: FindingExcursion},
		"kilograms":      {unit: "KGM", value: 8_500},
	} {
		w, tt, at, rr := good, terms(), noon, r
		w.Devices = slices.Clone(good.Devices)
		if c.watch != nil {
			c.watch(&w.Devices[0])
		}
		if c.terms != nil {
			c.terms(&tt)
		}
		if !c.at.IsZero() {
			at = c.at
		}
		if c.unit != "" {
			rr.Lines = slices.Clone(r.Lines)
			rr.Lines[0].Quantity.Unit = c.unit
		}
		v, err := Value(rr, w, c.devices, []Quotes{q}, m.rule, tt, at)
		require.NoError(t, err, name)
		assert.Equal(t, c.value, v.ValueMinor, name)
		found := slices.ContainsFunc(v.Lines[0].Cuts, func(cut Cut) bool { return cut.Finding == c.finding })
		assert.True(t, c.finding == "" && len(v.Lines[0].Cuts) == 1 || found, "%s: %v", name, v.Lines[0].Cuts)
	}
	r.Devices = nil
	v, err := Value(r, Watch{}, nil, []Quotes{q}, m.rule, terms(), noon)
	require.NoError(t, err)
	assert.Equal(t, int64(7_500_000), v.ValueMinor, "nobody watches: as silent")

	r.Lines[0].Quantity.Value = math.MaxInt64
	_, err = Value(r, Watch{}, nil, []Quotes{q}, m.rule, terms(), noon)
	assert.Equal(t, fault.AmountOverflow, fault.CodeOf(err))
}

func TestLTV(t *testing.T) {
	for _, c := range []struct{ owed, value, want int64 }{{0, 0, 0}, {1, 0, MaxLTVBps}, {6000, 10000, 6000}, {6001, 10000, 6001}, {1, 3, 3334}, {math.MaxInt64, 1, MaxLTVBps}, {-5, 1, 0}} {
		assert.Equal(t, c.want, LTV(c.owed, c.value), "%d / %d", c.owed, c.value)
	}
	assert.Equal(t, int64(5_999), terms().MaxAdvance(9_999))
}

func TestMarginCall(t *testing.T) {
	holidays, tt := calendar.Weekends(), terms()
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) } // 0 is a Monday
	m := Margin{Loan: "lon-1"}
	step := func(owed, value int64, at time.Time) CallAction {
		var action CallAction
		var err error
		m, action, err = m.Assess(tt, owed, value, holidays, at)
		require.NoError(t, err)
		return action
	}
	assert.Equal(t, CallAction(""), step(7500, 10_000, day(0)), "at the maintenance level nothing happens")
	assert.Equal(t, CallDemand, step(7501, 10_000, day(2)))
	assert.Equal(t, calendar.MustParse("2026-03-09"), m.Call.CureBy, "three business days after Wednesday")
	assert.Equal(t, int64(501), m.Call.ShortfallMinor, "down to the cure level")
	assert.Equal(t, CallAction(""), step(9000, 10_000, day(3)), "one call at a time")
	assert.Equal(t, CallAction(""), step(7400, 10_000, day(4)), "below maintenance and above the cure level it stays open")
	assert.Equal(t, fault.MarginCallNotLapsed, fault.CodeOf(func() error { _, err := m.Liquidate(day(4)); return err }()))
	assert.Equal(t, CallAction(""), step(7400, 10_000, day(7)), "the last day of the window")
	assert.Equal(t, CallLapse, step(7400, 10_000, day(8)))
	assert.Equal(t, fault.MarginCallOpen, fault.CodeOf(m.MayRelease(tt, 0, 10_000)))
	late := m
	liquidated, err := m.Liquidate(day(8))
	require.NoError(t, err)
	assert.False(t, liquidated.Live())
	m = liquidated
	assert.Equal(t, CallAction(""), step(9000, 10_000, day(9)), "the goods are for sale; nobody asks for more")
	m = late
	assert.Equal(t, CallCure, step(7000, 10_000, day(9)), "late, but before the bank has acted")
	assert.Equal(t, CallDemand, step(8000, 10_000, day(10)))
	assert.Equal(t, 2, m.Calls)
	assert.Equal(t, CallCure, step(0, 0, day(10)))
	assert.NoError(t, m.MayRelease(tt, 7500, 10_000))
	assert.Equal(t, fault.MarginCallOpen, fault.CodeOf(m.MayRelease(tt, 7501, 10_000)))
}

// TestMarginWhateverTheOrder lets prices, evidence and repayments arrive in two orders, late and twice: no call is missed, none
// is open twice, and where cure and maintenance level are one, both orders end alike.
func TestMarginWhateverTheOrder(t *testing.T) {
	m := newMarket(t)
	holidays := calendar.Weekends()
	rapid.Check(t, func(t *rapid.T) {
		tt := terms()
		tt.CureBps = tt.MaintenanceBps
		r := issued(t, rid(1), cocoa("L", 10_000))
		var prices []Price
		for i := range rapid.IntRange(1, 8).Draw(t, "prices") {
			source := rapid.SampledFrom([]string{"exchange-a", "exchange-b", "exchange-c"}).Draw(t, "source")
			prices = append(prices, m.price(source, rapid.Int64Range(1, 1_000_000).Draw(t, "minor"), noon.Add(time.Duration(i)*time.Minute)))
		}
		devices := []Device{{ID: "dev-00000001"}}
		var segments []Segment // of one device: the ledger takes them in their order only
		for i := range rapid.IntRange(0, 4).Draw(t, "segments") {
			from := noon.Add(time.Duration(i) * 15 * time.Minute)
			segments = append(segments, Segment{Device: "dev-00000001", From: from, To: from.Add(10 * time.Minute), Count: 10,
				Summaries: []Summary{{Property: "Temperature", Excursions: rapid.Int64Range(0, 2).Draw(t, "excursions")}}})
		}
		owed := rapid.Int64Range(1, 9_000_000).Draw(t, "owed")
		run := func(order []int) Margin {
			margin, quotes, watch, live := Margin{Loan: "lon-1"}, Quotes{}, Watch{}, 0
			at, next := noon.Add(2*time.Hour), 0
			assess := func() {
				v, err := Value(r, watch, devices, []Quotes{quotes}, m.rule, tt, at)
				require.NoError(t, err)
				before := margin
				var action CallAction
				margin, action, err = margin.Assess(tt, owed, v.ValueMinor, holidays, at)
				require.NoError(t, err)
				switch action {
				case CallDemand:
					live++
					require.Equal(t, before.Calls+1, margin.Calls)
				case CallCure:
					live--
				}
				require.Equal(t, LTV(owed, v.ValueMinor) > tt.MaintenanceBps, margin.Live(), "a call is missed, or stays for nothing")
				require.Contains(t, []int{0, 1}, live, "two calls at once")
				again, action, err := margin.Assess(tt, owed, v.ValueMinor, holidays, at)
				require.NoError(t, err)
				require.Empty(t, action, "the same facts change nothing twice")
				require.Equal(t, margin, again)
			}
			for _, i := range order {
				if i < len(prices) {
					if q, err := quotes.Add(m.rule, prices[i], at); err == nil {
						quotes = q
					}
				} else if next < len(segments) {
					w, err := watch.Add(r, Batch{Segments: segments[next : next+1]})
					require.NoError(t, err)
					watch, next = w, next+1
				}
				assess()
			}
			return margin
		}
		var all []int
		for i := range len(prices) + len(segments) {
			all = append(all, i)
		}
		a := run(rapid.Permutation(all).Draw(t, "one order"))
		b := run(rapid.Permutation(all).Draw(t, "another"))
		require.Equal(t, a.LTVBps, b.LTVBps)
		require.Equal(t, a.Live(), b.Live())
	})
}

func TestProceedsConserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, math.MaxInt64))
		proceeds := amount.Draw(t, "proceeds")
		d := Debts{SaleMinor: amount.Draw(t, "sale"), StorageMinor: amount.Draw(t, "storage"), InterestMinor: amount.Draw(t, "interest"), PrincipalMinor: amount.Draw(t, "principal")}
		shares, err := Distribute(money.Amount{Minor: proceeds, Currency: "USD"}, d)
		require.NoError(t, err)
		debts := []int64{d.SaleMinor, d.StorageMinor, d.InterestMinor, d.PrincipalMinor, 0}
		rest, short := proceeds, false
		for i, s := range shares {
			require.Equal(t, Ranks()[i], s.Rank)
			require.GreaterOrEqual(t, s.PaidMinor, int64(0))
			require.False(t, short && s.PaidMinor > 0, "a later rank is paid before an earlier one is")
			short = short || s.UnpaidMinor > 0
			if s.Rank != RankOwner {
				require.Equal(t, debts[i], s.PaidMinor+s.UnpaidMinor)
			}
			rest -= s.PaidMinor
		}
		require.Zero(t, rest, "proceeds were made or lost")
	})
	_, err := Distribute(money.Amount{Minor: -1, Currency: "USD"}, Debts{SaleMinor: -1})
	assert.ErrorContains(t, err, "sale_costs")
	assert.ErrorContains(t, err, "proceeds.minor")
}

func TestTermsAndRulesReportEveryFailure(t *testing.T) {
	assert.NoError(t, terms().Validate())
	bad := Terms{Currency: "XXQ", Classes: []ClassHaircut{{"b", -1}, {"a", 10_001}}, SilenceBps: -1, ExcursionReadings: -1, AdvanceBps: 8000, MaintenanceBps: 7000, CureBps: 0, CureDays: 31}
	for _, want := range []string{"currency", "classes[0].bps", "classes[1].class", "classes[1].bps", "silence_bps", "silence_seconds", "excursion_readings", "maintenance_bps", "cure_bps", "cure_days"} {
		assert.ErrorContains(t, bad.Validate(), want)
	}
	for _, want := range []string{"sources", "quorum", "usable_seconds"} {
		assert.ErrorContains(t, PriceRule{}.Validate(), want)
	}
}
