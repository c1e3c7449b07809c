package topology

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write golden files")

func TestDefaultConsortium(t *testing.T) {
	topo := Default()
	var names, orderers []string
	users := map[string]string{} // name to organisation
	for _, o := range topo.Organizations {
		names = append(names, o.Name)
		for _, m := range o.Members() {
			assert.Empty(t, users[m.Name], "user %s is in two organisations", m.Name)
			users[m.Name] = o.Name
		}
	}
	for _, o := range topo.Orderers() {
		orderers = append(orderers, o.Name)
	}
	assert.Equal(t, []string{"buyer", "supplier", "bankA", "bankB", "warehouse", "regulator"}, names)
	assert.Equal(t, []string{"buyer", "supplier", "bankA", "bankB"}, orderers)
	assert.Equal(t, 2, topo.Endorsers)
	supplier, _ := topo.Organization("supplier")
	parties := map[string]string{}
	for _, m := range supplier.Members() {
		parties[m.Name] = m.PartyAlias
	}
	assert.Equal(t, map[string]string{"hana": "supplier", "amy": "acme", "adam": "acme", "bea": "birch", "ben": "birch",
		"cai": "cedar", "chen": "cedar"}, parties)
}

func TestMarshalReadsBack(t *testing.T) {
	text, err := Default().Marshal()
	require.NoError(t, err)
	again, err := Parse(strings.NewReader(string(text)))
	require.NoError(t, err)
	assert.Equal(t, Default(), again)
}

func TestRefusedTopologies(t *testing.T) {
	good := string(DefaultYAML())
	tests := []struct {
		name, old, with, want string
	}{
		{"channel", "channel: tally\n", "channel: Tally!\n", `channel is "Tally!"`},
		{"chaincode", "chaincode: tallystick", "chaincode: ../x", `chaincode is "../x"`},
		{"endorsers", "endorsers: 2", "endorsers: 7", `endorsers is "7"`},
		{"name with a path", "name: bankA", "name: ../bankA", `organizations[2].name is "../bankA"`},
		{"same MSP twice", "BankBMSP", "BankAMSP", `organizations[3].mspId is "BankAMSP": used twice`},
		{"names that differ in case only", "name: bankB", "name: banka", `organizations[3].name is "banka": used twice`},
		{"same party twice", "alias: birch", "alias: acme", `hosted[1].alias is "acme": used twice`},
		{"party named like an organisation", "alias: birch", "alias: bankA", `is "bankA": used twice`},
		{"reserved user", "name: alice", "name: admin", `is "admin"`},
		{"no role", "{name: alice, roles: [maker]}", "{name: alice, roles: []}", `organizations[0].users.alice.roles is "0"`},
		{"role with a comma", "{name: alice, roles: [maker]}", `{name: alice, roles: ["maker,checker"]}`, `is "maker,checker"`},
		{"unknown field", "orderer: true", "order: true", "field order not found"},
		{"no orderer", "orderer: true", "orderer: false", "at least one must have orderer: true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.ReplaceAll(good, tt.old, tt.with)
			require.NotEqual(t, good, text)
			_, err := Parse(strings.NewReader(text))
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestValidateReportsEverything(t *testing.T) {
	err := (&Topology{Channel: "X", Chaincode: "Y", Organizations: []Organization{{Name: "1", MSPID: "-"}}}).Validate()
	for _, field := range []string{"channel", "chaincode", "endorsers", "organizations is", "organizations[0].name", "organizations[0].mspId"} {
		assert.ErrorContains(t, err, field)
	}
}

func TestTooLargeFile(t *testing.T) {
	_, err := Parse(strings.NewReader(strings.Repeat("#", maxFileBytes+1)))
	assert.ErrorContains(t, err, "at most")
}

func TestMermaid(t *testing.T) {
	got := Default().Mermaid("smartbft")
	file := filepath.Join("testdata", "default.mmd")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func FuzzParse(f *testing.F) {
	f.Add(DefaultYAML())
	f.Fuzz(func(t *testing.T, text []byte) {
		topo, err := Parse(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		again, err := topo.Marshal()
		require.NoError(t, err)
		_, err = Parse(strings.NewReader(string(again)))
		require.NoError(t, err)
	})
}
