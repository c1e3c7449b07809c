package contract

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
)

// Whatever people try, several transactions a block and in any order: a claim backs at most one open application or live loan,
// what the lanes hold is the principal that is owed, no limit is exceeded, and the money of every loan adds up.
func TestFinancingWhateverPeopleTry(t *testing.T) {
	everything := map[string]int{}
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := newDesk(t, func(terms *financing.Terms) {
				terms.Limits = []financing.LimitRule{{Kind: financing.Facility, TotalMinor: 40_000_000, Lanes: 2},
					{Kind: financing.PerBorrower, TotalMinor: 40_000_000, Lanes: 2}, {Kind: financing.PerBuyer, TotalMinor: 10_000_000, Lanes: 2},
					{Kind: financing.PerProgramme, TotalMinor: 12_000_000, Lanes: 2}, {Kind: financing.PerSector, TotalMinor: 9_000_000, Lanes: 2}}
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
			m.net.Advance(days(190)) // what is not repaid by now is in default
			m.late = true
			for range 40 {
				m.block()
				m.check()
			}
			for _, function := range []string{"Apply", "ScoreAndDecide", "Accept", "Draw", "Repay", "RebalanceLimit"} {
				require.NotZero(t, m.valid["financing:"+function], "%v", m.valid)
			}
			for function, n := range m.valid {
				everything[function] += n
			}
			t.Log(m.valid)
		})
	}
	for _, function := range []string{"receivable:Pay", "financing:Collect", "financing:Withdraw", "financing:GatherLimit", "financing:Default", "financing:WriteOff", "financing:Recover"} {
		require.NotZero(t, everything[function], "%v", everything)
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
	pays      int
	paid      [][2]string // receivables and payments
	late      bool        // the claims are due and the loans overdue
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
	if m.late && m.rng.IntN(2) == 0 {
		return m.gone(loan)
	}
	switch m.rng.IntN(20) {
	case 10:
		m.pays++
		of, err := receivable.ReceivableOf(m.fragments[m.rng.IntN(len(m.fragments))])
		require.NoError(m.t, err)
		if !m.late && m.rng.IntN(12) > 0 {
			break
		}
		in := receivable.Paying{ID: opaque("pay", m.pays), AmountMinor: 1 + m.rng.Int64N(600_000), Currency: "EUR"}
		m.paid = append(m.paid, [2]string{of, in.ID})
		return buyer("checker"), "receivable:Pay", in, []string{of, in.ID}
	case 11:
		if len(m.paid) > 0 {
			p := m.paid[m.rng.IntN(len(m.paid))]
			return bank("underwriter"), "financing:Collect", nil, []string{loan, p[0], p[1]}
		}
	case 12:
		return m.onLimit()
	case 13, 14, 15:
		if m.late {
			return m.gone(loan)
		}
		return bank("maker"), "financing:Draw", financing.DrawInput{}, []string{loan}
	case 16, 17:
		return bank("maker"), "financing:Draw", financing.DrawInput{}, []string{loan}
	case 18, 19:
		return seller("checker"), "financing:Accept", nil, []string{app, loan}
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
		return bank("maker"), "financing:Draw", financing.DrawInput{Lanes: []int{lane, lane, lane, lane, lane}}, []string{loan}
	case 7:
		p := financing.Payment{AmountMinor: 1 + m.rng.Int64N(3_000_000), Currency: "EUR", ReceivedOn: m.today(), Source: financing.FromBuyer}
		return bank("maker"), "financing:Repay", p, []string{loan}
	case 8:
		if m.rng.IntN(6) == 0 {
			return seller("checker"), "financing:Cancel", nil, []string{loan}
		}
		return seller("maker"), "financing:Withdraw", nil, []string{app}
	}
	return bank("underwriter"), "financing:Expire", nil, []string{app}
}

// draws are the limits that every loan draws on.
func draws() []financing.Draw {
	return []financing.Draw{{Kind: financing.Facility, Subject: bankMSP}, {Kind: financing.PerBorrower, Subject: sellerParty}, {Kind: financing.PerBuyer, Subject: buyerParty},
		{Kind: financing.PerProgramme, Subject: tradeCircle}, {Kind: financing.PerSector, Subject: financing.Unclassified}}
}

