package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func TestReceivableMistakesOfUsage(t *testing.T) {
	for _, line := range []string{
		"fragment split", "fragment split frg-x", "fragment split frg-x --amount 1 --ratio 1:1", "fragment merge frg-x", "fragment accept",
		"fragment offer frg-x --to p-1", "fragment offer frg-x --to p-1 --recourse maybe", "fragment consent frg-x", "fragment list extra", "fragment fly",
		"receivable freeze rcv-x --fragment frg-x", "receivable freeze rcv-x --reason QUA", "receivable thaw rcv-x", "receivable rules",
		"receivable write-off", "receivable credit-notes", "receivable payments", "receivable bill", "receivable respond", "receivable response",
		"receivable issue-bulk --programme prg-x", "receivable issue-bulk a.xml", "receivable issue-bulk a.xml --programme prg-x --batch 501",
		"receivable issue-bulk a.xml --programme prg-x --parallel 0", "receivable issue-bulk --list nothere.txt --programme prg-x",
		"receivable issue-bulk a.xml --programme prg-x --request abcdefgh", "receivable propose-bulk", "receivable confirm-bulk --batch 0 rcv-x",
		"invoice credit", "invoice credit nothere.xml", "invoice credit testdata/invoices/acme-INV-1001.xml", "receivable respond testdata/invoices/acme-INV-1001.xml",
		"receipt transfer rct-x", "receipt split rct-x", "receipt split rct-x --part 1", "receipt merge rct-x", "receipt verify nothere.json",
		"receipt verify testdata/invoices/acme-INV-1001.xml", "receipt chart rct-x", "receipt propose-exchange rct-x --out 0",
		"receipt price propose --programme p --source nokey", "receipt price agree", "receipt value rct-x", "receipt value rct-x --terms testdata/policies/bank-a.json",
		"margin propose nothere.json --desk d", "margin propose testdata/policies/bank-a.json --desk d", "margin add loan-x", "margin sell loan-x rct-x --to p",
		"device simulate x --base 1", "device simulate x --base 1 --receipt r -o f", "device simulate x --base 1 -o f --tamper altered",
		"device simulate x --base 1 --receipt r --tamper nicely", "device simulate x --base 1 -o f --readings 0", "device simulate x --base 1 -o f --dropout 100",
		"scenario bulk x.yaml --count 0",
	} {
		stdout, stderr, status := checkRun(t, "", append([]string{"--org", "supplier", "--user", "amy", "--network", "there-is-none"}, strings.Fields(line)...)...)
		assert.Equal(t, ExitInvalid, status, "%s: %s", line, stderr)
		assert.NotEmpty(t, stderr, line)
		assert.Empty(t, stdout, line)
	}
}

