package fabricconfig

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tallystick/tallystick/network/plan"
)

// Files in a node's folder.
const (
	TLSCert = "tls/server.crt"
	TLSKey  = "tls/server.key"
	TLSCA   = "tls/ca.pem"
	MSP     = "msp"
)

// DefaultLogging keeps what an operator wants to read and leaves out a line for each request.
const DefaultLogging = "info:comm.grpc.server=warn:gossip=warn:grpc=warn:endorser=warn:orderer.common.broadcast=warn"

// TimeWindow is how far a proposal's timestamp may be from an endorser's clock.
const TimeWindow = "60s"

// loggingFormat is Fabric's own without its colours, which have no place in a file.
const loggingFormat = "%{time:2006-01-02 15:04:05.000 MST} %{level:.4s} [%{module}] %{shortfunc} -> %{message}"

func logging() []string {
	return []string{"FABRIC_LOGGING_SPEC=" + loggingSpec(), "FABRIC_LOGGING_FORMAT=" + loggingFormat}
}

func loggingSpec() string {
	if spec := os.Getenv("TALLYNET_LOGGING_SPEC"); spec != "" {
		return spec
	}
	return DefaultLogging
}

// Core is core.yaml of a peer. builder is the folder of the chaincode-as-a-service builder as the peer sees it.
func Core(sample []byte, p *plan.Plan, n *plan.Node, builder string) ([]byte, error) {
	return overlay(sample, core(p, n, builder))
}

func core(p *plan.Plan, n *plan.Node, builder string) tree {
	address := n.Internal(plan.Main)
	return tree{
		"peer": tree{
			"id":                     n.Name,
			"networkId":              p.Name,
			"listenAddress":          n.Bind(plan.Main),
			"address":                address,
			"chaincodeListenAddress": n.Bind(plan.Callback),
			"chaincodeAddress":       n.Internal(plan.Callback),
			"localMspId":             n.MSPID,
			"mspConfigPath":          n.File(MSP),
			"fileSystemPath":         n.File("data"),
			"tls": tree{
				"enabled":            true,
				"clientAuthRequired": false,
				"cert":               tree{"file": n.File(TLSCert)},
				"key":                tree{"file": n.File(TLSKey)},
				"rootcert":           tree{"file": n.File(TLSCA)},
				"clientRootCAs":      tree{"files": []string{n.File(TLSCA)}},
				"clientCert":         tree{"file": n.File(TLSCert)},
				"clientKey":          tree{"file": n.File(TLSKey)},
			},
			// Gossip's defaults are for wide networks: membership would take 10 to 30 s to settle.
			"gossip": tree{
				"bootstrap":                 address,
				"endpoint":                  address,
				"externalEndpoint":          address,
				"useLeaderElection":         false,
				"orgLeader":                 true,
				"membershipTrackerInterval": "1s",
				"publishCertPeriod":         "1s",
				"publishStateInfoInterval":  "1s",
				"requestStateInfoInterval":  "1s",
				"pullInterval":              "1s",
				"digestWaitTime":            "200ms",
				"requestWaitTime":           "300ms",
				"responseWaitTime":          "500ms",
				"aliveTimeInterval":         "1s",
				"aliveExpirationTimeout":    "10s",
				"reconnectInterval":         "500ms",
				"maxConnectionAttempts":     1200,
			},
			"gateway": tree{
				"enabled": true, "endorsementTimeout": "30s", "broadcastTimeout": "30s", "dialTimeout": "5s",
			},
			"deliveryclient": tree{"reConnectBackoffThreshold": "2s", "connTimeout": "3s", "blockCensorshipTimeoutKey": "10s"},
			"authentication": tree{"timewindow": TimeWindow},
			// The check of that window runs only where it is named.
			"handlers": tree{"authFilters": []tree{
				{"name": "DefaultAuth"}, {"name": "ExpirationCheck"}, {"name": "TimeWindowCheck"},
			}},
			// The gateway counts requests that wait for their commit, and refuses beyond its limit.
			"limits": tree{"concurrency": tree{"endorserService": 2500, "deliverService": 2500, "gatewayService": 2500}},
		},
		"vm": tree{"endpoint": ""}, // chaincode runs as a service: no Docker
		"chaincode": tree{
			"externalBuilders": []tree{{"name": "ccaas", "path": builder, "propagateEnvironment": []string{}}},
			"startuptimeout":   "30s",
			"executetimeout":   "30s",
			// Batched writes and reads are off where core.yaml does not name them.
			"runtimeParams": tree{
				"useWriteBatch": true, "maxSizeWriteBatch": 1000,
				"useGetMultipleKeys": true, "maxSizeGetMultipleKeys": 1000,
			},
		},
		"ledger": tree{
			"state":     tree{"stateDatabase": "goleveldb"},
			"history":   tree{"enableHistoryDatabase": true},
			"snapshots": tree{"rootDir": n.File("data", "snapshots")},
		},
		"operations": tree{
			"listenAddress": n.Bind(plan.Operations),
			"tls": tree{
				"enabled":            true,
				"cert":               tree{"file": n.File(TLSCert)},
				"key":                tree{"file": n.File(TLSKey)},
				"clientAuthRequired": false, // /healthz is open; /metrics asks for a certificate all the same
				"clientRootCAs":      tree{"files": []string{n.File(TLSCA)}},
			},
		},
		"metrics": tree{"provider": "prometheus"},
	}
}

