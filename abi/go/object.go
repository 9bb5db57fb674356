package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"sync"
	"time"
)

// defaultTimeout is of operations that name none.
const defaultTimeout = 5 * time.Second

// instance is one life between init and deinit. The host names it by a number that is its key in `instances`.
type instance struct {
	host   *C.rst_host
	broker Broker

	mu      sync.RWMutex
	objects map[uint64]*Object // by handle
	last    uint64             // handles are never reused (C3)
}

var (
	instancesMu  sync.RWMutex
	instances    = map[C.uintptr_t]*instance{}
	lastInstance C.uintptr_t
)

func instanceOf(number C.uintptr_t) *instance {
	instancesMu.RLock()
	defer instancesMu.RUnlock()
	return instances[number]
}

type state int

const (
	opening state = iota
	open
	closing
	ended
)

// behind is what an Object stands for: a connection, a *Subscriber or a *publisher.
type behind interface {
	opened()                                   // the host knows it
	closing()                                  // close was called
	shut(ctx context.Context) (dropped uint64) // ends it; what belongs to it has ended
}

// Object is one connection, subscription or publisher as the host knows it.
type Object struct {
	instance *instance
	parent   *Object
	id       uint64 // the host's
	handle   uint64 // ours

	mu        sync.Mutex
	state     state
	behind    behind
	children  map[*Object]bool
	closeOps  []uint64
	aborted   bool
	stopOpen  context.CancelFunc
	stopClose context.CancelFunc
	flushing  sync.WaitGroup
	told      chan struct{} // the host, that it is open
	ended     chan struct{}

	calls sync.RWMutex // host calls with its ids: read; their end: written (L6)
	gone  bool
}

func (o *Object) ids() (connection, subject C.uint64_t) {
	if o.parent == nil {
		return C.uint64_t(o.id), 0
	}
	return C.uint64_t(o.parent.id), C.uint64_t(o.id)
}

func (o *Object) hostCall(call func(*C.rst_host)) {
	o.calls.RLock()
	defer o.calls.RUnlock()
	if !o.gone {
		call(o.instance.host)
	}
}

// safely runs a part of closing: a panic of the author's is logged, and closing goes on.
func (o *Object) safely(what string, run func()) {
	if err := caught(func() error { run(); return nil }); err != nil {
		o.Log(LogError, "%s: %v", what, err)
	}
}

func stale(handle uint64) error {
	return Errorf(Stale, "handle %d does not exist, or is of the past", handle)
}

// find is nil for what was never there or has ended.
func (i *instance) find(handle C.uint64_t) *Object {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.objects[uint64(handle)]
}

// as finds what a handle stands for, of the type that the verb is for.
func as[T behind](i *instance, handle C.uint64_t) (*Object, T, error) {
	var none T
	object := i.find(handle)
	if object == nil {
		return nil, none, stale(uint64(handle))
	}
	object.mu.Lock()
	defer object.mu.Unlock()
	if object.state == ended || object.behind == nil {
		return nil, none, stale(uint64(handle))
	}
	found, ok := object.behind.(T)
	if !ok {
		return nil, none, stale(uint64(handle))
	}
	return object, found, nil
}

// open names a new object and has `build` run on a goroutine: the completion follows.
func (i *instance) open(parent *Object, id, op C.uint64_t, timeout time.Duration, build func(context.Context, *Object) (behind, error)) error {
	if op == 0 {
		return Errorf(Unsupported, "opening takes time; give it an op that can be completed")
	}
	ctx, stop := context.WithTimeout(context.Background(), timeout)
	o := &Object{instance: i, parent: parent, id: uint64(id), children: map[*Object]bool{}, told: make(chan struct{}), ended: make(chan struct{}), stopOpen: stop}
	if parent != nil {
		parent.mu.Lock()
		defer parent.mu.Unlock()
		if parent.state != open {
			stop()
			return Errorf(Closed, "the connection is closing")
		}
		parent.children[o] = true
	}
	i.mu.Lock()
	i.last++
	o.handle = i.last
	i.objects[o.handle] = o
	i.mu.Unlock()
	go o.opening(ctx, uint64(op), build)
	return pending
}

