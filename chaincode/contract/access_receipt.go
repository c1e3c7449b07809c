package contract

import (
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// receiptAccess: the operator's staff issue and deliver, its collector anchors evidence, owners (SMEs and buyers) pass receipts
// on, banks decide on what is pledged to them, and any organisation but the operator's own may attest a device.
var receiptAccess = ledger.Access{
	"receipt:RegisterLotKey":  {Kinds: kinds(member.Warehouse, member.Buyer, member.Supplier), Roles: roles(member.Governor, member.Operator, member.Host)},
	"receipt:LotKey":          {Kinds: kinds(member.Warehouse, member.Buyer, member.Supplier), Roles: roles(member.Governor, member.Operator, member.Host)},
	"receipt:RegisterDevice":  {Kinds: kinds(member.Warehouse), Roles: roles(member.Operator)},
	"receipt:AttestDevice":    {Kinds: kinds(member.Bank, member.Buyer, member.Supplier, member.Warehouse), Roles: roles(member.Governor, member.Risk)},
	"receipt:CalibrateDevice": {Kinds: kinds(member.Bank, member.Buyer, member.Supplier, member.Warehouse), Roles: roles(member.Governor, member.Risk)},
	"receipt:RevokeDevice":    {Kinds: kinds(member.Bank, member.Buyer, member.Supplier, member.Warehouse), Roles: roles(member.Governor, member.Risk, member.Operator)},
	"receipt:Issue":           {Kinds: kinds(member.Warehouse), Roles: roles(member.Operator)},
	"receipt:AnchorEvidence":  {Kinds: kinds(member.Warehouse), Roles: roles(member.Collector)},
	"receipt:Offer":           {Kinds: kinds(member.Supplier, member.Buyer), Roles: roles(member.Maker)},
	"receipt:Accept":          {Kinds: kinds(member.Supplier, member.Buyer), Roles: roles(member.Maker)},
	"receipt:Withdraw":        {Kinds: kinds(member.Supplier, member.Buyer), Roles: roles(member.Maker)},
	"receipt:Decline":         {Kinds: kinds(member.Supplier, member.Buyer), Roles: roles(member.Maker)},
	"receipt:Split":           {Kinds: kinds(member.Supplier, member.Buyer, member.Bank), Roles: roles(member.Maker)},
	"receipt:Merge":           {Kinds: kinds(member.Supplier, member.Buyer, member.Bank), Roles: roles(member.Maker)},
	"receipt:Propose":         {Kinds: kinds(member.Warehouse), Roles: roles(member.Operator)},
	"receipt:Substitute":      {Kinds: kinds(member.Supplier, member.Buyer, member.Bank), Roles: roles(member.Maker)},
	"receipt:Request":         {Kinds: kinds(member.Supplier, member.Buyer), Roles: roles(member.Maker)},
	"receipt:Deliver":         {Kinds: kinds(member.Warehouse), Roles: roles(member.Operator)},
	"receipt:Cancel":          {Kinds: kinds(member.Warehouse), Roles: roles(member.Operator)},
	"receipt:ProposePrices":   {Kinds: kinds(member.Bank, member.Warehouse), Roles: roles(member.Risk, member.Governor)},
	"receipt:AgreePrices":     {Kinds: kinds(member.Bank), Roles: roles(member.Risk)},
	"receipt:ObservePrice":    {Kinds: kinds(member.Bank, member.Warehouse), Roles: roles(member.Underwriter, member.Risk, member.Maker, member.Collector)},
	"receipt:Prices":          {},
	"receipt:Value":           {},
	"receipt:Get":             {},
	"receipt:List":            {},
	"receipt:Device":          {},
	"receipt:Devices":         {},
	"receipt:Head":            {},
	"receipt:Evidence":        {},
	"receipt:Watch":           {},
	"receipt:VerifyReading":   {},
}

// marginAccess: the bank assesses, releases and sells, its borrower brings more collateral, the regulator looks on.
var marginAccess = ledger.Access{
	"margin:ProposeTerms":  bankRisk,
	"margin:ApproveTerms":  bankRisk,
	"margin:Assess":        {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter, member.Maker, member.Checker, member.Risk)},
	"margin:AddCollateral": {Kinds: kinds(member.Supplier), Roles: roles(member.Maker)},
	"margin:Release":       bankChecker,
	"margin:Liquidate":     bankChecker,
	"margin:Sell":          bankMaker,
	"margin:Get":           deskReader,
	"margin:Terms":         bankReader,
	"margin:Sale":          deskReader,
}
