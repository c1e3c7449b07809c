package financing

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// MaxBidders is the most banks that one tender asks.
const MaxBidders = 10

// Bidder is a bank that a tender asks: the application to it, on its desk, with the applicant's consent to it.
type Bidder struct {
	Bank        string `json:"bank"` // MSP id
	Desk        string `json:"desk"`
	Application string `json:"application"`
	Consent     string `json:"consent"`
}

// Tender ties applications to several banks over the same collateral. Each bank sees its own application only. Until CommitBy a
// bank commits to its offer by a salted hash, so that nobody, not even who may read its desk, knows it; from then until RevealBy
// it reveals the offer, which its policy must give. What loses stays sealed on the desk of the bank that made it.
type Tender struct {
	ID       string    `json:"id"`
	CommitBy time.Time `json:"commit_by"`
	RevealBy time.Time `json:"reveal_by"`
}

// TenderRequest is what an SME asks several banks for, sealed. Request's ID, Bank and Consent are left empty: they are each bidder's.
type TenderRequest struct {
	Tender
	Bidders []Bidder `json:"bidders"`
	Request Request  `json:"request"`
}

// Validate reports every failure of the input with its field and value.
func (t TenderRequest) Validate() error {
	var f fault.Fields
	checkID(&f, "id", t.ID)
	if !t.RevealBy.After(t.CommitBy) {
		f.Add("reveal_by", t.RevealBy, "must be after commit_by")
	}
	if len(t.Bidders) < 2 || len(t.Bidders) > MaxBidders {
		f.Add("bidders", len(t.Bidders), "must be 2 to %d banks", MaxBidders)
	}
	for i, b := range t.Bidders {
		if b.Desk == "" || len(b.Desk) > 64 {
			f.Add(fmt.Sprintf("bidders[%d].desk", i), b.Desk, "must be the id of the bank's desk")
		}
		for _, o := range t.Bidders[:i] {
			if o.Bank == b.Bank || o.Application == b.Application {
				f.Add(fmt.Sprintf("bidders[%d]", i), b.Bank, "must be named once")
			}
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	for _, b := range t.Bidders {
		if err := t.to(b).Validate(); err != nil {
			return err
		}
	}
	return nil
}

// to is the request to one bidder.
func (t TenderRequest) to(b Bidder) Request {
	r := t.Request
	r.ID, r.Bank, r.Consent = b.Application, b.Bank, b.Consent
	return r
}

// ApplyTo makes the application to one bidder of a tender. The policy is that bank's active one.
func (t TenderRequest) ApplyTo(b Bidder, p Policy, by member.Actor, at time.Time) (Application, error) {
	if !t.CommitBy.After(at) {
		return Application{}, fault.New(fault.OfferDeadline, "tender %s would end before it begins", t.ID)
	}
	a, err := Apply(t.to(b), p, by, at)
	if err != nil {
		return a, err
	}
	if last := calendar.From(t.RevealBy); a.OpenUntil.Before(last) {
		a.OpenUntil = last
	}
	tender := t.Tender
	a.Tender = &tender
	return a, nil
}

// Lien is the id that the application's collateral is reserved for: its own, or its tender's.
func (a Application) Lien() string {
	if a.Tender != nil {
		return a.Tender.ID
	}
	return a.ID
}

// Commitment binds a bank to an offer that it has not shown.
type Commitment struct {
	Hash string       `json:"hash"` // OfferHash
	By   member.Actor `json:"by"`
	At   time.Time    `json:"at"`
}

// OfferHash is the salted commitment to what a decision offers: HMAC-SHA-256, keyed by the salt, over application, outcome,
// advance, fee and rate. What follows from the day on which it is revealed (schedule, cost) is not part of it.
func OfferHash(salt []byte, application string, d Decision) string {
	offer := struct {
		Application string  `json:"application"`
		Outcome     Outcome `json:"outcome"`
		Advance     int64   `json:"advance_minor"`
		Fee         int64   `json:"fee_minor"`
		Rate        int64   `json:"rate_bp"`
	}{Application: application, Outcome: d.Outcome}
	if d.Terms != nil {
		offer.Advance, offer.Fee, offer.Rate = d.Terms.AdvanceMinor, d.Terms.FeeMinor, int64(d.Terms.Rate)
	}
	raw, err := json.Marshal(offer)
	if err != nil {
		return "" // a struct of texts and integers always marshals
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write(raw)
	return hex.EncodeToString(mac.Sum(nil))
}

// Commit records a bank's commitment: once, before the deadline (OFFER_DEADLINE).
func (a Application) Commit(hash string, by member.Actor, at time.Time) (Application, error) {
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size {
		var f fault.Fields
		f.Add("hash", hash, "must be a SHA-256 in hexadecimal")
		return a, f.Err()
	}
	switch {
	case by.MSP != a.Bank:
		return a, fault.New(fault.NotPermitted, "application %s is not to this bank", a.ID)
	case a.Tender == nil || !at.Before(a.Tender.CommitBy):
		return a, fault.New(fault.OfferDeadline, "application %s takes no commitments", a.ID)
	case a.Commitment != nil:
		return a, fault.New(fault.OfferCommitmentWrong, "an offer on application %s is committed to already", a.ID)
	}
	next, err := ApplicationTable.Next(a.Status, CommitToOffer)
	if err != nil {
		return a, err
	}
	a.Status, a.Commitment = next, &Commitment{Hash: hash, By: by, At: at}
	return a, nil
}

// Reveals returns nil where a decision may be made known now: always, outside of a tender; inside, between the deadlines
// (OFFER_DEADLINE) and when it is what the bank has committed to (OFFER_COMMITMENT_WRONG).
func (a Application) Reveals(d Decision, salt string, at time.Time) error {
	if a.Tender == nil {
		return nil
	}
	if at.Before(a.Tender.CommitBy) || at.After(a.Tender.RevealBy) {
		return fault.New(fault.OfferDeadline, "offers on application %s are revealed between its deadlines", a.ID)
	}
	raw, err := hex.DecodeString(salt)
	if err != nil || len(raw) < 16 || a.Commitment == nil || OfferHash(raw, a.ID, d) != a.Commitment.Hash {
		return fault.New(fault.OfferCommitmentWrong, "the offer on application %s is not the one that was committed to", a.ID)
	}
	return nil
}

// Choosable returns OFFER_DEADLINE while an offer of a tender may not be chosen, because others may still be revealed.
func (a Application) Choosable(at time.Time) error {
	if a.Tender != nil && !at.After(a.Tender.RevealBy) {
		return fault.New(fault.OfferDeadline, "tender %s is open until every bank may have revealed its offer", a.Tender.ID)
	}
	return nil
}

// RankedOffer is an offer of a tender with what it costs.
type RankedOffer struct {
	Rank           int    `json:"rank"` // 1 is the cheapest
	Application    string `json:"application"`
	Bank           string `json:"bank"`
	AnnualCostBP   int64  `json:"annual_cost_bp"`
	TotalCostMinor int64  `json:"total_cost_minor"`
	AdvanceMinor   int64  `json:"advance_minor"`
}

// Rank orders the approved applications of a tender by annual cost, the larger advance first among equals, then by id. The formula
// is AnnualCostBP.
func Rank(list []Application) []RankedOffer {
	offers := []RankedOffer{}
	for _, a := range list {
		if a.Status == Approved && a.Decision != nil && a.Decision.Terms != nil {
			t := a.Decision.Terms
			offers = append(offers, RankedOffer{Application: a.ID, Bank: a.Bank, AnnualCostBP: t.AnnualCostBP, TotalCostMinor: t.TotalCostMinor, AdvanceMinor: t.AdvanceMinor})
		}
	}
	slices.SortFunc(offers, func(a, b RankedOffer) int {
		return cmp.Or(cmp.Compare(a.AnnualCostBP, b.AnnualCostBP), cmp.Compare(b.AdvanceMinor, a.AdvanceMinor), cmp.Compare(a.Application, b.Application))
	})
	for i := range offers {
		offers[i].Rank = i + 1
	}
	return offers
}
