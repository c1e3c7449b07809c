package receivable

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// Status of a receivable.
type Status string

// The statuses of a receivable.
const (
	Issued     Status = "issued"
	Proposed   Status = "proposed"
	Disputed   Status = "disputed"
	Rejected   Status = "rejected"
	Withdrawn  Status = "withdrawn"
	Cancelled  Status = "cancelled"
	Confirmed  Status = "confirmed"
	Matured    Status = "matured"
	Overdue    Status = "overdue"
	Defaulted  Status = "defaulted"
	WrittenOff Status = "written_off"
	Settled    Status = "settled"
)

// Action is a step of a receivable.
type Action string

// The steps of a receivable.
const (
	Issue       Action = "issue"
	Withdraw    Action = "withdraw"
	Propose     Action = "propose"
	Return      Action = "return"
	Confirm     Action = "confirm"
	Reject      Action = "reject"
	OpenDispute Action = "dispute"
	Resolve     Action = "resolve"
	Credit      Action = "credit"
	Cancel      Action = "cancel"
	Freeze      Action = "freeze"
	Thaw        Action = "thaw"
	Pay         Action = "pay"
	Settle      Action = "settle"
	Mature      Action = "mature"
	Lapse       Action = "lapse"
	Default     Action = "default"
	WriteOff    Action = "write_off"
)

// Statuses lists every status of a receivable, in the order of its life.
func Statuses() []Status {
	return []Status{Issued, Proposed, Disputed, Rejected, Withdrawn, Cancelled, Confirmed, Matured, Overdue, Defaulted, WrittenOff, Settled}
}

// Actions lists every step of a receivable.
func Actions() []Action {
	return []Action{Issue, Withdraw, Propose, Return, Confirm, Reject, OpenDispute, Resolve, Credit, Cancel, Freeze, Thaw, Pay, Settle,
		Mature, Lapse, Default, WriteOff}
}

const (
	sellerMaker  = "the seller's maker"
	buyerMaker   = "the buyer's maker"
	buyerChecker = "the buyer's checker"
	eitherBuyer  = "the buyer's maker or checker"
	dates        = "whoever acts next: the dates decide"
)

