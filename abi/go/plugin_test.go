package plugin

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestADefaultIsWhatTheHostWouldPass(t *testing.T) {
	for _, each := range []struct {
		kind uint16
		text string
		want uint64
	}{{TypeU64, "4096", 4096}, {TypeBool, "true", 1}, {TypeBool, "false", 0}, {TypeDuration, "250ms", 250e6}, {TypeDuration, "30s", 30e9},
		{TypeDuration, "5m", 300e9}, {TypeDuration, "7ns", 7}, {TypeSize, "64MiB", 64 << 20}, {TypeSize, "10B", 10}} {
		if got := (&Option{Type: each.kind, Default: each.text}).number(); got != each.want {
			t.Errorf("%s is %d, not %d", each.text, got, each.want)
		}
	}
}

func TestEveryErrorHasACode(t *testing.T) {
	for _, each := range []struct {
		err  error
		want Code
	}{{Errorf(TooLarge, "x"), TooLarge}, {fmt.Errorf("more of it: %w", Errorf(Denied, "x")), Denied}, {context.DeadlineExceeded, Timeout},
		{context.Canceled, Cancelled}, {errors.New("else"), Unavailable}, {caught(func() error { panic("x") }), Internal}} {
		if got := errorOf(each.err).Code; got != each.want {
			t.Errorf("%v has code %d, not %d", each.err, got, each.want)
		}
	}
	if got := int32(status(&Error{Code: Timeout, Flags: Retryable | MaybeApplied})); got != -(11 | 17<<8) {
		t.Errorf("the status is %d", got)
	}
}

// subscriberWith has messages of ten bytes waiting, and nobody who delivers them.
func subscriberWith(waiting, window int, credit, bytes uint64) *Subscriber {
	s := newSubscriber(&Object{gone: true, instance: &instance{}}, &Kind{Caps: []Capability{{ID: CapSettle}}}, &SubscriptionSpec{Window: uint32(window)}, credit, bytes)
	for i := 0; i < waiting; i++ {
		s.Push(&Message{Payload: make([]byte, 10)})
	}
	return s
}

func TestABatchIsBoundedByCreditBytesAndWindow(t *testing.T) {
	for _, each := range []struct {
		waiting, window, want int
		credit, bytes         uint64
	}{{5, 100, 5, 100, 1000}, {5, 100, 2, 2, 1000}, {5, 100, 1, 100, 1}, {5, 100, 2, 100, 11}, {5, 3, 3, 100, 1000}, {900, 1000, defaultBatch, 1000, 1 << 20}} {
		s := subscriberWith(each.waiting, each.window, each.credit, each.bytes)
		if got := len(s.take()); got != each.want || len(s.tokens) != got || s.messages != int64(each.credit)-int64(got) {
			t.Errorf("%+v: %d were taken, %d have tokens, %d credit is left", each, got, len(s.tokens), s.messages)
		}
	}
}

func TestRoomIsCreditThatNothingWaitsFor(t *testing.T) {
	s := subscriberWith(3, 8, 10, 1000)
	if room := s.Room(context.Background(), 256); room != 5 {
		t.Errorf("the window has room for 5, not %d", room)
	}
	s.take()
	if room := s.Room(context.Background(), 4); room != 4 {
		t.Errorf("at most 4 were asked for, not %d", room)
	}
	s.messages = 0
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer stop()
	if room := s.Room(ctx, 256); room != 0 {
		t.Errorf("there is no credit, and %d", room)
	}
}

func TestWhatExpiredMakesRoom(t *testing.T) {
	s := subscriberWith(0, 2, 10, 1000)
	s.Push(&Message{Expires: time.Nanosecond}, &Message{})
	s.take()
	time.Sleep(time.Millisecond)
	if room := s.Room(context.Background(), 256); room != 1 {
		t.Errorf("one of two has expired; room is for %d", room)
	}
}

// told has what Settle, Send and Flush do in a test.
type told struct {
	failed *Message
	send   func(ctx context.Context, messages []*OutMessage)
}

func (t *told) Stop(context.Context)        {}
func (t *told) Close(context.Context)       {}
func (t *told) Flush(context.Context) error { return nil }
func (t *told) Send(ctx context.Context, messages []*OutMessage) {
	t.send(ctx, messages)
}
func (t *told) Settle(_ context.Context, settlements []*Settlement) {
	for _, each := range settlements {
		if each.Message == t.failed {
			each.Err = errors.New("not this one")
		}
	}
}

