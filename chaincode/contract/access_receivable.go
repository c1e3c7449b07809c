package contract

import (
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Who acts for a buyer, sells, holds a claim, and looks on. Which party somebody acts for is checked against the record
// besides.
var (
	buyerMaker    = ledger.Row{Kinds: kinds(member.Buyer), Roles: roles(member.Maker)}
	buyerChecker  = ledger.Row{Kinds: kinds(member.Buyer), Roles: roles(member.Checker)}
	buyerEither   = ledger.Row{Kinds: kinds(member.Buyer), Roles: roles(member.Maker, member.Checker)}
	sellerMaker   = ledger.Row{Kinds: kinds(member.Supplier), Roles: roles(member.Maker)}
	holderMaker   = ledger.Row{Kinds: kinds(member.Supplier, member.Bank), Roles: roles(member.Maker)}
	holderChecker = ledger.Row{Kinds: kinds(member.Supplier, member.Bank), Roles: roles(member.Checker)}
	tradeReader   = ledger.Row{Kinds: kinds(member.Buyer, member.Supplier, member.Bank, member.Regulator)}
)

var receivableAccess = ledger.Access{
	"receivable:SetRules": {Kinds: kinds(member.Buyer), Roles: roles(member.Governor)},

	"receivable:Issue":     sellerMaker,
	"receivable:IssueBulk": sellerMaker,
	"receivable:Withdraw":  sellerMaker,

	"receivable:ProposeConfirm":     buyerMaker,
	"receivable:ProposeConfirmBulk": buyerMaker,
	"receivable:Return":             buyerChecker,
	"receivable:Confirm":            buyerChecker,
	"receivable:ConfirmBulk":        buyerChecker,
	"receivable:Reject":             buyerEither,
	"receivable:Dispute":            buyerEither,
	"receivable:Resolve":            buyerMaker,

	"receivable:Split":    holderMaker,
	"receivable:Merge":    holderMaker,
	"receivable:Offer":    holderMaker,
	"receivable:TakeBack": holderMaker,
	"receivable:Accept":   holderMaker,
	"receivable:Decline":  holderMaker,
	"receivable:Consent":  holderMaker,

	"receivable:Freeze": buyerMaker,
	"receivable:Thaw":   {Kinds: kinds(member.Buyer, member.Supplier, member.Bank), Roles: roles(member.Maker)},

	"receivable:CreditNote":     sellerMaker,
	"receivable:SettleRecourse": buyerChecker,
	"receivable:Pay":            buyerChecker,
	"receivable:WriteOff":       holderChecker,
	"receivable:Age": {Kinds: kinds(member.Buyer, member.Supplier, member.Bank),
		Roles: roles(member.Maker, member.Checker, member.Underwriter)},

	"receivable:Rules":        tradeReader,
	"receivable:Get":          tradeReader,
	"receivable:List":         tradeReader,
	"receivable:Standings":    tradeReader,
	"receivable:Terms":        buyerEither,
	"receivable:TermsBulk":    buyerEither,
	"receivable:Fragment":     {Kinds: kinds(member.Buyer, member.Bank, member.Regulator)},
	"receivable:Fragments":    {Kinds: kinds(member.Buyer, member.Bank, member.Regulator)},
	"receivable:Holding":      tradeReader,
	"receivable:Holdings":     tradeReader,
	"receivable:ListHoldings": tradeReader,
	"receivable:Bill":         {Kinds: kinds(member.Buyer, member.Bank, member.Regulator)},
	"receivable:Costs":        {Kinds: kinds(member.Bank, member.Regulator)},
	"receivable:Payments":     {Kinds: kinds(member.Buyer, member.Supplier, member.Bank, member.Regulator)},
	"receivable:CreditNotes":  tradeReader,
	"receivable:Disputes":     tradeReader,
}
