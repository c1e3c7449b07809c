// Package credit is the score as the ledger knows it: which model a bank may use (registered, validated by somebody
// else), whose consent it has, and a score that every endorsing peer has calculated again. It is pure: contracts load
// and save, this package decides.
//
// The model itself, the integer scorecard, is in the package scorecard.
package credit

import (
	"regexp"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Limits on what the ledger takes.
const (
	MaxReasons       = 5   // reason codes of a score, ranked
	MaxScoreDays     = 92  // that a score is valid
	MaxConsentDays   = 400 // that a consent is valid before it must be renewed
	MaxTextBytes     = 512 // of a ground or note
	MaxModelNameSize = 64
)

var (
	idPattern   = regexp.MustCompile(`^[a-z]{1,8}-[0-9A-Za-z_-]{4,64}$`)
	hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func checkID(f *fault.Fields, path, id string) {
	if !idPattern.MatchString(id) {
		f.Add(path, id, "must be an opaque id: a short prefix, a dash, and 4 to 64 letters or digits")
	}
}

func checkHash(f *fault.Fields, path, hash string) {
	if !hashPattern.MatchString(hash) {
		f.Add(path, hash, "must be a SHA-256 in 64 lower-case hexadecimal digits")
	}
}

// sameUser reports whether two actors are one person or service of one organisation.
func sameUser(a, b member.Actor) bool { return a.MSP == b.MSP && a.User == b.User }
