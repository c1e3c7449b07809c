// Package contract is the door of the chaincode: one thin contract a capability. Each method authorises, loads, decides,
// saves and emits; what it decides stands in the capability's own folder.
package contract

import (
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-contract-api-go/v2/metadata"

	"github.com/tallystick/tallystick/chaincode/ledger"
)

// Version of the chaincode's rules, shown in its metadata.
const Version = "0.1.0"

// contracts lists every contract with its name on the ledger and its access rows.
func contracts() ([]contractapi.ContractInterface, ledger.Access) {
	list := []contractapi.ContractInterface{
		&Member{Contract: named("member", "The consortium: members, votes, parties")},
		&Circle{Contract: named("circle", "Who may read: circles and their keys")},
		&Receipt{Contract: named("receipt", "Warehouse receipts, devices and evidence")},
		&Margin{Contract: named("margin", "Loans on goods: value, margin calls, sale")},
		&Receivable{Contract: named("receivable", "Claims: invoices, confirmations, fragments, payments")},
		&Credit{Contract: named("credit", "Models, consents and scores")},
		&Financing{Contract: named("financing", "Policies, applications, decisions, loans and limits")},
	}
	return list, ledger.Merge(memberAccess, circleAccess, receiptAccess, marginAccess, receivableAccess, creditAccess, financingAccess)
}

func named(name, title string) contractapi.Contract {
	return contractapi.Contract{
		Name:                      name,
		TransactionContextHandler: new(ledger.Context),
		Info:                      metadata.InfoMetadata{Title: title, Version: Version},
	}
}

// New returns the chaincode: every contract behind the ledger's door.
func New() (shim.Chaincode, error) {
	list, access := contracts()
	all, err := contractapi.NewChaincode(list...)
	if err != nil {
		return nil, err
	}
	all.TransactionSerializer = &results{}
	all.Info.Title, all.Info.Version = "Tallystick", Version
	return &ledger.Door{Contracts: all, Access: access}, nil
}
