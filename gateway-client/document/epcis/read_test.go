package epcis

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/document/failure"
)

const samples = "../../../testdata/epcis"

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, name))
	require.NoError(t, err)
	return string(data)
}

func parsed(t testing.TB, text string) []Event {
	t.Helper()
	events, err := Parse(strings.NewReader(text))
	require.NoError(t, err)
	return events
}

func failures(t testing.TB, text string) failure.List {
	t.Helper()
	events, err := Parse(strings.NewReader(text))
	require.Error(t, err)
	require.Nil(t, events)
	return failure.InFile(err, "test.jsonld")
}

// Valid events, one of each type, to be spoilt.
var valid = map[string]string{
	ObjectEvent: `{"type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-01-15T08:00:00.000+01:00",
		"eventTimeZoneOffset": "+01:00", "eventID": "urn:uuid:1", "epcList": ["urn:epc:id:sgtin:9520001.012345.1"],
		"bizStep": "storing", "disposition": "in_progress", "readPoint": {"id": "urn:epc:id:sgln:9520001.00071.0"},
		"bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:1"}],
		"sourceList": [{"type": "owning_party", "source": "urn:x:2"}],
		"persistentDisposition": {"set": ["completeness_verified"]},
		"sensorElementList": [{"sensorMetadata": {"time": "2026-01-15T07:55:00Z", "deviceID": "urn:epc:id:giai:9520001.1"},
		"sensorReport": [{"type": "Temperature", "value": 19.50, "uom": "CEL"}]}], "ex:note": {"any": [1, null, true]}}`,
	AggregationEvent: `{"type": "AggregationEvent", "action": "ADD", "eventTime": "2026-01-15T08:00:00Z",
		"eventTimeZoneOffset": "-05:30", "parentID": "urn:epc:id:sscc:9520001.0000000101", "childEPCs": ["urn:x:1", "urn:x:2"],
		"childQuantityList": [{"epcClass": "urn:x:c", "quantity": 12.5, "uom": "KGM"}]}`,
	TransactionEvent: `{"type": "TransactionEvent", "action": "ADD", "eventTime": "2026-01-15T08:00:00Z",
		"eventTimeZoneOffset": "+14:00", "bizTransactionList": [{"bizTransaction": "urn:x:1"}], "epcList": ["urn:x:2"]}`,
	TransformationEvent: `{"type": "TransformationEvent", "eventTime": "2026-01-15T08:00:00Z", "eventTimeZoneOffset": "+00:00",
		"inputEPCList": ["urn:x:in"], "outputQuantityList": [{"epcClass": "urn:x:out"}], "ilmd": {"ex:lot": "1"}}`,
	AssociationEvent: `{"type": "AssociationEvent", "action": "DELETE", "eventTime": "2026-01-15T08:00:00Z",
		"eventTimeZoneOffset": "+01:00", "parentID": "urn:x:parent"}`,
}

func TestEveryTypeOfEvent(t *testing.T) {
	for eventType, text := range valid {
		events := parsed(t, text)
		require.Len(t, events, 1)
		assert.Equal(t, eventType, events[0].Type)
		assert.Empty(t, events[0].Warnings)
	}
	e := parsed(t, valid[ObjectEvent])[0]
	assert.Equal(t, time.Date(2026, 1, 15, 7, 0, 0, 0, time.UTC), e.Time)
	assert.Equal(t, "+01:00", e.Offset)
	assert.Equal(t, "urn:epc:id:sgln:9520001.00071.0", e.Location())
	require.Len(t, e.Reports, 1)
	assert.Equal(t, Report{Path: "$.sensorElementList[0].sensorReport[0]", Device: "urn:epc:id:giai:9520001.1",
		Time: time.Date(2026, 1, 15, 7, 55, 0, 0, time.UTC), Property: "Temperature", Value: "19.50", Unit: "CEL"}, e.Reports[0])
	e = parsed(t, valid[AggregationEvent])[0]
	assert.Equal(t, []string{"urn:epc:id:sscc:9520001.0000000101", "urn:x:1", "urn:x:2"}, e.Instances())
	assert.Equal(t, []Quantity{{Class: "urn:x:c", Quantity: "12.5", Unit: "KGM"}}, e.Quantities)
	e = parsed(t, valid[TransformationEvent])[0]
	assert.Equal(t, []string{"urn:x:in"}, e.Instances())
	assert.Equal(t, []Quantity{{Role: "output", Class: "urn:x:out"}}, e.Quantities)
}

