package contract

import (
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// creditAccess: a bank's model owner proposes, a validator of another organisation validates, the SME consents and appeals, the
// bank's service scores.
var creditAccess = ledger.Access{
	"credit:ProposeModel":  {Kinds: kinds(member.Bank), Roles: roles(member.ModelOwner)},
	"credit:ValidateModel": {Kinds: kinds(member.Bank, member.Regulator), Roles: roles(member.Validator, member.Auditor)},
	"credit:PromoteModel":  {Kinds: kinds(member.Bank, member.Regulator), Roles: roles(member.Validator, member.Auditor)},
	"credit:RetireModel":   {Kinds: kinds(member.Bank), Roles: roles(member.ModelOwner)},

	"credit:GiveConsent":     {Kinds: kinds(member.Supplier), Roles: roles(member.Maker, member.Checker)},
	"credit:WithdrawConsent": {Kinds: kinds(member.Supplier), Roles: roles(member.Maker, member.Checker)},

	"credit:SubmitScore": {Kinds: kinds(member.Bank), Roles: roles(member.Underwriter)},
	"credit:Appeal":      {Kinds: kinds(member.Supplier), Roles: roles(member.Maker, member.Checker)},
	"credit:Uphold":      {Kinds: kinds(member.Bank), Roles: roles(member.Checker)},

	"credit:Model":     {},
	"credit:Champion":  {},
	"credit:Scorecard": {},
	"credit:Consent":   {Kinds: kinds(member.Supplier, member.Bank, member.Regulator)},
	"credit:Score":     {Kinds: kinds(member.Supplier, member.Bank, member.Regulator)},
}
