package collector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/collector"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/scenario/scenariotest"
)

const (
	signing = "urn:epc:id:giai:9520001.SIM-0001" // of the scenario: it has a key
	plain   = "urn:epc:id:giai:9520001.TH-0001"  // it has none
)

// hall is a warehouse of the receipts scenario with two attested sensors, one of which signs, and a receipt that both watch.
type hall struct {
	*scenariotest.Played
	t       *testing.T
	receipt string
	spool   collector.Spool
	archive evidence.Archive
}

func newHall(t *testing.T) *hall {
	h := &hall{Played: scenariotest.Play(t, "../../testdata/scenarios", "receipts.yaml", "watched"), t: t}
	h.Tally("warehouse/wes", "device register "+plain+" --programme ${programme} --measure Temperature:CEL:-40.0:85.0:5.0:25.0 --installed "+h.day(-3).String()+" --calibrated-until 2099-12-31")
	h.Tally("bankA/rita", "device attest "+plain)
	var issued struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal([]byte(h.Tally("warehouse/wes", "receipt issue --programme ${programme} --owner ${party_acme} --site hallB --class epoxy-primer"+
		" --goods urn:epc:class:lgtin:9520001.012345.LOT-77 --quantity 10 --unit KGM --device ${sensor} --device "+plain)), &issued))
	h.receipt = issued.ID
	h.spool, h.archive = collector.Spool{Dir: filepath.Join(t.TempDir(), "spool")}, evidence.Archive{Dir: t.TempDir()}
	return h
}

func (h *hall) day(n int) calendar.Date {
	d, err := calendar.From(h.Ledger.Now()).AddDays(n)
	require.NoError(h.t, err)
	return d
}

// collector is a fresh process at the spool.
func (h *hall) collector(wrap func(collector.Ledger) collector.Ledger) *collector.Collector {
	s := h.As("warehouse/dev")
	device, err := operation.Collector(h.t.Context(), s)
	require.NoError(h.t, err)
	c := &collector.Collector{Ledger: s, Now: s.Network.Now, Device: device, Spool: h.spool, Archive: h.archive}
	if wrap != nil {
		c.Ledger = wrap(s)
	}
	return c
}

// simulated is an EPCIS file of a device's readings.
func (h *hall) simulated(identifier, from string, readings, seed int, more ...string) []byte {
	path := filepath.Join(h.t.TempDir(), "simulated.jsonld")
	h.Tally("warehouse/dev", fmt.Sprintf("device simulate %s --base 18 --noise 0.4 --from %s --readings %d --seed %d -o %s %s", identifier, from, readings, seed, path, strings.Join(more, " ")))
	raw, err := os.ReadFile(path)
	require.NoError(h.t, err)
	return raw
}

func (h *hall) send(kind string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/evidence", bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.spool.Ingest().ServeHTTP(w, r)
	return w
}

// seen is how many readings of each device the receipt's evidence counts.
func (h *hall) seen() map[string]int64 { return h.counted(h.receipt) }

func (h *hall) counted(id string) map[string]int64 {
	var w receipt.Watch
	call, err := operation.OnReceipt(h.t.Context(), h.As("bankA/mona"), "receipt:Watch", id)
	require.NoError(h.t, err)
	require.NoError(h.t, h.As("bankA/mona").Evaluate(h.t.Context(), call, &w))
	counts := map[string]int64{}
	for _, d := range w.Devices {
		counts[d.Device] = d.Readings
	}
	return counts
}

func (h *hall) rounds(c *collector.Collector) {
	for more := true; more; {
		var err error
		more, err = c.Round(h.t.Context())
		require.NoError(h.t, err)
	}
}

