// A broker of one topic that panics where its option `in` says: panics_test.cpp looks at what becomes of that.
package main

// #cgo CFLAGS: -I${SRCDIR}/../../../include
import "C"

import (
	"context"
	"sync"

	"ruststream.org/plugin"
)

func init() {
	plugin.Register(plugin.Plugin{
		Name: "org.example.panics", Version: "0.1.0", Schemes: []string{"panics"},
		Kinds: []plugin.Kind{{Name: "topic", Doc: "whoever listens gets it", Roles: plugin.RoleSubscription | plugin.RolePublisher,
			Caps: []plugin.Capability{{ID: plugin.CapSettle}, {ID: plugin.CapPublishConfirm}}}},
		Options: []plugin.Option{{Name: "in", Doc: "the method that panics", Type: plugin.TypeString, Scopes: plugin.ScopeConnection}},
		New:     func() (plugin.Broker, error) { return broker{}, nil },
		Validate: func(spec any, report *plugin.Report) {
			if asked, ok := spec.(*plugin.ConnectionSpec); ok {
				at(asked.Options.Text("in")).reach("Validate")
			}
			report.DefaultWindow = 7
		},
	})
}

func main() {}

// at is where to panic.
type at string

func (a at) reach(method string) {
	if string(a) == method {
		var nothing *connection
		nothing.listeners = nil // as it happens in life
	}
}

type broker struct{}

func (broker) Connect(_ context.Context, _ *plugin.Object, spec *plugin.ConnectionSpec) (plugin.Connection, error) {
	c := &connection{at: at(spec.Options.Text("in"))}
	c.reach("Connect")
	return c, nil
}

func (broker) Close() error { return nil }

type connection struct {
	at
	mu        sync.Mutex
	listeners []*plugin.Subscriber
}

func (c *connection) Subscribe(_ context.Context, to *plugin.Subscriber, _ *plugin.SubscriptionSpec) (plugin.Subscription, error) {
	c.reach("Subscribe")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, to)
	return subscription{c}, nil
}

func (c *connection) OpenPublisher(context.Context, *plugin.Object, *plugin.PublisherSpec) (plugin.Publisher, error) {
	c.reach("OpenPublisher")
	return publisher{c}, nil
}

func (c *connection) Close(context.Context) { c.reach("Connection.Close") }

type subscription struct{ *connection }

func (s subscription) Stop(context.Context)                             { s.reach("Stop") }
func (s subscription) Close(context.Context)                            { s.reach("Subscription.Close") }
func (s subscription) Settle(_ context.Context, _ []*plugin.Settlement) { s.reach("Settle") }

type publisher struct{ *connection }

func (p publisher) Send(_ context.Context, messages []*plugin.OutMessage) {
	p.reach("Send")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, to := range p.listeners {
		for _, each := range messages {
			to.Push(&plugin.Message{Payload: each.Payload})
		}
	}
}

func (p publisher) Flush(context.Context) error { p.reach("Flush"); return nil }
func (p publisher) Close(context.Context)       { p.reach("Publisher.Close") }
