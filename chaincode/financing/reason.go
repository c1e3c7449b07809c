package financing

// ReasonCode says why a decision is what it is. It never changes its meaning.
type ReasonCode string

// The reason codes of the policy's rules. The score's own reasons are the names of its features.
const (
	ProductNotOffered    ReasonCode = "PRODUCT_NOT_OFFERED"
	CurrencyNotOffered   ReasonCode = "CURRENCY_NOT_OFFERED"
	TenorTooShort        ReasonCode = "TENOR_TOO_SHORT"
	TenorTooLong         ReasonCode = "TENOR_TOO_LONG"
	CollateralUnfit      ReasonCode = "COLLATERAL_NOT_ELIGIBLE"
	CollateralUnproved   ReasonCode = "COLLATERAL_NOT_CONFIRMED"
	CollateralImpaired   ReasonCode = "COLLATERAL_IMPAIRED"
	CollateralDueLate    ReasonCode = "COLLATERAL_DUE_AFTER_MATURITY"
	CollateralTooLow     ReasonCode = "COLLATERAL_TOO_LOW"
	AmountBelowMinimum   ReasonCode = "AMOUNT_BELOW_MINIMUM"
	AmountAboveMaximum   ReasonCode = "AMOUNT_ABOVE_MAXIMUM"
	BorrowerLimitReached ReasonCode = "LIMIT_OF_BORROWER"
	BuyerLimitReached    ReasonCode = "LIMIT_OF_BUYER"
	ProgrammeLimitHit    ReasonCode = "LIMIT_OF_PROGRAMME"
	SectorLimitReached   ReasonCode = "LIMIT_OF_SECTOR"
	FacilityLimitReached ReasonCode = "LIMIT_OF_FACILITY"
	ScoreTooLow          ReasonCode = "SCORE_TOO_LOW"
	ScoreInGreyBand      ReasonCode = "SCORE_IN_GREY_BAND"
	CircularTrades       ReasonCode = "CIRCULAR_TRADES"
	PartiesRelated       ReasonCode = "PARTIES_RELATED"
	InvoiceLooksAlike    ReasonCode = "INVOICE_LOOKS_ALIKE"
	AdvanceReduced       ReasonCode = "ADVANCE_REDUCED"
	ByPerson             ReasonCode = "DECIDED_BY_PERSON"
)

// Because is a reason of a decision. Ref is an opaque id that it is about, where it is about one.
type Because struct {
	Code ReasonCode `json:"code"`
	Ref  string     `json:"ref,omitempty"`
}

// ReasonText is what an applicant reads.
type ReasonText struct {
	Code     ReasonCode `json:"code"`
	En       string     `json:"en"`
	Zh       string     `json:"zh"`
	Change   string     `json:"change"`    // what would change it, in English
	ChangeZh string     `json:"change_zh"` // the same in Chinese
}

