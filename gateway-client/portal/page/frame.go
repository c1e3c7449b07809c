// Package page is what the portal's pages look like: components that take the ledger's own types and write HTML. They decide
// nothing and read nothing; what language, whose names and which places there are comes with the context.
package page

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/portal/language"
)

// Frame is what every page needs besides its own content.
type Frame struct {
	Person   identity.Person
	LoggedIn bool
	Language *language.Printer
	Today    calendar.Date
	// Path is the page's own address with its query, to come back to.
	Path string
	// Places are the groups of the navigation.
	Places []Group
	// Names gives parties and organisations by their opaque ids the names that people know, Titles records.
	Names  Names
	Titles Titles
}

// Names says what people call a party or an organisation; ok is false where the viewer may not know.
type Names interface {
	Name(id string) (name string, ok bool)
}

// Titles says what people call a record, by its id; "" where there is no better name than the id.
type Titles interface {
	Title(id string) string
}

// Group is a heading of the navigation with its places. Keys are keys of the catalogue.
type Group struct {
	Key    string
	Places []Place
}

// Place is a page of the navigation.
type Place struct {
	Key, Href string
}

type frameKey struct{}

// With returns a context in which components find the frame.
func With(ctx context.Context, f *Frame) context.Context {
	return context.WithValue(ctx, frameKey{}, f)
}

var nobody = &Frame{Language: language.For(language.English)}

// FrameOf returns the frame of the context, or an empty English one.
func FrameOf(ctx context.Context) *Frame {
	if f, ok := ctx.Value(frameKey{}).(*Frame); ok {
		return f
	}
	return nobody
}

// T is the message of the key in the person's language.
func T(ctx context.Context, key string, values ...any) string {
	return FrameOf(ctx).Language.Text(key, values...)
}

func money(ctx context.Context, minor int64, currency string) string {
	return FrameOf(ctx).Language.Money(minor, currency)
}

func percent[N ~int64](ctx context.Context, bps N) string {
	return FrameOf(ctx).Language.Percent(int64(bps))
}

func number[N ~int | ~int64 | ~uint64](ctx context.Context, n N) string {
	return FrameOf(ctx).Language.Number(int64(n))
}

func distance(ctx context.Context, d calendar.Date) string {
	f := FrameOf(ctx)
	if d.IsZero() || f.Today.IsZero() {
		return ""
	}
	return f.Language.Distance(d, f.Today)
}

// Name is what people call a party or an organisation; its id where the register that the viewer may read does not tell.
func Name(ctx context.Context, id string) string {
	if id == "" {
		return "–"
	}
	if names := FrameOf(ctx).Names; names != nil {
		if name, ok := names.Name(id); ok {
			return name
		}
	}
	return short(id)
}

// Called is what people call a record: an invoice's number, what the goods are; its id where there is nothing better.
func Called(ctx context.Context, id string) string {
	if titles := FrameOf(ctx).Titles; titles != nil {
		if text := titles.Title(id); text != "" {
			return text
		}
	}
	return short(id)
}

// Short is an opaque id in few characters: people compare its end.
func Short(id string) string { return short(id) }

// mine reports whether the id is the person's own party.
func mine(ctx context.Context, id string) bool {
	p := FrameOf(ctx).Person
	return id != "" && id == p.Party
}

func short(id string) string {
	const most = 16
	if len(id) <= most {
		return id
	}
	prefix, _, ok := strings.Cut(id, "-")
	if !ok || len(prefix) > 8 {
		return id[:6] + "…" + id[len(id)-6:]
	}
	return prefix + "-…" + id[len(id)-6:]
}

// tail is the end of an id, where its kind stands before it.
func tail(id string) string {
	const kept = 6
	if len(id) <= kept {
		return id
	}
	return "…" + id[len(id)-kept:]
}

func instant(ctx context.Context, t time.Time) string { return FrameOf(ctx).Language.Instant(t) }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// word is a value of a closed list in words: word(ctx, "status.loan", loan.Status).
func word[S ~string](ctx context.Context, family string, value S) string {
	return T(ctx, family+"."+string(value))
}

// actsFor is the business whose work the person does: a hosted party, or the organisation.
func (f *Frame) actsFor() string {
	if f.Person.Kind == member.Supplier && f.Person.Party != "" {
		return f.Person.Party
	}
	return f.Person.MSP
}

// here reports whether the page belongs to a place of the navigation.
func (f *Frame) here(p Place) bool {
	path, _, _ := strings.Cut(f.Path, "?")
	if p.Href == "/" {
		return path == "/"
	}
	if path == p.Href {
		return true
	}
	for _, g := range f.Places { // /invoices/new is a place of its own
		for _, other := range g.Places {
			if other.Href == path {
				return false
			}
		}
	}
	return strings.HasPrefix(path, p.Href+"/")
}

func url(parts ...string) templ.SafeURL { return templ.URL(strings.Join(parts, "")) }
