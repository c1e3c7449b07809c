package contract

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
)

// Whatever people try, several transactions a block and in any order: a claim backs at most one open application or live loan,
// what the lanes hold is the principal that is owed, and no limit is exceeded.
func TestFinancingWhateverPeopleTry(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := newDesk(t, func(terms *financing.Terms) {
				terms.Limits = []financing.LimitRule{{Kind: financing.Facility, TotalMinor: 40_000_000, Lanes: 2},
					{Kind: financing.PerBorrower, TotalMinor: 40_000_000, Lanes: 2}, {Kind: financing.PerBuyer, TotalMinor: 10_000_000, Lanes: 2}}
			})
			m := &mischief{desk: d, rng: rand.New(rand.NewPCG(seed, 7))}
			for n := range 4 {
				_, root := d.confirmed(n, "RE-"+opaque("n", n), 5_000_000)
				m.fragments = append(m.fragments, root)
			}
			for range 80 {
				m.block()
				m.check()
			}
			for _, function := range []string{"Apply", "ScoreAndDecide", "Accept", "Draw", "Repay", "Withdraw"} {
				require.NotZero(t, m.valid["financing:"+function], "%v", m.valid)
			}
			t.Log(m.valid)
		})
	}
}

// mischief is a lot of people at once.
type mischief struct {
	*desk
	rng       *rand.Rand
	fragments []string
	apps      int
	alive     []int // applications that are open or have a loan that lives
	valid     map[string]int
}

// block endorses a few random steps on the same state and cuts one block of them.
func (m *mischief) block() {
	if m.valid == nil {
		m.valid = map[string]int{}
	}
	txs := map[string]string{}
	for range 1 + m.rng.IntN(5) {
		u, function, input, args := m.step()
		if function == "" {
			continue
		}
		m.request++
		p := m.proposal(u, function, input, args...).WithTransient(record.TransientRequest, []byte(opaque("req", m.request)))
		var tx *fakeledger.Transaction
		tx, err := m.net.Endorse(m.identity(u), p, regulatorMSP, supplierMSP)
		if err != nil {
			continue // refused: nothing happens
		}
		m.net.Order(tx)
		txs[tx.TxID] = function
	}
	if len(txs) == 0 {
		return
	}
	m.net.Cut()
	for id, function := range txs {
		if r, ok := m.net.Status(id); ok && r.Code == 0 {
			m.valid[function]++
		}
	}
	if m.rng.IntN(6) == 0 {
		m.net.Advance(days(m.rng.IntN(4)))
	}
}

func (m *mischief) step() (u user, function string, input any, args []string) {
	n := 1
	if len(m.alive) > 0 {
		n = m.alive[m.rng.IntN(len(m.alive))]
	}
	app, loan := opaque("app", n), opaque("lon", n)
	switch m.rng.IntN(10) {
	case 0, 1:
		m.apps++
		app = opaque("app", m.apps)
		r := financing.Request{ID: app, Bank: bankMSP, Product: financing.ReceivableProduct, Currency: "EUR", Consent: m.consent}
		for _, i := range m.rng.Perm(len(m.fragments))[:1+m.rng.IntN(2)] {
			r.Collateral = append(r.Collateral, financing.Ref{Kind: financing.Fragment, ID: m.fragments[i], Circle: tradeCircle})
		}
		return seller("maker"), "financing:Apply", r, []string{bankDesk, app}
	case 2, 3, 4:
		return m.decision(n)
	case 5:
		return seller("checker"), "financing:Accept", nil, []string{app, loan}
	case 6:
		lane := m.rng.IntN(2)
		return bank("maker"), "financing:Draw", financing.DrawInput{Lanes: []int{lane, lane, lane}}, []string{loan}
	case 7:
		p := financing.Payment{AmountMinor: 1 + m.rng.Int64N(6_000_000), Currency: "EUR", ReceivedOn: m.today(), Source: financing.FromBuyer}
		return bank("maker"), "financing:Repay", p, []string{loan}
	case 8:
		if m.rng.IntN(3) == 0 {
			return seller("checker"), "financing:Cancel", nil, []string{loan}
		}
		return seller("maker"), "financing:Withdraw", nil, []string{app}
	}
	return bank("underwriter"), "financing:Expire", nil, []string{app}
}

