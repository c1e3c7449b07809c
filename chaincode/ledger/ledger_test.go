package ledger

import (
	"encoding/json"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

// state is a committed world state.
type state map[string][]byte

func (s state) Get(key string) ([]byte, error) { return s[key], nil }

func (s state) GetMany(keys []string) ([][]byte, error) {
	var out [][]byte
	for _, k := range keys {
		out = append(out, s[k])
	}
	return out, nil
}

func (s state) Scan(from, to string, limit int) ([]Entry, error) {
	var keys []string
	for k := range s {
		if k >= from && k < to {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	var out []Entry
	for _, k := range keys[:min(limit, len(keys))] {
		out = append(out, Entry{k, s[k]})
	}
	return out, nil
}

func (s state) Page(from, to string, size int, _ string) ([]Entry, string, error) {
	all, err := s.Scan(from, to, size)
	return all, "", err
}

func (s state) commit(o *Overlay) {
	for _, w := range o.Changes() {
		if w.Delete {
			delete(s, w.Key)
		} else if w.Put {
			s[w.Key] = w.Value
		}
	}
}

type note struct {
	Text string `json:"text"`
}

var (
	notes  = Sealed[note]("note")
	labels = Public[note]("label")
	monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
)

const programme = "prg-0123456789"

func aKey() (k seal.Key) {
	k[0] = 7
	return k
}

// withCircle returns a state in which the programme is active under aKey.
func withCircle(t *testing.T) state {
	t.Helper()
	s := state{}
	tx, o := operation0(t, s, Operation{ID: "genesis", At: monday})
	readers := []string{"BankAMSP", "BuyerMSP", "RegulatorMSP"}
	epoch := circle.Epoch{Number: 1, Commitment: aKey().Commitment(programme, 1)}
	for _, msp := range readers {
		epoch.Seats = append(epoch.Seats, circle.Seat{MSP: msp, Token: "given"})
	}
	c := circle.Circle{ID: programme, Kind: circle.Programme, Founder: "BuyerMSP", Status: circle.Active, Current: &epoch}
	key, err := record.Key(Circles.typ, programme)
	require.NoError(t, err)
	require.NoError(t, Circles.write(tx, key, "", c))
	s.commit(o)
	return s
}

func operation0(t *testing.T, s state, op Operation) (*Tx, *Overlay) {
	t.Helper()
	o := NewOverlay(s)
	tx, err := NewTx(op, o, Access{})
	require.NoError(t, err)
	return tx, o
}

func carrying(id string, at time.Time) Operation {
	return Operation{ID: id, At: at, Keys: []CircleKey{{Circle: programme, Epoch: 1, Key: aKey().Text()}}}
}

func TestSealedRecordComesBackAndHidesItsBody(t *testing.T) {
	s := withCircle(t)
	tx, o := operation0(t, s, carrying("tx1", monday))
	require.NoError(t, notes.Create(tx, programme, note{"EUR 48,250.00"}, "n-1"))
	got, err := notes.Get(tx, "n-1")
	require.NoError(t, err, "an operation sees its own writes")
	assert.Equal(t, "EUR 48,250.00", got.Text)
	assert.Equal(t, fault.RecordExists, fault.CodeOf(notes.Create(tx, programme, note{}, "n-1")))
	for _, w := range o.Changes() {
		assert.NotContains(t, string(w.Value), "48,250")
		assert.Equal(t, &Guard{N: 2, Organisations: []string{"BankAMSP", "BuyerMSP", "RegulatorMSP"}}, w.Guard)
	}
	s.commit(o)

	again, o2 := operation0(t, s, carrying("tx2", monday))
	require.NoError(t, notes.Update(again, note{"paid"}, "n-1"))
	assert.Nil(t, o2.Changes()[0].Guard, "the policy of a record is set once")
	without, _ := operation0(t, s, Operation{ID: "tx3", At: monday})
	_, err = notes.Get(without, "n-1")
	assert.Equal(t, fault.KeyMissing, fault.CodeOf(err))
	wrong := carrying("tx4", monday)
	wrong.Keys[0].Key = seal.Key{1}.Text()
	other, _ := operation0(t, s, wrong)
	_, err = notes.Get(other, "n-1")
	assert.Equal(t, fault.KeyWrong, fault.CodeOf(err))
}

func TestRecordDoesNotChangeOnAnEarlierBusinessDate(t *testing.T) {
	s := withCircle(t)
	tx, o := operation0(t, s, carrying("tx1", monday))
	require.NoError(t, labels.Create(tx, programme, note{"a"}, "l-1"))
	s.commit(o)
	sameDay, _ := operation0(t, s, carrying("tx2", monday.Add(-8*time.Hour)))
	assert.NoError(t, labels.Update(sameDay, note{"b"}, "l-1"))
	dayBefore, _ := operation0(t, s, carrying("tx3", monday.Add(-24*time.Hour)))
	assert.Equal(t, fault.ClockBackwards, fault.CodeOf(labels.Update(dayBefore, note{"b"}, "l-1")))
}

func TestRecordOfAnotherTypeOrPlaceIsRefused(t *testing.T) {
	s := withCircle(t)
	tx, o := operation0(t, s, carrying("tx1", monday))
	require.NoError(t, notes.Create(tx, programme, note{"secret"}, "n-1"))
	s.commit(o)
	from, _ := record.Key("note", "n-1")
	to, _ := record.Key("note", "n-2")
	s[to] = s[from]
	label, _ := record.Key("label", "n-1")
	s[label] = s[from]
	again, _ := operation0(t, s, carrying("tx2", monday))
	_, err := notes.Get(again, "n-2")
	assert.Equal(t, fault.SealBroken, fault.CodeOf(err), "a box does not open in another place")
	_, err = labels.Get(again, "n-1")
	assert.Equal(t, fault.SealBroken, fault.CodeOf(err))
}

// TestOverlayIsWhatTheStateWouldBe holds reads over pending writes against a plain map.
func TestOverlayIsWhatTheStateWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []string{"a", "b", "c", "d", "e"}
		committed, model := state{}, state{}
		for _, k := range keys {
			if rapid.Bool().Draw(t, "there "+k) {
				committed[k], model[k] = []byte("old "+k), []byte("old "+k)
			}
		}
		o := NewOverlay(committed)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k := rapid.SampledFrom(keys).Draw(t, "key")
				v := []byte(rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "value"))
				o.Put(k, v)
				model[k] = v
			},
			"delete": func(t *rapid.T) {
				k := rapid.SampledFrom(keys).Draw(t, "key")
				o.Delete(k)
				delete(model, k)
			},
			"guard": func(t *rapid.T) { o.Guard(rapid.SampledFrom(keys).Draw(t, "key"), 2, []string{"A", "B"}) },
			"": func(t *rapid.T) {
				for _, k := range keys {
					v, err := o.Get(k)
					require.NoError(t, err)
					require.Equal(t, model[k], v)
				}
				many, err := o.GetMany(keys)
				require.NoError(t, err)
				scanned, err := o.Scan("a", "e")
				require.NoError(t, err)
				want, _ := model.Scan("a", "e", 10)
				require.Equal(t, len(want), len(scanned))
				for i := range want {
					require.Equal(t, want[i], scanned[i])
				}
				require.Equal(t, model["c"], many[2])
			},
		})
		committed.commit(o)
		require.Equal(t, model, committed)
	})
}

