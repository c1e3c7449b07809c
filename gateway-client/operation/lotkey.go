package operation

import (
	"context"
	"encoding/hex"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/keyring"
)

// SealedLotKey is the consortium's lot key on its way to an organisation that does not read the programme which has it: sealed
// to the key that the organisation has registered, so that the file may travel any way.
type SealedLotKey struct {
	For        string `json:"for"` // MSP id
	Commitment string `json:"commitment"`
	Box        string `json:"box"` // HPKE, base64
}

// lotKeyPurpose keeps the envelope of a lot key apart from every other.
const lotKeyPurpose = "lot key"

// ExportLotKey takes the lot key out of a programme that the session reads, for another member.
func ExportLotKey(ctx context.Context, s *consortium.Session, programme, msp string) (SealedLotKey, error) {
	var key receipt.LotKey
	call := consortium.Call{Function: "receipt:LotKey", Args: []string{programme}, Circles: []string{programme}}
	if err := s.Evaluate(ctx, call, &key); err != nil {
		return SealedLotKey{}, err
	}
	var to member.Member
	if err := s.Evaluate(ctx, consortium.Call{Function: "member:Get", Args: []string{msp}}, &to); err != nil {
		return SealedLotKey{}, err
	}
	box, err := keyring.SealSecret(keyring.Reader{MSP: to.MSP, SealingKey: to.SealingKey}, lotKeyPurpose, key.Bytes())
	return SealedLotKey{For: to.MSP, Commitment: receipt.LotKeyCommitment(key.Bytes()), Box: box}, err
}

// ImportLotKey is the call that seals an exported lot key into a programme of the session's organisation. KEY_WRONG where it was
// exported for another one, or is not the key that it says.
func ImportLotKey(s *consortium.Session, sealed SealedLotKey, programme string) (consortium.Call, error) {
	if s.Keyring == nil {
		return consortium.Call{}, fault.New(fault.KeyMissing, "this user has no keyring of the organisation")
	}
	raw, err := s.Keyring.OpenSecret(sealed.Box, s.User().MSP, lotKeyPurpose)
	if err != nil {
		return consortium.Call{}, err
	}
	if receipt.LotKeyCommitment(raw) != sealed.Commitment {
		return consortium.Call{}, fault.New(fault.KeyWrong, "the file holds another lot key than it is committed to")
	}
	return OnProgramme("receipt:RegisterLotKey", programme, receipt.LotKey{Key: hex.EncodeToString(raw)}), nil
}
