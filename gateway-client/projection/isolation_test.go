package projection_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// leaves are the texts and the larger numbers of JSON documents.
type leaves map[string]bool

func (l leaves) add(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, one := range v {
			l.add(one)
			if len(key) >= 8 && strings.Contains(key, "-") {
				l.add(key) // a map by id
			}
		}
	case []any:
		for _, one := range v {
			l.add(one)
		}
	case string:
		if len(v) >= 6 {
			l[v] = true
		}
	case json.Number:
		if len(v) >= 5 {
			l[v.String()] = true
		}
	}
}

func (l leaves) addJSON(t *testing.T, raw []byte) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v))
	l.add(v)
}

// reading is everything that one viewer reads of a model.
type reading struct {
	t      *testing.T
	s      *projection.Store
	v      projection.Viewer
	today  calendar.Date
	keys   map[string][]string // of all records that there are, whoever may see them, by type
	names  []string            // of all parties
	leaves leaves
	texts  []string // the answers, in their order
}

func (r *reading) got(v any, err error) {
	r.t.Helper()
	if code := fault.CodeOf(err); code == fault.RecordNotFound || code == fault.TransitionDenied {
		return
	}
	require.NoError(r.t, err)
	raw, err := json.Marshal(v)
	require.NoError(r.t, err)
	r.leaves.addJSON(r.t, raw)
	r.texts = append(r.texts, string(raw))
}

// each calls the function with the id of every record of the type: in whole, and its last part.
func (r *reading) each(typ string, read func(id string)) {
	for _, key := range r.keys[typ] {
		read(key)
		if last := key[strings.LastIndex(key, "/")+1:]; last != key {
			read(last)
		}
	}
}

func (r *reading) parties() []string {
	var list []string
	for _, key := range r.keys["party"] {
		list = append(list, key[strings.LastIndex(key, "/")+1:])
	}
	return list
}

// everything is what a viewer reads of a model with every method, in a fixed order.
func everything(t *testing.T, c *memory.Consortium, s *projection.Store, v projection.Viewer) []string {
	t.Helper()
	r := &reading{t: t, s: s, v: v, today: calendar.From(c.Ledger.Now()), keys: map[string][]string{}, leaves: leaves{}}
	for _, typ := range projection.Types() {
		keys, err := s.Keys(t.Context(), typ)
		require.NoError(t, err)
		r.keys[typ] = keys
	}
	for _, sme := range smes {
		r.names = append(r.names, sme.name)
	}
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		reads[name](t.Context(), r)
	}
	return r.texts
}

// partyOf is the party of an organisation's own users.
func partyOf(org string) string { return memory.PartyID(org) }

func TestEveryReadIsTriedForIsolation(t *testing.T) {
	viewer := reflect.TypeFor[projection.Viewer]()
	store := reflect.TypeFor[*projection.Store]()
	methods := 0
	for i := range store.NumMethod() {
		m := store.Method(i)
		takes := false
		for j := range m.Type.NumIn() {
			takes = takes || m.Type.In(j) == viewer
		}
		if takes {
			methods++
			_, tried := reads[m.Name]
			assert.True(t, tried, "no isolation test calls %s", m.Name)
		}
	}
	assert.Equal(t, methods, len(reads), "a read that is no more")
}

// asks adds what the ledger answers to a user's query, nothing where it refuses.
func (l leaves) asks(t *testing.T, s *consortium.Session, circles []string, function string, args ...string) {
	t.Helper()
	var raw []byte
	err := s.Evaluate(t.Context(), consortium.Call{Function: function, Args: args, Circles: circles}, &raw)
	if err == nil && len(raw) > 0 && json.Valid(raw) {
		l.addJSON(t, raw)
	}
}

func circlesOf(t *testing.T, s *consortium.Session) []string {
	t.Helper()
	programmes, err := s.Readable(t.Context(), circle.Programme)
	if code := fault.CodeOf(err); code == fault.MemberNotActive || code == fault.CallerUnknown || code == fault.RecordNotFound {
		return nil // before it has joined
	}
	require.NoError(t, err)
	desks, err := s.Readable(t.Context(), circle.Desk)
	require.NoError(t, err)
	return append(programmes, desks...)
}

// lists adds what the ledger lists to a user now.
func (l leaves) lists(t *testing.T, s *consortium.Session) {
	t.Helper()
	every := circlesOf(t, s)
	for _, list := range []string{"receivable:List", "receivable:ListHoldings", "receipt:List", "financing:Applications", "financing:Loans"} {
		l.asks(t, s, every, list, "100", "")
	}
}

// records adds what the ledger itself tells a user of the records, with the queries of the contracts.
func (l leaves) records(t *testing.T, s *consortium.Session, keys map[string][]string) {
	t.Helper()
	every := circlesOf(t, s)
	l.asks(t, s, nil, "circle:List", "100", "")
	l.asks(t, s, nil, "member:Consortium")
	for _, query := range []struct{ typ, function string }{
		{"receivable", "receivable:Get"}, {"receivable", "receivable:Disputes"}, {"receivable", "receivable:CreditNotes"}, {"receivable", "receivable:Payments"},
		{"fragment", "receivable:Holding"}, {"application", "financing:Application"}, {"application", "financing:Explain"}, {"loan", "financing:Loan"},
		{"policy", "financing:Policy"}, {"limit", "financing:Limit"}, {"receipt", "receipt:Get"}, {"receipt", "receipt:Watch"}, {"device", "receipt:Device"},
		{"margin", "margin:Get"}, {"model", "credit:Model"}, {"scorecard", "credit:Scorecard"}, {"consent", "credit:Consent"}, {"score", "credit:Score"},
		{"member", "member:Get"}, {"circle", "receivable:Rules"}, {"circle", "receipt:Prices"},
	} {
		for _, key := range keys[query.typ] {
			l.asks(t, s, every, query.function, key[strings.LastIndex(key, "/")+1:])
		}
	}
}

