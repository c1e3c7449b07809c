package portal_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// markTargets numbers everything that a pointer can work in the page, and returns how many there are. Of radio buttons of one name the
// keyboard stops at one; what is in a closed fold or hidden takes no part.
const markTargets = `(() => {
	const seen = new Set();
	let n = 0;
	for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")) {
		if (e.type === "hidden" || e.tabIndex < 0 || !e.checkVisibility({visibilityProperty: true})) continue;
		if (e.type === "radio") { if (seen.has(e.name)) continue; seen.add(e.name); }
		e.dataset.target = String(n++);
	}
	window.reached = {};
	return n;
})()`

// noteFocus notes which target has the focus, and whether one sees that.
const noteFocus = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return "";
	let ringed = e;
	if (e.type === "file") ringed = e.closest("[data-drop]")?.querySelector(".btn") ?? e; // its button stands for it
	const s = getComputedStyle(ringed);
	const visible = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
	const key = e.dataset.target ?? (e.type === "radio" ? document.querySelector('[data-target][name="' + e.name + '"]')?.dataset.target : undefined);
	if (key !== undefined) window.reached[key] = true;
	return visible ? "" : e.outerHTML.slice(0, 120);
})()`

const missed = `[...document.querySelectorAll("[data-target]")].filter((e) => !window.reached[e.dataset.target]).map((e) => e.outerHTML.slice(0, 100))`

// small lists targets below 24 by 24 pixels (WCAG 2.2, 2.5.8). Links in a line of text are exempt, and so is what has that much room
// around it.
const small = `(() => {
	const boxes = [...document.querySelectorAll("[data-target]")].filter((e) => !e.closest("svg") && !e.classList.contains("skip") && !e.classList.contains("unseen"))
		.map((e) => ({e, r: e.getBoundingClientRect()}));
	const inline = (e) => e.tagName === "A" && getComputedStyle(e).display === "inline";
	const near = (a, b) => a !== b && Math.hypot(Math.max(b.r.left - cx(a), cx(a) - b.r.right, 0), Math.max(b.r.top - cy(a), cy(a) - b.r.bottom, 0)) < 12;
	const cx = (b) => (b.r.left + b.r.right) / 2, cy = (b) => (b.r.top + b.r.bottom) / 2;
	return boxes.filter((b) => (b.r.width < 24 || b.r.height < 24) && !inline(b.e) && boxes.some((o) => near(b, o))).map((b) => b.e.outerHTML.slice(0, 100));
})()`

func value[T any](b *browser, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	require.NoError(b.t, err)
	return v
}

// tabs goes through a page with the Tab key alone.
func (b *browser) tabs(address string) {
	b.t.Helper()
	b.open(address)
	n := value[int](b, markTargets)
	require.Greater(b.t, n, 5, address)
	for range n + 5 {
		b.do(chromedp.KeyEvent(kb.Tab))
		assert.Empty(b.t, value[string](b, noteFocus), "%s: the focus is not seen", address)
	}
	assert.Empty(b.t, value[[]string](b, missed), "%s: the Tab key does not reach", address)
	assert.Empty(b.t, value[[]string](b, small), "%s: targets that are too small", address)
}

// TestKeyboard works pages with the keyboard alone: every control is reached and seen, Enter opens, Escape closes.
func TestKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	d := newDemo(t, "nodes return")
	d.furnish()
	v := d.Vars
	for _, c := range []struct {
		org, user string
		pages     []string
	}{
		{"buyer", "alice", []string{"/", "/invoices", "/invoices/" + d.open}},
		{"supplier", "amy", []string{"/invoices/new", "/claims/" + d.claim, "/consents"}},
		{"bankA", "mona", []string{"/applications/" + v["application_acme"], "/loans/" + v["loan"]}},
		{"warehouse", "wes", []string{"/receipts/new", "/devices/" + v["sensor"]}},
		{"regulator", "reg", []string{"/graph/loan/" + v["loan"], "/concentration"}},
	} {
		b := open(t, d.site(c.org, c.user).URL, "en")
		for _, page := range c.pages {
			b.tabs(page)
		}
	}
	b := open(t, d.site("supplier", "amy").URL, "en")
	b.open("/claims/" + d.claim)
	b.do(chromedp.KeyEvent(kb.Tab))
	assert.Equal(t, "skip", value[string](b, `document.activeElement.className`), "the first stop leads past the navigation")
	b.do(chromedp.KeyEvent(kb.Enter))
	assert.Equal(t, "content", value[string](b, `document.activeElement.id`))
	value[bool](b, `(document.querySelector("details.act summary").focus(), true)`)
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#f-amounts")))
	value[bool](b, `(document.querySelector("#f-amounts").focus(), true)`)
	b.do(chromedp.KeyEvent(kb.Escape))
	assert.False(t, value[bool](b, `document.querySelector("#f-amounts").closest("details").open`))
	assert.Equal(t, "SUMMARY", value[string](b, `document.activeElement.tagName`), "the focus goes back to what opened it")
	reg := open(t, d.site("regulator", "reg").URL, "en")
	reg.open("/graph/loan/" + v["loan"])
	value[bool](reg, `(document.querySelector("svg a.node:not(.here)").focus(), true)`)
	reg.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitNotPresent(`//main//h1[starts-with(normalize-space(), "Loan")]`), chromedp.WaitReady(heading))
}

// TestWithoutScript works without the pages' script: the folds are the browser's own, the places stay open, and a form goes through.
func TestWithoutScript(t *testing.T) {
	d := newDemo(t, "nodes return")
	for _, c := range [][3]string{{"buyer", "alice", "/invoices"}, {"supplier", "amy", "/invoices/new"}, {"bankA", "mona", "/applications/" + d.Vars["application_acme"]}} {
		body := d.get(c[0], c[1], "en", c[2]).Body.String()
		assert.NotContains(t, body, "onclick")
		assert.NotContains(t, body, "javascript:")
		assert.Contains(t, body, "<details open>", "%s: the places are open", c[2])
	}
}
