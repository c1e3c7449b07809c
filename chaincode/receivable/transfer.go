package receivable

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Recourse says whether the transferor must take the fragment back when the debtor does not pay. There is no default:
// every transfer says it.
type Recourse string

// The kinds of recourse.
const (
	WithRecourse    Recourse = "with_recourse"
	WithoutRecourse Recourse = "without_recourse"
)

func (c Recourse) check(bad *fault.Fields, path string) {
	if c != WithRecourse && c != WithoutRecourse {
		bad.Add(path, c, "must be %s or %s", WithRecourse, WithoutRecourse)
	}
}

// Offering is the input of an offer.
type Offering struct {
	To       string   `json:"to"`
	Recourse Recourse `json:"recourse"`
	// ConsiderationMinor is what the receiver gives for the fragment, in minor units of its currency: a debt that it
	// settles, or money. Zero means the face.
	ConsiderationMinor int64 `json:"consideration_minor,omitempty"`
}

// Validate reports every failure with its field and value.
func (o Offering) Validate() error {
	var bad fault.Fields
	checkParty(&bad, "to", o.To)
	o.Recourse.check(&bad, "recourse")
	if o.ConsiderationMinor < 0 {
		bad.Add("consideration_minor", o.ConsiderationMinor, "must not be negative")
	}
	return bad.Err()
}

// Offer is an offer that waits for the receiver.
type Offer struct {
	Offering
	By Mark `json:"by"`
}

// Endorsement is one transfer of a claim: from one holder to the next, on which terms. Face and consideration are those of
// the part that the fragment is of what was transferred.
type Endorsement struct {
	From               string    `json:"from"`
	To                 string    `json:"to"`
	Recourse           Recourse  `json:"recourse"`
	FaceMinor          int64     `json:"face_minor"`
	ConsiderationMinor int64     `json:"consideration_minor"`
	At                 time.Time `json:"at"`
	// Financing is the application under which a bank bought it, if it did.
	Financing string `json:"financing,omitempty"`
}

// OfferTo offers the fragment to another party, by the holder's maker. Errors: INPUT_INVALID, NOT_HOLDER,
// FRAGMENT_ENCUMBERED, FRAGMENT_FROZEN, RECEIVABLE_MATURED, TRANSITION_DENIED.
func (f Fragment) OfferTo(r Receivable, in Offering, by member.Actor, at time.Time) (Fragment, error) {
	if err := in.Validate(); err != nil {
		return f, err
	}
	if err := f.ready(r, by, at); err != nil {
		return f, err
	}
	if in.ConsiderationMinor == 0 {
		in.ConsiderationMinor = f.FaceMinor
	}
	var bad fault.Fields
	if in.To == f.Holder || in.To == r.Invoice.Buyer {
		bad.Add("to", in.To, "must be neither the holder nor the debtor")
	}
	if in.ConsiderationMinor > f.FaceMinor {
		bad.Add("consideration_minor", in.ConsiderationMinor, "must not be more than the face")
	}
	if len(f.Chain) >= MaxTiers {
		bad.Add("to", in.To, "a fragment passes on at most %d times", MaxTiers)
	}
	if err := bad.Err(); err != nil {
		return f, err
	}
	next, err := f.step(OfferIt)
	if err != nil {
		return f, err
	}
	f.Status, f.Offer = next, &Offer{Offering: in, By: mark(by, at)}
	return f, nil
}

// Accept takes an offered fragment over, by the receiver's maker.
func (f Fragment) Accept(r Receivable, by member.Actor, at time.Time) (Fragment, error) {
	next, err := f.answer(AcceptOffer, by)
	if err != nil {
		return f, err
	}
	if err := r.Tradable(at); err != nil {
		return f, err
	}
	o := f.Offer
	return f.passTo(o.To, o.Recourse, o.ConsiderationMinor, "", next, at), nil
}

// Decline refuses an offer, by the receiver's maker.
func (f Fragment) Decline(by member.Actor) (Fragment, error) {
	next, err := f.answer(DeclineOffer, by)
	if err != nil {
		return f, err
	}
	f.Status, f.Offer = next, nil
	return f, nil
}

// TakeBack withdraws an offer, by the holder's maker.
func (f Fragment) TakeBack(by member.Actor) (Fragment, error) {
	if err := f.heldBy(by, member.Maker); err != nil {
		return f, err
	}
	next, err := f.step(TakeBackOffer)
	if err != nil {
		return f, err
	}
	f.Status, f.Offer = next, nil
	return f, nil
}

