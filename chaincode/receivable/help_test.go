package receivable

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

const (
	buyerParty  = "p-00000000b0b0"
	sellerParty = "p-00000000aaaa"
	tierTwo     = "p-00000000cccc"
	tierThree   = "p-00000000dddd"
	bankParty   = "p-00000000ba4a"
	programme   = "prg-0123456789abcdef0123"
)

var (
	fingerprintKey = []byte(strings.Repeat("k", 32))
	noon           = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	checkerKey     = func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	}()
)

func user(party string, roles ...member.Role) member.Actor {
	return member.Actor{MSP: "Org", Party: party, User: fmt.Sprint(party, roles), Roles: roles}
}

func maker(party string) member.Actor   { return user(party, member.Maker) }
func checker(party string) member.Actor { return user(party, member.Checker) }

func date(text string) calendar.Date { return calendar.MustParse(text) }

func on(text string) time.Time { return date(text).Start().Add(12 * time.Hour) }

func sample() Invoice {
	return Invoice{TypeCode: "380", Seller: sellerParty, Buyer: buyerParty, Number: "RE-2026/001", IssueDate: date("2026-03-01"),
		DueDate: date("2026-06-01"), Currency: "EUR", PayableMinor: 1_000_00, Lines: 3, DocumentHash: strings.Repeat("0f", 32)}
}

func rules() Rules {
	return Rules{MaxTenorDays: 180, DayCount: calendar.Actual360, LateRateBps: 900, GraceDays: 5}
}

func issue(t require.TestingT, i Invoice) Receivable {
	r, err := New(Issuance{ID: "rcv-0123456789abcdef0123", Invoice: i}, programme, rules(), fingerprintKey, maker(i.Seller), noon)
	require.NoError(t, err)
	return r
}

func sign(t require.TestingT, r Receivable) Confirmation {
	digest := sha256.Sum256(r.Terms().Bytes())
	signature, err := ecdsa.SignASN1(rand.Reader, checkerKey, digest[:])
	require.NoError(t, err)
	return Confirmation{Signature: base64.StdEncoding.EncodeToString(signature)}
}

func byChecker(terms, signature []byte) ([]byte, error) {
	key, err := x509.MarshalPKIXPublicKey(&checkerKey.PublicKey)
	if err != nil {
		return nil, err
	}
	return key, verify(key, terms, signature)
}

func confirm(t require.TestingT, r Receivable) (Receivable, Fragment) {
	r, err := r.Propose(maker(buyerParty), noon)
	require.NoError(t, err)
	r, root, err := r.Confirm(sign(t, r), byChecker, checker(buyerParty), noon)
	require.NoError(t, err)
	return r, root
}

func confirmed(t require.TestingT) (Receivable, Fragment) { return confirm(t, issue(t, sample())) }

func requireCode(t require.TestingT, code fault.Code, err error, about ...any) {
	require.Error(t, err, about...)
	require.Equal(t, code, fault.CodeOf(err), "%v %v", err, about)
}

// split divides a fragment and returns its parts.
func split(t *testing.T, r Receivable, f Fragment, amounts ...int64) []Fragment {
	_, parts, err := f.Split(r, Division{AmountsMinor: amounts}, maker(f.Holder), noon)
	require.NoError(t, err)
	return parts
}

// pass offers a fragment and accepts it.
func pass(t *testing.T, r Receivable, f Fragment, to string, consideration int64, at time.Time) Fragment {
	f, err := f.OfferTo(r, Offering{To: to, Recourse: WithRecourse, ConsiderationMinor: consideration}, maker(f.Holder), at)
	require.NoError(t, err)
	f, err = f.Accept(r, maker(to), at)
	require.NoError(t, err)
	return f
}
