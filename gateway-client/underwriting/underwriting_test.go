package underwriting_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/credittest"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/financingtest"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
	"github.com/tallystick/tallystick/network/topology"
)

const (
	programme = "prg-00000000000000000001"
	desk      = "dsk-00000000000000000001"
	consentID = "cns-00000000000000000001"
)

var governors = map[string]string{"buyer": "gwen", "supplier": "hana", "bankA": "gina", "bankB": "greta", "warehouse": "gus", "regulator": "reg"}

// market is a consortium in memory in which acme may apply to bank A.
type market struct {
	*memory.Consortium
	t     *testing.T
	ctx   context.Context
	card  string
	count int
}

func newMarket(t *testing.T) *market { return newMarketWith(t, func(*financing.Terms) {}) }

// newMarketWith is a market whose bank has changed its policy.
func newMarketWith(t *testing.T, change func(*financing.Terms)) *market {
	m := &market{Consortium: memory.New(topology.Default()), t: t, ctx: t.Context()}
	t.Cleanup(m.Close)
	var founders []member.Founder
	for _, o := range []struct {
		msp  string
		kind member.Kind
	}{{"BuyerMSP", member.Buyer}, {"SupplierMSP", member.Supplier}, {"BankAMSP", member.Bank}, {"BankBMSP", member.Bank}, {"WarehouseMSP", member.Warehouse}, {"RegulatorMSP", member.Regulator}} {
		founders = append(founders, member.Founder{MSP: o.msp, Kind: o.kind})
	}
	m.governed("buyer", "gwen", "member:Found", text(founders))
	for org, user := range governors {
		m.governed(org, user, "member:Register", text(member.Registration{Name: org, SealingKey: m.session(org, user).Keyring.Public()}))
	}
	m.found("buyer", programme, circle.Programme, "SupplierMSP", "BankAMSP")
	m.found("bankA", desk, circle.Desk, "SupplierMSP")
	m.register("buyer", "gwen", "buyer", member.Identifier{Scheme: member.DirectorScheme, Value: "Dora Director"})
	m.register("supplier", "hana", "acme")
	m.register("bankA", "gina", "bankA")
	card := credittest.Card()
	raw, err := card.CanonicalJSON()
	require.NoError(t, err)
	m.card, err = card.Hash()
	require.NoError(t, err)
	m.governed("bankA", "olga", "credit:ProposeModel", text(credit.ModelProposal{ID: "mdl-00000001", Intended: credit.ModelChampion, DocumentationHash: m.card}), string(raw))
	m.governed("bankB", "vera", "credit:ValidateModel", "mdl-00000001", text(credit.Verdict{Accept: true, CardHash: m.card, DocumentationHash: m.card, ReportHash: m.card}))
	policy := financing.PolicyProposal{ID: "pol-00000001", Terms: financingtest.Terms(m.card)}
	change(&policy.Terms)
	m.must(m.session("bankA", "rita"), consortium.Call{Function: "financing:ProposePolicy", Args: []string{desk, policy.ID}, Input: policy, Circles: []string{desk}}, nil)
	m.must(m.session("bankA", "rob"), consortium.Call{Function: "financing:ApprovePolicy", Args: []string{policy.ID}, Circles: []string{desk}}, nil)
	last, err := m.today().AddDays(300)
	require.NoError(t, err)
	consent := credit.ConsentInput{ID: consentID, Bank: "BankAMSP", Scopes: []credit.Scope{credit.ScopeScore}, LastDay: last}
	m.must(m.session("supplier", "amy"), consortium.Call{Function: "credit:GiveConsent", Args: []string{desk, consentID}, Input: consent, Circles: []string{desk}}, nil)
	return m
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func (m *market) today() calendar.Date { return calendar.From(m.Ledger.Now()) }

func (m *market) session(org, user string) *consortium.Session {
	s, err := m.Session(org, user)
	require.NoError(m.t, err)
	return s
}

func (m *market) must(s *consortium.Session, call consortium.Call, out any) {
	m.t.Helper()
	_, err := s.Submit(m.ctx, call, out)
	require.NoError(m.t, err, call.Function)
}

func (m *market) governed(org, user, function string, args ...string) {
	m.t.Helper()
	m.must(m.session(org, user), consortium.Call{Function: function, Args: args, Governed: true}, nil)
}

func (m *market) found(org, id string, kind circle.Kind, with ...string) {
	c, _, err := m.session(org, governors[org]).Found(m.ctx, id, kind, with, "")
	require.NoError(m.t, err)
	for range c.Missing() {
		for other, user := range governors {
			if s := m.session(other, user); s.User().MSP == c.Missing()[0] {
				c, _, err = s.Confirm(m.ctx, id)
				require.NoError(m.t, err)
				break
			}
		}
	}
	require.Equal(m.t, circle.Active, c.Status)
}

func (m *market) register(org, user, alias string, ids ...member.Identifier) {
	s := m.session(org, user)
	key, err := s.FingerprintKey(memory.PartyID(alias))
	require.NoError(m.t, err)
	p := member.Party{ID: memory.PartyID(alias), Host: s.User().MSP, Name: alias, FingerprintKey: key, Sector: "C25", Identifiers: ids}
	m.must(s, consortium.Call{Function: "member:RegisterParty", Args: []string{programme, p.ID}, Input: p, Circles: []string{programme}}, nil)
}

// issue issues an invoice of 100 000.00 from one party to another, as a user of the supplier host.
func (m *market) issue(user, seller, buyer string) string {
	m.count++
	id := fmt.Sprintf("rcv-%020x", m.count)
	due, err := m.today().AddDays(60)
	require.NoError(m.t, err)
	in := receivable.Issuance{ID: id, Invoice: receivable.Invoice{TypeCode: "380", Seller: memory.PartyID(seller), Buyer: memory.PartyID(buyer), Number: id,
		IssueDate: m.today(), DueDate: due, Currency: "EUR", PayableMinor: 100_000_00, Lines: 1, DocumentHash: strings.Repeat("ab", 32)}}
	m.must(m.session("supplier", user), consortium.Call{Function: "receivable:Issue", Args: []string{programme, id}, Input: in, Circles: []string{programme}}, nil)
	return id
}

// claim issues and confirms an invoice of 100 000.00 and returns its fragment.
func (m *market) claim() string {
	id, circles := m.issue("amy", "acme", "buyer"), []string{programme}
	m.must(m.session("buyer", "alice"), consortium.Call{Function: "receivable:ProposeConfirm", Args: []string{id}, Circles: circles}, nil)
	bruno := m.session("buyer", "bruno")
	var terms receivable.Terms
	require.NoError(m.t, bruno.Evaluate(m.ctx, consortium.Call{Function: "receivable:Terms", Args: []string{id}, Circles: circles}, &terms))
	signature, err := bruno.User().Sign(terms.Bytes())
	require.NoError(m.t, err)
	var step struct {
		Fragments []string `json:"fragments"`
	}
	m.must(bruno, consortium.Call{Function: "receivable:Confirm", Args: []string{id}, Circles: circles,
		Input: receivable.Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}}, &step)
	require.Len(m.t, step.Fragments, 1)
	return step.Fragments[0]
}

