package contract

import (
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Who applies and accepts, who decides, who moves money, who looks on. Which party or bank somebody acts for is checked against
// the record besides.
var (
	smeUser      = ledger.Row{Kinds: kinds(member.Supplier), Roles: roles(member.Maker, member.Checker)}
	bankRisk     = ledger.Row{Kinds: kinds(member.Bank), Roles: roles(member.Risk)}
	bankMaker    = ledger.Row{Kinds: kinds(member.Bank), Roles: roles(member.Maker)}
	bankChecker  = ledger.Row{Kinds: kinds(member.Bank), Roles: roles(member.Checker)}
	deskReader   = ledger.Row{Kinds: kinds(member.Supplier, member.Bank, member.Regulator)}
	bankReader   = ledger.Row{Kinds: kinds(member.Bank, member.Regulator)}
	eitherOfLoan = ledger.Row{Kinds: kinds(member.Supplier, member.Bank), Roles: roles(member.Maker, member.Checker, member.Underwriter)}
)

var financingAccess = ledger.Access{
	"financing:ProposePolicy": bankRisk,
	"financing:ApprovePolicy": bankRisk,
	"financing:RejectPolicy":  bankRisk,

	"financing:Apply":    {Kinds: kinds(member.Supplier), Roles: roles(member.Maker)},
	"financing:Withdraw": smeUser,
	"financing:Expire":   eitherOfLoan,
	"financing:Decide":   {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter)},
	"financing:Accept":   smeUser,

	"financing:ScoreAndDecide": {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter)},

	"financing:ProposeProgramme": {Kinds: kinds(member.Buyer), Roles: roles(member.Maker)},
	"financing:ApproveProgramme": {Kinds: kinds(member.Buyer), Roles: roles(member.Checker)},
	"financing:FundProgramme":    bankRisk,
	"financing:Enrol":            smeUser,
	"financing:EndEnrolment":     smeUser,
	"financing:OfferEarly":       {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter)},
	"financing:Programme":        {},
	"financing:Enrolment":        {},

	"financing:Tender":      {Kinds: kinds(member.Supplier), Roles: roles(member.Maker)},
	"financing:CommitOffer": {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter)},
	"financing:CloseTender": smeUser,

	"financing:ProposeOverride": bankMaker,
	"financing:ApproveOverride": bankChecker,

	"financing:Draw":          {Kinds: kinds(member.Bank), Roles: roles(member.Maker, member.Underwriter)},
	"financing:Cancel":        {Kinds: kinds(member.Supplier, member.Bank), Roles: roles(member.Maker, member.Checker)},
	"financing:Charge":        bankMaker,
	"financing:Repay":         bankMaker,
	"financing:Collect":       {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter, member.Maker)},
	"financing:ReturnSurplus": bankMaker,
	"financing:Default":       bankChecker,
	"financing:Cure":          bankChecker,
	"financing:Recourse":      bankChecker,
	"financing:Enforce":       bankChecker,
	"financing:WriteOff":      bankChecker,
	"financing:Recover":       bankMaker,

	"financing:RebalanceLimit": bankRisk,
	"financing:OpenLimit":      {Kinds: kinds(member.Bank), Roles: roles(member.Risk, member.Underwriter)},
	"financing:GatherLimit":    {Kinds: kinds(member.Bank), Roles: roles(member.Risk, member.Underwriter, member.Maker)},

	"financing:Application":      deskReader,
	"financing:Applications":     deskReader,
	"financing:OpenApplications": deskReader,
	"financing:Case":             {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter, member.Maker, member.Checker, member.Risk)},
	"financing:Dossier":          {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter, member.Maker, member.Checker, member.Risk)},
	"financing:Offers":           deskReader,
	"financing:Explain":          deskReader,
	"financing:Loan":             deskReader,
	"financing:Loans":            deskReader,
	"financing:Policy":           bankReader,
	"financing:ActivePolicy":     bankReader,
	"financing:Limit":            bankReader,
}