func TestOnlyWhatFailedIsUnsettledAgain(t *testing.T) {
	for _, verdict := range []Verdict{Ack, Extend} {
		s := subscriberWith(3, 8, 10, 1000)
		taken := s.take()
		s.author = &told{failed: taken[0]}
		s.tokens = map[uint64]*Message{} // all are claimed
		var now []*Settlement
		for _, each := range taken {
			now = append(now, &Settlement{Message: each, Verdict: verdict})
		}
		s.carryOut(context.Background(), now)
		if failed := s.tokens[taken[0].token]; len(s.tokens) > 1 || (failed == taken[0]) != (verdict == Ack) {
			t.Errorf("of verdict %d, %d are unsettled again", verdict, len(s.tokens))
		}
	}
}

func TestWhatExpiredIsStaleAndComesFromTheBrokerAlone(t *testing.T) {
	s := subscriberWith(0, 8, 1, 1000)
	s.Push(&Message{Expires: time.Nanosecond}, &Message{Expires: time.Nanosecond, Payload: []byte("late")}, &Message{Payload: []byte("x")})
	taken := s.take()
	time.Sleep(time.Millisecond)
	s.forgetExpired()
	if len(s.tokens) != 0 || s.expired != taken[0].token || len(s.waiting) != 1 || s.waitingBytes != 1 {
		t.Errorf("%d tokens, the last expired is %d, %d wait, of %d bytes", len(s.tokens), s.expired, len(s.waiting), s.waitingBytes)
	}
}

func TestOneMessageThatFailsDoesNotFailTheNext(t *testing.T) {
	p := newPublisher(&Object{gone: true, instance: &instance{}}, &told{send: func(_ context.Context, messages []*OutMessage) {
		messages[0].Err = errors.New("not this one")
	}}, &Kind{}, "d")
	messages, done := []*OutMessage{{}, {}}, make(chan error, 1)
	p.mu.Lock()
	p.jobs = []*job{{deadline: time.Now().Add(time.Minute), messages: messages}, {deadline: time.Now().Add(time.Minute), flush: true, told: done}}
	p.mu.Unlock()
	p.changed.Broadcast()
	if err := <-done; err != nil || messages[0].Err == nil || messages[1].Err != nil {
		t.Errorf("flush: %v, messages: %v, %v", err, messages[0].Err, messages[1].Err)
	}
}

func TestWhatWaitsBehindASlowSendFailsInTime(t *testing.T) {
	release := make(chan struct{})
	p := newPublisher(&Object{gone: true, instance: &instance{}}, &told{send: func(context.Context, []*OutMessage) { <-release }}, &Kind{}, "d")
	done := make(chan error, 1)
	p.mu.Lock()
	p.jobs = []*job{{deadline: time.Now().Add(time.Minute), messages: []*OutMessage{{}}}, {deadline: time.Now().Add(time.Millisecond), flush: true, told: done}}
	p.mu.Unlock()
	p.changed.Broadcast()
	if err := <-done; err != context.DeadlineExceeded {
		t.Errorf("it ended with %v", err)
	}
	close(release)
	p.closing()
	<-p.running
}

func TestMessagesAreSentTogetherThatHaveAboutTheSameTime(t *testing.T) {
	now := time.Now()
	p := &publisher{jobs: []*job{{deadline: now}, {deadline: now.Add(together)}, {deadline: now.Add(2 * together)}, {flush: true}}}
	for _, want := range []int{2, 1, 1} {
		if got := len(p.next()); got != want {
			t.Errorf("%d jobs are sent together, not %d", got, want)
		}
	}
}

func TestConnectingIsTriedAgainWhereTheHostAsksAndItMayHelp(t *testing.T) {
	for _, each := range []struct {
		again bool
		err   error
		want  int
	}{{false, errors.New("away"), 1}, {true, Errorf(Denied, "no"), 1}, {true, errors.New("away"), 2}} {
		calls := 0
		_, err := connectUntil(context.Background(), each.again, func() (Connection, error) {
			if calls++; calls == 2 {
				return nil, nil
			}
			return nil, each.err
		})
		if calls != each.want || (err == nil) != (each.want == 2) {
			t.Errorf("%+v: %d attempts, and %v", each, calls, err)
		}
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	if _, err := connectUntil(over, true, func() (Connection, error) { return nil, errors.New("away") }); err == nil {
		t.Error("it goes on when its time is over")
	}
}
