package plugin

// #include "glue.h"
import "C"

import (
	"context"
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

	token *token
	call  *settleCall
	item  *C.rst_settlement // the host's, until the call is complete
}

type token struct {
	number  uint64
	message *Message
	until   time.Time // when the broker gives up waiting; zero: never
}

func (t *token) expired(now time.Time) bool { return !t.until.IsZero() && now.After(t.until) }

func (t *token) renew() {
	if t.message.Expires != 0 {
		t.until = time.Now().Add(t.message.Expires)
	}
}

// settleCall is a confirmed settle: it completes when its last item is done.
type settleCall struct {
	op   uint64
	left int
}

// settling is the part of a Subscriber that is about tokens; tokens is nil where the kind has none.
type settling struct {
	tokens    map[uint64]*token
	lastToken uint64
	verdicts  []*Settlement // on their way
	settled   chan struct{}
}

// issue names a delivery. The lock is held, here and below.
func (s *settling) issue(m *Message) {
	s.lastToken++
	m.token = &token{number: s.lastToken, message: m}
	m.token.renew()
	s.tokens[s.lastToken] = m.token
}

// withdraw undoes it: the host never saw the token.
func (s *settling) withdraw(m *Message) {
	if m.token != nil {
		delete(s.tokens, m.token.number)
		m.token = nil
	}
}

// forgetExpired makes room for what comes again.
func (s *settling) forgetExpired() {
	now := time.Now()
	for number, each := range s.tokens {
		if each.expired(now) {
			delete(s.tokens, number)
		}
	}
}

var verdictCaps = map[C.uint16_t]uint32{C.RST_VERDICT_ACK: CapSettle, C.RST_VERDICT_RETRY: CapRetry, C.RST_VERDICT_RELEASE: CapRelease,
	C.RST_VERDICT_REJECT: CapReject, C.RST_VERDICT_EXTEND: CapExtend}

// claim takes the token of one item, so that of concurrent attempts one gets it (S1).
func (s *Subscriber) claim(item *C.rst_settlement) (*token, Code) {
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
	if found == nil {
		if uint64(item.token) <= s.lastToken {
			return nil, Settled
		}
		return nil, Stale
	}
	if found.expired(time.Now()) {
		delete(s.tokens, found.number)
		return nil, Stale
	}
	if item.verdict == C.RST_VERDICT_EXTEND {
		found.renew()
	} else {
		delete(s.tokens, found.number)
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
	confirmed := &settleCall{op: uint64(call.op)}
	for i := 0; i < int(call.count); i++ {
		item := at(call.items, call.stride, i)
		token, refused := s.claim(item)
		item.status = C.RST_OK
		if refused != 0 {
			item.status = -C.int32_t(refused)
			continue
		}
		one := &Settlement{Message: token.message, Verdict: Verdict(item.verdict), Delay: duration(item.delay_ns, 0), token: token}
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
		now := s.verdicts
		s.verdicts = nil
		s.mu.Unlock()
		s.carryOut(now)
		s.mu.Lock()
	}
}

func (s *Subscriber) carryOut(now []*Settlement) {
	ctx, stop := context.WithTimeout(context.Background(), defaultTimeout)
	defer stop()
	err := caught(func() error { s.author.(Settler).Settle(ctx, now); return nil })
	var failed uint64
	var done []completion
	s.mu.Lock()
	for _, each := range now {
		if each.Err == nil {
			each.Err = err
		}
		if each.Err != nil && each.token != nil { // unsettled again (S6)
			s.tokens[each.token.number] = each.token
		}
		if each.call == nil {
			if each.Err != nil && each.token != nil {
				failed++
				err = each.Err
			}
			continue
		}
		each.item.status = status(each.Err)
		if each.call.left--; each.call.left == 0 {
			done = append(done, completion{op: each.call.op})
		}
	}
	s.mu.Unlock()
	complete(s.instance.host, done...)
	if failed != 0 {
		s.Event(C.RST_EVENT_SETTLE_FAILED, err, failed, "")
	}
}

// giveBack returns what nobody settled to the broker (S4), or counts what is dropped with a kind that cannot.
func (s *Subscriber) giveBack() uint64 {
	s.mu.Lock()
	var back []*Settlement
	for _, each := range s.tokens {
		back = append(back, &Settlement{Message: each.message, Verdict: Release})
	}
	for _, each := range s.waiting {
		back = append(back, &Settlement{Message: each, Verdict: Release})
	}
	s.tokens, s.waiting = nil, nil
	s.mu.Unlock()
	if _, settles := s.author.(Settler); !settles {
		return uint64(len(back))
	}
	if len(back) != 0 {
		s.carryOut(back)
	}
	return 0
}