// Life is the transition table of a receivable.
var Life = transition.Table[Status, Action]{
	{From: "", Action: Issue, To: Issued, Who: sellerMaker, Why: "An invoice enters the ledger; its fingerprint must be new."},
	{From: Issued, Action: Withdraw, To: Withdrawn, Who: sellerMaker, Why: "The seller takes back an invoice that nobody relies on yet."},
	{From: Issued, Action: Propose, To: Proposed, Who: buyerMaker, Why: "The buyer's first person has checked the invoice."},
	{From: Issued, Action: OpenDispute, To: Disputed, Who: buyerMaker, Why: "Under query, with reason codes; the invoice waits."},
	{From: Issued, Action: Reject, To: Rejected, Who: eitherBuyer, Why: "The buyer does not owe it, with reason codes."},
	{From: Issued, Action: Credit, To: Issued, Who: sellerMaker, Why: "A credit note lowers what will be confirmed."},
	{From: Issued, Action: Cancel, To: Cancelled, Who: sellerMaker, Why: "Credit notes have used up the invoice."},

	{From: Proposed, Action: Confirm, To: Confirmed, Who: buyerChecker, Why: "A second person signs the undertaking; the root fragment goes to the seller."},
	{From: Proposed, Action: Return, To: Issued, Who: buyerChecker, Why: "The second person wants another look."},
	{From: Proposed, Action: OpenDispute, To: Disputed, Who: eitherBuyer, Why: "Under query, with reason codes; the proposal falls."},
	{From: Proposed, Action: Reject, To: Rejected, Who: buyerChecker, Why: "The buyer does not owe it, with reason codes."},
	{From: Proposed, Action: Withdraw, To: Withdrawn, Who: sellerMaker, Why: "Until it is confirmed nobody relies on it."},
	{From: Proposed, Action: Credit, To: Issued, Who: sellerMaker, Why: "The amount has changed, so the proposal falls."},
	{From: Proposed, Action: Cancel, To: Cancelled, Who: sellerMaker, Why: "Credit notes have used up the invoice."},

	{From: Disputed, Action: Resolve, To: Issued, Who: buyerMaker, Why: "The query is answered."},
	{From: Disputed, Action: Reject, To: Rejected, Who: eitherBuyer, Why: "The query was not answered."},
	{From: Disputed, Action: Withdraw, To: Withdrawn, Who: sellerMaker, Why: "The seller gives in."},
	{From: Disputed, Action: Credit, To: Disputed, Who: sellerMaker, Why: "A credit note answers part of the query."},
	{From: Disputed, Action: Cancel, To: Cancelled, Who: sellerMaker, Why: "Credit notes have used up the invoice."},

	{From: Confirmed, Action: Freeze, To: Confirmed, Who: buyerMaker, Why: "A dispute freezes the fragments that it names, no others."},
	{From: Confirmed, Action: Thaw, To: Confirmed, Who: "the buyer's maker, or after its term the seller or a holder", Why: "The dispute ends."},
	{From: Confirmed, Action: Credit, To: Confirmed, Who: sellerMaker, Why: "A credit note lowers fragments in the fixed order; what it cannot lower is a recourse claim."},
	{From: Confirmed, Action: Pay, To: Confirmed, Who: buyerChecker, Why: "The buyer pays a part before it is due."},
	{From: Confirmed, Action: Settle, To: Settled, Who: "the buyer's checker, or the seller's maker by a credit note", Why: "Nothing is owed any more."},
	{From: Confirmed, Action: Mature, To: Matured, Who: dates, Why: "The due date has come; fragments stop travelling."},

	{From: Matured, Action: Thaw, To: Matured, Who: "the buyer's maker, or after its term the seller or a holder", Why: "The dispute ends."},
	{From: Matured, Action: Credit, To: Matured, Who: sellerMaker, Why: "As before maturity."},
	{From: Matured, Action: Pay, To: Matured, Who: buyerChecker, Why: "A part is paid, pro rata to the holders on record."},
	{From: Matured, Action: Settle, To: Settled, Who: "the buyer's checker, or the seller's maker by a credit note", Why: "Nothing is owed any more."},
	{From: Matured, Action: Lapse, To: Overdue, Who: dates, Why: "The days of grace are over; late interest runs from the due date."},

	{From: Overdue, Action: Thaw, To: Overdue, Who: "the buyer's maker, or after its term the seller or a holder", Why: "The dispute ends."},
	{From: Overdue, Action: Credit, To: Overdue, Who: sellerMaker, Why: "As before maturity."},
	{From: Overdue, Action: Pay, To: Overdue, Who: buyerChecker, Why: "A part is paid: late interest first, then the faces."},
	{From: Overdue, Action: Settle, To: Settled, Who: "the buyer's checker, or the seller's maker by a credit note", Why: "Nothing is owed any more."},
	{From: Overdue, Action: Default, To: Defaulted, Who: dates, Why: "It is overdue for the programme's days, 90 by default."},

	{From: Defaulted, Action: Thaw, To: Defaulted, Who: "the buyer's maker, or after its term the seller or a holder", Why: "The dispute ends."},
	{From: Defaulted, Action: Credit, To: Defaulted, Who: sellerMaker, Why: "As before maturity."},
	{From: Defaulted, Action: Pay, To: Defaulted, Who: buyerChecker, Why: "A part is recovered."},
	{From: Defaulted, Action: Settle, To: Settled, Who: "the buyer's checker, or the seller's maker by a credit note", Why: "Nothing is owed any more."},
	{From: Defaulted, Action: WriteOff, To: WrittenOff, Who: "the checker of the last holder", Why: "Every holder has written its fragments off."},

	{From: WrittenOff, Action: Credit, To: WrittenOff, Who: sellerMaker, Why: "All of it is a recourse claim: no fragment is left to lower."},
	{From: WrittenOff, Action: Pay, To: WrittenOff, Who: buyerChecker, Why: "A write-off waives nothing: a recovery is paid out like any payment."},
	{From: WrittenOff, Action: Settle, To: Settled, Who: buyerChecker, Why: "Everything was recovered after all."},

	{From: Settled, Action: Credit, To: Settled, Who: sellerMaker, Why: "All of it is a recourse claim: the buyer has paid in full."},
}

