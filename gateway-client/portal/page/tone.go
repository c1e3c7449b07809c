package page

// The tones of statuses: what is well, what waits for somebody, what is wrong. The words say the same, so nobody needs the
// colours.
var tones = map[string]string{
	"issued": "busy", "proposed": "warn", "disputed": "warn", "rejected": "bad", "withdrawn": "", "cancelled": "",
	"confirmed": "good", "matured": "warn", "overdue": "bad", "defaulted": "bad", "written_off": "bad", "settled": "good",

	"held": "good", "offered": "warn", "reserved": "busy", "pledged": "busy", "frozen": "bad", "divided": "", "merged": "",
	"paid": "good", "credited": "",

	"submitted": "busy", "referred": "warn", "approved": "good", "declined": "bad", "accepted": "good", "expired": "",
	"approve": "good", "refer": "warn", "decline": "bad",

	"agreed": "warn", "active": "good", "repaid": "good",
	"current": "good", "1-30": "warn", "31-60": "warn", "61-90": "bad", "90+": "bad",

	"stored": "good", "enforced": "bad", "requested": "warn", "delivered": "", "split": "",
	"registered": "warn", "attested": "good", "revoked": "bad",
	"open": "warn", "lapsed": "bad", "cured": "good", "liquidated": "bad",

	"given": "good", "superseded": "", "upheld": "good", "appealed": "warn",
	"challenger": "busy", "champion": "good", "retired": "",
	"forming": "warn", "invited": "warn", "suspended": "bad",

	"running": "busy", "done": "good", "refused": "bad", "failed": "bad",
}

func tone[S ~string](status S) string { return tones[string(status)] }
