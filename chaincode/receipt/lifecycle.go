package receipt

import "github.com/tallystick/tallystick/chaincode/transition"

// Status of a receipt. While it is live (Stored to Requested), the goods are in the warehouse and exactly one party is in
// control of them.
type Status string

// The statuses.
const (
	Stored    Status = "stored"    // free: the owner is in control
	Offered   Status = "offered"   // offered to another party, who has not accepted yet
	Reserved  Status = "reserved"  // kept for an application for financing
	Pledged   Status = "pledged"   // in the control of the creditor
	Enforced  Status = "enforced"  // the creditor may sell
	Requested Status = "requested" // the party in control has asked for the goods
	Delivered Status = "delivered"
	Cancelled Status = "cancelled"
	Split     Status = "split"  // replaced by several receipts
	Merged    Status = "merged" // replaced by one receipt for several
)

// Statuses lists every status.
func Statuses() []Status {
	return []Status{Stored, Offered, Reserved, Pledged, Enforced, Requested, Delivered, Cancelled, Split, Merged}
}

// Action is a step in the life of a receipt.
type Action string

// The actions.
const (
	Issue      Action = "issue"
	Offer      Action = "offer"
	Accept     Action = "accept"
	Withdraw   Action = "withdraw"
	Decline    Action = "decline"
	Reserve    Action = "reserve"
	Free       Action = "free"
	Pledge     Action = "pledge"
	Release    Action = "release"
	Enforce    Action = "enforce"
	Sell       Action = "sell"
	Propose    Action = "propose"
	Substitute Action = "substitute"
	Divide     Action = "split"
	Join       Action = "merge"
	Request    Action = "request"
	Deliver    Action = "deliver"
	Cancel     Action = "cancel"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{Issue, Offer, Accept, Withdraw, Decline, Reserve, Free, Pledge, Release, Enforce, Sell, Propose, Substitute,
		Divide, Join, Request, Deliver, Cancel}
}

// Lifecycle is what can happen to a receipt.
var Lifecycle = transition.Table[Status, Action]{
	{From: "", Action: Issue, To: Stored, Who: "the warehouse operator", Why: "Goods were received; every lot must be free of live receipts."},
	{From: Stored, Action: Offer, To: Offered, Who: "the owner", Why: "A transfer needs the receiver's acceptance."},
	{From: Offered, Action: Accept, To: Stored, Who: "the receiver", Why: "Ownership and control pass together."},
	{From: Offered, Action: Withdraw, To: Stored, Who: "the owner", Why: "Nobody has relied on the offer yet."},
	{From: Offered, Action: Decline, To: Stored, Who: "the receiver", Why: "Nobody becomes owner against their will."},
	{From: Stored, Action: Reserve, To: Reserved, Who: "the owner, by an application", Why: "The goods must not be offered elsewhere while a bank decides."},
	{From: Reserved, Action: Free, To: Stored, Who: "the financing, when it is declined, withdrawn or lapses", Why: "The owner may use the goods again."},
	{From: Reserved, Action: Pledge, To: Pledged, Who: "the financing, when the loan is accepted", Why: "Control passes to the creditor; ownership stays."},
	{From: Pledged, Action: Release, To: Stored, Who: "the creditor, or the financing when the loan is repaid", Why: "Control returns to the owner."},
	{From: Pledged, Action: Enforce, To: Enforced, Who: "the creditor, after a lapsed margin call or a default", Why: "From here the goods may be sold."},
	{From: Enforced, Action: Release, To: Stored, Who: "the creditor", Why: "The debt was redeemed before a sale."},
	{From: Enforced, Action: Sell, To: Stored, Who: "the creditor", Why: "The purchaser becomes owner in control; proceeds follow the fixed order."},
	{From: Stored, Action: Propose, To: Stored, Who: "the warehouse operator", Why: "Asks to exchange goods for others; nothing changes yet."},
	{From: Stored, Action: Substitute, To: Stored, Who: "the owner", Why: "Agrees to the exchange that was proposed."},
	{From: Pledged, Action: Propose, To: Pledged, Who: "the warehouse operator", Why: "Asks to exchange goods for others; nothing changes yet."},
	{From: Pledged, Action: Substitute, To: Pledged, Who: "the creditor", Why: "Agrees to the exchange; the new goods are pledged in the same moment."},
	{From: Stored, Action: Divide, To: Split, Who: "the owner", Why: "Several receipts replace this one; quantities add up."},
	{From: Pledged, Action: Divide, To: Split, Who: "the creditor", Why: "The parts are pledged for the same financing, so that some can be released."},
	{From: Stored, Action: Join, To: Merged, Who: "the owner", Why: "One receipt replaces several of one owner in one place."},
	{From: Pledged, Action: Join, To: Merged, Who: "the creditor", Why: "One receipt replaces several pledged for the same financing."},
	{From: Stored, Action: Request, To: Requested, Who: "the owner", Why: "The operator delivers only to the party in control."},
	{From: Requested, Action: Withdraw, To: Stored, Who: "the owner", Why: "The goods stay."},
	{From: Requested, Action: Deliver, To: Delivered, Who: "the warehouse operator", Why: "The goods are handed over and the receipt ends."},
	{From: Stored, Action: Cancel, To: Cancelled, Who: "the warehouse operator", Why: "Issued in error, and nobody else has relied on it."},
}

// Live reports whether the goods are still in the warehouse under this receipt.
func (s Status) Live() bool {
	switch s {
	case Stored, Offered, Reserved, Pledged, Enforced, Requested:
		return true
	}
	return false
}

// Liened reports whether a financing counts on the goods.
func (s Status) Liened() bool { return s == Reserved || s == Pledged || s == Enforced }
