package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// maxChartBatches bounds how many batches one picture takes from an archive.
const maxChartBatches = 10_000

func receiptChartCommand(app *App) *cobra.Command {
	var out, dir, loan string
	cmd := &cobra.Command{
		Use:   "chart RECEIPT -o FILE.svg",
		Short: "Draw what devices have read of a receipt's goods, with limits and excursions, and a loan's loan-to-value",
		Long: `Draws the readings that stand in the archive for the receipt and for those that it replaced, each device's limits dashed and
its excursions as red dots. With --loan, as somebody who reads the bank's desk: the loan-to-value over time with the
maintenance and the cure level, from the ledger's blocks. Who has no archive sees the loan-to-value alone.`,
		Example: `  tally --org warehouse --user dev receipt chart rct-… -o chart.svg
  tally --org bankA --user mona receipt chart rct-… --loan loan-… --archive from-the-warehouse -o chart.svg`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				r, err := operation.Receipt(ctx, s, args[0])
				if err != nil {
					return err
				}
				p, err := pictureOf(ctx, s, operation.Archive(s, dir), r, loan)
				if err != nil {
					return err
				}
				var drawing bytes.Buffer
				if err := evidence.Chart(&drawing, p); err != nil {
					return err
				}
				if err := os.WriteFile(out, drawing.Bytes(), 0o644); err != nil {
					return usageError{err}
				}
				readings := 0
				for _, series := range p.Series {
					readings += len(series.Readings)
				}
				if app.JSON() {
					return app.PrintJSON(map[string]any{"id": r.ID, "file": out, "series": len(p.Series), "readings": readings, "ltv_points": len(p.LTV)})
				}
				return app.table(func(row func(...string)) {
					row("receipt", r.ID)
					row("readings", strconv.Itoa(readings))
					row("loan-to-value", strconv.Itoa(len(p.LTV))+" points")
					row("file", out)
				})
			})
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write, SVG")
	cmd.Flags().StringVar(&loan, "loan", "", "loan whose loan-to-value is drawn, too")
	addArchive(cmd, &dir)
	return requireFlags(cmd, "out")
}

func pictureOf(ctx context.Context, s *consortium.Session, keep evidence.Archive, r receipt.Receipt, loan string) (evidence.Picture, error) {
	p := evidence.Picture{Title: "Receipt " + r.ID}
	batches, err := batchesOf(ctx, s, keep, append(slices.Clone(r.From), r.ID))
	if err != nil {
		return p, err
	}
	var devices []receipt.Device
	for _, id := range r.Devices {
		d, err := operation.Device(ctx, s, id)
		if err != nil {
			return p, err
		}
		devices = append(devices, d)
	}
	p.Series = evidence.SeriesOf(batches, devices)
	if loan == "" {
		return p, nil
	}
	return p, addLTV(ctx, s, &p, loan)
}

// batchesOf loads the archive's batches that are about one of the receipts. What the ledger has refused stands in the archive,
// too, because it is kept before it is sent; it is left out.
func batchesOf(ctx context.Context, s *consortium.Session, keep evidence.Archive, receipts []string) ([]evidence.Batch, error) {
	if keep.Dir == "" {
		return nil, nil
	}
	files, err := filepath.Glob(keep.Path("evd-*"))
	if err != nil {
		return nil, err
	}
	if len(files) > maxChartBatches {
		return nil, fault.New(fault.InputTooLarge, "%s has more than %d batches", keep.Dir, maxChartBatches)
	}
	var list []evidence.Batch
	for _, file := range files {
		id, _, _ := strings.Cut(filepath.Base(file), ".")
		b, err := keep.Load(id)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(b.Receipts, func(id string) bool { return slices.Contains(receipts, id) }) {
			continue
		}
		switch _, err := s.Locate(ctx, "evidence", id); {
		case err == nil:
			list = append(list, b)
		case fault.CodeOf(err) != fault.RecordNotFound:
			return nil, err
		}
	}
	return list, nil
}

// marginRecord is what the picture needs of a loan's margin as it stands in a block.
type marginRecord struct {
	LTVBps int64         `json:"ltv_bps"`
	Terms  receipt.Terms `json:"terms"`
}

var errLastBlock = errors.New("the last block was read")

// addLTV reads the loan's margin in every block that has changed it.
func addLTV(ctx context.Context, s *consortium.Session, p *evidence.Picture, loan string) error {
	network, ok := s.Network.(interface {
		Height(ctx context.Context) (uint64, error)
	})
	if !ok {
		return fault.New(fault.InternalError, "this network does not tell how many blocks it has")
	}
	height, err := network.Height(ctx)
	if err != nil {
		return err
	}
	key, err := record.Key("margin", loan)
	if err != nil {
		return err
	}
	err = s.Network.Blocks(ctx, 0, func(b consortium.Block) error {
		for _, tx := range b.Transactions {
			for _, w := range tx.Writes {
				if !tx.Valid || w.Deleted || w.Key != key {
					continue
				}
				_, body, err := s.Open(ctx, w)
				if err != nil {
					return err
				}
				var m marginRecord
				if err := json.Unmarshal(body, &m); err != nil {
					return err
				}
				// The bank's service and its people may assess the same facts one after the other; the line has not moved then.
				if n := len(p.LTV); n == 0 || p.LTV[n-1].Bps != m.LTVBps {
					p.LTV = append(p.LTV, evidence.LTVPoint{At: tx.At, Bps: m.LTVBps})
				}
				p.MaintenanceBps, p.CureBps = m.Terms.MaintenanceBps, m.Terms.CureBps
			}
		}
		if b.Number+1 >= height {
			return errLastBlock
		}
		return nil
	})
	if errors.Is(err, errLastBlock) {
		return nil
	}
	return err
}
