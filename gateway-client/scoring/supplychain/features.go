package supplychain

import "github.com/tallystick/tallystick/chaincode/credit/scorecard"

const (
	lastYear = "issued on the ledger within 365 days before the application"
	always   = "all time"
	backing  = "the goods that back the application"
	payments = "invoices due within 182 days before the application, or earlier and still owed"
)

// Features lists the inputs in the order of the training data. Ratios are rounded down. Amounts are minor units.
var Features = []Feature{
	{Name: "invoices_confirmed", Formula: "invoices that a buyer has undertaken to pay", Window: lastYear, Unit: "invoices",
		Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "Few invoices have been confirmed by buyers", Zh: "获买方确认的发票较少"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.InvoicesConfirmed) }},
	{Name: "confirmed_volume", Formula: "sum of the confirmed invoices ÷ 1000", Window: lastYear, Unit: "thousand minor units",
		Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "The confirmed volume is small", Zh: "已确认的交易额较小"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.ConfirmedMinor / 1000) }},
	{Name: "rejected_or_disputed_bps", Formula: "invoices that are rejected or disputed ÷ invoices that the buyer has answered",
		Window: lastYear, Unit: "basis points", Missing: "no invoice was answered", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Buyers have rejected or disputed invoices", Zh: "买方拒绝或质疑过发票"},
		value: func(f *Facts) scorecard.Value {
			return ratio(f.InvoicesRejected, f.InvoicesConfirmed+f.InvoicesRejected, 10_000)
		}},
	{Name: "credited_bps", Formula: "credit notes ÷ confirmed volume", Window: lastYear, Unit: "basis points",
		Missing: "no invoice was confirmed", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Credit notes reduce what buyers owe", Zh: "贷记通知单减少了应收账款"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.CreditedMinor, f.ConfirmedMinor, 10_000) }},
	{Name: "days_to_confirm", Formula: "mean days from issue on the ledger to the undertaking", Window: lastYear, Unit: "days",
		Missing: "no invoice was confirmed", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Invoices take long to be confirmed", Zh: "发票确认所需时间较长"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.DaysToConfirmTotal, f.InvoicesConfirmed, 1) }},
	{Name: "buyer_concentration_bps", Formula: "confirmed by the largest buyer ÷ confirmed volume", Window: lastYear,
		Unit: "basis points", Missing: "fewer than four confirmed invoices, which say nothing about spread", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Sales depend on one buyer", Zh: "销售集中于单一买方"},
		value: func(f *Facts) scorecard.Value {
			if f.InvoicesConfirmed < 4 {
				return scorecard.Missing()
			}
			return ratio(f.LargestBuyerMinor, f.ConfirmedMinor, 10_000)
		}},
	{Name: "buyer_overdue_bps", Formula: "confirmed volume of overdue, defaulted and written-off invoices ÷ confirmed volume",
		Window: lastYear, Unit: "basis points", Missing: "no invoice was confirmed", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Buyers are overdue with payments", Zh: "买方付款逾期"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.OverdueMinor, f.ConfirmedMinor, 10_000) }},
	{Name: "volume_trend_bps", Formula: "confirmed invoices issued in the last 91 days ÷ those of the 91 days before", Window: "182 days before the application",
		Unit: "basis points", Missing: "nothing was confirmed in the 91 days before", Sign: -1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "The confirmed volume is falling", Zh: "已确认的交易额呈下降趋势"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.QuarterMinor[0], f.QuarterMinor[1], 10_000) }},
	{Name: "peak_quarter_bps", Formula: "confirmed volume of the best of four quarters of 91 days ÷ that of all four", Window: "364 days before the application",
		Unit: "basis points", Missing: "the record is shorter than 273 days, or nothing was confirmed", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Sales depend on a season", Zh: "销售具有明显的季节性"},
		value: func(f *Facts) scorecard.Value {
			if f.DaysOnLedger < 3*QuarterDays {
				return scorecard.Missing()
			}
			q := f.QuarterMinor
			return ratio(max(q[0], q[1], q[2], q[3]), q[0]+q[1]+q[2]+q[3], 10_000)
		}},
	{Name: "days_to_pay", Formula: "mean days from issue on the ledger until nothing is owed", Window: lastYear, Unit: "days",
		Missing: "no invoice was paid", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Invoices take long to be paid", Zh: "发票回款所需时间较长"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.DaysToPayTotal, f.InvoicesPaid, 1) }},
	{Name: "buyers_late_days", Formula: "mean days by which the buyers pay anybody late, by the applicant's confirmed volume with each; what is unpaid counts up to today, 365 at most",
		Window: payments, Unit: "days", Missing: "nothing was due from any of its buyers", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Its buyers pay their suppliers late", Zh: "其买方向供应商付款较迟"},
		value:   func(f *Facts) scorecard.Value { return known(f.BuyersLateDays, f.BuyersKnown) }},
	{Name: "days_on_ledger", Formula: "days since the first invoice that was issued on the ledger", Window: always, Unit: "days",
		Missing: "no invoice was issued", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "The trade record is short", Zh: "链上交易记录时间较短"},
		value: func(f *Facts) scorecard.Value {
			if f.InvoicesIssued == 0 && f.DaysOnLedger == 0 {
				return scorecard.Missing()
			}
			return scorecard.Number(f.DaysOnLedger)
		}},
	{Name: "loans_repaid", Formula: "loans of this bank that are repaid", Window: always, Unit: "loans",
		Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "Few loans have been repaid so far", Zh: "已偿还的贷款较少"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.LoansRepaid) }},
	{Name: "max_days_past_due", Formula: "the longest that a loan of this bank is overdue today", Window: "loans that are owed or repaid",
		Unit: "days", Missing: "no loan was ever drawn", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "A loan is past due", Zh: "存在逾期贷款"},
		value: func(f *Facts) scorecard.Value {
			if !f.Borrowed {
				return scorecard.Missing()
			}
			return scorecard.Number(f.LoanDaysPastDue)
		}},
	{Name: "claim_coverage_bps", Formula: "face of the confirmed claims that back the application ÷ what it asks for", Window: "the application", Unit: "basis points",
		Missing: "no claim backs it", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "The pledged claims cover little more than the loan", Zh: "质押的应收账款对贷款的覆盖较低"},
		value: func(f *Facts) scorecard.Value {
			if f.OfferedMinor == 0 {
				return scorecard.Missing()
			}
			return ratio(f.OfferedMinor, f.RequestedMinor, 10_000)
		}},
	{Name: "goods_covered", Formula: "1 where a live warehouse receipt of the applicant backs the application, else 0", Window: backing,
		Unit: "0 or 1", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "No goods in a warehouse back the application", Zh: "没有仓储货物为申请提供担保"},
		value: func(f *Facts) scorecard.Value {
			if f.Covered {
				return scorecard.Number(1)
			}
			return scorecard.Number(0)
		}},
	{Name: "goods_excursion_seconds", Formula: "sum over devices of the time that they read outside their limits",
		Window: backing, Unit: "seconds", Missing: "no device has reported on goods", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Devices reported goods outside their limits", Zh: "设备报告货物超出允许范围"},
		value:   func(f *Facts) scorecard.Value { return f.ifWatched(f.ExcursionSeconds) }},
	{Name: "goods_silence_seconds", Formula: "the longest time without a reading of a device",
		Window: backing, Unit: "seconds", Missing: "no device has reported on goods", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "The custody record of goods has gaps", Zh: "货物保管记录存在空档"},
		value:   func(f *Facts) scorecard.Value { return f.ifWatched(f.SilenceSeconds) }},
	{Name: "tier_depth", Formula: "sales on the shortest way to a party that sells to nobody", Window: lastYear, Unit: "tiers",
		Missing: "nothing was confirmed, or no such party is reached", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "It stands far from the core enterprise", Zh: "距核心企业层级较远"},
		value:   func(f *Facts) scorecard.Value { return known(f.TierDepth, f.Tiered) }},
	{Name: "trade_rank", Formula: "PageRank among all parties, buyers passing theirs on to sellers by number of confirmed invoices; 1000 is the mean",
		Window: lastYear, Unit: "thousandths of the mean", Missing: "nothing was confirmed", Sign: -1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Little trade leads to it", Zh: "在贸易网络中的地位较低"},
		value:   func(f *Facts) scorecard.Value { return known(f.TradeRank, f.InGraph) }},
	{Name: "buyers_distress_bps", Formula: "mean overdue share of what the buyers owe anybody, by the applicant's confirmed volume with each",
		Window: payments, Unit: "basis points", Missing: "nothing was due from any of its buyers", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Its buyers are overdue with other suppliers", Zh: "其买方对其他供应商逾期"},
		value:   func(f *Facts) scorecard.Value { return known(f.NearDistressBps, f.NearKnown) }},
	{Name: "two_hops_distress_bps", Formula: "the same of the buyers' buyers, by volume on both steps", Window: payments, Unit: "basis points",
		Missing: "nothing was due from any buyer of its buyers", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "The buyers of its buyers are overdue", Zh: "其买方的买方存在逾期"},
		value:   func(f *Facts) scorecard.Value { return known(f.FarDistressBps, f.FarKnown) }},
	{Name: "community_overdue_bps", Formula: "overdue ÷ confirmed volume inside its community of the trade graph (Louvain), its own sales left out",
		Window: lastYear, Unit: "basis points", Missing: "nobody else trades in its community", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Trade around it is overdue", Zh: "其所在贸易圈存在逾期"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.CommunityOverdueMinor, f.CommunityMinor, 10_000) }},
	{Name: "related_sales_bps", Formula: "confirmed volume with parties of the same director or address ÷ confirmed volume", Window: lastYear, Unit: "basis points",
		Missing: "nothing was confirmed, or neither directors nor addresses are recorded", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "It sells to parties with the same director or address", Zh: "向同一董事或地址的关联方销售"},
		value: func(f *Facts) scorecard.Value {
			if !f.RelatedKnown {
				return scorecard.Missing()
			}
			return ratio(f.RelatedMinor, f.SoldMinor, 10_000)
		}},
}

func known(n int64, ok bool) scorecard.Value {
	if !ok {
		return scorecard.Missing()
	}
	return scorecard.Number(n)
}