func TestFromTheSpoolToTheLedger(t *testing.T) {
	h := newHall(t)
	epcis := h.simulated(plain, h.day(-2).String(), 100, 1)
	require.Equal(t, http.StatusAccepted, h.send("application/ld+json; charset=utf-8", epcis).Code)
	require.Equal(t, http.StatusOK, h.send(collector.TypeEPCIS, epcis).Code, "the same content again")

	// The device that signs sends readings, then a segment that it has closed itself.
	p := h.device(signing)
	_, sign, err := evidence.SignerOf(evidence.SeededKey(signing))
	require.NoError(t, err)
	sim, err := evidence.NewSimulator(evidence.Profile{Device: p, Start: p.InstalledAt.Add(time.Hour), Every: time.Minute, Base: []int64{180}, Noise: []int64{4}, SignEach: true}, 1, sign)
	require.NoError(t, err)
	var lines bytes.Buffer
	for range 3000 { // more than come along with one batch
		r, err := sim.Next()
		require.NoError(t, err)
		require.NoError(t, json.NewEncoder(&lines).Encode(r))
	}
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeReadings, lines.Bytes()).Code)
	rec := evidence.NewRecorder(p)
	for range 40 {
		r, err := sim.Next()
		require.NoError(t, err)
		require.NoError(t, rec.Add(r))
	}
	closed, err := rec.Close(sign)
	require.NoError(t, err)
	body, err := json.Marshal(collector.Closed{Segment: closed.Segment, Readings: closed.Readings})
	require.NoError(t, err)

	var batches []string
	c := h.collector(nil)
	c.Settled = func(batch string, _ int64, err error) {
		require.NoError(t, err)
		batches = append(batches, batch)
	}
	h.rounds(c)
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeSegment, body).Code)
	h.rounds(c)
	assert.Equal(t, map[string]int64{evidence.DeviceID(plain): 100, p.ID: 3040}, h.seen())
	assert.Len(t, batches, 3, "two for 3,000 signed readings, with the other device's in the first, and one for the segment")

	// What was anchored is remembered by content, and by the device's own numbers.
	assert.Equal(t, http.StatusOK, h.send(collector.TypeReadings, lines.Bytes()).Code)
	part := strings.Join(strings.SplitAfter(lines.String(), "\n")[:10], "")
	assert.Equal(t, http.StatusAccepted, h.send(collector.TypeReadings, []byte(part)).Code)
	assert.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, bytes.Replace(epcis, []byte("sensor_reporting"), []byte("inspecting"), 1)).Code)
	h.rounds(c)
	assert.Equal(t, map[string]int64{evidence.DeviceID(plain): 100, p.ID: 3040}, h.seen())
	set, err := filepath.Glob(filepath.Join(h.spool.Dir, "rejected", "*.jsonl"))
	require.NoError(t, err)
	require.Len(t, set, 1, "unsigned readings that are not new are set aside with their reason")
	why, err := os.ReadFile(set[0] + ".reason.json")
	require.NoError(t, err)
	assert.Contains(t, string(why), "EVIDENCE_BACKDATED")

	kept, err := h.archive.Load(batches[1])
	require.NoError(t, err)
	proof, err := kept.Prove(p.ID, 2500)
	require.NoError(t, err)
	require.NoError(t, h.As("bankA/mona").Evaluate(t.Context(), consortium.Call{Function: "receipt:VerifyReading", Args: []string{kept.ID}, Input: proof, Circles: []string{h.Vars["programme"]}}, nil))
}

func (h *hall) device(identifier string) (d receipt.Device) {
	require.NoError(h.t, h.As("warehouse/dev").Evaluate(h.t.Context(), consortium.Call{Function: "receipt:Device", Args: []string{evidence.DeviceID(identifier)}}, &d))
	return d
}

// mortal is a ledger whose process dies around a submit: before it is sent, or with the answer on its way.
type mortal struct {
	collector.Ledger
	before, after func() error
}

var errDied = errors.New("the process dies")

func (m mortal) Submit(ctx context.Context, call consortium.Call, out any) (done consortium.Committed, err error) {
	if err := m.before(); err != nil {
		return done, err
	}
	if done, err = m.Ledger.Submit(ctx, call, out); err != nil {
		return done, err
	}
	return done, m.after()
}