func (m *market) apply(n int, fragment string) string {
	id := fmt.Sprintf("app-%020x", n)
	r := financing.Request{ID: id, Bank: "BankAMSP", Product: financing.ReceivableProduct, Currency: "EUR", Consent: consentID,
		Collateral: []financing.Ref{{Kind: financing.Fragment, ID: fragment, Circle: programme}}}
	m.must(m.session("supplier", "amy"), consortium.Call{Function: "financing:Apply", Args: []string{desk, id}, Input: r, Circles: []string{desk, programme}}, nil)
	return id
}

func (m *market) application(id string) financing.Application {
	a, err := m.look(id)
	require.NoError(m.t, err)
	return a
}

func (m *market) look(id string) (a financing.Application, err error) {
	err = m.session("bankA", "mona").Evaluate(m.ctx, consortium.Call{Function: "financing:Application", Args: []string{id}, Circles: []string{desk}}, &a)
	return a, err
}

func (m *market) underwriter(ledger underwriting.Ledger) *underwriting.Underwriter {
	s := m.session("bankA", "svc")
	if ledger == nil {
		ledger = s
	}
	return &underwriting.Underwriter{Ledger: ledger, Blocks: s.Network.Blocks, Source: underwriting.FromLedger{Ledger: s}, Features: ofTwo,
		SaltKey: []byte(strings.Repeat("s", 32)), Today: m.today, Now: m.Ledger.Now, Sweep: 20 * time.Millisecond}
}