func TestInputIsStrict(t *testing.T) {
	for name, c := range map[string]struct {
		input string
		want  fault.Code
	}{
		"none":          {"", fault.InputMissing},
		"unknown field": {`{"text":"a","more":1}`, fault.InputInvalid},
		"rest":          {`{"text":"a"} {}`, fault.InputInvalid},
		"wrong type":    {`{"text":1}`, fault.InputInvalid},
		"good":          {`{"text":"a"}`, ""},
	} {
		tx, _ := operation0(t, state{}, Operation{Input: []byte(c.input)})
		_, err := Input[note](tx)
		assert.Equal(t, c.want, fault.CodeOf(err), name)
	}
	_, err := NewTx(Operation{Input: make([]byte, MaxInputBytes+1)}, nil, nil)
	assert.Equal(t, fault.InputTooLarge, fault.CodeOf(err))
	_, err = NewTx(Operation{Keys: make([]CircleKey, MaxKeys+1)}, nil, nil)
	assert.Equal(t, fault.InputTooLarge, fault.CodeOf(err))
}

func TestAuthorise(t *testing.T) {
	access := Access{
		"receivable:Confirm": {Kinds: []member.Kind{member.Buyer}, Roles: []member.Role{member.Checker}},
		"member:Register":    {Roles: []member.Role{member.Governor}, Founding: true},
	}
	s := state{}
	setup, o := operation0(t, s, Operation{ID: "genesis", At: monday})
	for msp, m := range map[string]member.Member{
		"BuyerMSP": {Kind: member.Buyer, Status: member.Active}, "BankMSP": {Kind: member.Bank, Status: member.Active},
		"NewMSP": {Kind: member.Buyer, Status: member.Invited}, "BadMSP": {Kind: member.Buyer, Status: member.Suspended},
	} {
		key, _ := record.Key(Members.typ, msp)
		require.NoError(t, Members.write(setup, key, "", m))
	}
	s.commit(o)
	for _, c := range []struct {
		function, msp string
		role          member.Role
		want          fault.Code
	}{
		{"receivable:Confirm", "BuyerMSP", member.Checker, ""},
		{"receivable:Confirm", "BuyerMSP", member.Maker, fault.NotPermitted},
		{"receivable:Confirm", "BankMSP", member.Checker, fault.NotPermitted},
		{"receivable:Confirm", "NewMSP", member.Checker, fault.MemberNotActive},
		{"receivable:Confirm", "BadMSP", member.Checker, fault.MemberSuspended},
		{"receivable:Confirm", "StrangerMSP", member.Checker, fault.MemberNotActive},
		{"member:Register", "NewMSP", member.Governor, ""},
		{"member:Register", "StrangerMSP", member.Governor, ""},
		{"member:Register", "StrangerMSP", member.Maker, fault.NotPermitted},
		{"member:Register", "BadMSP", member.Governor, fault.MemberSuspended},
		{"receivable:Steal", "BuyerMSP", member.Checker, fault.NotPermitted},
	} {
		tx, err := NewTx(Operation{Caller: member.Actor{MSP: c.msp, Roles: []member.Role{c.role}}}, NewOverlay(s), access)
		require.NoError(t, err)
		_, err = tx.Authorise(c.function)
		assert.Equal(t, c.want, fault.CodeOf(err), "%s by %s of %s", c.function, c.role, c.msp)
	}
}

