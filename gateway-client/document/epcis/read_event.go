package epcis

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

var (
	offsetPattern = regexp.MustCompile(`^[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00)$`)
	unitPattern   = regexp.MustCompile(`^[A-Z0-9]{2,3}$`)
	hexPattern    = regexp.MustCompile(`^[A-Fa-f0-9]+$`)
)

// event reads one event; ok is false when something in it is forbidden.
func (r *reader) event(n *node, index int) (e Event, ok bool) {
	before := len(r.failures)
	r.warnings = nil
	e = Event{Index: index, Path: n.path(), Type: r.text(n, "type")}
	switch t := n.get("type"); {
	case t == nil:
		r.missing(n, "type")
		return e, false
	case eventFields[e.Type] != nil:
	case uriPattern.MatchString(e.Type):
		r.warn(t, "EXTENSION_EVENT", "events of type %s are an extension; only the common fields are read", e.Type)
	default:
		if t.kind == kindString {
			r.fail(t, "is no type of event")
		}
		return e, false
	}
	r.fieldsOf(n, e.Type)
	r.context(n)
	r.when(n, &e)
	r.what(n, &e)
	r.where(n, &e)
	r.sensors(n, &e)
	r.required(n, &e)
	e.Warnings = r.warnings
	return e, len(r.failures) == before && before < maxFailures
}

// fieldsOf fails on fields of the standard that the type does not have and warns about unknown ones.
func (r *reader) fieldsOf(n *node, eventType string) {
	allowed := eventFields[eventType]
	if allowed == nil {
		return
	}
	for _, key := range n.keys {
		if anyEventField[key] && !allowed[key] {
			r.fail(n.members[key], "is not a field of %s", eventType)
		}
	}
	r.unknownFields(n, anyEventField)
}

func (r *reader) when(n *node, e *Event) {
	if n.get("eventTime") == nil {
		r.missing(n, "eventTime")
	}
	e.Time = r.instant(n, "eventTime")
	e.RecordTime = r.instant(n, "recordTime")
	if o := n.get("eventTimeZoneOffset"); o == nil {
		r.missing(n, "eventTimeZoneOffset")
	} else if e.Offset = r.text(n, "eventTimeZoneOffset"); o.kind == kindString && !offsetPattern.MatchString(e.Offset) {
		r.fail(o, "must be an offset from -14:00 to +14:00, such as +01:00")
	}
	e.ID = r.uri(n, "eventID")
	if n.twice {
		r.warn(n.get("eventID"), "FIELD_TWICE", "eventID stands twice; the last one is taken")
	}
	if c := n.get("certificationInfo"); c != nil {
		if c.kind == kindArray {
			r.uris(n, "certificationInfo", false)
		} else {
			r.uriOf(c)
		}
	}
	d := r.object(n, "errorDeclaration")
	if d == nil {
		return
	}
	if d.get("declarationTime") == nil {
		r.missing(d, "declarationTime")
	}
	e.Error = &ErrorDeclaration{
		Time: r.instant(d, "declarationTime"), Reason: r.word(d, "reason", reasons, true), CorrectiveIDs: r.uris(d, "correctiveEventIDs", false),
	}
	r.warn(d, "DECLARED_IN_ERROR", "the event is declared to be in error; it proves nothing")
}

func (r *reader) what(n *node, e *Event) {
	if e.Action = r.text(n, "action"); e.Action != "" && !actions[e.Action] {
		r.fail(n.get("action"), "must be ADD, OBSERVE or DELETE")
	} else if a := n.get("action"); a != nil && a.kind == kindString && e.Action == "" {
		r.fail(a, "must be ADD, OBSERVE or DELETE")
	}
	e.ParentID = r.uri(n, "parentID")
	e.TransformationID = r.uri(n, "transformationID")
	e.EPCs = append(r.uris(n, "epcList", true), r.uris(n, "childEPCs", false)...)
	e.InputEPCs = r.uris(n, "inputEPCList", true)
	e.OutputEPCs = r.uris(n, "outputEPCList", true)
	for _, list := range [][2]string{
		{"quantityList", ""}, {"childQuantityList", ""}, {"inputQuantityList", "input"}, {"outputQuantityList", "output"},
	} {
		e.Quantities = append(e.Quantities, r.quantities(n, list[0], list[1])...)
	}
	if p := r.object(n, "persistentDisposition"); p != nil {
		if p.get("set") == nil && p.get("unset") == nil {
			r.fail(p, "must have set or unset")
		}
		for _, key := range []string{"set", "unset"} {
			for _, m := range r.array(p, key, 1) {
				if m.kind != kindString {
					r.fail(m, "must be a string")
				} else {
					r.wordOf(m, dispositions, false)
				}
			}
		}
	}
	r.object(n, "ilmd")
	e.BizStep = r.word(n, "bizStep", bizSteps, false)
	e.Disposition = r.word(n, "disposition", dispositions, false)
	e.BizTransactions = r.parties(n, "bizTransactionList", "bizTransaction", transactionTypes, false)
}

