package plugin

// #include "glue.h"
import "C"

import (
	"time"
	"unsafe"
)

// Header is one header, in or out.
type Header struct {
	Name  string
	Value []byte
}

// Message is one delivery on its way to the host.
type Message struct {
	Payload     []byte
	Headers     []Header
	Key         []byte // nil: none
	Address     string // where it was published; empty: the subscription's address
	ReplyTo     string
	MessageID   string
	ContentType string
	Correlation string
	Attempt     uint16 // 1-based, 0: unknown
	Redelivered bool
	Value       any // the author's; comes back in Settlement
	// Expires is how long from Push the broker waits for a settlement; then it sends the message again, so the token is
	// stale (S3), and what still waits for credit is forgotten. 0: for ever.
	Expires time.Duration

	token uint64    // 0: none
	until time.Time // when the broker gives up waiting; zero: never
}

func (m *Message) late(now time.Time) bool { return !m.until.IsZero() && now.After(m.until) }

func (m *Message) renew() {
	if m.Expires != 0 {
		m.until = time.Now().Add(m.Expires)
	}
}

// size is what it costs of the byte balance (F1).
func (m *Message) size() int64 {
	size := len(m.Payload) + len(m.Key)
	for i := range m.Headers {
		size += len(m.Headers[i].Name) + len(m.Headers[i].Value)
	}
	return int64(size)
}

// fit leaves out the headers that an rst_message has no room for.
func (m *Message) fit() {
	for i := len(m.Headers) - 1; i >= 0; i-- {
		if len(m.Headers[i].Name) > longestName {
			m.Headers = append(m.Headers[:i:i], m.Headers[i+1:]...)
		}
	}
	if len(m.Headers) > mostHeaders {
		m.Headers = m.Headers[:mostHeaders]
	}
}

func (m *Message) hasMeta() bool {
	return m.Address != "" || m.ReplyTo != "" || m.MessageID != "" || m.ContentType != "" || m.Correlation != ""
}

const (
	line   = 64 // of the cache; a payload has one more readable behind it (M5)
	header = C.sizeof_rst_header
	// mostHeaders and longestName are what the contract can carry.
	mostHeaders = 1<<16 - 1
	longestName = 1<<16 - 1
)

// arena is one block of C memory that holds a batch with all that it points to, until release frees it.
type arena struct {
	at   unsafe.Pointer
	used uintptr
}

func (a *arena) take(size uintptr) unsafe.Pointer {
	taken := unsafe.Add(a.at, a.used)
	a.used += size
	return taken
}

func (a *arena) text(of string) unsafe.Pointer {
	if of == "" {
		return nil
	}
	taken := a.take(uintptr(len(of)))
	copy(unsafe.Slice((*byte)(taken), len(of)), of)
	return taken
}

// bytes is never nil.
func (a *arena) bytes(of []byte) unsafe.Pointer {
	taken := a.take(uintptr(len(of)))
	copy(unsafe.Slice((*byte)(taken), len(of)), of)
	return taken
}

// newBatch copies deliveries into C memory: structs first, which keeps them aligned, then bytes.
func newBatch(subscription uint64, messages []*Message) *C.rst_batch {
	structs, bytes := uintptr(C.sizeof_rst_batch+len(messages)*C.sizeof_rst_message), uintptr(0)
	var cost int64
	for _, m := range messages {
		cost += m.size()
		structs += uintptr(len(m.Headers)) * header
		bytes += uintptr(m.size()) + line
		if m.hasMeta() {
			structs += C.sizeof_rst_message_meta
			bytes += uintptr(len(m.Address) + len(m.ReplyTo) + len(m.MessageID) + len(m.ContentType) + len(m.Correlation))
		}
	}
	block := C.aligned_alloc(line, C.size_t((structs+bytes+line-1)/line*line))
	if block == nil {
		panic("no memory for a batch")
	}
	// Go looks at the pointer that it overwrites: one that looks like its own, in what C left there, would end the process.
	C.memset(block, 0, C.size_t(structs))
	a := &arena{at: block}
	batch := (*C.rst_batch)(a.take(C.sizeof_rst_batch))
	all := unsafe.Slice((*C.rst_message)(a.take(uintptr(len(messages))*C.sizeof_rst_message)), len(messages))
	for i, m := range messages {
		all[i] = C.rst_message{payload_len: C.uint64_t(len(m.Payload)), attempt: C.uint16_t(m.Attempt), flags: C.RST_MESSAGE_PADDED,
			token: C.uint64_t(m.token)}
		if m.Redelivered {
			all[i].flags |= C.RST_MESSAGE_REDELIVERED
		}
		if len(m.Headers) != 0 {
			all[i].headers = (*C.rst_header)(a.take(uintptr(len(m.Headers)) * header))
			all[i].header_count = C.uint16_t(len(m.Headers))
		}
		if m.hasMeta() {
			all[i].meta = (*C.rst_message_meta)(a.take(C.sizeof_rst_message_meta))
		}
	}
	for i, m := range messages {
		a.fill(&all[i], m)
	}
	*batch = C.rst_batch{struct_size: C.sizeof_rst_batch, stride: C.sizeof_rst_message, messages: &all[0], count: C.uint32_t(len(messages)),
		subscription: C.uint64_t(subscription), ops: &C.rst_go_batch_ops, bytes: C.uint64_t(cost), generation: 1}
	return batch
}

// fill copies the bytes of one message, the payload last but for its padding.
func (a *arena) fill(out *C.rst_message, m *Message) {
	for i := range m.Headers {
		each := &m.Headers[i]
		name := a.text(each.Name)
		*at(out.headers, header, i) = C.rst_header{name: (*C.char)(name), value: (*C.uint8_t)(a.bytes(each.Value)),
			value_len: C.uint32_t(len(each.Value)), name_len: C.uint16_t(len(each.Name))}
	}
	if m.Key != nil {
		out.key, out.key_len = (*C.uint8_t)(a.bytes(m.Key)), C.uint32_t(len(m.Key))
	}
	if out.meta != nil {
		*out.meta = C.rst_message_meta{struct_size: C.sizeof_rst_message_meta,
			address: (*C.char)(a.text(m.Address)), address_len: C.uint32_t(len(m.Address)),
			reply_to: (*C.uint8_t)(a.text(m.ReplyTo)), reply_to_len: C.uint32_t(len(m.ReplyTo)),
			correlation: (*C.uint8_t)(a.text(m.Correlation)), correlation_len: C.uint32_t(len(m.Correlation)),
			message_id: (*C.uint8_t)(a.text(m.MessageID)), message_id_len: C.uint32_t(len(m.MessageID)),
			content_type: (*C.char)(a.text(m.ContentType)), content_type_len: C.uint32_t(len(m.ContentType))}
	}
	out.payload = (*C.uint8_t)(a.bytes(m.Payload))
	a.used += line
}
