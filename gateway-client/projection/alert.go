package projection

import (
	"context"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// AlertCode says what somebody should look at.
type AlertCode string

// The alerts.
const (
	ReceivableOverdue AlertCode = "RECEIVABLE_OVERDUE" // owed and past its due date
	NearDuplicate     AlertCode = "NEAR_DUPLICATE"     // two live invoices that differ in punctuation, date or type only
	LoanDefaulted     AlertCode = "LOAN_DEFAULTED"
	LoanOverdue       AlertCode = "LOAN_OVERDUE" // principal past its day, not called in default
	MarginCall        AlertCode = "MARGIN_CALL"  // open or lapsed
	GoodsBreached     AlertCode = "GOODS_BREACHED"
	ScoreAppealed     AlertCode = "SCORE_APPEALED"
)

// Alert is a record that somebody should look at. Minor is what is at stake, where that is an amount.
type Alert struct {
	Code     AlertCode     `json:"code"`
	Record   string        `json:"record"`
	ID       string        `json:"id"`
	Party    string        `json:"party,omitempty"` // who owes, borrows or sells
	Since    calendar.Date `json:"since,omitzero"`
	Currency string        `json:"currency,omitempty"`
	Minor    int64         `json:"minor,omitempty"`
}

// MaxAlerts is the most alerts of each code that one read returns.
const MaxAlerts = 100

// Alerts lists what somebody should look at on a day among the records that the viewer may see, the oldest of each code first; at
// most limit (1 to MaxAlerts; 0 stands for MaxAlerts) of each.
func (s *Store) Alerts(ctx context.Context, v Viewer, today calendar.Date, limit int) ([]Alert, error) {
	if limit <= 0 || limit > MaxAlerts {
		limit = MaxAlerts
	}
	yesterday, err := today.AddDays(-1)
	if err != nil {
		return nil, err
	}
	list := []Alert{}
	for _, a := range []struct {
		l   listing
		one func(body []byte) (Alert, error)
	}{
		{listing{typ: "receivable", Common: Common{ByDue: true, DueTo: yesterday, Status: owing()}}, overdueReceivable},
		{listing{typ: "loan", Common: Common{ByDue: true, Status: []string{string(financing.Defaulted)}}}, loanAlert(LoanDefaulted)},
		{listing{typ: "margin", Common: Common{ByDue: true, Status: []string{string(receipt.CallOpen), string(receipt.CallLapsed)}}}, marginAlert},
		{listing{typ: "receipt-watch", Common: Common{Status: []string{"breached"}}}, breachAlert},
		{listing{typ: "score", Common: Common{Status: []string{"appealed"}}}, appealAlert},
	} {
		rows, err := s.rows(ctx, v, a.l, "", limit)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			alert, err := a.one(row.body)
			if err != nil {
				return nil, err
			}
			list = append(list, alert)
		}
	}
	late, err := s.lateLoans(ctx, v, today, limit)
	if err != nil {
		return nil, err
	}
	near, err := s.nearDuplicates(ctx, v, limit)
	return append(append(list, late...), near...), err
}

// owing are the statuses of receivables on which something is owed.
func owing() []string {
	var list []string
	for _, st := range receivable.Statuses() {
		if st == receivable.Confirmed || st == receivable.Matured || st == receivable.Overdue || st == receivable.Defaulted {
			list = append(list, string(st))
		}
	}
	return list
}

func overdueReceivable(body []byte) (Alert, error) {
	r, err := decode[receivable.Receivable](body)
	return Alert{Code: ReceivableOverdue, Record: "receivable", ID: r.ID, Party: r.Invoice.Buyer, Since: r.Invoice.DueDate,
		Currency: r.Invoice.Currency, Minor: r.Owed()}, err
}

func loanAlert(code AlertCode) func(body []byte) (Alert, error) {
	return func(body []byte) (Alert, error) {
		l, err := decode[financing.Loan](body)
		return Alert{Code: code, Record: "loan", ID: l.ID, Party: l.Borrower, Since: unpaidSince(l), Currency: l.Terms.Currency,
			Minor: l.Owed.PrincipalMinor}, err
	}
}

func marginAlert(body []byte) (Alert, error) {
	m, err := decode[MarginAccount](body)
	if err != nil || m.Call == nil {
		return Alert{}, err
	}
	return Alert{Code: MarginCall, Record: "margin", ID: m.Loan, Since: calendar.From(m.Call.OpenedAt), Currency: m.Terms.Currency,
		Minor: m.Call.ShortfallMinor}, nil
}

func breachAlert(body []byte) (Alert, error) {
	w, err := decode[receipt.Watch](body)
	return Alert{Code: GoodsBreached, Record: "receipt", ID: w.Receipt}, err
}

func appealAlert(body []byte) (Alert, error) {
	x, err := decode[struct {
		ID      string `json:"id"`
		Subject string `json:"subject"`
		Appeal  struct {
			At time.Time `json:"at"`
		} `json:"appeal"`
	}](body)
	return Alert{Code: ScoreAppealed, Record: "score", ID: x.ID, Party: x.Subject, Since: calendar.From(x.Appeal.At)}, err
}

// lateLoans are active loans with principal that was due before the day.
func (s *Store) lateLoans(ctx context.Context, v Viewer, today calendar.Date, limit int) ([]Alert, error) {
	parties, err := s.parties(ctx, v)
	if err != nil {
		return nil, err
	}
	var q sqlText
	q.add("SELECT r.id, r.due, r.created, r.body FROM loan x CROSS JOIN record r WHERE x.unpaid_since > '' AND x.unpaid_since < ? AND x.status = ? AND r.type = 'loan' AND r.id = x.id AND ",
		dayText(today), string(financing.Active))
	q.visible(v, parties, forBank)
	q.add(" ORDER BY x.unpaid_since, x.created LIMIT ?", limit)
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (Alert, error) {
		f, err := scanFound(scan)
		if err != nil {
			return Alert{}, err
		}
		return loanAlert(LoanOverdue)(f.body)
	})
}

// nearDuplicates are the invoices whose near fingerprint another live one has, for banks and the regulator.
func (s *Store) nearDuplicates(ctx context.Context, v Viewer, limit int) ([]Alert, error) {
	if v.scope(lookupOnly) != all {
		return nil, nil
	}
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT subject FROM total WHERE name = $1 AND records > 1 ORDER BY subject LIMIT $2`, nearName, limit)
	if err != nil {
		return nil, err
	}
	marks, err := scanAll(rows, func(scan func(...any) error) (m string, err error) { return m, scan(&m) })
	if err != nil {
		return nil, err
	}
	list := []Alert{}
	for _, mark := range marks {
		alike, err := s.lookalikes(ctx, mark)
		if err != nil {
			return nil, err
		}
		for _, one := range alike {
			r, ok, err := whatever[receivable.Receivable](ctx, s, "receivable", one.Receivable)
			if err != nil {
				return nil, err
			}
			if ok {
				list = append(list, Alert{Code: NearDuplicate, Record: "receivable", ID: r.ID, Party: r.Invoice.Seller, Since: calendar.From(r.Issued.At),
					Currency: r.Invoice.Currency, Minor: r.Invoice.PayableMinor})
			}
		}
	}
	return list, nil
}
