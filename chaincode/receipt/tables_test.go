package receipt

import (
	"testing"

	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

func TestTablesAreSoundAndComplete(t *testing.T) {
	transitiontest.Check(t, Lifecycle, Statuses(), Actions())
	transitiontest.Check(t, DeviceLifecycle, []DeviceStatus{Registered, Attested, Revoked}, []DeviceAction{Register, Attest, Calibrate, Revoke})
	transitiontest.Check(t, CallLifecycle, []CallStatus{CallOpen, CallLapsed, CallCured, CallLiquidated},
		[]CallAction{CallDemand, CallCure, CallLapse, CallLiquidate})
}

func TestPage(t *testing.T) {
	transitiontest.Page(t, "../../docs/receipt.md",
		transitiontest.Section{Name: "receipt", Text: transitiontest.Diagram(Lifecycle.Mermaid()) + "\n" + Lifecycle.Markdown()},
		transitiontest.Section{Name: "device", Text: transitiontest.Diagram(DeviceLifecycle.Mermaid()) + "\n" + DeviceLifecycle.Markdown()},
		transitiontest.Section{Name: "margin call", Text: transitiontest.Diagram(CallLifecycle.Mermaid()) + "\n" + CallLifecycle.Markdown()})
}
