package ledger

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Row says who may call a function: organisations of one of the kinds, and users with one of the roles. No kinds means any
// member; no roles means any user of such an organisation.
type Row struct {
	Kinds []member.Kind
	Roles []member.Role
	// Founding marks the few functions that an organisation calls before it is an active member.
	Founding bool
}

// Access is the table of every function, "contract:Method". A function that is not in it may be called by nobody.
type Access map[string]Row

// Merge joins the tables of several contracts; a function may stand in one of them only.
func Merge(tables ...Access) Access {
	all := Access{}
	for _, t := range tables {
		for name, row := range t { //determinism:ok the order of insertion does not show
			if _, twice := all[name]; twice {
				panic("two access rows for " + name)
			}
			all[name] = row
		}
	}
	return all
}

// Allows reports whether a user with the roles, in an organisation of the kind, may call the function.
func (a Access) Allows(function string, kind member.Kind, roles []member.Role) bool {
	row, ok := a[function]
	if !ok {
		return false
	}
	if len(row.Kinds) > 0 && !slices.Contains(row.Kinds, kind) {
		return false
	}
	return len(row.Roles) == 0 || slices.ContainsFunc(row.Roles, func(r member.Role) bool { return slices.Contains(roles, r) })
}

// Authorise returns the caller when the access table lets it call the function: its organisation is an active member of
// one of the kinds, and its certificate carries one of the roles. It returns NOT_PERMITTED, MEMBER_NOT_ACTIVE or
// MEMBER_SUSPENDED otherwise.
func (tx *Tx) Authorise(function string) (member.Actor, error) {
	actor := tx.op.Caller
	row, ok := tx.access[function]
	if !ok {
		return actor, fault.New(fault.NotPermitted, "%s is in no access table", function)
	}
	kind := member.Kind("")
	m, found, err := Members.Find(tx, actor.MSP)
	if err != nil {
		return actor, err
	}
	switch {
	case found && m.Status == member.Suspended:
		return actor, fault.New(fault.MemberSuspended, "%s is suspended", actor.MSP)
	case found && (m.Status == member.Active || row.Founding):
		kind = m.Kind
	case !row.Founding:
		return actor, fault.New(fault.MemberNotActive, "%s is not an active member", actor.MSP)
	}
	if !found && row.Founding {
		row.Kinds = nil
	}
	if !(Access{function: row}).Allows(function, kind, actor.Roles) {
		return actor, fault.New(fault.NotPermitted, "%s may be called by %v of %v, not by %v of a %s", function, row.Roles, row.Kinds, actor.Roles, kind)
	}
	return actor, nil
}
