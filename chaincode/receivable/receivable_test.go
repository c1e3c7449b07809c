package receivable

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

func TestInvoiceReportsEveryFailure(t *testing.T) {
	bad := Invoice{TypeCode: "386", Seller: "ACME Ltd", Buyer: "ACME Ltd", Number: " 1\n", Currency: "EURO", PrepaidMinor: -1}
	err := Issuance{ID: "x", Invoice: bad}.Validate()
	var e *fault.Error
	require.True(t, errors.As(err, &e))
	var paths []string
	for _, f := range e.Fields {
		paths = append(paths, f.Path)
	}
	assert.Subset(t, paths, []string{"id", "invoice.type_code", "invoice.seller", "invoice.buyer", "invoice.number", "invoice.issue_date",
		"invoice.due_date", "invoice.currency", "invoice.payable_minor", "invoice.prepaid_minor", "invoice.lines", "invoice.document_hash"})
	assert.NotContains(t, err.Error(), "ACME", "the failure is logged, so it holds no terms")
	require.NoError(t, Issuance{ID: "rcv-00000000", Invoice: sample()}.Validate())
}

func TestFingerprintIsOfWhatMakesItTheSameInvoice(t *testing.T) {
	print := func(change func(*Invoice)) string {
		i := sample()
		if change != nil {
			change(&i)
		}
		sum, err := i.Fingerprint(fingerprintKey)
		require.NoError(t, err)
		return sum
	}
	base := print(nil)
	assert.Equal(t, `{"currency":"EUR","document_type":"380","issue_date":"2026-03-01","number":"RE-2026/001","payable_minor":"100000",`+
		`"schema":"tallystick/fingerprint/1","seller":"p-00000000aaaa"}`, string(sample().Canonical()))
	for name, change := range map[string]func(*Invoice){
		"type": func(i *Invoice) { i.TypeCode = "384" }, "seller": func(i *Invoice) { i.Seller = tierTwo },
		"number": func(i *Invoice) { i.Number = "RE-2026/002" }, "date": func(i *Invoice) { i.IssueDate = date("2026-03-02") },
		"currency": func(i *Invoice) { i.Currency = "USD" }, "amount": func(i *Invoice) { i.PayableMinor++ },
	} {
		assert.NotEqual(t, base, print(change), name)
	}
	for name, change := range map[string]func(*Invoice){
		"buyer": func(i *Invoice) { i.Buyer = tierTwo }, "due": func(i *Invoice) { i.DueDate = date("2026-07-01") },
		"lines": func(i *Invoice) { i.Lines = 1 }, "file": func(i *Invoice) { i.DocumentHash = strings.Repeat("aa", 32) },
	} {
		assert.Equal(t, base, print(change), name)
	}
	other, err := sample().Fingerprint([]byte(strings.Repeat("x", 32)))
	require.NoError(t, err)
	assert.NotEqual(t, base, other)
	_, err = sample().Fingerprint([]byte("short"))
	requireCode(t, fault.InputInvalid, err)
	note, err := Crediting{TypeCode: "381", Number: "RE-2026/001", IssueDate: date("2026-03-01"), Currency: "EUR", AmountMinor: 1_000_00}.Fingerprint(sellerParty, fingerprintKey)
	require.NoError(t, err)
	assert.NotEqual(t, base, note, "two documents of one id that differ in type only are two")
}

