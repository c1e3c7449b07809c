package operation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/network/topology"
)

// Two warehouses of two operators, with other banks, so that nobody but the supplier host and the regulator reads both
// programmes: the same lot is taken in one of them only.
func TestALotInTwoWarehousesOfTwoOperators(t *testing.T) {
	place := topology.Default()
	place.Organizations = append(place.Organizations, topology.Organization{Name: "dockside", MSPID: "DocksideMSP", Users: []topology.User{
		{Name: "dora", Roles: []string{"maker", "operator"}}, {Name: "dirk", Roles: []string{"governor"}}}})
	c := memory.New(place)
	t.Cleanup(c.Close)
	session := func(org, user string) *consortium.Session {
		s, err := c.Session(org, user)
		require.NoError(t, err)
		return s
	}
	do := func(s *consortium.Session, call consortium.Call) error {
		_, err := s.Submit(t.Context(), call, nil)
		return err
	}
	text := func(v any) string {
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		return string(raw)
	}
	governors := map[string]*consortium.Session{"buyer": session("buyer", "gwen"), "supplier": session("supplier", "hana"), "bankA": session("bankA", "gina"),
		"bankB": session("bankB", "greta"), "warehouse": session("warehouse", "gus"), "dockside": session("dockside", "dirk"), "regulator": session("regulator", "reg")}
	founders := []member.Founder{{MSP: "BuyerMSP", Kind: member.Buyer}, {MSP: "SupplierMSP", Kind: member.Supplier}, {MSP: "BankAMSP", Kind: member.Bank},
		{MSP: "BankBMSP", Kind: member.Bank}, {MSP: "WarehouseMSP", Kind: member.Warehouse}, {MSP: "DocksideMSP", Kind: member.Warehouse}, {MSP: "RegulatorMSP", Kind: member.Regulator}}
	require.NoError(t, do(governors["buyer"], consortium.Call{Function: "member:Found", Args: []string{text(founders)}, Governed: true}))
	for org, s := range governors {
		require.NoError(t, do(s, consortium.Call{Function: "member:Register", Args: []string{text(member.Registration{Name: org, SealingKey: s.Keyring.Public()})}, Governed: true}))
	}
	const harbour, dockside = "prg-0000000000000000000a", "prg-0000000000000000000b"
	owner := receipt.Holder{MSP: "SupplierMSP", Party: memory.PartyID("acme")}
	for id, who := range map[string][]string{harbour: {"warehouse", "bankA", "BankAMSP"}, dockside: {"dockside", "bankB", "BankBMSP"}} {
		_, _, err := governors[who[0]].Found(t.Context(), id, circle.Programme, []string{"SupplierMSP", who[2]}, "")
		require.NoError(t, err)
		for _, org := range []string{who[0], who[1], "supplier", "regulator"} {
			_, _, err := governors[org].Confirm(t.Context(), id)
			require.NoError(t, err)
		}
		party := member.Party{ID: owner.Party, Host: owner.MSP, Name: "Acme", FingerprintKey: strings.Repeat("ab", 32)}
		require.NoError(t, do(governors["supplier"], consortium.Call{Function: "member:RegisterParty", Args: []string{id, party.ID}, Input: party, Circles: []string{id}}))
	}
	own, err := operation.RegisterLotKey(governors["warehouse"], harbour)
	require.NoError(t, err)
	require.NoError(t, do(governors["warehouse"], own))

	// A second operator with a key of its own would not see the first one's lots.
	other, err := operation.RegisterLotKey(governors["dockside"], dockside)
	require.NoError(t, err)
	assert.Equal(t, fault.LotKeyConflict, fault.CodeOf(do(governors["dockside"], other)))

	sealed, err := operation.ExportLotKey(t.Context(), governors["warehouse"], harbour, "DocksideMSP")
	require.NoError(t, err)
	_, err = operation.ImportLotKey(governors["bankB"], sealed, dockside)
	assert.Equal(t, fault.KeyWrong, fault.CodeOf(err), "the file is for dockside alone")
	_, err = operation.ExportLotKey(t.Context(), session("supplier", "amy"), harbour, "SupplierMSP")
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err), "no SME holds the key")
	forged := sealed
	forged.Commitment = receipt.LotKeyCommitment([]byte("another"))
	_, err = operation.ImportLotKey(governors["dockside"], forged, dockside)
	assert.Equal(t, fault.KeyWrong, fault.CodeOf(err))
	imported, err := operation.ImportLotKey(governors["dockside"], sealed, dockside)
	require.NoError(t, err)
	require.NoError(t, do(governors["dockside"], imported))

	issue := func(s *consortium.Session, programme, id, lot string) error {
		in := receipt.Issuance{ID: id, Owner: owner, Site: "hall", StoredOn: calendar.From(c.Ledger.Now()), Goods: []receipt.Goods{
			{Class: "cocoa-beans", GTIN: "4012345111118", Lot: lot, Quantity: receipt.Quantity{Value: 10, Unit: "KGM"}}}}
		return do(s, consortium.Call{Function: "receipt:Issue", Args: []string{programme, id}, Input: in, Circles: []string{programme}})
	}
	wes, dora := session("warehouse", "wes"), session("dockside", "dora")
	require.NoError(t, issue(wes, harbour, "rct-00000001", "L-1"))
	assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(issue(dora, dockside, "rct-00000002", "l-1")), "the same lot in the other operator's house")
	require.NoError(t, issue(dora, dockside, "rct-00000002", "L-2"))
	assert.Equal(t, fault.ReceiptLotLive, fault.CodeOf(issue(wes, harbour, "rct-00000003", "L-2")), "and the other way round")
}
