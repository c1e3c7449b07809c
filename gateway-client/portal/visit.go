package portal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
	"github.com/tallystick/tallystick/gateway-client/identity"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/language"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// languageCookie keeps the language that somebody has chosen, for a year.
const languageCookie = "language"

// visit is one request of somebody who is logged in.
type visit struct {
	*server
	r      *http.Request
	person identity.Person
	viewer projection.Viewer
	words  *language.Printer
	today  calendar.Date
}

// answer is what a handler leaves to be sent: a page, or the address of another one.
type answer struct {
	page templ.Component
	to   string
	// again asks the browser to come back in some seconds, while something is under way.
	again string
	// status is that of the page; 200 where it is 0.
	status int
}

func show(c templ.Component) (answer, error) { return answer{page: c}, nil }

func (v *visit) ctx() context.Context { return v.r.Context() }

func (v *visit) t(key string, values ...any) string { return v.words.Text(key, values...) }

func (v *visit) query(name string) string { return v.r.URL.Query().Get(name) }

func (v *visit) form(name string) string { return strings.TrimSpace(v.r.PostFormValue(name)) }

// pageOf is the page that the address asks for.
func (v *visit) pageOf() projection.Page { return projection.Page{After: v.query("after")} }

// next is the address of the page after this one, or "".
func (v *visit) next(cursor string) string {
	if cursor == "" {
		return ""
	}
	q := v.r.URL.Query()
	q.Set("after", cursor)
	return v.r.URL.Path + "?" + q.Encode()
}

func (v *visit) session() (*consortium.Session, error) {
	return v.Sessions.Session(v.ctx(), v.person.User)
}

// page is the handler of a route: it finds out who asks in which language, runs the route on one state of the read model, and
// writes what comes of it.
func (s *server) page(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		words := language.For(languageOf(r))
		person, ok := identity.From(r.Context())
		if !ok {
			http.Redirect(w, r, s.Login+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		v := &visit{server: s, r: r, person: person, words: words, today: calendar.From(s.Now()),
			viewer: projection.Viewer{MSP: person.MSP, Kind: person.Kind, Party: person.Party}}
		out, err := v.run(w, to)
		if err != nil {
			out = v.problem(err)
		}
		if out.to != "" {
			http.Redirect(w, r, out.to, http.StatusSeeOther)
			return
		}
		v.write(w, out)
	})
}

func (v *visit) run(w http.ResponseWriter, to route) (out answer, err error) {
	if len(to.kinds) > 0 && !slices.Contains(to.kinds, v.person.Kind) {
		return out, fault.New(fault.NotPermitted, "this page is not part of the workspace")
	}
	if v.r.Method == http.MethodPost {
		v.r.Body = http.MaxBytesReader(w, v.r.Body, maxFormBytes)
		if err := parseForm(v.r); err != nil {
			return out, err
		}
		return to.handle(v)
	}
	err = v.Store.Snapshot(v.ctx(), func(ctx context.Context) error {
		inside := *v
		inside.r = v.r.WithContext(ctx)
		out, err = to.handle(&inside)
		return err
	})
	return out, err
}

func parseForm(r *http.Request) error {
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		err = r.ParseMultipartForm(maxFormBytes)
	} else {
		err = r.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.InputTooLarge, "a form has at most %d bytes", maxFormBytes)
	}
	if err != nil {
		return fault.New(fault.InputInvalid, "the form cannot be read: %v", err)
	}
	return nil
}

// statuses are the HTTP statuses of kinds of failures.
var statuses = map[fault.Kind]int{fault.Invalid: http.StatusUnprocessableEntity, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Refused: http.StatusConflict, fault.Unavailable: http.StatusServiceUnavailable, fault.Internal: http.StatusInternalServerError}

// problem is the page of a failure. What is no fault is a defect: it is logged, and the page says no more than that.
func (v *visit) problem(err error) answer {
	f := faultOf(err)
	if f == nil {
		v.Log.Error("a page failed", "path", v.r.URL.Path, "error", err)
		f = fault.New(fault.InternalError, "")
	}
	row, _ := fault.Describe(f.Code)
	return answer{page: page.Problem{Fault: f, Back: back(v.r)}.Draw(), status: statuses[row.Kind]}
}

