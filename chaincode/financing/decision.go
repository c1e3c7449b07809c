package financing

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// LimitUse is what a loan uses of one lane of a limit.
type LimitUse struct {
	Kind    LimitKind `json:"kind"`
	Subject string    `json:"subject"`
	Limit   string    `json:"limit"`
	Lane    int       `json:"lane"`
	Minor   int64     `json:"minor"`
}

// Decision is the outcome of a case.
type Decision struct {
	Outcome Outcome    `json:"outcome"`
	Band    string     `json:"band"`
	Points  int64      `json:"points"`
	Terms   *LoanTerms `json:"terms,omitempty"` // of an approval; of a referral, what a person may approve
	Uses    []LimitUse `json:"uses,omitempty"`
	Reasons []Because  `json:"reasons"`
	// ScoreReasons are the features that cost the most points, ranked.
	ScoreReasons []string `json:"score_reasons,omitempty"`
	// PointsMissing is how many points the next better outcome is away; 0 where there is none.
	PointsMissing int64         `json:"points_missing,omitempty"`
	Policy        string        `json:"policy"`
	PolicyVersion int64         `json:"policy_version"`
	Score         string        `json:"score"`
	CardHash      string        `json:"card_hash"`
	DecidedOn     calendar.Date `json:"decided_on"`
	// Findings are what looked wrong in the trades, with the parties and invoices concerned.
	Findings *Findings `json:"findings,omitempty"`
}

// Claimed is what a bank submits to have an application decided: the score, the lanes that the loan would draw on, one for
// each of Draws, and the decision that follows from them.
type Claimed struct {
	Score    string   `json:"score"`
	Lanes    []int    `json:"lanes"`
	Decision Decision `json:"decision"`
	// Trips names the invoices of each circle of trades that the bank has found, the applicant's own sale first.
	Trips [][]string `json:"trips,omitempty"`
	// Salt opens the commitment of a tender's offer (hexadecimal).
	Salt string `json:"salt,omitempty"`
}

// Validate reports every failure of the input with its field and value.
func (c Claimed) Validate() error {
	var f fault.Fields
	checkID(&f, "score", c.Score)
	checkLanes(&f, c.Lanes)
	CheckTrips(&f, c.Trips)
	if len(c.Salt) > 128 {
		f.Add("salt", len(c.Salt), "must have at most 128 digits")
	}
	if len(c.Decision.Reasons) > MaxReasons {
		f.Add("decision.reasons", len(c.Decision.Reasons), "must be at most %d", MaxReasons)
	}
	return f.Err()
}

func checkLanes(f *fault.Fields, lanes []int) {
	if len(lanes) > 4*MaxCollateral {
		f.Add("lanes", len(lanes), "must be at most %d", 4*MaxCollateral)
	}
	for _, lane := range lanes {
		checkRange(f, "lanes", int64(lane), 0, MaxLanes-1)
	}
}

// warnings are the reasons that lead to a person where the policy does not decline for them.
var warnings = map[ReasonCode]bool{CircularTrades: true, PartiesRelated: true, InvoiceLooksAlike: true}

// scoreOnly reports whether nothing but what a person may judge stands against the application: the score, or a warning. A warning
// that the policy declines for is refused again when the override is carried out.
func (d Decision) scoreOnly() bool {
	for _, r := range d.Reasons {
		if r.Code != ScoreTooLow && r.Code != ScoreInGreyBand && !warnings[r.Code] {
			return false
		}
	}
	return true
}

// Decide applies the bank's policy. It declines with every reason that there is, refers what falls into a grey band, and
// otherwise approves with terms. What makes the case undecidable is an error instead: POLICY_NOT_ACTIVE, SCORE_NOT_USABLE
// (about something else, or of a model that the policy does not accept), COLLATERAL_MISMATCH (facts that are not the
// application's), COLLATERAL_ENCUMBERED, EVIDENCE_STALE, LIMIT_MISMATCH (a limit that must be asked is not).
func Decide(c Case) (Decision, error) {
	d, err := c.decide(false)
	return d, err
}

// DecideOverride is Decide as if the score were in a band that is approved: what a person may approve. Terms, limits and
// collateral are still the policy's; the price is that of the score's own band or, where it has none, of the worst one that
// has. AdvanceMinor of the override caps the advance.
func DecideOverride(c Case) (Decision, error) {
	if o := c.Application.Override; o != nil && o.AdvanceMinor > 0 {
		c.Application.AdvanceMinor = o.AdvanceMinor
	}
	d, err := c.decide(true)
	if err != nil {
		return d, err
	}
	if d.Outcome != Approve {
		return d, fault.New(fault.OverrideNotAllowed, "more than the score stands against application %s", c.Application.ID)
	}
	d.Reasons = append(d.Reasons, Because{Code: ByPerson})
	return d, nil
}

