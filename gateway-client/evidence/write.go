package evidence

import (
	"encoding/json"
	"io"
	"math/big"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
)

// Place is where the devices of an EPCIS document are, and what they watch.
type Place struct {
	Identifiers map[string]string // EPCIS identifier of each device, by its registered id
	ReadPoint   string            // such as urn:epc:id:sgln:9520001.00071.hallB
	EPCs        []string          // instances that the devices watch
	Class       string            // or a class of goods, such as urn:epc:class:lgtin:9520001.012345.LOT-8841
	Quantity    json.Number
	Unit        string
}

// WriteEPCIS writes readings as one EPCIS 2.0 document in JSON-LD: an ObjectEvent of the last instant whose sensor elements
// are the readings' instants. Sequence and signature of a reading that its device has signed stand in the project's own extension
// of the report (epcis.Namespace); who reads the document numbers the others anew.
func WriteEPCIS(out io.Writer, p Place, readings []receipt.Reading) error {
	if len(readings) == 0 {
		return fault.New(fault.InputMissing, "there is no reading to write")
	}
	type report struct {
		Type  string      `json:"type"`
		Value json.Number `json:"value"`
		Unit  string      `json:"uom"`

		Sequence  int64  `json:"tally:sequence,omitempty"`
		Signature []byte `json:"tally:signature,omitempty"`
	}
	type metadata struct {
		Time   string `json:"time"`
		Device string `json:"deviceID"`
	}
	type element struct {
		Metadata metadata `json:"sensorMetadata"`
		Reports  []report `json:"sensorReport"`
	}
	var elements []element
	signed := false
	last := readings[0].At
	for _, r := range readings {
		identifier, ok := p.Identifiers[r.Device]
		if !ok {
			return fault.New(fault.InputMissing, "device %s has no EPCIS identifier", r.Device)
		}
		if r.At.After(last) {
			last = r.At
		}
		m := metadata{Time: instant(r.At), Device: identifier}
		if n := len(elements); n == 0 || elements[n-1].Metadata != m {
			elements = append(elements, element{Metadata: m})
		}
		e := &elements[len(elements)-1]
		one := report{Type: r.Property, Value: decimal(r.Value, r.Scale), Unit: r.Unit}
		if len(r.Signature) > 0 {
			one.Sequence, one.Signature, signed = r.Sequence, r.Signature, true
		}
		e.Reports = append(e.Reports, one)
	}
	event := map[string]any{
		"type": "ObjectEvent", "action": "OBSERVE", "bizStep": "sensor_reporting", "eventTime": instant(last), "eventTimeZoneOffset": "+00:00",
		"epcList": append([]string{}, p.EPCs...), "readPoint": map[string]string{"id": p.ReadPoint}, "sensorElementList": elements,
	}
	if p.Class != "" {
		event["quantityList"] = []map[string]any{{"epcClass": p.Class, "quantity": p.Quantity, "uom": p.Unit}}
	}
	context := []any{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"}
	if signed {
		context = append(context, map[string]string{"tally": epcis.Namespace})
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{
		"@context": context, "type": "EPCISDocument", "schemaVersion": "2.0",
		"creationDate": instant(last), "epcisBody": map[string]any{"eventList": []any{event}},
	})
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// decimal writes value × 10^-scale exactly.
func decimal(value int64, scale int) json.Number {
	exact := new(big.Rat).SetFrac(big.NewInt(value), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	return json.Number(exact.FloatString(scale))
}