// FragmentStatus is the status of a fragment.
type FragmentStatus string

// The statuses of a fragment. The last four are final, with a face of zero.
const (
	Held         FragmentStatus = "held"
	Offered      FragmentStatus = "offered"
	Reserved     FragmentStatus = "reserved"
	Pledged      FragmentStatus = "pledged"
	Frozen       FragmentStatus = "frozen"
	WroteOff     FragmentStatus = "written_off"
	Divided      FragmentStatus = "divided"
	Merged       FragmentStatus = "merged"
	Paid         FragmentStatus = "paid"
	CreditedAway FragmentStatus = "credited"
)

// FragmentAction is a step of a fragment.
type FragmentAction string

// The steps of a fragment.
const (
	Open            FragmentAction = "open"
	SplitUp         FragmentAction = "split"
	MergeInto       FragmentAction = "merge"
	OfferIt         FragmentAction = "offer"
	AcceptOffer     FragmentAction = "accept"
	DeclineOffer    FragmentAction = "decline"
	TakeBackOffer   FragmentAction = "take_back"
	Reserve         FragmentAction = "reserve"
	Pledge          FragmentAction = "pledge"
	Release         FragmentAction = "release"
	Transfer        FragmentAction = "transfer"
	Enforce         FragmentAction = "enforce"
	FreezeIt        FragmentAction = "freeze"
	ThawIt          FragmentAction = "thaw"
	GiveConsent     FragmentAction = "consent"
	Lower           FragmentAction = "lower"
	CreditAway      FragmentAction = "credit_away"
	PayPart         FragmentAction = "pay"
	PayOff          FragmentAction = "pay_off"
	WriteOffHolding FragmentAction = "write_off"
)

// FragmentStatuses lists every status of a fragment.
func FragmentStatuses() []FragmentStatus {
	return []FragmentStatus{Held, Offered, Reserved, Pledged, Frozen, WroteOff, Divided, Merged, Paid, CreditedAway}
}

// FragmentActions lists every step of a fragment.
func FragmentActions() []FragmentAction {
	return []FragmentAction{Open, SplitUp, MergeInto, OfferIt, AcceptOffer, DeclineOffer, TakeBackOffer, Reserve, Pledge, Release, Transfer,
		Enforce, FreezeIt, ThawIt, GiveConsent, Lower, CreditAway, PayPart, PayOff, WriteOffHolding}
}

const (
	holder    = "the holder's maker"
	receiver  = "the receiver's maker"
	financing = "the financing"
)

