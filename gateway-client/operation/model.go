package operation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// ProposeModel puts a scorecard (JSON) forward as the own bank's model under the id, with the hash of its documentation.
func ProposeModel(id string, card, documentation []byte, intended credit.ModelStatus) (consortium.Call, error) {
	parsed, err := scorecard.Parse(card)
	if err != nil {
		return consortium.Call{}, err
	}
	canonical, err := parsed.CanonicalJSON()
	if err != nil {
		return consortium.Call{}, err
	}
	call, err := public("credit:ProposeModel", credit.ModelProposal{ID: id, Intended: intended, DocumentationHash: hashOf(documentation)})
	call.Args, call.Governed = append(call.Args, string(canonical)), true
	return call, err
}

// ValidateModel accepts or rejects another organisation's model as it stands now, on a validation report.
func ValidateModel(ctx context.Context, s *consortium.Session, model string, accept bool, report []byte) (consortium.Call, error) {
	var m credit.Model
	if err := s.Evaluate(ctx, consortium.Call{Function: "credit:Model", Args: []string{model}}, &m); err != nil {
		return consortium.Call{}, err
	}
	call, err := public("credit:ValidateModel", credit.Verdict{Accept: accept, CardHash: m.CardHash,
		DocumentationHash: m.DocumentationHash, ReportHash: hashOf(report)}, model)
	call.Governed = true
	return call, err
}

// PromoteModel makes a challenger its bank's champion, on a validation report.
func PromoteModel(model string, report []byte) consortium.Call {
	return consortium.Call{Function: "credit:PromoteModel", Args: []string{model, hashOf(report)}, Governed: true}
}

// RetireModel takes a model out of use.
func RetireModel(model string) consortium.Call {
	return consortium.Call{Function: "credit:RetireModel", Args: []string{model}, Governed: true}
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
