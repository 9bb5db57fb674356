package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"ruststream.org/plugin"
)

// broker is one instance: its servers live from their first connection to the end of the instance, by where they listen.
type broker struct {
	mu      sync.Mutex
	servers map[string]*server
}

type server struct {
	*natsd.Server
	refusal string // what it said last when it could not go on
}

// The server's own log: only what it cannot go on from is kept, for the error.
func (s *server) Fatalf(format string, values ...any) { s.refusal = fmt.Sprintf(format, values...) }
func (s *server) Errorf(string, ...any)               {}
func (s *server) Warnf(string, ...any)                {}
func (s *server) Noticef(string, ...any)              {}
func (s *server) Debugf(string, ...any)               {}
func (s *server) Tracef(string, ...any)               {}

const startTimeout = 4 * time.Second

// at starts a server, or finds the one that listens there already.
func (b *broker) at(listen string) (*server, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if running := b.servers[listen]; running != nil {
		return running, nil
	}
	host, port, err := listenAt(listen)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = natsd.RANDOM_PORT
	}
	made, err := natsd.NewServer(&natsd.Options{Host: host, Port: port, NoSigs: true, MaxPayload: maxPayload + maxHeaders})
	if err != nil {
		return nil, plugin.Errorf(plugin.Unavailable, "the server does not start: %v", err)
	}
	s := &server{Server: made}
	s.SetLoggerV2(s, false, false, false)
	go s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, plugin.Errorf(plugin.Unavailable, "the server does not listen on `%s`: %s; choose another port", listen, s.refusal)
	}
	b.servers[listen] = s
	return s, nil
}

func listenAt(listen string) (string, int, error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return host, int(port), err
}

// Connect has nobody to wait for but the server in this process: the connection is a pipe.
func (b *broker) Connect(_ context.Context, object *plugin.Object, spec *plugin.ConnectionSpec) (plugin.Connection, error) {
	s, err := b.at(spec.Options.Text("listen"))
	if err != nil {
		return nil, err
	}
	client, err := nats.Connect(s.ClientURL(), nats.Name(spec.ClientName), nats.MaxReconnects(-1),
		nats.NoCallbacksAfterClientClose(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { object.Event(plugin.ConnDown, err, 0, "") }),
		nats.ReconnectHandler(func(*nats.Conn) { object.Event(plugin.ConnUp, nil, 0, s.ClientURL()) }))
	if err != nil {
		return nil, err
	}
	object.Log(plugin.LogInfo, "clients reach this server at %s", s.ClientURL())
	object.Event(plugin.ConnUp, nil, 0, s.ClientURL())
	return &connection{client: client, queue: int(spec.Options.Number("publish_queue"))}, nil
}

func (b *broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, each := range b.servers {
		each.Shutdown()
		each.WaitForShutdown()
	}
	return nil
}
