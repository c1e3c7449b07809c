package projection

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Sum is what is summed up under a subject or a day, in minor units of the currency. Records is how many records it is of.
type Sum struct {
	Subject  string        `json:"subject,omitempty"`
	On       calendar.Date `json:"on,omitzero"`
	Currency string        `json:"currency"`
	Minor    int64         `json:"minor"`
	Records  int64         `json:"records"`
}

// MaxSums is the most rows that an aggregate returns.
const MaxSums = 1000

// sums adds totals up over the scopes, by "day", by "subject" or by both.
func (s *Store) sums(ctx context.Context, name string, scopes []string, by, condition string, args ...any) ([]Sum, error) {
	if len(scopes) == 0 {
		return []Sum{}, nil
	}
	day, subject, order := "''", "''", "currency"
	if strings.Contains(by, "day") {
		day, order = "day", order+", day"
	}
	if strings.Contains(by, "subject") {
		subject, order = "subject", order+", subject"
	}
	var q sqlText
	q.add("SELECT currency, "+day+", "+subject+", CAST(SUM(minor) AS BIGINT), CAST(SUM(records) AS BIGINT) FROM total WHERE name = ? AND ", name)
	q.in("scope", scopes)
	q.add(condition, args...)
	q.add(" GROUP BY "+order+" HAVING SUM(records) > 0 ORDER BY "+order+" LIMIT ?", MaxSums)
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (x Sum, err error) {
		var on string
		if err := scan(&x.Currency, &on, &x.Subject, &x.Minor, &x.Records); err != nil || on == "" {
			return x, err
		}
		x.On, err = calendar.Parse(on)
		return x, err
	})
}

// largest orders sums by currency, the largest first, and keeps at most limit of each currency.
func largest(list []Sum, limit int) []Sum {
	slices.SortStableFunc(list, func(a, b Sum) int {
		return cmp.Or(strings.Compare(a.Currency, b.Currency), cmp.Compare(b.Minor, a.Minor), strings.Compare(a.Subject, b.Subject))
	})
	kept, n, currency := []Sum{}, 0, ""
	for _, x := range list {
		if x.Currency != currency {
			n, currency = 0, x.Currency
		}
		if n++; n <= limit {
			kept = append(kept, x)
		}
	}
	return kept
}

// tradeScopes are the sums of receivables that the viewer may see: everybody's, one buyer's where it is named, or those of the
// viewer's own parties.
func (s *Store) tradeScopes(ctx context.Context, v Viewer, party string) ([]string, error) {
	parties, err := s.parties(ctx, v)
	if err != nil {
		return nil, err
	}
	switch v.scope(forTrade) {
	case all:
		return []string{party}, nil
	case ownParties:
		if party == "" {
			return parties, nil
		}
		if slices.Contains(parties, party) {
			return []string{party}, nil
		}
	}
	return nil, nil
}

// Owed is what is owed on confirmed receivables by due date: by the viewer's parties, or, to banks and the regulator, by the
// buyer, by all buyers where it is "".
func (s *Store) Owed(ctx context.Context, v Viewer, buyer string) ([]Sum, error) {
	scopes, err := s.tradeScopes(ctx, v, buyer)
	if err != nil {
		return nil, err
	}
	return s.sums(ctx, owedName, scopes, "day", "")
}

// Held is what the viewer's party is owed as a holder, by due date and debtor; banks and the regulator name the holder.
func (s *Store) Held(ctx context.Context, v Viewer, holder string) ([]Sum, error) {
	scopes, err := s.tradeScopes(ctx, v, holder)
	if err != nil || v.scope(forTrade) == all && holder == "" {
		return []Sum{}, err
	}
	return s.sums(ctx, heldName, scopes, "day subject", "")
}

// Overdue is what is owed on receivables past their due date on a day, largest first: by buyer to banks and the regulator, by
// programme to a buyer.
func (s *Store) Overdue(ctx context.Context, v Viewer, today calendar.Date) ([]Sum, error) {
	scopes, err := s.tradeScopes(ctx, v, "")
	if err != nil {
		return nil, err
	}
	list, err := s.sums(ctx, owedName, scopes, "subject", " AND day > '' AND day < ?", dayText(today))
	return largest(list, MaxSums), err
}

