package portal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/service"
)

// newInvoice writes a sample invoice of Acme's under another number, dated today, and returns its path.
func newInvoice(t *testing.T, number string, today calendar.Date) string {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/invoices/acme-INV-1001.xml")
	require.NoError(t, err)
	raw = document.Rebase(raw, calendar.MustParse("2026-01-15"), today)
	raw = bytes.ReplaceAll(raw, []byte("INV-1001"), []byte(number))
	path := filepath.Join(t.TempDir(), number+".xml")
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	return path
}

// stage is where the walk is played: browse opens a browser in which somebody is logged in.
type stage struct {
	t      *testing.T
	browse func(who string) *browser
	today  calendar.Date
	// receipt is a warehouse receipt with evidence, of Acme's; loan a loan on it.
	receipt string
}

var transaction = regexp.MustCompile(`[0-9a-f]{64}`)

// done checks the page of an operation that was carried out, with the ledger's transaction id.
func (b *browser) done() {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(".note-box.good")))
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("main")))
	require.NoError(b.t, err)
	assert.Regexp(b.t, transaction, text, "the ledger's transaction id")
}

// drop lets a file fall onto an element, as a person does who drags it there from a folder.
func (b *browser) drop(selector, path string) {
	b.t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(b.t, err)
	dropped, err := json.Marshal([]string{string(raw), filepath.Base(path), selector})
	require.NoError(b.t, err)
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	_, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(([text, name, selector]) => {
		const files = new DataTransfer();
		files.items.add(new File([text], name, {type: "application/xml"}));
		const area = document.querySelector(selector);
		for (const type of ["dragenter", "dragover", "drop"])
			area.dispatchEvent(new DragEvent(type, {dataTransfer: files, bubbles: true, cancelable: true}));
		return true;
	})(`+string(dropped)+`)`))
	require.NoError(b.t, err)
}

// play walks from an invoice's file to the loan and the way back from it, with clicks, as each role.
func (s stage) play() {
	t := s.t
	const number = "INV-7001"
	amy := s.browse("supplier/amy")
	amy.open("/invoices/new")
	file := newInvoice(t, number, s.today)
	amy.drop("[data-drop]", file)
	amy.reads("What invoice " + number + " says")
	amy.open("/invoices/new")
	amy.do(chromedp.SetUploadFiles(chromedp.CSS("#f-file"), []string{file}))
	amy.click("Read the file")
	amy.reads("What invoice " + number + " says")
	amy.shot("upload")
	amy.press(`//main//button[starts-with(normalize-space(), "Issue over")]`)
	amy.done()
	amy.shot("issued")

	alice := s.browse("buyer/alice")
	alice.open("/invoices")
	alice.do(chromedp.Click(`//main//tr[.//a[normalize-space()="` + number + `"]]//input[@type="checkbox"]`))
	alice.reads("1 selected")
	alice.shot("selected")
	alice.click("Propose the selected")
	alice.done()
	alice.open("/invoices?show=proposed")
	alice.click(number)
	alice.reads("the buyer's second person")

	bruno := s.browse("buyer/bruno")
	bruno.open("/invoices")
	bruno.do(chromedp.Click(`//main//tr[.//a[normalize-space()="` + number + `"]]//input[@type="checkbox"]`))
	bruno.click("Confirm the selected")
	bruno.done()
	bruno.open("/search?q=" + number)
	bruno.click(number)
	bruno.reads("Signature verified")
	bruno.shot("confirmed")

	// Acme splits the claim, passes a part on to Birch and finances the rest.
	amy.open("/invoices?show=confirmed")
	amy.click(number)
	amy.press(`//main//table//th/a[contains(@href, "/claims/")]`)
	amy.do(chromedp.Click(`//summary[normalize-space()="Split"]`), chromedp.SendKeys(chromedp.CSS("#f-amounts"), "8250.00"))
	amy.press(`//form//button[@value="split"]`)
	amy.done()
	amy.open("/claims?show=free")
	amy.press(`//main//tr[.//td[contains(., "8,250.00")]]//th/a`)
	amy.do(chromedp.Click(`//summary[normalize-space()="Pass on"]`), chromedp.SetValue(chromedp.CSS("#f-price"), "8200.00"),
		chromedp.Click(chromedp.CSS("#r-without_recourse")))
	amy.do(chromedp.SendKeys(chromedp.CSS("#f-to"), "Birch Fasteners SARL"))
	amy.press(`//form//button[@value="offer"]`)
	amy.done()

	bea := s.browse("supplier/bea")
	bea.open("/offers")
	bea.shot("offers")
	bea.click("Accept")
	bea.done()
	bea.open("/claims")
	bea.reads("8,250.00")

	amy.open("/applications/new")
	amy.do(chromedp.Click(`//label[contains(., "40,000.00")]`), chromedp.Click(`//label[contains(., "Bank A")]`), chromedp.SetValue(chromedp.CSS("#f-amount"), "20000.00"),
		chromedp.Click(chromedp.CSS("#f-consent")))
	amy.shot("apply")
	amy.click("Send the application")
	amy.done()
	amy.click("Open the record")
	amy.until("All-in annual cost") // the bank's service decides on its own
	amy.shot("answer")
	amy.click("Accept these terms")
	amy.done()

	mona := s.browse("bankA/mona")
	mona.open("/applications?show=accepted")
	mona.press(`//main//tbody/tr[1]//th/a`)
	mona.reads("Score, feature by feature")
	mona.accessible("the bank's case")
	mona.shot("case")
	mona.open("/loans?show=agreed")
	mona.press(`//main//tbody/tr[1]//th/a`)
	mona.click("Pay out")
	mona.done()

	reg := s.browse("regulator/reg")
	reg.open("/graph")
	reg.press(`//main//tbody/tr[1]//th/a`)
	reg.shot("graph")
	reg.press(`//*[local-name()="svg"]//*[local-name()="a"][contains(@aria-label, "Claim")]`)
	reg.reads("The way from the loan")
	reg.press(`//*[local-name()="svg"]//*[local-name()="a"][contains(@aria-label, "` + number + `")]`)
	reg.click("Open the record")
	reg.reads("Signature verified")
	reg.shot("invoice")

	wes := s.browse("warehouse/wes")
	wes.open("/receipts/" + s.receipt)
	wes.reads("Temperature over time")
	wes.shot("evidence")
}

