package financing

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// Product is what a bank finances.
type Product string

// The products.
const (
	ReceivableProduct Product = "receivable" // on confirmed claims
	InventoryProduct  Product = "inventory"  // on warehouse receipts
	CombinedProduct   Product = "combined"   // on both, under one facility
	// ReverseFactoring is early payment of what a buyer has confirmed, offered by a programme of the buyer's (Programme).
	ReverseFactoring Product = "reverse_factoring"
)

// Kind of collateral.
type Kind string

// The kinds of collateral.
const (
	Fragment Kind = "fragment" // of a confirmed receivable
	Receipt  Kind = "receipt"  // for goods in a warehouse
)

// Outcome of a decision.
type Outcome string

// The outcomes, from good to bad.
const (
	Approve Outcome = "approve"
	Refer   Outcome = "refer" // a person decides
	Decline Outcome = "decline"
)

// Repayment says how the principal comes back.
type Repayment string

// The ways to repay. Interest and fees are due with each instalment.
const (
	Bullet         Repayment = "bullet"          // all of it at maturity
	EqualPrincipal Repayment = "equal_principal" // in equal parts, monthly, the last at maturity
	Annuity        Repayment = "annuity"         // monthly, interest and principal together always the same, the last at maturity
)

// Band is a range of scores with one outcome. Bands are listed from the best; a score falls into the first whose MinPoints
// it reaches. The last band has no floor.
type Band struct {
	Name      string  `json:"name"`
	MinPoints int64   `json:"min_points"` // in the scorecard's inner scale; ignored in the last band
	Outcome   Outcome `json:"outcome"`
}

// Price is a cell of the pricing grid: the rate of a band for tenors up to MaxTenorDays.
type Price struct {
	Band         string            `json:"band"`
	MaxTenorDays int64             `json:"max_tenor_days"`
	Rate         money.BasisPoints `json:"rate_bp"`
}

// LimitRule sets the total of every limit of a kind, and in how many lanes it is split when it is opened.
type LimitRule struct {
	Kind       LimitKind `json:"kind"`
	TotalMinor int64     `json:"total_minor"`
	Lanes      int64     `json:"lanes"`
}

// Terms are a bank's policy as data: everything that a decision depends on besides the application and the facts.
type Terms struct {
	Currency string    `json:"currency"`
	Products []Product `json:"products"`
	// ModelHash is the SHA-256 of the scorecard that the bank decides with.
	ModelHash string  `json:"model_hash"`
	Bands     []Band  `json:"bands"`
	Prices    []Price `json:"prices"`
	// Advance rates: the part of a collateral's value that the bank lends. A rate of 0 excludes the kind.
	AdvanceFragment money.BasisPoints `json:"advance_fragment_bp"`
	AdvanceReceipt  money.BasisPoints `json:"advance_receipt_bp"`
	// ReduceToFit approves the largest advance that fits where more was asked; otherwise that is declined.
	ReduceToFit     bool  `json:"reduce_to_fit"`
	MinAdvanceMinor int64 `json:"min_advance_minor"`
	MaxAdvanceMinor int64 `json:"max_advance_minor"`
	MinTenorDays    int64 `json:"min_tenor_days"`
	MaxTenorDays    int64 `json:"max_tenor_days"`
	// Fee is deducted from the payout at drawdown: a share of the advance, at least FeeMinMinor.
	Fee         money.BasisPoints `json:"fee_bp"`
	FeeMinMinor int64             `json:"fee_min_minor"`
	// Penalty is added to the rate on principal that is overdue.
	Penalty      money.BasisPoints   `json:"penalty_bp"`
	DayCount     calendar.DayCount   `json:"day_count"`
	Rounding     money.Rounding      `json:"rounding"`
	BusinessDays calendar.Convention `json:"business_days"`
	Calendar     calendar.Holidays   `json:"calendar"`
	Repayment    Repayment           `json:"repayment"`
	// WithRecourse: the borrower stays liable where the buyer does not pay.
	WithRecourse bool        `json:"with_recourse"`
	Limits       []LimitRule `json:"limits"`
	// Days that facts may be old at the decision, an offer stays open, an application waits for its decision, a referred
	// one waits for a person, and a loan is overdue before it may be called in default.
	EvidenceMaxAgeDays int64             `json:"evidence_max_age_days"`
	OfferDays          int64             `json:"offer_days"`
	ApplicationDays    int64             `json:"application_days"`
	DefaultAfterDays   int64             `json:"default_after_days"`
	OverrideRefer      bool              `json:"override_refer"`     // a person may approve or decline what was referred
	OverrideDecline    bool              `json:"override_decline"`   // a person may approve what was declined
	MaxBuyerShare      money.BasisPoints `json:"max_buyer_share_bp"` // the most that one buyer's limit may be of the facility's
	// Guards say what the bank does when the trades behind an application look wrong.
	Guards Guards `json:"guards,omitzero"`
	// LimitKey (32 bytes in hex) keys the ids of the bank's limits, so that an outsider cannot tell whom they concern.
	LimitKey string `json:"limit_key"`
}

