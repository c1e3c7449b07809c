package portal_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/projection"
	"github.com/tallystick/tallystick/gateway-client/scenario/scenariotest"
	"github.com/tallystick/tallystick/gateway-client/service"
)

// TestOffersSideBySide asks two banks with clicks, and compares what each costs in all once both have shown their offers.
func TestOffersSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	d := &demo{Played: scenariotest.Play(t, scenarios, "financing.yaml", "lending"), t: t, handler: map[string]http.Handler{}, stores: map[string]*projection.Store{}}
	programme := d.Vars["programme"]
	today := calendar.From(d.Ledger.Now())
	due, err := today.AddDays(60)
	require.NoError(t, err)
	in := receivable.Issuance{ID: "rcv-00000000000000008001", Invoice: receivable.Invoice{TypeCode: "380", Seller: d.Vars["party_acme"], Buyer: d.Vars["party_buyer"],
		Number: "INV-8001", IssueDate: today, DueDate: due, Currency: "EUR", PayableMinor: 4_825_000, Lines: 2, DocumentHash: strings.Repeat("ab", 32)}}
	_, err = d.As("supplier/amy").Submit(t.Context(), operation.Issue(programme, in), nil)
	require.NoError(t, err)
	_, err = d.As("buyer/alice").Submit(t.Context(), operation.ProposeBulk(programme, []string{in.ID}), nil)
	require.NoError(t, err)
	confirm, err := operation.ConfirmBulk(t.Context(), d.As("buyer/bruno"), programme, []string{in.ID})
	require.NoError(t, err)
	_, err = d.As("buyer/bruno").Submit(t.Context(), confirm, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	decided := make(chan error, 2)
	for _, svc := range []string{"bankA/svc", "bankB/svcb"} {
		go func() { decided <- service.Underwrite(ctx, d.As(svc)) }()
	}
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-decided; !errors.Is(err, context.Canceled) {
				t.Errorf("an underwriter: %v", err)
			}
		}
	})
	amy := open(t, d.site("supplier", "amy").URL, "en")
	amy.open("/applications/new")
	amy.do(chromedp.Click(`//label[contains(., "INV-8001")]`), chromedp.Click(`//label[contains(., "Bank A")]`), chromedp.Click(`//label[contains(., "Bank B")]`),
		chromedp.Click(chromedp.CSS("#f-consent")))
	amy.click("Send the application")
	amy.done()
	amy.click("Open the record")
	tender := value[string](amy, `location.pathname`)
	amy.until("bound itself")
	amy.shot("sealed")
	d.Ledger.Advance(11 * time.Minute) // the banks have bound themselves: now they show what to
	for end := time.Now().Add(stepTime); value[int](amy, `document.querySelectorAll(".offer .cost").length`) < 2; amy.open(tender) {
		require.True(t, time.Now().Before(end), "one of the banks does not show its offer")
	}
	d.Ledger.Advance(10 * time.Minute)
	amy.until("Accept these terms")
	costs := value[[]string](amy, `[...document.querySelectorAll(".offer .cost")].map((e) => e.innerText)`)
	require.Len(t, costs, 2)
	assert.Equal(t, 1, value[int](amy, `document.querySelectorAll(".offer.best").length`))
	amy.accessible(tender)
	amy.fits(tender)
	amy.shot("offers")
}
