package evidence

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
)

func TestSimulatedReadingsTravelAsEPCIS(t *testing.T) {
	const identifier = "urn:epc:id:giai:9520001.TH-0001"
	w := newWorld(t, 1, false)
	w.devices[0].ID = DeviceID(identifier)
	s, err := w.simulator(t, 0, Profile{}).Segment(50)
	require.NoError(t, err)
	var out bytes.Buffer
	p := Place{Identifiers: map[string]string{w.devices[0].ID: identifier}, ReadPoint: "urn:epc:id:sgln:9520001.00071.hallB",
		Class: "urn:epc:class:lgtin:9520001.012345.LOT-8841", Quantity: "8000", Unit: "KGM"}
	require.NoError(t, WriteEPCIS(&out, p, s.Readings))
	events, err := epcis.Parse(&out)
	require.NoError(t, err, "what we write we read")
	require.Len(t, events, 1)
	assert.Empty(t, events[0].Warnings)
	back, skipped, err := FromEvents(events, w.devices, nil)
	require.NoError(t, err)
	assert.Zero(t, skipped)
	require.Len(t, back, 1)
	assert.Equal(t, s.Root, back[0].Root, "the same readings, to the bit")
	assert.Equal(t, s.Summaries, back[0].Summaries)

	assert.Equal(t, fault.InputMissing, fault.CodeOf(WriteEPCIS(&out, Place{}, s.Readings)))
	assert.Equal(t, fault.InputMissing, fault.CodeOf(WriteEPCIS(&out, p, nil)))
	for want, r := range map[string]receipt.Reading{"-0.25": {Value: -25, Scale: 2}, "18.4": {Value: 184, Scale: 1}, "7": {Value: 7}} {
		assert.Equal(t, want, string(decimal(r.Value, r.Scale)))
	}
}
