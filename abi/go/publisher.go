package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"sync"
	"time"
)

const (
	// defaultQueue is how many published messages wait for one publisher's Send, unless the publisher is Bounded.
	defaultQueue = 4096
	// mostQueuedBytes of payloads wait; one more message may begin below it.
	mostQueuedBytes = 64 << 20
	// together is how far apart the deadlines of messages may be that one Send has: none fails early for another's.
	together = 250 * time.Millisecond
)

// Bounded is a Publisher that says how many messages may wait for its Send; beyond them publish is refused (P4).
type Bounded interface{ MostWaiting() int }

// job is what one publish, or one flush, gave to the goroutine of its publisher.
type job struct {
	op       uint64
	deadline time.Time
	messages []*OutMessage
	bytes    int64
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

	mu       sync.Mutex
	changed  *sync.Cond
	jobs     []*job
	waiting  int // messages, and below their bytes: those that Send has included
	bytes    int64
	refused  bool
	closed   bool
	busy     bool        // Send or Flush runs
	late     *time.Timer // looks at what waits meanwhile
	expiring bool
	running  chan struct{}
	sending  context.Context // ends when closing has no more time
	cancel   context.CancelFunc
	dropped  uint64
}

func newPublisher(object *Object, author Publisher, kind *Kind, destination string) *publisher {
	p := &publisher{Object: object, author: author, kind: kind, destination: destination, most: defaultQueue, running: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	p.sending, p.cancel = context.WithCancel(context.Background())
	p.late = time.AfterFunc(expiryEvery, p.expire)
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
	for ; index < int(call.count) && p.waiting < p.most && p.bytes < mostQueuedBytes; index++ {
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
		now.bytes += int64(len(message.Payload))
		p.bytes += int64(len(message.Payload))
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
	if op == 0 {
		return nil
	}
	return pending
}

// run is the goroutine: it ends when the publisher is closed and everything has its final status.
func (p *publisher) run() {
	defer close(p.running)
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.jobs) == 0 && (!p.closed || p.expiring) {
			p.changed.Wait()
		}
		if len(p.jobs) == 0 {
			return
		}
		now := p.next()
		p.busy = true
		p.late.Reset(expiryEvery)
		p.mu.Unlock()
		p.finish(now, p.call(now))
		p.mu.Lock()
		p.busy = false
		p.late.Stop()
		p.leave(now)
		if p.refused {
			p.refused = false
			p.mu.Unlock()
			p.Event(C.RST_EVENT_PUB_WRITABLE, nil, 0, "")
			p.mu.Lock()
		}
	}
}

// next takes a flush, or the messages of all jobs before the next one that must be done at about the same time. The lock
// is held.
func (p *publisher) next() []*job {
	count, first := 1, p.jobs[0]
	for ; !first.flush && count < len(p.jobs) && !p.jobs[count].flush; count++ {
		if apart := p.jobs[count].deadline.Sub(first.deadline); apart > together || apart < -together {
			break
		}
	}
	taken := p.jobs[:count:count]
	p.jobs = p.jobs[count:]
	return taken
}

// leave makes room. The lock is held.
func (p *publisher) leave(jobs []*job) {
	for _, each := range jobs {
		p.waiting -= len(each.messages)
		p.bytes -= each.bytes
	}
}

// expire fails what has waited too long behind a Send or Flush that is still running (C1).
func (p *publisher) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.busy {
		return
	}
	now := time.Now()
	var late, kept []*job
	for _, each := range p.jobs {
		if now.After(each.deadline) {
			late = append(late, each)
		} else {
			kept = append(kept, each)
		}
	}
	p.jobs, p.expiring = kept, true
	p.leave(late)
	p.mu.Unlock()
	p.finish(late, context.DeadlineExceeded)
	p.mu.Lock()
	p.expiring = false
	p.changed.Broadcast()
	if p.busy {
		p.late.Reset(expiryEvery)
	}
}

// call has the author send the messages of several jobs, or flush, until the last of their deadlines.
func (p *publisher) call(jobs []*job) error {
	deadline := jobs[0].deadline
	var messages []*OutMessage
	for _, each := range jobs {
		messages = append(messages, each.messages...)
		if each.deadline.After(deadline) {
			deadline = each.deadline
		}
	}
	ctx, stop := context.WithDeadline(p.sending, deadline)
	defer stop()
	if ctx.Err() != nil {
		return ctx.Err() // closed by ABORT, or too late, before it was sent
	}
	if jobs[0].flush {
		return caught(func() error { return p.author.Flush(ctx) })
	}
	err := caught(func() error { p.author.Send(ctx, messages); return nil })
	if err != nil { // a panic: who knows after how many
		return &Error{Code: Internal, Flags: MaybeApplied, Text: err.Error()}
	}
	return nil
}

// finish tells what became of jobs: `all` is the error of each message or flush that has none of its own.
func (p *publisher) finish(jobs []*job, all error) {
	var done []completion
	var failed, dropped uint64
	var last error
	for _, each := range jobs {
		if each.told != nil {
			each.told <- all
			continue
		}
		for i, message := range each.messages {
			if message.Err == nil {
				message.Err = all
			}
			if message.Err != nil && p.sending.Err() != nil {
				dropped++
			}
			if each.op == 0 {
				if message.Err != nil {
					failed, last = failed+1, message.Err
				}
			} else if told := each.statuses[i]; told != nil {
				*told = status(message.Err)
				if message.Err == nil && message.Duplicate {
					*told = C.RST_OK_DUPLICATE
				}
			}
		}
		one := completion{op: each.op}
		if each.flush {
			one.err = all
		}
		done = append(done, one)
	}
	p.mu.Lock()
	p.dropped += dropped
	p.mu.Unlock()
	complete(p.instance.host, done...)
	if failed != 0 {
		p.Event(C.RST_EVENT_PUB_FAILED, last, failed, "")
	}
}
