package operation

import (
	"encoding/json"
	"strconv"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// FoundConsortium founds the consortium with its first members.
func FoundConsortium(founders []member.Founder) (consortium.Call, error) {
	list, err := json.Marshal(founders)
	return consortium.Call{Function: "member:Found", Args: []string{string(list)}, Governed: true}, err
}

// RegisterMember makes the own organisation active, with its name and its public sealing key. An empty name stands for the
// organisation's short one.
func RegisterMember(s *consortium.Session, name string) (consortium.Call, error) {
	if s.Keyring == nil {
		return consortium.Call{}, fault.New(fault.KeyMissing, "the organisation has no keyring")
	}
	if name == "" {
		name = s.User().Org
	}
	call, err := public("member:Register", member.Registration{Name: name, SealingKey: s.Keyring.Public()})
	call.Governed = true
	return call, err
}

// ProposeMember opens a vote on a change of the members, under the id.
func ProposeMember(id string, change member.Change) (consortium.Call, error) {
	call, err := public("member:Propose", change, id)
	call.Governed = true
	return call, err
}

// Vote casts the own organisation's vote.
func Vote(proposal string, yes bool) consortium.Call {
	return consortium.Call{Function: "member:Vote", Args: []string{proposal, strconv.FormatBool(yes)}, Governed: true}
}

// RegisterParty enters a party that the own organisation hosts into a programme's register.
func RegisterParty(s *consortium.Session, programme string, p member.Party) (consortium.Call, error) {
	key, err := s.FingerprintKey(p.ID)
	p.Host, p.FingerprintKey = s.User().MSP, key
	return OnProgramme("member:RegisterParty", programme, p, p.ID), err
}
