package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// maxSimulated bounds the readings of one simulation.
const maxSimulated = 1_000_000

// simulation is what the options of device simulate say.
type simulation struct {
	identifier string
	measures   []string
	base       string
	swing      string
	noise      string
	drift      string
	excursions []string
	from       string
	every      time.Duration
	readings   int
	dropout    float64
	signEach   bool
	seed       uint64

	out       string
	readPoint string
	class     string

	receipts []string
	tamper   string
	dir      string
}

func deviceSimulateCommand(app *App) *cobra.Command {
	var sim simulation
	cmd := &cobra.Command{
		Use:   "simulate IDENTIFIER",
		Short: "Simulate a device: drift, dropouts, excursions, and a tamperer",
		Long: `Makes readings of a device that exists nowhere, always the same for a seed. Values follow a daily cycle around --base with
noise and drift; --excursion adds an offset for a time, as an open door or a failed cooler does. Numbers are one a measure,
with commas between them, in the order of the measures' names.

With -o it writes an EPCIS 2.0 document, as tally receipt anchor reads it; it needs no network where --measure says what
the device measures.

With --sign-each the device signs every reading instead of segments; in an EPCIS file the signatures stand in the reports.

With --receipt it is the device and its collector at once: it reads on from the device's last anchored sequence, signs each
segment with the device's key, which comes from the identifier (tally device key --simulated IDENTIFIER), and anchors the
batch. --tamper lets the collector cheat, so that you can see what the ledger makes of it: altered, summary, replayed,
reordered, back_dated, wrong_key, dropped, revoked. The keys of simulated devices protect nothing.`,
		Example: `  tally device simulate urn:epc:id:giai:9520001.TH-0001 --measure Temperature:CEL:-40.0:85.0:5.0:25.0 --base 18 --swing 3 --noise 0.4 \
    --excursion 26h/90m/+9 --from 2026-11-20 --every 10m --readings 432 --seed 7 -o three-days.jsonld
  tally --org warehouse --user dev device simulate urn:epc:id:giai:9520001.SIM-1 --base 18 --from 2026-11-20 --readings 100 --receipt rct-…
  tally --org warehouse --user dev device simulate urn:epc:id:giai:9520001.SIM-1 --base 18 --from 2026-11-21 --readings 100 --receipt rct-… --tamper altered`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			sim.identifier = args[0]
			if err := sim.check(cmd); err != nil {
				return err
			}
			if len(sim.receipts) == 0 && len(sim.measures) > 0 {
				measures, err := measuresOf(sim.measures)
				if err != nil {
					return err
				}
				d := receipt.Device{ID: evidence.DeviceID(sim.identifier), Kind: receipt.Sensor, FirstSequence: 1, Measures: measures}
				return app.writeSimulated(sim, d, time.Now())
			}
			return app.withSession(cmd, func(ctx context.Context, s *consortium.Session) error {
				d, err := operation.Device(ctx, s, sim.identifier)
				if err != nil {
					return err
				}
				if sim.out != "" {
					return app.writeSimulated(sim, d, s.Network.Now())
				}
				return app.anchorSimulated(ctx, s, sim, d)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&sim.measures, "measure", nil, "what the device measures: PROPERTY:UNIT:MIN:MAX[:LOW:HIGH] (default: as it is registered)")
	flags.StringVar(&sim.base, "base", "", "mean of each measure, such as 18 or 45,18.5")
	flags.StringVar(&sim.swing, "swing", "", "half of the daily cycle of each")
	flags.StringVar(&sim.noise, "noise", "", "standard deviation of each")
	flags.StringVar(&sim.drift, "drift", "", "what ageing adds to each in a day")
	flags.StringArrayVar(&sim.excursions, "excursion", nil, "AFTER/FOR/OFFSET, such as 26h/90m/+9: offset to every measure for a time")
	flags.StringVar(&sim.from, "from", "", "day or instant (UTC) of the first reading (default: so that the last one is now)")
	flags.DurationVar(&sim.every, "every", 10*time.Minute, "time between two rounds; a round reads every measure")
	flags.IntVar(&sim.readings, "readings", 144, "number of readings")
	flags.Float64Var(&sim.dropout, "dropout", 0, "per cent of the readings that the radio loses")
	flags.BoolVar(&sim.signEach, "sign-each", false, fmt.Sprintf("sign each reading with the device's key, at most %d in a batch", receipt.MaxSignedReadings))
	flags.Uint64Var(&sim.seed, "seed", 1, "seed of the random numbers")
	flags.StringVarP(&sim.out, "out", "o", "", "EPCIS file to write")
	flags.StringVar(&sim.readPoint, "read-point", "urn:epc:id:sgln:9520001.00071.hallB", "where the device is, in the EPCIS file")
	flags.StringVar(&sim.class, "goods", "", "EPC class that the device watches, in the EPCIS file")
	flags.StringSliceVar(&sim.receipts, "receipt", nil, "anchor the readings for these receipts, as the collector")
	flags.StringVar(&sim.tamper, "tamper", "", "how the collector cheats")
	addArchive(cmd, &sim.dir)
	return requireFlags(cmd, "base")
}

func (sim simulation) check(cmd *cobra.Command) error {
	wrong := func(format string, args ...any) error {
		return usageError{fmt.Errorf(format+"; see: %s --help", append(args, cmd.CommandPath())...)}
	}
	switch {
	case (sim.out == "") == (len(sim.receipts) == 0):
		return wrong("say either -o, to write a file, or --receipt, to anchor")
	case sim.tamper != "" && len(sim.receipts) == 0:
		return wrong("--tamper goes with --receipt")
	case sim.tamper != "" && !slices.Contains(evidence.Tamperings(), evidence.Tampering(sim.tamper)):
		return wrong("--tamper is %q; it must be one of %v", sim.tamper, evidence.Tamperings())
	case sim.readings < 1 || sim.readings > maxSimulated:
		return wrong("--readings is %d; it must be 1 to %d", sim.readings, maxSimulated)
	case sim.dropout < 0 || sim.dropout > 99:
		return wrong("--dropout is %v; it must be 0 to 99 per cent", sim.dropout)
	}
	return nil
}

// profile makes the simulator's profile; after is the last instant that is anchored already.
func (sim simulation) profile(d receipt.Device, now, after time.Time) (evidence.Profile, error) {
	p := evidence.Profile{Device: d, Every: sim.every, Dropout: int(sim.dropout * 10_000), SignEach: sim.signEach}
	rounds := (sim.readings + max(1, len(d.Measures)) - 1) / max(1, len(d.Measures))
	var err error
	if sim.from == "" {
		if sim.every <= 0 || time.Duration(rounds) > 10*365*24*time.Hour/sim.every {
			return p, fault.New(fault.InputInvalid, "--every and --readings make more than ten years")
		}
		p.Start = now.UTC().Add(-time.Duration(rounds) * sim.every).Truncate(time.Second)
		if p.Start.Before(after) {
			p.Start = after.Add(time.Second).Truncate(time.Second)
		}
	} else if p.Start, err = instantOf("from", sim.from, now); err != nil {
		return p, err
	}
	for _, list := range []struct {
		name, text string
		into       *[]int64
	}{{"base", sim.base, &p.Base}, {"swing", sim.swing, &p.Swing}, {"noise", sim.noise, &p.Noise}, {"drift", sim.drift, &p.Drift}} {
		if *list.into, err = perMeasure(list.name, list.text, d.Measures); err != nil {
			return p, err
		}
	}
	for _, text := range sim.excursions {
		e, err := excursionOf(text, d.Measures)
		if err != nil {
			return p, err
		}
		p.Excursions = append(p.Excursions, e)
	}
	return p, p.Validate()
}

// perMeasure reads one number a measure, in the measure's scale; digits beyond it are refused.
func perMeasure(name, text string, measures []receipt.Measure) ([]int64, error) {
	if text == "" {
		return nil, nil
	}
	var bad fault.Fields
	parts := strings.Split(text, ",")
	if len(parts) != len(measures) {
		bad.Add(name, text, "must be %d numbers with commas between them, one a measure", len(measures))
		return nil, bad.Err()
	}
	list := make([]int64, len(parts))
	for i, part := range parts {
		v, err := inScale(part, measures[i].Scale)
		if err != nil {
			bad.Add(name, part, "%v", err)
		}
		list[i] = v
	}
	return list, bad.Err()
}

// inScale reads a decimal number as an integer in 10^-scale.
func inScale(text string, scale int) (int64, error) {
	got, v, err := scaled(text)
	if err != nil {
		return 0, err
	}
	if got > scale {
		return 0, fmt.Errorf("is kept with %d decimals", scale)
	}
	for range scale - got { // at most 15 digits before and 6 after the point
		v[0] *= 10
	}
	return v[0], nil
}

func excursionOf(text string, measures []receipt.Measure) (evidence.Excursion, error) {
	var bad fault.Fields
	var e evidence.Excursion
	parts := strings.Split(text, "/")
	if len(parts) != 3 || len(measures) == 0 {
		bad.Add("excursion", text, "must be AFTER/FOR/OFFSET, such as 26h/90m/+9")
		return e, bad.Err()
	}
	var errs [3]error
	e.After, errs[0] = time.ParseDuration(parts[0])
	e.For, errs[1] = time.ParseDuration(parts[1])
	e.Offset, errs[2] = inScale(strings.TrimPrefix(parts[2], "+"), measures[0].Scale)
	for i, err := range errs {
		if err != nil {
			bad.Add("excursion", parts[i], "%v", err)
		}
	}
	return e, bad.Err()
}

// writeSimulated writes the readings as an EPCIS file.
func (a *App) writeSimulated(sim simulation, d receipt.Device, now time.Time) error {
	p, err := sim.profile(d, now, time.Time{})
	if err != nil {
		return err
	}
	_, sign, err := evidence.SignerOf(evidence.SeededKey(sim.identifier))
	if err != nil {
		return err
	}
	device, err := evidence.NewSimulator(p, sim.seed, sign)
	if err != nil {
		return err
	}
	readings := make([]receipt.Reading, sim.readings)
	for i := range readings {
		if readings[i], err = device.Next(); err != nil {
			return err
		}
	}
	file, err := os.Create(sim.out)
	if err != nil {
		return usageError{err}
	}
	place := evidence.Place{Identifiers: map[string]string{d.ID: sim.identifier}, ReadPoint: sim.readPoint, Class: sim.class}
	err = evidence.WriteEPCIS(file, place, readings)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if a.JSON() {
		return a.PrintJSON(map[string]any{"file": sim.out, "device": d.ID, "readings": len(readings), "from": readings[0].At, "to": readings[len(readings)-1].At})
	}
	return a.table(func(row func(...string)) {
		row("file", sim.out)
		row("readings", fmt.Sprint(len(readings)), readings[0].At.Format(time.RFC3339)+" to "+readings[len(readings)-1].At.Format(time.RFC3339))
	})
}

// anchorSimulated anchors simulated readings, honest or tampered with.
func (a *App) anchorSimulated(ctx context.Context, s *consortium.Session, sim simulation, d receipt.Device) error {
	programme, err := s.Locate(ctx, "receipt", sim.receipts[0])
	if err != nil {
		return err
	}
	devices, heads, err := evidence.Positions(ctx, s, programme, []string{sim.identifier})
	if err != nil {
		return err
	}
	h := evidence.Header{ID: consortium.NewID("evd"), Programme: programme, Receipts: sim.receipts}
	if h.Collector, err = operation.Collector(ctx, s); err != nil {
		return err
	}
	segment, err := sim.segment(d, heads[0], s.Network.Now())
	if err != nil {
		return err
	}
	kind := evidence.Tampering(sim.tamper)
	if kind == evidence.Replayed { // first the honest batch, then the same readings again
		if _, _, err := a.sealAndAnchor(ctx, s, sim, h, segment, devices, heads); err != nil {
			return err
		}
		h.ID = consortium.NewID("evd")
	}
	if kind != "" {
		_, other, err := evidence.SignerOf(evidence.SeededKey("another device's key"))
		if err != nil {
			return err
		}
		if segment, err = evidence.Tamper(kind, d, segment, other); err != nil {
			return err
		}
	}
	b, done, err := a.sealAndAnchor(ctx, s, sim, h, segment, devices, heads)
	if err != nil {
		return err
	}
	out := anchored{outcome: outcome{ID: b.ID, Status: "anchored", Transaction: done.Transaction, Block: done.Block}, Readings: b.Count()}
	out.From, out.To = b.Window()
	if keep := operation.Archive(s, sim.dir); keep.Dir != "" {
		out.Archive = keep.Path(b.ID)
	}
	if a.JSON() {
		return a.PrintJSON(out)
	}
	return a.done(out.outcome)
}

// segment lets the simulated device read on after what is anchored and sign what it has read.
func (sim simulation) segment(d receipt.Device, head receipt.Head, now time.Time) (evidence.Segment, error) {
	var sign evidence.Signer
	public, own, err := evidence.SignerOf(evidence.SeededKey(sim.identifier))
	if err != nil {
		return evidence.Segment{}, err
	}
	if d.Key == public {
		sign = own
	} else if d.Key != "" {
		return evidence.Segment{}, fault.New(fault.InputInvalid, "device %s is registered with the key of a real device; only it can sign", d.ID)
	}
	at := d
	at.FirstSequence = max(d.FirstSequence, head.Last+1)
	p, err := sim.profile(at, now, head.At)
	if err != nil {
		return evidence.Segment{}, err
	}
	device, err := evidence.NewSimulator(p, sim.seed, sign)
	if err != nil {
		return evidence.Segment{}, err
	}
	return device.Segment(sim.readings)
}

// sealAndAnchor seals one segment with the collector's key and anchors it. A tamperer's client would not hold the segment back, so
// the ledger is asked whatever it holds.
func (a *App) sealAndAnchor(ctx context.Context, s *consortium.Session, sim simulation, h evidence.Header, segment evidence.Segment,
	devices []receipt.Device, heads []receipt.Head) (evidence.Batch, consortium.Committed, error) {
	b, err := evidence.Seal(h, []evidence.Segment{segment}, devices, heads, s.Network.Now(), s.User().Sign)
	if err != nil {
		return b, consortium.Committed{}, err
	}
	if keep := operation.Archive(s, sim.dir); keep.Dir != "" && (sim.tamper == "" || sim.tamper == string(evidence.Replayed)) {
		if err := keep.Save(b); err != nil {
			return b, consortium.Committed{}, err
		}
	}
	done, err := evidence.Submit(ctx, s, b)
	return b, done, err
}
