package receipt

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of what a receipt refers to.
const (
	MaxDevices    = 64
	MaxConditions = 16
	MaxParts      = 32
)

var idPattern = regexp.MustCompile(`^[a-z]{2,4}-[0-9a-f]{8,40}$`)

// Holder is a legal entity: the organisation that speaks for it and its opaque party id. Without a party it is the
// organisation itself, as a bank is.
type Holder struct {
	MSP   string `json:"msp"`
	Party string `json:"party,omitempty"`
}

// Is reports whether the actor acts for the holder.
func (h Holder) Is(a member.Actor) bool {
	return h.MSP != "" && h.MSP == a.MSP && (h.Party == "" || h.Party == a.Party)
}

// Check records what is missing.
func (h Holder) Check(bad *fault.Fields, path string) {
	if h.MSP == "" || len(h.MSP) > MaxTextBytes {
		bad.Add(path+".msp", h.MSP, "must be an MSP id")
	}
	if h.Party == "" || len(h.Party) > MaxTextBytes {
		bad.Add(path+".party", h.Party, "must be a party id")
	}
}

// Condition is how the goods must be kept: Min and Max are in 10^-Scale of Unit, inclusive.
type Condition struct {
	Property string `json:"property"`
	Unit     string `json:"unit"`
	Scale    int    `json:"scale"`
	Min      int64  `json:"min"`
	Max      int64  `json:"max"`
}

// Lien is the claim of one creditor on the goods, for one financing: the id of the application while the receipt is reserved,
// of the loan from the pledge on.
type Lien struct {
	Creditor  string    `json:"creditor"` // the bank's MSP id
	Financing string    `json:"financing"`
	Since     time.Time `json:"since"`
}

// Proposal is an exchange of goods that the operator asks for: the lines Out, by index, for the goods In.
type Proposal struct {
	Out []int   `json:"out"`
	In  []Goods `json:"in"`
}

// Receipt is an electronic warehouse receipt. Controller is the one party whose instruction the operator follows: the owner,
// or the creditor while the receipt is pledged.
type Receipt struct {
	ID         string        `json:"id"`
	Programme  string        `json:"programme"`
	Status     Status        `json:"status"`
	Operator   string        `json:"operator"` // the warehouse's MSP id
	Owner      Holder        `json:"owner"`
	Controller Holder        `json:"controller"`
	Site       string        `json:"site"`
	Lines      []Line        `json:"lines"`
	Devices    []string      `json:"devices,omitempty"`
	Conditions []Condition   `json:"conditions,omitempty"`
	StoredOn   calendar.Date `json:"stored_on"`
	IssuedAt   time.Time     `json:"issued_at"`
	// Charges are the operator's storage charges that rank before the creditor when the goods are sold.
	Charges *money.Amount `json:"charges,omitempty"`
	// Declared is what the owner says that the goods are worth, as insured. No price rule stands behind it.
	Declared *money.Amount `json:"declared,omitempty"`
	Offer    *Holder       `json:"offer,omitempty"`
	Lien     *Lien         `json:"lien,omitempty"`
	Proposal *Proposal     `json:"proposal,omitempty"`
	From     []string      `json:"from,omitempty"` // the receipts that this one replaces
	Into     []string      `json:"into,omitempty"` // the receipts that replace this one
	// Relied is true once anybody but the first owner has acted on the receipt; the operator cannot cancel it from then on.
	Relied bool `json:"relied,omitempty"`
}

// Issuance is the input for a new receipt.
type Issuance struct {
	ID         string        `json:"id"`
	Owner      Holder        `json:"owner"`
	Site       string        `json:"site"`
	Goods      []Goods       `json:"goods"`
	Devices    []string      `json:"devices,omitempty"`
	Conditions []Condition   `json:"conditions,omitempty"`
	StoredOn   calendar.Date `json:"stored_on"`
	Charges    *money.Amount `json:"charges,omitempty"`
	Declared   *money.Amount `json:"declared,omitempty"`
}

// Validate reports every failure of the input with its field and value.
func (in Issuance) Validate() error {
	var bad fault.Fields
	checkID(&bad, "id", in.ID)
	in.Owner.Check(&bad, "owner")
	text(&bad, "site", in.Site, true)
	checkGoods(&bad, "goods", in.Goods)
	checkIDs(&bad, "devices", in.Devices, MaxDevices)
	checkConditions(&bad, in.Conditions)
	if in.StoredOn.IsZero() {
		bad.Add("stored_on", "", "is missing")
	}
	if in.Charges != nil {
		in.Charges.CheckPositive(&bad, "charges")
	}
	if in.Declared != nil {
		in.Declared.CheckPositive(&bad, "declared")
	}
	return bad.Err()
}

func checkID(bad *fault.Fields, path, id string) {
	if !idPattern.MatchString(id) {
		bad.Add(path, id, "must look like rct-0123456789abcdef0123")
	}
}

