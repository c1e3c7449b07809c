package receipt

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/transition"
)

func TestIssuanceReportsEveryFailure(t *testing.T) {
	in := Issuance{ID: "x", Owner: Holder{}, Site: " hall", StoredOn: calendar.Date{}, Devices: []string{"dev-00000001", "dev-00000001"},
		Charges: &money.Amount{Minor: -1, Currency: "EUR"}, Declared: &money.Amount{Minor: 1, Currency: "XXQ"},
		Conditions: []Condition{{Property: "1", Unit: "celsius", Scale: 9, Min: 2, Max: 1}},
		Goods: []Goods{
			{Class: "Cocoa", GTIN: "4012345111119", Lot: "é", Quantity: Quantity{Value: 0, Scale: 7, Unit: "tonne"}},
			{Class: "cocoa", Lot: "L", Quantity: Quantity{Value: 1500, Scale: 3, Unit: "H87"}, Serials: []string{"b", "a"}},
		}}
	err := in.Validate()
	var e *fault.Error
	require.ErrorAs(t, err, &e)
	var paths []string
	for _, f := range e.Fields {
		paths = append(paths, f.Path)
	}
	for _, want := range []string{"id", "owner.msp", "owner.party", "site", "stored_on", "devices[1]", "charges.minor", "declared.currency",
		"conditions[0].property", "conditions[0].unit", "conditions[0].scale", "conditions[0].min",
		"goods[0].class", "goods[0].gtin", "goods[0].lot", "goods[0].quantity.value", "goods[0].quantity.scale", "goods[0].quantity.unit",
		"goods[1].lot_issuer", "goods[1].serials[1]", "goods[1].quantity.value"} {
		assert.Contains(t, paths, want)
	}
	assert.Equal(t, fault.InputInvalid, e.Code)
	assert.NotContains(t, err.Error(), "4012345111119")
}

func TestOneLineALotInOneReceipt(t *testing.T) {
	in := Issuance{ID: rid(1), Owner: holder(acme), Site: "hall", StoredOn: calendar.MustParse("2026-03-01"), Goods: []Goods{cocoa("L 1", 5), cocoa("l1", 6)}}
	assert.ErrorContains(t, in.Validate(), "goods[1].lot")
	in.Goods[1].Lot = "L-1"
	assert.NoError(t, in.Validate(), "punctuation tells lots apart")
}

func TestGoodsAreNotReceivedTomorrow(t *testing.T) {
	_, err := New(wes, "prg-00000001", Issuance{ID: rid(1), Owner: holder(acme), Site: "hall", Goods: []Goods{cocoa("L", 1)}, StoredOn: calendar.MustParse("2026-03-03")}, noon)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
}

func TestGTINCheckDigit(t *testing.T) {
	for gtin, ok := range map[string]bool{"4012345111118": true, "04012345111118": true, "4012345111119": false, "96385074": true, "036000291452": true,
		"036000291453": false, "401234511111": false, "": false, "401234511111x": false} {
		assert.Equal(t, ok, ValidGTIN(gtin), gtin)
	}
}

func TestLotFingerprints(t *testing.T) {
	k := make([]byte, LotKeyBytes)
	of := func(g Goods) []string {
		list, err := LotFingerprints(k, g)
		require.NoError(t, err)
		return list
	}
	a := of(cocoa("L-1", 5))
	require.Len(t, a, 1)
	assert.Equal(t, a, of(Goods{GTIN: "04012345111118", Lot: " l-1", Quantity: Quantity{Value: 9}}), "quantity, length of the GTIN, case and blanks do not matter")
	assert.NotEqual(t, a, of(cocoa("L1", 5)))
	both := cocoa("L-1", 5)
	both.LotIssuer = "Coop. Abidjan"
	assert.Equal(t, a[0], of(both)[0])
	assert.Equal(t, of(Goods{LotIssuer: "coop abidjan", Lot: "L-1"})[0], of(both)[1])
	other := make([]byte, LotKeyBytes)
	other[0] = 1
	list, err := LotFingerprints(other, cocoa("L-1", 5))
	require.NoError(t, err)
	assert.NotEqual(t, a, list, "without the key nobody can guess it")
	_, err = LotFingerprints(k[:31], cocoa("L-1", 5))
	assert.Error(t, err)
	assert.NotEqual(t, of(Goods{GTIN: "4012345111118", Lot: "X"}), of(Goods{LotIssuer: "04012345111118", Lot: "X"}), "a name is no GTIN")
}