// The spool as it is at every point at which the process can stop, each given to a new process: every reading is anchored once in
// each of the two programmes whose receipts the device watches.
func TestAStopAnywhereAnchorsEveryReadingOnce(t *testing.T) {
	h := newHall(t)
	h.secondProgramme()
	watched := evidence.DeviceID(plain)
	for i, c := range []struct {
		dies  int // the submit around which it dies
		after bool
		then  func(folder, before string)
	}{
		{1, false, nil}, {1, true, nil}, {2, false, nil}, {2, true, nil},
		// Before the first batch is sent, the plan may not be on the disk yet.
		{1, false, func(folder, _ string) { require.NoError(t, os.Remove(filepath.Join(folder, "plan.json"))) }},
		// All is settled, and it dies while the files go: the plan and one file are there still.
		{2, true, func(folder, before string) {
			h.rounds(h.collector(nil))
			files, err := filepath.Glob(filepath.Join(before, "incoming", "*.jsonld"))
			require.NoError(t, err)
			require.Len(t, files, 2)
			for _, name := range []string{filepath.Join("incoming", filepath.Base(files[1])), "plan.json"} {
				raw, err := os.ReadFile(filepath.Join(before, name))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(folder, name), raw, 0o600))
			}
		}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			before := h.seen()[watched]
			h.Ledger.Advance(10 * time.Minute)
			for part := range 2 {
				from := h.Ledger.Now().UTC().Add(time.Duration(part-5) * time.Minute).Format("2006-01-02T15:04:05Z")
				require.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, h.simulated(plain, from, 7, 2*i+part, "--every", "1s")).Code)
			}
			submits := 0
			at := func(after bool) func() error {
				return func() error {
					if !after {
						submits++
					}
					if submits == c.dies && after == c.after {
						return errDied
					}
					return nil
				}
			}
			_, err := h.collector(func(l collector.Ledger) collector.Ledger { return mortal{l, at(false), at(true)} }).Round(t.Context())
			require.ErrorIs(t, err, errDied)
			if c.then != nil {
				snapshot := filepath.Join(t.TempDir(), "spool")
				require.NoError(t, os.CopyFS(snapshot, os.DirFS(h.spool.Dir)))
				c.then(h.spool.Dir, snapshot)
			}
			h.rounds(h.collector(nil))
			assert.Equal(t, before+14, h.seen()[watched])
			assert.Equal(t, before+14, h.counted(h.Vars["second_receipt"])[watched])
			left, err := filepath.Glob(filepath.Join(h.spool.Dir, "incoming", "*.jsonld"))
			require.NoError(t, err)
			assert.Empty(t, left)
			assert.NoFileExists(t, filepath.Join(h.spool.Dir, "plan.json"))
		})
	}
	set, err := filepath.Glob(filepath.Join(h.spool.Dir, "rejected", "*"))
	require.NoError(t, err)
	assert.Empty(t, set)
}

// secondProgramme is another one of the warehouse, with a receipt that the plain device watches.
func (h *hall) secondProgramme() {
	id := func(out string) string {
		var v struct {
			ID string `json:"id"`
		}
		require.NoError(h.t, json.Unmarshal([]byte(out), &v))
		return v.ID
	}
	h.Vars["second"] = id(h.Tally("warehouse/gus", "programme found --with SupplierMSP,BankAMSP"))
	for _, who := range []string{"warehouse/gus", "supplier/hana", "bankA/gina", "regulator/reg"} {
		h.Tally(who, "programme confirm ${second}")
	}
	h.Tally("supplier/hana", "party register ${party_acme} --programme ${second} --name Acme")
	h.Tally("warehouse/gus", "receipt lot-key --programme ${second}")
	h.Vars["second_receipt"] = id(h.Tally("warehouse/wes", "receipt issue --programme ${second} --owner ${party_acme} --site hallB --class epoxy-primer"+
		" --goods urn:epc:class:lgtin:9520001.012345.LOT-78 --quantity 10 --unit KGM --device "+plain))
}

// One device's readings that the ledger refuses do not keep the other's.
func TestWhatIsRefusedIsSetAsideAlone(t *testing.T) {
	h := newHall(t)
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, h.simulated(plain, h.day(-2).String(), 10, 1)).Code)
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, h.simulated(signing, h.day(-2).String(), 10, 2, "--sign-each")).Code)
	h.Tally("warehouse/wes", "device revoke "+signing+" --from "+h.day(-2).String())
	refused := map[fault.Code]int{}
	c := h.collector(nil)
	c.Settled = func(_ string, _ int64, err error) { refused[fault.CodeOf(err)]++ }
	h.rounds(c)
	assert.Equal(t, map[string]int64{evidence.DeviceID(plain): 10}, h.seen())
	assert.Equal(t, map[fault.Code]int{"": 1, fault.DeviceRevoked: 3}, refused, "together once, then alone")
	set, err := filepath.Glob(filepath.Join(h.spool.Dir, "rejected", "*.reason.json"))
	require.NoError(t, err)
	require.Len(t, set, 1)
	kept, err := os.ReadFile(strings.TrimSuffix(set[0], ".reason.json"))
	require.NoError(t, err)
	assert.Equal(t, 10, strings.Count(string(kept), "\n"))
	archived, err := filepath.Glob(filepath.Join(h.archive.Dir, "*"))
	require.NoError(t, err)
	assert.Len(t, archived, 1, "the archive holds what is anchored")
}