// faultOf is the failure in an error's chain, or nil.
func faultOf(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	var places failure.List
	if one := (*failure.Failure)(nil); errors.As(err, &one) {
		places = failure.List{one}
	} else if !errors.As(err, &places) || len(places) == 0 {
		return nil
	}
	f = fault.New(places[0].Code, "")
	for _, p := range places {
		where := p.Element + p.Path
		if p.Line > 0 {
			where += fmt.Sprintf(" (%d)", p.Line)
		}
		f.Fields = append(f.Fields, fault.Field{Path: where, Value: p.Value, Reason: p.Reason})
	}
	return f
}

// back is the page of ours that a form was sent from, or "".
func back(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || r.Referer() == "" || from.Host != r.Host {
		return ""
	}
	return local(from.RequestURI())
}

// local is an address inside of the portal, or "": it keeps a link from leading elsewhere.
func local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, "\\") {
		return ""
	}
	return address
}

// write renders the page. The first rendering finds out whose names it shows, the second one has them.
func (v *visit) write(w http.ResponseWriter, out answer) {
	names := &names{known: v.server.memberNames(v.ctx(), v.viewer)}
	frame := &page.Frame{Person: v.person, LoggedIn: true, Language: v.words, Today: v.today, Path: v.r.URL.RequestURI(),
		Places: placesOf(v.person), Names: names, Titles: v.titles()}
	ctx := page.With(v.ctx(), frame)
	var body bytes.Buffer
	err := out.page.Render(ctx, &body)
	if unknown := names.asked; err == nil && len(unknown) > 0 {
		found, nameErr := v.Store.Names(v.ctx(), v.viewer, unknown...)
		if nameErr != nil {
			v.Log.Error("names are missing on a page", "error", nameErr)
		} else if len(found) > 0 {
			for id, name := range found {
				names.known[id] = name
			}
			body.Reset()
			err = out.page.Render(ctx, &body)
		}
	}
	if err != nil {
		v.Log.Error("a page does not render", "path", v.r.URL.Path, "error", err)
		http.Error(w, string(fault.InternalError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.words.Tag))
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Cookie, Accept-Language")
	if out.again != "" {
		h.Set("Refresh", out.again)
	}
	if out.status != 0 {
		w.WriteHeader(out.status)
	}
	_, _ = w.Write(body.Bytes()) // the reader has gone: nobody to tell
}

// names are what people call parties and organisations; what it does not know it notes, once.
type names struct {
	known map[string]string
	asked []string
}

// Name implements page.Names.
func (n *names) Name(id string) (string, bool) {
	name, ok := n.known[id]
	if !ok && !slices.Contains(n.asked, id) {
		n.asked = append(n.asked, id)
	}
	return name, ok && name != ""
}

// memberNames are the names of the organisations; they are public, and change seldom.
func (s *server) memberNames(ctx context.Context, viewer projection.Viewer) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.members == nil || now.Sub(s.read) > namesKept {
		list, err := s.Store.Members(ctx, viewer, projection.Page{Size: projection.MaxPageSize})
		if err != nil {
			s.Log.Error("the members' names are missing", "error", err)
			return map[string]string{}
		}
		s.members = map[string]string{}
		for _, m := range list.Items {
			s.members[m.MSP] = m.Name
		}
		if len(list.Items) > 0 {
			s.read = now
		}
	}
	out := make(map[string]string, len(s.members)+8)
	for id, name := range s.members {
		out[id] = name
	}
	return out
}

// named asks for names that a handler needs before the page is rendered, as the labels of charts do.
func (v *visit) named(ids ...string) (func(id string) string, error) {
	known := v.server.memberNames(v.ctx(), v.viewer)
	found, err := v.Store.Names(v.ctx(), v.viewer, ids...)
	if err != nil {
		return nil, err
	}
	for id, name := range found {
		known[id] = name
	}
	return func(id string) string {
		if name := known[id]; name != "" {
			return name
		}
		return page.Short(id)
	}, nil
}

func languageOf(r *http.Request) language.Tag {
	chosen := ""
	if c, err := r.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	return language.Choose(chosen, r.Header.Get("Accept-Language"))
}

