package contract

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

// MSP ids of the trade's organisations, and the parties that they host.
const (
	buyerMSP, supplierMSP, bankMSP, otherBankMSP, warehouseMSP, regulatorMSP = "BuyerMSP", "SupplierMSP", "BankAMSP", "BankBMSP", "WarehouseMSP", "RegulatorMSP"

	buyerParty, sellerParty, tierTwoParty, bankParty, regulatorParty, otherBankParty = "p-000000b0b0", "p-000000aaaa", "p-000000cccc", "p-000000ba4a", "p-000000eeee", "p-000000ba4b"

	tradeCircle, secondCircle = "prg-00000000000000000001", "prg-00000000000000000002"
)

// trade is a consortium in memory with one programme of buyer, supplier host, bank A and regulator, and a second one of
// the same and bank B. The warehouse is in none, bank B in the second only.
type trade struct {
	t       require.TestingT
	net     *fakeledger.Network
	keys    map[string]seal.Key
	request int
	last    *fakeledger.Result
}

// sharedChaincode is one for all peers of all tests: the contract API compiles its schemas for a quarter of a second.
var sharedChaincode = sync.OnceValue(func() shim.Chaincode {
	cc, err := New()
	if err != nil {
		panic(err)
	}
	return cc
})

var kindOf = map[string]member.Kind{buyerMSP: member.Buyer, supplierMSP: member.Supplier, bankMSP: member.Bank, otherBankMSP: member.Bank,
	warehouseMSP: member.Warehouse, regulatorMSP: member.Regulator}

var hostOf = map[string]string{buyerParty: buyerMSP, sellerParty: supplierMSP, tierTwoParty: supplierMSP, bankParty: bankMSP,
	regulatorParty: regulatorMSP}

func newTrade(t testing.TB) *trade {
	w := &trade{t: t, keys: map[string]seal.Key{}}
	orgs := []string{bankMSP, otherBankMSP, buyerMSP, regulatorMSP, supplierMSP, warehouseMSP}
	w.net = fakeledger.New(fakeledger.Config{Orgs: orgs, RunOnce: true, Chaincode: sharedChaincode})
	t.Cleanup(w.net.Close)
	var founders []member.Founder
	for _, org := range orgs {
		founders = append(founders, member.Founder{MSP: org, Kind: kindOf[org]})
	}
	w.must(w.submit(user{msp: buyerMSP, roles: "governor"}, "member:Found", nil, text(founders)))
	for _, org := range orgs {
		key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(org, 8))[:32])
		w.must(w.submit(user{msp: org, roles: "governor"}, "member:Register", nil, text(member.Registration{Name: org, SealingKey: key})))
	}
	w.found(tradeCircle, bankMSP, buyerMSP, regulatorMSP, supplierMSP)
	w.found(secondCircle, bankMSP, otherBankMSP, buyerMSP, regulatorMSP, supplierMSP)
	for _, party := range []string{buyerParty, sellerParty, tierTwoParty, bankParty, regulatorParty} {
		w.host(tradeCircle, party, hostOf[party])
		w.host(secondCircle, party, hostOf[party])
	}
	w.host(secondCircle, otherBankParty, otherBankMSP)
	return w
}

func (w *trade) found(id string, readers ...string) {
	var key seal.Key
	sum := sha256.Sum256([]byte(id))
	copy(key[:], sum[:])
	w.keys[id] = key
	f := circle.Founding{ID: id, Kind: circle.Programme, Readers: readers, Commitment: key.Commitment(id, 1)}
	for _, r := range readers {
		f.Digests = append(f.Digests, seal.TokenDigest(key.Token(id, 1, r)))
		f.Envelopes = append(f.Envelopes, base64.StdEncoding.EncodeToString([]byte("for "+r)))
	}
	w.must(w.submit(user{msp: buyerMSP, roles: "governor"}, "circle:Found", nil, text(f)))
	for _, r := range readers {
		w.must(w.submit(user{msp: r, roles: "governor"}, "circle:Confirm", nil, id, "1", key.Token(id, 1, r)))
	}
}