// without is what is in the set and in none of the others.
func (l leaves) without(others ...leaves) leaves {
	out := leaves{}
	for leaf := range l {
		known := false
		for _, o := range others {
			known = known || o[leaf]
		}
		if !known {
			out[leaf] = true
		}
	}
	return out
}

// shared are texts that records of different parties may share: days, instants, and the words of statuses and kinds.
var shared = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2}.*|[a-z_.]+)$`)

var smes = []struct{ alias, user, name string }{
	{"acme", "amy", "Acme Castings GmbH"}, {"birch", "bea", "Birch Fasteners SARL"}, {"cedar", "cai", "Cedar Coatings Ltd"},
}

func TestNothingOfOneHostedPartyReachesAnother(t *testing.T) {
	for _, name := range []string{"receivables", "main-job", "receipts"} {
		t.Run(name, func(t *testing.T) { isolated(t, name) })
	}
}

// isolated plays a scenario and holds what each party of the supplier host reads in the model against what the ledger has told it
// at any time: nothing else that the ledger tells another party is there.
func isolated(t *testing.T, name string) {
	told := map[string]leaves{"nobody": {}}
	session := func(c *memory.Consortium, org, user string) *consortium.Session {
		s, err := c.Session(org, user)
		require.NoError(t, err)
		return s
	}
	c := played(t, name, func(c *memory.Consortium) {
		for _, sme := range smes {
			if told[sme.alias] == nil {
				told[sme.alias] = leaves{}
			}
			told[sme.alias].lists(t, session(c, "supplier", sme.user))
		}
	})
	host, regulator := modelOf(t, c, "supplier", "hana"), modelOf(t, c, "regulator", "reg")
	keys := map[string][]string{}
	for _, typ := range projection.Types() {
		var err error
		keys[typ], err = regulator.Keys(t.Context(), typ)
		require.NoError(t, err)
	}
	read := func(s *projection.Store, v projection.Viewer) leaves {
		r := &reading{t: t, s: s, v: v, today: calendar.From(c.Ledger.Now()), keys: keys, leaves: leaves{}}
		for _, sme := range smes {
			r.names = append(r.names, sme.name)
		}
		for _, all := range reads {
			all(t.Context(), r)
		}
		return r.leaves
	}
	public := leaves{}
	public.records(t, session(c, "bankB", "greta"), map[string][]string{"model": keys["model"], "scorecard": keys["scorecard"],
		"member": keys["member"], "device": keys["device"]})
	for _, sme := range smes {
		told[sme.alias].records(t, session(c, "supplier", sme.user), keys)
	}

	byRegulator := read(regulator, projection.Viewer{MSP: "RegulatorMSP", Kind: member.Regulator})
	found, missed := 0, []string{}
	for _, sme := range smes {
		for leaf := range told[sme.alias].without(public) {
			if found++; !byRegulator[leaf] {
				missed = append(missed, leaf)
			}
		}
	}
	require.Greater(t, found, 20)
	assert.Less(t, len(missed)*4, found, "the regulator finds most of it, or the search proves nothing: %v", missed)

	for viewer, own := range told {
		v := projection.Viewer{MSP: "SupplierMSP", Kind: member.Supplier}
		if viewer != "nobody" {
			v.Party = memory.PartyID(viewer)
		}
		seen := read(host, v)
		for _, other := range smes {
			if other.alias == viewer {
				continue
			}
			private := told[other.alias].without(public, own)
			if id := memory.PartyID(other.alias); !own[id] {
				private[id], private[other.name] = true, true
			}
			for leaf := range private {
				_, err := strconv.Atoi(leaf)
				if shared.MatchString(leaf) || err == nil && viewer != "nobody" {
					continue // amounts of different records may be equal, too
				}
				assert.False(t, seen[leaf], "%s reads %q, which is %s's", viewer, leaf, other.alias)
			}
		}
	}
}

func TestFindPartyNeedsTheExactName(t *testing.T) {
	c := shown(t, "receivables")
	host := modelOf(t, c, "supplier", "hana")
	cedar := projection.Viewer{MSP: "SupplierMSP", Kind: member.Supplier, Party: memory.PartyID("cedar")}
	for _, exact := range []string{"Acme Castings GmbH", "9520000100018", memory.PartyID("acme")} {
		p, err := host.FindParty(t.Context(), cedar, exact)
		require.NoError(t, err, exact)
		assert.Equal(t, memory.PartyID("acme"), p.ID)
	}
	for _, vague := range []string{"Acme", "acme castings", "Castings GmbH", "95200001000", "", "%"} {
		_, err := host.FindParty(t.Context(), cedar, vague)
		assert.Equal(t, fault.RecordNotFound, fault.CodeOf(err), vague)
	}
	nobody := projection.Viewer{MSP: "SupplierMSP", Kind: member.Supplier}
	_, err := host.FindParty(t.Context(), nobody, "Acme Castings GmbH")
	assert.Equal(t, fault.RecordNotFound, fault.CodeOf(err))
}
