package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/network/topology"
)

// offered is what a shell offers after the words; the last one is being typed.
func offered(t *testing.T, connect Connector, words ...string) (list []string) {
	t.Helper()
	status, out, errs := tally(t, connect, append([]string{"__complete"}, words...)...)
	require.Zero(t, status, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[:len(lines)-1] { // the last one is a directive
		word, _, _ := strings.Cut(line, "\t")
		list = append(list, word)
	}
	return list
}

func TestShellsCompleteWhatIsOnThisMachine(t *testing.T) {
	_, state := away(t)
	bank(t, state)
	done(t, "context", "set", "rita", "--org", "bankA", "--user", "rita")
	assert.Equal(t, []string{"demo"}, offered(t, nil, "--network", ""))
	assert.Equal(t, []string{"bankA"}, offered(t, nil, "--org", ""))
	assert.Equal(t, []string{"rita", "bob"}, offered(t, nil, "--org", "bankA", "--user", ""))
	assert.Equal(t, []string{"rita", "bob"}, offered(t, nil, "device", "list", "--user", ""), "of the context's organisation")
	assert.Empty(t, offered(t, nil, "--org", "nobody", "--user", ""))
	assert.Equal(t, []string{"rita"}, offered(t, nil, "--context", ""))
	assert.Equal(t, []string{"rita"}, offered(t, nil, "context", "use", ""))
	assert.Equal(t, []string{"table", "json"}, offered(t, nil, "--output", ""))
	assert.Contains(t, offered(t, nil, "key", ""), "rotate")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		assert.Contains(t, done(t, "completion", shell), "tally", shell)
	}
}

func TestShellsCompleteRecords(t *testing.T) {
	away(t)
	w := warehouse{memory.New(topology.Default()), t}
	t.Cleanup(w.Close)
	w.Ledger.SetNow(time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC))
	connect := func(_ context.Context, who Who) (*consortium.Session, func() error, error) {
		s, err := w.Session(who.Org, who.User)
		return s, func() error { return nil }, err
	}
	as := func(words ...string) []string {
		return offered(t, connect, append([]string{"--org", "warehouse", "--user", "wes"}, words...)...)
	}
	assert.Empty(t, as("device", "show", ""), "what the ledger refuses offers nothing")
	governors := []string{"supplier/hana", "warehouse/gus", "regulator/reg"}
	w.must("warehouse/gus", "member found SupplierMSP=supplier WarehouseMSP=warehouse RegulatorMSP=regulator")
	for _, as := range governors {
		w.must(as, "member register --name "+as)
	}
	prg := text(w.must("warehouse/gus", "programme found --with SupplierMSP"), "id")
	for _, as := range governors {
		w.must(as, "programme confirm "+prg)
	}
	w.must("warehouse/wes", "device register "+hallB+" --programme "+prg+" --measure Temperature:CEL:-40.0:85.0:5.0:25.0 --installed 2026-01-12 --calibrated-until 2027-01-01")

	device := operation.DeviceID(hallB)
	assert.Equal(t, []string{device}, as("device", "show", ""))
	assert.Empty(t, as("device", "show", device, ""), "a second time it makes no sense")
	assert.Equal(t, []string{prg}, as("device", "register", "urn:x", "--programme", ""))
	assert.Empty(t, as("receivable", "show", ""))
	assert.Empty(t, offered(t, nil, "device", "show", ""), "nobody is named, so nobody is asked")
}
