package portal_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/portal/language"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// literal is a key, or the beginning of one, in a template or in Go.
var literal = regexp.MustCompile(`"[>]?([a-z_]+(?:\.[A-Za-z0-9_+\- ]+)*\.?)"`)

// sources is the text of everything that uses the catalogue.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return err
		}
		if strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".templ") {
			raw, err := os.ReadFile(path)
			all.Write(raw)
			return err
		}
		return nil
	}))
	return all.String()
}

func words[S ~string](list ...S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// families are keys that are put together from a beginning and a word of a closed list: every word must be there. Lists that the
// rules export are taken from there.
func families() map[string][]string {
	var codes, reasons []string
	for _, c := range fault.Codes() {
		codes = append(codes, string(c)+".what", string(c)+".do")
	}
	for _, r := range receivable.Reasons() {
		reasons = append(reasons, string(r.Code))
	}
	card, err := scorecard.Parse(supplychain.FirstScorecard)
	if err != nil {
		panic(err) // the model that we ship
	}
	var measures, units []string
	for _, f := range card.Features {
		measures, units = append(measures, f.Name), append(units, f.Unit)
	}
	return map[string][]string{
		"measure.":           measures,
		"unit.":              units,
		"fault.":             codes,
		"reason.":            reasons,
		"status.receivable.": words(receivable.Statuses()...),
		"status.fragment.":   words(receivable.FragmentStatuses()...),
		"status.receipt.":    words(receipt.Statuses()...),
		"status.application.": words(financing.Submitted, financing.Referred, financing.Approved, financing.Declined, financing.Accepted,
			financing.Withdrawn, financing.Expired),
		"answer.": words(financing.Submitted, financing.Referred, financing.Approved, financing.Declined, financing.Accepted,
			financing.Withdrawn, financing.Expired),
		"status.loan.":      words(financing.Agreed, financing.Active, financing.Defaulted, financing.WrittenOff, financing.Repaid, financing.Cancelled),
		"status.device.":    words(receipt.Registered, receipt.Attested, receipt.Revoked),
		"status.policy.":    words(financing.PolicyProposed, financing.PolicyActive, financing.PolicyRejected, financing.PolicySuperseded),
		"status.model.":     {"proposed", "challenger", "champion", "retired", "rejected"},
		"status.consent.":   {"given", "withdrawn"},
		"status.call.":      words(receipt.CallOpen, receipt.CallLapsed, receipt.CallCured, receipt.CallLiquidated),
		"status.circle.":    {"forming", "active"},
		"status.operation.": {"accepted", "running", "done", "refused", "failed"},
		"role.": words(member.Maker, member.Checker, member.Governor, member.Host, member.Risk, member.ModelOwner, member.Validator, member.Underwriter,
			member.Operator, member.Collector, member.Auditor),
		"home.title.": words(member.Kinds()...),
		"product.":    words(financing.ReceivableProduct, financing.InventoryProduct, financing.CombinedProduct),
		"outcome.":    words(financing.Approve, financing.Refer, financing.Decline),
		"limit.":      words(financing.LimitKinds()...),
		"bucket.":     words(financing.Current, financing.Past1To30, financing.Past31To60, financing.Past61To90, financing.PastOver90),
		"movement.": words(financing.AgreeLoan, financing.DrawDown, financing.CancelLoan, financing.ChargeFee, financing.RepayPart, financing.RepayAll,
			financing.CallDefault, financing.CureDefault, financing.CallRecourse, financing.EnforceLoan, financing.WriteOffLoan, financing.RecoverPart),
		"source.":      words(financing.FromBorrower, financing.FromBuyer, financing.FromCollateral, financing.FromRecourse),
		"collateral.":  words(financing.Fragment, financing.Receipt),
		"recourse.":    {"with_recourse", "without_recourse", "with_recourse.hint", "without_recourse.hint"},
		"scope.":       {"score", "monitor", "training"},
		"circle.":      {"programme", "desk"},
		"device.kind.": {"sensor", "collector"},
		"syntax.":      {"ubl", "cii"},
	}
}

// loose are families whose words come from outside of the portal: what the catalogue does not know is shown as it is.
var loose = []string{"event.", "kind.", "role.of.", "alert.", "operation.", "uom.", "property."}

// byStem are keys that templates put together from a stem, and every key below that must be in use.
var byStem = []string{"filter.invoice.", "filter.claim.", "filter.application.", "filter.loan.", "filter.receipt.", "filter.margin.", "place.", "do.", "invoices.lead."}

func TestEveryKeyIsThereAndUsed(t *testing.T) {
	en := map[string]bool{}
	raw, err := fs.Glob(language.Catalogue(), "*.en.json")
	require.NoError(t, err)
	for _, name := range raw {
		file, err := fs.ReadFile(language.Catalogue(), name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)":`).FindAllStringSubmatch(string(file), -1) {
			en[m[1]] = true
		}
	}
	text := sources(t)
	used := map[string]bool{}
	for _, m := range literal.FindAllStringSubmatch(text, -1) {
		used[m[1]] = true
	}
	for family, list := range families() {
		for _, word := range list {
			used[family+word] = true
			assert.True(t, en[family+word], "%s is missing", family+word)
		}
	}
	areas := map[string]bool{}
	for key := range en {
		area, _, _ := strings.Cut(key, ".")
		areas[area] = true
	}
	for key := range used {
		area, rest, ok := strings.Cut(key, ".")
		begins := slices.ContainsFunc(slices.Collect(maps.Keys(en)), func(k string) bool { return strings.HasPrefix(k, key+".") })
		if !ok || rest == "" || !areas[area] || strings.HasSuffix(key, ".") || en[key] || isAction(key) || begins {
			continue
		}
		t.Errorf("%s is used and missing", key)
	}
	for _, key := range slices.Sorted(maps.Keys(en)) {
		if empty, ok := strings.CutSuffix(key, ".hint"); ok && strings.HasSuffix(empty, ".none") && en[empty] {
			continue // page.Empty adds it to the line above
		}
		if used[key] || slices.ContainsFunc(loose, func(p string) bool { return strings.HasPrefix(key, p) }) {
			continue
		}
		stem := slices.ContainsFunc(byStem, func(p string) bool {
			word, ok := strings.CutPrefix(key, p)
			last := word[strings.LastIndex(word, ".")+1:]
			return ok && (strings.Contains(text, `"`+last+`"`) || strings.Contains(text, `"`+word+`"`) || strings.Contains(text, `"`+strings.Split(word, ".")[0]+`"`) || strings.Contains(text, `".`+last+`"`))
		})
		assert.True(t, stem, "%s is never used", key)
	}
}