func TestContainers(t *testing.T) {
	object, association := valid[ObjectEvent], valid[AssociationEvent]
	list := "[" + object + "," + association + "]"
	for name, text := range map[string]string{
		"document": `{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": "urn:ex:"}], "type": "EPCISDocument",
			"schemaVersion": "2.0", "creationDate": "2026-01-15T08:00:00Z", "epcisBody": {"eventList": ` + list + `}}`,
		"query result": `{"@context": "urn:c", "type": "EPCISQueryDocument", "epcisBody": {"queryResults": {"queryName": "q",
			"resultsBody": {"eventList": ` + list + `}}}}`,
		"event list": `{"eventList": ` + list + `}`,
		"array":      list,
		"with mark":  "\xef\xbb\xbf" + list,
	} {
		t.Run(name, func(t *testing.T) {
			events := parsed(t, text)
			require.Len(t, events, 2)
			assert.Equal(t, []int{0, 1}, []int{events[0].Index, events[1].Index})
			assert.Equal(t, AssociationEvent, events[1].Type)
		})
	}
	assert.Empty(t, parsed(t, `{"eventList": []}`))
}

// What the standard forbids: a change of a valid event, and the JSON path that is to blame.
func TestForbidden(t *testing.T) {
	type change struct {
		event, old, new, path string
	}
	for name, c := range map[string]change{
		"no eventTime":               {ObjectEvent, `"eventTime": "2026-01-15T08:00:00.000+01:00",`, "", "$.eventTime"},
		"eventTime no zone":          {ObjectEvent, "08:00:00.000+01:00", "08:00:00", "$.eventTime"},
		"eventTime a day":            {ObjectEvent, "2026-01-15T08:00:00.000+01:00", "2026-01-15", "$.eventTime"},
		"eventTime no day":           {ObjectEvent, "2026-01-15T08:00:00.000+01:00", "2026-02-30T08:00:00Z", "$.eventTime"},
		"eventTime hour 25":          {ObjectEvent, "T08:00:00.000+01:00", "T25:00:00Z", "$.eventTime"},
		"eventTime a number":         {ObjectEvent, `"2026-01-15T08:00:00.000+01:00"`, "1768460400", "$.eventTime"},
		"eventTime null":             {ObjectEvent, `"2026-01-15T08:00:00.000+01:00"`, "null", "$.eventTime"},
		"no offset":                  {ObjectEvent, `"eventTimeZoneOffset": "+01:00",`, "", "$.eventTimeZoneOffset"},
		"offset Z":                   {ObjectEvent, `"eventTimeZoneOffset": "+01:00"`, `"eventTimeZoneOffset": "Z"`, "$.eventTimeZoneOffset"},
		"offset 14:30":               {TransactionEvent, "+14:00", "+14:30", "$.eventTimeZoneOffset"},
		"offset no colon":            {TransactionEvent, "+14:00", "+1400", "$.eventTimeZoneOffset"},
		"offset a number":            {TransactionEvent, `"+14:00"`, "14", "$.eventTimeZoneOffset"},
		"no action":                  {ObjectEvent, `"action": "OBSERVE",`, "", "$.action"},
		"action in small":            {ObjectEvent, "OBSERVE", "observe", "$.action"},
		"action empty":               {ObjectEvent, "OBSERVE", "", "$.action"},
		"action a number":            {ObjectEvent, `"OBSERVE"`, "1", "$.action"},
		"action of a transformation": {TransformationEvent, `"eventTime"`, `"action": "ADD", "eventTime"`, "$.action"},
		"unknown type":               {ObjectEvent, `"ObjectEvent"`, `"ObservedEvent"`, "$.type"},
		"type a list":                {ObjectEvent, `"ObjectEvent"`, `["ObjectEvent"]`, "$.type"},
		"no type":                    {ObjectEvent, `"type": "ObjectEvent",`, "", "$.type"},
		"children of an object":      {ObjectEvent, `"bizStep"`, `"childEPCs": ["urn:x:1"], "bizStep"`, "$.childEPCs"},
		"epcList a string":           {ObjectEvent, `["urn:epc:id:sgtin:9520001.012345.1"]`, `"urn:epc:id:sgtin:9520001.012345.1"`, "$.epcList"},
		"epc no URI":                 {ObjectEvent, "urn:epc:id:sgtin:9520001.012345.1", "9520001", "$.epcList[0]"},
		"epc twice":                  {ObjectEvent, `"urn:epc:id:sgtin:9520001.012345.1"`, `"urn:x:1", "urn:x:1"`, "$.epcList[1]"},
		"no objects":                 {TransactionEvent, `, "epcList": ["urn:x:2"]`, "", "$.epcList"},
		"empty epcList":              {TransactionEvent, `["urn:x:2"]`, "[]", "$.epcList"},
		"empty transactions":         {TransactionEvent, `[{"bizTransaction": "urn:x:1"}]`, "[]", "$.bizTransactionList"},
		"no transactions":            {TransactionEvent, `"bizTransactionList": [{"bizTransaction": "urn:x:1"}],`, "", "$.bizTransactionList"},
		"transaction no id":          {TransactionEvent, `{"bizTransaction": "urn:x:1"}`, `{"type": "po"}`, "$.bizTransactionList[0].bizTransaction"},
		"transaction type":           {ObjectEvent, `"po"`, `"bill"`, "$.bizTransactionList[0].type"},
		"no parent":                  {AggregationEvent, `"parentID": "urn:epc:id:sscc:9520001.0000000101",`, "", "$.parentID"},
		"no children":                {AssociationEvent, "DELETE", "ADD", "$.childEPCs"},
		"no inputs":                  {TransformationEvent, `["urn:x:in"]`, "[]", "$.inputEPCList"},
		"no outputs":                 {TransformationEvent, `"outputQuantityList": [{"epcClass": "urn:x:out"}],`, "", "$.outputEPCList"},
		"ilmd of OBSERVE":            {ObjectEvent, `"bizStep"`, `"ilmd": {}, "bizStep"`, "$.ilmd"},
		"quantity a string":          {AggregationEvent, "12.5", `"12.5"`, "$.childQuantityList[0].quantity"},
		"quantity no class":          {AggregationEvent, `"epcClass": "urn:x:c",`, "", "$.childQuantityList[0].epcClass"},
		"quantity unit":              {AggregationEvent, `"KGM"`, `"kg"`, "$.childQuantityList[0].uom"},
		"readPoint a string":         {ObjectEvent, `{"id": "urn:epc:id:sgln:9520001.00071.0"}`, `"urn:epc:id:sgln:9520001.00071.0"`, "$.readPoint"},
		"readPoint no id":            {ObjectEvent, `{"id": "urn:epc:id:sgln:9520001.00071.0"}`, `{}`, "$.readPoint.id"},
		"source no type":             {ObjectEvent, `"type": "owning_party",`, "", "$.sourceList[0].type"},
		"disposition set empty":      {ObjectEvent, `["completeness_verified"]`, "[]", "$.persistentDisposition.set"},
		"bizStep a number":           {ObjectEvent, `"storing"`, "7", "$.bizStep"},
		"eventID no URI":             {ObjectEvent, `"urn:uuid:1"`, `"1"`, "$.eventID"},
		"no reports":                 {ObjectEvent, `[{"type": "Temperature", "value": 19.50, "uom": "CEL"}]`, "[]", "$.sensorElementList[0].sensorReport"},
		"report missing": {ObjectEvent, `,
		"sensorReport": [{"type": "Temperature", "value": 19.50, "uom": "CEL"}]`, "", "$.sensorElementList[0].sensorReport"},
		"report no type":      {ObjectEvent, `"type": "Temperature",`, "", "$.sensorElementList[0].sensorReport[0].type"},
		"report unknown type": {ObjectEvent, `"Temperature"`, `"Temprature"`, "$.sensorElementList[0].sensorReport[0].type"},
		"value a string":      {ObjectEvent, "19.50", `"19.50"`, "$.sensorElementList[0].sensorReport[0].value"},
		"value true":          {ObjectEvent, "19.50", "true", "$.sensorElementList[0].sensorReport[0].value"},
		"boolean a string":    {ObjectEvent, `"value": 19.50`, `"booleanValue": "true"`, "$.sensorElementList[0].sensorReport[0].booleanValue"},
		"hex":                 {ObjectEvent, `"value": 19.50`, `"hexBinaryValue": "XY"`, "$.sensorElementList[0].sensorReport[0].hexBinaryValue"},
		"exception":           {ObjectEvent, `"value": 19.50`, `"exception": "ALARM"`, "$.sensorElementList[0].sensorReport[0].exception"},
		"device no URI":       {ObjectEvent, `"urn:epc:id:giai:9520001.1"`, `"device 1"`, "$.sensorElementList[0].sensorMetadata.deviceID"},
		"negative interval": {ObjectEvent, `"time": "2026-01-15T07:55:00Z"`,
			`"startTime": "2026-01-15T08:00:00Z", "endTime": "2026-01-15T08:59:59+01:00"`, "$.sensorElementList[0].sensorMetadata.endTime"},
		"sensor time":              {ObjectEvent, `"2026-01-15T07:55:00Z"`, `"yesterday"`, "$.sensorElementList[0].sensorMetadata.time"},
		"declaration no time":      {ObjectEvent, `"bizStep"`, `"errorDeclaration": {"reason": "incorrect_data"}, "bizStep"`, "$.errorDeclaration.declarationTime"},
		"extension member in path": {ObjectEvent, `"ex:note": {"any": [1, null, true]}`, `"ex:note": 1, "ex:note": 2`, "$['ex:note']"},
	} {
		t.Run(name, func(t *testing.T) {
			text := valid[c.event]
			require.Equal(t, 1, strings.Count(text, c.old), "the test changes nothing, or too much")
			list := failures(t, strings.Replace(text, c.old, c.new, 1))
			paths := []string{}
			for _, f := range list {
				paths = append(paths, f.Path)
				assert.Equal(t, "test.jsonld", f.File)
				assert.Positive(t, f.Line)
			}
			assert.Equal(t, []string{c.path}, paths, list.Error())
		})
	}
}