// ofTwo works out the two features of the test's scorecard.
func ofTwo(_ *scorecard.Scorecard, h underwriting.History) ([]scorecard.Value, error) {
	confirmed := int64(0)
	for _, r := range h.Sold {
		if r.HasClaim() {
			confirmed++
		}
	}
	return []scorecard.Value{scorecard.Number(0), scorecard.Number(confirmed)}, nil
}

// until runs the service until the application has left the queue's reach: it is decided.
func (m *market) until(u *underwriting.Underwriter, done func() bool) {
	ctx, cancel := context.WithTimeout(m.ctx, time.Minute)
	defer cancel()
	finished := make(chan error, 1)
	go func() { finished <- u.Run(ctx) }()
	require.Eventually(m.t, done, 50*time.Second, 10*time.Millisecond, "%+v", u.Queue())
	cancel()
	require.ErrorIs(m.t, <-finished, context.Canceled)
}

func (m *market) decided(id string) func() bool {
	return func() bool {
		a, err := m.look(id) // the ledger in memory refuses a query during which a block commits
		return err == nil && a.Status != financing.Submitted
	}
}

func TestApplicationIsHeardAndDecided(t *testing.T) {
	m := newMarket(t)
	fragment := m.claim()
	u := m.underwriter(nil)
	kept := map[string][]byte{}
	u.Keep = func(_ context.Context, score string, inputs []byte) error { kept[score] = inputs; return nil }
	var id string
	applied := false
	m.until(u, func() bool {
		if !applied {
			id, applied = m.apply(1, fragment), true // while the service listens
		}
		return m.decided(id)()
	})
	a := m.application(id)
	assert.Equal(t, financing.Approved, a.Status)
	assert.Equal(t, int64(630), a.Decision.Points, "600 + 60 for a confirmation on the day − 30 for few invoices")
	var s credit.Score
	require.NoError(t, m.session("supplier", "amy").Evaluate(m.ctx, consortium.Call{Function: "credit:Score", Args: []string{a.Decision.Score}, Circles: []string{desk}}, &s))
	assert.Equal(t, s.InputCommitment, credit.Commit(u.Salt(s.ID), kept[s.ID]), "the bank can open what it has committed to")
	assert.Empty(t, u.Queue())
}

func TestWhatWasMissedIsFoundAndDeclinedWithReasons(t *testing.T) {
	m := newMarket(t)
	id := m.apply(1, m.claim())
	u := m.underwriter(nil)
	u.From = m.Ledger.Height() // after the application
	u.Features = func(card *scorecard.Scorecard, _ underwriting.History) ([]scorecard.Value, error) {
		return []scorecard.Value{scorecard.Number(20), scorecard.Number(0)}, nil
	}
	m.until(u, m.decided(id))
	a := m.application(id)
	assert.Equal(t, financing.Declined, a.Status)
	assert.Equal(t, []string{"days_to_confirm", "invoices_confirmed"}, a.Decision.ScoreReasons)
}

// broken is a ledger that fails some of its calls, before or after they have taken effect.
type broken struct {
	*consortium.Session
	calls  atomic.Int64
	before func(n int64, function string) bool
	after  func(n int64, function string) bool
}

var errBroken = errors.New("the line is dead")

func (b *broken) Submit(ctx context.Context, call consortium.Call, out any) (consortium.Committed, error) {
	n := b.calls.Add(1)
	if b.before != nil && b.before(n, call.Function) {
		return consortium.Committed{}, errBroken
	}
	done, err := b.Session.Submit(ctx, call, out)
	if err == nil && b.after != nil && b.after(n, call.Function) {
		return consortium.Committed{}, errBroken
	}
	return done, err
}

