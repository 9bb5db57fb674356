// A service on the NATS plugin and nats.go, each reading what the other wrote: headers, request-reply, acknowledgements,
// redelivery. NATS_URL is the server's, SERVICE the program, PLUGIN the binary that it loads.
package interop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const wait = 10 * time.Second

var headers = nats.Header{"Plain": {"text"}, "case-Kept": {"a: b"}, "Utf8": {"grüße"}}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sameHeaders(t *testing.T, got nats.Header) {
	t.Helper()
	for name, values := range headers {
		if len(got[name]) != 1 || got[name][0] != values[0] {
			t.Errorf("header %s: %q, not %q", name, got[name], values)
		}
	}
}

func message(subject, payload string, more ...string) *nats.Msg {
	made := &nats.Msg{Subject: subject, Data: []byte(payload), Header: nats.Header{}}
	for name, values := range headers {
		made.Header[name] = values
	}
	for i := 0; i < len(more); i += 2 {
		made.Header[more[i]] = []string{more[i+1]}
	}
	return made
}

func TestInterop(t *testing.T) {
	about, end := context.WithTimeout(context.Background(), 2*time.Minute)
	defer end()
	client, err := nats.Connect(os.Getenv("NATS_URL"))
	check(t, err)
	defer client.Close()
	streams, err := jetstream.New(client)
	check(t, err)
	_, err = streams.CreateStream(about, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.*"}})
	check(t, err)
	_, err = streams.CreateStream(about, jetstream.StreamConfig{Name: "DONE", Subjects: []string{"done"}})
	check(t, err)
	service := exec.CommandContext(about, os.Getenv("SERVICE"), "--broker", os.Getenv("NATS_URL"), "--set", "plugin.path="+os.Getenv("PLUGIN"))
	service.Stdout, service.Stderr = os.Stdout, os.Stderr
	check(t, service.Start())
	defer func() {
		check(t, service.Process.Signal(syscall.SIGTERM))
		check(t, service.Wait())
	}()
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) { // until it answers
		if _, err = client.Request("twice", []byte(`{"n":0}`), time.Second); err == nil {
			break
		} else if time.Since(start) > wait {
			t.Fatal("the service does not answer: ", err)
		}
	}

	t.Run("PayloadAndHeadersGoThereAndBack", func(t *testing.T) {
		back, err := client.SubscribeSync("back")
		check(t, err)
		for _, payload := range []string{"", "text", "\x00\r\n\xff", string(bytes.Repeat([]byte("x"), 500_000))} {
			check(t, client.PublishMsg(message("echo.a.b", payload, "To", "back")))
			got, err := back.NextMsg(wait)
			check(t, err)
			if string(got.Data) != payload {
				t.Errorf("%d bytes came back of %d", len(got.Data), len(payload))
			}
			sameHeaders(t, got.Header)
		}
	})

	t.Run("ARequestIsAnswered", func(t *testing.T) {
		reply, err := client.Request("twice", []byte(`{"n":-5}`), wait)
		check(t, err)
		if string(reply.Data) != `{"n":-10}` {
			t.Errorf("%s", reply.Data)
		}
	})

	t.Run("AcknowledgementsAndRedeliveriesAreCountedOnBothSides", func(t *testing.T) {
		for _, payload := range []string{"first", "second", "third"} {
			until := map[string]string{"first": "1", "second": "3", "third": "1"}[payload]
			_, err := streams.PublishMsg(about, message("orders.new", payload, "Fail-Until", until))
			check(t, err)
		}
		done, err := streams.CreateConsumer(about, "DONE", jetstream.ConsumerConfig{Durable: "go", AckPolicy: jetstream.AckExplicitPolicy})
		check(t, err)
		for _, last := range []bool{false, true} { // each is refused once by nats.go
			for range 3 {
				got, err := done.Next(jetstream.FetchMaxWait(wait))
				check(t, err)
				sameHeaders(t, got.Headers())
				about, err := got.Metadata()
				check(t, err)
				want := map[string]string{"first": "1", "second": "3", "third": "1"}[string(got.Data())]
				if attempt := got.Headers().Get("Attempt"); attempt != want || (about.NumDelivered == 2) != last {
					t.Errorf("%s: attempt %s, not %s; delivered %d times", got.Data(), attempt, want, about.NumDelivered)
				}
				if last {
					check(t, got.DoubleAck(context.Background()))
				} else {
					check(t, got.NakWithDelay(time.Second))
				}
			}
		}
		workers, err := streams.Consumer(about, "ORDERS", "workers")
		check(t, err)
		var info *jetstream.ConsumerInfo
		for start := time.Now(); time.Since(start) < wait; time.Sleep(100 * time.Millisecond) { // an acknowledgement follows what is done
			info, err = workers.Info(about)
			check(t, err)
			if info.AckFloor.Stream == 3 {
				break
			}
		}
		if info.AckFloor.Stream != 3 || info.NumAckPending != 0 || info.Delivered.Consumer != 5 { // the second one three times
			t.Errorf("ack floor %d, pending %d, delivered %d", info.AckFloor.Stream, info.NumAckPending, info.Delivered.Consumer)
		}
	})
}