func TestEnvelopeHasOpaqueIdsOnly(t *testing.T) {
	tx, _ := operation0(t, state{}, Operation{Request: "request-1", Function: "note:Write"})
	_, happened, err := tx.Envelope()
	require.NoError(t, err)
	assert.False(t, happened)
	tx.Emit(Event{Type: "note.written", ID: "n-1", Circle: programme})
	raw, happened, err := tx.Envelope()
	require.NoError(t, err)
	assert.True(t, happened)
	var e record.Envelope
	require.NoError(t, json.Unmarshal(raw, &e))
	assert.Equal(t, record.Envelope{Version: 1, Request: "request-1", Function: "note:Write", Events: []Event{{Type: "note.written", ID: "n-1", Circle: programme}}}, e)
}

func TestListLeavesOutWhatCannotBeOpened(t *testing.T) {
	s := withCircle(t)
	tx, o := operation0(t, s, carrying("tx1", monday))
	for _, id := range []string{"n-1", "n-2"} {
		require.NoError(t, notes.Create(tx, programme, note{strings.Repeat(id, 2)}, id))
	}
	all, err := notes.All(tx)
	require.NoError(t, err)
	assert.Len(t, all, 2)
	_, _, err = notes.List(tx, Page{})
	assert.Error(t, err, "a transaction that has written cannot page")
	s.commit(o)
	with, _ := operation0(t, s, carrying("tx2", monday))
	items, _, err := notes.List(with, Page{})
	require.NoError(t, err)
	assert.Len(t, items, 2)
	without, _ := operation0(t, s, Operation{})
	items, _, err = notes.List(without, Page{})
	require.NoError(t, err)
	assert.Empty(t, items)
	_, _, err = notes.List(with, Page{Size: MaxPageSize + 1})
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
}