func (o *Object) opening(ctx context.Context, op uint64, build func(context.Context, *Object) (behind, error)) {
	var made behind
	err := caught(func() (err error) {
		made, err = build(ctx, o)
		return err
	})
	o.stopOpen()
	o.mu.Lock()
	if o.state == closing { // with its connection
		o.mu.Unlock()
		if err == nil {
			made.closing()
			made.shut(ctx)
		}
		o.end(completion{op: op, err: Errorf(Closed, "closed before it was open")})
		return
	}
	if err != nil {
		o.mu.Unlock()
		o.end(completion{op: op, err: err})
		return
	}
	o.behind, o.state = made, open
	o.mu.Unlock()
	complete(o.instance.host, completion{op: op, value: o.handle})
	made.opened()
	close(o.told)
}

// close is the verb.
func (o *Object) close(abort bool, timeout time.Duration, op uint64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	again := o.state == closing && abort && !o.aborted && o.stopClose != nil
	if o.state != open && !again {
		return Errorf(Closed, "handle %d is closing", o.handle)
	}
	o.closeOps = append(o.closeOps, op)
	o.aborted = abort
	if again {
		o.stopClose()
	} else {
		ctx, stop := context.WithTimeout(context.Background(), timeout)
		o.state, o.stopClose = closing, stop
		if abort {
			stop()
		}
		o.behind.closing()
		go o.shut(ctx)
	}
	if op == 0 {
		return nil
	}
	return pending
}

// closeWith closes a child of a connection that closes, and waits for its end.
func (o *Object) closeWith(ctx context.Context) {
	o.mu.Lock()
	before := o.state
	if before == open || before == opening {
		o.state = closing
	}
	switch before {
	case opening:
		o.stopOpen()
	case open:
		ctx, o.stopClose = context.WithCancel(ctx)
		o.behind.closing()
	}
	o.mu.Unlock()
	switch before {
	case open:
		o.shut(ctx)
	case closing:
		select {
		case <-o.ended:
		case <-ctx.Done():
			o.mu.Lock()
			if o.stopClose != nil {
				o.stopClose()
			}
			o.mu.Unlock()
		}
	}
	<-o.ended
}

func (o *Object) shut(ctx context.Context) {
	<-o.told // its connection may close before
	o.mu.Lock()
	var children sync.WaitGroup
	for child := range o.children {
		children.Add(1)
		go func(child *Object) {
			defer children.Done()
			child.closeWith(ctx)
		}(child)
	}
	o.mu.Unlock()
	children.Wait()
	o.flushing.Wait()
	dropped := o.behind.shut(ctx)
	o.stopClose()
	o.mu.Lock()
	var done []completion
	for _, op := range o.closeOps {
		done = append(done, completion{op: op, value: dropped})
	}
	o.state = ended
	o.mu.Unlock()
	o.end(done...)
}

// end forgets an object, and then tells the host, which may end the instance at once.
func (o *Object) end(last ...completion) {
	o.instance.mu.Lock()
	delete(o.instance.objects, o.handle)
	o.instance.mu.Unlock()
	if o.parent != nil {
		o.parent.mu.Lock()
		delete(o.parent.children, o)
		o.parent.mu.Unlock()
	}
	o.calls.Lock()
	o.gone = true
	o.calls.Unlock()
	complete(o.instance.host, last...)
	close(o.ended)
}

// connection is an author's Connection.
type connection struct {
	*Object
	author Connection
}

func (c *connection) opened()  {}
func (c *connection) closing() {}
func (c *connection) shut(ctx context.Context) uint64 {
	c.safely("Close", func() { c.author.Close(ctx) })
	return 0
}

// flush completes when all of its publishers have flushed.
func (c *connection) flush(timeout time.Duration, op uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != open {
		return Errorf(Closed, "handle %d is closing", c.handle)
	}
	var waits []chan error
	for child := range c.children {
		child.mu.Lock()
		if publisher, ok := child.behind.(*publisher); ok {
			wait := make(chan error, 1)
			if publisher.enqueueFlush(timeout, 0, wait) == nil {
				waits = append(waits, wait)
			}
		}
		child.mu.Unlock()
	}
	c.flushing.Add(1)
	go func() {
		defer c.flushing.Done()
		var err error
		for _, wait := range waits {
			if told := <-wait; told != nil {
				err = told
			}
		}
		complete(c.instance.host, completion{op: op, err: err})
	}()
	if op == 0 {
		return nil
	}
	return pending
}
