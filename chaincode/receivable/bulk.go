package receivable

import (
	"fmt"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// BulkIssuance is the input for many new receivables in one transaction: all of them, or none.
type BulkIssuance struct {
	Items []Issuance `json:"items"`
}

// Validate reports every failure of every item with its field and value.
func (b BulkIssuance) Validate() error {
	var bad fault.Fields
	checkCount(&bad, len(b.Items))
	if len(b.Items) <= MaxBulk {
		seen := map[string]bool{}
		for i, item := range b.Items {
			path := fmt.Sprintf("items[%d].", i)
			item.check(&bad, path)
			if seen[item.ID] {
				bad.Add(path+"id", item.ID, "is named twice")
			}
			seen[item.ID] = true
		}
	}
	return bad.Err()
}

// BulkConfirmation is the input for many confirmations in one transaction: all of them, or none. Each has its own
// signature, so each undertaking proves itself.
type BulkConfirmation struct {
	Items []ConfirmationOf `json:"items"`
}

// ConfirmationOf is a confirmation with the id of what it confirms.
type ConfirmationOf struct {
	ID string `json:"id"`
	Confirmation
}

// Validate reports every failure of every item with its field and value.
func (b BulkConfirmation) Validate() error {
	var bad fault.Fields
	checkCount(&bad, len(b.Items))
	if len(b.Items) <= MaxBulk {
		seen := map[string]bool{}
		for i, item := range b.Items {
			path := fmt.Sprintf("items[%d].", i)
			checkID(&bad, path+"id", item.ID, "rcv")
			item.check(&bad, path)
			if seen[item.ID] {
				bad.Add(path+"id", item.ID, "is named twice")
			}
			seen[item.ID] = true
		}
	}
	return bad.Err()
}

// BulkProposal is the input for many proposals in one transaction: all of them, or none.
type BulkProposal struct {
	IDs []string `json:"ids"`
}

// Validate reports every failure of every item with its field and value.
func (b BulkProposal) Validate() error {
	var bad fault.Fields
	checkCount(&bad, len(b.IDs))
	if len(b.IDs) <= MaxBulk {
		seen := map[string]bool{}
		for i, id := range b.IDs {
			path := fmt.Sprintf("ids[%d]", i)
			checkID(&bad, path, id, "rcv")
			if seen[id] {
				bad.Add(path, id, "is named twice")
			}
			seen[id] = true
		}
	}
	return bad.Err()
}

func checkCount(bad *fault.Fields, n int) {
	if n < 1 || n > MaxBulk {
		bad.Add("items", n, "there must be 1 to %d", MaxBulk)
	}
}
