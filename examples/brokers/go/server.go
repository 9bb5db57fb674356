package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
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
	folder  string // of JetStream; removed when nobody named it
	passing bool
	lock    *os.File    // of the folder
	refusal chan string // what it says when it cannot go on
}

// The server's own log: only what it cannot go on from is kept, for the error.
func (s *server) Fatalf(format string, values ...any) {
	select {
	case s.refusal <- fmt.Sprintf(format, values...):
	default:
	}
}
func (s *server) Errorf(string, ...any)  {}
func (s *server) Warnf(string, ...any)   {}
func (s *server) Noticef(string, ...any) {}
func (s *server) Debugf(string, ...any)  {}
func (s *server) Tracef(string, ...any)  {}

const (
	startTimeout = 4 * time.Second
	mostStored   = 1 << 30 // bytes; then publishes to kind `stored` fail
)

// at starts a server, or finds the one that listens there already.
func (b *broker) at(listen, store string) (*server, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if running := b.servers[listen]; running != nil {
		if store != "" && store != running.folder {
			return nil, plugin.Errorf(plugin.Precondition, "the server at `%s` has another store than `%s`; let it listen elsewhere", listen, store)
		}
		return running, nil
	}
	s := &server{folder: store, passing: store == "", refusal: make(chan string, 1)}
	if err := s.start(listen); err != nil {
		s.end()
		return nil, err
	}
	b.servers[listen] = s
	return s, nil
}

func (s *server) start(listen string) error {
	host, port, err := listenAt(listen)
	if err != nil {
		return err
	}
	if port == 0 {
		port = natsd.RANDOM_PORT
	}
	if s.passing {
		if s.folder, err = os.MkdirTemp("", "natsd"); err != nil {
			return err
		}
	} else if err := s.claim(); err != nil {
		return err
	}
	s.Server, err = natsd.NewServer(&natsd.Options{Host: host, Port: port, NoSigs: true, MaxPayload: maxPayload + maxHeaders,
		JetStream: true, StoreDir: s.folder, JetStreamMaxMemory: mostStored, JetStreamMaxStore: mostStored})
	if err != nil {
		return plugin.Errorf(plugin.Unavailable, "the server does not start: %v", err)
	}
	s.SetLoggerV2(s, false, false, false)
	go s.Start()
	ready := make(chan bool, 1)
	go func() { ready <- s.ReadyForConnections(startTimeout) }()
	said := fmt.Sprint("not within ", startTimeout)
	select {
	case listens := <-ready:
		if listens {
			return s.fill()
		}
	case said = <-s.refusal:
	}
	return &plugin.Error{Code: plugin.Unavailable, Flags: plugin.Retryable,
		Text: fmt.Sprintf("the server at `%s` does not start: %s; choose another port or store", listen, said)}
}

// claim keeps a second server away from the folder, in this process or another: they would spoil it.
func (s *server) claim() error {
	err := os.MkdirAll(s.folder, 0o750)
	if err == nil {
		s.lock, err = os.OpenFile(filepath.Join(s.folder, "natsd.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	}
	if err != nil {
		return plugin.Errorf(plugin.BadOption, "option `store`: %v; name a folder that can be written", err)
	}
	if syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return plugin.Errorf(plugin.Precondition, "the store `%s` is in use by another server; name another folder", s.folder)
	}
	return nil
}

func (s *server) fill() error {
	if err := s.makeStream(); err != nil || !s.passing {
		return err
	}
	return os.RemoveAll(s.folder) // a stream in memory needs none, and a process that is killed leaves none behind
}

// makeStream makes what kind `stored` keeps its messages in, where the store has none: beside one that is there the server
// finds no room for a second of its size, an equal one too.
func (s *server) makeStream() error {
	client, err := nats.Connect(s.ClientURL())
	if err != nil {
		return err
	}
	defer client.Close()
	streams, err := client.JetStream()
	if err != nil {
		return err
	}
	if _, err = streams.StreamInfo(streamName); !errors.Is(err, nats.ErrStreamNotFound) {
		return err
	}
	config := &nats.StreamConfig{Name: streamName, Subjects: []string{streamPrefix + ">"}, Retention: nats.InterestPolicy,
		Discard: nats.DiscardNew, MaxBytes: mostStored, Duplicates: duplicateWindow}
	if s.passing {
		config.Storage = nats.MemoryStorage
	}
	_, err = streams.AddStream(config)
	return err
}

func (s *server) end() {
	if s.Server != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
	if s.lock != nil {
		s.lock.Close()
	}
	if s.passing && s.folder != "" {
		_ = os.RemoveAll(s.folder)
	}
}

func listenAt(listen string) (string, int, error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return host, int(port), err
}

// Connect has nobody to wait for but the server in this process.
func (b *broker) Connect(_ context.Context, object *plugin.Object, spec *plugin.ConnectionSpec) (plugin.Connection, error) {
	s, err := b.at(spec.Options.Text("listen"), spec.Options.Text("store"))
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
	streams, err := client.JetStream(nats.PublishAsyncMaxPending(mostUnconfirmed * 1024))
	if err != nil {
		client.Close()
		return nil, err
	}
	object.Log(plugin.LogInfo, "clients reach this server at %s", s.ClientURL())
	object.Event(plugin.ConnUp, nil, 0, s.ClientURL())
	return &connection{client: client, streams: streams, queue: int(spec.Options.Number("publish_queue"))}, nil
}

func (b *broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, each := range b.servers {
		each.end()
	}
	return nil
}