func (r *reader) quantities(n *node, key, role string) []Quantity {
	var list []Quantity
	for _, m := range r.array(n, key, 0) {
		if m.kind != kindObject {
			r.fail(m, "must be an object")
			continue
		}
		q := Quantity{Role: role, Class: r.uri(m, "epcClass"), Quantity: r.number(m, "quantity"), Unit: r.text(m, "uom")}
		if m.get("epcClass") == nil {
			r.missing(m, "epcClass")
		}
		if u := m.get("uom"); u != nil && u.kind == kindString && !unitPattern.MatchString(q.Unit) {
			r.fail(u, "must be a UN/ECE Recommendation 20 code of two or three capitals and digits")
		}
		if strings.HasPrefix(string(q.Quantity), "-") {
			r.warn(m.get("quantity"), "QUANTITY_NEGATIVE", "the quantity is negative")
		}
		r.unknownFields(m, quantityFields)
		list = append(list, q)
	}
	return list
}

func (r *reader) parties(n *node, key, idKey string, types map[string]bool, typed bool) []Party {
	var list []Party
	for _, m := range r.array(n, key, 0) {
		if m.kind != kindObject {
			r.fail(m, "must be an object")
			continue
		}
		if m.get(idKey) == nil {
			r.missing(m, idKey)
		}
		if typed && m.get("type") == nil {
			r.missing(m, "type")
		}
		list = append(list, Party{Type: r.word(m, "type", types, true), ID: r.uri(m, idKey)})
	}
	return list
}

func (r *reader) where(n *node, e *Event) {
	for _, place := range []struct {
		key string
		id  *string
	}{{"readPoint", &e.ReadPoint}, {"bizLocation", &e.BizLocation}} {
		if m := r.object(n, place.key); m != nil {
			if m.get("id") == nil {
				r.missing(m, "id")
			}
			*place.id = r.uri(m, "id")
		}
	}
	e.Sources = r.parties(n, "sourceList", "source", placeTypes, true)
	e.Destinations = r.parties(n, "destinationList", "destination", placeTypes, true)
}

