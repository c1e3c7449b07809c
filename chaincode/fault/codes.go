package fault

import "sort"

// Code is the stable name of a failure. It never changes its meaning; wording may.
type Code string

// Codes of every area. A capability adds its own here and a row in the table below.
const (
	InputInvalid     Code = "INPUT_INVALID"
	InputMissing     Code = "INPUT_MISSING"
	InputTooLarge    Code = "INPUT_TOO_LARGE"
	InternalError    Code = "INTERNAL_ERROR"
	NotPermitted     Code = "NOT_PERMITTED"
	RecordNotFound   Code = "RECORD_NOT_FOUND"
	RecordExists     Code = "RECORD_EXISTS"
	TransitionDenied Code = "TRANSITION_DENIED"

	CallerUnknown      Code = "CALLER_UNKNOWN"
	ClockBackwards     Code = "CLOCK_BACKWARDS"
	RequestMissing     Code = "REQUEST_MISSING"
	RequestReused      Code = "REQUEST_REUSED"
	KeyMissing         Code = "KEY_MISSING"
	KeyWrong           Code = "KEY_WRONG"
	SealBroken         Code = "SEAL_BROKEN"
	CircleTokenWrong   Code = "CIRCLE_TOKEN_WRONG"
	ProgrammeNotActive Code = "PROGRAMME_NOT_ACTIVE"
	RegulatorMissing   Code = "REGULATOR_MISSING"
	MemberSuspended    Code = "MEMBER_SUSPENDED"
	MemberNotActive    Code = "MEMBER_NOT_ACTIVE"
	AlreadyVoted       Code = "ALREADY_VOTED"
	PartyConflict      Code = "PARTY_CONFLICT"

	ReceiptLotLive           Code = "RECEIPT_LOT_LIVE"
	ReceiptPledged           Code = "RECEIPT_PLEDGED"
	ReceiptNotHeld           Code = "RECEIPT_NOT_HELD"
	ReceiptLienMismatch      Code = "RECEIPT_LIEN_MISMATCH"
	ReceiptGoodsMismatch     Code = "RECEIPT_GOODS_MISMATCH"
	ReceiptTransferred       Code = "RECEIPT_TRANSFERRED"
	ReceiptUnpriced          Code = "RECEIPT_UNPRICED"
	GoodsPledged             Code = "GOODS_PLEDGED"
	LotKeyConflict           Code = "LOT_KEY_CONFLICT"
	DeviceUnknown            Code = "DEVICE_UNKNOWN"
	DeviceNotAttested        Code = "DEVICE_NOT_ATTESTED"
	DeviceSelfAttested       Code = "DEVICE_SELF_ATTESTED"
	DeviceRevoked            Code = "DEVICE_REVOKED"
	DeviceCalibrationExpired Code = "DEVICE_CALIBRATION_EXPIRED"
	EvidenceSequenceGap      Code = "EVIDENCE_SEQUENCE_GAP"
	EvidenceReplayed         Code = "EVIDENCE_REPLAYED"
	EvidenceBackdated        Code = "EVIDENCE_BACKDATED"
	EvidenceFromFuture       Code = "EVIDENCE_FROM_FUTURE"
	EvidenceSignatureInvalid Code = "EVIDENCE_SIGNATURE_INVALID"
	EvidenceSummaryWrong     Code = "EVIDENCE_SUMMARY_WRONG"
	EvidenceRootMismatch     Code = "EVIDENCE_ROOT_MISMATCH"
	EvidenceProofInvalid     Code = "EVIDENCE_PROOF_INVALID"
	PriceSourceUnknown       Code = "PRICE_SOURCE_UNKNOWN"
	PriceSignatureInvalid    Code = "PRICE_SIGNATURE_INVALID"
	PriceOutOfDate           Code = "PRICE_OUT_OF_DATE"
	MarginCallOpen           Code = "MARGIN_CALL_OPEN"
	MarginCallNotLapsed      Code = "MARGIN_CALL_NOT_LAPSED"

	MakerIsChecker         Code = "MAKER_IS_CHECKER"
	NotHolder              Code = "NOT_HOLDER"
	ReceivableNotConfirmed Code = "RECEIVABLE_NOT_CONFIRMED"
	ReceivableDuplicate    Code = "RECEIVABLE_DUPLICATE"
	ReceivableMatured      Code = "RECEIVABLE_MATURED"
	ReceivableExhausted    Code = "RECEIVABLE_EXHAUSTED"
	TenorTooLong           Code = "TENOR_TOO_LONG"
	UndertakingInvalid     Code = "UNDERTAKING_INVALID"
	FragmentEncumbered     Code = "FRAGMENT_ENCUMBERED"
	FragmentFrozen         Code = "FRAGMENT_FROZEN"
	FragmentsDiffer        Code = "FRAGMENTS_DIFFER"
	SplitNotExact          Code = "SPLIT_NOT_EXACT"
	DisputeLapsed          Code = "DISPUTE_LAPSED"
	CreditTooLarge         Code = "CREDIT_TOO_LARGE"
	PaymentTooLarge        Code = "PAYMENT_TOO_LARGE"
	ConservationBroken     Code = "CONSERVATION_BROKEN"

	ModelNotChampion      Code = "MODEL_NOT_CHAMPION"
	ModelHashMismatch     Code = "MODEL_HASH_MISMATCH"
	ModelSelfValidated    Code = "MODEL_SELF_VALIDATED"
	ConsentMissing        Code = "CONSENT_MISSING"
	ScoreMismatch         Code = "SCORE_MISMATCH"
	ScoreExpired          Code = "SCORE_EXPIRED"
	ScoreNotUsable        Code = "SCORE_NOT_USABLE"
	PolicyNotActive       Code = "POLICY_NOT_ACTIVE"
	EvidenceStale         Code = "EVIDENCE_STALE"
	DecisionOutsidePolicy Code = "DECISION_OUTSIDE_POLICY"
	OverrideNotAllowed    Code = "OVERRIDE_NOT_ALLOWED"
	CollateralEncumbered  Code = "COLLATERAL_ENCUMBERED"
	CollateralMismatch    Code = "COLLATERAL_MISMATCH"
	LimitExceeded         Code = "LIMIT_EXCEEDED"
	LimitMismatch         Code = "LIMIT_MISMATCH"
	OfferExpired          Code = "OFFER_EXPIRED"
	OfferCommitmentWrong  Code = "OFFER_COMMITMENT_WRONG"
	OfferDeadline         Code = "OFFER_DEADLINE"
	OfferNotMade          Code = "OFFER_NOT_MADE"
	PaymentBackdated      Code = "PAYMENT_BACKDATED"
	LoanNotOverdue        Code = "LOAN_NOT_OVERDUE"
	LoanOutstanding       Code = "LOAN_OUTSTANDING"

	DocumentMalformed   Code = "DOCUMENT_MALFORMED"
	DocumentUnsupported Code = "DOCUMENT_UNSUPPORTED"

	CurrencyUnknown    Code = "CURRENCY_UNKNOWN"
	CurrencyMismatch   Code = "CURRENCY_MISMATCH"
	AmountOverflow     Code = "AMOUNT_OVERFLOW"
	AmountNotExact     Code = "AMOUNT_NOT_EXACT"
	DateInvalid        Code = "DATE_INVALID"
	FunctionUnknown    Code = "FUNCTION_UNKNOWN"
	NetworkUnavailable Code = "NETWORK_UNAVAILABLE"
	OutcomeUnknown     Code = "OUTCOME_UNKNOWN"
	EndorsementFailed  Code = "ENDORSEMENT_FAILED"
	ServiceBusy        Code = "SERVICE_BUSY"
	LoginRequired      Code = "LOGIN_REQUIRED"
	KeyFileLocked      Code = "KEY_FILE_LOCKED"
	KeyIdentityWrong   Code = "KEY_IDENTITY_WRONG"
	SignerUnavailable  Code = "SIGNER_UNAVAILABLE"
)

