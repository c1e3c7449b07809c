package contract

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Member is the contract of the consortium: who takes part, by which votes that changes, and who the parties are.
type Member struct{ contractapi.Contract }

var (
	proposals    = ledger.Public[member.Proposal]("proposal")
	parties      = ledger.Sealed[member.Party]("party")
	partyAnchors = ledger.Public[member.PartyAnchor]("party-anchor")
)

var memberAccess = ledger.Access{
	"member:Found":         {Roles: roles(member.Governor), Founding: true},
	"member:Register":      {Roles: roles(member.Governor), Founding: true},
	"member:Propose":       {Roles: roles(member.Governor)},
	"member:Vote":          {Roles: roles(member.Governor)},
	"member:RegisterParty": {Roles: roles(member.Host, member.Governor)},
	"member:Ping":          {},
	"member:Get":           {Founding: true},
	"member:Consortium":    {Founding: true},
	"member:Proposal":      {},
	"member:Party":         {},
	"member:Parties":       {},
}

func roles(list ...member.Role) []member.Role { return list }
func kinds(list ...member.Kind) []member.Kind { return list }

// GetEvaluateTransactions names the functions that only read.
func (*Member) GetEvaluateTransactions() []string {
	return []string{"Get", "Consortium", "Proposal", "Party", "Parties"}
}

// Found makes the consortium from a founding list (JSON array of msp and kind). Each organisation on it is invited and
// becomes active by registering itself. It can be called once.
func (*Member) Found(ctx *ledger.Context, founders string) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise("member:Found")
	if err != nil {
		return err
	}
	list, err := ledger.Decode[[]member.Founder](founders)
	if err != nil {
		return err
	}
	consortium, members, err := member.Found(actor.MSP, list, tx.Now())
	if err != nil {
		return err
	}
	if err := ledger.FoundConsortium(tx, consortium); err != nil {
		return err
	}
	for _, m := range members {
		if err := ledger.Members.Create(tx, ledger.Governed, m, m.MSP); err != nil {
			return err
		}
	}
	tx.Emit(ledger.Event{Type: "consortium.founded", ID: ledger.TheConsortium})
	return nil
}

// Register records the caller's organisation's own name and sealing key (JSON) and makes it an active member.
func (*Member) Register(ctx *ledger.Context, registration string) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise("member:Register")
	if err != nil {
		return err
	}
	r, err := ledger.Decode[member.Registration](registration)
	if err != nil {
		return err
	}
	consortium, m, err := seat(tx, actor.MSP)
	if err != nil {
		return err
	}
	if consortium, m, err = consortium.Register(m, r); err != nil {
		return err
	}
	if err := saveSeat(tx, consortium, m); err != nil {
		return err
	}
	tx.Emit(ledger.Event{Type: "member.registered", ID: m.MSP})
	return nil
}

// Propose opens a vote on a change of the members (JSON), and counts the caller's organisation as in favour.
func (*Member) Propose(ctx *ledger.Context, id, change string) (*member.Proposal, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Propose"); err != nil {
		return nil, err
	}
	c, err := ledger.Decode[member.Change](change)
	if err != nil {
		return nil, err
	}
	p := member.Proposal{ID: id, Change: c, Status: member.Open}
	if err := proposals.Create(tx, ledger.Governed, p, id); err != nil {
		return nil, err
	}
	return vote(tx, p, true)
}

// Vote casts the caller's organisation's ballot. The ballot that decides carries the change out.
func (*Member) Vote(ctx *ledger.Context, id string, yes bool) (*member.Proposal, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Vote"); err != nil {
		return nil, err
	}
	p, err := proposals.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return vote(tx, p, yes)
}

func vote(tx *ledger.Tx, p member.Proposal, yes bool) (*member.Proposal, error) {
	consortium, err := ledger.Consortium.Get(tx, ledger.TheConsortium)
	if err != nil {
		return nil, err
	}
	if p, err = p.Vote(tx.Caller().MSP, yes, consortium, tx.Now()); err != nil {
		return nil, err
	}
	if err := proposals.Update(tx, p, p.ID); err != nil {
		return nil, err
	}
	if p.Status == member.Adopted {
		if err := carryOut(tx, consortium, p.Change); err != nil {
			return nil, err
		}
	}
	tx.Emit(ledger.Event{Type: "proposal." + string(p.Status), ID: p.ID, Ref: p.Change.MSP})
	return &p, nil
}

func carryOut(tx *ledger.Tx, consortium member.Consortium, c member.Change) error {
	if c.Action == member.Admit {
		consortium, m, err := consortium.Admitted(member.Founder{MSP: c.MSP, Kind: c.Kind}, tx.Now())
		if err != nil {
			return err
		}
		if err := ledger.Members.Create(tx, ledger.Governed, m, m.MSP); err != nil {
			return err
		}
		return saveConsortium(tx, consortium)
	}
	m, err := ledger.Members.Get(tx, c.MSP)
	if err != nil {
		return err
	}
	if c.Action == member.Suspend {
		consortium, m = consortium.Suspend(m)
	} else {
		consortium, m = consortium.Reinstate(m)
	}
	return saveSeat(tx, consortium, m)
}

