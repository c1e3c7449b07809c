package operation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
)

// OnReceipt is a call on one receipt, in its programme.
func OnReceipt(ctx context.Context, s *consortium.Session, function, id string) (consortium.Call, error) {
	programme, err := s.Locate(ctx, "receipt", id)
	return consortium.Call{Function: function, Args: []string{id}, Circles: []string{programme}}, err
}

// Holder finds a party of the programme's register by its id, or by a name that only one has.
func Holder(ctx context.Context, s *consortium.Session, programme, owner string) (receipt.Holder, error) {
	register, err := s.Parties(ctx, programme)
	if err != nil {
		return receipt.Holder{}, err
	}
	found := slices.DeleteFunc(slices.Clone(register), func(p member.Party) bool { return p.ID != owner })
	if len(found) == 0 {
		found = slices.DeleteFunc(slices.Clone(register), func(p member.Party) bool { return !strings.EqualFold(p.Name, owner) })
	}
	if len(found) != 1 {
		var bad fault.Fields
		bad.Add("owner", owner, "must be one party of the programme's register; %d fit (tally party list --programme %s)", len(found), programme)
		return receipt.Holder{}, bad.Err()
	}
	return receipt.Holder{MSP: found[0].Host, Party: found[0].ID}, nil
}

// Receipt returns a receipt as the user may see it.
func Receipt(ctx context.Context, s *consortium.Session, id string) (r receipt.Receipt, err error) {
	call, err := OnReceipt(ctx, s, "receipt:Get", id)
	if err != nil {
		return r, err
	}
	return r, s.Evaluate(ctx, call, &r)
}

// Prices returns what the programme's banks have agreed on.
func Prices(ctx context.Context, s *consortium.Session, programme string) (a receipt.PriceAgreement, err error) {
	err = s.Evaluate(ctx, consortium.Call{Function: "receipt:Prices", Args: []string{programme}, Circles: []string{programme}}, &a)
	return a, err
}

// SourceHash is the hash of a document under a salt that the organisation can derive again from its keyring and the batch.
func SourceHash(s *consortium.Session, batch string, raw []byte) (receipt.Hash, error) {
	salt, err := s.FingerprintKey("evidence-sources/" + batch)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(salt), raw...))
	return receipt.Hash(hex.EncodeToString(sum[:])), nil
}

// Archive is the organisation's archive. A session whose keyring is in memory has none.
func Archive(s *consortium.Session, dir string) evidence.Archive {
	if dir == "" && s.Keyring != nil && s.Keyring.Dir() != "" {
		dir = filepath.Join(filepath.Dir(s.Keyring.Dir()), "evidence")
	}
	return evidence.Archive{Dir: dir}
}

// RegisterLotKey seals the key of lot fingerprints, the same for all of the organisation's programmes, into a programme.
func RegisterLotKey(s *consortium.Session, programme string) (consortium.Call, error) {
	key, err := s.FingerprintKey("lots/" + s.User().MSP)
	return OnProgramme("receipt:RegisterLotKey", programme, receipt.LotKey{Key: key}), err
}

// IssueReceipt acknowledges goods to an owner, whom the programme's register names by id or name. No day stands for today.
func IssueReceipt(ctx context.Context, s *consortium.Session, programme, owner string, in receipt.Issuance) (call consortium.Call, err error) {
	if in.StoredOn.IsZero() {
		in.StoredOn = calendar.From(s.Network.Now().UTC())
	}
	in.Owner, err = Holder(ctx, s, programme, owner)
	return OnProgramme("receipt:Issue", programme, in, in.ID), err
}

// OfferReceipt offers a receipt to a party of the programme's register, which `to` names by id or name.
func OfferReceipt(ctx context.Context, s *consortium.Session, id, to string) (consortium.Call, error) {
	call, err := OnReceipt(ctx, s, "receipt:Offer", id)
	if err != nil {
		return call, err
	}
	call.Input, err = Holder(ctx, s, call.Circles[0], to)
	return call, err
}

// MergeReceipts replaces several receipts by one with the id.
func MergeReceipts(ctx context.Context, s *consortium.Session, id string, receipts []string) (consortium.Call, error) {
	if len(receipts) < 2 {
		var bad fault.Fields
		bad.Add("receipts", len(receipts), "must be two or more")
		return consortium.Call{}, bad.Err()
	}
	call, err := OnReceipt(ctx, s, "receipt:Merge", receipts[0])
	if err != nil {
		return call, err
	}
	list, err := json.Marshal(receipts)
	call.Args = []string{id, string(list)}
	return call, err
}

// AgreePrices agrees to the rule that is proposed now.
func AgreePrices(ctx context.Context, s *consortium.Session, programme string) (consortium.Call, error) {
	a, err := Prices(ctx, s, programme)
	if err != nil {
		return consortium.Call{}, err
	}
	if a.Proposed == nil {
		return consortium.Call{}, fault.New(fault.TransitionDenied, "nothing is proposed for programme %s", programme)
	}
	return OnProgramme("receipt:AgreePrices", programme, nil, string(a.Proposed.Digest())), nil
}

// ObservePrice reports a price, signed with the key of the user's certificate. No instant stands for now.
func ObservePrice(s *consortium.Session, programme string, p receipt.Price) (call consortium.Call, err error) {
	if p.At.IsZero() {
		p.At = s.Network.Now().UTC().Truncate(time.Millisecond)
	}
	if p.Signature, err = s.User().Sign(p.Message()); err != nil {
		return call, err
	}
	return OnProgramme("receipt:ObservePrice", programme, p), nil
}