// Validate reports every failure of the input with its field and value.
func (t Terms) Validate() error {
	var f fault.Fields
	money.Zero(t.Currency).Check(&f, "terms")
	t.checkBands(&f)
	t.checkPrices(&f)
	if len(t.Products) == 0 {
		f.Add("products", "", "must name at least one product")
	}
	for i, p := range t.Products {
		if p != ReceivableProduct && p != InventoryProduct && p != CombinedProduct && p != ReverseFactoring {
			f.Add(fmt.Sprintf("products[%d]", i), p, "must be receivable, inventory, combined or reverse_factoring")
		}
	}
	if raw, err := hex.DecodeString(t.ModelHash); err != nil || len(raw) != 32 {
		f.Add("model_hash", t.ModelHash, "must be a SHA-256 in hexadecimal")
	}
	if raw, err := hex.DecodeString(t.LimitKey); err != nil || len(raw) != 32 {
		f.Add("limit_key", "", "must be 32 bytes in hexadecimal")
	}
	checkRange(&f, "advance_fragment_bp", int64(t.AdvanceFragment), 0, int64(money.Whole))
	checkRange(&f, "advance_receipt_bp", int64(t.AdvanceReceipt), 0, int64(money.Whole))
	checkRange(&f, "min_advance_minor", t.MinAdvanceMinor, 1, MaxAmountMinor)
	checkRange(&f, "max_advance_minor", t.MaxAdvanceMinor, 1, MaxAmountMinor)
	checkRange(&f, "min_tenor_days", t.MinTenorDays, 1, MaxTenorDays)
	checkRange(&f, "max_tenor_days", t.MaxTenorDays, 1, MaxTenorDays)
	// Reasons reach the logs of peers, so they name the other field and not its value.
	if t.MaxAdvanceMinor < t.MinAdvanceMinor {
		f.Add("max_advance_minor", t.MaxAdvanceMinor, "must be at least min_advance_minor")
	}
	if t.MaxTenorDays < t.MinTenorDays {
		f.Add("max_tenor_days", t.MaxTenorDays, "must be at least min_tenor_days")
	}
	checkRange(&f, "fee_bp", int64(t.Fee), 0, 2000)
	checkRange(&f, "fee_min_minor", t.FeeMinMinor, 0, MaxAmountMinor)
	checkRange(&f, "penalty_bp", int64(t.Penalty), 0, MaxRateBP)
	checkRange(&f, "evidence_max_age_days", t.EvidenceMaxAgeDays, 0, 365)
	checkRange(&f, "offer_days", t.OfferDays, 0, 92)
	checkRange(&f, "application_days", t.ApplicationDays, 0, 92)
	checkRange(&f, "default_after_days", t.DefaultAfterDays, 1, 365)
	checkRange(&f, "max_buyer_share_bp", int64(t.MaxBuyerShare), 1, int64(money.Whole))
	addErr(&f, "day_count", t.DayCount, t.DayCount.Validate())
	addErr(&f, "rounding", t.Rounding, t.Rounding.Validate())
	addErr(&f, "business_days", t.BusinessDays, t.BusinessDays.Validate())
	addErr(&f, "calendar", t.Calendar.Name, t.Calendar.Validate())
	if len(t.Calendar.Closed) > MaxClosedDays || len(t.Calendar.Open) > MaxClosedDays {
		f.Add("calendar", len(t.Calendar.Closed), "may list at most %d days", MaxClosedDays)
	}
	if t.Repayment != Bullet && t.Repayment != EqualPrincipal && t.Repayment != Annuity {
		f.Add("repayment", t.Repayment, "must be bullet, equal_principal or annuity")
	}
	t.Guards.check(&f)
	t.checkLimits(&f)
	return f.Err()
}

func addErr(f *fault.Fields, path string, value any, err error) {
	if err != nil {
		f.Add(path, value, "%s", err.Error())
	}
}

