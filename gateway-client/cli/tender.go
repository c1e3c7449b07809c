package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func tenderCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "tender", Aliases: []string{"tenders"}, Short: "Ask several banks for sealed offers over the same collateral"}
	cmd.AddCommand(tenderOpenCommand(app), tenderListCommand(app), tenderShowCommand(app), tenderCloseCommand(app))
	return cmd
}

// tenderOutcome is what opening a tender prints.
type tenderOutcome struct {
	outcome
	Applications []string  `json:"applications"`
	CommitBy     time.Time `json:"commit_by"`
	RevealBy     time.Time `json:"reveal_by"`
}

func tenderOpenCommand(app *App) *cobra.Command {
	var bids []string
	var amount, currency string
	var tenorDays int64
	var commitIn, revealIn time.Duration
	var offered operation.Pledging
	cmd := &cobra.Command{
		Use:   "open --bid BANK:DESK:CONSENT --bid BANK:DESK:CONSENT --receivable ID…",
		Short: "Ask two to ten banks for offers; the collateral is reserved once",
		Long: `Each bank sees its own application only. Until --commit-in is over a bank binds itself to an offer by a salted hash; until
--reveal-in is over it shows the offer. Then you rank the offers (tender show) and accept one (application accept).`,
		Example: "  tally --org supplier --user amy tender open --bid BankAMSP:dsk-…:cns-… --bid BankBMSP:dsk-…:cns-… --receivable rcv-… --commit-in 4h --reveal-in 5h",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := financing.TenderRequest{Tender: financing.Tender{ID: consortium.NewID("tnd")}, Request: financing.Request{Currency: currency, TenorDays: tenorDays}}
			for _, bid := range bids {
				parts := strings.Split(bid, ":")
				if len(parts) != 3 {
					return usageError{fmt.Errorf("--bid is %q; it must be BANK:DESK:CONSENT", bid)}
				}
				in.Bidders = append(in.Bidders, financing.Bidder{Bank: parts[0], Desk: parts[1], Consent: parts[2], Application: consortium.NewID("app")})
			}
			if amount != "" {
				asked, err := money.ParseDecimal(amount, currency)
				if err != nil {
					return err
				}
				in.Request.AdvanceMinor = asked.Minor
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				now := s.Network.Now().UTC().Truncate(time.Second)
				in.CommitBy, in.RevealBy = now.Add(commitIn), now.Add(revealIn)
				call, err := operation.Tender(ctx, s, in, offered)
				if err != nil {
					return err
				}
				call.Request = app.request
				done, err := s.Submit(ctx, call, nil)
				if err != nil {
					return err
				}
				out := tenderOutcome{outcome: outcome{ID: in.ID, Status: string(financing.Submitted), Transaction: done.Transaction, Block: done.Block}, CommitBy: in.CommitBy, RevealBy: in.RevealBy}
				for _, b := range in.Bidders {
					out.Applications = append(out.Applications, b.Application)
				}
				if app.JSON() {
					return app.PrintJSON(out)
				}
				return app.table(func(row func(...string)) {
					row("tender", out.ID)
					for _, b := range in.Bidders {
						row("application", b.Application, b.Bank)
					}
					row("offers are committed to by", out.CommitBy.Format(time.RFC3339))
					row("and shown by", out.RevealBy.Format(time.RFC3339))
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&bids, "bid", nil, "a bank that may offer: BANK:DESK:CONSENT, with your consent to it")
	flags.DurationVar(&commitIn, "commit-in", 4*time.Hour, "how long banks may commit to an offer")
	flags.DurationVar(&revealIn, "reveal-in", 5*time.Hour, "how long, from now, banks may show what they have committed to")
	flags.StringSliceVar(&offered.Receivables, "receivable", nil, "confirmed receivables")
	flags.StringSliceVar(&offered.Fragments, "fragment", nil, "fragments of receivables")
	flags.StringSliceVar(&offered.Receipts, "receipt", nil, "warehouse receipts")
	flags.StringVar(&amount, "amount", "", "advance that you ask for (default: as much as each policy gives)")
	flags.StringVar(&currency, "currency", "EUR", "ISO 4217 code")
	flags.Int64Var(&tenorDays, "tenor-days", 0, "days from the decision to maturity (default: until the last claim is due)")
	return requireFlags(cmd, "bid")
}

func tenderListCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the tenders that you may see, with the banks that they ask",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				list, err := operation.Tendered(ctx, s, "")
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(map[string]any{"applications": list})
				}
				return app.table(func(row func(...string)) {
					row("TENDER", "APPLICATION", "BANK", "STATUS", "COMMIT BY", "REVEAL BY")
					for _, a := range list {
						row(a.Tender.ID, a.ID, a.Bank, string(a.Status), a.Tender.CommitBy.Format(time.RFC3339), a.Tender.RevealBy.Format(time.RFC3339))
					}
				})
			})
		},
	}
}

