package receivable

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// book is a ledger in memory, on which many parties act at random.
type book struct {
	t           *rapid.T
	now         time.Time
	receivables []Receivable
	fragments   map[string][]Fragment // by receivable, in the order of creation
	disputes    []Dispute
	next        int
	seen        map[string]int // steps taken, by name
}

var (
	everybody = []string{sellerParty, tierTwo, tierThree, bankParty, buyerParty}
	companies = []string{sellerParty, tierTwo, tierThree, bankParty}
	bookRoles = []member.Role{member.Maker, member.Checker, member.Auditor}
)

// who is mostly the right person, and sometimes anybody.
func (b *book) who(right member.Actor) member.Actor {
	if rapid.IntRange(0, 9).Draw(b.t, "stranger") > 0 {
		return right
	}
	return user(rapid.SampledFrom(everybody).Draw(b.t, "party"), rapid.SampledFrom(bookRoles).Draw(b.t, "role"))
}

func (b *book) id(prefix string) string {
	b.next++
	return fmt.Sprintf("%s-%08x", prefix, b.next)
}

func (b *book) pick() int {
	if len(b.receivables) == 0 {
		b.t.Skip("nothing issued yet")
	}
	return rapid.IntRange(0, len(b.receivables)-1).Draw(b.t, "receivable")
}

// fragment picks a fragment, a live one where there is one.
func (b *book) fragment() (i int, f Fragment) {
	i = b.pick()
	list := slices.DeleteFunc(slices.Clone(b.fragments[b.receivables[i].ID]), func(f Fragment) bool { return !f.Live() })
	if len(list) == 0 {
		list = b.fragments[b.receivables[i].ID]
	}
	if len(list) == 0 {
		b.t.Skip("nothing confirmed yet")
	}
	return i, rapid.SampledFrom(list).Draw(b.t, "fragment")
}

func (b *book) claim(i int) Claim {
	r := b.receivables[i]
	return Claim{Receivable: r, Fragments: slices.Clone(b.fragments[r.ID])}
}

// refused checks that a refusal is one that people can understand.
func (b *book) refused(err error) bool {
	if err == nil {
		return false
	}
	code := fault.CodeOf(err)
	_, known := fault.Describe(code)
	require.True(b.t, known, "%v", err)
	require.NotContains(b.t, []fault.Code{fault.InternalError, fault.ConservationBroken, fault.AmountOverflow}, code, "%v", err)
	return true
}

func (b *book) saveReceivable(i int, r Receivable, action string) {
	was := b.receivables[i]
	if was.Status != r.Status {
		require.True(b.t, reachable(was.Status, r.Status), "receivable from %s to %s", was.Status, r.Status)
	}
	b.receivables[i] = r
	b.seen[action]++
}

// reachable says whether some path of at most four steps of the table leads there: a rule may age first.
func reachable(from, to Status) bool {
	at := []Status{from}
	for range 4 {
		for _, rule := range Life {
			if slices.Contains(at, rule.From) && !slices.Contains(at, rule.To) {
				at = append(at, rule.To)
			}
		}
	}
	return slices.Contains(at, to)
}

func (b *book) saveFragments(list ...Fragment) {
	for _, f := range list {
		all := b.fragments[f.Receivable]
		i := slices.IndexFunc(all, func(x Fragment) bool { return x.ID == f.ID })
		if i < 0 {
			require.True(b.t, slices.ContainsFunc(FragmentLife, func(r fragmentRule) bool { return r.From == "" && r.To == f.Status }))
			b.fragments[f.Receivable] = append(all, f)
			continue
		}
		if was := all[i].Status; was != f.Status {
			require.True(b.t, slices.ContainsFunc(FragmentLife, func(r fragmentRule) bool { return r.From == was && r.To == f.Status }),
				"fragment from %s to %s", was, f.Status)
		}
		all[i] = f
	}
}

type fragmentRule = transition.Rule[FragmentStatus, FragmentAction]

// unchanged runs a rule on copies and checks that it left what it was given alone.
func unchanged[T any](b *book, given T, rule func()) {
	before := string(canonical(given))
	rule()
	require.Equal(b.t, before, string(canonical(given)), "the rule changed its input")
}

