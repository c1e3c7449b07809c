package underwriting

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
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

// bid commits to the offer that the policy gives, before a tender's deadline; after it, the offer is revealed as any decision is.
// ready says that it is time to reveal.
func (u *Underwriter) bid(ctx context.Context, a financing.Application, circles []string) (ready bool, err error) {
	now := u.now()
	if !now.Before(a.Tender.CommitBy) {
		if a.Commitment == nil || now.After(a.Tender.RevealBy) {
			return false, fault.New(fault.OfferDeadline, "the bank has made no offer on application %s in time", a.ID)
		}
		return true, nil
	}
	if a.Commitment == nil {
		s, err := u.score(ctx, a, derive("scr", a.ID, strconv.Itoa(0)), 0)
		if err != nil {
			return false, err
		}
		_, d, err := u.resolve(ctx, a, circles, s.ID, &s)
		if err != nil {
			return false, err
		}
		hash := financing.OfferHash(u.offerSalt(a.ID), a.ID, d)
		call := consortium.Call{Function: "financing:CommitOffer", Args: []string{a.ID, hash}, Circles: circles[:1], Request: derive("uw", a.ID, "commit", hash)}
		if _, err := u.submit(ctx, call); err != nil {
			return false, err
		}
	}
	return false, notYet{a.Tender.CommitBy}
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