func TestDecidedOnceWhateverBreaks(t *testing.T) {
	for name, b := range map[string]*broken{
		"before the first submit":            {before: func(n int64, _ string) bool { return n == 1 }},
		"after the first submit took effect": {after: func(n int64, _ string) bool { return n == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMarket(t)
			id := m.apply(1, m.claim())
			b.Session = m.session("bankA", "svc")
			height := m.Ledger.Height()
			m.until(m.underwriter(b), m.decided(id))
			m.until(m.underwriter(nil), m.decided(id)) // a new process finds nothing to do
			assert.Equal(t, financing.Approved, m.application(id).Status)
			assert.Equal(t, height+1, m.Ledger.Height(), "one transaction decides")
		})
	}
}

// decisions counts the valid transactions that decide.
func (m *market) decisions() (n int64) {
	last := m.Ledger.Height() - 1
	errEnd := errors.New("end")
	err := m.session("bankA", "svc").Network.Blocks(m.ctx, 0, func(b consortium.Block) error {
		for _, tx := range b.Transactions {
			if tx.Valid && tx.Event != nil && tx.Function == "financing:ScoreAndDecide" {
				n++
			}
		}
		if b.Number >= last {
			return errEnd
		}
		return nil
	})
	require.ErrorIs(m.t, err, errEnd)
	return n
}

func TestReplicasDecideOnceEach(t *testing.T) {
	m := newMarket(t)
	var ids []string
	for n := range 6 {
		ids = append(ids, m.apply(n+1, m.claim()))
	}
	ctx, cancel := context.WithCancel(m.ctx)
	finished := make(chan error, 3)
	for range 3 {
		u := m.underwriter(nil)
		go func() { finished <- u.Run(ctx) }()
	}
	require.Eventually(t, func() bool {
		for _, id := range ids {
			if !m.decided(id)() {
				return false
			}
		}
		return true
	}, 50*time.Second, 10*time.Millisecond)
	cancel()
	for range 3 {
		require.ErrorIs(t, <-finished, context.Canceled)
	}
	facility := map[int]bool{}
	for _, id := range ids {
		a := m.application(id)
		require.Equal(t, financing.Approved, a.Status)
		facility[a.Decision.Uses[0].Lane] = true
	}
	assert.Greater(t, len(facility), 2, "applications are spread over the lanes")
	assert.Equal(t, int64(len(ids)), m.decisions(), "one valid decision an application")
}

func TestScoreThatIsThereIsUsed(t *testing.T) {
	// A service that submits the score and dies before the decision: the next one decides with the same score.
	m := newMarket(t)
	id := m.apply(1, m.claim())
	u := m.underwriter(nil)
	var submitted atomic.Value
	b := &broken{Session: m.session("bankA", "svc")}
	u.Ledger = splitting{b, &submitted}
	m.until(u, func() bool { return submitted.Load() != nil })
	m.until(m.underwriter(nil), m.decided(id))
	assert.Equal(t, submitted.Load(), m.application(id).Decision.Score)
}

// splitting submits the score alone, once, and then fails for good.
type splitting struct {
	*broken
	score *atomic.Value
}

func (s splitting) Submit(ctx context.Context, call consortium.Call, _ any) (consortium.Committed, error) {
	if call.Function != "financing:ScoreAndDecide" || s.score.Load() != nil {
		return consortium.Committed{}, errBroken
	}
	raw := text(call.Input)
	var in struct {
		Submission credit.Submission `json:"submission"`
	}
	if err := json.Unmarshal([]byte(raw), &in); err != nil {
		return consortium.Committed{}, err
	}
	_, err := s.Session.Submit(ctx, consortium.Call{Function: "credit:SubmitScore", Args: []string{in.Submission.ID}, Input: in.Submission, Circles: []string{desk}}, nil)
	if err == nil {
		s.score.Store(in.Submission.ID)
	}
	return consortium.Committed{}, errBroken
}