func TestForbiddenContainers(t *testing.T) {
	document := func(members string) string { return `{"type": "EPCISDocument"` + members + `}` }
	const context, version, date = `, "@context": "urn:c"`, `, "schemaVersion": "2.0"`, `, "creationDate": "2026-01-15T08:00:00Z"`
	const body = `, "epcisBody": {"eventList": []}`
	assert.Empty(t, parsed(t, document(context+version+date+body)))
	assert.Empty(t, parsed(t, document(context+version+date+body+`, "id": "_:document1"`)))
	for text, path := range map[string]string{
		document(version + date + body):                                                                          "$['@context']",
		document(context + date + body):                                                                          "$.schemaVersion",
		document(context + version + body):                                                                       "$.creationDate",
		document(context + version + date):                                                                       "$.epcisBody",
		document(context + version + date + `, "epcisBody": {}`):                                                 "$.epcisBody.eventList",
		document(context + version + date + `, "epcisBody": []`):                                                 "$.epcisBody",
		document(context + version + date + `, "epcisBody": {"eventList": {}}`):                                  "$.epcisBody.eventList",
		document(context + version + date + `, "epcisBody": {"eventList": [7]}`):                                 "$.epcisBody.eventList[0]",
		document(context + `, "schemaVersion": 2.0` + date + body):                                               "$.schemaVersion",
		document(context + version + date + body + `, "epcisHeader": 7`):                                         "$.epcisHeader",
		document(context + version + date + body + `, "id": 7`):                                                  "$.id",
		document(context + version + date + body + `, "sender": 7`):                                              "$.sender",
		document(`, "@context": 7` + version + date + body):                                                      "$['@context']",
		`{"type": "EPCISQueryDocument", "@context": "urn:c", "epcisBody": {"queryResults": {"queryName": "q"}}}`: "$.epcisBody.queryResults.resultsBody",
		`{"type": "EPCISQueryDocument", "@context": "urn:c", "epcisBody": {}}`:                                   "$.epcisBody.queryResults",
		`{"type": "EPCISMasterDataDocument"}`:                                                                    "$.type",
		`{}`:                                                                                                     "$.type",
		`7`:                                                                                                      "$",
		`"event"`:                                                                                                "$",
		`null`:                                                                                                   "$",
		`[[]]`:                                                                                                   "$[0]",
	} {
		list := failures(t, text)
		assert.Equal(t, path, list[0].Path, "%s: %v", text, list)
	}
}

