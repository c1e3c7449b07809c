package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

func deviceCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{Use: "device", Aliases: []string{"devices"}, Short: "Devices that watch goods, and the collectors that sign for them"}
	cmd.AddCommand(deviceRegisterCommand(app), deviceKeyCommand(app), deviceAttestCommand(app), deviceCalibrateCommand(app),
		deviceRevokeCommand(app), deviceListCommand(app), deviceShowCommand(app), deviceSimulateCommand(app))
	return cmd
}

func deviceRegisterCommand(app *App) *cobra.Command {
	var programme, key, installed, calibrated string
	var kind string
	var measures []string
	var first int64
	cmd := &cobra.Command{
		Use:   "register IDENTIFIER --programme PROGRAMME",
		Short: "Register a device of your organisation, as the warehouse's operator",
		Long: `Registers a sensor or a collector. IDENTIFIER is what EPCIS events call the device (deviceID); its id on the ledger is a
hash of it. Devices are public records: they hold no terms. Nothing that a device reports counts before another
organisation has attested it.

A measure is PROPERTY:UNIT:MIN:MAX:LOW:HIGH: what the instrument can read, and the limits outside of which a reading is an
excursion (left out: the range). Units are UN/CEFACT Recommendation 20 codes. The most precise of the numbers says with
how many decimals values are kept.

A sensor without a key is believed as far as the collector that signs its batches. A collector needs the key of the
certificate that it works with: tally device key.`,
		Example: `  tally --org warehouse --user dev device key
  tally --org warehouse --user wes device register collector-1 --programme prg-… --kind collector --key MFkwEwYH…
  tally --org warehouse --user wes device register urn:epc:id:giai:9520001.TH-0001 --programme prg-… \
    --measure Temperature:CEL:-40.00:85.00:5.00:25.00 --measure RelativeHumidity:P1:0.0:100.0 --calibrated-until 2027-06-30`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := receipt.DeviceRegistration{ID: operation.DeviceID(args[0]), Kind: receipt.DeviceKind(kind), Key: receipt.PublicKey(key), FirstSequence: first}
			var err error
			if in.Measures, err = measuresOf(measures); err != nil {
				return err
			}
			if calibrated != "" {
				if in.CalibratedUntil, err = calendar.Parse(calibrated); err != nil {
					return err
				}
			}
			return app.submit(cmd, in.ID, func(s *consortium.Session) (consortium.Call, error) {
				if in.InstalledAt, err = instantOf("installed", installed, s.Network.Now()); err != nil {
					return consortium.Call{}, err
				}
				return operation.RegisterDevice(s, programme, in)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&programme, "programme", "", "programme of your organisation whose readers guard the record")
	flags.StringVar(&kind, "kind", string(receipt.Sensor), "sensor or collector")
	flags.StringVar(&key, "key", "", "public key, Ed25519 or ECDSA P-256: SubjectPublicKeyInfo in base64")
	flags.StringArrayVar(&measures, "measure", nil, "what a sensor measures: PROPERTY:UNIT:MIN:MAX[:LOW:HIGH]")
	flags.StringVar(&installed, "installed", "", "day or instant (UTC) from which the device watches (default: now)")
	flags.StringVar(&calibrated, "calibrated-until", "", "last day of a sensor's calibration")
	flags.Int64Var(&first, "first-sequence", 1, "number of the first reading")
	return requireFlags(cmd, "programme")
}

func deviceKeyCommand(app *App) *cobra.Command {
	var file, simulated string
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Print the public key under which a collector or a device registers",
		Long:  "Prints the public key of your own certificate, or of another one in a PEM file, as device register takes it.",
		Example: `  tally --org warehouse --user dev device key
  tally device key --certificate sensor.pem
  tally device key --simulated urn:epc:id:giai:9520001.SIM-1`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			printKey := func(key receipt.PublicKey) error {
				if app.JSON() {
					return app.PrintJSON(map[string]receipt.PublicKey{"key": key})
				}
				_, err := fmt.Fprintln(app.Out, key)
				return err
			}
			show := func(pem []byte) error {
				key, err := evidence.CertificateKey(pem)
				if err != nil {
					return err
				}
				return printKey(key)
			}
			if simulated != "" {
				key, _, err := evidence.SignerOf(evidence.SeededKey(simulated))
				if err != nil {
					return err
				}
				return printKey(key)
			}
			if file != "" {
				pem, err := os.ReadFile(file)
				if err != nil {
					return usageError{err}
				}
				return show(pem)
			}
			return app.withSession(cmd, func(_ context.Context, s *consortium.Session) error { return show(s.User().CertificatePEM) })
		},
	}
	cmd.Flags().StringVar(&simulated, "simulated", "", "identifier of a simulated device, whose key comes from it and protects nothing")
	cmd.Flags().StringVar(&file, "certificate", "", "PEM certificate to read instead of your own")
	return cmd
}

func deviceAttestCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "attest DEVICE",
		Short: "Vouch for another organisation's device, its key and its calibration",
		Long: `Nobody vouches for their own instruments: a governor or risk officer of another organisation does, and the device's
readings count from then on. DEVICE is its id or its EPCIS identifier.`,
		Example: "  tally --org bankA --user rita device attest urn:epc:id:giai:9520001.TH-0001",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, operation.DeviceID(args[0]), func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnDevice(cmd.Context(), s, "receipt:AttestDevice", args[0])
			})
		},
	}
}

func deviceCalibrateCommand(app *App) *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use:     "calibrate DEVICE --until DATE",
		Short:   "Vouch for a later calibration of another organisation's sensor",
		Example: "  tally --org bankA --user rita device calibrate urn:epc:id:giai:9520001.TH-0001 --until 2028-06-30",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := calendar.Parse(until); err != nil {
				return err
			}
			return app.submit(cmd, operation.DeviceID(args[0]), func(s *consortium.Session) (consortium.Call, error) {
				return operation.OnDevice(cmd.Context(), s, "receipt:CalibrateDevice", args[0], until)
			})
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "last day of the calibration")
	return requireFlags(cmd, "until")
}

func deviceRevokeCommand(app *App) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "revoke DEVICE",
		Short: "Refuse a device's readings from an instant on",
		Long: `Readings from the instant on are refused, for example because the device is stolen, broken or replaced. The operator
revokes its devices, and who attested one may, too.`,
		Example: "  tally --org warehouse --user wes device revoke urn:epc:id:giai:9520001.TH-0001 --from 2026-11-22T08:00:00Z",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.submit(cmd, operation.DeviceID(args[0]), func(s *consortium.Session) (consortium.Call, error) {
				at, err := instantOf("from", from, s.Network.Now())
				if err != nil {
					return consortium.Call{}, err
				}
				return operation.OnDevice(cmd.Context(), s, "receipt:RevokeDevice", args[0], at.Format(time.RFC3339Nano))
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "day or instant (UTC) from which readings are refused (default: now)")
	return cmd
}

func deviceShowCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "show DEVICE",
		Short:   "Show a device: what it measures, who attested it, until when it is calibrated",
		Example: "  tally --org bankA --user rita device show urn:epc:id:giai:9520001.TH-0001",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				d, err := operation.Device(ctx, s, args[0])
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(d)
				}
				return app.table(func(row func(...string)) { showDevice(row, d) })
			})
		},
	}
}

func showDevice(row func(...string), d receipt.Device) {
	row("id", d.ID)
	row("kind", string(d.Kind))
	row("status", string(d.Status))
	row("operator", d.Operator)
	for _, m := range d.Measures {
		row("measures", m.Property, fmt.Sprintf("%s to %s %s", scaledText(m.RangeMin, m.Scale), scaledText(m.RangeMax, m.Scale), m.Unit),
			fmt.Sprintf("excursion outside of %s to %s", scaledText(m.LimitMin, m.Scale), scaledText(m.LimitMax, m.Scale)))
	}
	row("installed", d.InstalledAt.Format(time.RFC3339))
	if !d.CalibratedUntil.IsZero() {
		row("calibrated until", d.CalibratedUntil.String())
	}
	if d.AttestedBy != "" {
		row("attested by", d.AttestedBy, d.AttestedAt.Format(time.RFC3339))
	}
	if d.Status == receipt.Revoked {
		row("revoked from", d.RevokedFrom.Format(time.RFC3339))
	}
	if d.Key != "" {
		row("key", string(d.Key))
	}
}

func deviceListCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List all devices; they are public",
		Example: "  tally --org bankA --user rita device list",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				list, err := operation.Devices(ctx, s)
				if err != nil {
					return err
				}
				if app.JSON() {
					return app.PrintJSON(map[string][]receipt.Device{"devices": list})
				}
				return app.table(func(row func(...string)) {
					row("DEVICE", "KIND", "STATUS", "OPERATOR", "ATTESTED BY", "CALIBRATED UNTIL", "MEASURES")
					for _, d := range list {
						var properties []string
						for _, m := range d.Measures {
							properties = append(properties, m.Property)
						}
						row(d.ID, string(d.Kind), string(d.Status), d.Operator, d.AttestedBy, d.CalibratedUntil.String(), strings.Join(properties, " "))
					}
				})
			})
		},
	}
}
