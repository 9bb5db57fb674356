package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"ruststream.org/plugin"
)

// Kind `stored`: one stream of JetStream keeps what is published until all consumers have settled it. Address A is subject
// stored.A for other clients.
const (
	streamName      = "STORED"
	streamPrefix    = "stored."
	duplicateWindow = 2 * time.Minute
	// forgetAfter is when the server forgets a consumer that nobody asks for messages, unless it is durable.
	forgetAfter = 10 * time.Minute
	pullExpires = 30 * time.Second
	mostPulled  = 256
	// mostPulledBytes is more than the largest message, or that would never come.
	mostPulledBytes = 2 * (maxPayload + maxHeaders)
	// pullAgain is how long a refused request waits for the next one.
	pullAgain = 50 * time.Millisecond
	// mostUnconfirmed is how many messages of one publisher wait for their confirmation at once.
	mostUnconfirmed = 256
)

// consumer of JetStream, from which this subscription pulls as much as the host has credit for.
type consumer struct {
	connection *connection
	to         *plugin.Subscriber
	name       string
	own        bool // nobody shares it: it goes with the subscription
	shows      bool
	ackWait    time.Duration
	inbox      *nats.Subscription
	ctx        context.Context // until Stop
	cancel     context.CancelFunc
	pulled     chan struct{} // pull has ended
	answered   chan struct{}

	mu      sync.Mutex
	left    int  // of the last request
	stopped bool // what still comes goes back
}

func (c *connection) consume(ctx context.Context, to *plugin.Subscriber, spec *plugin.SubscriptionSpec) (plugin.Subscription, error) {
	s := &consumer{connection: c, to: to, own: spec.Group == "" && spec.Durable == "", shows: hasWildcard(spec.Addresses[0]),
		ackWait: spec.Options.Duration("ack_wait"), pulled: make(chan struct{}), answered: make(chan struct{}, 1)}
	config := &nats.ConsumerConfig{FilterSubject: streamPrefix + spec.Addresses[0], AckPolicy: nats.AckExplicitPolicy, AckWait: s.ackWait,
		DeliverPolicy: nats.DeliverNewPolicy, MaxAckPending: -1, MaxDeliver: -1}
	key := sha256.Sum256([]byte(strings.Join([]string{spec.Durable, spec.Group, spec.Addresses[0]}, "\x00")))
	s.name = fmt.Sprintf("rst_%x", key[:8])
	if s.own {
		s.name = "rst_" + nuid.Next()
	}
	config.Name = s.name
	if spec.Durable != "" {
		config.Durable = s.name
	} else {
		config.InactiveThreshold = forgetAfter
	}
	var err error
	if s.inbox, err = c.client.Subscribe(nats.NewInbox(), s.take); err != nil {
		return nil, err
	}
	if _, err := c.streams.AddConsumer(streamName, config, nats.Context(ctx)); err != nil {
		_ = s.inbox.Unsubscribe()
		var refused *nats.APIError
		if errors.As(err, &refused) || errors.Is(err, nats.ErrConsumerNameAlreadyInUse) {
			err = plugin.Errorf(plugin.Precondition, "the consumer of `%s` cannot be had with these settings: %v", spec.Addresses[0], err)
		}
		return nil, err
	}
	_ = s.inbox.SetPendingLimits(-1, -1) // as much as was pulled
	s.ctx, s.cancel = context.WithCancel(context.Background())
	go s.pull()
	return s, nil
}