// TestWhoMay tries every step in every status as everybody, and compares who may with the table's own words.
func TestWhoMay(t *testing.T) {
	build := map[Status]Receipt{}
	stored := issued(t, rid(1), cocoa("L", 10))
	offered, err := stored.OfferTo(acme, holder(birch))
	require.NoError(t, err)
	reserved, err := stored.Reserve(acme, banker.MSP, "app-1", noon)
	require.NoError(t, err)
	pledged, err := reserved.Pledge("app-1", "loan-1", noon)
	require.NoError(t, err)
	enforced, err := pledged.Enforce("loan-1")
	require.NoError(t, err)
	requested, err := stored.Request(acme)
	require.NoError(t, err)
	build[Stored], build[Offered], build[Reserved], build[Pledged], build[Enforced], build[Requested] = stored, offered, reserved, pledged, enforced, requested

	exchange := Proposal{Out: []int{0}, In: []Goods{cocoa("M", 7)}}
	steps := map[Action]func(Receipt, member.Actor) (Receipt, error){
		Offer:    func(r Receipt, a member.Actor) (Receipt, error) { return r.OfferTo(a, holder(birch)) },
		Accept:   Receipt.Accept,
		Withdraw: Receipt.Withdraw,
		Decline:  Receipt.Decline,
		Reserve:  func(r Receipt, a member.Actor) (Receipt, error) { return r.Reserve(a, rival.MSP, "app-2", noon) },
		Propose:  func(r Receipt, a member.Actor) (Receipt, error) { return r.Propose(a, exchange) },
		Substitute: func(r Receipt, a member.Actor) (Receipt, error) {
			r.Proposal = &exchange
			return r.Substitute(a)
		},
		Request: Receipt.Request,
		Deliver: Receipt.Deliver,
		Cancel:  Receipt.Cancel,
		Divide: func(r Receipt, a member.Actor) (Receipt, error) {
			next, _, err := r.Split(a, Division{Parts: []Part{{rid(2), []int64{4}}, {rid(3), []int64{6}}}})
			return next, err
		},
	}
	who := map[string]member.Actor{"the owner": acme, "the receiver": birch, "the warehouse operator": wes, "the creditor": banker}
	for status, r := range build {
		for action, step := range steps {
			for _, a := range []member.Actor{wes, acme, birch, banker, rival} {
				next, err := step(r, a)
				allowed := slices.ContainsFunc(Lifecycle, func(rule transition.Rule[Status, Action]) bool {
					person, _, _ := strings.Cut(rule.Who, ", by")
					return rule.From == status && rule.Action == action && who[person].User == a.User
				})
				assert.Equal(t, allowed, err == nil, "%s in %s by %s: %v", action, status, a.User, err)
				if err != nil {
					assert.Equal(t, r.Status, next.Status)
					assert.Contains(t, []fault.Code{fault.TransitionDenied, fault.ReceiptPledged, fault.ReceiptNotHeld}, fault.CodeOf(err), "%s in %s by %s", action, status, a.User)
				}
			}
		}
	}
}

func TestAPledgeIsOneFinancings(t *testing.T) {
	r := issued(t, rid(1), cocoa("L", 10))
	r, err := r.Reserve(acme, banker.MSP, "app-1", noon)
	require.NoError(t, err)
	_, err = r.Reserve(acme, rival.MSP, "app-2", noon)
	assert.Equal(t, fault.ReceiptPledged, fault.CodeOf(err))
	_, err = r.Free("app-2")
	assert.Equal(t, fault.ReceiptLienMismatch, fault.CodeOf(err))
	_, err = r.Pledge("app-2", "loan-2", noon)
	assert.Equal(t, fault.ReceiptLienMismatch, fault.CodeOf(err))
	r, err = r.Pledge("app-1", "loan-1", noon)
	require.NoError(t, err)
	assert.Equal(t, Holder{MSP: banker.MSP}, r.Controller)
	_, err = r.Release("app-1")
	assert.Equal(t, fault.ReceiptLienMismatch, fault.CodeOf(err), "from the pledge on it is the loan's")
	_, err = r.Request(acme)
	assert.Equal(t, fault.ReceiptPledged, fault.CodeOf(err))
	free, err := r.Release("loan-1")
	require.NoError(t, err)
	assert.Equal(t, holder(acme), free.Controller)
	assert.Nil(t, free.Lien)

	r, err = r.Enforce("loan-1")
	require.NoError(t, err)
	sold, err := r.Sell("loan-1", holder(birch))
	require.NoError(t, err)
	assert.Equal(t, holder(birch), sold.Owner)
	assert.Equal(t, sold.Owner, sold.Controller)
	_, err = sold.Cancel(wes)
	assert.Equal(t, fault.ReceiptTransferred, fault.CodeOf(err))
}

