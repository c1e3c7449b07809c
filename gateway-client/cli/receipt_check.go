package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/document/epcis"
)

func receiptCheckCommand(app *App) *cobra.Command {
	return checkCommand(app, "Read EPCIS 2.0 event files without a network",
		`Reads GS1 EPCIS 2.0 events in JSON-LD (documents, query results, lists of events, single events) and prints what
they state: one object an event. "-" is standard input.

With --output json every object is one line; numbers are as the file states them, si_value is converted to the SI
unit that si_unit names by its UN/ECE Recommendation 20 code. A file with anything that the standard forbids is
reported on standard error with the JSON path; the others are still read, and the exit status is 2.`,
		"  tally receipt check --output json lot-8841-in-range.jsonld", eventTable, func(name string, in io.Reader) ([]eventView, error) {
			events, err := epcis.Parse(in)
			if err != nil {
				return nil, err
			}
			views := make([]eventView, len(events))
			for i := range events {
				views[i] = eventViewOf(name, &events[i])
			}
			return views, nil
		})
}

// eventView is an event as "receipt check" prints it.
type eventView struct {
	File        string         `json:"file"`
	Index       int            `json:"index"`
	Type        string         `json:"type"`
	EventID     *string        `json:"event_id"`
	EventTime   string         `json:"event_time"`
	Offset      string         `json:"offset"`
	Action      *string        `json:"action"`
	EPCs        []string       `json:"epcs"`
	Quantities  []quantityView `json:"quantities"`
	Location    *string        `json:"location"`
	ReadPoint   *string        `json:"read_point"`
	BizStep     *string        `json:"biz_step"`
	Disposition *string        `json:"disposition"`
	Error       *errorView     `json:"error_declaration,omitempty"`
	Sensors     []sensorView   `json:"sensors"`
	Warnings    []string       `json:"warnings"`
}

type quantityView struct {
	Class    string       `json:"class"`
	Quantity *json.Number `json:"quantity"`
	Unit     *string      `json:"unit"`
	Role     string       `json:"role,omitempty"`
}

type errorView struct {
	Time          string   `json:"declaration_time"`
	Reason        *string  `json:"reason"`
	CorrectiveIDs []string `json:"corrective_event_ids,omitempty"`
}

type sensorView struct {
	Device    *string      `json:"device"`
	Time      *string      `json:"time"`
	StartTime *string      `json:"start_time,omitempty"`
	EndTime   *string      `json:"end_time,omitempty"`
	Property  string       `json:"property"`
	Value     *json.Number `json:"value"`
	Min       *json.Number `json:"min"`
	Max       *json.Number `json:"max"`
	Mean      *json.Number `json:"mean"`
	StdDev    *json.Number `json:"std_dev"`
	PercRank  *json.Number `json:"perc_rank,omitempty"`
	PercValue *json.Number `json:"perc_value,omitempty"`
	Unit      *string      `json:"unit"`
	SIValue   *json.Number `json:"si_value"`
	SIMin     *json.Number `json:"si_min,omitempty"`
	SIMax     *json.Number `json:"si_max,omitempty"`
	SIMean    *json.Number `json:"si_mean,omitempty"`
	SIUnit    *string      `json:"si_unit"`
	Exception *string      `json:"exception,omitempty"`
	Text      *string      `json:"string_value,omitempty"`
	Truth     *bool        `json:"boolean_value,omitempty"`
	HexBinary *string      `json:"hex_value,omitempty"`
	URI       *string      `json:"uri_value,omitempty"`
	Component *string      `json:"component,omitempty"`
	Substance *string      `json:"chemical_substance,omitempty"`
	Microbe   *string      `json:"microorganism,omitempty"`
}

