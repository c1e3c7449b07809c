package seal

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func key(b byte) Key {
	var k Key
	for i := range k {
		k[i] = b
	}
	return k
}

func TestSealOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "body")
		b := Binding{StateKey: rapid.String().Draw(t, "state"), Type: "receivable", Circle: "prg-1", Epoch: rapid.IntRange(1, 9).Draw(t, "epoch")}
		tx := rapid.String().Draw(t, "tx")
		box, err := key(7).Seal(b, tx, body)
		require.NoError(t, err)
		again, err := key(7).Seal(b, tx, body)
		require.NoError(t, err)
		assert.Equal(t, box, again, "every endorser writes the same bytes")
		got, err := key(7).Open(b, box)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(body, got))
	})
}

func TestSealedBodyDoesNotOpenElsewhere(t *testing.T) {
	b := Binding{StateKey: "r-1", Type: "receivable", Circle: "prg-1", Epoch: 2}
	box, err := key(7).Seal(b, "tx", []byte("48250.00 EUR"))
	require.NoError(t, err)
	for name, other := range map[string]Binding{
		"state key": {StateKey: "r-2", Type: "receivable", Circle: "prg-1", Epoch: 2},
		"type":      {StateKey: "r-1", Type: "fragment", Circle: "prg-1", Epoch: 2},
		"circle":    {StateKey: "r-1", Type: "receivable", Circle: "prg-2", Epoch: 2},
		"epoch":     {StateKey: "r-1", Type: "receivable", Circle: "prg-1", Epoch: 3},
	} {
		_, err := key(7).Open(other, box)
		assert.ErrorIs(t, err, ErrBroken, name)
	}
	_, err = key(8).Open(b, box)
	assert.ErrorIs(t, err, ErrBroken, "another key")
	for i := range box {
		bad := bytes.Clone(box)
		bad[i] ^= 1
		_, err := key(7).Open(b, bad)
		require.ErrorIs(t, err, ErrBroken, "byte %d", i)
	}
	_, err = key(7).Open(b, nil)
	assert.ErrorIs(t, err, ErrBroken)
}

func TestNonceDiffersWithTransactionAndBody(t *testing.T) {
	b := Binding{StateKey: "r-1"}
	one, _ := key(1).Seal(b, "tx1", []byte("a"))
	two, _ := key(1).Seal(b, "tx2", []byte("a"))
	three, _ := key(1).Seal(b, "tx1", []byte("b"))
	assert.NotEqual(t, one[:24], two[:24])
	assert.NotEqual(t, one[:24], three[:24])
}

func TestLengthTellsOnlyTheBucket(t *testing.T) {
	sizes := map[int]bool{}
	for n := range 4096 {
		sizes[len(pad(make([]byte, n)))] = true
	}
	assert.Equal(t, map[int]bool{256: true, 384: true, 512: true, 768: true, 1024: true, 1536: true, 2048: true, 3072: true, 4096: true, 6144: true}, sizes)
	_, err := key(1).Seal(Binding{}, "", make([]byte, MaxBodyBytes+1))
	assert.Error(t, err)
}

func TestTokensAndCommitments(t *testing.T) {
	k := key(3)
	c := k.Commitment("prg-1", 1)
	assert.True(t, k.Matches(c, "prg-1", 1))
	assert.False(t, k.Matches(c, "prg-1", 2))
	assert.False(t, key(4).Matches(c, "prg-1", 1))
	assert.NotEqual(t, k.Token("prg-1", 1, "BuyerMSP"), k.Token("prg-1", 1, "BankAMSP"))
	assert.NotEqual(t, k.mac("p", "ab", "c"), k.mac("p", "a", "bc"))
	parsed, err := ParseKey(k.Text())
	require.NoError(t, err)
	assert.Equal(t, k, parsed)
	assert.Equal(t, "[sealed key]", k.String())
	_, err = ParseKey("AAAA")
	assert.Error(t, err)
}
