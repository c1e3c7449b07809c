package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/network/topology"
)

func TestScaledNumbers(t *testing.T) {
	scale, values, err := scaled("-40", "85.00", "0.5")
	require.NoError(t, err)
	assert.Equal(t, 2, scale)
	assert.Equal(t, []int64{-4000, 8500, 50}, values)
	for _, bad := range []string{"", "1e3", "1.", ".5", "+1", "1.0000000", "1234567890123456", "12,5"} {
		_, _, err := scaled(bad)
		assert.Error(t, err, bad)
	}
	_, _, err = scaled("999999999999999", "0.000001")
	assert.ErrorContains(t, err, "64 bits")
	for text, v := range map[string]int64{"-0.05": -5, "0.00": 0, "123.45": 12345, "-40.00": -4000} {
		assert.Equal(t, text, scaledText(v, 2))
	}
	assert.Equal(t, "-7", scaledText(-7, 0))
}

func TestMeasuresAndConditions(t *testing.T) {
	measures, err := measuresOf([]string{"Temperature:CEL:-40.0:85.0:5.0:25.0", "RelativeHumidity:P1:0:100"})
	require.NoError(t, err)
	assert.Equal(t, []receipt.Measure{
		{Property: "RelativeHumidity", Unit: "P1", RangeMax: 100, LimitMax: 100},
		{Property: "Temperature", Unit: "CEL", Scale: 1, RangeMin: -400, RangeMax: 850, LimitMin: 50, LimitMax: 250},
	}, measures)
	devices := []receipt.Device{{Measures: measures}}
	conditions, err := conditionsOf([]string{"Temperature:5:25"}, devices)
	require.NoError(t, err)
	assert.Equal(t, []receipt.Condition{{Property: "Temperature", Unit: "CEL", Min: 5, Max: 25}}, conditions)
	_, err = conditionsOf([]string{"Illuminance:0:5"}, devices)
	assert.ErrorContains(t, err, "INPUT_INVALID", "a condition that nobody watches")
	other := append(devices, receipt.Device{Measures: []receipt.Measure{{Property: "Temperature", Unit: "FAH"}}})
	_, err = conditionsOf([]string{"Temperature:5:25"}, other)
	assert.Error(t, err, "two units")
}

func TestGoodsFromFlags(t *testing.T) {
	f := goodsFlags{goods: []string{"urn:epc:class:lgtin:9520001.012345.LOT-8841", "cocoa-beans"}, classes: []string{"epoxy-primer", ""},
		lots: []string{"", "C-7"}, issuers: []string{"", "Kakao AG"}, quantities: []string{"8000", "12.5"}, units: []string{"KGM"}}
	lines, err := f.lines()
	require.NoError(t, err)
	require.Len(t, lines, 2)
	assert.Equal(t, "LOT-8841", lines[0].Lot)
	assert.True(t, receipt.ValidGTIN(lines[0].GTIN))
	assert.Equal(t, receipt.Goods{Class: "cocoa-beans", Lot: "C-7", LotIssuer: "Kakao AG", Quantity: receipt.Quantity{Value: 125, Scale: 1, Unit: "KGM"}}, lines[1])
	f.quantities = []string{"1", "2", "3"}
	_, err = f.lines()
	assert.ErrorContains(t, err, "INPUT_INVALID", "three quantities for two goods")
	_, err = (&goodsFlags{goods: []string{"4012345111119"}, classes: []string{"x"}, quantities: []string{"1"}}).lines()
	assert.ErrorContains(t, err, "INPUT_INVALID", "a wrong check digit")
}

// warehouse is a consortium in memory whose warehouse has a programme, with a command line for its users.
type warehouse struct {
	*memory.Consortium
	t *testing.T
}

func (w warehouse) tally(as string, args ...string) (out map[string]any, stderr string, exit int) {
	w.t.Helper()
	org, user, _ := strings.Cut(as, "/")
	var stdout, errs bytes.Buffer
	exit = Run(w.t.Context(), func(_ context.Context, who Who) (*consortium.Session, func() error, error) {
		s, err := w.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}, Who{Org: org, User: user}, append([]string{"--output", "json"}, args...), &stdout, &errs)
	if stdout.Len() > 0 {
		require.NoError(w.t, json.Unmarshal(stdout.Bytes(), &out), stdout.String())
	}
	return out, errs.String(), exit
}

func (w warehouse) must(as, line string) map[string]any {
	w.t.Helper()
	out, errs, exit := w.tally(as, strings.Fields(line)...)
	require.Zero(w.t, exit, "%s: %s", line, errs)
	return out
}

func text(out map[string]any, key string) string { s, _ := out[key].(string); return s }

const hallB = "urn:epc:id:giai:9520001.TH-0001"