func eventViewOf(file string, e *epcis.Event) eventView {
	v := eventView{
		File: file, Index: e.Index, Type: e.Type, EventID: orNull(e.ID), EventTime: e.Time.Format(time.RFC3339Nano),
		Offset: e.Offset, Action: orNull(e.Action), EPCs: e.Instances(), Quantities: []quantityView{},
		Location: orNull(e.Location()), ReadPoint: orNull(e.ReadPoint), BizStep: orNull(e.BizStep),
		Disposition: orNull(e.Disposition), Sensors: []sensorView{}, Warnings: []string{},
	}
	for _, q := range e.Quantities {
		v.Quantities = append(v.Quantities, quantityView{q.Class, numberOrNull(q.Quantity), orNull(q.Unit), q.Role})
	}
	if d := e.Error; d != nil {
		v.Error = &errorView{d.Time.Format(time.RFC3339Nano), orNull(d.Reason), d.CorrectiveIDs}
	}
	for i := range e.Reports {
		v.Sensors = append(v.Sensors, sensorViewOf(&e.Reports[i]))
	}
	for _, w := range e.Warnings {
		v.Warnings = append(v.Warnings, w.String())
	}
	return v
}

func sensorViewOf(r *epcis.Report) sensorView {
	si := func(n epcis.Number) *json.Number {
		converted, _, ok := n.SI(r.Unit)
		if !ok {
			return nil
		}
		return numberOrNull(converted)
	}
	return sensorView{
		Device: orNull(r.Device), Time: instantOrNull(r.Time), StartTime: instantOrNull(r.Start), EndTime: instantOrNull(r.End),
		Property: r.Property, Value: numberOrNull(r.Value), Min: numberOrNull(r.Min), Max: numberOrNull(r.Max),
		Mean: numberOrNull(r.Mean), StdDev: numberOrNull(r.StdDev), PercRank: numberOrNull(r.PercRank),
		PercValue: numberOrNull(r.PercValue), Unit: orNull(r.Unit), SIValue: si(r.Value), SIMin: si(r.Min), SIMax: si(r.Max),
		SIMean: si(r.Mean), SIUnit: orNull(epcis.SIUnit(r.Unit)), Exception: orNull(r.Exception), Text: orNull(r.Text),
		Truth: r.Truth, HexBinary: orNull(r.HexBinary), URI: orNull(r.URI), Component: orNull(r.Component),
		Substance: orNull(r.Substance), Microbe: orNull(r.Microbe),
	}
}

func numberOrNull(n epcis.Number) *json.Number {
	if n == "" {
		return nil
	}
	j := json.Number(n)
	return &j
}

func instantOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return orNull(t.Format(time.RFC3339Nano))
}

// eventTable shows events as rows, below them their sensor reports.
var eventTable = checked[eventView]{
	header: "FILE\tINDEX\tTYPE\tTIME\tACTION\tSTEP\tLOCATION\tOBJECTS\tSENSORS\tWARNINGS",
	row: func(w io.Writer, v eventView) {
		row(w, v.File, strconv.Itoa(v.Index), v.Type, v.EventTime, orDash(v.Action), orDash(v.BizStep), orDash(v.Location),
			strconv.Itoa(len(v.EPCs)+len(v.Quantities)), strconv.Itoa(len(v.Sensors)), strconv.Itoa(len(v.Warnings)))
	},
	below:    sensorRows,
	warnings: func(v eventView) []string { return inFileOf(fmt.Sprintf("%s[%d]", v.File, v.Index), v.Warnings) },
}

func sensorRows(w io.Writer, all []eventView) {
	first := true
	for _, v := range all {
		for _, s := range v.Sensors {
			if first {
				fmt.Fprintln(w, "\nFILE\tINDEX\tDEVICE\tTIME\tPROPERTY\tVALUE\tMIN\tMEAN\tMAX\tUNIT\tEXCEPTION")
				first = false
			}
			at := orDash(s.Time)
			if s.Time == nil && s.StartTime != nil && s.EndTime != nil {
				at = *s.StartTime + " – " + *s.EndTime
			}
			unit := "–"
			if s.Unit != nil {
				unit = epcis.Symbol(*s.Unit)
			}
			row(w, v.File, strconv.Itoa(v.Index), orDash(s.Device), at, s.Property,
				numberOrDash(s.Value), numberOrDash(s.Min), numberOrDash(s.Mean), numberOrDash(s.Max), unit, orDash(s.Exception))
		}
	}
}

func numberOrDash(n *json.Number) string {
	if n == nil {
		return "–"
	}
	return n.String()
}
