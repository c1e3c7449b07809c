package api

import (
	"context"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/operation"
	"github.com/tallystick/tallystick/gateway-client/outbox"
	"github.com/tallystick/tallystick/gateway-client/projection"
)

type receiptFilter struct {
	Paging
	Common
	Owner     string `query:"owner" maxLength:"64" doc:"Party id"`
	Programme string `query:"programme" maxLength:"64"`
	Operator  string `query:"operator" maxLength:"64" doc:"MSP id"`
	Site      string `query:"site" maxLength:"200"`
	Device    string `query:"device" maxLength:"64" doc:"Keep what a device watches"`
}

// storing acknowledges goods.
type storing struct {
	Programme  string              `json:"programme" maxLength:"64"`
	Owner      string              `json:"owner" minLength:"1" maxLength:"200" doc:"Party id, or name, in the programme's register"`
	Site       string              `json:"site" maxLength:"200"`
	Goods      []receipt.Goods     `json:"goods" minItems:"1" maxItems:"100" nullable:"false"`
	Devices    []string            `json:"devices,omitempty" maxItems:"100"`
	Conditions []receipt.Condition `json:"conditions,omitempty" maxItems:"100"`
	StoredOn   calendar.Date       `json:"stored_on,omitzero" doc:"Today, where it is left out"`
	Charges    *money.Amount       `json:"charges,omitempty"`
	Declared   *money.Amount       `json:"declared,omitempty"`
}

type receiver struct {
	To string `json:"to" minLength:"1" maxLength:"200" doc:"Party id, or name, in the programme's register"`
}

// parts divide a receipt: what each new one takes of each line, in the line's scale.
type parts struct {
	Parts []part `json:"parts" minItems:"2" maxItems:"100" nullable:"false"`
}

type part struct {
	Values []int64 `json:"values" minItems:"1" maxItems:"100" nullable:"false"`
}

type receipts struct {
	Receipts []string `json:"receipts" minItems:"2" maxItems:"100" nullable:"false"`
}

