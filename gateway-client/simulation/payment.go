package simulation

// payBills lets a firm answer the invoices that it got and pay those that are due, the oldest first, as far as its money goes:
// who is short pays late.
func (w *World) payBills(i int) {
	f := &w.firms[i]
	today := dayOf(w.week)
	reserve := 2 * f.fixed
	for at, before := f.payable, int32(-1); at >= 0; {
		v := &w.invoices[at]
		next := v.next
		w.answer(f, at, today)
		if v.answer == rejected || v.answer == confirmed && v.due < today+daysPerWeek && w.pay(i, at, reserve, today) {
			if before < 0 {
				f.payable = next
			} else {
				w.invoices[before].next = next
			}
			if next < 0 {
				f.lastPayable = before
			}
		} else {
			before = at
		}
		at = next
	}
}

// answer is what a buyer says to an invoice: it confirms, queries or rejects, in its own time.
func (w *World) answer(f *firm, at int32, today int32) {
	v, d := &w.invoices[at], w.d
	if v.answer >= confirmed || v.issued >= today+daysPerWeek {
		return
	}
	if !d.chance(f.answerHabitPPM) {
		return
	}
	day := max(v.issued, today+int32(d.IntN(daysPerWeek)))
	if v.answer == unanswered && (v.flaw != sound && d.chance(600_000) || d.chance(10_000)) {
		v.answer, v.queriedOn = queried, day
		return
	}
	v.answered = day
	if v.flaw == useless {
		v.answer = rejected
		return
	}
	v.answer = confirmed
	if v.flaw == flawed {
		v.credited, v.creditedOn = share(v.minor, d.between(50_000, 500_000)), day+int32(d.IntN(15))
	}
	w.finance(at, day)
}

// finance draws a loan on a claim that was confirmed just now, as the seller uses to; a dishonest one that is short of money
// takes the same claim to a second lender, who does not look at the ledger.
func (w *World) finance(at int32, day int32) {
	v := &w.invoices[at]
	s := int(w.edges[v.edge].seller)
	f := &w.firms[s]
	if w.week < f.joined || f.failed != never || v.due <= day+7 || !w.d.chance(f.financeHabitPPM) {
		return
	}
	v.loan = int32(len(w.loans))
	w.lend(s, at, day, false)
	if f.dishonest && w.strained(s) {
		w.doubles = append(w.doubles, double{int32(s), at, day})
		w.lend(s, at, day, true)
	}
}

func (w *World) lend(s int, at, day int32, second bool) {
	v := &w.invoices[at]
	l := loan{firm: int32(s), invoice: at, drawn: day, due: v.due + 5, repaid: never, minor: share(v.minor-v.credited, advancePPM), outside: second}
	if w.config.Links.Contagion {
		w.move(lender(l), account(s), l.minor)
	}
	w.openLoans = append(w.openLoans, int32(len(w.loans)))
	w.loans = append(w.loans, l)
}

func lender(l loan) int {
	if l.outside {
		return outside
	}
	return bank
}

// pay pays an invoice if there is money and somebody gets round to it. What is financed goes to the bank first.
func (w *World) pay(i int, at int32, reserve int64, today int32) bool {
	v, f := &w.invoices[at], &w.firms[i]
	e := w.edges[v.edge]
	owed := v.minor - v.credited
	habit := f.payHabitPPM
	if e.related {
		habit /= 3
	}
	if calm := calmWeeks * w.weekly(i); w.room(i) < calm { // who is short of money pays what presses most
		habit = max(habit/10, habit/1000*(w.room(i)/(calm/1000+1)))
	}
	if v.creditedOn != never && v.creditedOn >= today+daysPerWeek {
		return false // a credit note is on its way
	}
	if w.room(i)-reserve < owed || !w.d.chance(habit) {
		return false
	}
	v.paid = max(v.due, v.answered, today+int32(w.d.IntN(daysPerWeek)))
	if v.creditedOn != never {
		v.paid = max(v.paid, v.creditedOn)
	}
	if !w.config.Links.Contagion {
		return true // it clears elsewhere
	}
	w.move(account(i), account(int(e.seller)), owed)
	if w.firms[e.seller].failed != never { // the bank collects what a failed seller is owed
		w.move(account(int(e.seller)), bank, owed)
		return true
	}
	if v.loan >= 0 && w.loans[v.loan].repaid == never {
		w.settle(&w.loans[v.loan], v.paid)
	}
	return true
}

// settle repays a loan with its interest out of the borrower's account.
func (w *World) settle(l *loan, day int32) {
	l.repaid = day
	if w.config.Links.Contagion {
		w.move(account(int(l.firm)), lender(*l), share(l.minor, 1_015_000))
	}
}

// repay lets borrowers repay what is due though the buyer has not paid, as far as that leaves them money for two weeks.
func (w *World) repay() {
	today := dayOf(w.week)
	open := w.openLoans[:0]
	for _, k := range w.openLoans {
		l := &w.loans[k]
		i := int(l.firm)
		if l.repaid == never && l.due < today+daysPerWeek && w.firms[i].failed == never && w.room(i) > l.minor+2*w.weekly(i) {
			w.settle(l, max(l.due, today))
		}
		if l.repaid == never && w.firms[i].failed == never {
			open = append(open, k)
		}
	}
	w.openLoans = open
}