func TestWarnings(t *testing.T) {
	for want, change := range map[string][2]string{
		"UNIT_UNKNOWN":        {`"CEL"`, `"XQX"`},
		"UNIT_UNEXPECTED":     {`"CEL"`, `"KGM"`},
		"BELOW_ABSOLUTE_ZERO": {`19.50`, `-273.16`},
		"UNIT_MISSING":        {`, "uom": "CEL"`, ""},
		"MIN_ABOVE_MAX":       {`"value": 19.50`, `"minValue": 3, "maxValue": 2`},
		"MEAN_OUTSIDE":        {`"value": 19.50`, `"minValue": 1, "maxValue": 2, "meanValue": 2.5`},
		"DEVIATION_NEGATIVE":  {`"value": 19.50`, `"sDev": -0.1`},
		"INTERVAL_OPEN":       {`"time": "2026-01-15T07:55:00Z"`, `"startTime": "2026-01-15T07:55:00Z"`},
		"UNKNOWN_TERM":        {`"storing"`, `"napping"`},
		"CBV_URI":             {`"storing"`, `"urn:epcglobal:cbv:bizstep:storing"`},
		"UNKNOWN_FIELD":       {`"ex:note"`, `"note"`},
		"DECLARED_IN_ERROR":   {`"bizStep"`, `"errorDeclaration": {"declarationTime": "2026-01-16T08:00:00Z"}, "bizStep"`},
		"EXTENSION_EVENT":     {`"type": "ObjectEvent"`, `"type": "ex:OtherEvent"`},
		"FIELD_TWICE":         {`"bizStep"`, `"eventID": "urn:uuid:2", "bizStep"`},
	} {
		require.Equal(t, 1, strings.Count(valid[ObjectEvent], change[0]))
		e := parsed(t, strings.Replace(valid[ObjectEvent], change[0], change[1], 1))[0]
		require.Len(t, e.Warnings, 1, "%s: %v", want, e.Warnings)
		assert.Equal(t, want, e.Warnings[0].Code)
		assert.Contains(t, e.Warnings[0].String(), "$")
	}
}

