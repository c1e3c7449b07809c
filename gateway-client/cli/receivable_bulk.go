package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// Limits of bulk commands.
const (
	maxBulkDocuments  = 100_000
	maxListBytes      = 64 << 20
	maxParallelBulks  = 8
	usualParallelBulk = 2
	// usualChanged is how many records a transaction changes by default. Every peer checks the endorsement policy of every record
	// that has one, each time over the whole transaction, so the time grows with the square of the number: 1,000 confirmations
	// took 22 s in batches of 500 and 6 s in batches of 125 (six peers on two cores). New records have no policy yet.
	usualChanged = 100
)

// bulk is what the commands for many receivables have in common.
type bulk struct {
	list     string
	out      string
	batch    int
	parallel int
}

func (b *bulk) add(cmd *cobra.Command, what string, usual int) {
	flags := cmd.Flags()
	flags.StringVar(&b.list, "list", "", "file with "+what+", one a line; - is standard input")
	flags.StringVar(&b.out, "ids", "", "file for the receivables' ids, one a line, as --list of the next step takes it")
	flags.IntVar(&b.batch, "batch", usual, fmt.Sprintf("receivables in one transaction, at most %d", receivable.MaxBulk))
	flags.IntVar(&b.parallel, "parallel", usualParallelBulk, fmt.Sprintf("transactions on their way at a time, at most %d", maxParallelBulks))
}

// check reports mistakes of usage, and adds what stands in the list to the arguments.
func (b *bulk) check(app *App, cmd *cobra.Command, args []string) ([]string, error) {
	if app.request != "" {
		return nil, usageError{fmt.Errorf("--request does not go with %s: the request ids come from the content, so that it can be repeated", cmd.CommandPath())}
	}
	if b.batch < 1 || b.batch > receivable.MaxBulk {
		return nil, usageError{fmt.Errorf("--batch is %d; it must be 1 to %d", b.batch, receivable.MaxBulk)}
	}
	if b.parallel < 1 || b.parallel > maxParallelBulks {
		return nil, usageError{fmt.Errorf("--parallel is %d; it must be 1 to %d", b.parallel, maxParallelBulks)}
	}
	if b.list == "" {
		return args, nil
	}
	in := app.In
	if b.list != "-" {
		file, err := os.Open(b.list)
		if err != nil {
			return nil, usageError{err}
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(io.LimitReader(in, maxListBytes))
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			args = append(args, line)
		}
	}
	return args, lines.Err()
}

// bulkReport is what a bulk command prints at its end.
type bulkReport struct {
	Receivables  []string `json:"receivables,omitempty"`
	Count        int      `json:"count"`
	Skipped      int      `json:"skipped"` // what the step was done with before
	Transactions int      `json:"transactions"`
	Block        uint64   `json:"block"`
	Seconds      float64  `json:"seconds"`
}

// batchOf is one transaction of a bulk: it returns the ids that it has done.
type batchOf func(ctx context.Context, ids []string) (consortium.Committed, error)

// runBulk does the batches of ids, a few at a time, and reports progress. What fails stops it; what was done stays, and a
// repeat goes on from there.
func (a *App) runBulk(ctx context.Context, b bulk, verb string, ids []string, skipped int, one batchOf) error {
	report := bulkReport{Receivables: ids, Skipped: skipped}
	bar := progressbar.NewOptions(len(ids), progressbar.OptionSetWriter(a.Err), progressbar.OptionSetDescription(verb), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("invoices"), progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetVisibility(isTerminal(a.Err)), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(b.parallel)
	committed := make(chan consortium.Committed, len(ids)/b.batch+1)
	for batch := range slices.Chunk(ids, b.batch) {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			done, err := one(ctx, batch)
			if err != nil {
				return err
			}
			committed <- done
			return bar.Add(len(batch))
		})
	}
	err := group.Wait()
	close(committed)
	_ = bar.Finish()
	for done := range committed {
		if done.Transaction != "" {
			report.Transactions++
		}
		report.Block = max(report.Block, done.Block)
	}
	if err != nil {
		return err
	}
	report.Count, report.Seconds = len(ids), time.Since(start).Seconds()
	if b.out != "" {
		if err := os.WriteFile(b.out, []byte(strings.Join(append(slices.Clone(ids), ""), "\n")), 0o600); err != nil {
			return err
		}
	}
	if a.JSON() {
		return a.PrintJSON(report)
	}
	return a.table(func(row func(...string)) {
		row(verb, fmt.Sprintf("%d invoices", report.Count), fmt.Sprintf("%d transactions", report.Transactions), fmt.Sprintf("%.1f s", report.Seconds))
		if skipped > 0 {
			row("done before", fmt.Sprint(skipped))
		}
	})
}

