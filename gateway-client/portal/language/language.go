// Package language is what people read in the portal, in English and Chinese: one catalogue of words, and amounts, rates,
// dates and times as each language writes them.
package language

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Tag is a language of the portal, as in the lang attribute of a page.
type Tag string

// The languages of the portal.
const (
	English Tag = "en"
	Chinese Tag = "zh"
)

// Tags lists the languages; the first is used where a person prefers none of them.
func Tags() []Tag { return []Tag{English, Chinese} }

//go:embed catalogue/*.json
var files embed.FS

// Catalogue is the folder of the messages: one file an area and language, key to text. A text may name values, as in
// {{.n}}, and may have the forms "one" and "other" that the value n chooses from.
func Catalogue() fs.FS {
	sub, err := fs.Sub(files, "catalogue")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

var bundle = sync.OnceValue(func() *i18n.Bundle {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("json", json.Unmarshal)
	list, err := fs.Glob(Catalogue(), "*.json")
	if err != nil {
		panic(err)
	}
	for _, name := range list {
		if _, err := b.LoadMessageFileFS(Catalogue(), name); err != nil {
			panic(fmt.Sprintf("%s: %v", name, err)) // a test reads every file
		}
	}
	return b
})

// Printer writes one language. It is safe for concurrent use.
type Printer struct {
	Tag       Tag
	localizer *i18n.Localizer
}

var printers = sync.OnceValue(func() map[Tag]*Printer {
	all := map[Tag]*Printer{}
	for _, tag := range Tags() {
		all[tag] = &Printer{Tag: tag, localizer: i18n.NewLocalizer(bundle(), string(tag))}
	}
	return all
})

// For returns the printer of the language, or the first language's.
func For(tag Tag) *Printer {
	if p, ok := printers()[tag]; ok {
		return p
	}
	return printers()[English]
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese})

// Choose returns the language that somebody has chosen before or, where that is none of ours, the best one of the
// Accept-Language header.
func Choose(chosen, acceptLanguage string) Tag {
	for _, tag := range Tags() {
		if chosen == string(tag) {
			return tag
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 {
		return English
	}
	_, index, _ := matcher.Match(wanted...)
	return Tags()[index]
}

// Text returns the message of the key. Values are pairs of name and value; the value named n chooses the plural form. A key
// that the catalogue does not have is shown as it is: a test keeps that from happening.
func (p *Printer) Text(key string, values ...any) string {
	config := i18n.LocalizeConfig{MessageID: key}
	if len(values) > 0 {
		data := make(map[string]any, len(values)/2)
		for i := 0; i+1 < len(values); i += 2 {
			name := fmt.Sprint(values[i])
			data[name] = values[i+1]
			if name == "n" {
				config.PluralCount = values[i+1]
			}
		}
		config.TemplateData = data
	}
	text, err := p.localizer.Localize(&config)
	if err != nil && text == "" {
		return key
	}
	return text
}

// Has reports whether the catalogue has the key.
func (p *Printer) Has(key string) bool {
	_, tag, err := p.localizer.LocalizeWithTag(&i18n.LocalizeConfig{MessageID: key})
	base, _ := tag.Base()
	return err == nil && base.String() == string(p.Tag)
}