func (f Fragment) answer(action FragmentAction, by member.Actor) (FragmentStatus, error) {
	next, err := f.step(action)
	if err != nil {
		return "", err
	}
	if f.Offer == nil {
		return "", fault.New(fault.InternalError, "fragment %s is offered to nobody", f.ID)
	}
	return next, mustBe(by, f.Offer.To, member.Maker)
}

func (f Fragment) passTo(to string, recourse Recourse, considerationMinor int64, financing string, next FragmentStatus, at time.Time) Fragment {
	f.Chain = append(slices.Clone(f.Chain), Endorsement{From: f.Holder, To: to, Recourse: recourse, FaceMinor: f.FaceMinor,
		ConsiderationMinor: considerationMinor, At: at.UTC(), Financing: financing})
	f.Holder, f.Status, f.Offer, f.Encumbrance, f.Agreed = to, next, nil, nil, nil
	return f
}

// sameChain reports whether two fragments came the same way on the same terms. Amounts may differ.
func sameChain(a, b []Endorsement) bool {
	return slices.EqualFunc(a, b, func(x, y Endorsement) bool {
		return x.From == y.From && x.To == y.To && x.Recourse == y.Recourse && x.Financing == y.Financing && x.At.Equal(y.At)
	})
}

func divideChain(chain []Endorsement, faces []int64) ([][]Endorsement, error) {
	chains := make([][]Endorsement, len(faces))
	for _, e := range chain {
		parts, err := money.Amount{Minor: e.FaceMinor}.Allocate(faces)
		if err != nil {
			return nil, err
		}
		prices, err := money.Amount{Minor: e.ConsiderationMinor}.Allocate(faces)
		if err != nil {
			return nil, err
		}
		for i := range faces {
			part := e
			part.FaceMinor, part.ConsiderationMinor = parts[i].Minor, prices[i].Minor
			chains[i] = append(chains[i], part)
		}
	}
	return chains, nil
}

func addChain(sum, chain []Endorsement) []Endorsement {
	if sum == nil {
		return slices.Clone(chain)
	}
	for i := range sum {
		sum[i].FaceMinor += chain[i].FaceMinor
		sum[i].ConsiderationMinor += chain[i].ConsiderationMinor
	}
	return sum
}

// Cost is what passing a claim on has cost its transferor: the face less what it got, and that as a simple yearly rate on
// what it got, for the days to the due date.
type Cost struct {
	From               string   `json:"from"`
	To                 string   `json:"to"`
	Recourse           Recourse `json:"recourse"`
	FaceMinor          int64    `json:"face_minor"`
	ConsiderationMinor int64    `json:"consideration_minor"`
	CostMinor          int64    `json:"cost_minor"`
	Days               int64    `json:"days"`
	RateBps            int64    `json:"rate_bps"`
}

// MaxCostBps is where the rate of a cost ends: whoever gave a claim away for next to nothing learns that from the amounts.
const MaxCostBps = 1_000_000

// Costs is the all-in cost of each tier of the fragment, by the day count of the programme: rate = cost ÷ consideration ×
// year ÷ days, rounded half up to a basis point, at most MaxCostBps.
func (f Fragment) Costs(count calendar.DayCount) ([]Cost, error) {
	var list []Cost
	for _, e := range f.Chain {
		days, year, err := count.Fraction(calendar.From(e.At), f.DueDate)
		if err != nil {
			return nil, err
		}
		c := Cost{From: e.From, To: e.To, Recourse: e.Recourse, FaceMinor: e.FaceMinor, ConsiderationMinor: e.ConsiderationMinor,
			CostMinor: e.FaceMinor - e.ConsiderationMinor, Days: days}
		if days > 0 && e.ConsiderationMinor > 0 {
			c.RateBps = MaxCostBps
			if scaled, err := money.MulDiv(c.CostMinor, int64(money.Whole)*year, e.ConsiderationMinor, money.Down); err == nil {
				if rate, err := money.MulDiv(scaled, 1, days, money.HalfUp); err == nil {
					c.RateBps = min(rate, MaxCostBps)
				}
			}
		}
		list = append(list, c)
	}
	return list, nil
}
