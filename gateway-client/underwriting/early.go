package underwriting

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// offerEarly offers early payment of a fragment to its holder, where the holder is enrolled with the own bank. The ledger works the
// terms out; an offer that was made is not made again.
func (u *Underwriter) offerEarly(ctx context.Context, fragment, programme string) (string, error) {
	circles := []string{programme}
	var f receivable.Fragment
	if err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "receivable:Fragment", Args: []string{fragment}, Circles: circles}, &f); err != nil {
		return "", err
	}
	if f.Status != receivable.Held {
		return "not free", nil
	}
	var e financing.Enrolment
	err := u.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:Enrolment", Args: []string{programme, f.Holder}, Circles: circles}, &e)
	switch {
	case fault.CodeOf(err) == fault.RecordNotFound || fault.CodeOf(err) == fault.NotPermitted:
		return "not enrolled", nil
	case err != nil:
		return "", err
	case e.Bank != u.Ledger.User().MSP || !e.Live():
		return "not enrolled", nil
	}
	id := derive("app", "early", fragment)
	call := consortium.Call{Function: "financing:OfferEarly", Args: []string{programme, fragment, id}, Circles: []string{e.Desk, programme}, Request: derive("uw", id, "offer")}
	status, err := u.submit(ctx, call)
	switch fault.CodeOf(err) {
	case fault.RecordExists: // another replica was first
		return string(financing.Approved), nil
	case fault.OfferNotMade: // the terms give none
		return "no offer", nil
	}
	return status, err
}
