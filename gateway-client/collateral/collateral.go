// Package collateral is a bank's service that watches the goods it has lent on: when evidence, prices, repayments or the business
// date change, it has the ledger assess the loans concerned, which opens margin calls, ends those that are cured, and lets those
// lapse whose window is over (docs/receipt.md).
//
// It remembers nothing that the ledger does not: a start assesses every loan, so nothing that happened meanwhile is missed. What
// an assessment comes to depends on the facts alone, and its request id on the loan, the block that gave the reason and the
// date, so replicas that hear the same block ask for the same one transaction.
package collateral

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Defaults and limits of the service.
const (
	DefaultGather = time.Second
	workers       = 4
	maxDue        = 100_000
	firstPause    = 250 * time.Millisecond
	longestPause  = time.Minute
	loansPerPage  = "200"
)

// Ledger is what the service needs of the consortium, as a user who may assess (margin:Assess). *consortium.Session is one.
type Ledger interface {
	Evaluate(ctx context.Context, call consortium.Call, out any) error
	Submit(ctx context.Context, call consortium.Call, out any) (consortium.Committed, error)
	Locate(ctx context.Context, typ string, id ...string) (string, error)
	Readable(ctx context.Context, kind circle.Kind) ([]string, error)
	Circle(ctx context.Context, id string) (circle.Circle, error)
	User() consortium.User
}

// Watcher is the service. Ledger, Blocks and Today must be set before Run.
type Watcher struct {
	Ledger Ledger
	// Blocks calls the function for every block from the number on (consortium.Network.Blocks).
	Blocks func(ctx context.Context, from uint64, each func(consortium.Block) error) error
	// Today is the bank's business date.
	Today func() calendar.Date
	// From is the first block to listen to. What was before is found without it.
	From uint64
	// Gather is how long reasons are gathered before the loans are assessed; zero means the default.
	Gather time.Duration
	// Assessed, where it is set, hears of every assessment: the call's status, or why there was none.
	Assessed func(loan string, status receipt.CallStatus, err error)
	Log      *slog.Logger

	mu    sync.Mutex
	loans map[string][]string // the programmes of each loan's goods
	due   map[string]reason   // by loan
	goods map[string]uint64   // receipts with new evidence, with the block
	price map[string]uint64   // programmes with new prices, with the block
	all   bool
	block uint64 // the newest that was heard
}

// reason is why a loan is to be assessed: the newest block that concerns it. It waits for its turn after a failure.
type reason struct {
	block uint64
	tries int
	not   time.Time // before
}

// Run watches on the session's behalf until the context ends, and returns the context's error, or the failure that ended the
// start: it is started again then.
func Run(ctx context.Context, s *consortium.Session) error {
	w := &Watcher{Ledger: s, Blocks: s.Network.Blocks, Today: func() calendar.Date { return calendar.From(s.Network.Now().UTC()) }, Log: slog.Default()}
	if n, ok := s.Network.(interface {
		Height(ctx context.Context) (uint64, error)
	}); ok {
		height, err := n.Height(ctx)
		if err != nil {
			return err
		}
		w.From = height
	}
	return w.Run(ctx)
}

// Run works until the context ends and returns its error.
func (w *Watcher) Run(ctx context.Context) error {
	if w.Ledger == nil || w.Blocks == nil || w.Today == nil {
		return fault.New(fault.InputMissing, "the collateral watcher needs a ledger, blocks and a date")
	}
	w.mu.Lock()
	w.loans, w.due, w.goods, w.price, w.all, w.block =
		map[string][]string{}, map[string]reason{}, map[string]uint64{}, map[string]uint64{}, true, w.From
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	if w.Gather <= 0 {
		w.Gather = DefaultGather
	}
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { w.listen(ctx) })
	ticker := time.NewTicker(w.Gather)
	defer ticker.Stop()
	var day calendar.Date
	for ctx.Err() == nil {
		today := w.Today()
		w.mu.Lock()
		w.all = w.all || today != day
		w.mu.Unlock()
		day = today
		w.round(ctx)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	group.Wait()
	return ctx.Err()
}

