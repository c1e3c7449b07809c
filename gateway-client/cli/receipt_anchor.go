package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// eventFile is a file of EPCIS events that was read without a fault.
type eventFile struct {
	raw    []byte
	events []epcis.Event
}

// anchored is what receipt anchor prints of a batch.
type anchored struct {
	outcome
	Readings int64     `json:"readings"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Archive  string    `json:"archive,omitempty"`
}

func receiptAnchorCommand(app *App) *cobra.Command {
	var receipts []string
	var collector, dir string
	cmd := &cobra.Command{
		Use:   "anchor FILE… --receipt RECEIPT…",
		Short: "Anchor what devices report in EPCIS files, as the warehouse's collector",
		Long: `Reads GS1 EPCIS 2.0 events in JSON-LD, closes each file's readings into a batch, signs it with the key of your certificate
and anchors it for the receipts whose goods the devices watch. A file with anything that the standard forbids is
reported with its JSON path and value, the exit status is 2, and nothing is sent, of no file.

The ledger keeps the sealed batch: summaries, and a Merkle root that proves every reading. The readings stay in the
archive, a folder of your organisation; with them any single one can be proved: tally receipt prove.`,
		Example: "  tally --org warehouse --user dev receipt anchor lot-8841-in-range.jsonld --receipt rct-…",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, names []string) error {
			if app.request != "" {
				return usageError{fmt.Errorf("--request does not go with receipt anchor: readings that are anchored are refused the second time")}
			}
			var files []eventFile
			err := app.eachFile(names, func(_ string, in io.Reader) error {
				var raw bytes.Buffer
				events, err := epcis.Parse(io.TeeReader(in, &raw))
				if err != nil {
					return err
				}
				files = append(files, eventFile{raw.Bytes(), events})
				return nil
			})
			if err != nil {
				return err
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				programme, err := s.Locate(ctx, "receipt", receipts[0])
				if err != nil {
					return err
				}
				h := evidence.Header{Programme: programme, Receipts: receipts}
				if collector != "" {
					h.Collector = operation.DeviceID(collector)
				} else if h.Collector, err = operation.Collector(ctx, s); err != nil {
					return err
				}
				for _, f := range files {
					if err := app.anchor(ctx, s, operation.Archive(s, dir), h, f); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&receipts, "receipt", nil, "receipts whose goods the devices watch, all of one programme")
	cmd.Flags().StringVar(&collector, "collector", "", "collector that signs (default: the one registered with your certificate's key)")
	addArchive(cmd, &dir)
	return requireFlags(cmd, "receipt")
}

func (a *App) anchor(ctx context.Context, s *consortium.Session, keep evidence.Archive, h evidence.Header, f eventFile) error {
	h.ID = consortium.NewID("evd")
	source, err := operation.SourceHash(s, h.ID, f.raw)
	if err != nil {
		return err
	}
	h.Source = source
	b, done, err := evidence.Anchor(ctx, s, keep, h, f.events, s.Network.Now())
	if err != nil {
		return err
	}
	out := anchored{outcome: outcome{ID: b.ID, Status: "anchored", Transaction: done.Transaction, Block: done.Block}, Readings: b.Count()}
	out.From, out.To = b.Window()
	if keep.Dir != "" {
		out.Archive = keep.Path(b.ID)
	}
	if a.JSON() {
		return a.PrintJSON(out)
	}
	if err := a.done(out.outcome); err != nil {
		return err
	}
	return a.table(func(row func(...string)) {
		row("readings", fmt.Sprint(out.Readings), out.From.Format(time.RFC3339)+" to "+out.To.Format(time.RFC3339))
		row("kept in", out.Archive)
	})
}

func addArchive(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "archive", "", "folder that keeps the readings (default: evidence, beside the organisation's keyring)")
}

func receiptProveCommand(app *App) *cobra.Command {
	var device, dir, save string
	var sequence int64
	cmd := &cobra.Command{
		Use:   "prove BATCH --device DEVICE --sequence NUMBER",
		Short: "Prove a reading from the archive against what is anchored",
		Long: `Takes the reading and its Merkle path from the archive and lets the ledger check that they lead to the root that was
anchored. A reading that was changed since is refused. --save writes the proof to a file that anybody who reads the
programme can check without you: tally receipt verify.`,
		Example: "  tally --org warehouse --user dev receipt prove evd-… --device urn:epc:id:giai:9520001.TH-0001 --sequence 7 --save proof.json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				b, err := operation.Archive(s, dir).Load(args[0])
				if err != nil {
					return err
				}
				proof, err := b.Prove(operation.DeviceID(device), sequence)
				if err != nil {
					return err
				}
				if save != "" {
					if err := saveProof(save, proof); err != nil {
						return err
					}
				}
				return app.verify(ctx, s, proof)
			})
		},
	}
	cmd.Flags().StringVar(&device, "device", "", "device that has measured, by id or EPCIS identifier")
	cmd.Flags().Int64Var(&sequence, "sequence", 0, "number of the reading")
	cmd.Flags().StringVar(&save, "save", "", "file for the proof, for others to verify")
	addArchive(cmd, &dir)
	return requireFlags(cmd, "device", "sequence")
}