// pull is the goroutine that asks for messages, one request at a time.
func (s *consumer) pull() {
	defer close(s.pulled)
	subject := "$JS.API.CONSUMER.MSG.NEXT." + streamName + "." + s.name
	for {
		room := s.to.Room(s.ctx, mostPulled)
		if room == 0 {
			return
		}
		s.mu.Lock()
		s.left = room
		s.mu.Unlock()
		request, _ := json.Marshal(map[string]any{"batch": room, "max_bytes": mostPulledBytes, "expires": pullExpires})
		_ = s.connection.client.PublishRequest(subject, s.inbox.Subject, request) // lost with the connection: asked again
		select {
		case <-s.answered:
		case <-time.After(pullExpires + time.Second):
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *consumer) take(m *nats.Msg) {
	meta, err := m.Metadata()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil { // the server's word on the request
		if m.Header.Get("Status") == "409" && strings.Contains(m.Header.Get("Description"), "Deleted") {
			s.to.Event(plugin.SubEnded, plugin.Errorf(plugin.NotFound, "the server has deleted the consumer"), 0, "")
			s.cancel()
		}
		s.left = 0
		time.AfterFunc(pullAgain, s.answer)
		return
	}
	if s.stopped {
		_ = m.Respond([]byte(words[plugin.Release]))
		return
	}
	message := received(m)
	message.ReplyTo = "" // that is where settlements go
	message.Attempt = attempt(meta.NumDelivered)
	message.Redelivered = meta.NumDelivered > 1
	message.Expires = s.ackWait
	message.Value = m
	if s.shows {
		message.Address = strings.TrimPrefix(m.Subject, streamPrefix)
	}
	s.to.Push(message)
	if s.left--; s.left == 0 {
		s.answer()
	}
}

func (s *consumer) answer() {
	select {
	case s.answered <- struct{}{}:
	default:
	}
}

func attempt(deliveries uint64) uint16 {
	if deliveries > 1<<16-1 {
		return 1<<16 - 1
	}
	return uint16(deliveries)
}

func (s *consumer) Stop(ctx context.Context) {
	s.cancel()
	<-s.pulled
	s.connection.drain(ctx, s.inbox)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

func (s *consumer) Close(ctx context.Context) {
	if s.own {
		_ = s.connection.streams.DeleteConsumer(streamName, s.name, nats.Context(ctx)) // else it is forgotten later
		return
	}
	_ = s.connection.client.FlushWithContext(ctx) // what was given back
}

// words are what the server takes for an answer. Only a delay, of nothing too, is kept in its store: what is given back
// when the server ends comes as soon as it runs again, not after ack_wait.
var words = map[plugin.Verdict]string{plugin.Ack: "+ACK", plugin.Retry: "-NAK", plugin.Release: `-NAK {"delay": 0}`, plugin.Reject: "+TERM",
	plugin.Extend: "+WPI"}

func (s *consumer) Settle(ctx context.Context, settlements []*plugin.Settlement) {
	for _, each := range settlements {
		to := each.Message.Value.(*nats.Msg).Reply
		word := []byte(words[each.Verdict])
		if each.Delay != 0 {
			word = append(word, fmt.Sprintf(` {"delay": %d}`, each.Delay.Nanoseconds())...)
		}
		if each.Confirm {
			if _, each.Err = s.connection.client.RequestWithContext(ctx, to, word); errors.Is(each.Err, nats.ErrNoResponders) {
				each.Err = plugin.Errorf(plugin.Stale, "the server has deleted the consumer")
			}
		} else {
			each.Err = s.connection.client.Publish(to, word)
		}
	}
}

// producer publishes below the prefix; confirmed, it waits until the stream has it.
type producer struct{ publisher }

func (p *producer) Send(ctx context.Context, messages []*plugin.OutMessage) {
	for len(messages) != 0 {
		now := messages
		if len(now) > mostUnconfirmed {
			now = now[:mostUnconfirmed]
		}
		messages = messages[len(now):]
		p.send(ctx, now)
	}
}

func (p *producer) send(ctx context.Context, messages []*plugin.OutMessage) {
	waits := make([]nats.PubAckFuture, len(messages))
	for i, each := range messages {
		var out *nats.Msg
		if out, each.Err = outgoing(each); each.Err != nil {
			continue
		}
		out.Subject = streamPrefix + out.Subject
		if out.Reply != "" {
			each.Err = plugin.Errorf(plugin.Unsupported, "kind `stored` carries no reply address")
		} else if each.Confirm {
			waits[i], each.Err = p.connection.streams.PublishMsgAsync(out)
		} else {
			each.Err = p.connection.hand(out)
		}
	}
	for i, wait := range waits {
		if wait == nil {
			continue
		}
		select {
		case ack := <-wait.Ok():
			messages[i].Duplicate = ack.Duplicate
		case err := <-wait.Err():
			messages[i].Err = storeError(err)
		case <-ctx.Done():
			messages[i].Err = &plugin.Error{Code: plugin.Timeout, Flags: plugin.Retryable | plugin.MaybeApplied, Text: "the stream did not confirm in time"}
		}
	}
}

func storeError(err error) error {
	var refused *nats.APIError
	switch {
	case errors.As(err, &refused):
		return &plugin.Error{Code: plugin.Exhausted, Flags: plugin.Retryable, Text: "the stream refused it: " + refused.Description}
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrNoStreamResponse):
		return &plugin.Error{Code: plugin.Unavailable, Flags: plugin.Retryable, Text: "a client has deleted stream `" + streamName + "`; connect anew when the server has ended"}
	}
	return &plugin.Error{Code: plugin.Unavailable, Flags: plugin.Retryable | plugin.MaybeApplied, Text: err.Error()}
}
