package credit

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Method is how a score proves itself.
type Method string

// ByAddition: the binned features are in the sealed record, and every endorser adds the points up again.
const ByAddition Method = "addition"

// Claim is what a bank says the score is.
type Claim struct {
	Points        int64    `json:"points"`
	DisplayPoints int64    `json:"display_points"`
	PDPPM         int64    `json:"pd_ppm"` // probability of default, parts per million
	Reasons       []Reason `json:"reasons"`
}

// Reason is a reason code of a score: the feature's name, and the points that it costs against its reference bin.
type Reason struct {
	Code string `json:"code"`
	Lost int64  `json:"lost_points"`
}

// Proof is what supports a claim. Which of its fields are set depends on the method.
type Proof struct {
	Method Method           `json:"method"`
	Vector scorecard.Vector `json:"vector,omitempty"`
}

// Verifier decides whether a claim is what the scorecard gives. Every endorser runs it, so it may read nothing but its
// arguments. It returns SCORE_MISMATCH where the claim is wrong, INPUT_INVALID where the proof is malformed.
type Verifier interface {
	Verify(card *scorecard.Scorecard, claim Claim, proof Proof) error
}

// Addition verifies by adding the points up again.
type Addition struct{}

// Verify implements Verifier.
func (Addition) Verify(card *scorecard.Scorecard, claim Claim, proof Proof) error {
	if proof.Method != ByAddition {
		return fault.New(fault.InputInvalid, "the proof's method must be %s", ByAddition)
	}
	want, err := Calculate(card, proof.Vector)
	if err != nil {
		return err
	}
	switch {
	case want.Points != claim.Points:
		return fault.New(fault.ScoreMismatch, "the points of the claim are not those of the scorecard")
	case want.DisplayPoints != claim.DisplayPoints:
		return fault.New(fault.ScoreMismatch, "the display points of the claim are not those of the scorecard")
	case want.PDPPM != claim.PDPPM:
		return fault.New(fault.ScoreMismatch, "the probability of default of the claim is not that of the scorecard")
	case !slices.Equal(want.Reasons, claim.Reasons):
		return fault.New(fault.ScoreMismatch, "the reason codes of the claim are not those of the scorecard")
	}
	return nil
}

// Calculate returns the one claim that is true of a binned feature vector: what a bank submits, and what every endorser
// compares with. The reasons are the largest losses of points, at most MaxReasons.
func Calculate(card *scorecard.Scorecard, v scorecard.Vector) (Claim, error) {
	result, err := card.Points(v)
	if err != nil {
		return Claim{}, err
	}
	all, err := card.Reasons(v, make([]scorecard.Reason, 0, len(card.Features)))
	if err != nil {
		return Claim{}, err
	}
	claim := Claim{Points: result.Points, DisplayPoints: result.DisplayPoints, PDPPM: result.PDPPM, Reasons: []Reason{}}
	for _, r := range scorecard.Top(all, MaxReasons) {
		claim.Reasons = append(claim.Reasons, Reason{Code: card.Features[r.Feature].Name, Lost: r.Lost})
	}
	return claim, nil
}

// PDBasisPoints is the claim's probability of default in basis points, rounded up.
func (c Claim) PDBasisPoints() int64 { return scorecard.Result{PDPPM: c.PDPPM}.PDBasisPoints() }
