package scenario_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/receivable/receivabletest"
	"github.com/tallystick/tallystick/gateway-client/cli"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/scenario"
	"github.com/tallystick/tallystick/network/nettest"
	"github.com/tallystick/tallystick/network/topology"
)

// market is a consortium on which the main job has been played as far as bank A's policy, with sessions of its users.
type market struct {
	t        *testing.T
	sessions *cli.Sessions
	world    receivabletest.World
	serial   int

	mu      sync.Mutex
	block   uint64
	done    int
	refused map[fault.Code]int
}

func newMarket(t *testing.T, runner *scenario.Runner, sessions *cli.Sessions) *market {
	m := &market{t: t, sessions: sessions, serial: 1, refused: map[fault.Code]int{}}
	var vars map[string]string
	runner.Marked = func(_ context.Context, mark string, now map[string]string) error {
		if mark != "nodes fail" { // the policy is approved
			return nil
		}
		vars = now
		return scenario.ErrStop
	}
	_, err := runner.Run(t.Context(), mainJob)
	require.NoError(t, err)
	m.world = receivabletest.World{Buyer: vars["party_buyer"], Seller: vars["party_acme"], TierTwo: vars["party_birch"], Bank: vars["party_bankA"],
		Programme: vars["programme"], Desk: vars["desk"], BankMSP: "BankAMSP", Consents: map[string]string{}}
	for user, party := range map[string]string{"supplier/amy": m.world.Seller, "supplier/bea": m.world.TierTwo} {
		in := credit.ConsentInput{ID: consortium.NewID("cns"), Bank: m.world.BankMSP}
		call, err := operation.GiveConsent(m.as(user), m.world.Desk, in)
		require.NoError(t, err)
		require.NoError(t, m.submit(m.as(user), call))
		m.world.Consents[party] = in.ID
	}
	return m
}

func (m *market) as(who string) *consortium.Session {
	m.t.Helper()
	org, user, _ := strings.Cut(who, "/")
	s, _, err := m.sessions.Get(m.t.Context(), cli.Who{Org: org, User: user})
	require.NoError(m.t, err)
	return s
}

// by is the session of a party's user with the role.
func (m *market) by(party string, role member.Role) *consortium.Session {
	users := map[string][2]string{m.world.Buyer: {"buyer/alice", "buyer/bruno"}, m.world.Seller: {"supplier/amy", "supplier/adam"},
		m.world.TierTwo: {"supplier/bea", "supplier/ben"}, m.world.Bank: {"bankA/mona", "bankA/carl"}}[party]
	return m.as(users[map[member.Role]int{member.Maker: 0, member.Checker: 1}[role]])
}