// FragmentLife is the transition table of a fragment.
var FragmentLife = transition.Table[FragmentStatus, FragmentAction]{
	{From: "", Action: Open, To: Held, Who: "the confirmation, a split or a merge", Why: "A fragment is part of what the buyer has undertaken to pay."},

	{From: Held, Action: SplitUp, To: Divided, Who: holder, Why: "Its parts take its place, to the minor unit."},
	{From: Held, Action: MergeInto, To: Merged, Who: holder, Why: "One fragment takes the place of several with the same terms."},
	{From: Held, Action: OfferIt, To: Offered, Who: holder, Why: "To a named receiver, with or without recourse, at a stated price."},
	{From: Held, Action: Reserve, To: Reserved, Who: holder, Why: "It backs an application for financing, and no other."},
	{From: Held, Action: FreezeIt, To: Frozen, Who: buyerMaker, Why: "A dispute names it."},
	{From: Held, Action: GiveConsent, To: Held, Who: holder, Why: "The holder lets a credit note lower it, up to an amount."},
	{From: Held, Action: Lower, To: Held, Who: "a credit note", Why: "In the fixed order."},
	{From: Held, Action: CreditAway, To: CreditedAway, Who: "a credit note", Why: "Nothing of it is left."},
	{From: Held, Action: PayPart, To: Held, Who: "a payment", Why: "Its share."},
	{From: Held, Action: PayOff, To: Paid, Who: "a payment", Why: "Nothing of it is left."},
	{From: Held, Action: WriteOffHolding, To: WroteOff, Who: "the holder's checker", Why: "The holder no longer expects payment; it waives nothing."},

	{From: Offered, Action: AcceptOffer, To: Held, Who: receiver, Why: "Nothing passes without the receiver's acceptance."},
	{From: Offered, Action: DeclineOffer, To: Held, Who: receiver, Why: "The holder keeps it."},
	{From: Offered, Action: TakeBackOffer, To: Held, Who: holder, Why: "The holder has changed its mind."},
	{From: Offered, Action: FreezeIt, To: Frozen, Who: buyerMaker, Why: "A dispute names it; the offer falls."},
	{From: Offered, Action: GiveConsent, To: Offered, Who: holder, Why: "As when held."},
	{From: Offered, Action: Lower, To: Held, Who: "a credit note", Why: "What was offered has changed, so the offer falls."},
	{From: Offered, Action: CreditAway, To: CreditedAway, Who: "a credit note", Why: "Nothing of it is left."},
	{From: Offered, Action: PayPart, To: Held, Who: "a payment", Why: "What was offered has changed, so the offer falls."},
	{From: Offered, Action: PayOff, To: Paid, Who: "a payment", Why: "Nothing of it is left."},
	{From: Offered, Action: WriteOffHolding, To: WroteOff, Who: "the holder's checker", Why: "After the due date nobody can accept it, so the offer falls."},

	{From: Reserved, Action: Pledge, To: Pledged, Who: financing, Why: "The bank's loan is drawn against it."},
	{From: Reserved, Action: Transfer, To: Held, Who: financing, Why: "The bank buys it and is its holder."},
	{From: Reserved, Action: Release, To: Held, Who: financing, Why: "The application was declined, withdrawn or has lapsed."},
	{From: Reserved, Action: PayPart, To: Reserved, Who: "a payment", Why: "Its share."},
	{From: Reserved, Action: PayOff, To: Paid, Who: "a payment", Why: "Nothing of it is left."},

	{From: Pledged, Action: Release, To: Held, Who: financing, Why: "The loan is repaid."},
	{From: Pledged, Action: Enforce, To: Held, Who: financing, Why: "The loan is in default; the bank becomes the holder."},
	{From: Pledged, Action: PayPart, To: Pledged, Who: "a payment", Why: "Its share, to the bank."},
	{From: Pledged, Action: PayOff, To: Paid, Who: "a payment", Why: "To the bank; nothing of it is left."},

	{From: Frozen, Action: ThawIt, To: Held, Who: "the end of the dispute", Why: "It may travel again."},
	{From: Frozen, Action: GiveConsent, To: Frozen, Who: holder, Why: "As when held."},
	{From: Frozen, Action: Lower, To: Frozen, Who: "a credit note", Why: "Frozen fragments come first."},
	{From: Frozen, Action: CreditAway, To: CreditedAway, Who: "a credit note", Why: "Nothing of it is left."},

	{From: WroteOff, Action: PayPart, To: WroteOff, Who: "a payment", Why: "A recovery."},
	{From: WroteOff, Action: PayOff, To: Paid, Who: "a payment", Why: "Nothing of it is left."},
}

// step is FragmentLife.Next with the codes that people meet often.
func (f Fragment) step(action FragmentAction) (FragmentStatus, error) {
	next, err := FragmentLife.Next(f.Status, action)
	switch {
	case err == nil:
		return next, nil
	case f.Status == Reserved || f.Status == Pledged:
		return "", fault.New(fault.FragmentEncumbered, "fragment %s is %s for an application; %s is not possible", f.ID, f.Status, action)
	case f.Status == Frozen:
		return "", fault.New(fault.FragmentFrozen, "fragment %s is frozen by dispute %s; %s is not possible", f.ID, f.Dispute, action)
	}
	return "", err
}