// Ageing is the outstanding principal in one bucket of days past due.
type Ageing struct {
	Currency string           `json:"currency"`
	Bucket   financing.Bucket `json:"bucket"`
	Minor    int64            `json:"minor"`
	Loans    int64            `json:"loans"`
}

// Portfolio is a bank's outstanding principal.
type Portfolio struct {
	On        calendar.Date `json:"on"`
	Ageing    []Ageing      `json:"ageing"`
	Borrowers []Sum         `json:"borrowers"` // largest first
	Buyers    []Sum         `json:"buyers"`    // what rests on claims against each buyer, largest first
	// Maturing is the principal by the day on which its next part is due.
	Maturing []Sum `json:"maturing"`
}

// loanScopes are the sums of loans that the viewer may see: its own bank's, or to the regulator a bank's or all.
func loanScopes(v Viewer, bank string) []string {
	switch v.scope(bankOnly) {
	case ownBank:
		if bank == "" || bank == v.MSP {
			return []string{mspScope(v.MSP)}
		}
	case all:
		if bank == "" {
			return []string{""}
		}
		return []string{mspScope(bank)}
	}
	return nil
}

// maxSubjects is how many borrowers or buyers a portfolio names in each currency.
const maxSubjects = 50

// Portfolio is what a bank has lent, to the bank and the regulator, who may name the bank or see all together.
func (s *Store) Portfolio(ctx context.Context, v Viewer, bank string, today calendar.Date) (Portfolio, error) {
	p := Portfolio{On: today, Ageing: []Ageing{}}
	scopes := loanScopes(v, bank)
	var err error
	if p.Maturing, err = s.sums(ctx, unpaidName, scopes, "day", ""); err != nil {
		return p, err
	}
	if p.Borrowers, err = s.sums(ctx, exposureName, scopes, "subject", ""); err != nil {
		return p, err
	}
	if p.Buyers, err = s.sums(ctx, buyerExposureName, scopes, "subject", ""); err != nil {
		return p, err
	}
	p.Borrowers, p.Buyers = largest(p.Borrowers, maxSubjects), largest(p.Buyers, maxSubjects)
	for _, x := range p.Maturing {
		bucket := bucketOf(x.On, today)
		i := slices.IndexFunc(p.Ageing, func(a Ageing) bool { return a.Currency == x.Currency && a.Bucket == bucket })
		if i < 0 {
			i = len(p.Ageing)
			p.Ageing = append(p.Ageing, Ageing{Currency: x.Currency, Bucket: bucket})
		}
		p.Ageing[i].Minor += x.Minor
		p.Ageing[i].Loans += x.Records
	}
	order := []financing.Bucket{financing.Current, financing.Past1To30, financing.Past31To60, financing.Past61To90, financing.PastOver90}
	slices.SortFunc(p.Ageing, func(a, b Ageing) int {
		return cmp.Or(strings.Compare(a.Currency, b.Currency), cmp.Compare(slices.Index(order, a.Bucket), slices.Index(order, b.Bucket)))
	})
	return p, nil
}

// bucketOf is the standing of a loan whose oldest unpaid part was due on a day; the loan's own rule decides.
func bucketOf(due, today calendar.Date) financing.Bucket {
	l := financing.Loan{Status: financing.Active, Terms: financing.LoanTerms{MaturityOn: due, Schedule: []financing.Due{{On: due, PrincipalMinor: 1}}}}
	return l.Standing(today)
}

// Share is one subject's part of a whole.
type Share struct {
	Sum
	ShareBP money.BasisPoints `json:"share_bp"`
}

// Concentrated says how a whole is spread in one currency. IndexBP is the Herfindahl-Hirschman index, the sum of the squared
// shares of all subjects (US Horizontal Merger Guidelines 2023, guideline 1, there out of 10,000 as here).
type Concentrated struct {
	Currency string  `json:"currency"`
	Minor    int64   `json:"minor"`
	Subjects int     `json:"subjects"`
	IndexBP  int64   `json:"index_bp"`
	Largest  []Share `json:"largest"`
}

// Dimension is what a concentration is measured by.
type Dimension string

// The dimensions of a concentration.
const (
	ByBuyer         Dimension = "buyer"          // owed on confirmed receivables, by buyer
	BySeller        Dimension = "seller"         // the same by seller
	ByBorrower      Dimension = "borrower"       // outstanding principal, by borrower
	ByBuyerExposure Dimension = "buyer_exposure" // outstanding principal on claims, by buyer
)