// decision scores and decides in one step, mostly well.
func (m *mischief) decision(n int) (user, string, any, []string) {
	v := good
	if m.rng.IntN(5) == 0 {
		v = poor
	}
	s := m.submission(n, v)
	p := m.proposal(bank("underwriter"), "financing:Case", s, s.Application, s.ID, "[]")
	raw, err := m.net.Evaluate(m.identity(bank("underwriter")), p, regulatorMSP)
	if err != nil {
		return user{}, "", nil, nil
	}
	c := decoded[financing.Case](m.t, raw)
	d, err := financing.Decide(c)
	if err != nil {
		return user{}, "", nil, nil
	}
	return bank("underwriter"), "financing:ScoreAndDecide", ScoredClaim{Submission: s, Claimed: financing.Claimed{Score: s.ID, Lanes: []int{}, Decision: d}}, []string{s.Application}
}

func (m *mischief) check() {
	held := map[string]string{}
	defer func() {
		m.alive = nil
		for n := range m.apps + 1 {
			for _, by := range held {
				if by == opaque("app", n) {
					m.alive = append(m.alive, n)
					break
				}
			}
		}
	}()
	page := decoded[ApplicationPage](m.t, m.must(m.evaluate(bank("maker"), "financing:Applications", "200", "")))
	for _, a := range page.Applications {
		if a.Open() {
			m.hold(held, a.ID, a.Collateral)
		}
	}
	used := map[string]int64{}
	loans := decoded[LoanPage](m.t, m.must(m.evaluate(bank("maker"), "financing:Loans", "200", "")))
	for _, l := range loans.Loans {
		if l.Status == financing.Agreed || l.Status == financing.Active || l.Status == financing.Defaulted {
			m.hold(held, l.Application, l.Collateral)
		}
		uses, err := l.Outstanding()
		require.NoError(m.t, err)
		for _, u := range uses {
			used[fmt.Sprint(u.Limit, "/", u.Lane)] += u.Minor
		}
	}
	for _, id := range m.fragments {
		of, err := receivable.ReceivableOf(id)
		require.NoError(m.t, err)
		for _, f := range m.fragmentsOf(of) {
			got := ""
			if f.Encumbrance != nil {
				got = f.Encumbrance.Application
			}
			require.Equal(m.t, held[f.ID], got, "fragment %s", f.ID)
		}
	}
	for _, one := range []financing.Draw{{Kind: financing.Facility, Subject: bankMSP}, {Kind: financing.PerBorrower, Subject: sellerParty}, {Kind: financing.PerBuyer, Subject: buyerParty}} {
		m.limit(one, used)
	}
}

func (m *mischief) hold(held map[string]string, by string, list []financing.Ref) {
	for _, c := range list {
		require.Empty(m.t, held[c.ID], "%s backs two", c.ID)
		held[c.ID] = by
	}
}

func (m *mischief) fragmentsOf(id string) []receivable.Fragment { return m.desk.trade.fragments(id) }

func (m *mischief) limit(one financing.Draw, used map[string]int64) {
	p := decoded[financing.Policy](m.t, m.must(m.evaluate(bank("risk"), "financing:ActivePolicy", bankDesk)))
	id, err := p.Terms.LimitID(bankMSP, one.Kind, one.Subject)
	require.NoError(m.t, err)
	raw, err := m.evaluate(bank("risk"), "financing:Limit", id)
	if err != nil {
		return // nothing was approved yet
	}
	l := decoded[LimitView](m.t, raw)
	require.LessOrEqual(m.t, l.UsedMinor, l.TotalMinor)
	for _, lane := range l.Lanes {
		require.LessOrEqual(m.t, lane.UsedMinor, lane.CapMinor)
		require.Equal(m.t, used[fmt.Sprint(id, "/", lane.Number)], lane.UsedMinor, "%s lane %d", one.Kind, lane.Number)
	}
}
