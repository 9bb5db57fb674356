package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"sort"
	"time"
)

// Verdict says what became of a delivery.
type Verdict uint16

const (
	Ack     Verdict = C.RST_VERDICT_ACK
	Retry   Verdict = C.RST_VERDICT_RETRY
	Release Verdict = C.RST_VERDICT_RELEASE
	Reject  Verdict = C.RST_VERDICT_REJECT
	Extend  Verdict = C.RST_VERDICT_EXTEND
)

// Settlement is one verdict on one message.
type Settlement struct {
	Message *Message
	Verdict Verdict
	Delay   time.Duration // of Retry
	Confirm bool          // wait until the broker has it
	Err     error         // out

	call *settleCall
	item *C.rst_settlement // the host's, until the call is complete
}

// settleCall is a confirmed settle: it completes when its last item is done.
type settleCall struct {
	op       uint64
	left     int
	deadline time.Time
}

// settling is the part of a Subscriber that is about tokens; tokens is nil where the kind has none.
type settling struct {
	tokens    map[uint64]*Message
	lastToken uint64
	expired   uint64        // the last token that expired
	expires   time.Time     // nothing does before; zero: nothing does
	verdicts  []*Settlement // on their way
	settled   chan struct{}
	working   context.Context // ends when closing has no more time
	cancel    context.CancelFunc
}

// issue names a delivery. The lock is held, here and below.
func (s *settling) issue(m *Message) {
	s.lastToken++
	m.token = s.lastToken
	s.tokens[m.token] = m
}

// withdraw undoes it: the host never saw the token.
func (s *settling) withdraw(m *Message) {
	delete(s.tokens, m.token)
	m.token = 0
}

// watch has forgetExpired look when the message expires.
func (s *settling) watch(m *Message) {
	if !m.until.IsZero() && (s.expires.IsZero() || m.until.Before(s.expires)) {
		s.expires = m.until
	}
}

// forget is of a token that the broker would not honour any more.
func (s *settling) forget(m *Message) {
	delete(s.tokens, m.token)
	if m.token > s.expired {
		s.expired = m.token
	}
}

// forgetExpired makes room for what comes again.
func (s *Subscriber) forgetExpired() {
	if s.expires.IsZero() {
		return
	}
	now := time.Now()
	if now.Before(s.expires) {
		return
	}
	s.expires = time.Time{}
	for _, each := range s.tokens {
		if each.late(now) {
			s.forget(each)
			continue
		}
		s.watch(each)
	}
	kept := make([]*Message, 0, len(s.waiting))
	for _, each := range s.waiting {
		if each.late(now) {
			s.waitingBytes -= each.size()
			continue
		}
		s.watch(each)
		kept = append(kept, each)
	}
	s.waiting = kept
}

var verdictCaps = map[C.uint16_t]uint32{C.RST_VERDICT_ACK: CapSettle, C.RST_VERDICT_RETRY: CapRetry, C.RST_VERDICT_RELEASE: CapRelease,
	C.RST_VERDICT_REJECT: CapReject, C.RST_VERDICT_EXTEND: CapExtend}

// claim takes the token of one item, so that of concurrent attempts one gets it (S1).
func (s *Subscriber) claim(item *C.rst_settlement) (*Message, Code) {
	id, known := verdictCaps[item.verdict]
	switch {
	case !known || item.flags != 0 || !s.kind.can(id):
		return nil, Unsupported
	case item.delay_ns != 0 && item.verdict != C.RST_VERDICT_RETRY:
		return nil, Invalid
	case uint64(item.delay_ns) > s.kind.limit(C.RST_CAP_RETRY_AFTER, 1<<63):
		return nil, Unsupported
	case item.detail != nil && item.detail.struct_size < C.rst_go_settle_detail:
		return nil, Invalid
	case item.detail != nil && (item.detail.dead_letter.len != 0 || item.detail.header_count != 0 && item.verdict == C.RST_VERDICT_REJECT):
		return nil, Unsupported // no kind has dead letters of its own: Settlement has no place for them
	case item.token == 0:
		return nil, Invalid
	}
	found := s.tokens[uint64(item.token)]
	switch {
	case found == nil && uint64(item.token) > s.expired && uint64(item.token) <= s.lastToken:
		return nil, Settled
	case found == nil:
		return nil, Stale
	case found.late(time.Now()):
		s.forget(found)
		return nil, Stale
	case item.verdict == C.RST_VERDICT_EXTEND:
		found.renew()
	default:
		delete(s.tokens, found.token)
	}
	return found, 0
}

