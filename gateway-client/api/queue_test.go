package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

func TestABankSeesItsUnderwritersQueue(t *testing.T) {
	w := play(t, "receivables.yaml", "trading")
	idle := w.as("bankA/mona").get("/underwriter/queue")
	assert.Equal(t, http.StatusOK, idle.Code)
	assert.JSONEq(t, `{"running":false,"items":[]}`, idle.Body.String())

	w.at("bankA").queue = []underwriting.Item{{For: underwriting.ForApplication, ID: "app-1", Circle: "dsk-1", State: underwriting.Stuck,
		Since: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), Tries: 2, Code: fault.ConsentMissing}}
	assert.JSONEq(t, `{"running":true,"items":[{"for":"application","id":"app-1","circle":"dsk-1","state":"stuck","since":"2026-11-20T09:00:00Z",
		"tries":2,"code":"`+string(fault.ConsentMissing)+`"}]}`, w.as("bankA/mona").get("/underwriter/queue").Body.String())
	for _, who := range []string{"supplier/amy", "buyer/alice", "warehouse/wes", "regulator/reg"} {
		assert.Equal(t, http.StatusForbidden, w.as(who).get("/underwriter/queue").Code, who)
	}
}
