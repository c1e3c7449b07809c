// Package epcis reads GS1 EPCIS 2.0 events in JSON-LD: documents, query results, lists of events and single events, with
// their sensor reports, which are the evidence that goods under a warehouse receipt were kept as agreed.
//
// The rules are those of the EPCIS 2.0 standard (GS1, 2022) and of its JSON schema. Numbers stay decimal; instants are
// UTC. JSON-LD contexts are not fetched: names without a prefix mean what the standard's own context makes of them, and
// names with a prefix are extensions, which are tolerated.
package epcis

import (
	"fmt"
	"time"
)

// Types of events.
const (
	ObjectEvent         = "ObjectEvent"
	AggregationEvent    = "AggregationEvent"
	TransactionEvent    = "TransactionEvent"
	TransformationEvent = "TransformationEvent"
	AssociationEvent    = "AssociationEvent"
)

// Number is a decimal number as the file writes it, a JSON number; "" when there is none.
type Number string

// Event is one event. Fields that its type does not have are empty.
type Event struct {
	Index      int    // in the file, from 0
	Path       string // JSON path in the file
	Type       string
	ID         string
	Time       time.Time // UTC
	Offset     string    // the business location's offset from UTC, such as +02:00
	RecordTime time.Time // zero when not stated
	Action     string    // ADD, OBSERVE or DELETE; "" for a transformation

	ParentID         string
	EPCs             []string // epcList, or childEPCs
	InputEPCs        []string // of a transformation
	OutputEPCs       []string // of a transformation
	Quantities       []Quantity
	TransformationID string

	BizStep         string
	Disposition     string
	ReadPoint       string
	BizLocation     string
	BizTransactions []Party
	Sources         []Party
	Destinations    []Party

	Error    *ErrorDeclaration
	Reports  []Report
	Warnings []Warning
}

// Instances lists every instance-level identifier of the event once: parent, objects or children, inputs, outputs.
func (e *Event) Instances() []string {
	list := []string{}
	seen := map[string]bool{"": true}
	for _, group := range [][]string{{e.ParentID}, e.EPCs, e.InputEPCs, e.OutputEPCs} {
		for _, id := range group {
			if !seen[id] {
				seen[id] = true
				list = append(list, id)
			}
		}
	}
	return list
}

// Location is where the objects are after the event, or where the event took place when that is all that is stated.
func (e *Event) Location() string {
	if e.BizLocation != "" {
		return e.BizLocation
	}
	return e.ReadPoint
}

// Quantity is an amount of a class of objects. Role is input or output in a transformation, else "". Without a unit
// (UN/ECE Recommendation 20) it counts objects; without a quantity it is not known how many.
type Quantity struct {
	Role     string
	Class    string
	Quantity Number
	Unit     string
}

// Party is a typed reference: a business transaction, a source or a destination.
type Party struct {
	Type string
	ID   string
}

// ErrorDeclaration says that the event itself is declared to be in error.
type ErrorDeclaration struct {
	Time          time.Time
	Reason        string
	CorrectiveIDs []string
}

// Report is one sensor report, with what the element's metadata add to it. At most one of Time and Start with End is
// usual; each is zero when not stated. Unit is a UN/ECE Recommendation 20 code.
type Report struct {
	Path      string
	Device    string
	Time      time.Time
	Start     time.Time
	End       time.Time
	Property  string // GS1 measurement type, such as Temperature
	Exception string // ALARM_CONDITION, ERROR_CONDITION or an extension

	Value, Min, Max, Mean, StdDev Number
	PercRank, PercValue           Number
	Unit                          string

	Text, HexBinary, URI  string
	Truth                 *bool
	Component             string
	Substance, Microbe    string
	CoordinateSystem      string
	DeviceMetadata        string
	RawData, Method, Rule string

	// Sequence and Signature are the extension of a device that numbers and signs each reading (Namespace); 0 and nil where there
	// is none.
	Sequence  int64
	Signature []byte
}

// Namespace is the vocabulary of the project's own extension of a sensor report: PREFIX:sequence, the device's number of the
// reading, and PREFIX:signature, its signature over the reading in base64. The document's @context binds the prefix to it.
const Namespace = "urn:tallystick:epcis:"

// Warning is something odd that does not make an event invalid.
type Warning struct {
	Code   string
	Path   string
	Reason string
}

// String is the warning in one line.
func (w Warning) String() string { return fmt.Sprintf("%s %s: %s", w.Code, w.Path, w.Reason) }
