package contract

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/credittest"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/financingtest"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/chaincode/seal"
)

const otherDesk = "dsk-00000000000000000002"

// auction is two banks' desks; bank B charges less and lends less.
type auction struct {
	*desk
	otherKey seal.Key
	banks    []bidding
}

// bidding is what one bank brings to a tender.
type bidding struct {
	who                               func(string) user
	desk, application, model, consent string
	score, salt                       string
}

func newAuction(t testing.TB) *auction {
	w := &auction{desk: newDesk(t)}
	w.foundOtherDesk()
	card := credittest.Card()
	raw, err := card.CanonicalJSON()
	require.NoError(t, err)
	w.must(w.governed(otherBank("modelowner"), "credit:ProposeModel", nil,
		text(credit.ModelProposal{ID: opaque("mdl", 9), Intended: credit.ModelChampion, DocumentationHash: w.card}), string(raw)))
	w.must(w.governed(user{regulatorMSP, regulatorParty, "validator"}, "credit:ValidateModel", nil, opaque("mdl", 9), w.verdict()))
	terms := financingtest.Terms(w.card)
	for i := range terms.Prices {
		terms.Prices[i].Rate -= 100
	}
	terms.AdvanceFragment = 8000
	w.must(w.at(otherBank("risk"), "financing:ProposePolicy", financing.PolicyProposal{ID: opaque("pol", 9), Terms: terms}, otherDesk, opaque("pol", 9)))
	w.must(w.at(otherBank("risk,checker"), "financing:ApprovePolicy", nil, opaque("pol", 9)))
	last, err := w.today().AddDays(300)
	require.NoError(t, err)
	w.must(w.at(seller("maker"), "credit:GiveConsent", credit.ConsentInput{ID: opaque("cns", 9), Bank: otherBankMSP, Scopes: []credit.Scope{credit.ScopeScore}, LastDay: last}, otherDesk, opaque("cns", 9)))
	w.banks = []bidding{
		{bank, bankDesk, opaque("app", 1), w.model, w.consent, opaque("scr", 1), hex.EncodeToString([]byte("salt of bank A 1"))},
		{otherBank, otherDesk, opaque("app", 2), opaque("mdl", 9), opaque("cns", 9), opaque("scr", 2), hex.EncodeToString([]byte("salt of bank B 1"))},
	}
	return w
}

func (w *auction) foundOtherDesk() {
	sum := sha256.Sum256([]byte(otherDesk))
	copy(w.otherKey[:], sum[:])
	readers := []string{otherBankMSP, regulatorMSP, supplierMSP}
	f := circle.Founding{ID: otherDesk, Kind: circle.Desk, Readers: readers, Commitment: w.otherKey.Commitment(otherDesk, 1)}
	for _, r := range readers {
		f.Digests = append(f.Digests, seal.TokenDigest(w.otherKey.Token(otherDesk, 1, r)))
		f.Envelopes = append(f.Envelopes, base64.StdEncoding.EncodeToString([]byte("for "+r)))
	}
	w.must(w.submit(user{msp: otherBankMSP, roles: "governor"}, "circle:Found", nil, text(f)))
	for _, r := range readers {
		w.must(w.submit(user{msp: r, roles: "governor"}, "circle:Confirm", nil, otherDesk, "1", w.otherKey.Token(otherDesk, 1, r)))
	}
}

// keysOf are those that the user's organisation really has: bank A none of bank B's desk, and the other way round.
func (w *auction) keysOf(u user) string {
	readers := map[string][]string{secondCircle: {bankMSP, otherBankMSP, buyerMSP, supplierMSP}, bankDesk: {bankMSP, supplierMSP}, otherDesk: {otherBankMSP, supplierMSP}}
	var keys []record.CircleKey
	for id, list := range readers {
		key := w.keys[id]
		if id == otherDesk {
			key = w.otherKey
		}
		for _, msp := range list {
			if msp == u.msp {
				keys = append(keys, record.CircleKey{Circle: id, Epoch: 1, Key: key.Text()})
			}
		}
	}
	return text(keys)
}

func (w *auction) at(u user, function string, input any, args ...string) ([]byte, error) {
	w.request++
	p := w.proposal(u, function, input, args...).WithTransient(record.TransientRequest, []byte(opaque("req", w.request))).
		WithTransient(record.TransientKeys, []byte(w.keysOf(u)))
	result, err := w.net.Submit(w.identity(u), p, regulatorMSP, supplierMSP)
	if err != nil {
		return nil, refusal(err)
	}
	return result.Payload, nil
}

func (w *auction) ask(u user, function string, input any, args ...string) ([]byte, error) {
	p := w.proposal(u, function, input, args...).WithTransient(record.TransientKeys, []byte(w.keysOf(u)))
	raw, err := w.net.Evaluate(w.identity(u), p, regulatorMSP)
	if err != nil {
		return nil, refusal(err)
	}
	return raw, nil
}

// claim is confirmed in the programme that both banks read.
func (w *auction) claim() string {
	id := opaque("rcv", 77)
	in := receivable.Issuance{ID: id, Invoice: w.invoice("RE-77", 10_000_000)}
	w.must(w.submit(seller("maker"), "receivable:Issue", in, secondCircle, id))
	w.must(w.submit(buyer("maker"), "receivable:ProposeConfirm", nil, id))
	return w.step(w.submit(buyer("checker"), "receivable:Confirm", w.signed(buyer("checker"), id), id)).Fragments[0]
}