func (b *book) steps() map[string]func(*rapid.T) {
	minor := rapid.Int64Range(1, 5_000)
	because := Because{Reasons: []Reason{"OTH"}}
	do := map[string]func(){
		"issue": func() {
			if len(b.receivables) >= 3 {
				b.t.Skip("enough")
			}
			i := sample()
			i.Number, i.PayableMinor, i.IssueDate = b.id("re"), minor.Draw(b.t, "payable"), calendar.From(b.now)
			i.DueDate, _ = i.IssueDate.AddDays(rapid.IntRange(1, 60).Draw(b.t, "term"))
			r, err := New(Issuance{ID: b.id("rcv"), Invoice: i}, programme, rules(), fingerprintKey, b.who(maker(sellerParty)), b.now)
			if !b.refused(err) {
				b.receivables = append(b.receivables, r)
				b.seen["issue"]++
			}
		},
		"before": func() {
			i := b.pick()
			r := b.receivables[i]
			var err error
			name := rapid.SampledFrom([]string{"propose", "propose", "propose", "dispute", "resolve", "return", "reject", "withdraw"}).Draw(b.t, "what")
			unchanged(b, r, func() {
				next := r
				switch name {
				case "propose":
					next, err = r.Propose(b.who(maker(buyerParty)), b.now)
				case "dispute":
					next, err = r.Dispute(because, b.who(maker(buyerParty)), b.now)
				case "resolve":
					next, err = r.Resolve(b.who(maker(buyerParty)))
				case "return":
					next, err = r.Return(b.who(checker(buyerParty)))
				case "reject":
					next, err = r.Reject(because, b.who(checker(buyerParty)), b.now)
				case "withdraw":
					next, err = r.Withdraw(b.who(maker(sellerParty)))
				}
				if !b.refused(err) {
					b.saveReceivable(i, next, name)
				}
			})
		},
		"confirm": func() {
			i := b.pick()
			r := b.receivables[i]
			next, root, err := r.Confirm(sign(b.t, r), byChecker, b.who(checker(buyerParty)), b.now)
			if !b.refused(err) {
				require.NoError(b.t, next.Undertaking.Verify())
				b.saveReceivable(i, next, "confirm")
				b.saveFragments(root)
			}
		},
		"split": func() {
			i, f := b.fragment()
			in := Division{Ratios: rapid.SliceOfN(rapid.Int64Range(1, 9), 1, 4).Draw(b.t, "ratios")}
			if rapid.Bool().Draw(b.t, "by amount") {
				in = Division{AmountsMinor: rapid.SliceOfN(rapid.Int64Range(1, max(2, f.FaceMinor/2)), 1, 3).Draw(b.t, "amounts")}
			}
			unchanged(b, f, func() {
				closed, parts, err := f.Split(b.receivables[i], in, b.who(maker(f.Holder)), b.now)
				if !b.refused(err) {
					b.saveFragments(append(parts, closed)...)
					b.seen["split"]++
				}
			})
		},
		"merge": func() {
			i, f := b.fragment()
			var same []Fragment
			for _, x := range b.fragments[f.Receivable] {
				if x.Status == Held && x.Holder == f.Holder {
					same = append(same, x)
				}
			}
			unchanged(b, same, func() {
				closed, merged, err := Merge(b.receivables[i], same, b.who(maker(f.Holder)), b.now)
				if !b.refused(err) {
					b.saveFragments(append(closed, merged)...)
					b.seen["merge"]++
				}
			})
		},
		"pass": func() {
			i, f := b.fragment()
			r := b.receivables[i]
			name := "offer"
			if f.Status == Offered {
				name = rapid.SampledFrom([]string{"accept", "accept", "decline", "take back"}).Draw(b.t, "answer")
			}
			unchanged(b, f, func() {
				var next Fragment
				var err error
				switch name {
				case "offer":
					in := Offering{To: rapid.SampledFrom(companies).Draw(b.t, "to"), Recourse: WithRecourse, ConsiderationMinor: rapid.Int64Range(0, f.FaceMinor+1).Draw(b.t, "price")}
					next, err = f.OfferTo(r, in, b.who(maker(f.Holder)), b.now)
				case "accept":
					next, err = f.Accept(r, b.who(maker(f.Offer.To)), b.now)
				case "decline":
					next, err = f.Decline(b.who(maker(f.Offer.To)))
				case "take back":
					next, err = f.TakeBack(b.who(maker(f.Holder)))
				}
				if !b.refused(err) {
					b.saveFragments(next)
					b.seen[name]++
				}
			})
		},
		"finance": func() {
			i, f := b.fragment()
			application := rapid.SampledFrom([]string{"app-1", "app-2"}).Draw(b.t, "application")
			if f.Encumbrance != nil && rapid.IntRange(0, 3).Draw(b.t, "right one") > 0 {
				application = f.Encumbrance.Application
			}
			name := "reserve"
			if f.Encumbered() {
				name = rapid.SampledFrom([]string{"pledge", "pledge", "release", "transfer", "enforce", "reserve"}).Draw(b.t, "what")
			}
			unchanged(b, f, func() {
				var next Fragment
				var err error
				switch name {
				case "reserve":
					next, err = f.Reserve(b.receivables[i], application, b.who(maker(f.Holder)), b.now)
				case "pledge":
					next, err = f.Pledge(application, bankParty, b.now)
				case "release":
					next, err = f.Release(application)
				case "transfer":
					next, err = f.TransferTo(application, bankParty, WithoutRecourse, max(1, f.FaceMinor-1), b.now)
				case "enforce":
					next, err = f.Enforce(application, b.now)
				}
				if b.refused(err) {
					return
				}
				if f.Encumbered() {
					require.Equal(b.t, application, f.Encumbrance.Application, "only the application that holds it")
				}
				b.saveFragments(next)
				b.seen[name]++
			})
		},
		"freeze": func() {
			i, f := b.fragment()
			r := b.receivables[i]
			others := slices.DeleteFunc(slices.Clone(b.fragments[r.ID]), func(x Fragment) bool { return x.ID == f.ID })
			before := string(canonical(others))
			d, frozen, err := r.Freeze(Objection{ID: b.id("dsp"), Fragments: []string{f.ID}, Because: because}, []Fragment{f}, b.who(maker(buyerParty)), b.now)
			if b.refused(err) {
				return
			}
			require.False(b.t, f.Encumbered(), "a financed fragment is not frozen")
			b.saveFragments(frozen...)
			b.disputes = append(b.disputes, d)
			b.seen["freeze"]++
			others = slices.DeleteFunc(slices.Clone(b.fragments[r.ID]), func(x Fragment) bool { return x.ID == f.ID })
			require.Equal(b.t, before, string(canonical(others)), "only what is named")
		},
		"thaw": func() {
			if len(b.disputes) == 0 {
				b.t.Skip("no dispute")
			}
			k := rapid.IntRange(0, len(b.disputes)-1).Draw(b.t, "dispute")
			d := b.disputes[k]
			i := slices.IndexFunc(b.receivables, func(r Receivable) bool { return r.ID == d.Receivable })
			var named []Fragment
			for _, f := range b.fragments[d.Receivable] {
				if slices.Contains(d.Fragments, f.ID) {
					named = append(named, f)
				}
			}
			right := rapid.SampledFrom([]string{buyerParty, sellerParty}).Draw(b.t, "by")
			next, thawed, err := d.End(b.receivables[i], named, b.who(maker(right)), b.now)
			if !b.refused(err) {
				b.disputes[k] = next
				b.saveFragments(thawed...)
				b.seen["thaw"]++
			}
		},
		"consent": func() {
			_, f := b.fragment()
			note := fmt.Sprintf("crn-%08x", b.next+1) // the next credit note, with luck
			next, err := f.ConsentTo(Consenting{CreditNote: note, UpToMinor: minor.Draw(b.t, "up to")}, b.who(maker(f.Holder)), b.now)
			if !b.refused(err) {
				b.saveFragments(next)
				b.seen["consent"]++
			}
		},
		"credit": func() {
			i := b.pick()
			r := b.receivables[i]
			if rapid.IntRange(0, 3).Draw(b.t, "rarely") > 0 {
				b.t.Skip("credit notes are rarer than transfers")
			}
			in := crediting(rapid.Int64Range(1, max(1, r.Invoice.PayableMinor/5)).Draw(b.t, "amount"))
			in.ID, in.IssueDate = b.id("crn"), calendar.From(b.now)
			claim := b.claim(i)
			unchanged(b, claim, func() {
				out, note, err := claim.Credit(in, "f", b.who(maker(sellerParty)), b.now)
				if b.refused(err) {
					return
				}
				sum := note.BeforeMinor
				for _, c := range note.Cuts {
					sum += c.Minor
					f := claim.Fragments[slices.IndexFunc(claim.Fragments, func(f Fragment) bool { return f.ID == c.Fragment })]
					require.False(b.t, f.Encumbered(), "a financed fragment is never reduced")
					require.True(b.t, f.Holder == sellerParty || f.Agreed != nil && f.Agreed.CreditNote == in.ID && f.Agreed.UpToMinor >= c.Minor)
				}
				if note.Recourse != nil {
					sum += note.Recourse.Minor
					b.seen["recourse"]++
				}
				require.Equal(b.t, in.AmountMinor, sum, "cuts and recourse are the credit note")
				b.saveReceivable(i, out.Receivable, "credit")
				b.saveFragments(out.Changed...)
			})
		},
		"pay": func() {
			i := b.pick()
			if late := b.receivables[i].Invoice.DueDate.Start().AddDate(0, 0, 10); late.After(b.now) && rapid.IntRange(0, 7).Draw(b.t, "late") == 0 {
				b.now = late
			}
			claim := b.claim(i)
			owed := max(1, claim.Receivable.Owed())
			amount := rapid.Int64Range(1, max(1, owed/8)).Draw(b.t, "amount")
			switch rapid.IntRange(0, 9).Draw(b.t, "all") {
			case 0:
				amount = owed
			case 1:
				amount = owed + 1
			}
			in := paying(amount)
			in.ID = b.id("pay")
			bill, billed := claim.Bill(calendar.From(b.now))
			unchanged(b, claim, func() {
				out, payment, err := claim.Pay(in, b.who(checker(buyerParty)), b.now)
				if b.refused(err) {
					if fault.CodeOf(err) == fault.PaymentTooLarge {
						require.Greater(b.t, amount, bill.TotalMinor, "what is billed can be paid")
					}
					return
				}
				require.NoError(b.t, billed)
				require.LessOrEqual(b.t, amount, bill.TotalMinor, "nobody pays more than the bill")
				require.Equal(b.t, min(amount, bill.InterestMinor), payment.InterestMinor)
				var sum int64
				for _, o := range payment.Payouts {
					require.True(b.t, o.PrincipalMinor >= 0 && o.InterestMinor >= 0)
					sum += o.PrincipalMinor + o.InterestMinor
				}
				require.Equal(b.t, amount, sum, "every minor unit of a payment goes to somebody")
				if payment.InterestMinor > 0 {
					b.seen["late interest"]++
				}
				b.saveReceivable(i, out.Receivable, "pay")
				b.saveFragments(out.Changed...)
			})
		},
		"write off": func() {
			i, f := b.fragment()
			out, err := b.claim(i).WriteOff(b.who(checker(f.Holder)), b.now)
			if !b.refused(err) {
				b.saveReceivable(i, out.Receivable, "write off")
				b.saveFragments(out.Changed...)
			}
		},
		"time": func() {
			b.now = b.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 3, 20}).Draw(b.t, "days")) * 24 * time.Hour)
			for i, r := range b.receivables {
				if aged, err := r.Age(calendar.From(b.now)); err == nil && rapid.Bool().Draw(b.t, "age") {
					b.saveReceivable(i, aged, "age "+string(aged.Status))
				}
			}
		},
	}
	for _, often := range []string{"pass", "finance", "split", "finance, again"} {
		do[often+", again"] = do[often]
	}
	actions := map[string]func(*rapid.T){"": b.check}
	for name, step := range do {
		actions[name] = func(t *rapid.T) { b.t = t; step() }
	}
	return actions
}