func TestWarningsAreBounded(t *testing.T) {
	report := `{"type": "Temperature", "value": 1},`
	e := parsed(t, strings.Replace(valid[ObjectEvent], `[{"type": "Temperature"`, "["+strings.Repeat(report, 500)+`{"type": "Temperature"`, 1))[0]
	assert.Len(t, e.Warnings, maxWarnings+1)
}

func TestEmptyEPCListWithSensorsIsAllowed(t *testing.T) {
	text := strings.Replace(valid[ObjectEvent], `["urn:epc:id:sgtin:9520001.012345.1"]`, "[]", 1)
	assert.Empty(t, parsed(t, text)[0].Instances(), "then the read point itself is what was sensed")
	without := strings.Replace(text, `"epcList": [],`, "", 1)
	assert.Len(t, parsed(t, without)[0].Reports, 1)
	list := failures(t, strings.Replace(without, `"readPoint": {"id": "urn:epc:id:sgln:9520001.00071.0"},`, "", 1))
	assert.Equal(t, "$.epcList", list[0].Path)
}

func TestAnObservedAggregationNeedsNoParent(t *testing.T) {
	text := strings.NewReplacer(`"ADD"`, `"OBSERVE"`, `"parentID": "urn:epc:id:sscc:9520001.0000000101",`, "").Replace(valid[AggregationEvent])
	assert.Equal(t, []string{"urn:x:1", "urn:x:2"}, parsed(t, text)[0].Instances())
}