func (w *auction) tender(fragment string) financing.TenderRequest {
	now := w.net.Now().UTC()
	in := financing.TenderRequest{Tender: financing.Tender{ID: opaque("tnd", 1), CommitBy: now.Add(time.Hour), RevealBy: now.Add(2 * time.Hour)},
		Request: financing.Request{Product: financing.ReceivableProduct, Currency: "EUR", Collateral: []financing.Ref{{Kind: financing.Fragment, ID: fragment, Circle: secondCircle}}}}
	for _, b := range w.banks {
		in.Bidders = append(in.Bidders, financing.Bidder{Bank: b.who("").msp, Desk: b.desk, Application: b.application, Consent: b.consent})
	}
	return in
}

func (w *auction) scored(b bidding) ScoredClaim {
	claim, err := credit.Calculate(credittest.Card(), good)
	require.NoError(w.t, err)
	last, err := w.today().AddDays(30)
	require.NoError(w.t, err)
	s := credit.Submission{ID: b.score, Application: b.application, Subject: sellerParty, Model: b.model, Consent: b.consent, Claim: claim,
		Proof: credit.Proof{Method: credit.ByAddition, Vector: good}, EvidenceBlock: 1, EvidenceOn: w.today(), LastDay: last, InputCommitment: w.card}
	c := decoded[financing.Case](w.t, w.must(w.ask(b.who("underwriter"), "financing:Case", CaseInput{Submission: &s}, b.application, b.score, "[]")))
	d, err := financing.Decide(c)
	require.NoError(w.t, err)
	return ScoredClaim{Submission: s, Claimed: financing.Claimed{Score: b.score, Lanes: []int{}, Decision: d, Salt: b.salt}}
}

func (w *auction) commit(b bidding) {
	salt, err := hex.DecodeString(b.salt)
	require.NoError(w.t, err)
	w.must(w.at(b.who("underwriter"), "financing:CommitOffer", nil, b.application, financing.OfferHash(salt, b.application, w.scored(b).Claimed.Decision)))
}

func TestBanksCompete(t *testing.T) {
	w := newAuction(t)
	fragment := w.claim()
	in := w.tender(fragment)
	w.must(w.at(seller("maker"), "financing:Tender", in, in.ID))
	a, b := w.banks[0], w.banks[1]
	ids := text([]string{a.application, b.application})
	w.refused(fault.KeyMissing, "a bank does not see the application to another")(w.ask(bank("underwriter"), "financing:Application", nil, b.application))

	early := w.scored(a)
	w.refused(fault.OfferDeadline, "nothing is shown before the deadline")(w.at(bank("underwriter"), "financing:ScoreAndDecide", early, a.application))
	w.commit(a)
	w.commit(b)
	w.refused(fault.OfferCommitmentWrong, "an offer is committed to once")(w.at(bank("underwriter"), "financing:CommitOffer", nil, a.application, w.card))
	w.net.Advance(time.Hour)
	w.refused(fault.OfferDeadline)(w.at(bank("underwriter"), "financing:CommitOffer", nil, a.application, w.card))

	other := w.scored(a)
	other.Claimed.Salt = b.salt
	w.refused(fault.OfferCommitmentWrong)(w.at(bank("underwriter"), "financing:ScoreAndDecide", other, a.application))
	for _, one := range w.banks {
		w.must(w.at(one.who("underwriter"), "financing:ScoreAndDecide", w.scored(one), one.application))
	}
	w.refused(fault.OfferDeadline, "others may still reveal")(w.at(seller("maker"), "financing:Accept", nil, b.application, opaque("lon", 1)))
	w.net.Advance(time.Hour + time.Second)
	offers := decoded[[]financing.RankedOffer](t, w.must(w.ask(seller("maker"), "financing:Offers", nil, ids)))
	require.Len(t, offers, 2)
	assert.Equal(t, otherBankMSP, offers[0].Bank, "the cheaper one first")
	assert.Less(t, offers[0].AnnualCostBP, offers[1].AnnualCostBP)
	w.refused(fault.KeyMissing, "a bank does not see what others offer")(w.ask(bank("maker"), "financing:Offers", nil, ids))

	w.must(w.at(seller("maker"), "financing:Accept", nil, a.application, opaque("lon", 1))) // the larger advance
	_, err := w.at(seller("maker"), "financing:Accept", nil, b.application, opaque("lon", 2))
	require.Error(t, err, "one claim backs one loan")
	w.refused(fault.CollateralEncumbered)(w.at(seller("maker"), "financing:CloseTender", nil, ids))
	w.must(w.at(bank("maker"), "financing:Draw", financing.DrawInput{}, opaque("lon", 1)))
	w.must(w.at(bank("maker"), "financing:Repay", financing.Payment{AmountMinor: 9_000_000, Currency: "EUR", ReceivedOn: w.today(), Source: financing.FromBorrower}, opaque("lon", 1)))
	assert.Equal(t, receivable.Held, decoded[receivable.Fragment](t, w.must(w.ask(bank("maker"), "receivable:Fragment", nil, fragment))).Status)
}

func TestTenderIsClosed(t *testing.T) {
	w := newAuction(t)
	fragment := w.claim()
	in := w.tender(fragment)
	w.must(w.at(seller("maker"), "financing:Tender", in, in.ID))
	a, b := w.banks[0], w.banks[1]
	w.must(w.at(seller("maker"), "financing:Withdraw", nil, b.application))
	status := func() receivable.FragmentStatus {
		return decoded[receivable.Fragment](t, w.must(w.ask(bank("maker"), "receivable:Fragment", nil, fragment))).Status
	}
	assert.Equal(t, receivable.Reserved, status(), "bank A may still offer")
	w.refused(fault.NotPermitted)(w.at(tierTwo("maker"), "financing:CloseTender", nil, text([]string{a.application, b.application})))
	w.must(w.at(seller("maker"), "financing:CloseTender", nil, text([]string{a.application, b.application})))
	assert.Equal(t, receivable.Held, status())
}
