package contract

import (
	"strconv"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/circle"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Circle is the contract of who may read: it founds circles, starts their epochs and takes the readers' confirmations.
// Everything in it is public: it never sees a key.
type Circle struct{ contractapi.Contract }

var circleAccess = ledger.Access{
	"circle:Found":    {Kinds: kinds(member.Buyer, member.Warehouse, member.Bank), Roles: roles(member.Governor)},
	"circle:Rekey":    {Kinds: kinds(member.Buyer, member.Warehouse, member.Bank), Roles: roles(member.Governor)},
	"circle:Confirm":  {Roles: roles(member.Governor)},
	"circle:Get":      {},
	"circle:List":     {},
	"circle:Envelope": {},
	"circle:Locate":   {},
}

// GetEvaluateTransactions names the functions that only read.
func (*Circle) GetEvaluateTransactions() []string {
	return []string{"Get", "List", "Envelope", "Locate"}
}

// Found makes a circle (JSON: id, kind, readers, commitment, digests, envelopes) that waits for its readers. A desk is
// founded by a bank.
func (*Circle) Found(ctx *ledger.Context, founding string) (*circle.Circle, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("circle:Found")
	if err != nil {
		return nil, err
	}
	f, consortium, err := foundingInput(tx, founding)
	if err != nil {
		return nil, err
	}
	c, err := circle.Found(actor.MSP, f, consortium.Regulators())
	if err != nil {
		return nil, err
	}
	if err := ledger.Circles.Create(tx, ledger.Governed, c, c.ID); err != nil {
		return nil, err
	}
	return &c, saveEnvelopes(tx, c, f, "circle.founded")
}

// Rekey starts a new epoch with a new key, for the same or other readers (JSON as for Found).
func (*Circle) Rekey(ctx *ledger.Context, founding string) (*circle.Circle, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("circle:Rekey")
	if err != nil {
		return nil, err
	}
	f, consortium, err := foundingInput(tx, founding)
	if err != nil {
		return nil, err
	}
	c, err := ledger.Circles.Get(tx, f.ID)
	if err != nil {
		return nil, err
	}
	if c, err = c.Rekey(actor.MSP, f, consortium.Regulators()); err != nil {
		return nil, err
	}
	if err := ledger.Circles.Update(tx, c, c.ID); err != nil {
		return nil, err
	}
	return &c, saveEnvelopes(tx, c, f, "circle.rekeyed")
}

// Confirm records that the caller's organisation can open the epoch's key: token is its MAC under the key. The last
// confirmation makes the circle active.
func (*Circle) Confirm(ctx *ledger.Context, id string, epoch int, token string) (*circle.Circle, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("circle:Confirm")
	if err != nil {
		return nil, err
	}
	c, err := ledger.Circles.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if c, err = c.Confirm(actor.MSP, epoch, token); err != nil {
		return nil, err
	}
	if err := ledger.Circles.Update(tx, c, id); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "circle.confirmed", ID: id, Circle: id, Ref: actor.MSP})
	if c.Next == nil {
		tx.Emit(ledger.Event{Type: "circle.active", ID: id, Circle: id})
	}
	return &c, nil
}

// Get returns a circle.
func (*Circle) Get(ctx *ledger.Context, id string) (*circle.Circle, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("circle:Get"); err != nil {
		return nil, err
	}
	c, err := ledger.Circles.Get(tx, id)
	return &c, err
}

// CirclePage is one page of the circles.
type CirclePage struct {
	Circles []circle.Circle `json:"circles"`
	Next    string          `json:"next"`
}

// List returns a page of the circles, after the bookmark.
func (*Circle) List(ctx *ledger.Context, size int, after string) (*CirclePage, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("circle:List"); err != nil {
		return nil, err
	}
	items, next, err := ledger.Circles.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	page := &CirclePage{Circles: []circle.Circle{}, Next: next}
	for _, item := range items {
		page.Circles = append(page.Circles, item.Record)
	}
	return page, nil
}

// Envelope returns the key of an epoch as it was sealed to the caller's organisation.
func (*Circle) Envelope(ctx *ledger.Context, id string, epoch int) (*circle.Envelope, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("circle:Envelope")
	if err != nil {
		return nil, err
	}
	e, err := ledger.Envelopes.Get(tx, envelopeID(id, epoch, actor.MSP)...)
	return &e, err
}

// Locate returns the circle of a sealed record, by its type and its id. It is public, and so is what it tells.
func (*Circle) Locate(ctx *ledger.Context, typ string, id []string) (string, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("circle:Locate"); err != nil {
		return "", err
	}
	return tx.CircleOf(typ, id...)
}

func foundingInput(tx *ledger.Tx, founding string) (circle.Founding, member.Consortium, error) {
	f, err := ledger.Decode[circle.Founding](founding)
	if err != nil {
		return f, member.Consortium{}, err
	}
	consortium, err := ledger.Consortium.Get(tx, ledger.TheConsortium)
	if err != nil {
		return f, consortium, err
	}
	for _, reader := range f.Readers {
		m, err := ledger.Members.Get(tx, reader)
		if err != nil {
			return f, consortium, err
		}
		if m.Status != member.Active {
			return f, consortium, fault.New(fault.MemberNotActive, "%s is not an active member", reader)
		}
	}
	return f, consortium, nil
}

func saveEnvelopes(tx *ledger.Tx, c circle.Circle, f circle.Founding, event string) error {
	for i, box := range f.Envelopes {
		e := circle.Envelope{Circle: c.ID, Epoch: c.Next.Number, MSP: f.Readers[i], Box: box}
		id := envelopeID(e.Circle, e.Epoch, e.MSP)
		_, found, err := ledger.Envelopes.Find(tx, id...)
		switch {
		case err != nil:
			return err
		case found:
			err = ledger.Envelopes.Update(tx, e, id...)
		default:
			err = ledger.Envelopes.Create(tx, ledger.Governed, e, id...)
		}
		if err != nil {
			return err
		}
	}
	tx.Emit(ledger.Event{Type: event, ID: c.ID, Circle: c.ID})
	return nil
}

func envelopeID(id string, epoch int, msp string) []string {
	return []string{id, strconv.Itoa(epoch), msp}
}