// What the metadata of an element say holds for each of its reports that does not say otherwise.
func TestAReportOverridesItsMetadata(t *testing.T) {
	text := strings.Replace(valid[ObjectEvent], `{"type": "Temperature", "value": 19.50, "uom": "CEL"}`,
		`{"type": "Temperature", "value": 19.50, "uom": "CEL"},
		{"type": "Mass", "value": 2, "uom": "TNE", "time": "2026-01-15T07:58:00Z", "deviceID": "urn:x:scale"}`, 1)
	reports := parsed(t, text)[0].Reports
	require.Len(t, reports, 2)
	assert.Equal(t, "urn:epc:id:giai:9520001.1", reports[0].Device)
	assert.Equal(t, 55, reports[0].Time.Minute())
	assert.Equal(t, "urn:x:scale", reports[1].Device)
	assert.Equal(t, 58, reports[1].Time.Minute())
}

func TestEveryFailureIsReported(t *testing.T) {
	spoilt := strings.NewReplacer(`"OBSERVE"`, `"LOOK"`, `"CEL"`, "1", `"urn:uuid:1"`, "2").Replace(valid[ObjectEvent])
	list := failures(t, "["+valid[AssociationEvent]+","+spoilt+"]")
	assert.Len(t, list, 3)
	assert.Equal(t, "$[1].eventID", list[0].Path)
	many := failures(t, "["+strings.Repeat("1,", 5000)+"1]")
	assert.Len(t, many, maxFailures)
}