func (a *API) receiptRoutes() {
	const tag = "receipts"
	store := a.c.Store
	list(a, reading{"list-receipts", "/receipts", tag, "The warehouse receipts that you may see"},
		func(ctx context.Context, v visit, f *receiptFilter, p projection.Page) (projection.Slice[receipt.Receipt], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[receipt.Receipt]{}, err
			}
			return store.Receipts(ctx, v.viewer, projection.ReceiptFilter{Common: c, Owner: f.Owner, Programme: f.Programme, Operator: f.Operator, Site: f.Site, Device: f.Device}, p)
		})
	getByID(a, reading{"get-receipt", "/receipts/{id}", tag, "A receipt and its goods"}, func(ctx context.Context, v visit, id string) (receipt.Receipt, error) {
		return store.Receipt(ctx, v.viewer, id)
	})
	getByID(a, reading{"get-watch", "/receipts/{id}/watch", tag, "What devices have seen of a receipt's goods"}, func(ctx context.Context, v visit, id string) (receipt.Watch, error) {
		return store.Watch(ctx, v.viewer, id)
	})
	list(a, reading{"list-receipt-evidence", "/receipts/{id}/evidence", tag, "The batches of readings that are anchored for a receipt"},
		func(ctx context.Context, v visit, f *aboutFilter, p projection.Page) (projection.Slice[receipt.Batch], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[receipt.Batch]{}, err
			}
			return store.Evidence(ctx, v.viewer, f.ID, c, p)
		})
	command(a, writing{id: "issue-receipt", path: "/receipts", tag: tag, summary: "Acknowledge goods that you have received, as the warehouse's operator"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, _ nothing, in storing) (consortium.Call, string, error) {
			made := receipt.Issuance{ID: ids.New("rct"), Site: in.Site, Goods: in.Goods, Conditions: in.Conditions, StoredOn: in.StoredOn, Charges: in.Charges, Declared: in.Declared}
			for _, d := range in.Devices {
				made.Devices = append(made.Devices, operation.DeviceID(d))
			}
			call, err := operation.IssueReceipt(ctx, s, in.Programme, in.Owner, made)
			return call, made.ID, err
		})
	for _, s := range []struct{ verb, function, summary string }{
		{"accept", "receipt:Accept", "Become the owner of a receipt that is offered to you"},
		{"decline", "receipt:Decline", "Refuse a receipt that is offered to you"},
		{"withdraw", "receipt:Withdraw", "Take back your offer, or your request for delivery"},
		{"substitute", "receipt:Substitute", "Agree, as the party in control, to the exchange of goods that the warehouse proposes"},
		{"request", "receipt:Request", "Ask the warehouse for the goods"},
		{"deliver", "receipt:Deliver", "End a receipt: the goods were handed over"},
		{"cancel", "receipt:Cancel", "End a receipt that was issued in error and that nobody has relied on"},
	} {
		step(a, writing{id: s.verb + "-receipt", path: "/receipts/{id}/" + s.verb, tag: tag, summary: s.summary},
			func(ctx context.Context, session *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
				call, err := operation.OnReceipt(ctx, session, s.function, at.ID)
				return call, at.ID, err
			})
	}
	command(a, writing{id: "offer-receipt", path: "/receipts/{id}/offer", tag: tag, summary: "Offer a receipt to another party, who becomes its owner by accepting"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in receiver) (consortium.Call, string, error) {
			call, err := operation.OfferReceipt(ctx, s, at.ID, in.To)
			return call, at.ID, err
		})
	command(a, writing{id: "split-receipt", path: "/receipts/{id}/split", tag: tag, summary: "Replace a receipt by several, as the party in control"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, at ByID, in parts) (consortium.Call, string, error) {
			made := receipt.Division{}
			for i, p := range in.Parts {
				made.Parts = append(made.Parts, receipt.Part{ID: ids.New("rct", i), Values: p.Values})
			}
			call, err := operation.OnReceipt(ctx, s, "receipt:Split", at.ID)
			call.Input = made
			return call, at.ID, err
		})
	command(a, writing{id: "merge-receipts", path: "/receipts/merge", tag: tag, summary: "Replace several receipts of one owner in one place by one"},
		func(ctx context.Context, s *consortium.Session, ids outbox.IDs, _ nothing, in receipts) (consortium.Call, string, error) {
			id := ids.New("rct")
			call, err := operation.MergeReceipts(ctx, s, id, in.Receipts)
			return call, id, err
		})
	command(a, writing{id: "propose-exchange", path: "/receipts/{id}/propose-exchange", tag: tag, summary: "Ask the party in control to exchange goods for others"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in receipt.Proposal) (consortium.Call, string, error) {
			call, err := operation.OnReceipt(ctx, s, "receipt:Propose", at.ID)
			call.Input = in
			return call, at.ID, err
		})
	step(a, writing{id: "register-lot-key", path: "/programmes/{id}/lot-key", tag: tag, summary: "Seal the key of lot fingerprints into a programme, once"},
		func(_ context.Context, s *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			call, err := operation.RegisterLotKey(s, at.ID)
			return call, at.ID, err
		})
}

// installing registers a device.
type installing struct {
	Programme       string             `json:"programme" maxLength:"64" doc:"Programme whose readers guard the record"`
	Identifier      string             `json:"identifier" minLength:"1" maxLength:"256" doc:"What EPCIS events call the device, or its id"`
	Kind            receipt.DeviceKind `json:"kind" enum:"sensor,collector"`
	Key             receipt.PublicKey  `json:"key,omitempty" maxLength:"512" doc:"SubjectPublicKeyInfo in base64: Ed25519 or ECDSA P-256"`
	Measures        []receipt.Measure  `json:"measures,omitempty" maxItems:"16"`
	FirstSequence   int64              `json:"first_sequence,omitempty" minimum:"0"`
	InstalledAt     time.Time          `json:"installed_at,omitzero"`
	CalibratedUntil calendar.Date      `json:"calibrated_until,omitzero"`
}

type until struct {
	Until calendar.Date `json:"until"`
}

type since struct {
	From time.Time `json:"from,omitzero" doc:"Now, where it is left out"`
}

// observing reports a price, signed with the key of the person's certificate.
type observing struct {
	Source   string    `json:"source" maxLength:"64" doc:"Name under which your key is agreed"`
	Class    string    `json:"class" maxLength:"64"`
	Minor    int64     `json:"minor" minimum:"1" doc:"Price of per units, in minor units of the currency"`
	Currency string    `json:"currency" minLength:"3" maxLength:"3"`
	Per      int64     `json:"per" minimum:"1"`
	Unit     string    `json:"unit" maxLength:"3" doc:"UN/CEFACT Recommendation 20"`
	At       time.Time `json:"at,omitzero" doc:"Now, where it is left out"`
}

