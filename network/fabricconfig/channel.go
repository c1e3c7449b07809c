package fabricconfig

import (
	"fmt"
	"time"

	"github.com/tallystick/tallystick/network/plan"
	"github.com/tallystick/tallystick/network/topology"
)

// Profile is the name of the channel's profile in configtx.yaml.
const Profile = "Consortium"

// EndorsementPolicy is the chaincode's endorsement policy: any so many organisations.
func EndorsementPolicy(t *topology.Topology) string {
	principals := ""
	for _, o := range t.Organizations {
		principals += fmt.Sprintf(", '%s.peer'", o.MSPID)
	}
	return fmt.Sprintf("OutOf(%d%s)", t.Endorsers, principals)
}

// Configtx is configtx.yaml, from which configtxgen makes the channel's first block.
func Configtx(p *plan.Plan) ([]byte, error) { return marshal(configtx(p)) }

func configtx(p *plan.Plan) tree {
	var members, orderers, consenters []tree
	for _, o := range p.Topology.Organizations {
		peer := p.PeerOf(o.Name)
		doc := organization(p, o)
		doc["AnchorPeers"] = []tree{{"Host": peer.Host(), "Port": peer.InternalPort(plan.Main)}}
		members = append(members, doc)
	}
	for i, n := range p.Of(plan.Orderer) {
		o, _ := p.Topology.Organization(n.Org)
		doc := organization(p, o)
		// An orderer signs blocks as a writer, so that its role is among the writers here.
		doc["Policies"].(tree)["Writers"] = signature("OR('%s.admin', '%s.client', '%s.orderer')", o.MSPID, o.MSPID, o.MSPID)
		// In V3_0 channels there is no global list of orderer addresses.
		doc["OrdererEndpoints"] = []string{n.Internal(plan.Main)}
		orderers = append(orderers, doc)
		consenter := tree{
			"Host": n.Host(), "Port": n.InternalPort(plan.Main),
			"ClientTLSCert": n.File(TLSCert), "ServerTLSCert": n.File(TLSCert),
		}
		if p.Ordering == plan.SmartBFT {
			consenter["ID"], consenter["MSPID"], consenter["Identity"] = i+1, n.MSPID, n.File(MSP, "signcerts", "cert.pem")
		}
		consenters = append(consenters, consenter)
	}
	timeout := (time.Duration(p.BatchTimeoutMillis) * time.Millisecond).String()
	service := tree{
		"BatchTimeout": timeout,
		"BatchSize":    tree{"MaxMessageCount": 500, "AbsoluteMaxBytes": "10 MB", "PreferredMaxBytes": "2 MB"},
		"MaxChannels":  0,
		"Policies": tree{
			"Readers": meta("ANY Readers"), "Writers": meta("ANY Writers"), "Admins": meta("MAJORITY Admins"),
			"BlockValidation": meta("ANY Writers"),
		},
		"Capabilities":  tree{"V2_0": true},
		"Organizations": orderers,
	}
	if p.Ordering == plan.SmartBFT {
		service["OrdererType"] = "BFT"
		service["ConsenterMapping"] = consenters
		// A leader that fails is replaced within seconds rather than within the minute of the defaults.
		service["SmartBFT"] = tree{
			"RequestBatchMaxInterval":   timeout,
			"RequestForwardTimeout":     "2s",
			"RequestComplainTimeout":    "5s",
			"RequestAutoRemoveTimeout":  "3m0s",
			"ViewChangeResendInterval":  "2s",
			"ViewChangeTimeout":         "10s",
			"LeaderHeartbeatTimeout":    "10s",
			"LeaderHeartbeatCount":      10,
			"CollectTimeout":            "1s",
			"IncomingMessageBufferSize": 200,
			"RequestPoolSize":           100000,
		}
	} else {
		service["OrdererType"] = "etcdraft"
		service["EtcdRaft"] = tree{
			"Consenters": consenters,
			"Options": tree{
				"TickInterval": "200ms", "ElectionTick": 10, "HeartbeatTick": 1, "MaxInflightBlocks": 5,
				"SnapshotIntervalSize": "16 MB",
			},
		}
	}
	return tree{"Profiles": tree{Profile: tree{
		"Policies": tree{
			"Readers": meta("ANY Readers"), "Writers": meta("ANY Writers"), "Admins": meta("MAJORITY Admins"),
		},
		"Capabilities": tree{"V3_0": true},
		"Orderer":      service,
		"Application": tree{
			"Organizations": members,
			"Policies": tree{
				"Readers": meta("ANY Readers"), "Writers": meta("ANY Writers"), "Admins": meta("MAJORITY Admins"),
				"Endorsement": meta("MAJORITY Endorsement"), "LifecycleEndorsement": meta("MAJORITY Endorsement"),
			},
			"Capabilities": tree{"V2_5": true},
		},
	}}}
}

func organization(p *plan.Plan, o topology.Organization) tree {
	return tree{
		"Name":   o.MSPID,
		"ID":     o.MSPID,
		"MSPDir": p.OrgDir(o.Name, "msp"),
		"Policies": tree{
			"Readers":     signature("OR('%s.member')", o.MSPID),
			"Writers":     signature("OR('%s.admin', '%s.client')", o.MSPID, o.MSPID),
			"Admins":      signature("OR('%s.admin')", o.MSPID),
			"Endorsement": signature("OR('%s.peer')", o.MSPID),
		},
	}
}

func signature(rule string, mspIDs ...any) tree {
	return tree{"Type": "Signature", "Rule": fmt.Sprintf(rule, mspIDs...)}
}

func meta(rule string) tree { return tree{"Type": "ImplicitMeta", "Rule": rule} }