// Same returns DECISION_OUTSIDE_POLICY unless the two decisions are equal, byte for byte.
func Same(claimed, want Decision) error {
	a, errA := json.Marshal(claimed)
	b, errB := json.Marshal(want)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		return fault.New(fault.DecisionOutsidePolicy, "the decision is not the one that policy %s gives", want.Policy)
	}
	return nil
}

func (c Case) check() error {
	a, p := c.Application, c.Policy
	switch {
	case p.Status != PolicyActive || p.Bank != a.Bank:
		return fault.New(fault.PolicyNotActive, "policy %s is not the active policy of %s", p.ID, a.Bank)
	case c.Score.Application != a.ID || c.Score.Subject != a.Applicant:
		return fault.New(fault.ScoreNotUsable, "score %s is not about application %s", c.Score.ID, a.ID)
	case c.Score.CardHash != p.Terms.ModelHash:
		return fault.New(fault.ScoreNotUsable, "score %s is of a model that policy %s does not accept", c.Score.ID, p.ID)
	case len(c.Collateral) != len(a.Collateral):
		return fault.New(fault.CollateralMismatch, "the facts are not those of application %s", a.ID)
	}
	if err := c.fresh(c.Score.EvidenceOn, "score "+c.Score.ID); err != nil {
		return err
	}
	for _, trip := range c.Findings.Trips {
		if _, err := NewRoundTrip(a.Applicant, trip.Trades, p.Terms.Guards.Window()); err != nil {
			return err
		}
	}
	for i, f := range c.Collateral {
		if f.Ref != a.Collateral[i] || f.Owner != a.Applicant {
			return fault.New(fault.CollateralMismatch, "%s %s is not what application %s names, or not the applicant's", f.Kind, f.ID, a.ID)
		}
		if f.ReservedFor != a.Lien() {
			return fault.New(fault.CollateralEncumbered, "%s %s is not reserved for application %s", f.Kind, f.ID, a.ID)
		}
		if !f.EvidenceOn.IsZero() {
			if err := c.fresh(f.EvidenceOn, string(f.Kind)+" "+f.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c Case) fresh(on calendar.Date, what string) error {
	if age := calendar.DaysBetween(on, c.Today); age < 0 || int64(age) > c.Policy.Terms.EvidenceMaxAgeDays {
		return fault.New(fault.EvidenceStale, "the evidence of %s is older than policy %s accepts", what, c.Policy.ID)
	}
	return nil
}

func (c Case) decide(overridden bool) (Decision, error) {
	if err := c.check(); err != nil {
		return Decision{}, err
	}
	t := c.Policy.Terms
	band := t.BandOf(c.Score.Points)
	d := Decision{
		Outcome: band.Outcome, Band: band.Name, Points: c.Score.Points, Reasons: []Because{}, ScoreReasons: slices.Clone(c.Score.Reasons),
		Policy: c.Policy.ID, PolicyVersion: c.Policy.Version, Score: c.Score.ID, CardHash: c.Score.CardHash, DecidedOn: c.Today,
	}
	if target, ok := t.NextBand(c.Score.Points); ok {
		d.PointsMissing = target - c.Score.Points
	}
	switch {
	case overridden:
		d.Outcome = Approve
	case band.Outcome == Decline:
		d.because(ScoreTooLow, "")
	case band.Outcome == Refer:
		d.because(ScoreInGreyBand, "")
	}
	maturity, tenorDays, err := c.maturity()
	if err != nil {
		return Decision{}, err
	}
	forbidden, err := c.warn(&d, overridden)
	if err != nil {
		return Decision{}, err
	}
	against := len(d.Reasons)
	c.checkProduct(&d, maturity, tenorDays)
	advance, uses, err := c.advance(&d, len(d.Reasons) > against)
	if err != nil {
		return Decision{}, err
	}
	hard := slices.ContainsFunc(d.Reasons[against:], func(r Because) bool { return r.Code != AdvanceReduced })
	if hard || forbidden {
		d.Outcome = Decline
	}
	if d.Outcome == Decline {
		return d, nil
	}
	rate, err := c.rate(band, tenorDays, overridden)
	if err != nil {
		return Decision{}, err
	}
	terms, err := c.terms(advance, rate, maturity)
	if err != nil {
		return Decision{}, err
	}
	if terms.FeeMinor >= advance {
		d.because(AmountBelowMinimum, "")
		d.Outcome = Decline
		return d, nil
	}
	d.Terms, d.Uses = terms, uses
	return d, nil
}

func (d *Decision) because(code ReasonCode, ref string) {
	one := Because{Code: code, Ref: ref}
	if len(d.Reasons) < MaxReasons && !slices.Contains(d.Reasons, one) {
		d.Reasons = append(d.Reasons, one)
	}
}

// maturity is the day of the last payment: the tenor after today, or the last claim's due date, on a business day.
func (c Case) maturity() (on calendar.Date, tenorDays int64, err error) {
	if c.Application.TenorDays > 0 {
		on, err = c.Today.AddDays(int(c.Application.TenorDays))
		if err != nil {
			return on, 0, err
		}
	} else {
		for _, f := range c.Collateral {
			if f.DueOn.After(on) {
				on = f.DueOn
			}
		}
	}
	if on, err = c.Policy.Terms.Calendar.Adjust(on, c.Policy.Terms.BusinessDays); err != nil {
		return on, 0, err
	}
	return on, int64(calendar.DaysBetween(c.Today, on)), nil
}

func (c Case) checkProduct(d *Decision, maturity calendar.Date, tenorDays int64) {
	t, a := c.Policy.Terms, c.Application
	if !slices.Contains(t.Products, a.Product) {
		d.because(ProductNotOffered, "")
	}
	if a.Currency != t.Currency {
		d.because(CurrencyNotOffered, "")
	}
	if tenorDays < t.MinTenorDays {
		d.because(TenorTooShort, "")
	}
	if tenorDays > t.MaxTenorDays {
		d.because(TenorTooLong, "")
	}
	for _, f := range c.Collateral {
		if t.advanceRate(f.Kind) == 0 || f.Currency != t.Currency || f.ValueMinor <= 0 || !f.DueOn.IsZero() && !f.DueOn.After(c.Today) {
			d.because(CollateralUnfit, f.ID)
			continue
		}
		if !f.Proved {
			d.because(CollateralUnproved, f.ID)
		}
		if f.Impaired {
			d.because(CollateralImpaired, f.ID)
		}
		if f.DueOn.After(maturity) {
			d.because(CollateralDueLate, f.ID)
		}
	}
}

// lendable is what the bank lends on a piece of collateral.
func (c Case) lendable(f CollateralFact) (int64, error) {
	if f.Currency != c.Policy.Terms.Currency || f.ValueMinor <= 0 || !f.Proved || f.Impaired {
		return 0, nil
	}
	if c.Programme != nil { // early payment is of the whole claim
		return f.ValueMinor, nil
	}
	return money.MulDiv(f.ValueMinor, int64(c.Policy.Terms.advanceRate(f.Kind)), int64(money.Whole), money.Down)
}

// advance finds the largest advance that collateral, policy and limits carry, compares it with what was asked, and says
// what the loan would use of each limit.
func (c Case) advance(d *Decision, hopeless bool) (int64, []LimitUse, error) {
	t, asked := c.Policy.Terms, c.Application.AdvanceMinor
	shares, base, err := c.shares()
	if err != nil {
		return 0, nil, err
	}
	if asked > base || base == 0 {
		c.tooMuch(d, CollateralTooLow, base == 0)
	}
	if asked > t.MaxAdvanceMinor {
		c.tooMuch(d, AmountAboveMaximum, false)
	}
	most := min(base, t.MaxAdvanceMinor)
	want := asked
	if want == 0 {
		want = most
	}
	for i, s := range shares {
		h, err := c.headroom(s)
		if err != nil {
			return 0, nil, err
		}
		shares[i].room = h
		if base == 0 || s.weight == 0 {
			continue
		}
		// The limit carries an advance x where ⌈x × weight ÷ base⌉ is at most its room.
		carries, err := money.MulDiv(h.FreeMinor, base, s.weight, money.Down)
		if fault.CodeOf(err) == fault.AmountOverflow {
			carries, err = math.MaxInt64, nil
		}
		if err != nil {
			return 0, nil, err
		}
		if carries < min(want, most) {
			c.tooMuch(d, limitReason(s.Kind), carries < t.MinAdvanceMinor)
		}
		most = min(most, carries)
	}
	if hopeless {
		return 0, nil, nil
	}
	advance := min(want, most)
	if advance < t.MinAdvanceMinor {
		d.because(AmountBelowMinimum, "")
		return 0, nil, nil
	}
	uses := make([]LimitUse, 0, len(shares))
	for _, s := range shares {
		minor, err := money.MulDiv(advance, s.weight, base, money.Up)
		if err != nil {
			return 0, nil, err
		}
		uses = append(uses, LimitUse{Kind: s.Kind, Subject: s.Subject, Limit: s.room.Limit, Lane: s.room.Lane, Minor: minor})
	}
	return advance, uses, nil
}

// tooMuch records that a bound is below what was asked: with ReduceToFit the advance shrinks to it and says so, unless
// nothing is left.
func (c Case) tooMuch(d *Decision, code ReasonCode, nothing bool) {
	switch {
	case !c.Policy.Terms.ReduceToFit && c.Application.AdvanceMinor > 0 || nothing:
		d.because(code, "")
	case c.Application.AdvanceMinor > 0:
		d.because(AdvanceReduced, string(code))
	}
}

// share is a limit that the loan draws on, and the part of the advance that counts against it: weight of base.
type share struct {
	Draw
	weight int64
	room   Headroom
}

// shares divides the advance over the limits that it counts against, in a fixed order; base is what the collateral carries.
func (c Case) shares() (list []share, base int64, err error) {
	weights := make([]int64, len(c.Collateral))
	for i, f := range c.Collateral {
		if weights[i], err = c.lendable(f); err != nil {
			return nil, 0, err
		}
		if base += weights[i]; base > MaxAmountMinor {
			base = MaxAmountMinor
		}
	}
	for _, draw := range c.Draws() {
		s := share{Draw: draw}
		for i, f := range c.Collateral {
			if draw.Kind == PerBuyer && f.Buyer != draw.Subject || draw.Kind == PerProgramme && f.Circle != draw.Subject {
				continue
			}
			s.weight = min(s.weight+weights[i], base)
		}
		list = append(list, s)
	}
	return list, base, nil
}

// Draw names a limit that a loan draws on.
type Draw struct {
	Kind    LimitKind `json:"kind"`
	Subject string    `json:"subject"`
}

// Validate reports every failure of the input with its field and value.
func (d Draw) Validate() error {
	var f fault.Fields
	if !d.Kind.known() {
		f.Add("kind", d.Kind, "must be one of %v", LimitKinds())
	}
	if d.Subject == "" || len(d.Subject) > 64 {
		f.Add("subject", d.Subject, "must have 1 to 64 bytes")
	}
	return f.Err()
}

// Draws lists the limits that a loan on the application draws on, of the kinds that the policy limits: the facility, the
// borrower, each buyer, each programme, in the order of the collateral, and the borrower's sectors.
func (c Case) Draws() []Draw {
	var list []Draw
	add := func(kind LimitKind, subject string) {
		d := Draw{Kind: kind, Subject: subject}
		if c.Policy.Terms.Limited(kind) && subject != "" && !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	add(Facility, c.Policy.Bank)
	add(PerBorrower, c.Application.Applicant)
	for _, f := range c.Collateral {
		add(PerBuyer, f.Buyer)
	}
	for _, f := range c.Collateral {
		add(PerProgramme, f.Circle)
	}
	for _, sector := range c.Sectors {
		add(PerSector, sector)
	}
	if len(c.Sectors) == 0 {
		add(PerSector, Unclassified)
	}
	return list
}

func (c Case) headroom(s share) (Headroom, error) {
	id, err := c.Policy.Terms.LimitID(c.Policy.Bank, s.Kind, s.Subject)
	if err != nil {
		return Headroom{}, err
	}
	for _, h := range c.Headroom {
		if h.Limit == id && h.Kind == s.Kind && h.Subject == s.Subject {
			return h, nil
		}
	}
	return Headroom{}, fault.New(fault.LimitMismatch, "the facts lack limit %s", id)
}

func limitReason(k LimitKind) ReasonCode {
	switch k {
	case PerBorrower:
		return BorrowerLimitReached
	case PerBuyer:
		return BuyerLimitReached
	case PerProgramme:
		return ProgrammeLimitHit
	case PerSector:
		return SectorLimitReached
	}
	return FacilityLimitReached
}

// rate is the price of the band for the tenor. An override of a band without a price takes the worst band's that has one.
func (c Case) rate(b Band, tenorDays int64, overridden bool) (money.BasisPoints, error) {
	t := c.Policy.Terms
	if rate, ok := t.price(b.Name, tenorDays); ok {
		return rate, nil
	}
	if overridden {
		for i := len(t.Bands) - 1; i >= 0; i-- {
			if rate, ok := t.price(t.Bands[i].Name, tenorDays); ok {
				return rate, nil
			}
		}
	}
	return 0, fault.New(fault.InternalError, "policy %s has no price for band %s", c.Policy.ID, b.Name)
}