// check is what holds after every step.
func (b *book) check(t *rapid.T) {
	for _, r := range b.receivables {
		list := b.fragments[r.ID]
		require.NoError(t, Conserves(r, list))
		require.Contains(t, Statuses(), r.Status)
		require.LessOrEqual(t, r.CreditedMinor+r.RecourseMinor, r.Invoice.PayableMinor)
		require.LessOrEqual(t, len(list), MaxFragments)
		if r.HasClaim() {
			require.Equal(t, r.Status == Settled, r.Owed() == 0, "settled means that nothing is owed")
		} else {
			require.Empty(t, list)
		}
		budget := len(list)
		for _, f := range list {
			budget += f.Budget
			require.Contains(t, FragmentStatuses(), f.Status)
			require.Equal(t, f.Encumbered(), f.Encumbrance != nil, "an encumbrance stands for one application")
			require.Equal(t, f.Status == Offered, f.Offer != nil)
			require.Equal(t, f.Status == Frozen, f.Dispute != "")
			require.False(t, !f.Live() && f.InterestMinor != 0 || f.InterestMinor < 0)
			require.NotEqual(t, buyerParty, f.Holder)
		}
		require.LessOrEqual(t, budget, MaxFragments, "fragments that are and may yet come")
		if r.Status == WrittenOff || r.Status == Settled {
			require.False(t, slices.ContainsFunc(list, func(f Fragment) bool { return f.Live() && f.Status != WroteOff }))
		}
	}
}

func TestManyPartiesAtRandom(t *testing.T) {
	require.NoError(t, flag.Set("rapid.steps", "200"))
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		b := &book{t: t, now: noon, fragments: map[string][]Fragment{}, seen: seen}
		r, root := confirmed(t) // so that most steps find something to do
		b.receivables, b.fragments[r.ID] = []Receivable{r}, []Fragment{root}
		t.Repeat(b.steps())
	})
	total := 0
	for _, n := range seen {
		total += n
	}
	t.Logf("%d steps succeeded: %v", total, seen)
	for _, name := range []string{"issue", "propose", "confirm", "split", "merge", "offer", "accept", "reserve", "pledge", "enforce", "transfer",
		"freeze", "thaw", "credit", "recourse", "pay", "late interest"} {
		require.NotZero(t, seen[name], "the run never reached %q", name)
	}
}
