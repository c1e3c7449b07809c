// Package block reads Fabric's blocks: what each transaction called, wrote and announced, and whether it was valid.
package block

import (
	"encoding/json"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/chaincode/record"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// Decode reads a block as the peer delivers it. Only the writes to the chaincode's own namespace are kept. Configuration
// transactions are left out.
func Decode(b *common.Block, chaincode string) (consortium.Block, error) {
	out := consortium.Block{Number: b.GetHeader().GetNumber()}
	var flags []byte
	if meta := b.GetMetadata().GetMetadata(); len(meta) > int(common.BlockMetadataIndex_TRANSACTIONS_FILTER) {
		flags = meta[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	}
	for i, raw := range b.GetData().GetData() {
		code := peer.TxValidationCode_NOT_VALIDATED
		if i < len(flags) {
			code = peer.TxValidationCode(flags[i])
		}
		tx, endorsed, err := transaction(raw, chaincode)
		if err != nil {
			return out, fmt.Errorf("block %d transaction %d: %w", out.Number, i, err)
		}
		if !endorsed {
			continue
		}
		tx.Code, tx.Valid = code.String(), code == peer.TxValidationCode_VALID
		out.Transactions = append(out.Transactions, tx)
	}
	return out, nil
}

func transaction(raw []byte, chaincode string) (tx consortium.Transaction, endorsed bool, err error) {
	payload, err := payloadOf(raw)
	if err != nil {
		return tx, false, err
	}
	header := &common.ChannelHeader{}
	if err := proto.Unmarshal(payload.GetHeader().GetChannelHeader(), header); err != nil {
		return tx, false, err
	}
	if common.HeaderType(header.GetType()) != common.HeaderType_ENDORSER_TRANSACTION {
		return tx, false, nil
	}
	tx.ID, tx.At = header.GetTxId(), header.GetTimestamp().AsTime().UTC()
	if tx.Creator, err = creator(payload.GetHeader().GetSignatureHeader()); err != nil {
		return tx, false, err
	}
	body := &peer.Transaction{}
	if err := proto.Unmarshal(payload.GetData(), body); err != nil {
		return tx, false, err
	}
	for _, action := range body.GetActions() {
		if err := addAction(&tx, action, chaincode); err != nil {
			return tx, false, err
		}
	}
	return tx, true, nil
}

func payloadOf(raw []byte) (*common.Payload, error) {
	envelope := &common.Envelope{}
	if err := proto.Unmarshal(raw, envelope); err != nil {
		return nil, err
	}
	payload := &common.Payload{}
	return payload, proto.Unmarshal(envelope.GetPayload(), payload)
}

func creator(raw []byte) (string, error) {
	header := &common.SignatureHeader{}
	if err := proto.Unmarshal(raw, header); err != nil {
		return "", err
	}
	id := &msp.SerializedIdentity{}
	if err := proto.Unmarshal(header.GetCreator(), id); err != nil {
		return "", err
	}
	return id.GetMspid(), nil
}

func addAction(tx *consortium.Transaction, action *peer.TransactionAction, chaincode string) error {
	ca := &peer.ChaincodeActionPayload{}
	if err := proto.Unmarshal(action.GetPayload(), ca); err != nil {
		return err
	}
	if err := addCall(tx, ca.GetChaincodeProposalPayload()); err != nil {
		return err
	}
	response := &peer.ProposalResponsePayload{}
	if err := proto.Unmarshal(ca.GetAction().GetProposalResponsePayload(), response); err != nil {
		return err
	}
	result := &peer.ChaincodeAction{}
	if err := proto.Unmarshal(response.GetExtension(), result); err != nil {
		return err
	}
	if err := addEvent(tx, result.GetEvents()); err != nil {
		return err
	}
	return addWrites(tx, result.GetResults(), chaincode)
}

func addCall(tx *consortium.Transaction, raw []byte) error {
	proposal := &peer.ChaincodeProposalPayload{}
	if err := proto.Unmarshal(raw, proposal); err != nil {
		return err
	}
	spec := &peer.ChaincodeInvocationSpec{}
	if err := proto.Unmarshal(proposal.GetInput(), spec); err != nil {
		return err
	}
	for i, arg := range spec.GetChaincodeSpec().GetInput().GetArgs() {
		if i == 0 {
			tx.Function = string(arg)
		} else {
			tx.Args = append(tx.Args, string(arg))
		}
	}
	return nil
}

func addEvent(tx *consortium.Transaction, raw []byte) error {
	event := &peer.ChaincodeEvent{}
	if err := proto.Unmarshal(raw, event); err != nil {
		return err
	}
	if event.GetEventName() != record.EventName {
		return nil
	}
	tx.Event = &record.Envelope{}
	return json.Unmarshal(event.GetPayload(), tx.Event)
}

func addWrites(tx *consortium.Transaction, raw []byte, chaincode string) error {
	sets := &rwset.TxReadWriteSet{}
	if err := proto.Unmarshal(raw, sets); err != nil {
		return err
	}
	for _, ns := range sets.GetNsRwset() {
		if ns.GetNamespace() != chaincode {
			continue
		}
		kv := &kvrwset.KVRWSet{}
		if err := proto.Unmarshal(ns.GetRwset(), kv); err != nil {
			return err
		}
		for _, w := range kv.GetWrites() {
			tx.Writes = append(tx.Writes, consortium.Write{Key: w.GetKey(), Value: w.GetValue(), Deleted: w.GetIsDelete()})
		}
	}
	return nil
}
