package language_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/portal/language"
)

// messages reads every file of a language: key to the texts of its forms.
func messages(t *testing.T, tag language.Tag) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	list, err := fs.Glob(language.Catalogue(), "*."+string(tag)+".json")
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, name := range list {
		raw, err := fs.ReadFile(language.Catalogue(), name)
		require.NoError(t, err)
		var file map[string]any
		require.NoError(t, json.Unmarshal(raw, &file), name)
		for key, value := range file {
			assert.NotContains(t, all, key, "%s stands twice", key)
			switch v := value.(type) {
			case string:
				all[key] = []string{v}
			case map[string]any:
				for _, form := range v {
					all[key] = append(all[key], form.(string))
				}
			}
		}
	}
	return all
}

var valueName = regexp.MustCompile(`\{\{\.([a-z]+)\}\}`)

func TestCataloguesAreComplete(t *testing.T) {
	en, zh := messages(t, language.English), messages(t, language.Chinese)
	assert.Equal(t, slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(zh)))
	for key, forms := range en {
		for _, text := range slices.Concat(forms, zh[key]) {
			assert.NotEmpty(t, strings.TrimSpace(text), key)
		}
		assert.Equal(t, values(forms), values(zh[key]), "%s: the values of both languages", key)
	}
}

func values(forms []string) []string {
	names := map[string]bool{}
	for _, f := range forms {
		for _, m := range valueName.FindAllStringSubmatch(f, -1) {
			names[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		chosen, header string
		want           language.Tag
	}{
		{"", "", language.English},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", language.Chinese},
		{"", "zh-Hant-TW", language.Chinese},
		{"", "de-DE,de;q=0.9", language.English},
		{"", "de, zh;q=0.5", language.Chinese},
		{"en", "zh-CN", language.English},
		{"zh", "en-GB", language.Chinese},
		{"tlh", "zh", language.Chinese},
		{"", "\x00;;q=", language.English},
	} {
		assert.Equal(t, c.want, language.Choose(c.chosen, c.header), "%q %q", c.chosen, c.header)
	}
}

func TestFormats(t *testing.T) {
	en, zh := language.For(language.English), language.For(language.Chinese)
	today := calendar.MustParse("2026-01-15")
	for _, c := range []struct{ want, have string }{
		{"€48,250.00", en.Money(4825000, "EUR")},
		{"€48,250.00", zh.Money(4825000, "EUR")},
		{"CN¥1,234,567.89", en.Money(123456789, "CNY")},
		{"¥1,234,567.89", zh.Money(123456789, "CNY")},
		{"-€0.05", en.Money(-5, "EUR")},
		{"¥1,200", en.Money(1200, "JPY")},
		{"KWD\u00a01.234", en.Money(1234, "KWD")},
		{"1,234,567", en.Number(1234567)},
		{"-999", en.Number(-999)},
		{"12.34\u00a0%", en.Percent(1234)},
		{"-0.05\u00a0%", zh.Percent(-5)},
		{"0.05", en.Decimal(5, 2)},
		{"8,000", en.Decimal(8000, 0)},
		{"€1.2M", en.Short(120_000_000, "EUR")},
		{"€120万", zh.Short(120_000_000, "EUR")},
		{"€950", en.Short(95_000, "EUR")},
		{"today", en.Distance(today, today)},
		{"in 1 day", en.Distance(calendar.MustParse("2026-01-16"), today)},
		{"30 days ago", en.Distance(calendar.MustParse("2025-12-16"), today)},
		{"30 天前", zh.Distance(calendar.MustParse("2025-12-16"), today)},
		{"–", en.Date(calendar.Date{})},
		{"90 s", en.Duration(90)},
		{"5 min", en.Duration(300)},
		{"3 days", en.Duration(3 * 86400)},
		{"no.such.key", en.Text("no.such.key")},
	} {
		assert.Equal(t, c.want, c.have)
	}
}