func (m *market) submit(s *consortium.Session, call consortium.Call) error {
	done, err := s.Submit(m.t.Context(), call, nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.block = max(m.block, done.Block)
	return err
}

// claim reads a claim as the bank, after the last block that anybody has heard of.
func (m *market) claim(t require.TestingT, id string) (c receivable.Claim) {
	s := m.as("bankA/mona")
	require.NoError(t, s.Await(m.t.Context(), m.block))
	call := consortium.Call{Function: "receivable:Get", Args: []string{id}, Circles: []string{m.world.Programme}}
	require.NoError(t, s.Evaluate(m.t.Context(), call, &c.Receivable))
	call.Function = "receivable:Fragments"
	require.NoError(t, s.Evaluate(m.t.Context(), call, &c.Fragments))
	return c
}

// confirmed issues an invoice over the amount and confirms it.
func (m *market) confirmed(t require.TestingT, minor int64) string {
	m.serial++
	today := calendar.From(m.as("supplier/amy").Network.Now().UTC())
	due, err := today.AddDays(60)
	require.NoError(t, err)
	id := fmt.Sprintf("rcv-%020x", m.serial)
	in := receivable.Issuance{ID: id, Invoice: receivable.Invoice{TypeCode: "380", Seller: m.world.Seller, Buyer: m.world.Buyer, Number: fmt.Sprint("RANDOM-", m.serial),
		IssueDate: today, DueDate: due, Currency: "EUR", PayableMinor: minor, Lines: 1, DocumentHash: strings.Repeat("ab", 32)}}
	require.NoError(t, m.submit(m.as("supplier/amy"), operation.Issue(m.world.Programme, in)))
	for _, who := range []string{"buyer/alice", "buyer/bruno"} {
		s := m.as(who)
		require.NoError(t, s.Await(m.t.Context(), m.block))
		call := consortium.Call{Function: "receivable:ProposeConfirm", Args: []string{id}, Circles: []string{m.world.Programme}}
		if who == "buyer/bruno" {
			call, err = operation.Confirm(m.t.Context(), s, id)
			require.NoError(t, err)
		}
		require.NoError(t, m.submit(s, call))
	}
	return id
}

// trade lets parties act at random on claims, several at once, and holds every claim against the model that the fake ledger's test
// holds it against (package receivabletest).
func (m *market) trade(claims int) {
	for name, value := range map[string]string{"rapid.checks": fmt.Sprint(claims), "rapid.shrinktime": "1s"} {
		was := flag.Lookup(name).Value.String()
		require.NoError(m.t, flag.Set(name, value))
		defer func() { require.NoError(m.t, flag.Set(name, was)) }()
	}
	played := 0 // fewer than claims with -short
	rapid.Check(m.t, func(t *rapid.T) {
		played++
		id := m.confirmed(t, rapid.Int64Range(200_000, 900_000).Draw(t, "payable"))
		var watch receivabletest.Watch
		for range rapid.IntRange(8, 14).Draw(t, "rounds") {
			before := m.claim(t, id)
			require.NoError(t, watch.Check(before))
			today := calendar.From(m.as("supplier/amy").Network.Now().UTC())
			var tries []receivabletest.Try
			for range rapid.IntRange(1, 4).Draw(t, "at once") {
				m.serial++
				tries = append(tries, m.world.Draw(t, before, m.serial, today))
			}
			failures := make([]error, len(tries))
			var group sync.WaitGroup
			for i, a := range tries {
				s := m.by(a.Party, a.Role)
				group.Go(func() {
					failures[i] = m.submit(s, consortium.Call{Function: a.Function, Args: a.Args, Input: a.Input, Circles: a.Circles})
				})
			}
			group.Wait()
			for i, err := range failures {
				if err == nil {
					m.done++
					watch.Done(tries[i])
					continue
				}
				code := fault.CodeOf(err)
				require.NotEmpty(t, code, "%s: %v", tries[i].Function, err)
				bad := []fault.Code{fault.InternalError, fault.ConservationBroken, fault.SealBroken, fault.NetworkUnavailable}
				require.False(t, slices.Contains(bad, code), "%s: %v", tries[i].Function, err)
				m.refused[code]++
			}
			require.NoError(t, watch.Check(m.claim(t, id)))
		}
	})
	refused := 0
	for _, n := range m.refused {
		refused += n
	}
	m.t.Logf("%d operations: %d carried out, %d refused: %v", m.done+refused, m.done, refused, m.refused)
	require.Greater(m.t, m.done, played, "too few operations were carried out to say anything")
}

func TestManyPartiesInMemory(t *testing.T) {
	c := memory.New(topology.Default())
	t.Cleanup(c.Close)
	sessions := &cli.Sessions{Connect: func(_ context.Context, who cli.Who) (*consortium.Session, func() error, error) {
		s, err := c.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}}
	newMarket(t, inMemory(t, c), sessions).trade(10)
}

// A few hundred operations by users of four parties on real peers.
func TestManyPartiesOnTheNativeNetwork(t *testing.T) {
	n := nettest.Start(t)
	sessions := onNetwork(t, n)
	newMarket(t, playing(t, n, sessions), sessions).trade(12)
}