func TestNearDuplicates(t *testing.T) {
	for number, same := range map[string]bool{
		"RE-2026/001": true, "re2026001": true, "RE 2026 001": true, "Re_2026.001": true, "RE-2026-001": true,
		"RE-2026/0O1": false, "RE-2026/01": false, "RE-2026/0010": false,
	} {
		i := sample()
		i.Number = number
		assert.Equal(t, same, string(i.NearCanonical()) == string(sample().NearCanonical()), number)
	}
	assert.Equal(t, "发票12", NormalNumber("发票-12"))
	assert.Equal(t, "--", NormalNumber("--"))
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Invoice)
		by     member.Actor
		code   fault.Code
	}{
		"somebody else's invoice": {func(*Invoice) {}, maker(tierTwo), fault.NotPermitted},
		"checker":                 {func(*Invoice) {}, checker(sellerParty), fault.NotPermitted},
		"from the future":         {func(i *Invoice) { i.IssueDate = date("2026-03-03") }, maker(sellerParty), fault.InputInvalid},
		"too long":                {func(i *Invoice) { i.DueDate = date("2026-08-29") }, maker(sellerParty), fault.TenorTooLong},
		"due before issued":       {func(i *Invoice) { i.DueDate = date("2026-02-28") }, maker(sellerParty), fault.InputInvalid},
	} {
		i := sample()
		c.change(&i)
		_, err := New(Issuance{ID: "rcv-00000000", Invoice: i}, programme, rules(), fingerprintKey, c.by, noon)
		requireCode(t, c.code, err, name)
	}
	i := sample()
	i.DueDate = date("2026-08-28") // 180 days
	_, err := New(Issuance{ID: "rcv-00000000", Invoice: i}, programme, Rules{}, fingerprintKey, maker(sellerParty), noon)
	require.NoError(t, err)
}

func TestRules(t *testing.T) {
	require.NoError(t, Rules{}.Validate())
	assert.Equal(t, Rules{MaxTenorDays: 180, DayCount: calendar.Actual360, DefaultDays: 90, DisputeDays: 30}, Rules{}.WithDefaults())
	for _, bad := range []Rules{{MaxTenorDays: 366}, {MaxTenorDays: -1}, {DayCount: "ACT/ACT"}, {LateRateBps: -1}, {LateRateBps: 10_001},
		{GraceDays: 61}, {GraceDays: 30, DefaultDays: 30}, {DisputeDays: 91}} {
		requireCode(t, fault.InputInvalid, bad.Validate(), bad)
	}
	long := Rules{MaxTenorDays: 365}
	require.NoError(t, long.checkTenor(date("2026-03-01"), date("2027-03-01")))
	requireCode(t, fault.TenorTooLong, long.checkTenor(date("2026-03-01"), date("2027-03-02")))
}

