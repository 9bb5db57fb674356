package plugin

// #include "glue.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Code says what kind of error it is; see ruststream/abi/error.h.
type Code int32

const (
	Invalid         Code = C.RST_E_INVALID
	BadOption       Code = C.RST_E_OPTION
	Unsupported     Code = C.RST_E_UNSUPPORTED
	BadState        Code = C.RST_E_STATE
	NotFound        Code = C.RST_E_NOT_FOUND
	Exists          Code = C.RST_E_EXISTS
	Precondition    Code = C.RST_E_PRECONDITION
	Unauthenticated Code = C.RST_E_UNAUTHENTICATED
	Denied          Code = C.RST_E_DENIED
	Unavailable     Code = C.RST_E_UNAVAILABLE
	Timeout         Code = C.RST_E_TIMEOUT
	Cancelled       Code = C.RST_E_CANCELLED
	Backpressure    Code = C.RST_E_BACKPRESSURE
	TooLarge        Code = C.RST_E_TOO_LARGE
	NoRoute         Code = C.RST_E_NO_ROUTE
	Exhausted       Code = C.RST_E_EXHAUSTED
	Settled         Code = C.RST_E_SETTLED
	Stale           Code = C.RST_E_STALE
	Closed          Code = C.RST_E_CLOSED
	Internal        Code = C.RST_E_INTERNAL
)

// Flags say what to do about an error.
type Flags uint32

const (
	Retryable    Flags = C.RST_ERROR_RETRYABLE
	Fatal        Flags = C.RST_ERROR_FATAL
	User         Flags = C.RST_ERROR_USER
	MaybeApplied Flags = C.RST_ERROR_MAYBE_APPLIED
	Auth         Flags = C.RST_ERROR_AUTH
)

// Error is what a host is told. Text carries no secret; Subject is the part of it that names the culprit.
type Error struct {
	Code    Code
	Flags   Flags
	Text    string
	Subject string
}

func (e *Error) Error() string { return e.Text }

// Errorf makes an error of a code.
func Errorf(code Code, format string, values ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, values...)}
}

// about names the culprit, the way in which O1 wants it.
func about(code Code, subject, format string, values ...any) *Error {
	return &Error{Code: code, Flags: User, Text: fmt.Sprintf(format, values...), Subject: subject}
}

// errorOf gives every error a code: what ran out of time or was cancelled has its own.
func errorOf(err error) *Error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: Timeout, Flags: Retryable, Text: err.Error()}
	case errors.Is(err, context.Canceled):
		return &Error{Code: Cancelled, Text: err.Error()}
	}
	return &Error{Code: Unavailable, Flags: Retryable, Text: err.Error()}
}

// status packs code and flags as rst_status does.
func status(err error) C.int32_t {
	if err == nil {
		return C.RST_OK
	}
	e := errorOf(err)
	return -C.int32_t(int32(e.Code) | int32(e.Flags)<<8)
}

// write fills an rst_error of the host, or of this side; nil where it is not wanted.
func (e *Error) write(out *C.rst_error) {
	if out == nil {
		return
	}
	*out = C.rst_error{code: C.int32_t(e.Code), flags: C.uint32_t(e.Flags)}
	room := unsafe.Slice((*byte)(unsafe.Pointer(&out.text[0])), len(out.text))
	told := strings.ToValidUTF8(e.Text, "?")
	if cut := len(room); len(told) > cut {
		for !utf8.RuneStart(told[cut]) {
			cut--
		}
		told = told[:cut]
	}
	out.text_len = C.uint16_t(copy(room, told))
	if from := strings.Index(told, e.Subject); e.Subject != "" && from >= 0 {
		out.subject_off, out.subject_len = C.uint16_t(from), C.uint16_t(len(e.Subject))
	}
}

// caught runs code of the author's: a panic is an error (L1).
func caught(run func() error) (err error) {
	defer func() {
		if told := recover(); told != nil {
			err = &Error{Code: Internal, Text: fmt.Sprint("the plugin panicked: ", told)}
		}
	}()
	return run()
}

// pending is no error: exactly one completion follows.
var pending = errors.New("pending")

// verb runs the body of one: what it returns, and what it panics with, becomes the verb's answer.
func verb(out *C.rst_error, body func() error) C.int32_t {
	err := caught(body)
	switch err {
	case nil:
		return C.RST_DONE
	case pending:
		return C.RST_PENDING
	}
	e := errorOf(err)
	e.write(out)
	return -C.int32_t(e.Code)
}
