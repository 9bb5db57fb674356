package plugin

// #include "glue.h"
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

// ConnectionSpec is what a host asks for, checked and copied.
type ConnectionSpec struct {
	URL        string // a secret
	ClientName string
	Options    Options
}

// SubscriptionSpec is what a host asks for; zeros are the plugin's choice.
type SubscriptionSpec struct {
	Kind          int // index into Plugin.Kinds
	Addresses     []string
	Group         string
	Durable       string
	DeadLetter    string
	MaxAttempts   uint32
	MaxBatch      uint32
	Window        uint32 // most unsettled
	MaxProcessing time.Duration
	Options       Options
}

// PublisherSpec is what a host asks for.
type PublisherSpec struct {
	Kind        int
	Destination string // empty: each message names its own
	Options     Options
}

// Report collects what validate finds.
type Report struct {
	// Of the plan; the kind's capabilities are set.
	AckDeadline  time.Duration
	MaxPayload   uint64
	MaxUnsettled uint32
	// Unsettled messages that suit the kind where the user says nothing; 0: as the host has it.
	DefaultWindow uint32

	sink  *C.rst_report
	first *Error
}

// Issue tells one problem; `subject` is the part of the text that names the culprit.
func (r *Report) Issue(code Code, subject, format string, values ...any) {
	issue := about(code, subject, format, values...)
	if r.first == nil {
		r.first = issue
	}
	if r.sink != nil {
		var out C.rst_error
		issue.write(&out)
		C.rst_go_issue(r.sink, &out)
	}
}

func (r *Report) result() error {
	if r.first == nil {
		return nil
	}
	return r.first
}

// checkStruct is the first look at what the host passed: nothing is read beyond a size that is too small (V3).
func (r *Report) checkStruct(size, least, flags, known C.uint32_t, what string) bool {
	if size < least {
		r.Issue(Invalid, "", "struct_size of the %s is %d, at least %d is needed", what, size, least)
		return false
	}
	if flags&^known != 0 {
		r.Issue(Unsupported, "", "the %s has unknown flags: %d", what, flags&^known)
	}
	return true
}

func (p *Plugin) checkKind(index C.uint32_t, role uint32, what string, r *Report) *Kind {
	if int(index) >= len(p.Kinds) {
		r.Issue(Invalid, "", "kind %d of the %s does not exist, there are %d", index, what, len(p.Kinds))
		return nil
	}
	kind := &p.Kinds[index]
	if kind.Roles&role == 0 {
		r.Issue(Unsupported, kind.Name, "kind `%s` has no %s; choose another kind", kind.Name, what)
		return nil
	}
	return kind
}

func need(kind *Kind, wanted bool, id uint32, what string, r *Report) {
	if wanted && !kind.can(id) {
		r.Issue(Unsupported, kind.Name, "kind `%s` has no %s; leave it out or choose another kind", kind.Name, what)
	}
}

func (p *Plugin) connectionSpec(spec *C.rst_connection_spec, r *Report) *ConnectionSpec {
	if !r.checkStruct(spec.struct_size, C.rst_go_connection_spec, spec.flags, C.RST_CONNECT_RETRY_INITIAL, "connection") {
		return nil
	}
	p.checkOptions(spec.options, spec.option_count, ScopeConnection, -1, r)
	made := &ConnectionSpec{URL: text(spec.url), ClientName: text(spec.client_name),
		Options: p.optionsOf(ScopeConnection, spec.options, spec.option_count)}
	p.checkOwn(made, r)
	return made
}

func (p *Plugin) subscriptionSpec(spec *C.rst_subscription_spec, r *Report) *SubscriptionSpec {
	if !r.checkStruct(spec.struct_size, C.rst_go_subscription_spec, spec.flags, 0, "subscription") {
		return nil
	}
	kind := p.checkKind(spec.kind, RoleSubscription, "subscription", r)
	p.checkOptions(spec.options, spec.option_count, ScopeSubscription, int(spec.kind), r)
	if kind == nil {
		return nil
	}
	need(kind, spec.group.len != 0, CapGroup, "groups", r)
	need(kind, spec.start_count != 0, C.RST_CAP_SEEK, "start position", r)
	made := &SubscriptionSpec{Kind: int(spec.kind), Group: text(spec.group), Durable: text(spec.durable),
		DeadLetter: text(spec.dead_letter), MaxAttempts: uint32(spec.max_attempts), MaxBatch: uint32(spec.max_batch),
		Window: uint32(spec.window_messages), MaxProcessing: duration(spec.max_processing_ns, 0),
		Options: p.optionsOf(ScopeSubscription, spec.options, spec.option_count)}
	for _, each := range unsafe.Slice(spec.addresses, int(spec.address_count)) {
		made.Addresses = append(made.Addresses, text(each))
	}
	p.checkOwn(made, r)
	return made
}

func (p *Plugin) publisherSpec(spec *C.rst_publisher_spec, r *Report) *PublisherSpec {
	const known = C.RST_PUBLISHER_CONFIRM | C.RST_PUBLISHER_TRANSACTIONAL
	if !r.checkStruct(spec.struct_size, C.rst_go_publisher_spec, spec.flags, known, "publisher") {
		return nil
	}
	kind := p.checkKind(spec.kind, RolePublisher, "publisher", r)
	p.checkOptions(spec.options, spec.option_count, ScopePublisher, int(spec.kind), r)
	if kind == nil {
		return nil
	}
	need(kind, spec.flags&C.RST_PUBLISHER_CONFIRM != 0, CapPublishConfirm, "confirms", r)
	need(kind, spec.flags&C.RST_PUBLISHER_TRANSACTIONAL != 0, C.RST_CAP_TX_PUBLISH, "transactions", r)
	made := &PublisherSpec{Kind: int(spec.kind), Destination: text(spec.destination),
		Options: p.optionsOf(ScopePublisher, spec.options, spec.option_count)}
	p.checkOwn(made, r)
	return made
}

