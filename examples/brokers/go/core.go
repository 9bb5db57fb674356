package main

import (
	"context"
	"errors"
	"sort"
	"strings"

	"github.com/nats-io/nats.go"

	"ruststream.org/plugin"
)

// connection is one client of the server, on its port as others are.
type connection struct {
	client  *nats.Conn
	streams nats.JetStreamContext
	queue   int
}

func (c *connection) Close(context.Context) { c.client.Close() }

func (c *connection) Subscribe(ctx context.Context, to *plugin.Subscriber, spec *plugin.SubscriptionSpec) (plugin.Subscription, error) {
	if spec.Kind == stored {
		return c.consume(ctx, to, spec)
	}
	return c.listen(ctx, to, spec)
}

func (c *connection) OpenPublisher(_ context.Context, _ *plugin.Object, spec *plugin.PublisherSpec) (plugin.Publisher, error) {
	if spec.Kind == stored {
		return &producer{publisher{c}}, nil
	}
	return &publisher{c}, nil
}

// drain ends what the server sends, and returns when all that it had sent was taken.
func (c *connection) drain(ctx context.Context, subjects ...*nats.Subscription) {
	for _, each := range subjects {
		_ = each.Drain() // fails only when the connection is gone, and it with it
	}
	if c.client.FlushWithContext(ctx) != nil {
		return
	}
	taken := make(chan struct{})
	if c.client.Barrier(func() { close(taken) }) != nil {
		return
	}
	select {
	case <-taken:
	case <-ctx.Done():
	}
}

// subscription takes from the server whatever comes, and drops what does not fit.
type subscription struct {
	connection *connection
	to         *plugin.Subscriber
	subjects   []*nats.Subscription
	messages   int
	bytes      int64
	shows      bool // the address: there are several, or it is a pattern
}

func (c *connection) listen(ctx context.Context, to *plugin.Subscriber, spec *plugin.SubscriptionSpec) (_ plugin.Subscription, err error) {
	s := &subscription{connection: c, to: to, messages: int(spec.Options.Number("pending_messages")), bytes: int64(spec.Options.Number("pending_bytes")),
		shows: len(spec.Addresses) > 1 || hasWildcard(spec.Addresses[0])}
	defer func() {
		if err != nil {
			for _, each := range s.subjects {
				_ = each.Unsubscribe()
			}
		}
	}()
	for _, address := range spec.Addresses {
		made, err := c.client.QueueSubscribe(address, spec.Group, s.take) // without a group: a subscription of its own
		if err != nil {
			return nil, err
		}
		s.subjects = append(s.subjects, made)
		if err := made.SetPendingLimits(-1, -1); err != nil { // take never waits; the bound is there
			return nil, err
		}
	}
	return s, c.client.FlushWithContext(ctx) // the server has them
}

func (s *subscription) take(m *nats.Msg) {
	message := received(m)
	if s.shows {
		message.Address = m.Subject
	}
	if waiting, bytes := s.to.Waiting(); waiting >= s.messages || bytes+int64(len(m.Data)) > s.bytes {
		s.to.Lost(1)
		return
	}
	s.to.Push(message)
}

func (s *subscription) Stop(ctx context.Context) { s.connection.drain(ctx, s.subjects...) }

func (s *subscription) Close(context.Context) {}

// publisher sends to any subject.
type publisher struct{ connection *connection }

func (p *publisher) MostWaiting() int { return p.connection.queue }

func (p *publisher) Send(_ context.Context, messages []*plugin.OutMessage) {
	for _, each := range messages {
		var out *nats.Msg
		if out, each.Err = outgoing(each); each.Err == nil {
			each.Err = p.connection.hand(out)
		}
	}
}

// hand leaves a message to the client, which sends it soon.
func (c *connection) hand(out *nats.Msg) error {
	err := c.client.PublishMsg(out)
	if errors.Is(err, nats.ErrMaxPayload) {
		return plugin.Errorf(plugin.TooLarge, "payload and headers are more than %d bytes", maxPayload+maxHeaders)
	}
	return err
}

func (p *publisher) Flush(ctx context.Context) error {
	return p.connection.client.FlushWithContext(ctx)
}

func (p *publisher) Close(ctx context.Context) { _ = p.Flush(ctx) } // what is not sent by then is lost: at most once

// What travels in headers of NATS, under names that other clients know.
const (
	messageID   = "Nats-Msg-Id"
	contentType = "Content-Type"
	correlation = "Correlation-Id"
)

func received(m *nats.Msg) *plugin.Message {
	message := &plugin.Message{Payload: m.Data, ReplyTo: m.Reply, MessageID: m.Header.Get(messageID),
		ContentType: m.Header.Get(contentType), Correlation: m.Header.Get(correlation)}
	for name, values := range m.Header { // the order of names is lost; the same each time is better than any
		for _, value := range values {
			message.Headers = append(message.Headers, plugin.Header{Name: name, Value: []byte(value)})
		}
	}
	sort.SliceStable(message.Headers, func(i, j int) bool { return message.Headers[i].Name < message.Headers[j].Name })
	return message
}

// outgoing refuses what would not come out as it goes in: clients trim values and split lines.
func outgoing(m *plugin.OutMessage) (*nats.Msg, error) {
	for _, each := range []string{m.Destination, m.ReplyTo} {
		if each != "" && (!isSubject(each) || hasWildcard(each)) {
			return nil, plugin.Errorf(plugin.Invalid, "`%s` is no subject to publish to", each)
		}
	}
	out := &nats.Msg{Subject: m.Destination, Reply: m.ReplyTo, Data: m.Payload}
	headers := m.Headers
	for _, each := range []plugin.Header{{Name: messageID, Value: []byte(m.MessageID)}, {Name: contentType, Value: []byte(m.ContentType)},
		{Name: correlation, Value: []byte(m.Correlation)}} {
		if len(each.Value) != 0 {
			headers = append(headers, each)
		}
	}
	if len(headers) != 0 {
		out.Header = nats.Header{}
	}
	for _, each := range headers {
		value := string(each.Value)
		if strings.TrimSpace(value) != value || value == "" || strings.ContainsAny(value, "\r\n") || !isName(each.Name) {
			return nil, plugin.Errorf(plugin.Unsupported, "header `%s` cannot be carried as it is", each.Name)
		}
		out.Header.Add(each.Name, value)
	}
	return out, nil
}
