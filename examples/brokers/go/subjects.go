package main

import (
	"strings"

	"ruststream.org/plugin"
)

const longestSubject = 4000

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
		if _, _, err := listenAt(asked.Options.Text("listen")); err != nil {
			report.Issue(plugin.BadOption, "listen", "option `listen` must be host:port: %v", err)
		}
	case *plugin.SubscriptionSpec:
		if len(asked.Addresses) == 0 {
			report.Issue(plugin.Invalid, "", "a subscription has at least one address")
		}
		for _, each := range asked.Addresses {
			if !isSubject(each) {
				report.Issue(plugin.Invalid, each, "`%s` is no subject: tokens between dots, `>` only as the last", each)
			}
		}
		if asked.Group != "" && !isWord(asked.Group) {
			report.Issue(plugin.Invalid, asked.Group, "group `%s` has a space or a control character", asked.Group)
		}
		if asked.Kind == stored {
			if len(asked.Addresses) > 1 {
				report.Issue(plugin.Invalid, "", "a subscription of kind `stored` has one address")
			}
			report.AckDeadline = asked.Options.Duration("ack_wait")
		} else if asked.Durable != "" {
			report.Issue(plugin.Unsupported, "", "kind `core` keeps nothing for who does not listen")
		}
	case *plugin.PublisherSpec:
		if asked.Destination != "" && (!isSubject(asked.Destination) || hasWildcard(asked.Destination)) {
			report.Issue(plugin.Invalid, asked.Destination, "`%s` is no subject to publish to", asked.Destination)
		}
	}
}
