package projection_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing/explain"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

// texts are the members of a list as JSON, sorted.
func texts[T any](t *testing.T, list []T) []string {
	t.Helper()
	out := make([]string, 0, len(list))
	for _, one := range list {
		raw, err := json.Marshal(one)
		require.NoError(t, err)
		out = append(out, normal(t, raw))
	}
	slices.Sort(out)
	return out
}

// normal is a JSON document with its members in order.
func normal(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(raw, &v))
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}

// listOf asks the ledger for a list; what it refuses is empty.
func listOf(t *testing.T, s *consortium.Session, field, function string, args ...string) []string {
	t.Helper()
	var raw []byte
	err := s.Evaluate(t.Context(), consortium.Call{Function: function, Args: args, Circles: circlesOf(t, s)}, &raw)
	if code := fault.CodeOf(err); code == fault.NotPermitted || code == fault.RecordNotFound || code == fault.NotHolder {
		return []string{}
	}
	require.NoError(t, err, function)
	list := []json.RawMessage{}
	if field == "" {
		require.NoError(t, json.Unmarshal(raw, &list))
		return texts(t, list)
	}
	var page map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &page))
	require.Equal(t, `""`, string(page["next"]), "one page holds it all")
	require.NoError(t, json.Unmarshal(page[field], &list))
	return texts(t, list)
}

// The model's lists are the ledger's own, for users of every kind.
func TestListsAreTheLedgers(t *testing.T) {
	users := []struct {
		org, msp, user, party string
		kind                  member.Kind
	}{
		{"supplier", "SupplierMSP", "amy", "acme", member.Supplier}, {"supplier", "SupplierMSP", "bea", "birch", member.Supplier},
		{"supplier", "SupplierMSP", "cai", "cedar", member.Supplier}, {"buyer", "BuyerMSP", "alice", "buyer", member.Buyer},
		{"bankA", "BankAMSP", "mona", "bankA", member.Bank}, {"bankB", "BankBMSP", "nils", "bankB", member.Bank},
		{"warehouse", "WarehouseMSP", "wes", "warehouse", member.Warehouse}, {"regulator", "RegulatorMSP", "reg", "regulator", member.Regulator},
	}
	for _, name := range []string{"receivables", "main-job", "receipts", "financing"} {
		c := shown(t, name)
		today := calendar.From(c.Ledger.Now())
		models := map[string]*projection.Store{}
		for _, o := range organisations {
			models[o.name] = modelOf(t, c, o.name, o.user)
		}
		filled := map[string]int{}
		for _, u := range users {
			s, ctx := models[u.org], t.Context()
			v := projection.Viewer{MSP: u.msp, Kind: u.kind, Party: partyOf(u.party)}
			session, err := c.Session(u.org, u.user)
			require.NoError(t, err)
			same := func(what string, want, got []string) {
				filled[what] += len(want)
				assert.Equal(t, want, got, "%s: %s of %s/%s", name, what, u.org, u.user)
			}
			receivables, err := s.Receivables(ctx, v, projection.ReceivableFilter{}, whole)
			require.NoError(t, err)
			same("receivables", listOf(t, session, "receivables", "receivable:List", "100", ""), texts(t, receivables.Items))
			for _, r := range receivables.Items {
				one, err := s.Receivable(ctx, v, r.ID)
				require.NoError(t, err)
				var raw []byte
				require.NoError(t, session.Evaluate(ctx, consortium.Call{Function: "receivable:Get", Args: []string{r.ID}, Circles: circlesOf(t, session)}, &raw))
				same("receivable", []string{normal(t, raw)}, texts(t, []projection.ReceivableView{one}))
				if u.kind != member.Supplier {
					fragments, err := s.Fragments(ctx, v, projection.FragmentFilter{Receivable: r.ID}, whole)
					require.NoError(t, err)
					same("fragments", listOf(t, session, "", "receivable:Fragments", r.ID), texts(t, fragments.Items))
					payments, err := s.Payments(ctx, v, r.ID, projection.Common{}, whole)
					require.NoError(t, err)
					same("payments", listOf(t, session, "", "receivable:Payments", r.ID), texts(t, payments.Items))
				}
				notes, err := s.CreditNotes(ctx, v, r.ID, projection.Common{}, whole)
				require.NoError(t, err)
				same("credit notes", listOf(t, session, "", "receivable:CreditNotes", r.ID), texts(t, notes.Items))
				disputes, err := s.Disputes(ctx, v, r.ID, projection.Common{}, whole)
				require.NoError(t, err)
				same("disputes", listOf(t, session, "", "receivable:Disputes", r.ID), texts(t, disputes.Items))
			}
			if u.kind == member.Supplier {
				holdings, err := s.Holdings(ctx, v, projection.HoldingFilter{}, whole)
				require.NoError(t, err)
				same("holdings", listOf(t, session, "holdings", "receivable:ListHoldings", "100", ""), texts(t, holdings.Items))
			}
			applications, err := s.Applications(ctx, v, projection.ApplicationFilter{}, whole)
			require.NoError(t, err)
			same("applications", listOf(t, session, "applications", "financing:Applications", "100", ""), texts(t, applications.Items))
			loans, err := s.Loans(ctx, v, projection.LoanFilter{}, today, whole)
			require.NoError(t, err)
			same("loans", listOf(t, session, "loans", "financing:Loans", "100", ""), texts(t, loans.Items))
			receipts, err := s.Receipts(ctx, v, projection.ReceiptFilter{}, whole)
			require.NoError(t, err)
			same("receipts", listOf(t, session, "receipts", "receipt:List", "100", ""), texts(t, receipts.Items))
			for _, a := range applications.Items {
				if a.Decision == nil {
					continue
				}
				e, err := s.Explained(ctx, v, a.ID)
				require.NoError(t, err)
				var raw []byte
				require.NoError(t, session.Evaluate(ctx, consortium.Call{Function: "financing:Explain", Args: []string{a.ID}, Circles: circlesOf(t, session)}, &raw))
				same("explanations", []string{normal(t, raw)}, texts(t, []explain.Explained{e}))
			}
		}
		t.Logf("%s: %v", name, filled)
	}
}
