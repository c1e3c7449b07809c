package receivable

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Encumbrance ties a fragment to one application for financing. Bank is the party that funds it, from the pledge on.
type Encumbrance struct {
	Application string    `json:"application"`
	Bank        string    `json:"bank,omitempty"`
	Since       time.Time `json:"since"`
}

// Reserve ties the fragment to an application, by the holder's maker. It returns FRAGMENT_ENCUMBERED where it backs one
// already, FRAGMENT_FROZEN, NOT_HOLDER, RECEIVABLE_NOT_CONFIRMED, RECEIVABLE_MATURED or TRANSITION_DENIED (it is offered).
func (f Fragment) Reserve(r Receivable, application string, by member.Actor, at time.Time) (Fragment, error) {
	if err := f.of(r); err != nil {
		return f, err
	}
	if err := r.Tradable(at); err != nil {
		return f, err
	}
	if err := f.heldBy(by, member.Maker); err != nil {
		return f, err
	}
	next, err := f.step(Reserve)
	if err != nil {
		return f, err
	}
	if application == "" {
		return f, fault.New(fault.InputMissing, "a reservation names its application")
	}
	f.Status, f.Encumbrance = next, &Encumbrance{Application: application, Since: at.UTC()}
	return f, nil
}

// Pledge gives the fragment to the bank as security for the application's loan. The financing decides who may; it returns
// FRAGMENT_ENCUMBERED where another application holds it.
func (f Fragment) Pledge(application, bank string, at time.Time) (Fragment, error) {
	next, err := f.encumbered(Pledge, application)
	if err != nil {
		return f, err
	}
	f.Status, f.Encumbrance = next, &Encumbrance{Application: application, Bank: bank, Since: at.UTC()}
	return f, nil
}

// Release frees the fragment: the application has failed, or its loan is repaid.
func (f Fragment) Release(application string) (Fragment, error) {
	next, err := f.encumbered(Release, application)
	if err != nil {
		return f, err
	}
	f.Status, f.Encumbrance = next, nil
	return f, nil
}

// TransferTo makes the bank the holder: it buys the reserved fragment for the consideration, in minor units.
func (f Fragment) TransferTo(application, bank string, recourse Recourse, considerationMinor int64, at time.Time) (Fragment, error) {
	next, err := f.encumbered(Transfer, application)
	if err != nil {
		return f, err
	}
	var bad fault.Fields
	recourse.check(&bad, "recourse")
	if considerationMinor <= 0 || considerationMinor > f.FaceMinor {
		bad.Add("consideration_minor", considerationMinor, "must be above zero and at most the face")
	}
	if err := bad.Err(); err != nil {
		return f, err
	}
	return f.passTo(bank, recourse, considerationMinor, application, next, at), nil
}

// Enforce makes the bank the holder of what was pledged to it, because the loan is in default. The transferor stays liable.
func (f Fragment) Enforce(application string, at time.Time) (Fragment, error) {
	next, err := f.encumbered(Enforce, application)
	if err != nil {
		return f, err
	}
	return f.passTo(f.Encumbrance.Bank, WithRecourse, f.FaceMinor, application, next, at), nil
}

func (f Fragment) encumbered(action FragmentAction, application string) (FragmentStatus, error) {
	if f.Encumbered() && (f.Encumbrance == nil || f.Encumbrance.Application != application) {
		return "", fault.New(fault.FragmentEncumbered, "fragment %s is %s for another application", f.ID, f.Status)
	}
	next, err := FragmentLife.Next(f.Status, action)
	if err != nil {
		return "", fault.New(fault.TransitionDenied, "fragment %s is %s; %s is not possible", f.ID, f.Status, action)
	}
	return next, nil
}
