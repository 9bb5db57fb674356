package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"unsafe"
)

// Plugin says who a plugin is and what it declares. Name, Version and Schemes stand in its note as well (note.c of the
// example), which a host reads without running anything.
type Plugin struct {
	Name    string // reverse-DNS: org.example.mine
	Version string
	Vendor  string
	Schemes []string // of URLs
	Kinds   []Kind
	Options []Option

	// New makes an instance; it may block for a few seconds.
	New func() (Broker, error)

	// Validate checks a *ConnectionSpec, *SubscriptionSpec or *PublisherSpec beyond what this package checks: sizes,
	// flags, kinds, options. It does no I/O and reports every problem. May be nil.
	Validate func(spec any, report *Report)
}

// Broker is one instance. Its methods may block until their context ends; Connect is called on any number of goroutines.
type Broker interface {
	// A host may ask to try again until the context ends: then it is called again after each Retryable error.
	Connect(ctx context.Context, object *Object, spec *ConnectionSpec) (Connection, error)
	// Close ends everything, within 5 s. All connections are closed.
	Close() error
}

// Connection is what Connect made; its methods are called on any number of goroutines.
type Connection interface {
	// Subscribe has made the broker aware of it when it returns; deliveries go to `to`.
	Subscribe(ctx context.Context, to *Subscriber, spec *SubscriptionSpec) (Subscription, error)
	OpenPublisher(ctx context.Context, object *Object, spec *PublisherSpec) (Publisher, error)
	// Close is called when its subscriptions and publishers are closed.
	Close(ctx context.Context)
}

// Subscription is what Subscribe made.
type Subscription interface {
	// Stop ends what the broker sends: nothing is pushed after it returns. What was pushed is then still delivered, as far
	// as there is credit. A context that has ended means: drop what is on its way.
	Stop(ctx context.Context)
	// Close is called when nothing is delivered or settled any more.
	Close(ctx context.Context)
}

// Settler is a Subscription of a kind that declares CapSettle. Settle runs on one goroutine of the subscription, and may
// block until its context ends, which keeps later settlements waiting; it sets the Err of each that failed. At the end what
// is unsettled comes as Release.
type Settler interface {
	Settle(ctx context.Context, settlements []*Settlement)
}

// Publisher is what OpenPublisher made. Its methods run on one goroutine of the publisher, and may block until their
// context ends.
type Publisher interface {
	// Send publishes in this order, and sets the Err of each that failed.
	Send(ctx context.Context, messages []*OutMessage)
	// Flush returns when the broker has all that was sent before.
	Flush(ctx context.Context) error
	Close(ctx context.Context)
}

var (
	registered *Plugin
	table      *C.rst_plugin // in C memory, for ever
)

// Register makes the table of the one plugin in this library: call it from an init function.
func Register(plugin Plugin) {
	registered = &plugin
	table = (*C.rst_plugin)(C.calloc(1, C.sizeof_rst_plugin))
	*table = C.rst_plugin{
		struct_size: C.sizeof_rst_plugin,
		abi_major:   C.RST_ABI_MAJOR, abi_minor: C.RST_ABI_MINOR, min_host_minor: C.RST_ABI_MINOR,
		runtime: C.RST_RUNTIME_GO,
		name:    cText(plugin.Name), version: cText(plugin.Version), vendor: cText(plugin.Vendor),
		scheme_count: C.uint32_t(len(plugin.Schemes)), schemes: cTexts(plugin.Schemes),
		kind_count: C.uint32_t(len(plugin.Kinds)), kind_stride: C.sizeof_rst_kind,
		option_count: C.uint32_t(len(plugin.Options)), option_stride: C.sizeof_rst_option_decl,
		field_stride: C.sizeof_rst_field_decl,
	}
	kinds := cArray[C.rst_kind](len(plugin.Kinds))
	var roles uint32
	var settles C.int
	for i, kind := range plugin.Kinds {
		caps := cArray[C.rst_capability](len(kind.Caps))
		for j, each := range kind.Caps {
			if each.Level == 0 {
				each.Level = Native
			}
			caps[j] = C.rst_capability{C.uint32_t(each.ID), C.uint16_t(each.Level), C.uint16_t(each.Flags), C.uint64_t(each.Limit)}
			plugin.Kinds[i].Caps[j] = each
		}
		kinds[i] = C.rst_kind{name: cText(kind.Name), doc: cText(kind.Doc), caps: first(caps), cap_count: C.uint32_t(len(caps)), roles: C.uint32_t(kind.Roles)}
		roles |= kind.Roles
		if kind.can(CapSettle) {
			settles = 1
		}
	}
	options := cArray[C.rst_option_decl](len(plugin.Options))
	for i, each := range plugin.Options {
		options[i] = C.rst_option_decl{
			name: cText(each.Name), doc: cText(each.Doc), default_text: cText(each.Default),
			choices: cTexts(each.Choices), choice_count: C.uint32_t(len(each.Choices)),
			min: C.int64_t(each.Min), max: C.int64_t(each.Max), kinds: C.uint64_t(each.Kinds),
			scopes: C.uint32_t(each.Scopes), flags: C.uint32_t(each.Flags), _type: C.uint16_t(each.Type), unit: C.uint16_t(each.Unit),
		}
	}
	table.kinds, table.options = first(kinds), first(options)
	C.rst_go_set_verbs(table, C.int(roles&RoleSubscription), settles, C.int(roles&RolePublisher))
}

//export rstGoTable
func rstGoTable() *C.rst_plugin { return table }

// cArray is an array in C memory that is never freed.
func cArray[T any](count int) []T {
	if count == 0 {
		return nil
	}
	var one T
	return unsafe.Slice((*T)(C.calloc(C.size_t(count), C.size_t(unsafe.Sizeof(one)))), count)
}

func first[T any](of []T) *T {
	if len(of) == 0 {
		return nil
	}
	return &of[0]
}

func cTexts(of []string) *C.rst_str {
	all := cArray[C.rst_str](len(of))
	for i, each := range of {
		all[i] = cText(each)
	}
	return first(all)
}
