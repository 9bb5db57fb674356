// The broker `source` (README.md) in Go, on abi/go.
package main

// #cgo CFLAGS: -I${SRCDIR}/../../../../abi/include
import "C"

import (
	"context"

	"ruststream.org/plugin"
)

const most = 256 // messages that are pushed at once

var payload = make([]byte, 100)

func init() {
	plugin.Register(plugin.Plugin{
		Name: "org.example.source", Version: "1", Schemes: []string{"source"},
		Kinds: []plugin.Kind{{Name: "endless", Doc: "messages without end; what is published is gone",
			Roles: plugin.RoleSubscription | plugin.RolePublisher,
			Caps: []plugin.Capability{{ID: plugin.CapSettle}, {ID: plugin.CapRetry}, {ID: plugin.CapRelease}, {ID: plugin.CapReject},
				{ID: plugin.CapOverflow, Limit: plugin.OverflowBlock}}}},
		New: func() (plugin.Broker, error) { return source{}, nil },
	})
}

func main() {}

type source struct{}

func (source) Connect(context.Context, *plugin.Object, *plugin.ConnectionSpec) (plugin.Connection, error) {
	return nowhere{}, nil
}
func (source) Close() error { return nil }

type nowhere struct{}

func (nowhere) Subscribe(_ context.Context, to *plugin.Subscriber, _ *plugin.SubscriptionSpec) (plugin.Subscription, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &endless{cancel: cancel, ended: make(chan struct{})}
	go s.serve(ctx, to)
	return s, nil
}
func (nowhere) OpenPublisher(context.Context, *plugin.Object, *plugin.PublisherSpec) (plugin.Publisher, error) {
	return gone{}, nil
}
func (nowhere) Close(context.Context) {}

type endless struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func (s *endless) serve(ctx context.Context, to *plugin.Subscriber) {
	defer close(s.ended)
	for room := to.Room(ctx, most); room != 0; room = to.Room(ctx, most) {
		messages := make([]*plugin.Message, room)
		for i := range messages {
			messages[i] = &plugin.Message{Payload: payload, Attempt: 1}
		}
		to.Push(messages...)
	}
}

func (s *endless) Stop(context.Context) {
	s.cancel()
	<-s.ended
}
func (*endless) Close(context.Context)                        {}
func (*endless) Settle(context.Context, []*plugin.Settlement) {}

type gone struct{}

func (gone) Send(context.Context, []*plugin.OutMessage) {}
func (gone) Flush(context.Context) error                { return nil }
func (gone) Close(context.Context)                      {}