func receivableIssueBulkCommand(app *App) *cobra.Command {
	var programme, buyer string
	var b bulk
	cmd := &cobra.Command{
		Use:   "issue-bulk [FILE…] --programme PROGRAMME",
		Short: "Enter many invoices into a programme, up to 500 in one transaction",
		Long: `Reads invoice documents as tally invoice issue does, all of them before anything is sent: where one cannot be read, it is
reported with its file and nothing is sent. Each transaction enters all of its invoices or none.

An invoice's id comes from its document, under a key of your organisation's, and a transaction's request id from its
invoices. So a bulk that was interrupted is simply repeated, with the same files: what is on the ledger is not entered twice.`,
		Example: `  tally --org supplier --user amy receivable issue-bulk invoices/*.xml --programme prg-… --ids issued.txt
  find invoices -name '*.xml' | tally --org supplier --user amy receivable issue-bulk --list - --programme prg-…`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := b.check(app, cmd, args)
			if err != nil {
				return err
			}
			if len(files) == 0 || len(files) > maxBulkDocuments {
				return usageError{fmt.Errorf("there are %d files; there must be 1 to %d; see: %s --help", len(files), maxBulkDocuments, cmd.CommandPath())}
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				items, from, err := app.readBulk(ctx, s, files, programme, buyer)
				if err != nil {
					return err
				}
				ids := make([]string, len(items))
				byID := map[string]receivable.Issuance{}
				for i, item := range items {
					ids[i], byID[item.ID] = item.ID, item
				}
				return app.runBulk(ctx, b, "issued", ids, 0, func(ctx context.Context, batch []string) (consortium.Committed, error) {
					done, err := issueBatch(ctx, s, programme, batch, byID)
					return done, inFile(err, from)
				})
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme of the buyer")
	cmd.Flags().StringVar(&buyer, "buyer", "", "party id of the buyer, where the register does not tell")
	b.add(cmd, "file names", receivable.MaxBulk)
	return requireFlags(cmd, "programme")
}

// inFile adds the file to a refusal that begins with the id of one of a batch's invoices.
func inFile(err error, from map[string]string) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	id, _, _ := strings.Cut(f.Detail, ":")
	name, ok := from[id]
	if !ok {
		return err
	}
	return &fault.Error{Code: f.Code, Detail: name + ": " + f.Detail, Fields: f.Fields}
}

// readBulk reads every file, and says from which file each id is; twice the same document is a mistake.
func (a *App) readBulk(ctx context.Context, s *consortium.Session, files []string, programme, buyer string) (items []receivable.Issuance, from map[string]string, err error) {
	register, err := s.Parties(ctx, programme)
	if err != nil {
		return nil, nil, err
	}
	from = map[string]string{}
	err = a.eachFile(files, func(name string, in io.Reader) error {
		raw, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		doc, err := document.Parse(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		invoice, err := operation.Invoice(s, doc, raw, register, buyer)
		if err != nil {
			return err
		}
		id, err := operation.DocumentID(s, "rcv", raw)
		if err != nil {
			return err
		}
		if other, twice := from[id]; twice {
			return fault.New(fault.InputInvalid, "is the same document as %s", other)
		}
		from[id] = name
		items = append(items, receivable.Issuance{ID: id, Invoice: invoice})
		return nil
	})
	return items, from, err
}

// issueBatch enters a batch. Where some of it is on the ledger already, because an earlier bulk had other batches, it enters
// the rest.
func issueBatch(ctx context.Context, s *consortium.Session, programme string, ids []string, byID map[string]receivable.Issuance) (consortium.Committed, error) {
	for range 2 {
		var items []receivable.Issuance
		for _, id := range ids {
			items = append(items, byID[id])
		}
		done, err := s.Submit(ctx, operation.IssueBulk(programme, items), nil)
		if code := fault.CodeOf(err); code != fault.RecordExists && code != fault.ReceivableDuplicate {
			return done, err
		}
		missing, lerr := notOnLedger(ctx, s, ids)
		if lerr != nil {
			return done, lerr
		}
		if len(missing) == len(ids) { // a duplicate of another receivable, not of ourselves
			return done, err
		}
		if len(missing) == 0 {
			return consortium.Committed{}, nil
		}
		ids = missing
	}
	return consortium.Committed{}, fault.New(fault.InternalError, "a batch of %d invoices has changed twice while it was sent", len(ids))
}

func notOnLedger(ctx context.Context, s *consortium.Session, ids []string) ([]string, error) {
	var missing []string
	for _, id := range ids {
		_, err := s.Locate(ctx, "receivable", id)
		switch {
		case fault.CodeOf(err) == fault.RecordNotFound:
			missing = append(missing, id)
		case err != nil:
			return nil, err
		}
	}
	return missing, nil
}

func receivableProposeBulkCommand(app *App) *cobra.Command {
	return receivableBulkStep(app, "propose-bulk", "approved", receivable.Issued, receivable.Proposed,
		"Approve many receivables as the buyer's first person, up to 500 in one transaction",
		"  tally --org buyer --user alice receivable propose-bulk --list issued.txt",
		func(ctx context.Context, s *consortium.Session, programme string, ids []string) (consortium.Committed, error) {
			return s.Submit(ctx, operation.ProposeBulk(programme, ids), nil)
		})
}

func receivableConfirmBulkCommand(app *App) *cobra.Command {
	return receivableBulkStep(app, "confirm-bulk", "confirmed", receivable.Proposed, receivable.Confirmed,
		"Undertake to pay many receivables as the buyer's second person, up to 500 in one transaction",
		"  tally --org buyer --user bruno receivable confirm-bulk --list issued.txt", confirmBatch)
}

// confirmBatch signs each receivable's terms, so that each undertaking proves itself, and confirms them.
func confirmBatch(ctx context.Context, s *consortium.Session, programme string, ids []string) (consortium.Committed, error) {
	call, err := operation.ConfirmBulk(ctx, s, programme, ids)
	if err != nil {
		return consortium.Committed{}, err
	}
	return s.Submit(ctx, call, nil)
}

// receivableBulkStep is a step that the buyer takes for many receivables: those that it names, or all that wait for it. Those that
// have taken the step are left out, so that a repeat goes on where the first has stopped.
func receivableBulkStep(app *App, verb, done string, from, to receivable.Status, short, example string,
	one func(ctx context.Context, s *consortium.Session, programme string, ids []string) (consortium.Committed, error)) *cobra.Command {
	var b bulk
	var programme string
	cmd := &cobra.Command{
		Use:   verb + " [RECEIVABLE…] | --list FILE | --programme PROGRAMME",
		Short: short,
		Long: `Takes the receivables that are named, or listed in a file, or, with --programme alone, all of the programme's that wait for
it. Each transaction takes all of its receivables or none. Those that were taken before are left out, so a bulk that was
interrupted is simply repeated.`,
		Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := b.check(app, cmd, args)
			if err != nil {
				return err
			}
			if len(ids) == 0 && (programme == "" || b.list != "") || len(ids) > maxBulkDocuments {
				return usageError{fmt.Errorf("name 1 to %d receivables, a --list with them, or a --programme; see: %s --help", maxBulkDocuments, cmd.CommandPath())}
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				if programme == "" {
					if programme, err = s.Locate(ctx, "receivable", ids[0]); err != nil {
						return err
					}
				}
				waiting, skipped, err := waitingFor(ctx, s, programme, ids, from, to)
				if err != nil {
					return err
				}
				return app.runBulk(ctx, b, done, waiting, skipped, func(ctx context.Context, batch []string) (consortium.Committed, error) {
					return one(ctx, s, programme, batch)
				})
			})
		},
	}
	cmd.Flags().StringVar(&programme, "programme", "", "programme of the receivables (default: that of the first one)")
	b.add(cmd, "receivables", usualChanged)
	return cmd
}