// settle is the verb: items are claimed now and carried out by settleAll.
func (s *Subscriber) settle(call *C.rst_settle) error {
	if call.flags&^C.RST_SETTLE_CONFIRM != 0 || call.tx != 0 || (call.flags != 0 && !s.kind.can(CapSettleConfirm)) {
		return Errorf(Unsupported, "confirmed or transactional settlement at this kind, or an unknown flag")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return Errorf(Closed, "handle %d is closed", s.handle)
	}
	confirmed := &settleCall{op: uint64(call.op), deadline: time.Now().Add(duration(call.timeout_ns, defaultTimeout))}
	for i := 0; i < int(call.count); i++ {
		item := at(call.items, call.stride, i)
		message, refused := s.claim(item)
		item.status = C.RST_OK
		if refused != 0 {
			item.status = -C.int32_t(refused)
			continue
		}
		one := &Settlement{Message: message, Verdict: Verdict(item.verdict), Delay: duration(item.delay_ns, 0)}
		if call.flags != 0 && call.op != 0 {
			one.Confirm, one.call, one.item = true, confirmed, item
			confirmed.left++
		}
		s.verdicts = append(s.verdicts, one)
	}
	s.changed.Broadcast()
	if confirmed.left == 0 {
		return nil
	}
	return pending
}

// settleAll is the goroutine that settles, until the end of the subscription.
func (s *Subscriber) settleAll() {
	defer close(s.settled)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.verdicts) == 0 && !s.ending {
			s.changed.Wait()
		}
		if len(s.verdicts) == 0 {
			return
		}
		count := 1 // of one confirmed call, or of none: each has its own time
		for count < len(s.verdicts) && s.verdicts[count].call == s.verdicts[0].call {
			count++
		}
		now := s.verdicts[:count:count]
		s.verdicts = s.verdicts[count:]
		s.mu.Unlock()
		s.carryOut(s.working, now)
		s.mu.Lock()
	}
}

func (s *Subscriber) carryOut(ctx context.Context, now []*Settlement) {
	deadline := time.Now().Add(defaultTimeout)
	if call := now[0].call; call != nil {
		deadline = call.deadline
	}
	ctx, stop := context.WithDeadline(ctx, deadline)
	defer stop()
	panicked := caught(func() error { s.author.(Settler).Settle(ctx, now); return nil })
	var last error
	var failed uint64
	var done []completion
	s.mu.Lock()
	for _, each := range now {
		if each.Err == nil {
			each.Err = panicked
		}
		if each.Err != nil && each.Verdict != Extend && s.tokens != nil { // unsettled again (S6)
			s.tokens[each.Message.token] = each.Message
			s.watch(each.Message)
		}
		if each.call != nil {
			each.item.status = status(each.Err)
			if each.call.left--; each.call.left == 0 {
				done = append(done, completion{op: each.call.op})
			}
		} else if each.Err != nil {
			failed, last = failed+1, each.Err
		}
	}
	given := s.tokens == nil // back: it comes again in any case
	s.mu.Unlock()
	complete(s.instance.host, done...)
	if failed != 0 && !given {
		s.Event(C.RST_EVENT_SETTLE_FAILED, last, failed, "")
	}
}

// giveBack returns what nobody settled to the broker, in the order in which it came (S4), or counts what is dropped with a
// kind that cannot.
func (s *Subscriber) giveBack(ctx context.Context) uint64 {
	s.mu.Lock()
	var back []*Settlement
	for _, each := range s.tokens {
		back = append(back, &Settlement{Message: each, Verdict: Release})
	}
	sort.Slice(back, func(i, j int) bool { return back[i].Message.token < back[j].Message.token })
	for _, each := range s.waiting {
		back = append(back, &Settlement{Message: each, Verdict: Release})
	}
	s.tokens, s.waiting = nil, nil
	s.mu.Unlock()
	if _, settles := s.author.(Settler); !settles {
		return uint64(len(back))
	}
	if len(back) != 0 {
		s.carryOut(ctx, back)
	}
	return 0
}