func TestAFileThatCannotBeReadIsSetAside(t *testing.T) {
	h := newHall(t)
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, h.simulated(plain, h.day(-2).String(), 10, 1)).Code)
	drop := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(h.spool.Dir, "incoming", name), []byte(text), 0o600))
	}
	drop("a.jsonld", "{")
	drop("b.jsonl", `{"device":"dev-00000001"}`)
	drop("c.segment.json", "[]")
	drop("d.jsonld", string(h.simulated("urn:epc:id:giai:9520001.NOBODY", h.day(-2).String(), 10, 1, "--measure", "Temperature:CEL:-40.0:85.0:5.0:25.0")))
	h.rounds(h.collector(nil))
	assert.Equal(t, map[string]int64{evidence.DeviceID(plain): 10}, h.seen())
	for name, code := range map[string]fault.Code{"a.jsonld": fault.DocumentMalformed, "b.jsonl": fault.InputInvalid, "c.segment.json": fault.DocumentMalformed, "d.jsonld": fault.DeviceUnknown} {
		why, err := os.ReadFile(filepath.Join(h.spool.Dir, "rejected", name+".reason.json"))
		require.NoError(t, err, name)
		assert.Contains(t, string(why), code, name)
	}
}

func TestACollectorThatMayNotAnchorLosesNothing(t *testing.T) {
	h := newHall(t)
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, h.simulated(plain, h.day(-2).String(), 10, 1)).Code)
	c := h.collector(nil)
	h.Tally("warehouse/wes", "device revoke collector-1 --from "+h.Ledger.Now().UTC().Add(time.Minute).Format("2006-01-02T15:04:05Z"))
	_, err := c.Round(t.Context())
	assert.Equal(t, fault.DeviceNotAttested, fault.CodeOf(err))
	left, err := filepath.Glob(filepath.Join(h.spool.Dir, "incoming", "*.jsonld"))
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func TestIngestRefuses(t *testing.T) {
	h := &hall{t: t, spool: collector.Spool{Dir: t.TempDir()}}
	get := httptest.NewRecorder()
	h.spool.Ingest().ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, get.Code)
	for name, c := range map[string]struct {
		kind, body string
		want       int
		code       fault.Code
	}{
		"another type":     {"text/plain", "x", http.StatusUnsupportedMediaType, fault.DocumentUnsupported},
		"not JSON":         {collector.TypeEPCIS, "{", http.StatusUnprocessableEntity, fault.DocumentMalformed},
		"unsigned reading": {collector.TypeReadings, `{"device":"dev-00000001","sequence":1,"at":"2026-01-01T00:00:00Z","property":"Temperature","unit":"CEL","scale":1,"value":1}`, http.StatusUnprocessableEntity, fault.EvidenceSignatureInvalid},
		"too large":        {collector.TypeReadings, strings.Repeat(" ", collector.MaxFileBytes+1), http.StatusRequestEntityTooLarge, fault.InputTooLarge},
	} {
		w := h.send(c.kind, []byte(c.body))
		assert.Equal(t, c.want, w.Code, name)
		assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), name)
		assert.Contains(t, w.Body.String(), string(c.code), name)
	}
	dir := filepath.Join(h.spool.Dir, "incoming")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	for i := range collector.MaxSpooled {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.jsonld", i)), nil, 0o600))
	}
	w := h.send(collector.TypeEPCIS, []byte(`{"eventList":[]}`))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
}

func TestOneProcessASpool(t *testing.T) {
	h := newHall(t)
	settled := make(chan string, 10)
	c := h.collector(nil)
	c.Every, c.Settled = time.Millisecond, func(batch string, _ int64, _ error) { settled <- batch }
	require.Equal(t, http.StatusAccepted, h.send(collector.TypeEPCIS, h.simulated(plain, h.day(-2).String(), 10, 1)).Code)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-settled
	assert.Equal(t, fault.ServiceBusy, fault.CodeOf(h.collector(nil).Run(t.Context())))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
