// Package plugin makes a libruststream broker plugin of Go code, built with -buildmode=c-shared.
//
// An author implements Broker, Connection, Subscription and Publisher, whose methods may block: each runs on a goroutine
// of its own. The verbs of the contract, which may not, are this package's: they check, copy what the host lends, hand
// over and return. No Go pointer crosses: deliveries lie in C memory (batch.go), objects are named by integers
// (object.go).
package plugin

/*
#cgo CFLAGS: -I${SRCDIR}/../include -std=gnu11
#include "glue.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// Host calls and specs pass text as pointer and length.
func text(of C.rst_str) string {
	if of.len == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(of.ptr)), int(of.len)))
}

// cText is a copy in C memory. Those of the table are never freed.
func cText(of string) C.rst_str {
	if of == "" {
		return C.rst_str{}
	}
	return C.rst_str{ptr: (*C.char)(C.CBytes([]byte(of))), len: C.uint64_t(len(of))}
}

// bytesAt copies what the host lends; nil stays nil.
func bytesAt(at *C.uint8_t, length uint64) []byte {
	if at == nil {
		return nil
	}
	return append([]byte{}, unsafe.Slice((*byte)(unsafe.Pointer(at)), int(length))...)
}

// at is the element of an array whose holder gives the stride.
func at[T any](first *T, stride C.uint32_t, index int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(first), int(stride)*index))
}

func duration(ns C.uint64_t, otherwise time.Duration) time.Duration {
	if ns == 0 {
		return otherwise
	}
	if ns > 1<<62 {
		return 1 << 62
	}
	return time.Duration(ns)
}
