package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"sync"
	"time"
	"unsafe"
)

// defaultQueue is how many published messages wait for one publisher's Send, unless the publisher is Bounded.
const defaultQueue = 4096

// Bounded is a Publisher that says how many messages may wait for its Send; beyond them publish is refused (P4).
type Bounded interface{ MostWaiting() int }

// OutMessage is one message to publish. It is the plugin's own copy.
type OutMessage struct {
	Destination string // its own, or the publisher's; may be empty
	Payload     []byte
	Headers     []Header
	Key         []byte
	ReplyTo     string
	MessageID   string
	ContentType string
	Correlation string
	Confirm     bool  // Send waits until the broker has it
	Err         error // out
	Duplicate   bool  // out: the broker had this message id already
}

// job is what one publish, or one flush, gave to the goroutine of its publisher.
type job struct {
	op       uint64
	deadline time.Time
	messages []*OutMessage
	statuses []*C.int32_t // the host's, until the completion; nil where it has none
	flush    bool
	told     chan error // of a connection's flush
}

// publisher queues what is published; one goroutine sends it.
type publisher struct {
	*Object
	author      Publisher
	kind        *Kind
	destination string
	most        int

	mu      sync.Mutex
	changed *sync.Cond
	jobs    []*job
	waiting int // messages, those that Send has included
	refused bool
	closed  bool
	running chan struct{}
	sending context.Context // ends when closing has no more time
	cancel  context.CancelFunc
	dropped uint64 // of run, until running is closed
}

func newPublisher(object *Object, author Publisher, kind *Kind, destination string) *publisher {
	p := &publisher{Object: object, author: author, kind: kind, destination: destination, most: defaultQueue, running: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	p.sending, p.cancel = context.WithCancel(context.Background())
	if bounded, ok := author.(Bounded); ok {
		p.most = bounded.MostWaiting()
	}
	go p.run()
	return p
}

func (p *publisher) opened() {}

func (p *publisher) closing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.changed.Broadcast()
}

// shut waits until what was accepted is sent, or fails the rest.
func (p *publisher) shut(ctx context.Context) uint64 {
	select {
	case <-p.running:
	case <-ctx.Done():
		p.cancel()
		<-p.running
	}
	p.cancel()
	p.safely("Close", func() { p.author.Close(ctx) })
	return p.dropped
}

// publish is the verb.
func (p *publisher) publish(call *C.rst_publish) error {
	if call.flags&^C.RST_PUBLISH_CONFIRM != 0 || call.tx != 0 || (call.flags != 0 && !p.kind.can(CapPublishConfirm)) {
		return Errorf(Unsupported, "confirmed or transactional publishing at this kind, or an unknown flag")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Errorf(Closed, "handle %d is closed", p.handle)
	}
	now := &job{op: uint64(call.op), deadline: time.Now().Add(duration(call.timeout_ns, defaultTimeout))}
	index := 0
	for ; index < int(call.count) && p.waiting < p.most; index++ {
		message, err := p.read(at(call.messages, call.stride, index))
		var told *C.int32_t
		if call.statuses != nil {
			told = at(call.statuses, 4, index)
			*told = status(err)
		}
		if err != nil {
			continue
		}
		message.Confirm = call.flags != 0
		now.messages = append(now.messages, message)
		now.statuses = append(now.statuses, told)
		p.waiting++
	}
	call.accepted = C.uint32_t(index)
	p.refused = p.refused || index < int(call.count)
	if index == 0 && call.count != 0 {
		return &Error{Code: Backpressure, Flags: Retryable, Text: "no room; publish again after PUB_WRITABLE"}
	}
	if len(now.messages) == 0 {
		return nil
	}
	p.jobs = append(p.jobs, now)
	p.changed.Broadcast()
	if now.op == 0 {
		return nil
	}
	return pending
}

// enqueueFlush is the verb flush, of this publisher or of its connection.
func (p *publisher) enqueueFlush(timeout time.Duration, op uint64, told chan error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Errorf(Closed, "handle %d is closed", p.handle)
	}
	p.jobs = append(p.jobs, &job{op: op, deadline: time.Now().Add(timeout), flush: true, told: told})
	p.changed.Broadcast()
	return pending
}

// run is the goroutine: it ends when the publisher is closed and everything has its final status.
func (p *publisher) run() {
	defer close(p.running)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.jobs) == 0 && !p.closed {
			p.changed.Wait()
		}
		if len(p.jobs) == 0 {
			return
		}
		now := p.jobs
		p.jobs = nil
		p.mu.Unlock()
		p.send(now)
		p.mu.Lock()
		for _, each := range now {
			p.waiting -= len(each.messages)
		}
		if p.refused {
			p.refused = false
			p.mu.Unlock()
			p.Event(C.RST_EVENT_PUB_WRITABLE, nil, 0, "")
			p.mu.Lock()
		}
	}
}

// send publishes what lies before each flush at once, and tells what became of it.
func (p *publisher) send(jobs []*job) {
	for from := 0; from < len(jobs); {
		to := from
		for to < len(jobs) && !jobs[to].flush {
			to++
		}
		if to == from { // a flush
			p.finish(jobs[from:from+1], p.run1(jobs[from:from+1]))
			from++
			continue
		}
		p.finish(jobs[from:to], p.run1(jobs[from:to]))
		from = to
	}
}