func (w *trade) host(circleID, party, msp string) {
	sum := sha256.Sum256([]byte(party))
	p := member.Party{ID: party, Host: msp, Name: "Party " + party, FingerprintKey: hex.EncodeToString(sum[:])}
	w.must(w.submit(user{msp: msp, roles: "governor"}, "member:RegisterParty", p, circleID, party))
}

// user is somebody with a certificate.
type user struct{ msp, party, roles string }

func (u user) String() string { return u.msp + "/" + u.party + "/" + u.roles }

func buyer(roles string) user    { return user{buyerMSP, buyerParty, roles} }
func seller(roles string) user   { return user{supplierMSP, sellerParty, roles} }
func tierTwo(roles string) user  { return user{supplierMSP, tierTwoParty, roles} }
func bank(roles string) user     { return user{bankMSP, bankParty, roles} }
func otherBank(role string) user { return user{otherBankMSP, otherBankParty, role} }

func (w *trade) identity(u user) *fakeledger.Identity {
	attributes := map[string]string{}
	if u.party != "" {
		attributes["party"] = u.party
	}
	if u.roles != "" {
		attributes["roles"] = u.roles
	}
	return w.net.Identity(u.msp, "user-"+u.party+u.roles, attributes)
}

// proposal carries the keys of the programmes that the user's organisation reads.
func (w *trade) proposal(u user, function string, input any, args ...string) fakeledger.Proposal {
	p := fakeledger.Call(function, args...)
	var keys []record.CircleKey
	for id, key := range w.keys {
		if id == secondCircle || u.msp != otherBankMSP {
			keys = append(keys, record.CircleKey{Circle: id, Epoch: 1, Key: key.Text()})
		}
	}
	if u.msp != warehouseMSP {
		p = p.WithTransient(record.TransientKeys, []byte(text(keys)))
	}
	if input != nil {
		p = p.WithTransient(record.TransientInput, []byte(text(input)))
	}
	return p
}

// submit sends a transaction that peers of supplier host and regulator endorse, and returns its payload.
func (w *trade) submit(u user, function string, input any, args ...string) ([]byte, error) {
	w.request++
	p := w.proposal(u, function, input, args...).WithTransient(record.TransientRequest, []byte(fmt.Sprintf("request-%06d", w.request)))
	endorsers := []string{regulatorMSP, supplierMSP}
	if strings.HasPrefix(function, "member:") || strings.HasPrefix(function, "circle:") {
		endorsers = []string{bankMSP, buyerMSP, regulatorMSP, supplierMSP}
	}
	result, err := w.net.Submit(w.identity(u), p, endorsers...)
	if err != nil {
		return nil, refusal(err)
	}
	w.last = result
	return result.Payload, nil
}

func (w *trade) evaluate(u user, function string, args ...string) ([]byte, error) {
	payload, err := w.net.Evaluate(w.identity(u), w.proposal(u, function, nil, args...), regulatorMSP)
	if err != nil {
		return nil, refusal(err)
	}
	return payload, nil
}

func refusal(err error) error {
	if f := fault.Parse(err.Error()); f != nil {
		return f
	}
	return err
}

func (w *trade) must(payload []byte, err error) []byte {
	require.NoError(w.t, err)
	return payload
}

func (w *trade) step(payload []byte, err error) Step {
	return decoded[Step](w.t, w.must(payload, err))
}

