package operation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// OnReceivable is a call on one receivable, in its programme.
func OnReceivable(ctx context.Context, s *consortium.Session, function, id string, input any, args ...string) (consortium.Call, error) {
	programme, err := s.Locate(ctx, "receivable", id)
	return consortium.Call{Function: function, Args: append([]string{id}, args...), Input: input, Circles: []string{programme}}, err
}

// lookalike is another invoice with the same seller and amount and nearly the same number.
type Lookalike struct {
	Receivable string `json:"receivable"`
	Programme  string `json:"programme"`
}

// LotStanding is a lot of an invoice's goods, and whether it is reserved or pledged under a warehouse receipt: free, pledged, or
// unknown where the programme has no lot key. Banks and the regulator see it.
type LotStanding struct {
	receivable.Lot
	Standing string `json:"standing"`
	Receipt  string `json:"receipt,omitempty"`
}

// confirmation is the call that confirms a receivable: its terms, signed with the key of the user's certificate.
func Confirm(ctx context.Context, s *consortium.Session, id string) (consortium.Call, error) {
	call, err := OnReceivable(ctx, s, "receivable:Terms", id, nil)
	if err != nil {
		return call, err
	}
	var terms receivable.Terms
	if err := s.Evaluate(ctx, call, &terms); err != nil {
		return call, err
	}
	signature, err := s.User().Sign(terms.Bytes())
	call.Function = "receivable:Confirm"
	call.Input = receivable.Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}
	return call, err
}

func Bill(ctx context.Context, s *consortium.Session, id string) (bill receivable.Bill, err error) {
	call, err := OnReceivable(ctx, s, "receivable:Bill", id, nil)
	if err != nil {
		return bill, err
	}
	return bill, s.Evaluate(ctx, call, &bill)
}

// maxReceivablePages bounds a search through the receivables of a programme.
const maxReceivablePages = 5000

// ReceivablesWhere looks through all receivables that the user may see in the programmes.
func ReceivablesWhere(ctx context.Context, s *consortium.Session, programmes []string, match func(receivable.Receivable) bool) ([]receivable.Receivable, error) {
	var found []receivable.Receivable
	after := ""
	for range maxReceivablePages {
		list, next, err := List[receivable.Receivable](ctx, s, "receivable:List", "receivables", programmes, 200, after)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if match(r) {
				found = append(found, r)
			}
		}
		if next == "" {
			return found, nil
		}
		after = next
	}
	return nil, fault.New(fault.InputTooLarge, "there are more than %d pages of receivables; name the receivable", maxReceivablePages)
}

// Standings returns the status of each named receivable of a programme, "" for one that the user may not see or that is not there.
func Standings(ctx context.Context, s *consortium.Session, programme string, ids []string) (map[string]receivable.Status, error) {
	all := map[string]receivable.Status{}
	for batch := range slices.Chunk(ids, receivable.MaxBulk) {
		raw, err := json.Marshal(batch)
		if err != nil {
			return nil, err
		}
		var list []struct {
			ID     string            `json:"id"`
			Status receivable.Status `json:"status"`
		}
		if err := s.Evaluate(ctx, consortium.Call{Function: "receivable:Standings", Args: []string{string(raw)}, Circles: []string{programme}}, &list); err != nil {
			return nil, err
		}
		for _, r := range list {
			all[r.ID] = r.Status
		}
	}
	return all, nil
}

// OnFragment is a call on one fragment, in the programme of its receivable.
func OnFragment(ctx context.Context, s *consortium.Session, function, fragment string, input any) (consortium.Call, error) {
	of, err := receivable.ReceivableOf(fragment)
	if err != nil {
		return consortium.Call{}, err
	}
	programme, err := s.Locate(ctx, "receivable", of)
	return consortium.Call{Function: function, Args: []string{fragment}, Input: input, Circles: []string{programme}}, err
}

// holding returns what the own party may see of a fragment.
func Holding(ctx context.Context, s *consortium.Session, fragment string) (h receivable.Holding, err error) {
	call, err := OnFragment(ctx, s, "receivable:Holding", fragment, nil)
	if err != nil {
		return h, err
	}
	return h, s.Evaluate(ctx, call, &h)
}

// Fragments returns all fragments of a receivable, as the buyer, a bank and the regulator may see them.
func Fragments(ctx context.Context, s *consortium.Session, id string) (list []receivable.Fragment, err error) {
	call, err := OnReceivable(ctx, s, "receivable:Fragments", id, nil)
	if err != nil {
		return nil, err
	}
	return list, s.Evaluate(ctx, call, &list)
}

// Issue enters one invoice into a programme.
func Issue(programme string, in receivable.Issuance) consortium.Call {
	return OnProgramme("receivable:Issue", programme, in, in.ID)
}

// IssueBulk enters up to receivable.MaxBulk invoices into a programme, all or none. The request id comes from the receivables'
// ids, so that the ledger carries a repeat out once.
func IssueBulk(programme string, items []receivable.Issuance) consortium.Call {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	call := OnProgramme("receivable:IssueBulk", programme, receivable.BulkIssuance{Items: items})
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	call.Request = "issue-" + hex.EncodeToString(sum[:16])
	return call
}

// ProposeBulk approves receivables of a programme as the buyer's first person, all or none.
func ProposeBulk(programme string, ids []string) consortium.Call {
	return consortium.Call{Function: "receivable:ProposeConfirmBulk", Input: receivable.BulkProposal{IDs: ids}, Circles: []string{programme}}
}

// ConfirmBulk signs each receivable's terms, so that each undertaking proves itself, and confirms them, all or none.
func ConfirmBulk(ctx context.Context, s *consortium.Session, programme string, ids []string) (consortium.Call, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return consortium.Call{}, err
	}
	var terms []receivable.Terms
	call := consortium.Call{Function: "receivable:TermsBulk", Args: []string{string(list)}, Circles: []string{programme}}
	if err := s.Evaluate(ctx, call, &terms); err != nil {
		return consortium.Call{}, err
	}
	var in receivable.BulkConfirmation
	for _, t := range terms {
		signature, err := s.User().Sign(t.Bytes())
		if err != nil {
			return consortium.Call{}, err
		}
		in.Items = append(in.Items, receivable.ConfirmationOf{ID: t.Receivable,
			Confirmation: receivable.Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}})
	}
	return consortium.Call{Function: "receivable:ConfirmBulk", Input: in, Circles: []string{programme}}, nil
}

// Merge joins fragments of one receivable.
func Merge(ctx context.Context, s *consortium.Session, fragments []string) (consortium.Call, error) {
	if len(fragments) < 2 {
		var bad fault.Fields
		bad.Add("fragments", len(fragments), "must be two or more")
		return consortium.Call{}, bad.Err()
	}
	call, err := OnFragment(ctx, s, "receivable:Merge", fragments[0], nil)
	if err != nil {
		return call, err
	}
	list, err := json.Marshal(fragments)
	call.Args = []string{string(list)}
	return call, err
}

// Offer offers a fragment to a party of the programme's register, which `to` names by id or by name.
func Offer(ctx context.Context, s *consortium.Session, fragment, to string, in receivable.Offering) (consortium.Call, error) {
	call, err := OnFragment(ctx, s, "receivable:Offer", fragment, nil)
	if err != nil {
		return call, err
	}
	receiver, err := Holder(ctx, s, call.Circles[0], to)
	in.To, call.Input = receiver.Party, in
	if err != nil {
		return call, err
	}
	call.Input = in
	return call, nil
}
