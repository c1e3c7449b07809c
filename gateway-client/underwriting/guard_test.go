package underwriting_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

func trade(seller, buyer string, day int) underwriting.Trade {
	on := calendar.From(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day))
	return underwriting.Trade{ID: fmt.Sprintf("rcv-%s%s%d", seller, buyer, day), Seller: seller, Buyer: buyer, On: on}
}

func TestRoundTrips(t *testing.T) {
	for name, tc := range map[string]struct {
		trades []underwriting.Trade
		want   []string
	}{
		"a chain":                         {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2)}, nil},
		"there and back":                  {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 2)}, []string{"a → b → a"}},
		"a circle of three":               {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2), trade("c", "a", 3)}, []string{"a → b → c → a"}},
		"the shorter of two":              {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2), trade("c", "a", 3), trade("b", "a", 4)}, []string{"a → b → a"}},
		"through each buyer":              {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 2), trade("a", "c", 1), trade("c", "a", 2)}, []string{"a → b → a", "a → c → a"}},
		"others in a circle":              {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2), trade("c", "b", 3)}, nil},
		"too long ago":                    {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 182)}, nil},
		"again lately":                    {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 182), trade("a", "b", 100)}, []string{"a → b → a"}},
		"too many parties":                {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 1), trade("c", "d", 1), trade("d", "e", 1), trade("e", "f", 1), trade("f", "a", 1)}, nil},
		"as many parties as there may be": {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 1), trade("c", "d", 1), trade("d", "e", 1), trade("e", "a", 1)}, []string{"a → b → c → d → e → a"}},
		"with itself":                     {[]underwriting.Trade{trade("a", "a", 1)}, nil},
	} {
		var got []string
		for _, trip := range underwriting.RoundTrips("a", tc.trades) {
			got = append(got, trip.String())
			require.Len(t, trip.Trades, len(trip.Parties)-1)
		}
		assert.Equal(t, tc.want, got, name)
		shuffled := append([]underwriting.Trade(nil), tc.trades...)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		assert.Equal(t, underwriting.RoundTrips("a", tc.trades), underwriting.RoundTrips("a", shuffled), name)
	}
}

// circular is a source that has seen the applicant's buyer sell to the applicant.
type circular struct{ underwriting.Source }

func (c circular) History(ctx context.Context, a financing.Application, today calendar.Date) (underwriting.History, error) {
	h, err := c.Source.History(ctx, a, today)
	for _, t := range h.Trades {
		h.Trades = append(h.Trades, underwriting.Trade{ID: "rcv-back", Seller: t.Buyer, Buyer: t.Seller, On: t.On})
	}
	return h, err
}

func TestCircularTradesWaitForAPerson(t *testing.T) {
	m := newMarket(t)
	id := m.apply(1, m.claim())
	u := m.underwriter(nil)
	u.Source = circular{u.Source}
	var looked atomic.Bool
	u.Cleared = func(application string) bool { return application == id && looked.Load() }
	m.until(u, func() bool {
		q := u.Queue()
		return len(q) == 1 && q[0].Code == fault.TradeSuspicious
	})
	assert.Equal(t, financing.Submitted, m.application(id).Status)
	looked.Store(true)
	m.until(u, m.decided(id))
	assert.Equal(t, financing.Approved, m.application(id).Status)
}
