package receipt

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// CallStatus of a margin call.
type CallStatus string

// The statuses of a margin call. Open and Lapsed ones are live: a loan has at most one.
const (
	CallOpen       CallStatus = "open"
	CallLapsed     CallStatus = "lapsed"
	CallCured      CallStatus = "cured"
	CallLiquidated CallStatus = "liquidated"
)

// CallAction is a step in the life of a margin call.
type CallAction string

// The actions on a margin call.
const (
	CallDemand    CallAction = "demand"
	CallCure      CallAction = "cure"
	CallLapse     CallAction = "lapse"
	CallLiquidate CallAction = "liquidate"
)

// CallLifecycle is what can happen to a margin call.
var CallLifecycle = transition.Table[CallStatus, CallAction]{
	{From: "", Action: CallDemand, To: CallOpen, Who: "the rule, when evidence, prices or the debt change", Why: "Loan-to-value is above the maintenance level and no call is live."},
	{From: CallOpen, Action: CallCure, To: CallCured, Who: "the rule", Why: "Repayment, more collateral or a better price brought loan-to-value to the cure level."},
	{From: CallOpen, Action: CallLapse, To: CallLapsed, Who: "the rule", Why: "The last business day of the cure window is over."},
	{From: CallLapsed, Action: CallCure, To: CallCured, Who: "the rule", Why: "Late, but before the bank has acted."},
	{From: CallLapsed, Action: CallLiquidate, To: CallLiquidated, Who: "the creditor", Why: "The goods may be sold; proceeds follow the fixed order."},
}

// Call is one margin call. ShortfallMinor is what a repayment would have to be to cure it on the day it was opened.
type Call struct {
	Number         int           `json:"number"`
	Status         CallStatus    `json:"status"`
	OpenedAt       time.Time     `json:"opened_at"`
	CureBy         calendar.Date `json:"cure_by"` // the last day of the window
	LTVBps         int64         `json:"ltv_bps"`
	ShortfallMinor int64         `json:"shortfall_minor"`
	EndedAt        time.Time     `json:"ended_at,omitzero"`
}

// Margin is the state of one loan's collateral: the last loan-to-value, the live call if any, and how many there were.
type Margin struct {
	Loan   string `json:"loan"`
	LTVBps int64  `json:"ltv_bps"`
	Calls  int    `json:"calls"`
	Call   *Call  `json:"call,omitempty"` // the latest call
}

// Live reports whether a call is open or lapsed.
func (m Margin) Live() bool {
	return m.Call != nil && (m.Call.Status == CallOpen || m.Call.Status == CallLapsed)
}

// Assess brings the margin up to date with what is owed and what the collateral is worth at the instant, and says which
// action that was, "" for none. It must run whenever evidence, a price, a repayment or collateral arrives, and may run at any
// time: with the same facts it changes nothing twice. A call that is cured and above the maintenance level again later is a
// new call with a new window; once the creditor has acted on a call, there is no further one: the goods are for sale.
func (m Margin) Assess(t Terms, outstandingMinor, valueMinor int64, holidays calendar.Holidays, at time.Time) (Margin, CallAction, error) {
	m.LTVBps = LTV(outstandingMinor, valueMinor)
	today := calendar.From(at)
	if !m.Live() {
		if m.LTVBps <= t.MaintenanceBps || m.Call != nil && m.Call.Status == CallLiquidated {
			return m, "", nil
		}
		return m.demand(t, outstandingMinor, valueMinor, holidays, at)
	}
	switch {
	case m.LTVBps <= t.CureBps:
		return m.act(CallCure, at)
	case m.Call.Status == CallOpen && today.After(m.Call.CureBy):
		return m.act(CallLapse, at)
	}
	return m, "", nil
}

func (m Margin) demand(t Terms, outstandingMinor, valueMinor int64, holidays calendar.Holidays, at time.Time) (Margin, CallAction, error) {
	cureBy, err := holidays.AddBusinessDays(calendar.From(at), t.CureDays)
	if err != nil {
		return m, "", err
	}
	bearable, err := money.MulDiv(max(0, valueMinor), t.CureBps, whole, money.Down)
	if err != nil {
		return m, "", err
	}
	m.Calls++
	m.Call = &Call{Number: m.Calls, Status: CallOpen, OpenedAt: at, CureBy: cureBy, LTVBps: m.LTVBps,
		ShortfallMinor: max(0, outstandingMinor-bearable)}
	return m, CallDemand, nil
}

func (m Margin) act(action CallAction, at time.Time) (Margin, CallAction, error) {
	to, err := CallLifecycle.Next(m.Call.Status, action)
	if err != nil {
		return m, "", err
	}
	call := *m.Call
	call.Status = to
	if CallLifecycle.Final(to) {
		call.EndedAt = at
	}
	m.Call = &call
	return m, action, nil
}

// Liquidate ends a lapsed call: the creditor acts on it. It returns MARGIN_CALL_NOT_LAPSED otherwise. Assess comes first, in
// the same transaction, with the facts of the day.
func (m Margin) Liquidate(at time.Time) (Margin, error) {
	if m.Call == nil || m.Call.Status != CallLapsed {
		return m, fault.New(fault.MarginCallNotLapsed, "loan %s", m.Loan)
	}
	next, _, err := m.act(CallLiquidate, at)
	return next, err
}

// MayRelease returns MARGIN_CALL_OPEN where a call is live, or would be once the collateral is worth only valueMinor: nobody
// takes goods out from under a loan that they have to cover.
func (m Margin) MayRelease(t Terms, outstandingMinor, valueMinor int64) error {
	if m.Live() || LTV(outstandingMinor, valueMinor) > t.MaintenanceBps {
		return fault.New(fault.MarginCallOpen, "loan %s", m.Loan)
	}
	return nil
}