func (m *mischief) limitID(one financing.Draw) string {
	p := decoded[financing.Policy](m.t, m.must(m.evaluate(bank("risk"), "financing:ActivePolicy", bankDesk)))
	id, err := p.Terms.LimitID(bankMSP, one.Kind, one.Subject)
	require.NoError(m.t, err)
	return id
}

// onLimit moves room about, or changes a total.
func (m *mischief) onLimit() (user, string, any, []string) {
	id := m.limitID(draws()[m.rng.IntN(5)])
	if m.rng.IntN(3) == 0 {
		return bank("underwriter"), "financing:GatherLimit", nil, []string{id, fmt.Sprint(m.rng.IntN(2))}
	}
	return bank("risk"), "financing:RebalanceLimit", financing.RebalanceInput{TotalMinor: 8_000_000 + m.rng.Int64N(20_000_000)}, []string{id}
}

// gone takes a step with a loan that is not repaid.
func (m *mischief) gone(loan string) (user, string, any, []string) {
	switch m.rng.IntN(6) {
	case 0, 1:
		return bank("checker"), "financing:Default", nil, []string{loan}
	case 2:
		return bank("checker"), "financing:Enforce", nil, []string{loan}
	case 3:
		return bank("checker"), "financing:WriteOff", financing.NoteInput{Note: "lost"}, []string{loan}
	case 4:
		p := financing.Payment{AmountMinor: 1 + m.rng.Int64N(6_000_000), Currency: "EUR", ReceivedOn: m.today(), Source: financing.FromCollateral}
		return bank("maker"), "financing:Recover", p, []string{loan}
	}
	return bank("maker"), "financing:Charge", financing.FeeInput{FeeMinor: 1 + m.rng.Int64N(10_000), Ground: "costs"}, []string{loan}
}

// decision scores and decides in one step, mostly well.
func (m *mischief) decision(n int) (user, string, any, []string) {
	v := good
	if m.rng.IntN(5) == 0 {
		v = poor
	}
	s := m.submission(n, v)
	p := m.proposal(bank("underwriter"), "financing:Case", CaseInput{Submission: &s}, s.Application, s.ID, "[]")
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
	var lent []string // applications whose loans were drawn
	defer func() {
		m.alive = nil
		for n := range m.apps + 1 {
			if slices.Contains(lent, opaque("app", n)) {
				m.alive = append(m.alive, n)
				continue
			}
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
		if l.Status != financing.Repaid && l.Status != financing.Cancelled && !l.Enforced { // a debt that is written off keeps its security
			m.hold(held, l.Application, l.Collateral)
		}
		m.conserves(l.Loan)
		if !l.DrawnOn.IsZero() {
			lent = append(lent, l.Application)
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
			if !f.Live() { // it was paid, and holds nothing back
				continue
			}
			got := ""
			if f.Encumbrance != nil {
				got = f.Encumbrance.Application
			}
			require.Equal(m.t, held[f.ID], got, "fragment %s", f.ID)
		}
	}
	for _, one := range draws() {
		m.limit(one, used)
	}
}

// conserves holds a loan's account against itself, from the drawdown to the recovery.
func (m *mischief) conserves(l financing.Loan) {
	if !l.DrawnOn.IsZero() {
		require.Equal(m.t, l.Terms.AdvanceMinor, l.Owed.PrincipalMinor+l.Paid.PrincipalMinor+l.Lost.PrincipalMinor, l.ID)
		require.Equal(m.t, l.FeesChargedMinor, l.Owed.FeesMinor+l.Paid.FeesMinor+l.Lost.FeesMinor, l.ID)
		require.Equal(m.t, l.ReceivedMinor, l.Paid.TotalMinor()-l.Terms.FeeMinor+l.RecoveredMinor+l.SurplusMinor, l.ID)
	}
	require.LessOrEqual(m.t, l.RecoveredMinor, l.Lost.TotalMinor(), l.ID)
	booked := map[string]bool{}
	for _, move := range l.Movements {
		if move.Payment != "" {
			require.False(m.t, booked[move.Payment], "payment %s twice on %s", move.Payment, l.ID)
			booked[move.Payment] = true
		}
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
	id := m.limitID(one)
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