// tenderView is a tender with the offers that are shown, the cheapest first.
type tenderView struct {
	financing.Tender
	Applications []financing.Application `json:"applications"`
	Offers       []financing.RankedOffer `json:"offers"`
}

func tenderShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show TENDER",
		Short: "Rank the offers of a tender by what they cost in all",
		Long:  "Offers are ranked by their annual cost, all fees included; the larger advance first among equals. The formula is in docs/financing.md.",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				list, err := operation.Tendered(ctx, s, args[0])
				if err != nil {
					return err
				}
				call, err := operation.OnTender(ctx, s, "financing:Offers", operation.IDs(list))
				if err != nil {
					return err
				}
				v := tenderView{Tender: *list[0].Tender, Applications: list}
				if err := s.Evaluate(ctx, call, &v.Offers); err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(v)
				}
				return app.table(func(row func(...string)) { showTender(row, v) })
			})
		},
	}
}

func showTender(row func(...string), v tenderView) {
	row("tender", v.ID)
	row("offers are shown by", v.RevealBy.Format(time.RFC3339))
	for _, a := range v.Applications {
		row("application", a.ID, a.Bank, string(a.Status))
	}
	for _, o := range v.Offers {
		currency := v.Applications[0].Currency
		row(fmt.Sprintf("offer %d", o.Rank), o.Application, o.Bank, amountText(o.AdvanceMinor, currency), "costs "+amountText(o.TotalCostMinor, currency), percentText(o.AnnualCostBP)+" a year")
	}
}

func percentText(bp int64) string { return fmt.Sprintf("%d.%02d %%", bp/100, bp%100) }

func tenderCloseCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "close TENDER",
		Short: "Withdraw a tender and free its collateral",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				list, err := operation.Tendered(cmd.Context(), s, args[0])
				if err != nil {
					return consortium.Call{}, err
				}
				return operation.OnTender(cmd.Context(), s, "financing:CloseTender", operation.IDs(list))
			})
		},
	}
}

func offerCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "offer", Aliases: []string{"offers"}, Short: "A bank's sealed offer in a tender, by hand; its underwriter does the same by itself"}
	cmd.AddCommand(offerStep(app, "commit", "Bind the bank to the offer that its policy gives, by a salted hash", operation.CommitOffer),
		offerStep(app, "reveal", "Show the offer that the bank is committed to", operation.RevealOffer))
	return cmd
}

func offerStep(app *App, verb, short string, build func(ctx context.Context, s *consortium.Session, application, score string, salt []byte) (consortium.Call, error)) *cobra.Command {
	var score, saltHex string
	cmd := &cobra.Command{
		Use:     verb + " APPLICATION --score SCORE --salt HEX",
		Short:   short,
		Long:    "The same salt, 16 to 64 bytes in hexadecimal that nobody else knows, commits to an offer and opens it.",
		Example: "  tally --org bankA --user svc offer " + verb + " app-… --score scr-… --salt $(openssl rand -hex 32)",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			salt, err := hex.DecodeString(saltHex)
			if err != nil || len(salt) < 16 || len(salt) > 64 {
				return usageError{fmt.Errorf("--salt must be 16 to 64 bytes in hexadecimal")}
			}
			return app.submit(cmd, args[0], func(s *consortium.Session) (consortium.Call, error) {
				return build(cmd.Context(), s, args[0], score, salt)
			})
		},
	}
	cmd.Flags().StringVar(&score, "score", "", "a score of the application that is on the ledger")
	cmd.Flags().StringVar(&saltHex, "salt", "", "the salt of the offer's hash")
	return requireFlags(cmd, "score", "salt")
}