// Dimensions lists them.
func Dimensions() []Dimension { return []Dimension{ByBuyer, BySeller, ByBorrower, ByBuyerExposure} }

// Concentration says how claims and loans are spread, to banks (their own loans, and the claims that they may read) and the
// regulator. Others get nothing.
func (s *Store) Concentration(ctx context.Context, v Viewer, d Dimension) ([]Concentrated, error) {
	name, ok := map[Dimension]string{ByBuyer: debtorName, BySeller: sellerName, ByBorrower: exposureName, ByBuyerExposure: buyerExposureName}[d]
	var scopes []string
	switch {
	case !ok:
	case d == ByBuyer || d == BySeller:
		if v.scope(forTrade) == all {
			scopes = []string{""}
		}
	default:
		scopes = loanScopes(v, "")
	}
	list, err := s.everySum(ctx, name, scopes)
	if err != nil {
		return nil, err
	}
	out := []Concentrated{}
	for _, x := range list {
		if len(out) == 0 || out[len(out)-1].Currency != x.Currency {
			out = append(out, Concentrated{Currency: x.Currency, Largest: []Share{}})
		}
		c := &out[len(out)-1]
		c.Minor += x.Minor
		c.Subjects++
		if len(c.Largest) < maxSubjects {
			c.Largest = append(c.Largest, Share{Sum: x})
		}
	}
	for i := range out {
		c := &out[i]
		squares := 0.0
		for _, x := range list {
			if x.Currency == c.Currency && c.Minor > 0 {
				share := float64(x.Minor) / float64(c.Minor)
				squares += share * share
			}
		}
		c.IndexBP = int64(math.Round(squares * float64(money.Whole)))
		for j, x := range c.Largest {
			bp, err := money.MulDiv(x.Minor, int64(money.Whole), max(c.Minor, 1), money.HalfEven)
			if err != nil {
				return nil, err
			}
			c.Largest[j].ShareBP = money.BasisPoints(bp)
		}
	}
	return out, nil
}

// everySum reads the sums by subject without a limit: an index over all needs all. Largest first in each currency.
func (s *Store) everySum(ctx context.Context, name string, scopes []string) ([]Sum, error) {
	if len(scopes) == 0 {
		return nil, nil
	}
	var q sqlText
	q.add("SELECT currency, subject, minor, records FROM total WHERE name = ? AND ", name)
	q.in("scope", scopes)
	q.add(" AND records > 0 AND minor > 0 ORDER BY currency, minor DESC, subject")
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (x Sum, err error) {
		return x, scan(&x.Currency, &x.Subject, &x.Minor, &x.Records)
	})
}

// Count is how many records of a type are in a status.
type Count struct {
	Record  string `json:"record"`
	Status  string `json:"status"`
	Records int64  `json:"records"`
}

// Counts counts the records that the viewer may see by type and status. A hosted party's former holdings are not counted.
func (s *Store) Counts(ctx context.Context, v Viewer) ([]Count, error) {
	parties, err := s.parties(ctx, v)
	if err != nil {
		return nil, err
	}
	var q sqlText
	q.add("SELECT scope, subject, records FROM total WHERE name = ? AND records > 0 AND ", countName)
	q.in("scope", append([]string{"", mspScope(v.MSP)}, parties...))
	q.add(" ORDER BY subject, scope")
	rows, err := q.query(ctx, s.reader(ctx))
	if err != nil {
		return nil, err
	}
	list := []Count{}
	_, err = scanAll(rows, func(scan func(...any) error) (struct{}, error) {
		var scope, subject string
		var n int64
		if err := scan(&scope, &subject, &n); err != nil {
			return struct{}{}, err
		}
		typ, status, _ := strings.Cut(subject, "/")
		if !counts(v.scope(kinds[typ].access), scope, v, parties) {
			return struct{}{}, nil
		}
		if last := len(list) - 1; last >= 0 && list[last].Record == typ && list[last].Status == status {
			list[last].Records += n
		} else {
			list = append(list, Count{typ, status, n})
		}
		return struct{}{}, nil
	})
	return list, err
}

func counts(seen sees, scope string, v Viewer, parties []string) bool {
	switch seen {
	case all:
		return scope == ""
	case ownBank:
		return scope == mspScope(v.MSP)
	case ownParties:
		return slices.Contains(parties, scope)
	}
	return false
}
