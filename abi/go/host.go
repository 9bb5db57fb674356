package plugin

// #include "glue.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// LogLevel as in ruststream/abi/log.h.
type LogLevel uint32

const (
	LogError LogLevel = C.RST_LOG_ERROR
	LogWarn  LogLevel = C.RST_LOG_WARN
	LogInfo  LogLevel = C.RST_LOG_INFO
	LogDebug LogLevel = C.RST_LOG_DEBUG
)

// Event kinds that an author tells; the others are this package's.
const (
	ConnUp   = C.RST_EVENT_CONN_UP
	ConnDown = C.RST_EVENT_CONN_DOWN
	SubEnded = C.RST_EVENT_SUB_ENDED
)

// Log writes a line about an object that is not closed; after that it does nothing (L6).
func (o *Object) Log(level LogLevel, format string, values ...any) {
	o.hostCall(func(host *C.rst_host) {
		if C.uint32_t(level) > C.rst_go_log_level(host) {
			return
		}
		told := lend(fmt.Sprintf(format, values...))
		defer told.free()
		line := (*C.rst_log)(C.calloc(1, C.sizeof_rst_log))
		defer C.free(unsafe.Pointer(line))
		*line = C.rst_log{struct_size: C.sizeof_rst_log, level: C.uint32_t(level), text: told.str, target: target.str}
		line.connection, line.subject = o.ids()
		C.rst_go_log(host, line)
	})
}

// Event tells what happened without being asked for; `err` and `told` may be nil and empty.
func (o *Object) Event(kind uint32, err error, count uint64, told string) {
	o.hostCall(func(host *C.rst_host) {
		text := lend(told)
		defer text.free()
		event := (*C.rst_event)(C.calloc(1, C.sizeof_rst_event+C.sizeof_rst_error))
		defer C.free(unsafe.Pointer(event))
		*event = C.rst_event{struct_size: C.sizeof_rst_event, kind: C.uint32_t(kind), value: C.uint64_t(count), text: text.str}
		event.connection, event.subject = o.ids()
		if err != nil {
			event.error = (*C.rst_error)(unsafe.Add(unsafe.Pointer(event), C.sizeof_rst_event))
			errorOf(err).write(event.error)
		}
		C.rst_go_event(host, event)
	})
}

// completion is the end of one operation.
type completion struct {
	op    uint64
	value uint64
	err   error
}

// complete ends operations by one call; those without an op are left out (C1).
func complete(host *C.rst_host, all ...completion) {
	const each = C.sizeof_rst_completion + C.sizeof_rst_error
	block := C.calloc(C.size_t(len(all)+1), each)
	defer C.free(block)
	list := unsafe.Slice((*C.rst_completion)(block), len(all))
	errors := unsafe.Slice((*C.rst_error)(unsafe.Add(block, len(all)*C.sizeof_rst_completion)), len(all))
	count := 0
	for _, one := range all {
		if one.op == 0 {
			continue
		}
		list[count] = C.rst_completion{op: C.uint64_t(one.op), value: C.uint64_t(one.value), status: status(one.err)}
		if one.err != nil {
			errorOf(one.err).write(&errors[count])
			list[count].error = &errors[count]
		}
		count++
	}
	if count != 0 {
		C.rst_go_complete(host, &list[0], C.uint32_t(count))
	}
}

// lent is text in C memory for the time of one host call.
type lent struct{ str C.rst_str }

var target = lend("go")

func lend(of string) lent { return lent{cText(of)} }
func (l lent) free()      { C.free(unsafe.Pointer(l.str.ptr)) }
