// natsd: a broker that carries its own server. Each instance runs a nats-server inside the process; clients that know
// nothing of libruststream reach it on a port.
package main

// #cgo CFLAGS: -I${SRCDIR}/../../../abi/include
import "C"

import "ruststream.org/plugin"

// Indices of the kinds.
const (
	core = iota
	stored
)

// maxPayload is what the server is told to take; headers come on top.
const (
	maxPayload = 8 << 20
	maxHeaders = 64 << 10
)

func init() {
	plugin.Register(plugin.Plugin{
		Name: "org.example.natsd", Version: "0.1.0", Vendor: "libruststream examples", Schemes: []string{"natsd"},
		Kinds: []plugin.Kind{{
			Name: "core", Doc: "subjects, wildcards and queue groups: to whoever listens now, at most once",
			Roles: plugin.RoleSubscription | plugin.RolePublisher,
			Caps: []plugin.Capability{
				{ID: plugin.CapOverflow, Limit: plugin.OverflowDrop},
				{ID: plugin.CapGroup},
				{ID: plugin.CapWildcard},
				{ID: plugin.CapPublishOrder},
				{ID: plugin.CapHeaders, Limit: plugin.HeadersDuplicates | plugin.HeadersCase},
				{ID: plugin.CapPayload, Limit: plugin.PayloadEmpty | plugin.PayloadBytes},
				{ID: plugin.CapMaxPayload, Limit: maxPayload},
			},
		}, {
			Name: "stored", Doc: "subjects below `stored`: kept until every group and durable has settled it, at least once",
			Roles: plugin.RoleSubscription | plugin.RolePublisher,
			Caps: []plugin.Capability{
				{ID: plugin.CapSettle},
				{ID: plugin.CapSettleConfirm},
				{ID: plugin.CapRetry},
				{ID: plugin.CapRetryAfter},
				{ID: plugin.CapRelease, Flags: plugin.Counted | plugin.LosesOrder},
				{ID: plugin.CapReject},
				{ID: plugin.CapExtend},
				{ID: plugin.CapAttempt},
				{ID: plugin.CapOverflow, Limit: plugin.OverflowBlock},
				{ID: plugin.CapGroup},
				{ID: plugin.CapWildcard},
				{ID: plugin.CapPublishConfirm},
				{ID: plugin.CapPublishOrder},
				{ID: plugin.CapDeduplicate, Limit: uint64(duplicateWindow)},
				{ID: plugin.CapHeaders, Limit: plugin.HeadersDuplicates | plugin.HeadersCase},
				{ID: plugin.CapPayload, Limit: plugin.PayloadEmpty | plugin.PayloadBytes},
				{ID: plugin.CapMaxPayload, Limit: maxPayload},
			},
		}},
		Options: []plugin.Option{
			{Name: "listen", Type: plugin.TypeString, Scopes: plugin.ScopeConnection, Default: "127.0.0.1:0",
				Doc: "host and port where other clients reach the server; port 0: a free one, told by CONN_UP and the log"},
			{Name: "store", Type: plugin.TypePath, Scopes: plugin.ScopeConnection,
				Doc: "folder where the server keeps what is stored; without it in memory, as long as the instance lives"},
			{Name: "publish_queue", Type: plugin.TypeU64, Unit: plugin.UnitMessage, Scopes: plugin.ScopeConnection, Default: "4096", Min: 1, Max: 1 << 20,
				Doc: "messages of one publisher that wait to be sent; then publish is refused"},
			{Name: "pending_messages", Type: plugin.TypeU64, Unit: plugin.UnitMessage, Scopes: plugin.ScopeSubscription, Default: "65536", Min: 1, Max: 1 << 26,
				Doc: "messages that wait in the plugin for a slow handler; what is more is lost and reported", Kinds: 1 << core},
			{Name: "pending_bytes", Type: plugin.TypeSize, Unit: plugin.UnitByte, Scopes: plugin.ScopeSubscription, Default: "64MiB", Min: 1, Max: 1 << 34,
				Doc: "the same in bytes", Kinds: 1 << core},
			{Name: "ack_wait", Type: plugin.TypeDuration, Unit: plugin.UnitSecond, Scopes: plugin.ScopeSubscription, Default: "30s", Min: 1e6, Max: 86400e9,
				Doc: "an unsettled message comes again after this", Kinds: 1 << stored},
		},
		New:      func() (plugin.Broker, error) { return &broker{servers: map[string]*server{}}, nil },
		Validate: validate,
	})
}

func main() {} // never called: the host loads this as a library