func checkIDs(bad *fault.Fields, path string, ids []string, most int) {
	if len(ids) > most {
		bad.Add(path, len(ids), "must be at most %d", most)
		return
	}
	for i, id := range ids {
		checkID(bad, fmt.Sprintf("%s[%d]", path, i), id)
		if slices.Contains(ids[:i], id) {
			bad.Add(fmt.Sprintf("%s[%d]", path, i), id, "is named twice")
		}
	}
}

func checkGoods(bad *fault.Fields, path string, goods []Goods) {
	if len(goods) == 0 || len(goods) > MaxLines {
		bad.Add(path, len(goods), "must be 1 to %d lines", MaxLines)
		return
	}
	for i, g := range goods {
		at := fmt.Sprintf("%s[%d]", path, i)
		g.Check(bad, at)
		for _, other := range goods[:i] {
			if sameLot(g, other) {
				bad.Add(at+".lot", g.Lot, "stands on another line already; one line a lot")
			}
		}
	}
}

func checkConditions(bad *fault.Fields, list []Condition) {
	if len(list) > MaxConditions {
		bad.Add("conditions", len(list), "must be at most %d", MaxConditions)
		return
	}
	for i, c := range list {
		at := fmt.Sprintf("conditions[%d]", i)
		if !propertyPattern.MatchString(c.Property) {
			bad.Add(at+".property", c.Property, "must be an EPCIS measurement type such as Temperature")
		}
		if !unitPattern.MatchString(c.Unit) {
			bad.Add(at+".unit", c.Unit, "must be a UN/CEFACT Recommendation 20 code such as CEL")
		}
		if c.Scale < 0 || c.Scale > MaxScale {
			bad.Add(at+".scale", c.Scale, "must be 0 to %d decimals", MaxScale)
		}
		if c.Min > c.Max {
			bad.Add(at+".min", c.Min, "must not be above max")
		}
		for _, other := range list[:i] {
			if other.Property == c.Property {
				bad.Add(at+".property", c.Property, "has a condition already")
			}
		}
	}
}

// sameLot reports whether two goods have a lot fingerprint in common.
func sameLot(a, b Goods) bool {
	if foldMark(a.Lot) != foldMark(b.Lot) {
		return false
	}
	return a.GTIN != "" && pad(a.GTIN) == pad(b.GTIN) || a.LotIssuer != "" && foldName(a.LotIssuer) == foldName(b.LotIssuer)
}

// New issues a receipt: the operator acknowledges goods that it has received on or before the day of the transaction.
func New(operator member.Actor, programme string, in Issuance, at time.Time) (Receipt, error) {
	if err := in.Validate(); err != nil {
		return Receipt{}, err
	}
	status, err := Lifecycle.Next("", Issue)
	if err != nil {
		return Receipt{}, err
	}
	if in.StoredOn.After(calendar.From(at)) {
		var bad fault.Fields
		bad.Add("stored_on", in.StoredOn, "must not be after today")
		return Receipt{}, bad.Err()
	}
	r := Receipt{
		ID: in.ID, Programme: programme, Status: status, Operator: operator.MSP,
		Owner: in.Owner, Controller: in.Owner, Site: in.Site, Devices: in.Devices, Conditions: in.Conditions,
		StoredOn: in.StoredOn, IssuedAt: at, Charges: in.Charges, Declared: in.Declared,
	}
	for _, g := range in.Goods {
		r.Lines = append(r.Lines, Line{Goods: g, Origin: r.ID})
	}
	return r, nil
}

// step returns a copy in the status to which the action leads.
func (r Receipt) step(action Action) (Receipt, error) {
	to, err := Lifecycle.Next(r.Status, action)
	if err != nil {
		if r.Status.Liened() {
			return r, fault.New(fault.ReceiptPledged, "receipt %s is %s; %s is not possible", r.ID, r.Status, action)
		}
		return r, err
	}
	r.Status = to
	return r, nil
}

// by is step for an action of one party, and RECEIPT_NOT_HELD for anybody else.
func (r Receipt) by(a member.Actor, who Holder, action Action) (Receipt, error) {
	next, err := r.step(action)
	if err != nil {
		return r, err
	}
	if !who.Is(a) {
		return r, fault.New(fault.ReceiptNotHeld, "%s of receipt %s is not this party's to do", action, r.ID)
	}
	return next, nil
}

// VisibleTo reports whether a user of an organisation that reads the receipt's programme may see it. In an organisation that
// hosts SMEs only the host's staff, the owner, and whom it is offered to.
func (r Receipt) VisibleTo(a member.Actor, organisation member.Kind) bool {
	return organisation != member.Supplier || a.Has(member.Host) || r.Owner.Is(a) || r.offered().Is(a)
}