func TestSplitDealsOutSerials(t *testing.T) {
	g := cocoa("L", 3)
	g.Quantity.Scale, g.Quantity.Unit, g.Serials = 0, "H87", []string{"a", "b", "c"}
	r := issued(t, rid(1), g, cocoa("M", 9))
	r.Charges = &money.Amount{Minor: 100, Currency: "EUR"}
	parent, parts, err := r.Split(acme, Division{Parts: []Part{{rid(2), []int64{2, 0}}, {rid(3), []int64{1, 9}}}})
	require.NoError(t, err)
	assert.Equal(t, Split, parent.Status)
	assert.Equal(t, []string{rid(2), rid(3)}, parent.Into)
	assert.Equal(t, []string{"a", "b"}, parts[0].Lines[0].Serials)
	assert.Equal(t, []string{"c"}, parts[1].Lines[0].Serials)
	assert.Equal(t, []string{"1", "2", ""}, []string{parts[0].Lines[0].Part, parts[1].Lines[0].Part, parts[1].Lines[1].Part})
	assert.Equal(t, int64(100), parts[0].Charges.Minor+parts[1].Charges.Minor)
	for name, values := range map[string][2][]int64{"too little": {{1, 0}, {1, 9}}, "too much": {{2, 1}, {1, 9}}, "a missing line": {{2}, {1}}} {
		_, _, err := r.Split(acme, Division{Parts: []Part{{rid(2), values[0]}, {rid(3), values[1]}}})
		assert.Equal(t, fault.ReceiptGoodsMismatch, fault.CodeOf(err), name)
	}
}

func TestMergeRefusesWhatDiffers(t *testing.T) {
	a, b := issued(t, rid(1), cocoa("L", 3)), issued(t, rid(2), cocoa("M", 4))
	merged, ended, err := Merge(acme, rid(9), []Receipt{a, b})
	require.NoError(t, err)
	assert.Len(t, merged.Lines, 2)
	assert.Equal(t, []Status{Merged, Merged}, []Status{ended[0].Status, ended[1].Status})
	for name, change := range map[string]func(*Receipt){
		"owner": func(r *Receipt) { r.Owner, r.Controller = holder(birch), holder(birch) },
		"site":  func(r *Receipt) { r.Site = "hall C" }, "operator": func(r *Receipt) { r.Operator = "OtherMSP" },
		"status": func(r *Receipt) { r.Status = Requested }, "itself": func(r *Receipt) { r.ID = a.ID },
		"programme": func(r *Receipt) { r.Programme = "prg-00000002" },
	} {
		c := b
		change(&c)
		_, _, err := Merge(acme, rid(9), []Receipt{a, c})
		assert.Equal(t, fault.ReceiptGoodsMismatch, fault.CodeOf(err), name)
	}
	_, _, err = Merge(birch, rid(9), []Receipt{a, b})
	assert.Equal(t, fault.ReceiptNotHeld, fault.CodeOf(err))
}

// store is a warehouse with its receipts and the claims on lots, as the contract keeps them.
type store struct {
	receipts []Receipt
	claims   map[string]LotClaim
	issued   map[string]int64 // by lot: what was physically received and not yet handed over
	next     int
}

var lotKeyForTests = make([]byte, LotKeyBytes)

// save does what the contract does; it fails the test where a claim cannot follow.
func (s *store) save(before, after []Receipt) error {
	claims := map[string]LotClaim{}
	for _, m := range LotMoves(before, after) {
		fingerprints, err := LotFingerprints(lotKeyForTests, m.Goods)
		if err != nil {
			return err
		}
		for _, f := range fingerprints {
			c, ok := claims[f]
			if !ok {
				c = s.claims[f]
			}
			if c, err = c.Apply("prg-00000001", m); err != nil {
				return err
			}
			claims[f] = c
		}
	}
	for f, c := range claims {
		s.claims[f] = c
	}
	for _, r := range after {
		i := slices.IndexFunc(s.receipts, func(have Receipt) bool { return have.ID == r.ID })
		if i < 0 {
			s.receipts = append(s.receipts, r)
		} else {
			s.receipts[i] = r
		}
	}
	return nil
}

func (s *store) id() string { s.next++; return rid(s.next) }