// checkOwn is the author's turn.
func (p *Plugin) checkOwn(spec any, r *Report) {
	if p.Validate != nil {
		p.Validate(spec, r)
	}
}

var scopeNames = map[uint32]string{ScopeConnection: "a connection", ScopeSubscription: "a subscription",
	ScopePublisher: "a publisher", C.RST_SCOPE_MESSAGE: "a message", C.RST_SCOPE_ADMIN: "administration", C.RST_SCOPE_TX: "a transaction"}

var typeNames = []string{"nothing", "true or false", "a whole number", "a number from 0", "a number", "text", "bytes",
	"a duration", "a size", "one of a list", "a path", "a URL"}

// checkOptions reports every option that is not as declared (O1). kind < 0: a connection's.
func (p *Plugin) checkOptions(given *C.rst_option, count C.uint32_t, scope uint32, kind int, r *Report) {
	seen := map[int]bool{}
	for i := 0; i < int(count); i++ {
		option := at(given, C.sizeof_rst_option, i)
		name := text(option.name)
		if int(option.decl) >= len(p.Options) {
			r.Issue(BadOption, name, "option `%s` is not known; remove it or correct its name", name)
			continue
		}
		decl := &p.Options[option.decl]
		seen[int(option.decl)] = true
		if !decl.appliesTo(scope, kind) {
			r.Issue(BadOption, name, "option `%s` is not for %s of this kind; remove it", name, scopeNames[scope])
		} else {
			decl.check(&option.value, r)
		}
	}
	for i := range p.Options {
		if decl := &p.Options[i]; decl.Flags&Required != 0 && decl.appliesTo(scope, kind) && !seen[i] {
			r.Issue(BadOption, decl.Name, "option `%s` is required; set it", decl.Name)
		}
	}
}

// check tells what a value should be, never what it is: it may be a secret (O2).
func (o *Option) check(given *C.rst_value, r *Report) {
	if uint16(given._type) != o.Type {
		r.Issue(BadOption, o.Name, "option `%s` must be %s", o.Name, typeNames[o.Type])
		return
	}
	if o.Min != 0 || o.Max != 0 {
		number := uint64(C.rst_go_value_u64(given))
		if number > 1<<63-1 || int64(number) < o.Min || int64(number) > o.Max {
			r.Issue(BadOption, o.Name, "option `%s` must be from %d to %d%s", o.Name, o.Min, o.Max,
				map[uint16]string{TypeDuration: " ns", TypeSize: " bytes"}[o.Type])
		}
	}
	if o.Type == TypeEnum {
		chosen := C.GoStringN((*C.char)(C.rst_go_value_ptr(given)), C.int(given.len))
		for _, each := range o.Choices {
			if each == chosen {
				return
			}
		}
		r.Issue(BadOption, o.Name, "option `%s` must be one of: %s", o.Name, strings.Join(o.Choices, ", "))
	}
}

// validate is the verb.
func (p *Plugin) validate(scope uint32, spec unsafe.Pointer, plan *C.rst_plan, sink *C.rst_report) error {
	if sink != nil && sink.struct_size < C.rst_go_report {
		return Errorf(Invalid, "rst_report is too small")
	}
	r := &Report{sink: sink}
	var kind *Kind
	switch scope {
	case ScopeConnection:
		p.connectionSpec((*C.rst_connection_spec)(spec), r)
	case ScopeSubscription:
		if made := p.subscriptionSpec((*C.rst_subscription_spec)(spec), r); made != nil {
			kind = &p.Kinds[made.Kind]
		}
	case ScopePublisher:
		if made := p.publisherSpec((*C.rst_publisher_spec)(spec), r); made != nil {
			kind = &p.Kinds[made.Kind]
		}
	case C.RST_SCOPE_MESSAGE, C.RST_SCOPE_ADMIN, C.RST_SCOPE_TX:
		options := (*C.rst_options_spec)(spec)
		if r.checkStruct(options.struct_size, C.rst_go_options_spec, 0, 0, "options") {
			if int(options.kind) >= len(p.Kinds) {
				r.Issue(Invalid, "", "kind %d does not exist", options.kind)
			}
			p.checkOptions(options.options, options.option_count, scope, int(options.kind), r)
		}
	default:
		return Errorf(Unsupported, "scope %d is not known", scope)
	}
	if plan != nil {
		r.writePlan(plan, kind)
	}
	return r.result()
}

func (r *Report) writePlan(plan *C.rst_plan, kind *Kind) {
	if plan.struct_size < C.rst_go_plan {
		r.Issue(Invalid, "", "rst_plan is too small")
		return
	}
	plan.flags, plan.max_delay_ns, plan.max_batch, plan.cap_count = 0, 0, 0, 0
	plan.ack_deadline_ns, plan.max_payload = C.uint64_t(r.AckDeadline), C.uint64_t(r.MaxPayload)
	plan.max_unsettled, plan.default_window = C.uint32_t(r.MaxUnsettled), C.uint32_t(r.DefaultWindow)
	if kind == nil {
		return
	}
	plan.cap_count = C.uint32_t(len(kind.Caps))
	for i, each := range kind.Caps {
		if plan.caps != nil && i < int(plan.cap_capacity) {
			*at(plan.caps, C.sizeof_rst_capability, i) = C.rst_capability{C.uint32_t(each.ID), C.uint16_t(each.Level), C.uint16_t(each.Flags), C.uint64_t(each.Limit)}
		}
	}
}
