package receipt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/member"
)

var (
	noon   = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC) // a Monday
	wes    = member.Actor{MSP: "WarehouseMSP", Party: "p-00000f", User: "u-1"}
	acme   = member.Actor{MSP: "SupplierMSP", Party: "p-00000a", User: "u-2"}
	birch  = member.Actor{MSP: "SupplierMSP", Party: "p-00000b", User: "u-3"}
	banker = member.Actor{MSP: "BankAMSP", Party: "p-00000c", User: "u-4"}
	rival  = member.Actor{MSP: "BankBMSP", Party: "p-00000d", User: "u-5"}
)

func holder(a member.Actor) Holder { return Holder{MSP: a.MSP, Party: a.Party} }

func cocoa(lot string, value int64) Goods {
	return Goods{Class: "cocoa-beans", GTIN: "4012345111118", Lot: lot, Quantity: Quantity{Value: value, Scale: 3, Unit: "TNE"}}
}

func issued(t require.TestingT, id string, goods ...Goods) Receipt {
	r, err := New(wes, "prg-00000001", Issuance{ID: id, Owner: holder(acme), Site: "hall B", Goods: goods, StoredOn: calendar.MustParse("2026-03-01"),
		Devices: []string{"dev-00000001"}}, noon)
	require.NoError(t, err)
	return r
}

// key is a key pair that depends on the name only.
func key(t testing.TB, name string) (PublicKey, ed25519.PrivateKey) {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	public, err := NewPublicKey(private.Public())
	require.NoError(t, err)
	return public, private
}

func rid(n int) string { return fmt.Sprintf("rct-%08x", n) }