func decoded[T any](t require.TestingT, payload []byte) T {
	var v T
	require.NoError(t, json.Unmarshal(payload, &v), string(payload))
	return v
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func opaque(prefix string, n int) string { return fmt.Sprintf("%s-%020x", prefix, n) }

func (w *trade) today() calendar.Date { return calendar.From(w.net.Now()) }

func (w *trade) invoice(number string, payable int64) receivable.Invoice {
	due, err := w.today().AddDays(90)
	require.NoError(w.t, err)
	return receivable.Invoice{TypeCode: "380", Seller: sellerParty, Buyer: buyerParty, Number: number, IssueDate: w.today(), DueDate: due,
		Currency: "EUR", PayableMinor: payable, Lines: 2, DocumentHash: strings.Repeat("ab", 32)}
}

func (w *trade) issue(n int, number string, payable int64) ([]byte, error) {
	id := opaque("rcv", n)
	return w.submit(seller("maker"), "receivable:Issue", receivable.Issuance{ID: id, Invoice: w.invoice(number, payable)}, tradeCircle, id)
}

// signed is the input of a confirm: the checker's signature over the terms.
func (w *trade) signed(checker user, id string) receivable.Confirmation {
	terms := decoded[receivable.Terms](w.t, w.must(w.evaluate(checker, "receivable:Terms", id)))
	signature, err := w.identity(checker).Sign(terms.Bytes())
	require.NoError(w.t, err)
	return receivable.Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}
}

// confirmed issues and confirms an invoice and returns its root fragment.
func (w *trade) confirmed(n int, number string, payable int64) (id, root string) {
	id = opaque("rcv", n)
	w.must(w.issue(n, number, payable))
	w.must(w.submit(buyer("maker"), "receivable:ProposeConfirm", nil, id))
	s := w.step(w.submit(buyer("checker"), "receivable:Confirm", w.signed(buyer("checker"), id), id))
	require.Equal(w.t, receivable.Confirmed, s.Status)
	require.Len(w.t, s.Fragments, 1)
	return id, s.Fragments[0]
}

func (w *trade) fragments(id string) []receivable.Fragment {
	return decoded[[]receivable.Fragment](w.t, w.must(w.evaluate(bank("maker"), "receivable:Fragments", id)))
}

func (w *trade) receivable(id string) ReceivableView {
	return decoded[ReceivableView](w.t, w.must(w.evaluate(bank("maker"), "receivable:Get", id)))
}

func (w *trade) refused(code fault.Code, about ...any) func([]byte, error) {
	return func(_ []byte, err error) {
		require.Error(w.t, err, about...)
		require.Equal(w.t, code, fault.CodeOf(err), "%v %v", err, about)
	}
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// inside runs a test's own operation over the committed state, as the door would, and writes nothing.
func (w *trade) inside(u user, do func(*ledger.Tx, member.Actor) error) {
	var keys []record.CircleKey
	for id, key := range w.keys {
		keys = append(keys, record.CircleKey{Circle: id, Epoch: 1, Key: key.Text()})
	}
	actor := member.Actor{MSP: u.msp, Party: u.party, User: u.String()}
	for _, r := range strings.Split(u.roles, ",") {
		actor.Roles = append(actor.Roles, member.Role(r))
	}
	_, access := contracts()
	tx, err := ledger.NewTx(ledger.Operation{ID: "test", Caller: actor, At: w.net.Now(), Keys: keys}, ledger.NewOverlay(committed{w.net}), access)
	require.NoError(w.t, err)
	require.NoError(w.t, do(tx, actor))
}

// committed is the network's state as a backend.
type committed struct{ net *fakeledger.Network }

func (c committed) Get(key string) ([]byte, error) { return c.net.Get(key), nil }

func (c committed) GetMany(keys []string) ([][]byte, error) {
	list := make([][]byte, len(keys))
	for i, k := range keys {
		list[i] = c.net.Get(k)
	}
	return list, nil
}

func (c committed) Scan(from, _ string, limit int) ([]ledger.Entry, error) {
	var list []ledger.Entry
	for _, k := range c.net.Keys(from) {
		if len(list) < limit {
			list = append(list, ledger.Entry{Key: k, Value: c.net.Get(k)})
		}
	}
	return list, nil
}

func (c committed) Page(from, to string, size int, _ string) ([]ledger.Entry, string, error) {
	list, err := c.Scan(from, to, size)
	return list, "", err
}
