package operation

import (
	"context"
	"encoding/json"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// heldFragments finds the fragment of each receivable that the own party holds.
func heldFragments(ctx context.Context, s *consortium.Session, receivables []string) ([]string, error) {
	var held []string
	for _, id := range receivables {
		call, err := OnReceivable(ctx, s, "receivable:Holdings", id, nil)
		if err != nil {
			return nil, err
		}
		var list []receivable.Holding
		if err := s.Evaluate(ctx, call, &list); err != nil {
			return nil, err
		}
		for _, h := range list {
			if h.Holder == s.User().Party {
				held = append(held, h.Fragment)
			}
		}
	}
	return held, nil
}

func collateralRefs(ctx context.Context, s *consortium.Session, fragments, receipts []string) ([]financing.Ref, error) {
	var refs []financing.Ref
	for _, id := range fragments {
		of, err := receivable.ReceivableOf(id)
		if err != nil {
			return nil, err
		}
		programme, err := s.Locate(ctx, "receivable", of)
		if err != nil {
			return nil, err
		}
		refs = append(refs, financing.Ref{Kind: financing.Fragment, ID: id, Circle: programme})
	}
	for _, id := range receipts {
		programme, err := s.Locate(ctx, "receipt", id)
		if err != nil {
			return nil, err
		}
		refs = append(refs, financing.Ref{Kind: financing.Receipt, ID: id, Circle: programme})
	}
	return refs, nil
}

func productOf(refs []financing.Ref) financing.Product {
	has := map[financing.Kind]bool{}
	for _, r := range refs {
		has[r.Kind] = true
	}
	switch {
	case has[financing.Fragment] && has[financing.Receipt]:
		return financing.CombinedProduct
	case has[financing.Receipt]:
		return financing.InventoryProduct
	}
	return financing.ReceivableProduct
}

func programmesOf(refs []financing.Ref) []string {
	var list []string
	for _, r := range refs {
		list = append(list, r.Circle)
	}
	return list
}

// Application reads an application with the circles that a step on it touches.
func Application(ctx context.Context, s *consortium.Session, id string) (financing.Application, []string, error) {
	var a financing.Application
	call, err := OnDesk(ctx, s, "financing:Application", "application", id, nil)
	if err != nil {
		return a, nil, err
	}
	err = s.Evaluate(ctx, call, &a)
	return a, append(call.Circles, programmesOf(a.Collateral)...), err
}

// LoanView is a loan as it stands today.
type LoanView struct {
	financing.Loan
	DaysPastDue int64            `json:"days_past_due"`
	Standing    financing.Bucket `json:"standing"`
}

// Loan reads a loan with the circles that a step on it touches.
func Loan(ctx context.Context, s *consortium.Session, id string) (LoanView, []string, error) {
	var l LoanView
	call, err := OnDesk(ctx, s, "financing:Loan", "loan", id, nil)
	if err != nil {
		return l, nil, err
	}
	err = s.Evaluate(ctx, call, &l)
	return l, append(call.Circles, programmesOf(l.Collateral)...), err
}

// OnDesk is a call on one record that is sealed on a bank's desk. Where the record holds collateral, its programmes go along.
func OnDesk(ctx context.Context, s *consortium.Session, function, typ, id string, input any, programmes ...string) (consortium.Call, error) {
	desk, err := s.Locate(ctx, typ, id)
	return consortium.Call{Function: function, Args: []string{id}, Input: input, Circles: append([]string{desk}, programmes...)}, err
}

// OnMargin is a call on a loan with the circles of its desk, of its collateral, and of a receipt that it may not hold yet.
func OnMargin(ctx context.Context, s *consortium.Session, function string, args []string, input any) (consortium.Call, error) {
	_, circles, err := Loan(ctx, s, args[0])
	if err != nil {
		return consortium.Call{}, err
	}
	if len(args) > 1 {
		programme, err := s.Locate(ctx, "receipt", args[1])
		if err != nil {
			return consortium.Call{}, err
		}
		circles = append(circles, programme)
	}
	return consortium.Call{Function: function, Args: args, Input: input, Circles: circles}, nil
}

// OnApplication is a step on an application, with the circles of its collateral.
func OnApplication(ctx context.Context, s *consortium.Session, function, id string, input any, args ...string) (consortium.Call, error) {
	_, circles, err := Application(ctx, s, id)
	return consortium.Call{Function: function, Args: append([]string{id}, args...), Input: input, Circles: circles}, err
}

// OnLoan is a step on a loan, with the circles of its collateral.
func OnLoan(ctx context.Context, s *consortium.Session, function, id string, input any) (consortium.Call, error) {
	_, circles, err := Loan(ctx, s, id)
	return consortium.Call{Function: function, Args: []string{id}, Input: input, Circles: circles}, err
}

// Pledging names what somebody offers as collateral. A receivable stands for the fragment of it that the own party holds.
type Pledging struct {
	Receivables []string `json:"receivables,omitempty"`
	Fragments   []string `json:"fragments,omitempty"`
	Receipts    []string `json:"receipts,omitempty"`
}

// refs finds the records and their programmes.
func (p Pledging) refs(ctx context.Context, s *consortium.Session) ([]financing.Ref, error) {
	held, err := heldFragments(ctx, s, p.Receivables)
	if err != nil {
		return nil, err
	}
	return collateralRefs(ctx, s, append(held, p.Fragments...), p.Receipts)
}

// Apply asks the bank of a desk for financing. The request's collateral and product are filled in.
func Apply(ctx context.Context, s *consortium.Session, desk string, in financing.Request, offered Pledging) (call consortium.Call, err error) {
	if in.Collateral, err = offered.refs(ctx, s); err != nil {
		return call, err
	}
	in.Product = productOf(in.Collateral)
	return consortium.Call{Function: "financing:Apply", Args: []string{desk, in.ID}, Input: in, Circles: append(programmesOf(in.Collateral), desk)}, nil
}

// Tender asks several banks for financing over the same collateral, which is filled in.
func Tender(ctx context.Context, s *consortium.Session, in financing.TenderRequest, offered Pledging) (call consortium.Call, err error) {
	if in.Request.Collateral, err = offered.refs(ctx, s); err != nil {
		return call, err
	}
	in.Request.Product = productOf(in.Request.Collateral)
	circles := programmesOf(in.Request.Collateral)
	for _, b := range in.Bidders {
		circles = append(circles, b.Desk)
	}
	return consortium.Call{Function: "financing:Tender", Args: []string{in.Tender.ID}, Input: in, Circles: circles}, nil
}

// OnTender is a call about all applications of one tender: financing:Offers or financing:CloseTender.
func OnTender(ctx context.Context, s *consortium.Session, function string, applications []string) (consortium.Call, error) {
	list, err := json.Marshal(applications)
	call := consortium.Call{Function: function, Args: []string{string(list)}}
	for _, id := range applications {
		if err != nil {
			break
		}
		var circles []string
		_, circles, err = Application(ctx, s, id)
		call.Circles = append(call.Circles, circles...)
	}
	return call, err
}

// Repay books money that the bank has received. An amount of 0 stands for all that is owed today, an empty day for today.
func Repay(ctx context.Context, s *consortium.Session, loan string, in financing.Payment) (consortium.Call, error) {
	l, circles, err := Loan(ctx, s, loan)
	if err != nil {
		return consortium.Call{}, err
	}
	if in.AmountMinor == 0 {
		in.AmountMinor, in.Currency = l.Owed.TotalMinor(), l.Terms.Currency
	}
	if in.Source == "" {
		in.Source = financing.FromBorrower
	}
	if in.ReceivedOn.IsZero() {
		in.ReceivedOn = calendar.From(s.Network.Now())
	}
	return consortium.Call{Function: "financing:Repay", Args: []string{loan}, Input: in, Circles: circles}, in.Validate()
}

// ProposePolicy proposes a policy under the id. An empty model hash stands for the bank's champion, an empty limit key for one
// that is derived from the bank's keyring.
func ProposePolicy(ctx context.Context, s *consortium.Session, desk, id string, terms financing.Terms) (consortium.Call, error) {
	call := OnProgramme("financing:ProposePolicy", desk, nil, id)
	if terms.ModelHash == "" {
		var champion credit.Model
		if err := s.Evaluate(ctx, consortium.Call{Function: "credit:Champion", Args: []string{s.User().MSP}}, &champion); err != nil {
			return call, err
		}
		terms.ModelHash = champion.CardHash
	}
	if terms.LimitKey == "" {
		key, err := s.FingerprintKey("limits/" + s.User().MSP)
		if err != nil {
			return call, err
		}
		terms.LimitKey = key
	}
	call.Input = financing.PolicyProposal{ID: id, Terms: terms}
	return call, nil
}

// defaultConsentDays is how long a consent lasts where the SME names no last day.
const defaultConsentDays = 365

// GiveConsent lets a bank use the own party's record. No last day stands for a year, no scope for the score.
func GiveConsent(s *consortium.Session, desk string, in credit.ConsentInput) (call consortium.Call, err error) {
	if in.LastDay.IsZero() {
		if in.LastDay, err = calendar.From(s.Network.Now()).AddDays(defaultConsentDays); err != nil {
			return call, err
		}
	}
	if len(in.Scopes) == 0 {
		in.Scopes = []credit.Scope{credit.ScopeScore}
	}
	return OnProgramme("credit:GiveConsent", desk, in, in.ID), nil
}

// Sell records the sale of a loan's goods to a party of the register of the receipt's programme, which `to` names by id or name.
func Sell(ctx context.Context, s *consortium.Session, loan, receiptID, to string, in receipt.SaleInput) (consortium.Call, error) {
	call, err := OnMargin(ctx, s, "margin:Sell", []string{loan, receiptID}, nil)
	if err != nil {
		return call, err
	}
	in.Purchaser, err = Holder(ctx, s, call.Circles[len(call.Circles)-1], to)
	call.Input = in
	return call, err
}

// Explain returns the bank's answer to an application in words.
func Explain(ctx context.Context, s *consortium.Session, application string) (e explain.Explained, err error) {
	call, err := OnDesk(ctx, s, "financing:Explain", "application", application, nil)
	if err != nil {
		return e, err
	}
	return e, s.Evaluate(ctx, call, &e)
}
