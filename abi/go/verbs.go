package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"math/rand"
	"time"
	"unsafe"
)

//export rstGoValidate
func rstGoValidate(scope C.uint32_t, spec unsafe.Pointer, plan *C.rst_plan, report *C.rst_report, out *C.rst_error) C.int32_t {
	return verb(out, func() error { return registered.validate(uint32(scope), spec, plan, report) })
}

//export rstGoInit
func rstGoInit(host *C.rst_host, args *C.rst_init_args, number *C.uintptr_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		switch {
		case host.struct_size < C.rst_go_host:
			return Errorf(Invalid, "the host's table is too small")
		case args.struct_size < C.rst_go_init_args:
			return Errorf(Invalid, "init args are too small")
		case args.flags != 0:
			return Errorf(Unsupported, "init has unknown flags: %d", args.flags)
		}
		warm.Do(startThreads)
		broker, err := registered.New()
		if err != nil {
			return err
		}
		instancesMu.Lock()
		defer instancesMu.Unlock()
		lastInstance++
		instances[lastInstance] = &instance{host: host, broker: broker, objects: map[uint64]*Object{}}
		*number = lastInstance
		return nil
	})
}

//export rstGoDeinit
func rstGoDeinit(number C.uintptr_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		i := instanceOf(number)
		if i == nil {
			return Errorf(Stale, "no such instance")
		}
		i.mu.RLock()
		open := len(i.objects)
		i.mu.RUnlock()
		if open != 0 {
			return Errorf(BadState, "connections are open; close them and await the completions first")
		}
		instancesMu.Lock()
		delete(instances, number)
		instancesMu.Unlock()
		return i.broker.Close()
	})
}

//export rstGoConnect
func rstGoConnect(number C.uintptr_t, spec *C.rst_connection_spec, _ *C.uint64_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		i, report := instanceOf(number), &Report{}
		made := registered.connectionSpec(spec, report)
		if err := report.result(); err != nil {
			return err
		}
		again := spec.flags&C.RST_CONNECT_RETRY_INITIAL != 0
		return i.open(nil, spec.id, spec.op, duration(spec.timeout_ns, defaultTimeout), func(ctx context.Context, o *Object) (behind, error) {
			author, err := connectUntil(ctx, again, func() (Connection, error) { return i.broker.Connect(ctx, o, made) })
			return &connection{o, author}, err
		})
	})
}

// connectAgain is how long the next attempt waits at most, half of it at least.
const connectAgain = 200 * time.Millisecond

// connectUntil tries, and with `again` (RST_CONNECT_RETRY_INITIAL) until the time is over, what is refused for now alone.
func connectUntil(ctx context.Context, again bool, connect func() (Connection, error)) (Connection, error) {
	for {
		author, err := connect()
		if err == nil || !again || errorOf(err).Flags&Retryable == 0 {
			return author, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(connectAgain/2 + time.Duration(rand.Int63n(int64(connectAgain/2)))):
		}
	}
}

//export rstGoSubscribe
func rstGoSubscribe(number C.uintptr_t, handle C.uint64_t, spec *C.rst_subscription_spec, _ *C.uint64_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		i, report := instanceOf(number), &Report{}
		_, parent, err := as[*connection](i, handle)
		if err != nil {
			return err
		}
		made := registered.subscriptionSpec(spec, report)
		if err := report.result(); err != nil {
			return err
		}
		messages, bytes := uint64(spec.credit_messages), uint64(spec.credit_bytes)
		return i.open(parent.Object, spec.id, spec.op, duration(spec.timeout_ns, defaultTimeout), func(ctx context.Context, o *Object) (behind, error) {
			s := newSubscriber(o, &registered.Kinds[made.Kind], made, messages, bytes)
			var err error
			s.author, err = parent.author.Subscribe(ctx, s, made)
			if _, settles := s.author.(Settler); err == nil && s.tokens != nil && !settles {
				err = Errorf(Internal, "kind `%s` declares CapSettle, and its Subscription is no Settler", s.kind.Name)
			}
			return s, err
		})
	})
}

//export rstGoOpenPublisher
func rstGoOpenPublisher(number C.uintptr_t, handle C.uint64_t, spec *C.rst_publisher_spec, _ *C.uint64_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		i, report := instanceOf(number), &Report{}
		_, parent, err := as[*connection](i, handle)
		if err != nil {
			return err
		}
		made := registered.publisherSpec(spec, report)
		if err := report.result(); err != nil {
			return err
		}
		return i.open(parent.Object, spec.id, spec.op, duration(spec.timeout_ns, defaultTimeout), func(ctx context.Context, o *Object) (behind, error) {
			author, err := parent.author.OpenPublisher(ctx, o, made)
			if err != nil {
				return nil, err
			}
			return newPublisher(o, author, &registered.Kinds[made.Kind], made.Destination), nil
		})
	})
}

//export rstGoClose
func rstGoClose(number C.uintptr_t, handle C.uint64_t, flags C.uint32_t, timeout C.uint64_t, op C.uint64_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		if flags&^C.RST_CLOSE_ABORT != 0 {
			return Errorf(Unsupported, "close has unknown flags: %d", flags)
		}
		object := instanceOf(number).find(handle)
		if object == nil {
			return stale(uint64(handle))
		}
		return object.close(flags != 0, duration(timeout, defaultTimeout), uint64(op))
	})
}

//export rstGoCredit
func rstGoCredit(number C.uintptr_t, call *C.rst_credit, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		if call.struct_size < C.rst_go_credit {
			return Errorf(Invalid, "rst_credit is too small")
		}
		if call.flags != C.RST_CREDIT_ADD && call.flags != C.RST_CREDIT_DRAIN {
			return Errorf(Unsupported, "credit is either added or drained, its flags are %d", call.flags)
		}
		_, subscriber, err := as[*Subscriber](instanceOf(number), call.subscription)
		if err != nil {
			return err
		}
		return subscriber.credit(call)
	})
}

//export rstGoSettle
func rstGoSettle(number C.uintptr_t, call *C.rst_settle, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		if call.struct_size < C.rst_go_settle || call.stride < C.rst_go_settlement {
			return Errorf(Invalid, "rst_settle or its stride is too small")
		}
		_, subscriber, err := as[*Subscriber](instanceOf(number), call.subscription)
		if err != nil {
			return err
		}
		return subscriber.settle(call)
	})
}

//export rstGoPublish
func rstGoPublish(number C.uintptr_t, call *C.rst_publish, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		if call.struct_size < C.rst_go_publish || call.stride < C.rst_go_out_message {
			return Errorf(Invalid, "rst_publish or its stride is too small")
		}
		call.accepted = 0
		_, publisher, err := as[*publisher](instanceOf(number), call.publisher)
		if err != nil {
			return err
		}
		return publisher.publish(call)
	})
}

//export rstGoFlush
func rstGoFlush(number C.uintptr_t, handle C.uint64_t, timeout C.uint64_t, op C.uint64_t, out *C.rst_error) C.int32_t {
	return verb(out, func() error {
		object := instanceOf(number).find(handle)
		if object == nil {
			return stale(uint64(handle))
		}
		limit := duration(timeout, defaultTimeout)
		object.mu.Lock()
		found := object.behind
		object.mu.Unlock()
		switch one := found.(type) {
		case *publisher:
			return one.enqueueFlush(limit, uint64(op), nil)
		case *connection:
			return one.flush(limit, uint64(op))
		}
		return Errorf(Unsupported, "this object cannot be flushed")
	})
}