// isAction reports whether the text is the name of an operation, which is below "operation." in the catalogue.
func isAction(key string) bool {
	return language.For(language.English).Has("operation." + key)
}

// TestFaultsSayWhatTheCodeMeans keeps the catalogue to the meaning that the code is defined with.
func TestFaultsSayWhatTheCodeMeans(t *testing.T) {
	en, zh := language.For(language.English), language.For(language.Chinese)
	for _, c := range fault.Codes() {
		row, _ := fault.Describe(c)
		assert.Equal(t, row.Meaning, en.Text("fault."+string(c)+".what"), c)
		assert.True(t, zh.Has("fault."+string(c)+".what"), c)
		assert.True(t, zh.Has("fault."+string(c)+".do"), c)
	}
}

// TestEveryEventHasWords reads the names of events from the contracts.
func TestEveryEventHasWords(t *testing.T) {
	files, err := filepath.Glob("../../chaincode/contract/*.go")
	require.NoError(t, err)
	name := regexp.MustCompile(`"((?:receivable|fragment|receipt|score|circle|prices|application|margin|recourse|collateral-terms|consent|device|evidence|limit|model|policy|price|party|member|lot-key|consortium|surplus)\.[a-z_]+)"`)
	en := language.For(language.English)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range name.FindAllStringSubmatch(string(raw), -1) {
			found++
			assert.True(t, en.Has("event."+m[1]), "%s: event.%s", file, m[1])
		}
	}
	assert.Greater(t, found, 50)
}
