package receivable

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// roundInterest rounds late interest: to the nearest minor unit, from the middle to the even one.
const roundInterest = money.HalfEven

// Paying is the input of a payment.
type Paying struct {
	ID          string `json:"id"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
}

// Validate reports every failure with its field and value.
func (p Paying) Validate() error {
	var bad fault.Fields
	checkID(&bad, "id", p.ID, "pay")
	checkCurrency(&bad, "currency", p.Currency)
	if p.AmountMinor <= 0 {
		bad.Add("amount_minor", p.AmountMinor, "must be above zero")
	}
	return bad.Err()
}

// Payment is a payment of the buyer with its distribution.
type Payment struct {
	ID            string `json:"id"`
	Receivable    string `json:"receivable"`
	Currency      string `json:"currency"`
	AmountMinor   int64  `json:"amount_minor"`
	InterestMinor int64  `json:"interest_minor"`
	// PrincipalMinor is what it pays on the faces.
	PrincipalMinor int64    `json:"principal_minor"`
	By             Mark     `json:"by"`
	Payouts        []Payout `json:"payouts"`
}

// Payout is one fragment's part of a payment.
type Payout struct {
	Fragment string `json:"fragment"`
	Holder   string `json:"holder"`
	// Payee gets the money: the holder, or the bank to which the fragment is pledged.
	Payee string `json:"payee"`
	// Application is the financing that the fragment backs; the money repays its loan first.
	Application    string `json:"application,omitempty"`
	PrincipalMinor int64  `json:"principal_minor"`
	InterestMinor  int64  `json:"interest_minor"`
	// Costs is what each tier paid for passing the fragment on, as far as the reader may see it. It is added when a payment is
	// read and does not stand in the record.
	Costs []Cost `json:"costs,omitempty"`
}

// PartOf is the payment as a party on the suppliers' side sees it: its own payouts and their sums, or, as the seller, the sums of
// the whole payment. ok is false where nothing of it is the party's.
func (p Payment) PartOf(r Receivable, party string) (part Payment, ok bool) {
	payouts := []Payout{}
	for _, o := range p.Payouts {
		if o.Holder == party || o.Payee == party {
			payouts = append(payouts, o)
		}
	}
	p.Payouts = payouts
	if r.Invoice.Seller == party || r.Invoice.Buyer == party {
		return p, true
	}
	p.AmountMinor, p.InterestMinor, p.PrincipalMinor = 0, 0, 0
	for _, o := range payouts {
		p.InterestMinor += o.InterestMinor
		p.PrincipalMinor += o.PrincipalMinor
	}
	p.AmountMinor = p.InterestMinor + p.PrincipalMinor
	return p, len(payouts) > 0
}

// WithCosts adds to each payout the costs of its fragment's transfers: of every tier, or, where a party is given, of those that
// it made itself.
func (p Payment) WithCosts(r Receivable, fragments []Fragment, party string) (Payment, error) {
	count := r.Rules.WithDefaults().DayCount
	p.Payouts = slices.Clone(p.Payouts)
	for i, o := range p.Payouts {
		at := slices.IndexFunc(fragments, func(f Fragment) bool { return f.ID == o.Fragment })
		if at < 0 {
			continue
		}
		costs, err := fragments[at].Costs(count)
		if err != nil {
			return p, err
		}
		p.Payouts[i].Costs = slices.DeleteFunc(costs, func(c Cost) bool { return party != "" && c.From != party })
	}
	return p, nil
}

// Bill is what the buyer has to pay on a day. Amounts are in minor units of Currency.
type Bill struct {
	Receivable string        `json:"receivable"`
	Status     Status        `json:"status"`
	On         calendar.Date `json:"on"`
	DueDate    calendar.Date `json:"due_date"`
	Currency   string        `json:"currency"`
	// PrincipalMinor and InterestMinor are what is owed and not in dispute; TotalMinor is both, the most that Pay takes.
	PrincipalMinor int64 `json:"principal_minor"`
	InterestMinor  int64 `json:"interest_minor"`
	TotalMinor     int64 `json:"total_minor"`
	// DisputedMinor is the face of frozen fragments.
	DisputedMinor int64 `json:"disputed_minor"`
}

// Bill says what is to be paid on the day, late interest up to it included. It changes nothing.
func (c Claim) Bill(on calendar.Date) (Bill, error) {
	if !c.Receivable.HasClaim() {
		return Bill{}, fault.New(fault.ReceivableNotConfirmed, "receivable %s is %s", c.Receivable.ID, c.Receivable.Status)
	}
	d, err := c.draft()
	if err != nil {
		return Bill{}, err
	}
	if err := d.accrue(on); err != nil {
		return Bill{}, err
	}
	b := Bill{Receivable: d.r.ID, Status: d.r.Status, On: on, DueDate: d.r.Invoice.DueDate, Currency: d.r.Invoice.Currency}
	for _, f := range d.fragments { // the faces together fit, and so does the interest that accrue has checked
		if f.Status == Frozen {
			b.DisputedMinor += f.FaceMinor
			continue
		}
		b.PrincipalMinor += f.FaceMinor
		b.InterestMinor += f.InterestMinor
	}
	total, err := d.r.amount(b.PrincipalMinor).Add(d.r.amount(b.InterestMinor))
	b.TotalMinor = total.Minor
	return b, err
}

// Pay distributes a payment of the buyer, by its checker, to the holders on record: late interest first (German Civil
// Code, section 367; Civil Code of the PRC, article 561), then the faces, each pro rata by the method of largest
// remainders, in the order of age and id. Frozen fragments take no part, because what the buyer disputes it does not pay.
// It returns PAYMENT_TOO_LARGE where the payment is more than that, CURRENCY_MISMATCH, NOT_PERMITTED or TRANSITION_DENIED.
func (c Claim) Pay(in Paying, by member.Actor, at time.Time) (Outcome, Payment, error) {
	if err := in.Validate(); err != nil {
		return Outcome{}, Payment{}, err
	}
	if err := mustBe(by, c.Receivable.Invoice.Buyer, member.Checker); err != nil {
		return Outcome{}, Payment{}, err
	}
	if !c.Receivable.HasClaim() {
		return Outcome{}, Payment{}, fault.New(fault.ReceivableNotConfirmed, "receivable %s is %s", c.Receivable.ID, c.Receivable.Status)
	}
	if in.Currency != c.Receivable.Invoice.Currency {
		return Outcome{}, Payment{}, fault.New(fault.CurrencyMismatch, "the payment is not in the currency of receivable %s", c.Receivable.ID)
	}
	d, err := c.draft()
	if err != nil {
		return Outcome{}, Payment{}, err
	}
	if err := d.accrue(calendar.From(at)); err != nil {
		return Outcome{}, Payment{}, err
	}
	payment := Payment{ID: in.ID, Receivable: c.Receivable.ID, Currency: in.Currency, AmountMinor: in.AmountMinor, By: mark(by, at)}
	if err := d.distribute(&payment); err != nil {
		return Outcome{}, Payment{}, err
	}
	out, err := d.outcome()
	return out, payment, err
}

func (d *draft) distribute(p *Payment) error {
	var payable []int // places in d.fragments
	var faces, interests []int64
	owedInterest, owedFaces := d.r.amount(0), d.r.amount(0)
	for i, f := range d.fragments {
		if f.Status == Frozen {
			continue
		}
		payable, faces, interests = append(payable, i), append(faces, f.FaceMinor), append(interests, f.InterestMinor)
		var err error
		if owedInterest, err = owedInterest.Add(f.interest()); err != nil {
			return err
		}
		if owedFaces, err = owedFaces.Add(f.Face()); err != nil {
			return err
		}
	}
	total, err := owedFaces.Add(owedInterest)
	if err != nil {
		return err
	}
	if p.AmountMinor > total.Minor {
		return fault.New(fault.PaymentTooLarge, "the payment is more than what is owed on receivable %s and not in dispute", d.r.ID)
	}
	p.InterestMinor = min(p.AmountMinor, owedInterest.Minor)
	p.PrincipalMinor = p.AmountMinor - p.InterestMinor
	interestShares, err := shares(p.InterestMinor, interests)
	if err != nil {
		return err
	}
	faceShares, err := shares(p.PrincipalMinor, faces)
	if err != nil {
		return err
	}
	for k, i := range payable {
		if faceShares[k] == 0 && interestShares[k] == 0 {
			continue
		}
		f := d.fragments[i]
		p.Payouts = append(p.Payouts, f.payout(faceShares[k], interestShares[k]))
		if f, err = f.paid(faceShares[k], interestShares[k]); err != nil {
			return err
		}
		d.put(i, f)
	}
	d.r.PaidMinor += p.PrincipalMinor
	d.r.LateInterestPaidMinor += p.InterestMinor
	action := Pay
	if !d.owes() {
		action = Settle
	}
	d.r, err = d.r.step(action)
	return err
}

// shares divides an amount by weights whose sum is at least as much, so no share is more than its weight.
func shares(minor int64, weights []int64) ([]int64, error) {
	list := make([]int64, len(weights))
	if minor == 0 {
		return list, nil
	}
	parts, err := money.Amount{Minor: minor}.Allocate(weights)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		list[i] = p.Minor
	}
	return list, nil
}

func (f Fragment) interest() money.Amount {
	return money.Amount{Minor: f.InterestMinor, Currency: f.Currency}
}

func (f Fragment) payout(principalMinor, interestMinor int64) Payout {
	p := Payout{Fragment: f.ID, Holder: f.Holder, Payee: f.Holder, PrincipalMinor: principalMinor, InterestMinor: interestMinor}
	if f.Encumbrance != nil {
		p.Application = f.Encumbrance.Application
		if f.Encumbrance.Bank != "" {
			p.Payee = f.Encumbrance.Bank
		}
	}
	return p
}

func (f Fragment) paid(principalMinor, interestMinor int64) (Fragment, error) {
	if principalMinor == f.FaceMinor {
		return f.close(PayOff)
	}
	next, err := f.step(PayPart)
	if err != nil {
		return f, err
	}
	f.Status, f.FaceMinor, f.InterestMinor, f.Offer = next, f.FaceMinor-principalMinor, f.InterestMinor-interestMinor, nil
	return f, nil
}

// WriteOff marks the actor's own fragments of a defaulted receivable as written off, by a holder's checker; when no other
// live fragment is left, the receivable is written off. It waives nothing: a later payment is distributed as before.
func (c Claim) WriteOff(by member.Actor, at time.Time) (Outcome, error) {
	d, err := c.draft()
	if err != nil {
		return Outcome{}, err
	}
	if err := d.accrue(calendar.From(at)); err != nil {
		return Outcome{}, err
	}
	if !Life.Allows(d.r.Status, WriteOff) {
		_, err := d.r.step(WriteOff)
		return Outcome{}, err
	}
	mine := 0
	for i, f := range d.fragments {
		if f.Holder != by.Party || f.Status == WroteOff {
			continue
		}
		if err := f.heldBy(by, member.Checker); err != nil {
			return Outcome{}, err
		}
		if f.Status, err = f.step(WriteOffHolding); err != nil {
			return Outcome{}, err
		}
		f.Offer = nil
		d.put(i, f)
		mine++
	}
	if mine == 0 {
		return Outcome{}, fault.New(fault.NotHolder, "you hold no fragment of receivable %s", d.r.ID)
	}
	all := true
	for _, f := range d.fragments {
		all = all && (!f.Live() || f.Status == WroteOff)
	}
	if all {
		if d.r, err = d.r.step(WriteOff); err != nil {
			return Outcome{}, err
		}
	}
	return d.outcome()
}