// Row describes a code: its kind and what it means, in English. Other languages translate it by code.
type Row struct {
	Kind    Kind
	Meaning string
}

var codes = map[Code]Row{
	InputInvalid:     {Invalid, "Some of the input is wrong; each field says why."},
	InputMissing:     {Invalid, "A required input is missing."},
	InputTooLarge:    {Invalid, "The input is larger than the limit."},
	InternalError:    {Internal, "Something broke inside; report it with the transaction id."},
	NotPermitted:     {Forbidden, "Your organisation or role may not do this."},
	RecordNotFound:   {NotFound, "There is no such record, or none that you may see."},
	RecordExists:     {Refused, "A record with this id exists already."},
	TransitionDenied: {Refused, "The record's status does not allow this step."},

	CallerUnknown:      {Forbidden, "The certificate does not say for which party and in which roles its user acts."},
	ClockBackwards:     {Refused, "The transaction is dated before the record's last change."},
	RequestMissing:     {Invalid, "A transaction needs a request id of 8 to 64 letters, digits, dots, dashes or underscores."},
	RequestReused:      {Refused, "The request id was used for another call."},
	KeyMissing:         {Refused, "The transaction does not carry the key of a circle that it touches."},
	KeyWrong:           {Refused, "The key is not the one that the circle is committed to."},
	SealBroken:         {Internal, "A sealed record does not open under its circle's key."},
	CircleTokenWrong:   {Refused, "The confirmation was not made with the circle's key."},
	ProgrammeNotActive: {Refused, "The programme is not active until every member and the regulator have confirmed its key."},
	RegulatorMissing:   {Refused, "The regulator must be a reader of every circle."},
	MemberSuspended:    {Forbidden, "The organisation is suspended."},
	MemberNotActive:    {Forbidden, "The organisation is not an active member."},
	AlreadyVoted:       {Refused, "The organisation has voted on this proposal."},
	PartyConflict:      {Refused, "The party is registered with another host or another fingerprint key."},

	ReceiptLotLive:           {Refused, "The lot is already under a live receipt."},
	GoodsPledged:             {Refused, "The invoice's goods are collateral under a warehouse receipt; nobody lends on them twice."},
	ReceiptPledged:           {Refused, "The goods are pledged or reserved; only the creditor can let them go."},
	ReceiptNotHeld:           {Forbidden, "Only the party in control of the receipt may do this."},
	ReceiptLienMismatch:      {Refused, "The receipt is reserved or pledged for another financing."},
	ReceiptGoodsMismatch:     {Refused, "The goods do not add up to what the receipt holds."},
	ReceiptTransferred:       {Refused, "The receipt has been relied on by others; only delivery ends it."},
	ReceiptUnpriced:          {Refused, "Some of the goods have no price that is recent enough."},
	LotKeyConflict:           {Refused, "The lot key is not the one that the consortium's programmes share."},
	DeviceUnknown:            {Refused, "The device is not registered, or not by this operator."},
	DeviceNotAttested:        {Refused, "No second organisation has attested the device."},
	DeviceSelfAttested:       {Refused, "A device must be attested by another organisation than its operator."},
	DeviceRevoked:            {Refused, "The device was revoked before the reading."},
	DeviceCalibrationExpired: {Refused, "The device's calibration had expired at the reading."},
	EvidenceSequenceGap:      {Refused, "Readings are missing between this batch and the one before, and the batch does not declare them."},
	EvidenceReplayed:         {Refused, "The readings are anchored already."},
	EvidenceBackdated:        {Refused, "The readings are dated before others that are anchored already, or before the device was installed."},
	EvidenceFromFuture:       {Refused, "The readings are dated after the transaction."},
	EvidenceSignatureInvalid: {Refused, "The signature was not made by the registered key over these readings."},
	EvidenceSummaryWrong:     {Refused, "The summary of the readings contradicts itself or its device."},
	EvidenceRootMismatch:     {Refused, "The batch's root is not the root of its segments."},
	EvidenceProofInvalid:     {Refused, "The proof does not lead from the reading to the anchored root."},
	PriceSourceUnknown:       {Refused, "The price source is not one that the programme has agreed on."},
	PriceSignatureInvalid:    {Refused, "The price is not signed by its source."},
	PriceOutOfDate:           {Refused, "The source has published a later price already."},
	MarginCallOpen:           {Refused, "A margin call is open on the loan."},
	MarginCallNotLapsed:      {Refused, "The cure window of the margin call has not ended, or there is no call."},

	MakerIsChecker:         {Refused, "Whoever prepared this may not approve it; another user must."},
	NotHolder:              {Forbidden, "Only the holder of the claim may do this."},
	ReceivableNotConfirmed: {Refused, "The buyer has not confirmed the invoice, so there is no claim to deal with."},
	ReceivableDuplicate:    {Refused, "The same invoice is on the ledger already."},
	ReceivableMatured:      {Refused, "The claim is due; it can only be paid."},
	ReceivableExhausted:    {Refused, "The claim cannot be divided into any more fragments."},
	TenorTooLong:           {Refused, "The term of payment is longer than the programme allows."},
	UndertakingInvalid:     {Refused, "The signature does not match the terms of the undertaking."},
	FragmentEncumbered:     {Refused, "The fragment is reserved or pledged for a financing."},
	FragmentFrozen:         {Refused, "The fragment is frozen by a dispute."},
	FragmentsDiffer:        {Refused, "Only fragments of one claim, one holder and the same terms merge."},
	SplitNotExact:          {Invalid, "The parts do not add up to the face of the fragment."},
	DisputeLapsed:          {Refused, "A dispute over this fragment has lapsed; it cannot be disputed again."},
	CreditTooLarge:         {Refused, "The credit notes would exceed the invoice."},
	PaymentTooLarge:        {Refused, "The payment is more than what is owed and not in dispute."},
	ConservationBroken:     {Internal, "The faces of the fragments do not add up to what is owed."},

	ModelNotChampion:      {Refused, "The model is unknown, retired, another bank's, or not validated."},
	ModelHashMismatch:     {Refused, "The hashes are not those that the model is registered with."},
	ModelSelfValidated:    {Refused, "A model is validated by another organisation than its own bank."},
	ConsentMissing:        {Refused, "The party has not given this bank its consent, or has withdrawn it, or it has expired."},
	ScoreMismatch:         {Refused, "The score is not what the registered scorecard gives."},
	ScoreExpired:          {Refused, "The score has expired; the bank must score again."},
	ScoreNotUsable:        {Refused, "Nothing may be decided with this score: it is a challenger's, under appeal, superseded, or about something else."},
	PolicyNotActive:       {Refused, "The policy is not the bank's active one."},
	EvidenceStale:         {Refused, "The facts are older than the bank's policy accepts."},
	DecisionOutsidePolicy: {Refused, "The decision is not the one that the bank's policy gives."},
	OverrideNotAllowed:    {Refused, "The bank's policy does not let a person decide otherwise here."},
	CollateralEncumbered:  {Refused, "The claim or receipt is reserved or pledged for another financing."},
	CollateralMismatch:    {Refused, "The collateral is not what the application names, or not the applicant's."},
	LimitExceeded:         {Refused, "The amount does not fit into what is free of the limit, or of its lane."},
	LimitMismatch:         {Refused, "The limits named are not those that the loan must draw on."},
	OfferExpired:          {Refused, "The offer is no longer open."},
	OfferCommitmentWrong:  {Refused, "The offer is not the one that was committed to."},
	OfferNotMade:          {Refused, "The programme's terms and the bank's policy give no offer on this claim."},
	OfferDeadline:         {Refused, "The deadline for this step of the auction is past, or not reached."},
	PaymentBackdated:      {Refused, "The payment is dated before the loan's last change, or in the future."},
	LoanNotOverdue:        {Refused, "The loan is not overdue for as long as its terms ask."},
	LoanOutstanding:       {Refused, "Something is still outstanding on the loan."},

	DocumentMalformed:   {Invalid, "The document is not well formed."},
	DocumentUnsupported: {Invalid, "This kind of document is not supported."},

	CurrencyUnknown:    {Invalid, "The currency is not an active ISO 4217 code."},
	CurrencyMismatch:   {Invalid, "The amounts are in different currencies."},
	AmountOverflow:     {Invalid, "The amount does not fit into 64 bits of minor units."},
	AmountNotExact:     {Invalid, "The amount has more decimals than its currency."},
	DateInvalid:        {Invalid, "The date is not an ISO 8601 calendar date."},
	FunctionUnknown:    {Invalid, "The chaincode has no such function."},
	OutcomeUnknown:     {Unavailable, "The transaction was sent and its outcome is not known yet; repeat it with the same request id."},
	EndorsementFailed:  {Refused, "The organisations that the records need did not all endorse the transaction."},
	NetworkUnavailable: {Unavailable, "The network did not answer; nothing was decided."},
	ServiceBusy:        {Unavailable, "The service has as much work as it takes; nothing was accepted. Try again after the time that it names."},
	LoginRequired:      {Forbidden, "Nobody is logged in."},
	KeyFileLocked:      {Unavailable, "A key file is encrypted, and the identity that opens it is not named or cannot be used."},
	KeyIdentityWrong:   {Unavailable, "A key file is encrypted to another identity, or the identity's passphrase is another."},
	SignerUnavailable:  {Unavailable, "The key that signs for the user cannot be used."},
}

// Describe returns the row of a code; ok is false for a code that nobody defined.
func Describe(c Code) (row Row, ok bool) {
	row, ok = codes[c]
	return row, ok
}

// Codes lists every code in alphabetical order.
func Codes() []Code {
	list := make([]Code, 0, len(codes))
	for c := range codes {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}