// Orderer is orderer.yaml of an orderer.
func Orderer(sample []byte, n *plan.Node) ([]byte, error) { return overlay(sample, orderer(n)) }

func orderer(n *plan.Node) tree {
	host := "127.0.0.1"
	if n.Backend == plan.Compose {
		host = "0.0.0.0"
	}
	tls := func(clientAuth bool) tree {
		return tree{
			"Enabled": true, "Certificate": n.File(TLSCert), "PrivateKey": n.File(TLSKey),
			"RootCAs": []string{n.File(TLSCA)}, "ClientAuthRequired": clientAuth, "ClientRootCAs": []string{n.File(TLSCA)},
		}
	}
	return tree{
		"General": tree{
			"ListenAddress": host,
			"ListenPort":    n.InternalPort(plan.Main),
			"LocalMSPID":    n.MSPID,
			"LocalMSPDir":   n.File(MSP),
			"TLS":           tls(false),
			"Cluster":       tree{"ClientCertificate": n.File(TLSCert), "ClientPrivateKey": n.File(TLSKey)},
			"Backoff":       tree{"BaseDelay": "200ms", "Multiplier": 1.6, "MaxDelay": "2s"},
			"Authentication": tree{
				"TimeWindow": TimeWindow,
			},
		},
		"FileLedger": tree{"Location": n.File("data")},
		"Consensus": tree{
			"WALDir": n.File("data", "consensus", "wal"), "SnapDir": n.File("data", "consensus", "snapshot"),
		},
		"ChannelParticipation": tree{"Enabled": true},
		"Admin":                tree{"ListenAddress": n.Bind(plan.Admin), "TLS": tls(true)},
		"Operations":           tree{"ListenAddress": n.Bind(plan.Operations), "TLS": tls(false)},
		"Metrics":              tree{"Provider": "prometheus"},
	}
}

// CAName is the name of an organisation's CA in the server.
func CAName(org string) string { return "ca-" + org }

// RegistrarID is the identity that may register others at an organisation's CA.
const RegistrarID = "registrar"

