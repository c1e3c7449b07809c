package fakeledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// OutOf is the policy "signatures of peers of n of these organisations", given as MSP ids.
func OutOf(n int, mspIDs ...string) *common.SignaturePolicyEnvelope {
	policy := &common.SignaturePolicyEnvelope{}
	rules := make([]*common.SignaturePolicy, len(mspIDs))
	for i, id := range mspIDs {
		principal, err := proto.Marshal(&msp.MSPRole{MspIdentifier: id, Role: msp.MSPRole_PEER})
		if err != nil {
			panic(err)
		}
		policy.Identities = append(policy.Identities, &msp.MSPPrincipal{PrincipalClassification: msp.MSPPrincipal_ROLE, Principal: principal})
		rules[i] = &common.SignaturePolicy{Type: &common.SignaturePolicy_SignedBy{SignedBy: int32(i)}}
	}
	policy.Rule = &common.SignaturePolicy{Type: &common.SignaturePolicy_NOutOf_{
		NOutOf: &common.SignaturePolicy_NOutOf{N: int32(n), Rules: rules}}}
	return policy
}

// satisfies evaluates a policy over signers who have proved themselves, each of whom counts once: common/cauthdsl.
func satisfies(policy *common.SignaturePolicyEnvelope, signers []*signer) (bool, error) {
	return evaluate(policy.GetRule(), policy.GetIdentities(), signers, make([]bool, len(signers)))
}

func evaluate(rule *common.SignaturePolicy, principals []*msp.MSPPrincipal, signers []*signer, used []bool) (bool, error) {
	switch t := rule.GetType().(type) {
	case *common.SignaturePolicy_SignedBy:
		if t.SignedBy < 0 || int(t.SignedBy) >= len(principals) {
			return false, fmt.Errorf("identity index out of range, requested %v, but identities length is %d", t.SignedBy, len(principals))
		}
		for i, s := range signers {
			if used[i] {
				continue
			}
			is, err := s.is(principals[t.SignedBy])
			if err != nil {
				return false, err
			}
			if is {
				used[i] = true
				return true, nil
			}
		}
		return false, nil
	case *common.SignaturePolicy_NOutOf_:
		verified := int32(0)
		for _, r := range t.NOutOf.GetRules() {
			trial := slices.Clone(used)
			ok, err := evaluate(r, principals, signers, trial)
			if err != nil {
				return false, err
			}
			if ok {
				verified++
				copy(used, trial)
			}
		}
		return verified >= t.NOutOf.GetN(), nil
	}
	return false, errors.New("the policy has an empty element")
}

func (s *signer) is(principal *msp.MSPPrincipal) (bool, error) {
	if principal.GetPrincipalClassification() != msp.MSPPrincipal_ROLE {
		return false, unsupported("principal " + principal.GetPrincipalClassification().String())
	}
	role := &msp.MSPRole{}
	if err := proto.Unmarshal(principal.GetPrincipal(), role); err != nil {
		return false, err
	}
	if role.GetMspIdentifier() != s.mspID {
		return false, nil
	}
	switch role.GetRole() {
	case msp.MSPRole_MEMBER:
		return true, nil
	case msp.MSPRole_PEER:
		return s.role == "peer", nil
	case msp.MSPRole_CLIENT:
		return s.role == "client", nil
	case msp.MSPRole_ADMIN:
		return s.role == "admin", nil
	case msp.MSPRole_ORDERER:
		return s.role == "orderer", nil
	}
	return false, unsupported("role " + role.GetRole().String())
}

// endorsed decides whether the endorsers suffice for what the transaction writes: every key with a policy of its own
// needs that one, every other key needs the chaincode's, and a transaction that no key's policy covers needs the
// chaincode's (core/common/validation/statebased, baseEvaluator.Evaluate and policyCheckerV20). The policies are those
// before the block; a key whose policy an earlier transaction of this block changes may not be written in it
// (ValidationParameterUpdatedError).
func (n *Network) endorsed(set *kvrwset.KVRWSet, signers []*signer, block uint64, changed map[string]bool) error {
	chaincodeChecked, anyChecked := false, false
	chaincode := func() error {
		if chaincodeChecked {
			return nil
		}
		ok, err := satisfies(n.cfg.Policy, signers)
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("validation of endorsement policy for chaincode failed: signature set did not satisfy policy")
		}
		chaincodeChecked, anyChecked = true, true
		return nil
	}
	check := func(key string) error {
		if changed[key] {
			return fmt.Errorf("validation parameters for key [%s] have been changed in this block", key)
		}
		parameter := n.validationParameter(key, block)
		if len(parameter) == 0 {
			return chaincode()
		}
		policy := &common.SignaturePolicyEnvelope{}
		if err := proto.Unmarshal(parameter, policy); err != nil {
			return fmt.Errorf("could not unmarshal signature policy envelope: %w", err)
		}
		ok, err := satisfies(policy, signers)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("validation of key %s failed: signature set did not satisfy policy", key)
		}
		anyChecked = true
		return nil
	}
	for _, w := range set.GetWrites() {
		if err := check(w.GetKey()); err != nil {
			return err
		}
	}
	for _, w := range set.GetMetadataWrites() {
		if err := check(w.GetKey()); err != nil {
			return err
		}
	}
	if !anyChecked {
		return chaincode()
	}
	return nil
}

// validationParameter is the key's policy as committed below the height. The caller holds the lock.
func (n *Network) validationParameter(key string, height uint64) []byte {
	if r := n.state.get(key, height); r != nil {
		for _, e := range r.metadata {
			if e.GetName() == peer.MetaDataKeys_VALIDATION_PARAMETER.String() {
				return e.GetValue()
			}
		}
	}
	return nil
}
