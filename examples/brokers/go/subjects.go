package main

import (
	"strings"

	"ruststream.org/plugin"
)

// longestSubject: the server ends a connection whose line of the protocol is over 4096 bytes; a line has two subjects, or
// one with a group, at most.
const longestSubject = 1900

func isName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(c rune) bool { return c <= 0x20 || c >= 0x7F || c == ':' }) < 0
}

// isWord has nothing that ends a word of the protocol.
func isWord(text string) bool {
	return text != "" && len(text) <= longestSubject && strings.IndexFunc(text, func(c rune) bool { return c <= 0x20 || c == 0x7F }) < 0
}

// isSubject: tokens between dots, `>` only as the last one.
func isSubject(subject string) bool {
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		if token == "" || (token == ">" && i != len(tokens)-1) {
			return false
		}
	}
	return isWord(subject)
}

func hasWildcard(subject string) bool {
	for _, token := range strings.Split(subject, ".") {
		if token == "*" || token == ">" {
			return true
		}
	}
	return false
}

func validate(spec any, report *plugin.Report) {
	switch asked := spec.(type) {
	case *plugin.ConnectionSpec:
		if rest := strings.TrimPrefix(asked.URL, "natsd:"); rest != "" && rest != "//" { // not shown: it may hold a secret
			report.Issue(plugin.Invalid, "natsd:", "nothing may follow `natsd:`, which carries its own server; option `listen` says where it listens")
		}
		if _, _, err := listenAt(asked.Options.Text("listen")); err != nil {
			report.Issue(plugin.BadOption, "listen", "option `listen` must be host:port: %v", err)
		}
	case *plugin.SubscriptionSpec:
		if len(asked.Addresses) == 0 {
			report.Issue(plugin.Invalid, "", "a subscription has at least one address")
		}
		for _, each := range asked.Addresses {
			if !isSubject(each) {
				report.Issue(plugin.Invalid, each, "`%s` is no subject: at most %d bytes, tokens between dots, `>` only as the last", each, longestSubject)
			}
		}
		if asked.Group != "" && !isWord(asked.Group) {
			report.Issue(plugin.Invalid, asked.Group, "group `%s` has a space, a control character or more than %d bytes", asked.Group, longestSubject)
		}
		if asked.Kind == stored {
			if len(asked.Addresses) > 1 {
				report.Issue(plugin.Invalid, "", "a subscription of kind `stored` has one address, not %d", len(asked.Addresses))
			}
			report.AckDeadline = asked.Options.Duration("ack_wait")
		} else if asked.Durable != "" {
			report.Issue(plugin.Unsupported, asked.Durable, "kind `core` keeps nothing for `%s` while it does not listen; use kind `stored`", asked.Durable)
		}
	case *plugin.PublisherSpec:
		if asked.Destination != "" && (!isSubject(asked.Destination) || hasWildcard(asked.Destination)) {
			report.Issue(plugin.Invalid, asked.Destination, "`%s` is no subject to publish to", asked.Destination)
		}
	}
}
