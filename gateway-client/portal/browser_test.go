package portal_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browserTime bounds one walk through the pages, stepTime one wait in it.
const (
	browserTime = 15 * time.Minute
	stepTime    = time.Minute
)

// browser is a window of Debian's chromium.
type browser struct {
	t    testing.TB
	ctx  context.Context
	site string
	// shots is where screenshots go: TALLYSTICK_SCREENSHOTS, or a folder in the user's cache.
	shots string
}

// browserProgram finds a browser, or skips the test where there is none.
func browserProgram(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Skip("no browser: the pages are not tried with clicks. Debian has one: make browser")
	return ""
}

// open starts a browser.
func open(t testing.TB, site, language string) *browser {
	t.Helper()
	program := browserProgram(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Flag("lang", language),
		chromedp.Flag("accept-lang", language), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, browserTime)
	t.Cleanup(stop)
	shots := os.Getenv("TALLYSTICK_SCREENSHOTS")
	if shots == "" {
		cache, err := os.UserCacheDir()
		require.NoError(t, err)
		shots = filepath.Join(cache, "tallystick", "screenshots")
	}
	b := &browser{t: t, ctx: ctx, site: site, shots: shots}
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank"))) // the browser ends with the context of its first step
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		return err
	}))
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(log.EventEntryAdded); ok && e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "status of 4") {
			t.Errorf("the browser complains: %s %s", e.Entry.Text, e.Entry.URL)
		}
	}))
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shot("failed")
		require.NoError(b.t, err)
	}
}

const heading = chromedp.CSS("main h1")

// go to an address, and wait until the page is there.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site+address), chromedp.WaitReady(heading))
}

// click a control by what it reads, inside of main, and wait for the next page.
func (b *browser) click(text string) {
	b.t.Helper()
	b.press(`//main//*[self::a or self::button][normalize-space()="` + text + `"]`)
}

func (b *browser) press(xpath string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Click(xpath, chromedp.NodeVisible))
	if err != nil {
		b.shot("failed")
		require.NoError(b.t, err, xpath)
	}
	b.do(chromedp.WaitReady(heading))
}

// reads waits until the page shows the text.
func (b *browser) reads(text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(`(//main//*[not(ancestor-or-self::*[local-name()="svg"])][text()[contains(normalize-space(.), "` + text + `")]])[1]`))
}

// shot keeps a screenshot of the whole page.
func (b *browser) shot(name string) {
	b.t.Helper()
	_, _ = chromedp.Run(b.ctx, chromedp.Evaluate[any](`scrollTo(0, 0)`)) // the bar sticks to where the window is
	image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("no screenshot: %v", err)
		return
	}
	path := filepath.Join(b.shots, strings.ReplaceAll(b.t.Name(), "/", "-"), name+".png")
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(b.t, os.WriteFile(path, image, 0o644))
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// fits checks that the page does not scroll sideways.
func (b *browser) fits(at string) {
	b.t.Helper()
	beyond, err := chromedp.Run(b.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	require.NoError(b.t, err)
	assert.LessOrEqual(b.t, beyond, int64(0), "%s scrolls sideways", at)
	cut, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("main .card, main .card td, main .tile, main dd")]
		.filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline").map((e) => e.className + ": " + e.innerText.slice(0, 60)).join("; ")`))
	require.NoError(b.t, err)
	assert.Empty(b.t, cut, "%s cuts off", at)
}

// accessible checks the tree that a screen reader sees: every control has a name.
func (b *browser) accessible(at string) {
	b.t.Helper()
	tree, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	require.NoError(b.t, err)
	controls := map[string]bool{"button": true, "link": true, "textbox": true, "checkbox": true, "radio": true, "combobox": true, "searchbox": true, "img": true,
		"image": true, "spinbutton": true, "DisclosureTriangle": true}
	found := 0
	for _, n := range tree.Nodes {
		role := said(n.Role)
		if n.Ignored || !controls[role] {
			continue
		}
		found++
		assert.NotEmpty(b.t, said(n.Name), "%s: a %s without a name", at, role)
	}
	assert.Greater(b.t, found, 5, "%s: the tree was read", at)
}

// said is a text of the accessibility tree.
func said(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	_ = json.Unmarshal(v.Value, &text) // what is no text has no name
	return text
}

// tour shows pages in both sizes.
func (b *browser) tour(pages map[string]string) {
	b.t.Helper()
	for name, address := range pages {
		b.size(1280, 900)
		b.open(address)
		b.accessible(address)
		b.fits(address)
		b.shot(name)
		b.size(360, 780)
		b.open(address)
		b.accessible(address)
		b.fits(address)
		b.shot(name + "-phone")
	}
	b.size(1280, 900)
}

// TestTour looks at the pages of every workspace, in both languages, on a wide and a narrow screen.
func TestTour(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	d := newDemo(t, "nodes return")
	d.furnish()
	v := d.Vars
	tours := []struct {
		org, user string
		pages     map[string]string
	}{
		{"buyer", "alice", map[string]string{"home": "/", "invoices": "/invoices", "invoice": "/invoices/" + v["inv1001"], "owed": "/owed", "programmes": "/programmes",
			"problem": "/invoices/rcv-unknown", "search": "/search?q=INV-10", "open-invoice": "/invoices/" + d.open}},
		{"supplier", "amy", map[string]string{"home": "/", "invoices": "/invoices", "upload": "/invoices/new", "claims": "/claims", "claim": "/claims/" + d.claim,
			"apply": "/applications/new", "answer": "/applications/" + v["application_acme"], "loan": "/loans/" + v["loan"], "consents": "/consents",
			"receipts": "/receipts", "receipt": "/receipts/" + v["receipt"], "activity": "/activity"}},
		{"supplier", "bea", map[string]string{"declined": "/applications/" + v["application_birch"], "offers": "/offers"}},
		{"bankA", "mona", map[string]string{"home": "/", "queue": "/applications?show=all", "case": "/applications/" + v["application_acme"], "portfolio": "/portfolio",
			"loan": "/loans/" + v["loan"], "policy": "/policies/" + v["policy"], "policies": "/policies", "models": "/models", "margins": "/margins"}},
		{"warehouse", "wes", map[string]string{"home": "/", "receipts": "/receipts", "new": "/receipts/new", "devices": "/devices", "device": "/devices/" + v["sensor"],
			"receipt": "/receipts/" + v["receipt"]}},
		{"regulator", "reg", map[string]string{"home": "/", "graph": "/graph", "walk": "/graph/loan/" + v["loan"], "concentration": "/concentration", "overdue": "/overdue",
			"alerts": "/alerts", "invoices": "/invoices"}},
	}
	for _, tour := range tours {
		for _, language := range []string{"en", "zh-CN"} {
			t.Run(tour.org+"-"+tour.user+"-"+language, func(t *testing.T) {
				open(t, d.site(tour.org, tour.user).URL, language).tour(tour.pages)
			})
		}
	}
}