func TestReceiptFromTheCommandLine(t *testing.T) {
	w := warehouse{memory.New(topology.Default()), t}
	t.Cleanup(w.Close)
	w.Ledger.SetNow(time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC))
	governors := []string{"buyer/gwen", "supplier/hana", "bankA/gina", "warehouse/gus", "regulator/reg"}
	w.must("buyer/gwen", "member found BuyerMSP=buyer SupplierMSP=supplier BankAMSP=bank WarehouseMSP=warehouse RegulatorMSP=regulator")
	for _, as := range governors {
		w.must(as, "member register --name "+as)
	}
	prg := text(w.must("warehouse/gus", "programme found --with SupplierMSP,BankAMSP"), "id")
	for _, as := range governors[1:] {
		w.must(as, "programme confirm "+prg)
	}
	w.must("supplier/hana", "party register "+memory.PartyID("acme")+" --programme "+prg+" --name Acme")
	w.must("warehouse/gus", "receipt lot-key --programme "+prg)
	issue := "receipt issue --programme " + prg + " --owner acme --site hallB --goods cocoa-beans --lot-issuer KakaoAG --lot L-1 --quantity 12.5 --unit TNE --device " + hallB
	_, errs, _ := w.tally("warehouse/wes", strings.Fields(issue)...)
	assert.Contains(t, errs, "RECORD_NOT_FOUND", "a device that nobody has registered")

	register := "device register " + hallB + " --programme " + prg + " --measure Temperature:CEL:-40.0:85.0:5.0:25.0 --installed 2026-01-12"
	_, errs, exit := w.tally("warehouse/wes", strings.Fields(register)...)
	assert.Equal(t, ExitInvalid, exit, errs)
	assert.Contains(t, errs, "calibrated_until")
	sensor := text(w.must("warehouse/wes", register+" --calibrated-until 2026-12-31"), "id")
	rct := text(w.must("warehouse/wes", issue+" --keep Temperature:5:25"), "id")

	folder := t.TempDir()
	anchor := []string{"receipt", "anchor", "--receipt", rct, "--archive", folder}
	inRange := filepath.Join("..", "..", "testdata", "epcis", "lot-8841-in-range.jsonld")
	_, errs, _ = w.tally("warehouse/dev", append(anchor, inRange)...)
	assert.Contains(t, errs, "DEVICE_UNKNOWN", "no collector has this key")
	key := text(w.must("warehouse/dev", "device key"), "key")
	w.must("warehouse/wes", "device register collector-1 --kind collector --programme "+prg+" --key "+key)
	w.must("bankA/rita", "device attest collector-1")
	_, errs, exit = w.tally("warehouse/dev", append(anchor, inRange)...)
	assert.Contains(t, errs, "DEVICE_NOT_ATTESTED")
	assert.Equal(t, ExitFailed, exit)
	w.must("bankA/rita", "device attest "+hallB)

	// A bad file beside a good one: its place is named, and nothing is sent of either.
	height := w.Ledger.Height()
	_, errs, exit = w.tally("warehouse/dev", append(anchor, inRange, filepath.Join("..", "..", "testdata", "epcis", "bad", "negative-interval.jsonld"))...)
	assert.Equal(t, ExitInvalid, exit)
	for _, want := range []string{"negative-interval.jsonld", "$.epcisBody.eventList[0].sensorElementList[0].sensorMetadata.endTime", "2026-01-14T11:59:59.000+01:00"} {
		assert.Contains(t, errs, want)
	}
	assert.Equal(t, height, w.Ledger.Height())

	out, errs, exit := w.tally("warehouse/dev", append(anchor, inRange)...)
	require.Zero(t, exit, errs)
	batch := text(out, "id")
	prove := []string{"receipt", "prove", batch, "--device", sensor, "--sequence", "7", "--archive", folder}
	out, errs, exit = w.tally("supplier/hana", prove...)
	require.Zero(t, exit, errs)
	assert.EqualValues(t, 199, out["reading"].(map[string]any)["value"], "19.9 °C at noon")
	_, errs, _ = w.tally("supplier/hana", "receipt", "prove", batch, "--device", sensor, "--sequence", "99", "--archive", folder)
	assert.Contains(t, errs, "RECORD_NOT_FOUND")

	// What was cut from the archive is noticed.
	kept := filepath.Join(folder, batch+".evidence.jsonl.gz")
	raw, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, raw[:len(raw)-20], 0o600))
	_, _, exit = w.tally("supplier/hana", prove...)
	assert.Equal(t, ExitFailed, exit)

	watch := w.must("supplier/amy", "receipt show "+rct)["watch"].(map[string]any)["devices"].([]any)[0].(map[string]any)
	assert.EqualValues(t, 12, watch["readings"])
	assert.EqualValues(t, 0, watch["breaches"])
	assert.Len(t, w.must("supplier/amy", "receipt list")["receipts"], 1)
	assert.Empty(t, w.must("supplier/bea", "receipt list")["receipts"], "another party of the same host")
	assert.Len(t, w.must("buyer/alice", "device list")["devices"], 2, "devices are public")
	w.must("bankA/rita", "device calibrate "+hallB+" --until 2027-12-31")
	assert.Equal(t, "revoked", text(w.must("warehouse/wes", "device revoke "+hallB+" --from 2026-01-14"), "status"))
	_, errs, _ = w.tally("warehouse/dev", append(anchor, filepath.Join("..", "..", "testdata", "epcis", "lot-8841-excursion.jsonld"))...)
	assert.Contains(t, errs, "DEVICE_REVOKED")
}

func TestReceiptMistakesOfUsage(t *testing.T) {
	for _, line := range []string{
		"device register", "device register x", "device attest", "device calibrate x", "device revoke", "device frobnicate",
		"device register x --programme prg-00000000 --measure Temperature", "device revoke x --nonsense",
		"receipt issue", "receipt issue --programme p --owner o --site s --goods g --quantity many --unit KGM",
		"receipt anchor", "receipt anchor file.jsonld", "receipt anchor nothere.jsonld --receipt rct-00000000",
		"receipt anchor file.jsonld --receipt rct-00000000 --request abcdefgh", "receipt prove evd-00000000", "receipt show", "receipt lot-key",
	} {
		_, stderr, status := checkRun(t, "", strings.Fields(line)...)
		assert.Equal(t, ExitInvalid, status, "%s: %s", line, stderr)
		assert.NotEmpty(t, stderr, line)
	}
}
