package plugin

// #include "glue.h"
import "C"

import "unsafe"

// OutMessage is one message to publish. It is the plugin's own copy.
type OutMessage struct {
	Destination string // its own, or the publisher's; may be empty
	Payload     []byte
	Headers     []Header
	Key         []byte
	ReplyTo     string
	MessageID   string
	ContentType string
	Correlation string
	Confirm     bool  // Send waits until the broker has it
	Err         error // out
	Duplicate   bool  // out: the broker had this message id already
}

// read copies one message of the host's, or says why this kind cannot carry it as it is (P3, V2).
func (p *publisher) read(from *C.rst_out_message) (*OutMessage, error) {
	if err := p.kind.carries(from); err != nil {
		return nil, err
	}
	message := &OutMessage{Destination: p.destination, Payload: bytesAt(from.payload, uint64(from.payload_len)), Key: bytesAt(from.key, uint64(from.key_len))}
	if from.destination != nil {
		message.Destination = C.GoStringN(from.destination, C.int(from.destination_len))
	}
	if message.Destination == "" {
		return nil, Errorf(Invalid, "a message without a destination")
	}
	for i := 0; i < int(from.header_count); i++ {
		each := at(from.headers, header, i)
		message.Headers = append(message.Headers, Header{C.GoStringN(each.name, C.int(each.name_len)), bytesAt(each.value, uint64(each.value_len))})
	}
	if props := from.props; props != nil {
		message.ReplyTo = string(bytesAt(props.reply_to, uint64(props.reply_to_len)))
		message.Correlation = string(bytesAt(props.correlation, uint64(props.correlation_len)))
		message.MessageID = string(bytesAt(props.message_id, uint64(props.message_id_len)))
		message.ContentType = C.GoStringN(props.content_type, C.int(props.content_type_len))
	}
	return message, nil
}

// carries checks a message against what the kind declares.
func (k *Kind) carries(m *C.rst_out_message) error {
	payloads := k.limit(CapPayload, PayloadEmpty|PayloadBytes)
	if !k.can(CapPayload) {
		payloads = PayloadEmpty | PayloadBytes
	}
	switch keys := k.limit(CapKey, 1<<32); {
	case m.flags != 0, m.payload_len == 0 && payloads&PayloadEmpty == 0:
		return Errorf(Unsupported, "an empty payload or a flag that the kind has not")
	case k.can(CapMaxPayload) && uint64(m.payload_len) > k.limit(CapMaxPayload, 1<<63):
		return Errorf(TooLarge, "the payload is too large")
	case m.key != nil && keys == 0:
		return Errorf(Unsupported, "the kind carries no keys")
	case m.key != nil && uint64(m.key_len) > keys:
		return Errorf(TooLarge, "the key is too large")
	case m.header_count != 0 && !k.can(CapHeaders):
		return Errorf(Unsupported, "the kind carries no headers")
	case k.can(CapMaxHeaders) && uint64(m.header_count) > k.limit(CapMaxHeaders, 1<<16):
		return Errorf(TooLarge, "too many headers")
	}
	for i := 0; i < int(m.header_count); i++ {
		if each := at(m.headers, header, i); !k.carriesHeader(each) {
			return Errorf(Unsupported, "header `%s` cannot be carried as it is", C.GoStringN(each.name, C.int(each.name_len)))
		}
	}
	if props := m.props; props != nil {
		switch {
		case props.struct_size < C.rst_go_out_props:
			return Errorf(Invalid, "rst_out_props is too small")
		case props.option_count != 0:
			return Errorf(BadOption, "a message has no options")
		case props.ttl_ns != 0, props.delay_ns != 0, props.priority >= 0, props.partition >= 0:
			return Errorf(Unsupported, "the kind has no time to live, delay, priority or partitions")
		}
	}
	return nil
}

func (k *Kind) carriesHeader(h *C.rst_header) bool {
	has := k.limit(CapHeaders, 0)
	if h._type > C.RST_HEADER_UTF8 || h.flags != 0 { // null and typed values are not carried
		return false
	}
	if h.value_len == 0 && has&HeadersEmpty == 0 {
		return false
	}
	name := unsafe.Slice((*byte)(unsafe.Pointer(h.name)), int(h.name_len))
	if has&HeadersAnyValue == 0 && !plain(unsafe.Slice((*byte)(unsafe.Pointer(h.value)), int(h.value_len))) {
		return false
	}
	return has&HeadersAnyName != 0 || (len(name) != 0 && plain(name))
}

func plain(of []byte) bool {
	for _, each := range of {
		if each < 0x20 || each == 0x7F {
			return false
		}
	}
	return true
}
