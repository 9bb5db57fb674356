// mybroker: topics inside the process. Each subscription gets every message that is published to its address while it is
// there, once: nothing is settled. What a subscription has no room for is dropped, and told.
package main

import "C" // so that note.c is compiled

import (
	"context"
	"sync"

	"ruststream.org/plugin"
)

func init() {
	plugin.Register(plugin.Plugin{
		Name: "org.example.mybroker", Version: "0.1.0", Schemes: []string{"mybroker"},
		Kinds: []plugin.Kind{{
			Name: "topic", Doc: "everyone who listens gets each message",
			Roles: plugin.RoleSubscription | plugin.RolePublisher,
			Caps: []plugin.Capability{
				{ID: plugin.CapOverflow, Limit: plugin.OverflowDrop},
				{ID: plugin.CapPublishOrder},
				{ID: plugin.CapPayload, Limit: plugin.PayloadEmpty | plugin.PayloadBytes},
			},
		}},
		Options: []plugin.Option{{
			Name: "capacity", Type: plugin.TypeU64, Unit: plugin.UnitMessage, Scopes: plugin.ScopeSubscription,
			Default: "1000", Min: 1, Max: 1000000,
			Doc: "most messages that wait for one subscription; what comes beyond that is dropped",
		}},
		New: func() (plugin.Broker, error) {
			return &broker{topics: map[string]map[*subscription]bool{}}, nil
		},
		Validate: validate,
	})
}

func main() {} // never called: the host loads this as a library

func validate(spec any, report *plugin.Report) {
	asked, ok := spec.(*plugin.SubscriptionSpec)
	if !ok {
		return
	}
	if len(asked.Addresses) != 1 || asked.Addresses[0] == "" {
		report.Issue(plugin.Invalid, "", "a subscription has one address")
	}
	if asked.Durable != "" {
		report.Issue(plugin.Unsupported, "", "nothing is kept for who does not listen")
	}
}

// broker is one instance: who listens, by address.
type broker struct {
	mu     sync.Mutex
	topics map[string]map[*subscription]bool
}

func (b *broker) Connect(context.Context, *plugin.Object, *plugin.ConnectionSpec) (plugin.Connection, error) {
	return &connection{b}, nil
}

func (b *broker) Close() error { return nil }

type connection struct{ broker *broker }

func (c *connection) Subscribe(_ context.Context, to *plugin.Subscriber, spec *plugin.SubscriptionSpec) (plugin.Subscription, error) {
	s := &subscription{c.broker, to, spec.Addresses[0], int(spec.Options.Number("capacity"))}
	c.broker.mu.Lock()
	defer c.broker.mu.Unlock()
	if c.broker.topics[s.address] == nil {
		c.broker.topics[s.address] = map[*subscription]bool{}
	}
	c.broker.topics[s.address][s] = true
	return s, nil
}

func (c *connection) OpenPublisher(context.Context, *plugin.Object, *plugin.PublisherSpec) (plugin.Publisher, error) {
	return &publisher{c.broker}, nil
}

func (c *connection) Close(context.Context) {}

type subscription struct {
	broker   *broker
	to       *plugin.Subscriber
	address  string
	capacity int
}

func (s *subscription) Stop(context.Context) {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	delete(s.broker.topics[s.address], s)
	if len(s.broker.topics[s.address]) == 0 {
		delete(s.broker.topics, s.address)
	}
}

func (s *subscription) Close(context.Context) {}

func (s *subscription) put(m *plugin.OutMessage) {
	if waiting, _ := s.to.Waiting(); waiting >= s.capacity {
		s.to.Lost(1)
		return
	}
	s.to.Push(&plugin.Message{Payload: m.Payload, ReplyTo: m.ReplyTo, MessageID: m.MessageID, ContentType: m.ContentType,
		Correlation: m.Correlation})
}

type publisher struct{ broker *broker }

// Send finds a destination in each message: its own, or the publisher's.
func (p *publisher) Send(_ context.Context, messages []*plugin.OutMessage) {
	p.broker.mu.Lock()
	defer p.broker.mu.Unlock()
	for _, each := range messages {
		for s := range p.broker.topics[each.Destination] {
			s.put(each)
		}
	}
}

func (p *publisher) Flush(context.Context) error { return nil } // what was sent has been handed on
func (p *publisher) Close(context.Context)       {}
