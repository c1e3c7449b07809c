package document

import (
	"strings"

	"github.com/tallystick/tallystick/gateway-client/document/xmlsafe"
)

// checkIdentifier warns about an identifier that fails its scheme's check digits. Real documents have such, so they
// are not refused. Schemes are ISO/IEC 6523 codes; 0088 and 0160 are GS1's, 0199 is the LEI.
func (r *reader) checkIdentifier(n *xmlsafe.Node, scheme, id string) {
	switch strings.ToUpper(scheme) {
	case "0088", "GLN":
		if !validGS1(id, 13) {
			r.warn(n, "GLN_CHECK_DIGIT", "%q is no GLN: 13 digits, the last a GS1 check digit", id)
		}
	case "0160", "GTIN":
		if !validGS1(id, 8, 12, 13, 14) {
			r.warn(n, "GTIN_CHECK_DIGIT", "%q is no GTIN: 8, 12, 13 or 14 digits, the last a GS1 check digit", id)
		}
	case "0199", "LEI":
		if !validLEI(id) {
			r.warn(n, "LEI_CHECK_DIGIT", "%q is no LEI: 18 letters and digits, then two check digits", id)
		}
	}
}

// checkAccount warns about an IBAN that fails its check digits, where it is meant to be one: the payment means is a
// SEPA one (UNTDID 4461 code 58 or 59), or it looks like one.
func (r *reader) checkAccount(n *xmlsafe.Node, m PaymentMeans) {
	if m.Account == "" || n == nil {
		return
	}
	account := strings.ToUpper(strings.ReplaceAll(m.Account, " ", ""))
	sepa := m.Code == "58" || m.Code == "59"
	if (sepa || looksLikeIBAN(account) || n.Local == "IBANID") && !validIBAN(account) {
		r.warn(n, "IBAN_CHECK_DIGIT", "%q is no IBAN: country, two check digits, account", m.Account)
	}
}

// validGS1 checks length and check digit (GS1 General Specifications section 7.9.1: weights 3 and 1 from the right,
// modulo 10).
func validGS1(id string, lengths ...int) bool {
	allowed := false
	for _, l := range lengths {
		allowed = allowed || len(id) == l
	}
	if !allowed {
		return false
	}
	sum := 0
	for i := range len(id) {
		digit := int(id[len(id)-1-i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 1 {
			digit *= 3
		}
		sum += digit
	}
	return sum%10 == 0
}

// validLEI checks an ISO 17442 identifier: ISO/IEC 7064 MOD 97-10.
func validLEI(id string) bool {
	id = strings.ToUpper(id)
	return len(id) == 20 && mod97(id) == 1
}

// validIBAN checks ISO 13616: at most 34 characters, country, check digits by ISO/IEC 7064 MOD 97-10.
func validIBAN(id string) bool {
	return len(id) >= 15 && len(id) <= 34 && looksLikeIBAN(id) && mod97(id[4:]+id[:4]) == 1
}

func looksLikeIBAN(id string) bool {
	return len(id) > 4 && isLetter(id[0]) && isLetter(id[1]) && isDigit(id[2]) && isDigit(id[3])
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

// mod97 is the remainder of the number that letters (A = 10 … Z = 35) and digits spell; -1 for anything else.
func mod97(s string) int {
	rest := 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			rest = (rest*10 + int(c-'0')) % 97
		case isLetter(c):
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return -1
		}
	}
	return rest
}
