#!/usr/bin/env python3
"""A service on the Redis plugin, which is written in Rust, and redis-py, each reading what the other wrote. Between two
channels lies the minimal broker, which is written in C++.

    redis_py.py SERVICE REDIS MINIMAL VENV        two plugins; VENV: where the client library is put, once
"""
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from nats_py import with_library

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))
from redis_server import RedisServer  # noqa: E402

WAIT_S = 10
POLL_S = 0.05
STOPPED_S = 0.5  # after which the server has answered the read that the service was stopped in
IDLE_MS = 3_600_000
BYTES = bytes(range(256))
HEADERS = {b"Plain": b"text", b"case-Kept": b"a: b", b"Utf8": "grüße".encode(), b"raw": BYTES, b"empty": b""}


class Interop(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.client = redis.Redis(port=self.server.port)
        self.addCleanup(self.client.close)
        brokers = [word for name in ("in", "out") for word in ("--broker", f"{name}={self.server.url}")]
        self.service = subprocess.Popen([SERVICE, *brokers, *(word for plugin in PLUGINS for word in ("--plugin", plugin))])
        self.addCleanup(self.end_service)
        self.until(lambda: self.client.pubsub_numpat() == 1 and self.client.exists("orders"), "the service subscribes")

    def end_service(self):
        self.service.terminate()
        self.assertEqual(self.service.wait(WAIT_S), 0)

    def until(self, there, what):
        until = time.monotonic() + WAIT_S
        while not there():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(POLL_S)

    def done(self, count):
        """So many entries of the stream that the service fills, by a consumer group of redis-py."""
        self.client.xgroup_create("done", "py", id="0", mkstream=True)
        found = []
        while len(found) < count:
            read = self.client.xreadgroup("py", "me", {"done": ">"}, count=count, block=WAIT_S * 1000)
            self.assertTrue(read, f"{count} entries come, not {len(found)}")
            found += read[0][1]
        return found

    def test_payloads_go_from_channel_to_channel_through_another_broker(self):
        back = self.client.pubsub(ignore_subscribe_messages=True)
        self.addCleanup(back.close)
        back.subscribe("echoed")
        self.until(lambda: dict(self.client.pubsub_numsub("echoed"))[b"echoed"] == 1, "redis-py subscribes")
        for payload in (b"", b"text", BYTES, b"x" * 500_000):
            self.assertEqual(self.client.publish("echo.a", payload), 1)
            message, until = None, time.monotonic() + WAIT_S
            while message is None and time.monotonic() < until:
                message = back.get_message(timeout=1)
            self.assertEqual(message["data"], payload)

    def test_entries_go_from_stream_to_stream_with_their_fields(self):
        for payload in (b"", b"text", BYTES):
            self.client.xadd("orders", {b"payload": payload, **HEADERS})
        for (_, fields), payload in zip(self.done(3), (b"", b"text", BYTES)):
            self.assertEqual(fields, {b"payload": payload, **HEADERS, b"Attempt": b"1"})
        self.until(lambda: self.client.xpending("orders", "workers")["pending"] == 0, "the service acknowledges")

    def test_what_fails_comes_again_and_the_server_counts(self):
        for payload, until in ((b"first", b"1"), (b"second", b"3"), (b"third", b"1")):
            self.client.xadd("orders", {b"payload": payload, b"Fail-Until": until})
        attempts = {fields[b"payload"]: fields[b"Attempt"] for _, fields in self.done(3)}
        self.assertEqual(attempts, {b"first": b"1", b"second": b"3", b"third": b"1"})
        self.until(lambda: self.client.xpending("orders", "workers")["pending"] == 0, "the service acknowledges")

    def test_a_consumer_of_redis_py_in_the_group_has_its_share(self):
        mine, count = 0, 200
        for number in range(count):
            self.client.xadd("orders", {b"payload": str(number)})
            for _, entries in self.client.xreadgroup("workers", "me", {"orders": ">"}, count=1):
                mine += len(entries)
                self.client.xack("orders", "workers", *[entry for entry, _ in entries])
        self.until(lambda: self.client.xlen("done") + mine == count, "each entry is done once")
        self.until(lambda: self.client.xpending("orders", "workers")["pending"] == 0, "all are acknowledged")
        self.assertGreater(self.client.xlen("done"), 0)

    def test_what_a_consumer_of_redis_py_left_is_taken_over_after_ack_wait(self):
        self.service.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        self.client.xadd("orders", {b"payload": b"left"})
        [(_, [(entry, _)])] = self.client.xreadgroup("workers", "me", {"orders": ">"})
        self.client.xclaim("orders", "workers", "me", 0, [entry], idle=IDLE_MS, justid=True)  # as if it were long ago
        self.service.send_signal(signal.SIGCONT)
        [(_, fields)] = self.done(1)
        self.assertEqual((fields[b"payload"], fields[b"Attempt"]), (b"left", b"2"))


if __name__ == "__main__":
    SERVICE, *PLUGINS, VENV = sys.argv[1:5]
    try:
        import redis
    except ModuleNotFoundError:
        with_library(Path(VENV))
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