// places clicks through every place of each workspace's navigation, in both languages, the second one on a phone.
func (s stage) places() {
	for _, w := range []struct {
		who   string
		reads []string // what stands in the places, in English: a place without what it is for would be an empty promise
	}{
		{"buyer/alice", []string{"What falls due, by week", "By week", "Orchard Motors AG"}},
		{"supplier/amy", []string{"Drop an invoice file here", "Orchard Motors AG", "Apply for financing", "Give a bank your consent", "Bank A", "epoxy-primer"}},
		{"bankA/mona", []string{"Outstanding principal by days past due", "Exposure by borrower", "Policy, version 1", "supply-chain-first"}},
		{"warehouse/wes", []string{"epoxy-primer", "Temperature"}},
		{"regulator/reg", []string{"Acme Castings GmbH", "Owed on confirmed claims, by supplier", "No loan is overdue", "Margin calls"}},
	} {
		b := s.browse(w.who)
		org, _ := parts(w.who)
		wide := b.clickThrough(org)
		for _, text := range w.reads {
			assert.True(s.t, strings.Contains(wide, text), "%s: nothing reads %q", w.who, text)
		}
		b.press(`//header//button[@value="zh"]`)
		b.size(360, 780)
		b.open("/")
		assert.False(s.t, strings.Contains(b.clickThrough(org+"-zh-phone"), "What has happened"), "%s in Chinese", w.who)
		b.press(`//header//button[@value="en"]`)
		b.size(1280, 900)
	}
	bea := s.browse("supplier/bea")
	bea.open("/applications?show=all")
	bea.press(`//main//tr[contains(., "declined")]//th/a`)
	bea.reads("What would change it")
	bea.shot("declined")
}

// clickThrough clicks every place of the navigation and returns what all of them say.
func (b *browser) clickThrough(name string) string {
	b.t.Helper()
	b.do(chromedp.WaitReady(chromedp.CSS("nav.places a")))
	links, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("nav.places a")].map((a) => a.getAttribute("href"))`))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, links)
	var all strings.Builder
	for _, href := range links {
		if open, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("nav.places details").open`)); err == nil && !open {
			b.do(chromedp.Click(chromedp.CSS("nav.places summary")))
		}
		b.press(`//nav[contains(@class,"places")]//a[@href="` + href + `"]`)
		text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("main")))
		require.NoError(b.t, err)
		all.WriteString(text + "\n")
		b.fits(href)
		b.shot(name + "-" + strings.ReplaceAll(strings.TrimPrefix(href, "/"), "/", "-"))
	}
	return all.String()
}

// until loads the page again until it shows the text; the walk's own time bounds it.
func (b *browser) until(text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	for ctx.Err() == nil {
		have, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("main")))
		require.NoError(b.t, err)
		if strings.Contains(have, text) {
			return
		}
		b.do(chromedp.Reload(), chromedp.WaitReady(heading))
	}
	b.shot("failed")
	b.t.Fatalf("the page never reads %q", text)
}

func TestWalkInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	d := newDemo(t, "nodes return")
	ctx, cancel := context.WithCancel(context.Background())
	decided := make(chan error, 1)
	go func() { decided <- service.Underwrite(ctx, d.As("bankA/svc")) }()
	t.Cleanup(func() {
		cancel()
		if err := <-decided; !errors.Is(err, context.Canceled) {
			t.Errorf("the underwriter: %v", err)
		}
	})
	browsers := map[string]*browser{}
	s := stage{t: t, today: calendar.From(d.Ledger.Now()), receipt: d.Vars["receipt"], browse: func(who string) *browser {
		if b, ok := browsers[who]; ok {
			return b
		}
		org, user := parts(who)
		browsers[who] = open(t, d.site(org, user).URL, "en")
		return browsers[who]
	}}
	s.play()
	s.places()
}
