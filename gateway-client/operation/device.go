package operation

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/evidence"
)

var deviceIDPattern = regexp.MustCompile(`^dev-[0-9a-f]{8,40}$`)

// DeviceID takes a registered id as it is, and anything else for the identifier that the device has in EPCIS events.
func DeviceID(text string) string {
	if deviceIDPattern.MatchString(text) {
		return text
	}
	return evidence.DeviceID(text)
}

// OnDevice is a call on one device, endorsed by readers of the programme that guards it.
func OnDevice(ctx context.Context, s *consortium.Session, function, device string, args ...string) (consortium.Call, error) {
	id := DeviceID(device)
	programme, err := s.Locate(ctx, "device", id)
	return consortium.Call{Function: function, Args: append([]string{id}, args...), Circles: []string{programme}}, err
}

func Device(ctx context.Context, s *consortium.Session, device string) (d receipt.Device, err error) {
	err = s.Evaluate(ctx, consortium.Call{Function: "receipt:Device", Args: []string{DeviceID(device)}}, &d)
	return d, err
}

func Devices(ctx context.Context, s *consortium.Session) ([]receipt.Device, error) {
	list := []receipt.Device{}
	for after := ""; ; {
		page, next, err := List[receipt.Device](ctx, s, "receipt:Devices", "devices", nil, 100, after)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if next == "" {
			return list, nil
		}
		after = next
	}
}

// Collector finds the collector that is registered with the session's own certificate.
func Collector(ctx context.Context, s *consortium.Session) (string, error) {
	key, err := evidence.CertificateKey(s.User().CertificatePEM)
	if err != nil {
		return "", err
	}
	list, err := Devices(ctx, s)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(d receipt.Device) bool {
		return d.Kind == receipt.Collector && d.Operator == s.User().MSP && d.Key == key && d.Status != receipt.Revoked
	})
	if i < 0 {
		return "", fault.New(fault.DeviceUnknown, "no collector of %s is registered with the key of your certificate (tally device key)", s.User().MSP)
	}
	return list[i].ID, nil
}

// RegisterDevice registers a device of the own organisation, guarded by the readers of a programme. No instant stands for now.
func RegisterDevice(s *consortium.Session, programme string, in receipt.DeviceRegistration) (consortium.Call, error) {
	if in.InstalledAt.IsZero() {
		in.InstalledAt = s.Network.Now().UTC().Truncate(time.Millisecond)
	}
	call, err := public("receipt:RegisterDevice", in, programme)
	call.Circles = []string{programme}
	return call, err
}