func TestWithoutConsentItWaitsAndSaysWhy(t *testing.T) {
	m := newMarket(t)
	id := m.apply(1, m.claim())
	m.must(m.session("supplier", "amy"), consortium.Call{Function: "credit:WithdrawConsent", Args: []string{consentID}, Circles: []string{desk}}, nil)
	u := m.underwriter(nil)
	u.Sweep = time.Hour
	m.until(u, func() bool {
		q := u.Queue()
		return len(q) == 1 && q[0].State == underwriting.Stuck && q[0].Code == fault.ConsentMissing
	})
	assert.Equal(t, financing.Submitted, m.application(id).Status)
}

func TestExpiredApplicationIsFreed(t *testing.T) {
	m := newMarket(t)
	id := m.apply(1, m.claim())
	m.Ledger.Advance(11 * 24 * time.Hour)
	m.until(m.underwriter(nil), m.decided(id))
	assert.Equal(t, financing.Expired, m.application(id).Status)
}

func TestStaleScoreIsMadeAgain(t *testing.T) {
	m := newMarket(t)
	id := m.apply(1, m.claim())
	var submitted atomic.Value
	u := m.underwriter(nil)
	u.Ledger = splitting{&broken{Session: m.session("bankA", "svc")}, &submitted}
	m.until(u, func() bool { return submitted.Load() != nil })
	m.Ledger.Advance(8 * 24 * time.Hour) // the policy takes facts of the last seven days
	m.until(m.underwriter(nil), m.decided(id))
	a := m.application(id)
	assert.Equal(t, financing.Approved, a.Status)
	assert.NotEqual(t, submitted.Load(), a.Decision.Score)
}

func TestRunRefusesWhatIsIncomplete(t *testing.T) {
	assert.Equal(t, fault.InputMissing, fault.CodeOf((&underwriting.Underwriter{}).Run(t.Context())))
}

func TestTenderIsCommittedToAndRevealed(t *testing.T) {
	m := newMarket(t)
	now := m.Ledger.Now().UTC()
	in := financing.TenderRequest{Tender: financing.Tender{ID: "tnd-00000001", CommitBy: now.Add(time.Hour), RevealBy: now.Add(2 * time.Hour)},
		Request: financing.Request{Product: financing.ReceivableProduct, Currency: "EUR", Collateral: []financing.Ref{{Kind: financing.Fragment, ID: m.claim(), Circle: programme}}},
		Bidders: []financing.Bidder{{Bank: "BankAMSP", Desk: desk, Application: "app-00000001", Consent: consentID}, {Bank: "BankBMSP", Desk: m.deskOfB(), Application: "app-00000002", Consent: consentID}}}
	m.must(m.session("supplier", "amy"), consortium.Call{Function: "financing:Tender", Args: []string{in.ID}, Input: in, Circles: []string{desk, in.Bidders[1].Desk, programme}}, nil)
	m.until(m.underwriter(nil), func() bool {
		a, err := m.look("app-00000001")
		return err == nil && a.Commitment != nil
	})
	assert.Equal(t, financing.Submitted, m.application("app-00000001").Status)
	m.Ledger.Advance(time.Hour + time.Second)
	m.until(m.underwriter(nil), m.decided("app-00000001")) // a new process knows the salt
	assert.Equal(t, financing.Approved, m.application("app-00000001").Status)
}

// deskOfB founds bank B's desk with a policy.
func (m *market) deskOfB() string {
	const id = "dsk-00000000000000000002"
	m.found("bankB", id, circle.Desk, "SupplierMSP")
	policy := financing.PolicyProposal{ID: "pol-00000002", Terms: financingtest.Terms(m.card)}
	m.must(m.session("bankB", "ruth"), consortium.Call{Function: "financing:ProposePolicy", Args: []string{id, policy.ID}, Input: policy, Circles: []string{id}}, nil)
	m.must(m.session("bankB", "ralf"), consortium.Call{Function: "financing:ApprovePolicy", Args: []string{policy.ID}, Circles: []string{id}}, nil)
	return id
}