// required checks what each type must have (EPCIS 2.0 sections 7.4.2 to 7.4.6, and the anyOf of its JSON schema).
func (r *reader) required(n *node, e *Event) {
	if e.Type != TransformationEvent && eventFields[e.Type] != nil && n.get("action") == nil {
		r.missing(n, "action")
	}
	filled := func(keys ...string) bool {
		for _, k := range keys {
			if m := n.get(k); m != nil && len(m.items) > 0 {
				return true
			}
		}
		return false
	}
	none := func(keys ...string) {
		for _, k := range keys {
			if m := n.get(k); m != nil {
				r.fail(m, "must not be empty: one of %s must have an entry", strings.Join(keys, ", "))
				return
			}
		}
		r.failAt(n.path()+memberStep(keys[0]), n.line, "", fault.InputMissing, "one of %s must be there and have an entry", strings.Join(keys, ", "))
	}
	switch e.Type {
	case ObjectEvent:
		// An empty epcList stands for no object; then only what was sensed at the read point is reported.
		if n.get("epcList") == nil && !filled("quantityList") && (!filled("sensorElementList") || n.get("readPoint") == nil) {
			none("epcList", "quantityList")
		} else if !filled("epcList", "quantityList", "sensorElementList") {
			none("epcList", "quantityList")
		}
		if m := n.get("ilmd"); m != nil && e.Action != "ADD" && actions[e.Action] {
			r.fail(m, "is allowed only with the action ADD")
		}
	case AggregationEvent, AssociationEvent:
		if e.Action != "DELETE" && !filled("childEPCs", "childQuantityList") {
			none("childEPCs", "childQuantityList")
		}
		if n.get("parentID") == nil && (e.Type == AssociationEvent || e.Action != "OBSERVE") {
			r.missing(n, "parentID")
		}
	case TransactionEvent:
		if n.get("bizTransactionList") == nil {
			r.missing(n, "bizTransactionList")
		}
		r.array(n, "bizTransactionList", 1)
		if e.Action != "DELETE" && !filled("epcList", "quantityList", "sensorElementList") {
			none("epcList", "quantityList")
		}
	case TransformationEvent:
		in := filled("inputEPCList", "inputQuantityList")
		out := filled("outputEPCList", "outputQuantityList")
		switch {
		case n.get("transformationID") != nil && !in && !out:
			none("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList")
		case n.get("transformationID") == nil && !in:
			none("inputEPCList", "inputQuantityList")
		case n.get("transformationID") == nil && !out:
			none("outputEPCList", "outputQuantityList")
		}
	}
}

func (r *reader) sensors(n *node, e *Event) {
	for _, element := range r.array(n, "sensorElementList", 0) {
		if element.kind != kindObject {
			r.fail(element, "must be an object")
			continue
		}
		common := Report{}
		if m := r.object(element, "sensorMetadata"); m != nil {
			r.metadata(m, &common)
		}
		if element.get("sensorReport") == nil {
			r.missing(element, "sensorReport")
		}
		for _, m := range r.array(element, "sensorReport", 1) {
			if m.kind != kindObject {
				r.fail(m, "must be an object")
				continue
			}
			e.Reports = append(e.Reports, r.report(m, common))
		}
	}
}

func (r *reader) metadata(m *node, common *Report) {
	common.Time = r.instant(m, "time")
	common.Start = r.instant(m, "startTime")
	common.End = r.instant(m, "endTime")
	common.Device = r.uri(m, "deviceID")
	common.DeviceMetadata = r.uri(m, "deviceMetadata")
	common.RawData = r.uri(m, "rawData")
	common.Method = r.uri(m, "dataProcessingMethod")
	common.Rule = r.uri(m, "bizRules")
	r.unknownFields(m, metadataFields)
	start, end := m.get("startTime"), m.get("endTime")
	switch {
	case start == nil && end == nil:
	case start == nil:
		r.warn(end, "INTERVAL_OPEN", "there is an endTime without a startTime")
	case end == nil:
		r.warn(start, "INTERVAL_OPEN", "there is a startTime without an endTime")
	case !common.Start.IsZero() && !common.End.IsZero() && common.End.Before(common.Start):
		r.fail(end, "is before startTime %s: the interval is negative", common.Start.Format(time.RFC3339Nano))
	}
}

// own replaces what the metadata say by what the report itself says.
func own(target *string, value string) {
	if value != "" {
		*target = value
	}
}