func TestMakerThenChecker(t *testing.T) {
	r := issue(t, sample())
	_, _, err := r.Confirm(sign(t, r), byChecker, checker(buyerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	for _, who := range []member.Actor{checker(buyerParty), maker(sellerParty), user(buyerParty), {}} {
		_, err := r.Propose(who, noon)
		requireCode(t, fault.NotPermitted, err)
	}
	both := user(buyerParty, member.Maker, member.Checker)
	proposed, err := r.Propose(both, noon)
	require.NoError(t, err)
	_, _, err = proposed.Confirm(sign(t, r), byChecker, both, noon)
	requireCode(t, fault.MakerIsChecker, err)
	for _, who := range []member.Actor{maker(buyerParty), checker(sellerParty), checker(bankParty)} {
		_, _, err = proposed.Confirm(sign(t, r), byChecker, who, noon)
		requireCode(t, fault.NotPermitted, err)
	}
	returned, err := proposed.Return(checker(buyerParty))
	require.NoError(t, err)
	assert.Nil(t, returned.Proposal)
	assert.Equal(t, Issued, returned.Status)

	done, root, err := proposed.Confirm(sign(t, r), byChecker, checker(buyerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Confirmed, done.Status)
	assert.Equal(t, int64(1_000_00), root.FaceMinor)
	assert.Equal(t, sellerParty, root.Holder)
	require.NoError(t, Conserves(done, []Fragment{root}))
	require.NoError(t, done.Undertaking.Verify())
	assert.Nil(t, proposed.Undertaking, "what was given is not changed")
}

func TestUndertakingProvesItself(t *testing.T) {
	r := issue(t, sample())
	r, err := r.Propose(maker(buyerParty), noon)
	require.NoError(t, err)
	for name, forged := range map[string]func(*Receivable){
		"more": func(r *Receivable) { r.Invoice.PayableMinor++ }, "later": func(r *Receivable) { r.Invoice.DueDate = date("2026-06-02") },
		"another invoice": func(r *Receivable) { r.Invoice.Number = "2" }, "another receivable": func(r *Receivable) { r.ID = "rcv-ffffffff" },
	} {
		other := r
		forged(&other)
		_, _, err := other.Confirm(sign(t, r), byChecker, checker(buyerParty), noon)
		requireCode(t, fault.UndertakingInvalid, err, name)
	}
	_, _, err = r.Confirm(Confirmation{Signature: "!"}, byChecker, checker(buyerParty), noon)
	requireCode(t, fault.InputInvalid, err)

	done, _, err := r.Confirm(sign(t, r), byChecker, checker(buyerParty), noon)
	require.NoError(t, err)
	record, err := json.Marshal(done)
	require.NoError(t, err)
	var read Receivable
	require.NoError(t, json.Unmarshal(record, &read))
	require.NoError(t, read.Undertaking.Verify(), "from the ledger's own bytes")
	terms := string(done.Undertaking.Terms.Bytes())
	assert.NotContains(t, terms, sellerParty, "a holder further down does not learn who sold")
	assert.NotContains(t, terms, r.Invoice.Number)
	assert.True(t, strings.HasPrefix(terms, `{"amount_minor":"100000","currency":"EUR","debtor":"p-00000000b0b0","due_date":"2026-06-01","invoice":"`), terms)
	read.Undertaking.Terms.AmountMinor = "999"
	requireCode(t, fault.UndertakingInvalid, read.Undertaking.Verify())
	_, err = ByCertificate([]byte("none"))(nil, nil)
	requireCode(t, fault.UndertakingInvalid, err)
	read.Undertaking.PublicKey = base64.StdEncoding.EncodeToString([]byte("x"))
	requireCode(t, fault.UndertakingInvalid, read.Undertaking.Verify())
}

func TestRejectDisputeWithdraw(t *testing.T) {
	r := issue(t, sample())
	why := Because{Reasons: []Reason{"QTY", "OTH"}, Note: "two missing"}
	rejected, err := r.Reject(why, maker(buyerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, Rejected, rejected.Status)
	assert.Equal(t, "RE", rejected.Status.ResponseCode())
	_, err = rejected.Propose(maker(buyerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	for _, bad := range []Because{{}, {Reasons: []Reason{"NON"}}, {Reasons: []Reason{"OTH"}, Note: strings.Repeat("x", 1001)}} {
		_, err = r.Reject(bad, maker(buyerParty), noon)
		requireCode(t, fault.InputInvalid, err)
	}
	_, err = r.Reject(why, maker(sellerParty), noon)
	requireCode(t, fault.NotPermitted, err)

	queried, err := r.Dispute(why, maker(buyerParty), noon)
	require.NoError(t, err)
	_, err = queried.Propose(maker(buyerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	open, err := queried.Resolve(maker(buyerParty))
	require.NoError(t, err)
	assert.Equal(t, Issued, open.Status)
	gone, err := open.Withdraw(maker(sellerParty))
	require.NoError(t, err)
	assert.Equal(t, Withdrawn, gone.Status)
	proposed, err := r.Propose(maker(buyerParty), noon)
	require.NoError(t, err)
	_, err = proposed.Reject(why, maker(buyerParty), noon)
	requireCode(t, fault.NotPermitted, err, "once proposed, the second person decides")
	done, _ := confirmed(t)
	_, err = done.Withdraw(maker(sellerParty))
	requireCode(t, fault.TransitionDenied, err)
	_, err = done.Reject(why, checker(buyerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
}

func TestBulkInputs(t *testing.T) {
	item := Issuance{ID: "rcv-00000000", Invoice: sample()}
	require.NoError(t, BulkIssuance{Items: []Issuance{item}}.Validate())
	requireCode(t, fault.InputInvalid, BulkIssuance{}.Validate())
	requireCode(t, fault.InputInvalid, BulkIssuance{Items: make([]Issuance, MaxBulk+1)}.Validate())
	broken := item
	broken.Invoice.Number = ""
	err := BulkIssuance{Items: []Issuance{item, broken}}.Validate()
	assert.ErrorContains(t, err, "items[1].invoice.number")
	assert.ErrorContains(t, err, "items[1].id: is named twice")
	one := ConfirmationOf{ID: "rcv-00000000", Confirmation: Confirmation{Signature: "AAAA"}}
	require.NoError(t, BulkConfirmation{Items: []ConfirmationOf{one}}.Validate())
	assert.ErrorContains(t, BulkConfirmation{Items: []ConfirmationOf{one, one}}.Validate(), "items[1].id")
	requireCode(t, fault.InputInvalid, BulkConfirmation{}.Validate())
	require.NoError(t, BulkProposal{IDs: []string{"rcv-00000000"}}.Validate())
	assert.ErrorContains(t, BulkProposal{IDs: []string{"rcv-00000000", "rcv-00000000"}}.Validate(), "ids[1]")
}

func TestIdsOfFragmentsTellTheirReceivable(t *testing.T) {
	r, root := confirmed(t)
	parts := split(t, r, root, 1, 2, 3)
	_, merged, err := Merge(r, parts[:3], maker(sellerParty), noon)
	require.NoError(t, err)
	for _, f := range append(parts, root, merged) {
		of, err := ReceivableOf(f.ID)
		require.NoError(t, err)
		assert.Equal(t, r.ID, of)
	}
	for _, id := range []string{"", "frg-", "rcv-0123456789abcdef0123", "frg-0123456789ab", "frg-XYZ", "frg-" + strings.Repeat("0", 41)} {
		_, err := ReceivableOf(id)
		requireCode(t, fault.InputInvalid, err, id)
	}
	long := Issuance{ID: "rcv-" + strings.Repeat("0", 29), Invoice: sample()}
	requireCode(t, fault.InputInvalid, long.Validate(), "its fragments' ids would be too long")
}

func TestResponsesOfPeppol(t *testing.T) {
	codes := map[string]bool{}
	for _, s := range Statuses() {
		codes[s.ResponseCode()] = true
	}
	for _, want := range []string{"AB", "IP", "UQ", "RE", "AP", "PD"} {
		assert.True(t, codes[want], want)
	}
	assert.Empty(t, Withdrawn.ResponseCode(), "the buyer has nothing to say about it")
}

func TestInputsReportEveryFailure(t *testing.T) {
	for _, c := range []struct {
		input interface{ Validate() error }
		paths []string
	}{
		{Crediting{}, []string{"id", "type_code", "number", "issue_date", "currency", "amount_minor", "document_hash"}},
		{Paying{AmountMinor: -1}, []string{"id", "currency", "amount_minor"}},
		{Objection{Fragments: []string{"a", "a"}}, []string{"id", "fragments", "reasons"}},
		{Objection{ID: "dsp-00000000", Fragments: make([]string, MaxDisputed+1), Because: Because{Reasons: []Reason{"XXX"}}}, []string{"fragments", "reasons[0]"}},
		{Offering{ConsiderationMinor: -1}, []string{"to", "recourse", "consideration_minor"}},
		{Consenting{}, []string{"credit_note", "up_to_minor"}},
		{Confirmation{Signature: "not base64!"}, []string{"signature"}},
		{Division{AmountsMinor: []int64{1, 0, -5}}, []string{"amounts_minor[1]", "amounts_minor[2]"}},
		{Invoice{PayableMinor: MaxPayableMinor + 1}, []string{"payable_minor"}},
	} {
		var e *fault.Error
		require.True(t, errors.As(c.input.Validate(), &e), "%T", c.input)
		var paths []string
		for _, f := range e.Fields {
			paths = append(paths, f.Path)
		}
		assert.Subset(t, paths, c.paths, "%T", c.input)
	}
}

func TestTheLargestClaimStaysWithinSixtyFourBits(t *testing.T) {
	i := sample()
	i.PayableMinor = MaxPayableMinor
	r, err := New(Issuance{ID: "rcv-00000000", Invoice: i}, programme, Rules{LateRateBps: MaxLateRateBps}, fingerprintKey, maker(sellerParty), noon)
	require.NoError(t, err)
	r, root := confirm(t, r)
	root = pass(t, r, root, tierTwo, 1, noon)
	costs, err := root.Costs(r.Rules.DayCount)
	require.NoError(t, err)
	assert.Equal(t, int64(MaxCostBps), costs[0].RateBps)
	parts := split(t, r, root, 1)
	bill, err := Claim{r, parts}.Bill(date("2126-06-01"))
	require.NoError(t, err)
	assert.Greater(t, bill.InterestMinor, int64(100*MaxPayableMinor), "a hundred years at a hundred percent")
}
