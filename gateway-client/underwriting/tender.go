package underwriting

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// notYet says that an application of a tender waits for a deadline.
type notYet struct{ until time.Time }

func (n notYet) Error() string {
	return fmt.Sprintf("%s: the tender's next step is at %s", fault.OfferDeadline, n.until.Format(time.RFC3339))
}

// due reports whether it is time to work on an application. In a tender that is while the bank has not committed, and again once the
// offers are revealed.
func (u *Underwriter) due(a financing.Application) (bool, error) {
	if a.Tender == nil {
		return true, nil
	}
	now := u.now()
	switch {
	case now.Before(a.Tender.CommitBy) && a.Commitment != nil:
		return false, notYet{a.Tender.CommitBy}
	case now.Before(a.Tender.CommitBy):
		return true, nil
	case a.Commitment == nil || now.After(a.Tender.RevealBy):
		return false, fault.New(fault.OfferDeadline, "the bank has made no offer on application %s in time", a.ID)
	}
	return true, nil
}

// commit binds the bank to the offer that its policy gives. After the deadline it is revealed as any decision is.
func (u *Underwriter) commit(ctx context.Context, f *file) error {
	a := f.Application
	s, err := u.score(ctx, f, 0)
	if err != nil {
		return err
	}
	_, d, err := u.resolve(ctx, f, s.ID, &s)
	if err != nil {
		return err
	}
	hash := financing.OfferHash(u.offerSalt(a.ID), a.ID, d)
	call := consortium.Call{Function: "financing:CommitOffer", Args: []string{a.ID, hash}, Circles: f.circles[:1], Request: derive("uw", a.ID, "commit", hash)}
	if _, err := u.submit(ctx, call); err != nil {
		return err
	}
	return notYet{a.Tender.CommitBy}
}

func (u *Underwriter) now() time.Time {
	if u.Now != nil {
		return u.Now().UTC()
	}
	return time.Now().UTC()
}

// offerSalt is the salt of the commitment to an offer: the same in every replica and after every restart.
func (u *Underwriter) offerSalt(application string) []byte {
	mac := hmac.New(sha256.New, u.SaltKey)
	mac.Write([]byte("tallystick/offer-salt/v1\x00" + application))
	return mac.Sum(nil)
}

func (u *Underwriter) openingOf(a financing.Application) string {
	if a.Tender == nil {
		return ""
	}
	return hex.EncodeToString(u.offerSalt(a.ID))
}
