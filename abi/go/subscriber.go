package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"sync"
	"time"
	"unsafe"
)

const (
	defaultBatch  = 256
	defaultWindow = 1 << 16
	// lossesEvery is how often SUB_DROPPED is told at most.
	lossesEvery = 100 * time.Millisecond
	// expiryEvery is how often Room looks for what has expired, and a publisher for what waits behind a slow Send.
	expiryEvery = 100 * time.Millisecond
	// mostBytes is the highest balance of bytes, so that credit without end adds up.
	mostBytes = 1 << 60
	// lastMoment is for what is given back, and for the author's Close, when closing has no more time.
	lastMoment = 500 * time.Millisecond
)

// Subscriber is where a Subscription puts deliveries. One goroutine hands them to the host, as far as credit and window
// go; another one settles. Its lock is never held during a call of host or author.
type Subscriber struct {
	*Object
	author   Subscription
	kind     *Kind
	maxBatch int
	window   int

	mu           sync.Mutex
	changed      *sync.Cond
	waiting      []*Message
	waitingBytes int64
	messages     int64 // balances of credit
	bytes        int64
	epoch        uint64 // rises with each drain: a delivery from before owes nothing
	delivering   bool
	refused      bool // by the host: until new credit
	drains       []uint64
	stopping     bool // deliver what there is credit for, and end
	ending       bool // end at once
	pumped       chan struct{}
	lost         uint64
	reporting    bool

	settling
}

func newSubscriber(object *Object, kind *Kind, spec *SubscriptionSpec, messages, bytes uint64) *Subscriber {
	s := &Subscriber{Object: object, kind: kind, maxBatch: defaultBatch, window: defaultWindow}
	s.changed = sync.NewCond(&s.mu)
	s.add(messages, bytes)
	s.working, s.cancel = context.WithCancel(context.Background())
	if spec.MaxBatch != 0 && int(spec.MaxBatch) < s.maxBatch {
		s.maxBatch = int(spec.MaxBatch)
	}
	if spec.Window != 0 {
		s.window = int(spec.Window)
	}
	if kind.can(CapSettle) {
		s.tokens = map[uint64]*Message{}
	}
	return s
}

// add gives credit. The lock is held.
func (s *Subscriber) add(messages, bytes uint64) {
	s.messages += int64(messages)
	if bytes > mostBytes {
		bytes = mostBytes
	}
	if s.bytes += int64(bytes); s.bytes > mostBytes {
		s.bytes = mostBytes
	}
}

// Push hands over deliveries. It never blocks: what waits is bounded by the author, by Waiting or Room.
func (s *Subscriber) Push(messages ...*Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range messages {
		each.fit()
		each.renew()
		s.watch(each)
		s.waitingBytes += each.size()
	}
	s.waiting = append(s.waiting, messages...)
	s.changed.Broadcast()
}

// Waiting is how many messages wait for credit, and the bytes of all that wait.
func (s *Subscriber) Waiting() (messages int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages = len(s.waiting)
	if s.messages > 0 {
		messages -= int(s.messages)
	}
	return messages, s.waitingBytes
}

// Window is how many messages may be unsettled at most.
func (s *Subscriber) Window() int { return s.window }

// Room waits until the host would take messages now: at most `most`, 0 when the context or the subscription ends.
func (s *Subscriber) Room(ctx context.Context, most int) int {
	left := make(chan struct{})
	defer close(left)
	go s.lookAgain(ctx, left)
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil && !s.stopping {
		s.forgetExpired()
		room := s.messages - int64(len(s.waiting))
		if free := int64(s.window - len(s.tokens) - len(s.waiting)); room > free {
			room = free
		}
		if room > int64(most) {
			room = int64(most)
		}
		if room > 0 && s.bytes > 0 && !s.refused {
			return int(room)
		}
		s.changed.Wait()
	}
	return 0
}

// lookAgain wakes Room where no verb does: its context ends, or tokens expire.
func (s *Subscriber) lookAgain(ctx context.Context, left <-chan struct{}) {
	every := time.NewTicker(expiryEvery)
	defer every.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-every.C:
		case <-left:
			return
		}
		s.mu.Lock()
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

// Lost tells the host that so many messages were discarded; only a kind of OverflowDrop may.
func (s *Subscriber) Lost(count uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += count
	if !s.reporting {
		s.reporting = true
		time.AfterFunc(lossesEvery, s.reportLosses)
	}
}