// listen follows the blocks, and starts again where the stream breaks.
func (w *Watcher) listen(ctx context.Context) {
	for try := 0; ctx.Err() == nil; try++ {
		w.mu.Lock()
		from := w.block
		w.mu.Unlock()
		err := w.Blocks(ctx, from, func(b consortium.Block) error {
			try = 0
			w.hear(ctx, b)
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		w.Log.Warn("the stream of blocks broke; it starts again", "from", from, "error", err)
		timer := time.NewTimer(rand.N(min(firstPause<<min(try, 8), longestPause)))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// hear notes which loans a block may concern.
func (w *Watcher) hear(ctx context.Context, b consortium.Block) {
	for _, tx := range b.Transactions {
		if !tx.Valid || tx.Event == nil {
			continue
		}
		for _, e := range tx.Event.Events {
			family, _, _ := strings.Cut(e.Type, ".")
			ours := family == "loan" && w.ours(ctx, e.Circle)
			w.mu.Lock()
			switch {
			case e.Type == "evidence.anchored":
				if len(w.goods) < maxDue {
					w.goods[e.Ref] = b.Number
				} else {
					w.all = true
				}
			case family == "price", family == "prices":
				w.price[e.Circle] = b.Number
			case ours:
				w.mark(e.ID, b.Number)
			case e.Type == "device.revoked", e.Type == "collateral-terms.changed":
				w.all = true
			}
			w.mu.Unlock()
		}
	}
	w.mu.Lock()
	w.block = max(w.block, b.Number)
	w.mu.Unlock()
}

// mark puts a loan on the list; w.mu is held.
func (w *Watcher) mark(loan string, block uint64) {
	if len(w.due) >= maxDue {
		w.all = true
		return
	}
	w.due[loan] = reason{block: max(block, w.due[loan].block)}
}

// ours reports whether the circle is a desk of the own bank.
func (w *Watcher) ours(ctx context.Context, desk string) bool {
	c, err := w.Ledger.Circle(ctx, desk)
	return err == nil && c.Kind == circle.Desk && c.Founder == w.Ledger.User().MSP
}

// round assesses what is due now. What fails stays due.
func (w *Watcher) round(ctx context.Context) {
	w.mu.Lock()
	all, block, goods, price := w.all, w.block, w.goods, w.price
	w.all, w.goods, w.price = false, map[string]uint64{}, map[string]uint64{}
	w.mu.Unlock()
	if all {
		if err := w.list(ctx, block); err != nil {
			w.mu.Lock()
			w.all = true // the next round lists again
			w.mu.Unlock()
			if ctx.Err() == nil {
				w.Log.Warn("the bank's loans could not be listed", "error", err)
			}
		}
	}
	for id, at := range goods {
		w.locate(ctx, id, at)
	}
	now := time.Now()
	w.mu.Lock()
	for loan, programmes := range w.loans {
		for _, p := range programmes {
			if at, new := price[p]; new {
				w.mark(loan, at)
			}
		}
	}
	turn := map[string]reason{}
	for loan, r := range w.due {
		if !now.Before(r.not) {
			turn[loan] = r
			delete(w.due, loan)
		}
	}
	w.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(workers)
	for loan, r := range turn {
		group.Go(func() error {
			status, err := w.assess(ctx, loan, r.block)
			w.settle(ctx, loan, r, status, err)
			return nil
		})
	}
	_ = group.Wait() // none of them returns one
}

// list puts every loan on goods on the list.
func (w *Watcher) list(ctx context.Context, block uint64) error {
	desks, err := w.Ledger.Readable(ctx, circle.Desk)
	if err != nil {
		return err
	}
	for _, desk := range desks {
		if !w.ours(ctx, desk) {
			continue
		}
		for after := ""; ; {
			var page struct {
				Loans []financing.Loan `json:"loans"`
				Next  string           `json:"next"`
			}
			call := consortium.Call{Function: "financing:Loans", Args: []string{loansPerPage, after}, Circles: []string{desk}}
			if err := w.Ledger.Evaluate(ctx, call, &page); err != nil {
				return err
			}
			w.mu.Lock()
			for _, l := range page.Loans {
				if programmes := w.watched(l); len(programmes) > 0 {
					w.loans[l.ID] = programmes
					w.mark(l.ID, block)
				}
			}
			w.mu.Unlock()
			if page.Next == "" {
				break
			}
			after = page.Next
		}
	}
	return nil
}

// watched lists the programmes of a loan's collateral, none where the loan needs no watching: another bank's, not drawn, over,
// or without goods.
func (w *Watcher) watched(l financing.Loan) []string {
	if l.Bank != w.Ledger.User().MSP || l.Status != financing.Active && l.Status != financing.Defaulted {
		return nil
	}
	var programmes []string
	goods := false
	for _, c := range l.Collateral {
		goods = goods || c.Kind == financing.Receipt
		programmes = append(programmes, c.Circle)
	}
	if !goods {
		return nil
	}
	slices.Sort(programmes)
	return slices.Compact(programmes)
}

// locate finds the loan for which a receipt is pledged to the own bank.
func (w *Watcher) locate(ctx context.Context, id string, block uint64) {
	programme, err := w.Ledger.Locate(ctx, "receipt", id)
	var c circle.Circle
	if err == nil {
		c, err = w.Ledger.Circle(ctx, programme)
	}
	if err == nil && !slices.Contains(c.Readers(), w.Ledger.User().MSP) {
		return
	}
	var r receipt.Receipt
	if err == nil {
		err = w.Ledger.Evaluate(ctx, consortium.Call{Function: "receipt:Get", Args: []string{id}, Circles: []string{programme}}, &r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case fault.CodeOf(err) == fault.RecordNotFound:
	case err != nil: // a peer that is away: the evidence is looked at again
		w.goods[id] = max(block, w.goods[id])
	case r.Lien != nil && r.Lien.Creditor == w.Ledger.User().MSP && r.Status != receipt.Reserved:
		w.mark(r.Lien.Financing, block)
	}
}

// assess brings one loan up to date. The status is "" where there never was a call, and where the loan needs no watching.
func (w *Watcher) assess(ctx context.Context, loan string, block uint64) (receipt.CallStatus, error) {
	desk, err := w.Ledger.Locate(ctx, "loan", loan)
	if err != nil {
		return "", err
	}
	var l financing.Loan
	if err := w.Ledger.Evaluate(ctx, consortium.Call{Function: "financing:Loan", Args: []string{loan}, Circles: []string{desk}}, &l); err != nil {
		return "", err
	}
	programmes := w.watched(l)
	w.mu.Lock()
	if len(programmes) == 0 {
		delete(w.loans, loan)
	} else {
		w.loans[loan] = programmes
	}
	w.mu.Unlock()
	if len(programmes) == 0 {
		return "", nil
	}
	var step struct {
		Status receipt.CallStatus `json:"status"`
	}
	_, err = w.Ledger.Submit(ctx, consortium.Call{Function: "margin:Assess", Args: []string{loan}, Circles: append(programmes, desk),
		Request: request(loan, block, w.Today())}, &step)
	return step.Status, err
}

// request is the same for every replica that has the same reason.
func request(loan string, block uint64, today calendar.Date) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %d %s", loan, block, today)))
	return "assess-" + hex.EncodeToString(sum[:10])
}

// settle puts a loan back that could not be assessed. One for which the bank has no terms, or the programme no prices, waits for
// these: they are reasons of their own.
func (w *Watcher) settle(ctx context.Context, loan string, r reason, status receipt.CallStatus, err error) {
	if ctx.Err() != nil {
		return
	}
	switch fault.CodeOf(err) {
	case fault.PolicyNotActive, fault.ReceiptUnpriced, fault.CurrencyMismatch, fault.RecordNotFound:
		w.Log.Info("not assessed", "loan", loan, "code", fault.CodeOf(err))
	default:
		if err == nil {
			w.Log.Info("assessed", "loan", loan, "call", status, "block", r.block)
			break
		}
		again := reason{block: r.block, tries: r.tries + 1, not: time.Now().Add(rand.N(min(firstPause<<min(r.tries, 10), longestPause)))}
		w.Log.Warn("not assessed; it is tried again", "loan", loan, "tries", again.tries, "error", err)
		w.mu.Lock()
		if newer, waits := w.due[loan]; !waits || newer.block <= again.block {
			w.due[loan] = again
		}
		w.mu.Unlock()
	}
	if w.Assessed != nil {
		w.Assessed(loan, status, err)
	}
}