func (t Terms) checkBands(f *fault.Fields) {
	if len(t.Bands) < 2 || len(t.Bands) > MaxBands {
		f.Add("bands", len(t.Bands), "must be 2 to %d bands", MaxBands)
		return
	}
	worst := 0
	for i, b := range t.Bands {
		path := fmt.Sprintf("bands[%d]", i)
		if b.Name == "" || len(b.Name) > 16 {
			f.Add(path+".name", b.Name, "must have 1 to 16 bytes")
		}
		for _, other := range t.Bands[:i] {
			if other.Name == b.Name {
				f.Add(path+".name", b.Name, "is another band's name")
			}
		}
		if i > 0 && i < len(t.Bands)-1 && b.MinPoints >= t.Bands[i-1].MinPoints {
			f.Add(path+".min_points", b.MinPoints, "must be below the band before it")
		}
		rank := b.Outcome.rank()
		if rank < 0 {
			f.Add(path+".outcome", b.Outcome, "must be approve, refer or decline")
		}
		if rank < worst {
			f.Add(path+".outcome", b.Outcome, "must not be better than that of a better band")
		}
		worst = max(worst, rank)
	}
	if last := t.Bands[len(t.Bands)-1]; last.Outcome != Decline {
		f.Add(fmt.Sprintf("bands[%d].outcome", len(t.Bands)-1), last.Outcome, "must be decline in the last band")
	}
}

func (t Terms) checkPrices(f *fault.Fields) {
	if len(t.Prices) > MaxPrices {
		f.Add("prices", len(t.Prices), "must be at most %d", MaxPrices)
		return
	}
	for i, p := range t.Prices {
		path := fmt.Sprintf("prices[%d]", i)
		if _, ok := t.band(p.Band); !ok {
			f.Add(path+".band", p.Band, "must be the name of a band")
		}
		checkRange(f, path+".max_tenor_days", p.MaxTenorDays, 1, MaxTenorDays)
		checkRange(f, path+".rate_bp", int64(p.Rate), 0, MaxRateBP)
		if i > 0 && t.Prices[i-1].Band == p.Band && t.Prices[i-1].MaxTenorDays >= p.MaxTenorDays {
			f.Add(path+".max_tenor_days", p.MaxTenorDays, "must be above the cell before it in the same band")
		}
	}
	for _, b := range t.Bands {
		if _, ok := t.price(b.Name, t.MaxTenorDays); !ok && b.Outcome != Decline {
			f.Add("prices", b.Name, "must price this band up to max_tenor_days")
		}
	}
}

func (t Terms) checkLimits(f *fault.Fields) {
	total := map[LimitKind]int64{}
	for i, l := range t.Limits {
		path := fmt.Sprintf("limits[%d]", i)
		if !l.Kind.known() {
			f.Add(path+".kind", l.Kind, "must be one of %v", LimitKinds())
		}
		if _, twice := total[l.Kind]; twice {
			f.Add(path+".kind", l.Kind, "must be named once")
		}
		total[l.Kind] = l.TotalMinor
		checkRange(f, path+".total_minor", l.TotalMinor, 1, MaxAmountMinor)
		checkRange(f, path+".lanes", l.Lanes, 1, MaxLanes)
	}
	for _, must := range []LimitKind{PerBorrower, PerBuyer, Facility} {
		if total[must] == 0 {
			f.Add("limits", must, "must have a limit of this kind")
		}
	}
	most, err := money.MulDiv(total[Facility], int64(t.MaxBuyerShare), int64(money.Whole), money.Down)
	if err == nil && total[PerBuyer] > most {
		f.Add("limits", total[PerBuyer], "must leave one buyer at most max_buyer_share_bp of the facility")
	}
}

// rank orders outcomes from good (0) to bad; -1 for an unknown one.
func (o Outcome) rank() int {
	switch o {
	case Approve:
		return 0
	case Refer:
		return 1
	case Decline:
		return 2
	}
	return -1
}

func (t Terms) band(name string) (Band, bool) {
	for _, b := range t.Bands {
		if b.Name == name {
			return b, true
		}
	}
	return Band{}, false
}

// BandOf returns the band that a score falls into.
func (t Terms) BandOf(points int64) Band {
	last := len(t.Bands) - 1
	for _, b := range t.Bands[:last] {
		if points >= b.MinPoints {
			return b
		}
	}
	return t.Bands[last]
}

// NextBand returns the points that the nearest band with a better outcome starts with; ok is false in the best one.
func (t Terms) NextBand(points int64) (target int64, ok bool) {
	at := t.BandOf(points)
	for _, b := range t.Bands {
		if b.Outcome.rank() < at.Outcome.rank() {
			target, ok = b.MinPoints, true
		}
	}
	return target, ok
}

// price returns the rate of the band's first cell that covers the tenor.
func (t Terms) price(band string, tenorDays int64) (money.BasisPoints, bool) {
	for _, p := range t.Prices {
		if p.Band == band && tenorDays <= p.MaxTenorDays {
			return p.Rate, true
		}
	}
	return 0, false
}

func (t Terms) advanceRate(k Kind) money.BasisPoints {
	if k == Fragment {
		return t.AdvanceFragment
	}
	return t.AdvanceReceipt
}

// PolicyStatus is where a policy stands.
type PolicyStatus string

