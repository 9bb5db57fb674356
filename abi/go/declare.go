package plugin

// #include "glue.h"
import "C"

import (
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// Capabilities; what each limit means is in ruststream/abi/kind.h. Declare only what the conformance runner observes.
const (
	CapSettle         = C.RST_CAP_SETTLE
	CapSettleConfirm  = C.RST_CAP_SETTLE_CONFIRM
	CapRetry          = C.RST_CAP_RETRY
	CapRetryAfter     = C.RST_CAP_RETRY_AFTER
	CapRetryPosition  = C.RST_CAP_RETRY_POSITION
	CapRelease        = C.RST_CAP_RELEASE
	CapReject         = C.RST_CAP_REJECT
	CapExtend         = C.RST_CAP_EXTEND
	CapAttempt        = C.RST_CAP_ATTEMPT
	CapOverflow       = C.RST_CAP_OVERFLOW
	CapGroup          = C.RST_CAP_GROUP
	CapWildcard       = C.RST_CAP_WILDCARD
	CapPublishConfirm = C.RST_CAP_PUBLISH_CONFIRM
	CapPublishOrder   = C.RST_CAP_PUBLISH_ORDER
	CapKey            = C.RST_CAP_KEY
	CapHeaders        = C.RST_CAP_HEADERS
	CapPayload        = C.RST_CAP_PAYLOAD
	CapMaxPayload     = C.RST_CAP_MAX_PAYLOAD
	CapMaxHeaders     = C.RST_CAP_MAX_HEADERS
	CapDeduplicate    = C.RST_CAP_DEDUPLICATE

	Copy   = C.RST_LEVEL_COPY
	Held   = C.RST_LEVEL_HELD
	Fixed  = C.RST_LEVEL_FIXED
	Native = C.RST_LEVEL_NATIVE

	Conditional = C.RST_CAP_CONDITIONAL
	Counted     = C.RST_CAP_COUNTED
	LosesOrder  = C.RST_CAP_LOSES_ORDER

	RetryFront    = C.RST_RETRY_FRONT
	RetryBack     = C.RST_RETRY_BACK
	OverflowBlock = C.RST_OVERFLOW_BLOCK
	OverflowDrop  = C.RST_OVERFLOW_DROP

	HeadersAnyValue   = C.RST_HEADERS_ANY_VALUE
	HeadersAnyName    = C.RST_HEADERS_ANY_NAME
	HeadersOrder      = C.RST_HEADERS_ORDER
	HeadersDuplicates = C.RST_HEADERS_DUPLICATES
	HeadersEmpty      = C.RST_HEADERS_EMPTY
	HeadersCase       = C.RST_HEADERS_CASE
	PayloadEmpty      = C.RST_PAYLOAD_EMPTY
	PayloadBytes      = C.RST_PAYLOAD_BYTES

	RoleSubscription = C.RST_ROLE_SUBSCRIPTION
	RolePublisher    = C.RST_ROLE_PUBLISHER

	ScopeConnection   = C.RST_SCOPE_CONNECTION
	ScopeSubscription = C.RST_SCOPE_SUBSCRIPTION
	ScopePublisher    = C.RST_SCOPE_PUBLISHER

	TypeBool     = C.RST_TYPE_BOOL
	TypeU64      = C.RST_TYPE_U64
	TypeString   = C.RST_TYPE_STRING
	TypeDuration = C.RST_TYPE_DURATION
	TypeSize     = C.RST_TYPE_SIZE
	TypeEnum     = C.RST_TYPE_ENUM
	TypePath     = C.RST_TYPE_PATH

	UnitNone    = C.RST_UNIT_NONE
	UnitSecond  = C.RST_UNIT_SECOND
	UnitByte    = C.RST_UNIT_BYTE
	UnitMessage = C.RST_UNIT_MESSAGE

	Required = C.RST_OPTION_REQUIRED
	Secret   = C.RST_OPTION_SECRET
)

// Capability is one ability of a kind; Level 0 means Native.
type Capability struct {
	ID    uint32
	Level uint16
	Flags uint16
	Limit uint64
}

// Kind is one kind of subscriptions and publishers; the first one is the default.
type Kind struct {
	Name  string
	Doc   string // one line
	Roles uint32
	Caps  []Capability
}

func (k *Kind) capability(id uint32) *Capability {
	for i := range k.Caps {
		if k.Caps[i].ID == id {
			return &k.Caps[i]
		}
	}
	return nil
}

func (k *Kind) can(id uint32) bool { return k.capability(id) != nil }

// limit is that of an ability, `otherwise` where it says none, 0 where the kind has it not.
func (k *Kind) limit(id uint32, otherwise uint64) uint64 {
	found := k.capability(id)
	if found == nil {
		return 0
	}
	if found.Limit == 0 {
		return otherwise
	}
	return found.Limit
}

// Option is one declared option.
type Option struct {
	Name    string
	Doc     string // one line
	Default string // as a user would write it; empty: none
	Type    uint16
	Unit    uint16
	Scopes  uint32
	Flags   uint32
	Min     int64 // Min == Max == 0: no range
	Max     int64
	Choices []string
	Kinds   uint64 // bit per index of Kinds; 0: all
}

func (o *Option) appliesTo(scope uint32, kind int) bool {
	return o.Scopes&scope != 0 && (kind < 0 || o.Kinds == 0 || o.Kinds>>kind&1 != 0)
}

var units = []struct {
	suffix string
	kind   uint16
	factor uint64
}{
	{"ns", TypeDuration, 1}, {"us", TypeDuration, 1e3}, {"ms", TypeDuration, 1e6}, {"s", TypeDuration, 1e9},
	{"m", TypeDuration, 60e9}, {"h", TypeDuration, 3600e9},
	{"KiB", TypeSize, 1 << 10}, {"MiB", TypeSize, 1 << 20}, {"GiB", TypeSize, 1 << 30}, {"B", TypeSize, 1},
}

// number is a declared default as the host would pass it.
func (o *Option) number() uint64 {
	if o.Default == "true" {
		return 1
	}
	digits, factor := o.Default, uint64(1)
	for _, unit := range units {
		if bare := strings.TrimSuffix(o.Default, unit.suffix); unit.kind == o.Type && bare != o.Default {
			if _, err := strconv.ParseUint(bare, 10, 64); err == nil {
				digits, factor = bare, unit.factor
			}
		}
	}
	number, _ := strconv.ParseUint(digits, 10, 64)
	return number * factor
}

// Options are those of one spec, by name, with the declared defaults.
type Options map[string]value

type value struct {
	number uint64
	text   string
}

func (o Options) Text(name string) string            { return o[name].text }
func (o Options) Number(name string) uint64          { return o[name].number }
func (o Options) Bool(name string) bool              { return o[name].number != 0 }
func (o Options) Duration(name string) time.Duration { return time.Duration(o[name].number) }

// optionsOf copies validated options of one scope.
func (p *Plugin) optionsOf(scope uint32, first *C.rst_option, count C.uint32_t) Options {
	options := Options{}
	for i := range p.Options {
		if each := &p.Options[i]; each.Scopes&scope != 0 && each.Default != "" {
			options[each.Name] = value{each.number(), each.Default}
		}
	}
	for _, each := range unsafe.Slice(first, int(count)) {
		if int(each.decl) >= len(p.Options) {
			continue
		}
		given := value{number: uint64(C.rst_go_value_u64(&each.value))}
		switch each.value._type {
		case C.RST_TYPE_STRING, C.RST_TYPE_ENUM, C.RST_TYPE_PATH, C.RST_TYPE_URL:
			given.text = C.GoStringN((*C.char)(C.rst_go_value_ptr(&each.value)), C.int(each.value.len))
		}
		options[p.Options[each.decl].Name] = given
	}
	return options
}