// CAServer is the configuration of the CA server by file, relative to the node's folder. One process holds the CAs of
// all organisations, each with keys and a register of its own; the first one's stands in the main file.
func CAServer(p *plan.Plan, n *plan.Node) (map[string][]byte, error) {
	const file = "fabric-ca-server-config.yaml"
	out := map[string][]byte{}
	var others []string
	for i, o := range p.Topology.Organizations {
		if i == 0 {
			continue
		}
		name := filepath.Join("cas", o.Name, file)
		text, err := marshal(authority(p, o.Name))
		if err != nil {
			return nil, err
		}
		out[name] = text
		others = append(others, name)
	}
	host := "127.0.0.1"
	if n.Backend == plan.Compose {
		host = "0.0.0.0"
	}
	main := authority(p, p.Topology.Organizations[0].Name)
	merge(main, tree{
		"address": host,
		"port":    n.InternalPort(plan.Main),
		"tls":     tree{"enabled": true, "certfile": n.File(TLSCert), "keyfile": n.File(TLSKey)},
		"cafiles": others,
		"operations": tree{
			"listenAddress": n.Bind(plan.Operations),
			"tls": tree{
				"enabled": true, "cert": tree{"file": n.File(TLSCert)}, "key": tree{"file": n.File(TLSKey)},
				"clientAuthRequired": false, "clientRootCAs": tree{"files": []string{n.File(TLSCA)}},
			},
		},
		"metrics": tree{"provider": "prometheus"},
	})
	text, err := marshal(main)
	if err != nil {
		return nil, err
	}
	out[file] = text
	return out, nil
}

func authority(p *plan.Plan, org string) tree {
	const years = 24 * 365
	return tree{
		"version": "1.5.15",
		"ca":      tree{"name": CAName(org)},
		"db":      tree{"type": "sqlite3", "datasource": "fabric-ca-server.db"},
		"csr": tree{
			"cn":         "ca." + org + "." + p.Name,
			"keyrequest": tree{"algo": "ecdsa", "size": 256},
			"names":      []tree{{"O": org}},
			"ca":         tree{"expiry": fmt.Sprint(15*years, "h"), "pathlength": 0},
		},
		"signing": tree{"default": tree{"usage": []string{"digital signature"}, "expiry": fmt.Sprint(10*years, "h")}},
		"registry": tree{
			"maxenrollments": -1,
			"identities": []tree{{
				"name": RegistrarID, "pass": Secret(p, org, RegistrarID), "type": "client", "affiliation": "",
				"attrs": tree{
					"hf.Registrar.Roles": "*", "hf.Registrar.DelegateRoles": "*", "hf.Registrar.Attributes": "*",
					"hf.Revoker": true, "hf.GenCRL": true,
				},
			}},
		},
		"bccsp": tree{"default": "SW", "sw": tree{
			"hash": "SHA2", "security": 256, "filekeystore": tree{"keystore": "msp/keystore"},
		}},
	}
}

// Secret is the enrolment secret of an identity: derived from the network's seed, so that it is kept once.
func Secret(p *plan.Plan, org, id string) string { return p.Opaque("", "secret", org, id) }

// Command fills in how the node's program is called. program gives the path of a built program.
func Command(n *plan.Node, program func(name string) string) {
	switch n.Kind {
	case plan.CA:
		n.Program = program("fabric-ca-server")
		n.Args = []string{"start", "--home", n.Dir}
	case plan.Orderer:
		n.Program = program("orderer")
		n.Env = append(logging(), "FABRIC_CFG_PATH="+n.Dir)
	case plan.Peer:
		n.Program = program("peer")
		n.Args = []string{"node", "start"}
		n.Env = append(logging(), "FABRIC_CFG_PATH="+n.Dir)
	case plan.Service:
		n.Program = program("tallyd")
	case plan.Chaincode:
		n.Program = program("chaincode")
		n.Env = []string{
			"CHAINCODE_SERVER_ADDRESS=" + n.Bind(plan.Main),
			"CHAINCODE_ID=" + n.PackageID,
			"CHAINCODE_TLS_KEY=" + n.File(TLSKey),
			"CHAINCODE_TLS_CERT=" + n.File(TLSCert),
			"CHAINCODE_TLS_CLIENT_CA=" + n.File(TLSCA),
		}
	}
}
