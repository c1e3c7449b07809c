package financing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/financing"
)

func BenchmarkDecide(b *testing.B) {
	c := caseOf(b, policy(b), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := financing.Decide(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnnualCostOfSixtyInstalments(b *testing.B) {
	var flows []financing.Flow
	for n := range int64(60) {
		flows = append(flows, financing.Flow{Day: 30 * (n + 1), Minor: 1_900_00})
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := financing.AnnualCostBP(100_000_00, flows)
		require.NoError(b, err)
	}
}