// TestLotsAndControlWhateverHappens tries random steps by anybody: a lot is never under two live receipts but by splitting,
// quantities are never made or lost, a liened receipt never leaves control, and no claim is off by one.
func TestLotsAndControlWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &store{claims: map[string]LotClaim{}, issued: map[string]int64{}}
		people := []member.Actor{wes, acme, birch, banker, rival}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			s.step(t, rapid.SampledFrom(people).Draw(t, "who"))
			s.check(t)
		}
	})
}

func (s *store) step(t *rapid.T, a member.Actor) {
	lots := []string{"L1", "L2", "L3", "L4"}
	if len(s.receipts) == 0 || rapid.IntRange(0, 5).Draw(t, "issue") == 0 {
		var goods []Goods
		for _, lot := range lots[:rapid.IntRange(1, 2).Draw(t, "lines")] {
			goods = append(goods, cocoa(lot+rapid.SampledFrom([]string{"", "x"}).Draw(t, "mark"), rapid.Int64Range(1, 1000).Draw(t, "quantity")))
		}
		r := issued(t, s.id(), goods...)
		r.Owner = holder(rapid.SampledFrom([]member.Actor{acme, birch}).Draw(t, "owner"))
		r.Controller = r.Owner
		if err := s.save(nil, []Receipt{r}); err != nil {
			require.Equal(t, fault.ReceiptLotLive, fault.CodeOf(err))
			return
		}
		for _, g := range goods {
			s.issued[g.Lot] = g.Quantity.Value
		}
		return
	}
	r := rapid.SampledFrom(s.receipts).Draw(t, "receipt")
	before, after, err := s.act(t, r, a)
	if err != nil {
		return
	}
	if err := s.save(before, after); err != nil {
		require.Equal(t, fault.ReceiptLotLive, fault.CodeOf(err), "only substitution may fail on a lot: %v", err)
		return
	}
	for _, r := range after {
		if r.Status == Delivered || r.Status == Cancelled {
			for _, line := range r.Lines {
				s.issued[line.Lot] -= line.Quantity.Value
			}
		}
	}
	if len(after) == 1 && len(before) == 1 && !slices.EqualFunc(before[0].Lines, after[0].Lines, sameLine) {
		for _, line := range before[0].Lines {
			s.issued[line.Lot] -= line.Quantity.Value
		}
		for _, line := range after[0].Lines {
			s.issued[line.Lot] += line.Quantity.Value
		}
	}
}

func sameLine(a, b Line) bool { return a.Origin == b.Origin && a.Part == b.Part && a.Lot == b.Lot }

func (s *store) act(t *rapid.T, r Receipt, a member.Actor) (before, after []Receipt, err error) {
	one := func(next Receipt, err error) ([]Receipt, []Receipt, error) { return []Receipt{r}, []Receipt{next}, err }
	switch rapid.SampledFrom(Actions()).Draw(t, "action") {
	case Offer:
		return one(r.OfferTo(a, holder(rapid.SampledFrom([]member.Actor{acme, birch}).Draw(t, "to"))))
	case Accept:
		return one(r.Accept(a))
	case Withdraw:
		return one(r.Withdraw(a))
	case Decline:
		return one(r.Decline(a))
	case Reserve:
		return one(r.Reserve(a, banker.MSP, "app-1", noon))
	case Free:
		return one(r.Free("app-1"))
	case Pledge:
		return one(r.Pledge("app-1", "loan-1", noon))
	case Release:
		return one(r.Release("loan-1"))
	case Enforce:
		return one(r.Enforce("loan-1"))
	case Sell:
		return one(r.Sell("loan-1", holder(birch)))
	case Propose:
		return one(r.Propose(a, Proposal{Out: []int{0}, In: []Goods{cocoa(rapid.SampledFrom([]string{"L1", "L5"}).Draw(t, "in"), 7)}}))
	case Substitute:
		return one(r.Substitute(a))
	case Request:
		return one(r.Request(a))
	case Deliver:
		return one(r.Deliver(a))
	case Cancel:
		return one(r.Cancel(a))
	case Divide:
		var first, second []int64
		for _, line := range r.Lines {
			take := rapid.Int64Range(0, line.Quantity.Value).Draw(t, "take")
			first, second = append(first, take), append(second, line.Quantity.Value-take)
		}
		parent, parts, err := r.Split(a, Division{Parts: []Part{{s.id(), first}, {s.id(), second}}})
		return []Receipt{r}, append(parts, parent), err
	case Join:
		other := rapid.SampledFrom(s.receipts).Draw(t, "with")
		merged, ended, err := Merge(a, s.id(), []Receipt{r, other})
		return []Receipt{r, other}, append(ended, merged), err
	}
	return nil, nil, fault.New(fault.TransitionDenied, "")
}

