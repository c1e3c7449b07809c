package portal

import (
	"context"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/portal/page"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

func applicationPage(v *visit) (answer, error) {
	a, err := v.Store.Application(v.ctx(), v.viewer, v.r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	if v.person.Kind == member.Supplier {
		return v.answerPage(a)
	}
	return v.casePage(a)
}

// answerPage is an application for the applicant: what the bank says, why, and what would change it.
func (v *visit) answerPage(a financing.Application) (answer, error) {
	view := page.Answer{Application: a, Loan: a.Loan, Key: key()}
	e, err := v.Store.Explained(v.ctx(), v.viewer, a.ID)
	switch code := fault.CodeOf(err); {
	case err == nil:
		view.Explained = &e
	case code == fault.RecordNotFound || code == fault.TransitionDenied:
		view.Unexplained = "answer.unexplained"
	default:
		return answer{}, err
	}
	if v.person.Party == a.Applicant {
		switch a.Status {
		case financing.Approved:
			view.Steps = []string{"accept", "withdraw"}
		case financing.Submitted, financing.Referred:
			view.Steps = []string{"withdraw"}
		}
	}
	view.Events, err = v.history("application", a.ID)
	if err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

// casePage is an application for the bank and the regulator: everything that a decision rests on.
func (v *visit) casePage(a financing.Application) (answer, error) {
	view := page.Case{Application: a, Loan: a.Loan, Key: key(), Steps: caseSteps(v, a)}
	for _, c := range a.Collateral {
		if err := v.addCollateral(&view, c); err != nil {
			return answer{}, err
		}
	}
	scores, err := v.Store.Scores(v.ctx(), v.viewer, projection.ScoreFilter{Application: a.ID}, projection.Page{Size: 1})
	if err != nil {
		return answer{}, err
	}
	if len(scores.Items) > 0 {
		if view.Score, err = v.score(scores.Items[0], a.Currency); err != nil {
			return answer{}, err
		}
	}
	if a.Decision != nil {
		for _, u := range a.Decision.Uses {
			l, err := v.Store.Limit(v.ctx(), v.viewer, u.Limit)
			if fault.CodeOf(err) == fault.RecordNotFound {
				continue
			}
			if err != nil {
				return answer{}, err
			}
			view.Limits = append(view.Limits, l)
		}
	}
	if view.Lineage, err = v.lineage("application", a.ID); err != nil {
		return answer{}, err
	}
	view.Events, err = v.history("application", a.ID)
	if err != nil {
		return answer{}, err
	}
	return show(view.Draw())
}

func caseSteps(v *visit, a financing.Application) []string {
	if v.person.Kind != member.Bank {
		return nil
	}
	open := a.Status == financing.Referred || a.Status == financing.Declined
	switch {
	case open && a.Override == nil && v.person.Has(member.Maker):
		return []string{"propose"}
	case open && a.Override != nil && a.Override.ApprovedBy == nil && v.person.Has(member.Checker):
		return []string{"confirm"}
	}
	return nil
}

// addCollateral adds what a piece of collateral is to the page; what the viewer does not hold stays out.
func (v *visit) addCollateral(view *page.Case, c financing.Ref) error {
	if c.Kind == financing.Receipt {
		goods, err := v.goods(c.ID)
		if fault.CodeOf(err) == fault.RecordNotFound {
			return nil
		}
		if err == nil {
			view.Receipts = append(view.Receipts, goods)
		}
		return err
	}
	of, err := receivable.ReceivableOf(c.ID)
	if err != nil {
		return err
	}
	for _, have := range view.Invoices {
		if have.ID == of {
			return nil
		}
	}
	r, err := v.Store.Receivable(v.ctx(), v.viewer, of)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return nil
	}
	if err == nil {
		view.Invoices = append(view.Invoices, r.Receivable)
	}
	return err
}

// score is a score with the points of each feature: those of its bin, and what the reference would have given beyond that.
func (v *visit) score(s credit.Score, currency string) (*page.Score, error) {
	card, err := v.Store.Scorecard(v.ctx(), v.viewer, s.CardHash)
	if fault.CodeOf(err) == fault.RecordNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	vector := s.Proof.Vector
	if err := card.Check(vector); err != nil {
		return nil, err
	}
	reasons, err := card.Reasons(vector, make([]scorecard.Reason, 0, len(card.Features)))
	if err != nil {
		return nil, err
	}
	view := &page.Score{Score: s, Base: card.BasePoints, Currency: currency}
	for _, r := range reasons {
		f := &card.Features[r.Feature]
		view.Features = append(view.Features, page.FeaturePoints{Name: f.Name, Wording: f.Wording, Seen: f.BinLabel(int(r.Bin)), Range: f.BinRange(int(r.Bin)), Unit: f.Unit,
			Points: f.Points[r.Bin], Lost: r.Lost})
	}
	return view, nil
}

func applicationStep(v *visit) (answer, error) {
	id, do := v.r.PathValue("id"), v.form("do")
	switch do {
	case "accept":
		return v.submit("application.accept", func(ctx context.Context, s *consortium.Session, ids outbox.IDs) (consortium.Call, string, error) {
			loan := ids.New("loan")
			call, err := operation.OnApplication(ctx, s, "financing:Accept", id, nil, loan)
			return call, loan, err
		})
	case "withdraw":
		return v.submit("application.withdraw", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnApplication(ctx, s, "financing:Withdraw", id, nil)
			return call, id, err
		})
	case "override_propose":
		in := financing.OverrideInput{Outcome: financing.Outcome(v.form("outcome")), Note: v.form("note")}
		if amount := v.form("amount"); amount != "" {
			a, err := v.Store.Application(v.ctx(), v.viewer, id)
			if err != nil {
				return answer{}, err
			}
			most, err := money.ParseDecimal(amount, a.Currency)
			if err != nil {
				return answer{}, err
			}
			in.AdvanceMinor = most.Minor
		}
		return v.submit("application.override.propose", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnApplication(ctx, s, "financing:ProposeOverride", id, in)
			return call, id, err
		})
	case "override_confirm":
		return v.submit("application.override.confirm", func(ctx context.Context, s *consortium.Session, _ outbox.IDs) (consortium.Call, string, error) {
			call, err := operation.OnApplication(ctx, s, "financing:ApproveOverride", id, nil)
			return call, id, err
		})
	}
	return answer{}, unknownStep(do)
}