// chooseLanguage keeps the language in a cookie and goes back.
func (s *server) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	to := language.Choose(r.URL.Query().Get("to"), "")
	http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: string(to), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true,
		Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
	target := local(r.URL.Query().Get("back"))
	if target == "" {
		target = "/"
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func nowhere(v *visit) (answer, error) {
	return answer{}, fault.New(fault.RecordNotFound, "there is no page %s", v.r.URL.Path)
}

// key is a fresh idempotency key for a form: sending it twice does what it says once.
func key() string { return consortium.NewID("form") }

// submit hands what a form asks to the outbox, waits for the outcome and leads to the operation's page. About names the record
// where the call makes a new one.
func (v *visit) submit(action string, build func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error)) (answer, error) {
	formKey := v.form("key")
	if formKey == "" {
		formKey = key()
	}
	session, err := v.session()
	if err != nil {
		return answer{}, err
	}
	op, _, err := v.Outbox.Put(v.ctx(), outbox.Submission{Person: v.person.Subject, Key: formKey, Body: v.body(), User: v.person.User, Action: action,
		Traceparent: v.r.Header.Get("Traceparent")},
		func(ctx context.Context, ids outbox.IDs) (consortium.Call, string, error) {
			return build(ctx, session, ids)
		})
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(v.ctx(), waitForOutcome)
	defer cancel()
	if op, err = v.Outbox.Wait(ctx, v.person.Subject, op.ID); err != nil {
		return answer{}, err
	}
	if op.State == outbox.Done {
		model, cancel := context.WithTimeout(v.ctx(), waitForModel)
		defer cancel()
		if err := v.Store.Wait(model, op.Block); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			v.Log.Warn("the read model does not follow", "block", op.Block, "error", err)
		}
	}
	to := "/operations/" + op.ID
	if from := back(v.r); from != "" {
		to += "?back=" + url.QueryEscape(from)
	}
	return answer{to: to}, nil
}

// body is what the form says, besides its key.
func (v *visit) body() []byte {
	values := url.Values{}
	for name, list := range v.r.PostForm {
		if name != "key" {
			values[name] = list
		}
	}
	return []byte(v.r.URL.Path + "?" + values.Encode())
}

// placesOf are the places of a workspace.
func placesOf(p identity.Person) []page.Group {
	group := func(key string, places ...string) page.Group {
		g := page.Group{Key: key}
		for _, name := range places {
			g.Places = append(g.Places, page.Place{Key: "place." + name, Href: placeHref[name]})
		}
		return g
	}
	ends := group("places.all", "programmes", "activity", "operations")
	switch p.Kind {
	case member.Buyer:
		return []page.Group{group("places.work", "home", "invoices"), group("places.money", "owed", "payments"), ends}
	case member.Supplier:
		if p.Party == "" {
			return []page.Group{group("places.work", "home"), ends}
		}
		return []page.Group{group("places.work", "home", "invoices", "upload"), group("places.claims", "claims", "offers", "receipts"),
			group("places.finance", "apply", "applications", "loans", "consents"), ends}
	case member.Bank:
		return []page.Group{group("places.work", "home", "queue", "tenders", "margins"), group("places.book", "portfolio", "loans", "concentration", "alerts"),
			group("places.rules", "policies", "models"), group("places.trade", "invoices", "receipts", "devices"), ends}
	case member.Warehouse:
		return []page.Group{group("places.work", "home", "receipts", "new_receipt", "devices"), ends}
	case member.Regulator:
		return []page.Group{group("places.supervision", "home", "graph", "concentration", "overdue", "alerts"),
			group("places.trade", "invoices", "loans", "receipts", "devices", "margins"), group("places.rules", "policies", "models"), ends}
	}
	return []page.Group{ends}
}

var placeHref = map[string]string{"home": "/", "invoices": "/invoices", "upload": "/invoices/new", "owed": "/owed", "payments": "/payments",
	"claims": "/claims", "offers": "/offers", "receipts": "/receipts", "new_receipt": "/receipts/new", "apply": "/applications/new",
	"applications": "/applications", "queue": "/applications", "tenders": "/tenders", "loans": "/loans", "consents": "/consents", "margins": "/margins",
	"portfolio": "/portfolio", "concentration": "/concentration", "overdue": "/overdue", "alerts": "/alerts", "policies": "/policies", "models": "/models",
	"devices": "/devices", "graph": "/graph", "programmes": "/programmes", "activity": "/activity", "operations": "/operations"}