func (s *store) check(t *rapid.T) {
	held, lines, pledged := map[string]int64{}, map[string]int{}, map[string]int{}
	origins, parts := map[string]string{}, map[string]bool{}
	for _, r := range s.receipts {
		require.NotEmpty(t, r.Status)
		if !r.Status.Live() {
			continue
		}
		switch r.Status {
		case Pledged, Enforced:
			require.NotNil(t, r.Lien)
			require.Equal(t, Holder{MSP: r.Lien.Creditor}, r.Controller, "a pledged receipt never leaves control")
		case Reserved:
			require.NotNil(t, r.Lien)
			require.Equal(t, r.Owner, r.Controller)
		default:
			require.Nil(t, r.Lien)
			require.Equal(t, r.Owner, r.Controller)
		}
		require.Equal(t, r.Status == Offered, r.Offer != nil)
		require.NotEmpty(t, r.Lines)
		for _, line := range r.Lines {
			held[line.Lot] += line.Quantity.Value
			lines[line.Lot]++
			if r.Status.Liened() {
				pledged[line.Lot]++
			}
			if origin, seen := origins[line.Lot]; seen {
				require.Equal(t, origin, line.Origin, "lot %s is under two issues", line.Lot)
			}
			origins[line.Lot] = line.Origin
			part := line.Lot + "/" + line.Part
			require.False(t, parts[part], "%s is under two receipts", part)
			parts[part] = true
		}
	}
	for lot, quantity := range s.issued {
		require.Equal(t, quantity, held[lot], "lot %s", lot)
		f, err := LotFingerprints(lotKeyForTests, cocoa(lot, 1))
		require.NoError(t, err)
		require.Equal(t, lines[lot], s.claims[f[0]].Lines, "lot %s", lot)
		require.Equal(t, pledged[lot], s.claims[f[0]].Pledged, "lot %s", lot)
	}
}

func TestScaledLess(t *testing.T) {
	assert.True(t, scaledLess(19, 1, 2, 0))
	assert.False(t, scaledLess(2, 0, 20, 1))
	assert.True(t, scaledLess(math.MinInt64, 0, 0, 6))
	assert.False(t, scaledLess(math.MaxInt64, 0, 0, 6))
	assert.True(t, scaledLess(0, 6, math.MaxInt64, 0))
	assert.False(t, scaledLess(0, 6, math.MinInt64, 0))
}

func TestReadingBytesAreStable(t *testing.T) {
	r := Reading{Device: "dev-00000001", Sequence: 7, At: time.Date(2026, 3, 2, 12, 0, 0, 5e6, time.UTC), Property: "Temperature", Unit: "CEL", Scale: 1, Value: -25}
	require.NoError(t, r.Validate())
	assert.Equal(t, Hash("13eff4602f97f228ff0978de6cc1180e901c18612f4d1f097e790b25fd209ad8"), HashOf(r.LeafHash()), "whoever has anchored readings can prove them only as long as this does not change")
	rapid.Check(t, func(t *rapid.T) {
		a, b := r, r
		a.Device, b.Device = "dev-"+rapid.StringMatching(`[0-9a-f]{8,12}`).Draw(t, "a"), "dev-"+rapid.StringMatching(`[0-9a-f]{8,12}`).Draw(t, "b")
		a.Property, b.Property = rapid.StringMatching(`[A-Z][a-z]{0,3}`).Draw(t, "pa"), rapid.StringMatching(`[A-Z][a-z]{0,3}`).Draw(t, "pb")
		a.Value, b.Value = rapid.Int64().Draw(t, "va"), rapid.Int64().Draw(t, "vb")
		same := a.Device == b.Device && a.Property == b.Property && a.Value == b.Value
		assert.Equal(t, same, string(a.Leaf()) == string(b.Leaf()))
	})
}

func TestALotIsNotExchangedForItself(t *testing.T) {
	r := issued(t, rid(1), cocoa("L1", 1), cocoa("L2", 5))
	r.Owner = holder(acme)
	r.Controller = r.Owner
	for lot, code := range map[string]fault.Code{"L1": fault.ReceiptLotLive, "L2": fault.ReceiptLotLive, "L3": ""} {
		proposed, err := r.Propose(wes, Proposal{Out: []int{0}, In: []Goods{cocoa(lot, 7)}})
		require.NoError(t, err)
		_, err = proposed.Substitute(acme)
		require.Equal(t, code, fault.CodeOf(err), lot)
	}
}