// The statuses of a policy.
const (
	PolicyProposed   PolicyStatus = "proposed"
	PolicyActive     PolicyStatus = "active"
	PolicyRejected   PolicyStatus = "rejected"
	PolicySuperseded PolicyStatus = "superseded"
)

// PolicyAction is a step in a policy's life.
type PolicyAction string

// The steps in a policy's life.
const (
	ProposePolicy   PolicyAction = "propose"
	ApprovePolicy   PolicyAction = "approve"
	RejectPolicy    PolicyAction = "reject"
	SupersedePolicy PolicyAction = "supersede"
)

const (
	riskUser  = "a risk user of the bank"
	riskOther = "another risk user of the same bank"
	theLedger = "the ledger"
)

// PolicyTable is the life of a policy.
var PolicyTable = transition.Table[PolicyStatus, PolicyAction]{
	{From: "", Action: ProposePolicy, To: PolicyProposed, Who: riskUser, Why: "A new version; nothing is decided by it yet."},
	{From: PolicyProposed, Action: ApprovePolicy, To: PolicyActive, Who: riskOther, Why: "Decisions follow it from now on; the version before it is superseded in the same transaction."},
	{From: PolicyProposed, Action: RejectPolicy, To: PolicyRejected, Who: riskOther, Why: "It does not take effect."},
	{From: PolicyActive, Action: SupersedePolicy, To: PolicySuperseded, Who: theLedger, Why: "A newer version is active; loans and offers made under this one keep their terms."},
}

// PolicyProposal is what a risk user proposes, sealed.
type PolicyProposal struct {
	ID    string `json:"id"`
	Terms Terms  `json:"terms"`
}

// Validate reports every failure of the input with its field and value.
func (p PolicyProposal) Validate() error {
	var f fault.Fields
	checkID(&f, "id", p.ID)
	if err := f.Err(); err != nil {
		return err
	}
	return p.Terms.Validate()
}

// Policy is a version of a bank's policy.
type Policy struct {
	ID         string        `json:"id"`
	Bank       string        `json:"bank"`  // MSP id
	Party      string        `json:"party"` // the bank's opaque party id
	Version    int64         `json:"version"`
	Status     PolicyStatus  `json:"status"`
	Terms      Terms         `json:"terms"`
	ProposedBy member.Actor  `json:"proposed_by"`
	ProposedAt time.Time     `json:"proposed_at"`
	AnsweredBy *member.Actor `json:"answered_by,omitempty"`
	AnsweredAt time.Time     `json:"answered_at,omitzero"`
}

// NewPolicy makes a proposed version. The version before it, if any, gives the number and the limit key, which must stay
// the same: limits are found by it.
func NewPolicy(p PolicyProposal, before *Policy, by member.Actor, at time.Time) (Policy, error) {
	if err := p.Validate(); err != nil {
		return Policy{}, err
	}
	version := int64(1)
	if before != nil {
		if before.Bank != by.MSP {
			return Policy{}, fault.New(fault.NotPermitted, "policy %s belongs to another bank", before.ID)
		}
		version = before.Version + 1
		var f fault.Fields
		if before.Terms.LimitKey != p.Terms.LimitKey {
			f.Add("limit_key", "", "must be that of the version before")
		}
		if before.Terms.Currency != p.Terms.Currency {
			f.Add("currency", p.Terms.Currency, "must be that of the version before")
		}
		if err := f.Err(); err != nil {
			return Policy{}, err
		}
	}
	status, err := PolicyTable.Next("", ProposePolicy)
	if err != nil {
		return Policy{}, err
	}
	return Policy{
		ID: p.ID, Bank: by.MSP, Party: by.Party, Version: version, Status: status, Terms: p.Terms, ProposedBy: by, ProposedAt: at,
	}, nil
}

// Answer approves or rejects a proposed policy. It takes another user of the same bank (NOT_PERMITTED, MAKER_IS_CHECKER).
func (p Policy) Answer(approve bool, by member.Actor, at time.Time) (Policy, error) {
	if by.MSP != p.Bank {
		return p, fault.New(fault.NotPermitted, "policy %s belongs to another bank", p.ID)
	}
	if sameUser(by, p.ProposedBy) {
		return p, fault.New(fault.MakerIsChecker, "policy %s must be approved by another user", p.ID)
	}
	action := RejectPolicy
	if approve {
		action = ApprovePolicy
	}
	next, err := PolicyTable.Next(p.Status, action)
	if err != nil {
		return p, err
	}
	p.Status, p.AnsweredBy, p.AnsweredAt = next, &by, at
	return p, nil
}

// Supersede ends an active policy because a newer version is active.
func (p Policy) Supersede() (Policy, error) {
	next, err := PolicyTable.Next(p.Status, SupersedePolicy)
	if err != nil {
		return p, err
	}
	p.Status = next
	return p, nil
}