// run1 calls the author with the messages of several jobs, or with one flush, until the first of their deadlines.
func (p *publisher) run1(jobs []*job) error {
	deadline := jobs[0].deadline
	var messages []*OutMessage
	for _, each := range jobs {
		messages = append(messages, each.messages...)
		if each.deadline.Before(deadline) {
			deadline = each.deadline
		}
	}
	ctx, stop := context.WithDeadline(p.sending, deadline)
	defer stop()
	return caught(func() error {
		if jobs[0].flush {
			return p.author.Flush(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err() // closed by ABORT before it was sent
		}
		p.author.Send(ctx, messages)
		return nil
	})
}

func (p *publisher) finish(jobs []*job, err error) {
	var done []completion
	var failed uint64
	for _, each := range jobs {
		if each.told != nil {
			each.told <- err
			continue
		}
		for i, message := range each.messages {
			if message.Err == nil {
				message.Err = err
			}
			if message.Err != nil && p.sending.Err() != nil {
				p.dropped++
			}
			if each.op != 0 && each.statuses[i] != nil {
				*each.statuses[i] = status(message.Err)
				if message.Err == nil && message.Duplicate {
					*each.statuses[i] = C.RST_OK_DUPLICATE
				}
			} else if each.op == 0 && message.Err != nil {
				failed, err = failed+1, message.Err
			}
		}
		last := completion{op: each.op}
		if each.flush {
			last.err = err
		}
		done = append(done, last)
	}
	complete(p.instance.host, done...)
	if failed != 0 {
		p.Event(C.RST_EVENT_PUB_FAILED, err, failed, "")
	}
}

// read copies one message of the host's, or says why this kind cannot carry it as it is (P3, V2).
func (p *publisher) read(from *C.rst_out_message) (*OutMessage, error) {
	if err := p.kind.carries(from); err != nil {
		return nil, err
	}
	message := &OutMessage{Destination: p.destination, Payload: bytesAt(from.payload, uint64(from.payload_len)), Key: bytesAt(from.key, uint64(from.key_len))}
	if from.destination != nil {
		message.Destination = C.GoStringN(from.destination, C.int(from.destination_len))
	}
	if message.Destination == "" {
		return nil, Errorf(Invalid, "a message without a destination")
	}
	for i := 0; i < int(from.header_count); i++ {
		each := at(from.headers, header, i)
		message.Headers = append(message.Headers, Header{C.GoStringN(each.name, C.int(each.name_len)), bytesAt(each.value, uint64(each.value_len))})
	}
	if props := from.props; props != nil {
		message.ReplyTo = string(bytesAt(props.reply_to, uint64(props.reply_to_len)))
		message.Correlation = string(bytesAt(props.correlation, uint64(props.correlation_len)))
		message.MessageID = string(bytesAt(props.message_id, uint64(props.message_id_len)))
		message.ContentType = C.GoStringN(props.content_type, C.int(props.content_type_len))
	}
	return message, nil
}

// carries checks a message against what the kind declares.
func (k *Kind) carries(m *C.rst_out_message) error {
	var flags C.uint16_t
	if k.can(CapUnrouted) {
		flags |= C.RST_OUT_MANDATORY
	}
	payloads := k.limit(CapPayload, PayloadEmpty|PayloadBytes)
	if !k.can(CapPayload) {
		payloads = PayloadEmpty | PayloadBytes
	}
	switch keys := k.limit(CapKey, 1<<32); {
	case m.flags&^flags != 0, m.payload_len == 0 && payloads&PayloadEmpty == 0:
		return Errorf(Unsupported, "an empty payload or a flag that the kind has not")
	case k.can(CapMaxPayload) && uint64(m.payload_len) > k.limit(CapMaxPayload, 1<<63):
		return Errorf(TooLarge, "the payload is too large")
	case m.key != nil && keys == 0:
		return Errorf(Unsupported, "the kind carries no keys")
	case m.key != nil && uint64(m.key_len) > keys:
		return Errorf(TooLarge, "the key is too large")
	case m.header_count != 0 && !k.can(CapHeaders):
		return Errorf(Unsupported, "the kind carries no headers")
	case k.can(CapMaxHeaders) && uint64(m.header_count) > k.limit(CapMaxHeaders, 1<<16):
		return Errorf(TooLarge, "too many headers")
	}
	for i := 0; i < int(m.header_count); i++ {
		if each := at(m.headers, header, i); !k.carriesHeader(each) {
			return Errorf(Unsupported, "header `%s` cannot be carried as it is", C.GoStringN(each.name, C.int(each.name_len)))
		}
	}
	if props := m.props; props != nil {
		switch {
		case props.struct_size < C.rst_go_out_props:
			return Errorf(Invalid, "rst_out_props is too small")
		case props.option_count != 0:
			return Errorf(BadOption, "a message has no options")
		case props.ttl_ns != 0, props.delay_ns != 0, props.priority > 0:
			return Errorf(Unsupported, "the kind has no time to live, delay or priority")
		}
	}
	return nil
}

func (k *Kind) carriesHeader(h *C.rst_header) bool {
	has := k.limit(CapHeaders, 0)
	if h._type > C.RST_HEADER_UTF8 || h.flags != 0 { // null and typed values are not carried
		return false
	}
	if h.value_len == 0 && has&HeadersEmpty == 0 {
		return false
	}
	name := unsafe.Slice((*byte)(unsafe.Pointer(h.name)), int(h.name_len))
	if has&HeadersAnyValue == 0 && !plain(unsafe.Slice((*byte)(unsafe.Pointer(h.value)), int(h.value_len))) {
		return false
	}
	return has&HeadersAnyName != 0 || (len(name) != 0 && plain(name))
}

func plain(of []byte) bool {
	for _, each := range of {
		if each < 0x20 || each == 0x7F {
			return false
		}
	}
	return true
}