// RegisterParty writes the sealed entry of a party that the caller's organisation hosts into a circle that it reads.
func (*Member) RegisterParty(ctx *ledger.Context, circleID, party string) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise("member:RegisterParty")
	if err != nil {
		return err
	}
	p, err := ledger.Input[member.Party](tx)
	if err != nil {
		return err
	}
	if p.ID != party || p.Host != actor.MSP {
		return fault.New(fault.NotPermitted, "%s registers the parties that it hosts itself", actor.MSP)
	}
	if err := tx.CanRead(circleID); err != nil {
		return err
	}
	if err := anchorParty(tx, circleID, p); err != nil {
		return err
	}
	if err := parties.Create(tx, circleID, p, circleID, p.ID); err != nil {
		return err
	}
	tx.Emit(ledger.Event{Type: "party.registered", ID: p.ID, Circle: circleID})
	return nil
}

// anchorParty commits to the party's fingerprint key in public, or checks it against the commitment of an earlier circle.
func anchorParty(tx *ledger.Tx, circleID string, p member.Party) error {
	sum := sha256.Sum256([]byte("tallystick/fingerprint-key/v1\x00" + p.ID + "\x00" + p.FingerprintKey))
	anchor := member.PartyAnchor{ID: p.ID, Host: p.Host, Commitment: hex.EncodeToString(sum[:])}
	was, found, err := partyAnchors.Find(tx, p.ID)
	switch {
	case err != nil:
		return err
	case !found:
		return partyAnchors.Create(tx, circleID, anchor, p.ID)
	case was != anchor:
		return fault.New(fault.PartyConflict, "party %s is registered with another host or fingerprint key", p.ID)
	}
	return nil
}

// Ping changes nothing: it is how long the network takes for a transaction, whatever it does.
func (*Member) Ping(ctx *ledger.Context) error {
	_, err := ctx.Tx().Authorise("member:Ping")
	return err
}

// Get returns one member.
func (*Member) Get(ctx *ledger.Context, msp string) (*member.Member, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Get"); err != nil {
		return nil, err
	}
	m, err := ledger.Members.Get(tx, msp)
	return &m, err
}

// Consortium returns the seats.
func (*Member) Consortium(ctx *ledger.Context) (*member.Consortium, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Consortium"); err != nil {
		return nil, err
	}
	c, err := ledger.Consortium.Get(tx, ledger.TheConsortium)
	return &c, err
}

// Proposal returns a proposal with its ballots.
func (*Member) Proposal(ctx *ledger.Context, id string) (*member.Proposal, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Proposal"); err != nil {
		return nil, err
	}
	p, err := proposals.Get(tx, id)
	return &p, err
}

// Party returns who a party is, from a circle that the caller's organisation reads.
func (*Member) Party(ctx *ledger.Context, circleID, party string) (*member.Party, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Party"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(circleID); err != nil {
		return nil, err
	}
	p, err := parties.Get(tx, circleID, party)
	p.FingerprintKey = ""
	return &p, err
}

// PartyPage is one page of a circle's register.
type PartyPage struct {
	Parties []member.Party `json:"parties"`
	Next    string         `json:"next"`
}

// Parties returns a page of a circle's register, after the bookmark.
func (*Member) Parties(ctx *ledger.Context, circleID string, size int, after string) (*PartyPage, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("member:Parties"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(circleID); err != nil {
		return nil, err
	}
	items, next, err := parties.List(tx, ledger.Page{Size: size, After: after}, circleID)
	if err != nil {
		return nil, err
	}
	page := &PartyPage{Parties: []member.Party{}, Next: next}
	for _, item := range items {
		item.Record.FingerprintKey = ""
		page.Parties = append(page.Parties, item.Record)
	}
	return page, nil
}

func seat(tx *ledger.Tx, msp string) (member.Consortium, member.Member, error) {
	consortium, err := ledger.Consortium.Get(tx, ledger.TheConsortium)
	if err != nil {
		return consortium, member.Member{}, err
	}
	m, err := ledger.Members.Get(tx, msp)
	return consortium, m, err
}

func saveSeat(tx *ledger.Tx, consortium member.Consortium, m member.Member) error {
	if err := ledger.Members.Update(tx, m, m.MSP); err != nil {
		return err
	}
	return saveConsortium(tx, consortium)
}

// saveConsortium also renews the consortium record's policy, because the majority may be another one now.
func saveConsortium(tx *ledger.Tx, c member.Consortium) error {
	if err := ledger.Consortium.Update(tx, c, ledger.TheConsortium); err != nil {
		return err
	}
	return ledger.Consortium.Reguard(tx, ledger.TheConsortium)
}
