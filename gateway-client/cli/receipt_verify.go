package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// maxProofBytes bounds the file of a proof: a reading and some twenty hashes.
const maxProofBytes = 64 << 10

// verified is the ledger's answer to a proof.
type verified struct {
	Batch    string          `json:"batch"`
	LeafHash receipt.Hash    `json:"leaf_hash"`
	Root     receipt.Hash    `json:"root"`
	Operator string          `json:"operator"`
	Reading  receipt.Reading `json:"reading"`
}

// verify lets the ledger check a proof, and prints what it proves.
func (a *App) verify(ctx context.Context, s *consortium.Session, proof receipt.Proof) error {
	programme, err := s.Locate(ctx, "evidence", proof.Batch)
	if err != nil {
		return err
	}
	var v verified
	call := consortium.Call{Function: "receipt:VerifyReading", Args: []string{proof.Batch}, Input: proof, Circles: []string{programme}}
	if err := s.Evaluate(ctx, call, &v); err != nil {
		return err
	}
	if a.JSON() {
		return a.PrintJSON(v)
	}
	return a.table(func(row func(...string)) {
		row("anchored in", v.Batch)
		row("by", v.Operator)
		row("device", v.Reading.Device, fmt.Sprintf("sequence %d", v.Reading.Sequence))
		row("reading", fmt.Sprintf("%s %s %s", v.Reading.Property, scaledText(v.Reading.Value, v.Reading.Scale), v.Reading.Unit), v.Reading.At.Format(time.RFC3339))
		row("leaf", string(v.LeafHash))
		row("root", string(v.Root))
	})
}

func receiptVerifyCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a proof that somebody gave you against what is anchored",
		Long: `Reads a proof of one reading, as tally receipt prove --save writes it, and lets your organisation's own peer check that it
leads to the root that was anchored. Whoever reads the programme can; nobody has to believe the warehouse.`,
		Example: "  tally --org bankA --user mona receipt verify proof.json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			var proof receipt.Proof
			err := app.eachFile(files, func(_ string, in io.Reader) error {
				raw, err := io.ReadAll(io.LimitReader(in, maxProofBytes+1))
				if err != nil {
					return err
				}
				if len(raw) > maxProofBytes {
					return fault.New(fault.InputTooLarge, "a proof has at most %d bytes", maxProofBytes)
				}
				dec := json.NewDecoder(bytes.NewReader(raw))
				dec.DisallowUnknownFields()
				if err := dec.Decode(&proof); err != nil {
					return fault.New(fault.InputInvalid, "is not a proof: %v", err)
				}
				return proof.Validate()
			})
			if err != nil {
				return err
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error { return app.verify(ctx, s, proof) })
		},
	}
}

// saveProof writes a proof for somebody else to verify.
func saveProof(path string, proof receipt.Proof) error {
	raw, err := json.MarshalIndent(proof, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}
