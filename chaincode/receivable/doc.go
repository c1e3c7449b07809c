// Package receivable is the claim that an invoice makes: issued by the seller, confirmed by the buyer, divided into
// fragments that pass from holder to holder, reduced by credit notes, paid at maturity.
//
// Every rule is a pure function of the records and of who acts when. A rule returns what is to be saved and changes
// nothing that it was given, so a refusal leaves no trace. The transition tables in status.go say which steps exist.
package receivable

//go:generate go test -run ^TestDocumentation$ . -update