func (a *API) deviceRoutes() {
	const tag = "devices"
	store := a.c.Store
	records(a, tag, "device", "devices", "Devices that watch goods, and the collectors that sign for them", store.Devices, store.Device)
	getByID(a, reading{"get-evidence", "/evidence/{id}", tag, "A batch of readings that is anchored"}, func(ctx context.Context, v visit, id string) (receipt.Batch, error) {
		return store.EvidenceBatch(ctx, v.viewer, id)
	})
	getByID(a, reading{"get-prices", "/programmes/{id}/prices", tag, "Whose prices count in a programme, and what is proposed"}, func(ctx context.Context, v visit, id string) (receipt.PriceAgreement, error) {
		return store.Prices(ctx, v.viewer, id)
	})
	list(a, reading{"list-quotes", "/quotes", tag, "The latest prices of each class of goods"},
		func(ctx context.Context, v visit, f *commonOnly, p projection.Page) (projection.Slice[receipt.Quotes], error) {
			c, err := f.Common.filter()
			if err != nil {
				return projection.Slice[receipt.Quotes]{}, err
			}
			return store.Quotes(ctx, v.viewer, c, p)
		})
	command(a, writing{id: "register-device", path: "/devices", tag: tag, summary: "Register a device of your organisation"},
		func(_ context.Context, s *consortium.Session, _ outbox.IDs, _ nothing, in installing) (consortium.Call, string, error) {
			id := operation.DeviceID(in.Identifier)
			call, err := operation.RegisterDevice(s, in.Programme, receipt.DeviceRegistration{ID: id, Kind: in.Kind, Key: in.Key, Measures: in.Measures,
				FirstSequence: max(in.FirstSequence, 1), InstalledAt: in.InstalledAt.UTC().Truncate(time.Millisecond), CalibratedUntil: in.CalibratedUntil})
			return call, id, err
		})
	step(a, writing{id: "attest-device", path: "/devices/{id}/attest", tag: tag, summary: "Vouch for another organisation's device, its key and its calibration"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			call, err := operation.OnDevice(ctx, s, "receipt:AttestDevice", at.ID)
			return call, at.ID, err
		})
	command(a, writing{id: "calibrate-device", path: "/devices/{id}/calibrate", tag: tag, summary: "Vouch for a later calibration of another organisation's sensor"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in until) (consortium.Call, string, error) {
			call, err := operation.OnDevice(ctx, s, "receipt:CalibrateDevice", at.ID, in.Until.String())
			return call, at.ID, err
		})
	command(a, writing{id: "revoke-device", path: "/devices/{id}/revoke", tag: tag, summary: "Refuse a device's readings from an instant on"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in since) (consortium.Call, string, error) {
			from := in.From.UTC()
			if in.From.IsZero() {
				from = s.Network.Now().UTC().Truncate(time.Millisecond)
			}
			call, err := operation.OnDevice(ctx, s, "receipt:RevokeDevice", at.ID, from.Format(time.RFC3339Nano))
			return call, at.ID, err
		})
	command(a, writing{id: "propose-prices", path: "/programmes/{id}/prices", tag: tag, summary: "Propose whose prices count"},
		func(_ context.Context, _ *consortium.Session, _ outbox.IDs, at ByID, in receipt.PriceRule) (consortium.Call, string, error) {
			return operation.OnProgramme("receipt:ProposePrices", at.ID, in), at.ID, nil
		})
	step(a, writing{id: "agree-prices", path: "/programmes/{id}/prices/agree", tag: tag, summary: "Agree, as a bank, to the rule that is proposed now"},
		func(ctx context.Context, s *consortium.Session, _ outbox.IDs, at ByID, _ nothing) (consortium.Call, string, error) {
			call, err := operation.AgreePrices(ctx, s, at.ID)
			return call, at.ID, err
		})
	command(a, writing{id: "observe-price", path: "/programmes/{id}/quotes", tag: tag, summary: "Report a price as one of the agreed sources"},
		func(_ context.Context, s *consortium.Session, _ outbox.IDs, at ByID, in observing) (consortium.Call, string, error) {
			p := receipt.Price{Source: in.Source, Class: in.Class, Minor: in.Minor, Currency: in.Currency, Per: in.Per, Unit: in.Unit, At: in.At.UTC().Truncate(time.Millisecond)}
			call, err := operation.ObservePrice(s, at.ID, p)
			return call, at.ID, err
		})
}