// Hostile files are refused before they cost much.
var hostile = map[string]struct {
	in   string
	code fault.Code
	says string
}{
	"empty":                 {"", fault.DocumentMalformed, "empty"},
	"truncated":             {`{"type": "ObjectEvent", "a": [`, fault.DocumentMalformed, "truncated"},
	"5 MB of arrays":        {strings.Repeat("[", 5<<20), fault.InputTooLarge, "nested"},
	"5 MB of objects":       {strings.Repeat(`{"a":`, 1<<20), fault.InputTooLarge, "nested"},
	"trailing garbage":      {`{"eventList": []} x`, fault.DocumentMalformed, "follows"},
	"two texts":             {`{"eventList": []}{"eventList": []}`, fault.DocumentMalformed, "follows"},
	"member twice":          {`{"eventList": [], "eventList": []}`, fault.DocumentMalformed, "twice"},
	"member twice, escaped": {`{"eventList": [], "\u0065ventList": []}`, fault.DocumentMalformed, "twice"},
	"huge exponent":         {`{"eventList": [], "x": 1e999999999}`, fault.InputTooLarge, "exponent"},
	"long number":           {`{"eventList": [], "x": ` + strings.Repeat("9", 70) + `}`, fault.InputTooLarge, "characters"},
	"long text":             {`{"eventList": [], "x": "` + strings.Repeat("a", 20<<10) + `"}`, fault.InputTooLarge, "text of more"},
	"long name":             {`{"` + strings.Repeat("a", 20<<10) + `": 1}`, fault.InputTooLarge, "name of more"},
	"many members":          {"{" + manyMembers(1_000_000) + `"x": 1}`, fault.InputTooLarge, "members in one object"},
	"no UTF-8":              {"{\"a\": \"\xff\"}", fault.DocumentMalformed, "UTF-8"},
	"UTF-16":                {"\xff\xfe{\x00}\x00", fault.DocumentMalformed, "UTF-8"},
	"NaN":                   {`{"x": NaN}`, fault.DocumentMalformed, "not JSON"},
	"comment":               {`{"x": 1 /* one */}`, fault.DocumentMalformed, "not JSON"},
	"trailing comma":        {`{"x": [1,]}`, fault.DocumentMalformed, "not JSON"},
	"leading zero":          {`{"x": 01}`, fault.DocumentMalformed, "not JSON"},
	"XML":                   {`<epcis/>`, fault.DocumentMalformed, "not JSON"},
	"too many events":       {"[" + strings.Repeat("0,", MaxEvents) + "0]", fault.InputTooLarge, "events"},
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"ex:%d":1,`, i)
	}
	return b.String()
}

func TestHostileFilesAreRefused(t *testing.T) {
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			f := failures(t, c.in)[0]
			assert.Equal(t, c.code, f.Code, f.Reason)
			assert.Contains(t, f.Reason, c.says)
			assert.NotEmpty(t, f.Path)
			assert.Less(t, len(f.Error()), 1000)
		})
	}
}

func TestOurSamples(t *testing.T) {
	files, err := filepath.Glob(samples + "/*.jsonld")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for _, e := range parsed(t, sample(t, filepath.Base(file))) {
			assert.Empty(t, e.Warnings, file)
		}
	}
	bad, err := filepath.Glob(samples + "/bad/*.jsonld")
	require.NoError(t, err)
	require.NotEmpty(t, bad)
	for _, file := range bad {
		assert.NotEmpty(t, failures(t, sample(t, "bad/"+filepath.Base(file))), file)
	}
	assert.Contains(t, failures(t, sample(t, "bad/negative-interval.jsonld")).Error(), "the interval is negative")
}

// GS1's own examples, where they are: ../shared/data from the root of the repository.
func TestExamplesOfTheStandard(t *testing.T) {
	const root = "../../../../shared/data/epcis/gs1"
	var files []string
	for _, pattern := range []string{"/*.jsonld", "/*/*.jsonld"} {
		found, err := filepath.Glob(root + pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("skipped: GS1's examples are not here (../shared/data/epcis beside the repository)")
	}
	events, reports := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		list, err := Parse(bytes.NewReader(data))
		require.NoError(t, err, file)
		// A second, dumb count.
		assert.Equal(t, strings.Count(string(data), `"eventTimeZoneOffset"`), len(list), file)
		for _, e := range list {
			reports += len(e.Reports)
			for _, r := range e.Reports {
				if r.Unit != "" && r.Value != "" {
					_, unit, ok := r.Value.SI(r.Unit)
					assert.True(t, ok, "%s %s", file, r.Unit)
					assert.NotEmpty(t, unit)
				}
			}
		}
		events += len(list)
	}
	t.Logf("%d files, %d events, %d sensor reports", len(files), events, reports)
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"/*.jsonld", "/bad/*.jsonld"} {
		files, err := filepath.Glob(samples + pattern)
		require.NoError(f, err)
		for _, file := range files {
			f.Add([]byte(sample(f, strings.TrimPrefix(file, samples+"/"))))
		}
	}
	for _, text := range valid {
		f.Add([]byte(text))
	}
	for _, c := range hostile {
		if len(c.in) < 4096 {
			f.Add([]byte(c.in))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := Parse(bytes.NewReader(data))
		if err != nil {
			list := failure.InFile(err, "f")
			require.NotEmpty(t, list)
			require.True(t, strings.HasPrefix(list[0].Path, "$"))
			return
		}
		for _, e := range events {
			require.False(t, e.Time.IsZero() && e.Time.Year() != 1, "every event has a time")
			require.NotEmpty(t, e.Offset)
			for _, r := range e.Reports {
				if n, _, ok := r.Value.SI(r.Unit); ok {
					require.NotNil(t, n.decimal(), "%s %s gives %s", r.Value, r.Unit, n)
					_, _ = r.Value.Convert(r.Unit, "CEL", 2)
				}
			}
		}
	})
}

func BenchmarkReports(b *testing.B) {
	report := `{"type": "Temperature", "value": 19.50, "uom": "CEL", "time": "2026-01-15T07:55:00Z"}`
	text := strings.Replace(valid[ObjectEvent], `{"type": "Temperature", "value": 19.50, "uom": "CEL"}`,
		strings.Repeat(report+",", 9_999)+report, 1)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		events, err := Parse(strings.NewReader(text))
		if err != nil || len(events[0].Reports) != 10_000 {
			b.Fatal(fmt.Sprint(err))
		}
	}
}