func (s *Subscriber) reportLosses() {
	s.mu.Lock()
	lost := s.lost
	s.lost, s.reporting = 0, false
	s.mu.Unlock()
	if lost != 0 {
		s.Event(C.RST_EVENT_SUB_DROPPED, nil, lost, "")
	}
}

func (s *Subscriber) opened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pumped = make(chan struct{})
	go s.pump()
	if s.tokens != nil {
		s.settled = make(chan struct{})
		go s.settleAll()
	}
}

func (s *Subscriber) closing() {}

// deliverable: the lock is held.
func (s *Subscriber) deliverable() bool {
	s.forgetExpired()
	return len(s.waiting) != 0 && s.messages > 0 && s.bytes > 0 && !s.refused && (s.tokens == nil || len(s.tokens) < s.window)
}

// pump is the goroutine that delivers.
func (s *Subscriber) pump() {
	defer close(s.pumped)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for !s.deliverable() && !s.stopping {
			s.changed.Wait()
		}
		if s.ending || !s.deliverable() {
			return
		}
		s.deliver(s.take())
	}
}

// take removes what fits from what waits, and names it. The lock is held.
func (s *Subscriber) take() []*Message {
	count, bytes := 0, s.bytes
	for count < len(s.waiting) && count < s.maxBatch && int64(count) < s.messages && bytes > 0 {
		if s.tokens != nil && len(s.tokens) == s.window {
			break
		}
		bytes -= s.waiting[count].size()
		if s.tokens != nil {
			s.issue(s.waiting[count])
		}
		count++
	}
	s.messages -= int64(count)
	s.waitingBytes -= s.bytes - bytes
	s.bytes = bytes
	taken := s.waiting[:count:count]
	s.waiting = s.waiting[count:]
	return taken
}

// deliver hands a batch to the host. A refused one stays ours, and costs nothing (M1). The lock is held, and not during
// the call.
func (s *Subscriber) deliver(taken []*Message) {
	epoch := s.epoch
	s.delivering = true
	s.mu.Unlock()
	batch := newBatch(s.id, taken)
	cost := int64(batch.bytes)
	accepted := C.rst_go_deliver(s.instance.host, batch) == C.RST_DONE
	if !accepted {
		C.free(unsafe.Pointer(batch))
	}
	s.mu.Lock()
	if !accepted {
		if s.epoch == epoch {
			s.messages += int64(len(taken))
			s.bytes += cost
		}
		for _, each := range taken {
			s.withdraw(each)
		}
		s.waiting = append(append([]*Message{}, taken...), s.waiting...)
		s.waitingBytes += cost
		s.refused = true
	}
	s.delivering = false
	s.completeDrains()
}

// completeDrains: the lock is held, and not during the calls.
func (s *Subscriber) completeDrains() {
	if len(s.drains) == 0 {
		return
	}
	var done []completion
	for _, op := range s.drains {
		done = append(done, completion{op: op})
	}
	s.drains = nil
	s.mu.Unlock()
	complete(s.instance.host, done...)
	s.mu.Lock()
}

// credit is the verb.
func (s *Subscriber) credit(call *C.rst_credit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return Errorf(Closed, "handle %d is closed", s.handle)
	}
	if call.flags == C.RST_CREDIT_ADD {
		s.add(uint64(call.messages), uint64(call.bytes))
		s.refused = false
		s.changed.Broadcast()
		return nil
	}
	s.messages, s.bytes = 0, 0
	s.epoch++
	if !s.delivering {
		return nil
	}
	s.drains = append(s.drains, uint64(call.op))
	if call.op == 0 {
		return nil
	}
	return pending
}

// shut: the author stops, what there is credit for is delivered, settlements are carried out, the rest goes back.
func (s *Subscriber) shut(ctx context.Context) uint64 {
	s.safely("Stop", func() { s.author.Stop(ctx) })
	s.mu.Lock()
	s.stopping = true
	s.ending = ctx.Err() != nil
	s.changed.Broadcast()
	pumped := s.pumped
	s.mu.Unlock()
	if pumped != nil {
		<-pumped
	}
	s.mu.Lock()
	s.ending = true // credit and settle say CLOSED
	s.changed.Broadcast()
	s.completeDrains()
	settled := s.settled
	s.mu.Unlock()
	if settled != nil {
		select {
		case <-settled:
		case <-ctx.Done():
			s.cancel()
			<-settled
		}
	}
	s.cancel()
	if ctx.Err() != nil {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(context.Background(), lastMoment)
		defer stop()
	}
	dropped := s.giveBack(ctx)
	s.safely("Close", func() { s.author.Close(ctx) })
	s.reportLosses()
	return dropped
}