// Every command of these nouns shows how it is typed.
func TestCommandsHaveExamples(t *testing.T) {
	root := New(&App{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	var without func(cmd *cobra.Command) []string
	without = func(cmd *cobra.Command) (list []string) {
		for _, sub := range cmd.Commands() {
			list = append(list, without(sub)...)
		}
		if !cmd.HasSubCommands() && cmd.Example == "" {
			list = append(list, cmd.CommandPath())
		}
		return list
	}
	for _, noun := range []string{"fragment", "receivable", "receipt", "device", "margin"} {
		cmd, _, err := root.Find([]string{noun})
		require.NoError(t, err)
		assert.Empty(t, without(cmd), noun)
	}
}

func TestRatios(t *testing.T) {
	list, err := ratioOf("50:30:20")
	require.NoError(t, err)
	assert.Equal(t, []int64{50, 30, 20}, list)
	for _, bad := range []string{"", "1:", "0:1", "-1:2", "1:x", "1.5:1", "9223372036854775808:1"} {
		_, err := ratioOf(bad)
		assert.ErrorContains(t, err, "INPUT_INVALID", bad)
	}
}

func TestDivisionOfAReceipt(t *testing.T) {
	lines := []receipt.Line{{Goods: receipt.Goods{Quantity: receipt.Quantity{Value: 8000, Unit: "KGM"}}}, {Goods: receipt.Goods{Quantity: receipt.Quantity{Value: 125, Scale: 1, Unit: "TNE"}}}}
	in, err := divisionOf([]string{"3000,12.5", "5000,0"}, lines)
	require.NoError(t, err)
	assert.Equal(t, []int64{3000, 125}, in.Parts[0].Values)
	assert.Equal(t, []int64{5000, 0}, in.Parts[1].Values)
	for _, bad := range [][]string{{"3000", "5000"}, {"3000,12.55", "5000,0"}, {"3000.5,1", "5000,0"}, {"-1,1", "8001,0"}, {"x,1", "5000,0"}, {"0,0", "8000,12.5"}} {
		_, err := divisionOf(bad, lines)
		assert.ErrorContains(t, err, "INPUT_INVALID", "%v", bad)
	}
}

func TestResponseSaysWhatTheStatusSays(t *testing.T) {
	register := []member.Party{
		{ID: "p-00000b", Name: "Orchard Motors AG", Identifiers: []member.Identifier{{Scheme: "0088", Value: "9520000100094"}}},
		{ID: "p-00000a", Name: "Acme Castings GmbH", Identifiers: []member.Identifier{{Scheme: "0088", Value: "9520000100018"}}},
	}
	today := calendar.MustParse("2026-01-15")
	r := receivable.Receivable{ID: "rcv-00000001", Status: receivable.Rejected, Response: &receivable.Response{Because: receivable.Because{Reasons: []receivable.Reason{"QTY", "PRI"}, Note: "Two\u0085boxes <missing>"}},
		Invoice: receivable.Invoice{Number: "INV-7", TypeCode: "380", Seller: "p-00000a", Buyer: "p-00000b", IssueDate: today}}
	for status, code := range map[receivable.Status]document.ResponseCode{receivable.Issued: "AB", receivable.Proposed: "IP", receivable.Disputed: "UQ",
		receivable.Rejected: "RE", receivable.Confirmed: "AP", receivable.Settled: "PD"} {
		r.Status = status
		response, err := operation.Response(r, register, today)
		require.NoError(t, err, status)
		assert.Equal(t, code, response.Code)
		var text bytes.Buffer
		require.NoError(t, response.Write(&text))
		back, err := document.Parse(&text)
		require.NoError(t, err, status)
		assert.Equal(t, code, back.Response.Code)
		assert.Equal(t, "INV-7", back.Response.Documents[0].ID)
		if code == "RE" || code == "UQ" {
			why := operation.Reasons(back.Response)
			assert.Equal(t, []receivable.Reason{"QTY", "PRI"}, why.Reasons, "what goes out comes in")
			assert.NotEmpty(t, why.Note)
		} else {
			assert.Empty(t, back.Response.Statuses, status)
		}
	}
	r.Status = receivable.Withdrawn
	_, err := operation.Response(r, register, today)
	assert.ErrorContains(t, err, "TRANSITION_DENIED")
	r.Status = receivable.Confirmed
	_, err = operation.Response(r, register[:1], today)
	assert.ErrorContains(t, err, "INPUT_INVALID", "a seller without an electronic address")
}

// A simulated file is the same for a seed, another for another, and is read like any other file.
func TestSimulatedFile(t *testing.T) {
	dir := t.TempDir()
	simulate := func(name string, more ...string) string {
		path := filepath.Join(dir, name)
		var out, errs bytes.Buffer
		exit := Run(context.Background(), nil, Who{}, append([]string{"device", "simulate", "urn:epc:id:giai:9520001.TH-0002", "--measure", "RelativeHumidity:P1:0.0:100.0:20.0:70.0",
			"--measure", "Temperature:CEL:-40.0:85.0:5.0:25.0", "--base", "45,18", "--noise", "1,0.3", "--excursion", "2h/1h/+12.5", "--from", "2026-01-12", "--readings", "96", "-o", path}, more...), &out, &errs)
		require.Zero(t, exit, errs.String())
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(raw)
	}
	first := simulate("a.jsonld")
	assert.Equal(t, first, simulate("b.jsonld"))
	assert.NotEqual(t, first, simulate("c.jsonld", "--seed", "2"))
	assert.NotEqual(t, first, simulate("d.jsonld", "--dropout", "5"))
	events, err := epcis.Parse(strings.NewReader(first))
	require.NoError(t, err)
	highest := 0
	for _, r := range events[0].Reports {
		if r.Property == "Temperature" && strings.HasPrefix(string(r.Value), "30") || strings.HasPrefix(string(r.Value), "31") {
			highest++
		}
	}
	assert.Len(t, events[0].Reports, 96)
	assert.NotZero(t, highest, "the excursion of 12.5 °C")
}

func TestNoStrangersTextSteersATerminal(t *testing.T) {
	var out bytes.Buffer
	app := &App{Out: &out}
	h := receivable.Holding{Fragment: "frg-1\x1b[2J", Debtor: "p-1\u202e", Dispute: "dsp\x07"}
	require.NoError(t, app.table(func(row func(...string)) { showHolding(row, h); holdingRows(row, []receivable.Holding{h}) }))
	assert.NotContains(t, out.String(), "\x1b")
	assert.NotContains(t, out.String(), "\x07")
	assert.NotContains(t, out.String(), "\u202e")
}

func TestRefusalOfABulkNamesTheFile(t *testing.T) {
	from := map[string]string{"rcv-00000007": "invoices/7.xml"}
	err := inFile(fault.New(fault.ReceivableDuplicate, "rcv-00000007: it is the document of rcv-00000001"), from)
	assert.Equal(t, fault.ReceivableDuplicate, fault.CodeOf(err))
	assert.ErrorContains(t, err, "invoices/7.xml: rcv-00000007")
	assert.ErrorContains(t, inFile(fault.New(fault.NotPermitted, "no"), from), "NOT_PERMITTED: no")
	assert.NoError(t, inFile(nil, from))
}
