package portal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

func TestABankSeesWhatItsServiceCouldNotDecide(t *testing.T) {
	d := newDemo(t, "trading")
	assert.NotContains(t, d.get("bankA", "mona", "en", "/applications").Body.String(), "could not be decided")
	d.queue = []underwriting.Item{
		{For: underwriting.ForApplication, ID: "app-0123456789abcdef", State: underwriting.Stuck, Code: fault.ConsentMissing},
		{For: underwriting.ForApplication, ID: "app-fedcba9876543210", State: underwriting.Working},
	}
	for language, says := range map[string]string{"en": "One application could not be decided", "zh": "1 笔申请未能作出决定"} {
		w := d.get("bankA", "mona", language, "/applications")
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Contains(t, w.Body.String(), says)
		assert.Contains(t, w.Body.String(), "/applications/app-0123456789abcdef")
		assert.NotContains(t, w.Body.String(), "app-fedcba9876543210", "what goes on is nobody's concern")
	}
	assert.NotContains(t, d.get("supplier", "amy", "en", "/applications").Body.String(), "could not be decided")
}
