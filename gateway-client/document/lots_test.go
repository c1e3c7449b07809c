package document

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLotsOfGoods(t *testing.T) {
	const named, gtin = "Primer Works BV", "09520001123450"
	instance := "<cac:ItemInstance>\n        <cac:LotIdentification>\n          <cbc:LotNumberID>LOT-8841</cbc:LotNumberID>"
	product := func(inside string) string {
		return changed(t, "cedar-INV-3002-cii.xml", "</ram:SpecifiedTradeProduct>", inside+"</ram:SpecifiedTradeProduct>")
	}
	batch := "<ram:IndividualTradeProductInstance><ram:BatchID>B-7</ram:BatchID></ram:IndividualTradeProductInstance>"
	for name, c := range map[string]struct {
		text string
		want []Lot
	}{
		"by GTIN and maker": {sample(t, "acme-INV-1003-lot.xml"), []Lot{{gtin, named, "LOT-8841"}}},
		"a wrong GTIN":      {changed(t, "acme-INV-1003-lot.xml", gtin, "09520001123457"), []Lot{{"", named, "LOT-8841"}}},
		"another scheme":    {changed(t, "acme-INV-1003-lot.xml", `schemeID="0160"`, `schemeID="0088"`), []Lot{{"", named, "LOT-8841"}}},
		"nobody but the seller": {changed(t, "acme-INV-1003-lot.xml", named, "", `<cbc:ID schemeID="0160">`+gtin, `<cbc:ID>1`),
			[]Lot{{"", "Acme Castings GmbH", "LOT-8841"}}},
		"two of one line": {changed(t, "acme-INV-1003-lot.xml", instance, instance+"</cac:LotIdentification></cac:ItemInstance>"+
			"<cac:ItemInstance><cac:LotIdentification><cbc:LotNumberID>LOT-8842</cbc:LotNumberID>"),
			[]Lot{{gtin, named, "LOT-8841"}, {gtin, named, "LOT-8842"}}},
		"CII":     {product(batch + batch), []Lot{{"9520001100048", "", "B-7"}}},
		"no lots": {sample(t, "acme-INV-1001.xml"), nil},
	} {
		assert.Equal(t, c.want, parsed(t, c.text).Invoice.Lots(), name)
	}
}
