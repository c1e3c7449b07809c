package document

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// Lot is a lot of goods that a line names. GTIN has a right check digit, or is "". Issuer is who numbered the lot: the
// manufacturer that the line names, or the seller where there is neither manufacturer nor GTIN.
type Lot struct {
	GTIN   string
	Issuer string
	Number string
}

// gtinSchemes are the schemes under which invoices state a GTIN: ISO/IEC 6523 0160, and what older ones write.
var gtinSchemes = []string{"0160", "GTIN", "EAN"}

// Lots lists the lots that the invoice's lines name, each once, in the order of the lines.
func (i *Invoice) Lots() []Lot {
	var list []Lot
	for _, line := range i.Lines {
		for _, lot := range line.Lots {
			if slices.Contains(gtinSchemes, line.ItemID.Scheme) && receipt.ValidGTIN(line.ItemID.ID) {
				lot.GTIN = line.ItemID.ID
			}
			if lot.GTIN == "" && lot.Issuer == "" {
				lot.Issuer = i.Seller.Name
			}
			if !slices.Contains(list, lot) {
				list = append(list, lot)
			}
		}
	}
	return list
}

// ublLots reads the lots of a line's item (UBL 2.1, ItemInstance/LotIdentification).
func (r *reader) ublLots(item *xmlsafe.Node) []Lot {
	maker := r.text(item, "ManufacturerParty", "PartyLegalEntity", "RegistrationName")
	if maker == "" {
		maker = r.text(item, "ManufacturerParty", "PartyName", "Name")
	}
	return r.lots(r.all(item, "ItemInstance"), maker, "LotIdentification", "LotNumberID")
}

// ciiLots reads the lots of a line's product (CII D16B, IndividualTradeProductInstance/BatchID).
func (r *reader) ciiLots(product *xmlsafe.Node) []Lot {
	return r.lots(r.all(product, "IndividualTradeProductInstance"), r.text(product, "ManufacturerTradeParty", "Name"), "BatchID")
}

func (r *reader) lots(instances []*xmlsafe.Node, maker string, path ...string) []Lot {
	var list []Lot
	for _, n := range instances {
		if number := r.id(n, path...); number != "" {
			list = append(list, Lot{Issuer: maker, Number: number})
		}
	}
	return list
}