// ReasonTexts lists every code with its wording, in the order of the checks.
func ReasonTexts() []ReasonText {
	return []ReasonText{
		{ProductNotOffered, "The bank does not offer this product.", "该银行不提供此产品。", "Ask for another product or another bank.", "选择其他产品或其他银行。"},
		{CurrencyNotOffered, "The bank does not lend in this currency.", "该银行不以此币种放款。", "Apply in the policy's currency.", "以该银行政策的币种申请。"},
		{TenorTooShort, "The time to maturity is shorter than the bank's minimum.", "期限短于银行的最短期限。", "Choose a later maturity or claims that are due later.", "选择更晚的到期日或更晚到期的应收账款。"},
		{TenorTooLong, "The time to maturity is longer than the bank's maximum.", "期限长于银行的最长期限。", "Choose an earlier maturity or claims that are due earlier.", "选择更早的到期日或更早到期的应收账款。"},
		{CollateralUnfit, "The bank does not lend on this collateral.", "银行不接受此担保物。", "Leave it out or replace it.", "去掉或更换该担保物。"},
		{CollateralUnproved, "The claim is not confirmed, or the goods have no evidence.", "应收账款未经确认，或货物缺少凭证。", "Have the buyer confirm the invoice, or the warehouse attach evidence.", "请买方确认发票，或请仓库补充凭证。"},
		{CollateralImpaired, "The claim is disputed or overdue, or the goods were not kept as they must be.", "应收账款有争议或已逾期，或货物未按要求保管。", "Settle the dispute, or replace the goods.", "解决争议，或更换货物。"},
		{CollateralDueLate, "The claim is due after the loan.", "应收账款的到期日晚于贷款到期日。", "Choose a later maturity or leave the claim out.", "选择更晚的到期日，或去掉该应收账款。"},
		{CollateralTooLow, "The collateral does not carry the amount.", "担保物价值不足以支持该金额。", "Ask for less or add collateral.", "降低金额或增加担保物。"},
		{AmountBelowMinimum, "The amount is below the bank's minimum.", "金额低于银行的最低金额。", "Ask for more, with collateral for it.", "提高金额并提供相应担保物。"},
		{AmountAboveMaximum, "The amount is above the bank's maximum.", "金额高于银行的最高金额。", "Ask for less.", "降低金额。"},
		{BorrowerLimitReached, "The bank's limit for the applicant has no room for the amount.", "申请人在该银行的额度不足。", "Ask for less, or repay a loan first.", "降低金额，或先偿还现有贷款。"},
		{BuyerLimitReached, "The bank's limit for the buyer has no room for the amount.", "买方在该银行的额度不足。", "Ask for less, use claims against other buyers, or another bank.", "降低金额，使用其他买方的应收账款，或选择其他银行。"},
		{ProgrammeLimitHit, "The bank's limit for the programme has no room for the amount.", "该项目在该银行的额度不足。", "Ask for less, or another bank.", "降低金额，或选择其他银行。"},
		{SectorLimitReached, "The bank's limit for the sector has no room for the amount.", "该行业在该银行的额度不足。", "Ask for less, or another bank.", "降低金额，或选择其他银行。"},
		{FacilityLimitReached, "The bank has no room for the amount at present.", "该银行目前没有足够的总额度。", "Ask for less, later, or another bank.", "降低金额、稍后再申请，或选择其他银行。"},
		{ScoreTooLow, "The score is below what the bank lends on.", "评分低于银行的放款标准。", "The score's reasons say which facts cost the most points.", "评分原因说明了失分最多的因素。"},
		{ScoreInGreyBand, "The score is in the band that a person decides on.", "评分处于需人工审核的区间。", "A person of the bank will decide; the score's reasons say what cost points.", "银行人员将作出决定；评分原因说明了失分因素。"},
		{CircularTrades, "The trades lead in a circle back to the applicant.", "交易形成闭环，最终回到申请人。", "Show the bank that goods or services have moved in each of the trades.", "向银行证明每笔交易均有真实的货物或服务交付。"},
		{PartiesRelated, "The applicant and a party that owes the claims share directors, an address or a registration number.", "申请人与应收账款付款方存在共同的董事、地址或注册号。", "Use claims against buyers that are independent of you.", "使用与您无关联的买方的应收账款。"},
		{InvoiceLooksAlike, "Another invoice on the ledger is almost the same.", "账本上存在几乎相同的另一张发票。", "Show the bank that both invoices are for different deliveries, or withdraw one.", "向银行证明两张发票对应不同的交付，或撤回其中一张。"},
		{AdvanceReduced, "The advance was reduced to what fits.", "放款金额已降至可承受的水平。", "Add collateral, or repay a loan first.", "增加担保物，或先偿还现有贷款。"},
		{ByPerson, "A person of the bank has decided.", "由银行人员作出决定。", "Ask the bank for the person's note.", "请向银行索取该人员的说明。"},
	}
}

// TextOf returns the wording of a code; ok is false for a code that there is not.
func TextOf(code ReasonCode) (ReasonText, bool) {
	for _, t := range ReasonTexts() {
		if t.Code == code {
			return t, true
		}
	}
	return ReasonText{}, false
}