func (r *reader) report(m *node, common Report) Report {
	p := common
	p.Path = m.path()
	if m.get("type") == nil {
		r.missing(m, "type")
	}
	p.Property = r.word(m, "type", measurementTypes, true)
	p.Exception = r.word(m, "exception", exceptions, true)
	p.Component = r.word(m, "component", components, true)
	if t := r.instant(m, "time"); !t.IsZero() {
		p.Time = t
	}
	for _, f := range []struct {
		key    string
		target *string
	}{
		{"deviceID", &p.Device}, {"deviceMetadata", &p.DeviceMetadata}, {"rawData", &p.RawData},
		{"dataProcessingMethod", &p.Method}, {"bizRules", &p.Rule}, {"chemicalSubstance", &p.Substance},
		{"microorganism", &p.Microbe}, {"coordinateReferenceSystem", &p.CoordinateSystem}, {"uriValue", &p.URI},
	} {
		own(f.target, r.uri(m, f.key))
	}
	for _, f := range []struct {
		key    string
		target *Number
	}{
		{"value", &p.Value}, {"minValue", &p.Min}, {"maxValue", &p.Max}, {"meanValue", &p.Mean}, {"sDev", &p.StdDev},
		{"percRank", &p.PercRank}, {"percValue", &p.PercValue},
	} {
		*f.target = r.number(m, f.key)
	}
	p.Text = r.text(m, "stringValue")
	if p.HexBinary = r.text(m, "hexBinaryValue"); p.HexBinary != "" && !hexPattern.MatchString(p.HexBinary) {
		r.fail(m.get("hexBinaryValue"), "must be hexadecimal digits")
	}
	if b := m.get("booleanValue"); b != nil {
		if b.kind != kindBool {
			r.fail(b, "must be true or false")
		}
		p.Truth = &b.truth
	}
	p.Unit = r.text(m, "uom")
	r.signed(m, &p)
	r.plausible(m, &p)
	r.unknownFields(m, reportFields)
	return p
}

const (
	maxSequence       = 1 << 53
	maxSignatureBytes = 128
)

// signed reads the extension of a device that numbers and signs its readings: both, or neither.
func (r *reader) signed(m *node, p *Report) {
	if r.prefix == "" {
		return
	}
	sequence, signature := m.get(r.prefix+":sequence"), m.get(r.prefix+":signature")
	if sequence == nil && signature == nil {
		return
	}
	if sequence == nil || signature == nil {
		r.fail(m, "must have both %s:sequence and %s:signature", r.prefix, r.prefix)
		return
	}
	var err error
	if p.Sequence, err = strconv.ParseInt(sequence.text, 10, 64); sequence.kind != kindNumber || err != nil || p.Sequence < 1 || p.Sequence > maxSequence {
		r.fail(sequence, "must be a whole number from 1 to 2^53")
	}
	p.Signature, err = base64.StdEncoding.DecodeString(signature.text)
	if signature.kind != kindString || err != nil || len(p.Signature) == 0 || len(p.Signature) > maxSignatureBytes {
		r.fail(signature, "must be a signature of 1 to %d bytes in base64", maxSignatureBytes)
	}
}

// plausible warns about a report that contradicts itself or has a unit that nobody can convert.
func (r *reader) plausible(m *node, p *Report) {
	if u := m.get("uom"); u != nil && p.Unit != "" {
		if _, known := units[p.Unit]; !known {
			r.warn(u, "UNIT_UNKNOWN", "no conversion to SI is known for the unit %q", p.Unit)
		} else if want := siOf[strings.TrimPrefix(p.Property, "gs1:")]; want != "" && units[p.Unit].si != want {
			r.warn(u, "UNIT_UNEXPECTED", "%s is measured in %s or what converts to it, not in %s", p.Property, want, p.Unit)
		}
	}
	if p.Unit == "" && (p.Value != "" || p.Min != "" || p.Max != "" || p.Mean != "") {
		r.warn(m, "UNIT_MISSING", "the report has a number and no unit")
	}
	if p.Value != "" && strings.TrimPrefix(p.Property, "gs1:") == "Temperature" {
		if si, _, ok := p.Value.SI(p.Unit); ok && strings.HasPrefix(string(si), "-") {
			r.warn(m, "BELOW_ABSOLUTE_ZERO", "a temperature of %s %s cannot be", p.Value, p.Unit)
		}
	}
	lower, upper, mean := p.Min.decimal(), p.Max.decimal(), p.Mean.decimal()
	if lower != nil && upper != nil && lower.Cmp(upper) > 0 {
		r.warn(m, "MIN_ABOVE_MAX", "minValue %s is above maxValue %s", p.Min, p.Max)
	}
	if mean != nil && (lower != nil && mean.Cmp(lower) < 0 || upper != nil && mean.Cmp(upper) > 0) {
		r.warn(m, "MEAN_OUTSIDE", "meanValue %s is not between minValue and maxValue", p.Mean)
	}
	if d := p.StdDev.decimal(); d != nil && d.Negative && !d.IsZero() {
		r.warn(m, "DEVIATION_NEGATIVE", "sDev is negative")
	}
}