// waitingFor returns those of the receivables that are in the status `from`, in their order, and how many have reached `to`. No
// ids means all of the programme. Anything else than these two is refused before anything is sent.
func waitingFor(ctx context.Context, s *consortium.Session, programme string, ids []string, from, to receivable.Status) (waiting []string, skipped int, err error) {
	if len(ids) == 0 {
		list, err := operation.ReceivablesWhere(ctx, s, []string{programme}, func(r receivable.Receivable) bool {
			return r.Programme == programme && r.Status == from && r.Invoice.Buyer == s.User().Party
		})
		for _, r := range list {
			waiting = append(waiting, r.ID)
		}
		return waiting, 0, err
	}
	status, err := operation.Standings(ctx, s, programme, ids)
	if err != nil {
		return nil, 0, err
	}
	var bad fault.Fields
	for i, id := range ids {
		switch status[id] {
		case from:
			waiting = append(waiting, id)
		case to:
			skipped++
		case "":
			bad.Add(fmt.Sprintf("receivables[%d]", i), id, "is no receivable of programme %s that you may see", programme)
		default:
			if to == receivable.Proposed && status[id] == receivable.Confirmed {
				skipped++
				continue
			}
			bad.Add(fmt.Sprintf("receivables[%d]", i), id, "is %s; it must be %s", status[id], from)
		}
	}
	return waiting, skipped, bad.Err()
}
