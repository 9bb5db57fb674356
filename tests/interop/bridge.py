#!/usr/bin/env python3
"""A service bridges brokers whose plugins are written in C, Go and Rust: what this program puts into a directory it finds in
Redis, each message once, also when the service is stopped in the middle and started again.

    bridge.py SERVICE DIR NATSD REDIS VENV        three plugins; VENV: where the client libraries are put, once
"""
import asyncio
import collections
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from nats_py import with_library

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "servers"), str(HERE.parent.parent / "examples/brokers/c/test")]
from exchange import Spool  # noqa: E402
from redis_server import RedisServer, free_port  # noqa: E402

WAIT_S = 120
POLL_S = 0.01
MESSAGES = 10_000
ACK_WAIT = "10s"  # what was given back when a server of NATS ended comes again after it


def body(number):
    """Follows from the number; some are short, some long."""
    return b"%d " % number + b"x" * (number * 37 % 4000)


class Bridge(unittest.TestCase):
    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.sink = redis.Redis(port=self.server.port)
        self.addCleanup(self.sink.close)
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.spool = Spool(self.root / "spool")
        for folder in ("tmp", "owners"):
            (self.spool.root / folder).mkdir(parents=True)
        self.spool.make_group("in", "bridge")

    def start(self):
        self.port = free_port()
        brokers = {"spool": f"dir://{self.spool.root}", "bus": "natsd:", "sink": self.server.url}
        settings = {"bus.store": self.root / "store", "bus.listen": f"127.0.0.1:{self.port}"}
        words = [word for name, url in brokers.items() for word in ("--broker", f"{name}={url}")]
        words += [word for key, value in settings.items() for word in ("--set", f"broker.{key}={value}")]
        words += ["--set", f"subscription.bus.ack_wait={ACK_WAIT}"]
        words += [word for plugin in PLUGINS for word in ("--plugin", plugin)]
        service = subprocess.Popen([SERVICE, *words])
        self.addCleanup(lambda: (service.kill(), service.wait()))
        return service

    def stop(self, service):
        service.terminate()
        self.assertEqual(service.wait(WAIT_S), 0)
        for folder in ("owners", "tmp", "topics/in/bridge/taken"):
            self.assertEqual(list((self.spool.root / folder).iterdir()), [], "what it had it has given back")

    def until(self, holds, what, service):
        end = time.monotonic() + WAIT_S
        while not holds():
            self.assertIsNone(service.poll(), "the service has ended")
            self.assertLess(time.monotonic(), end, what)
            time.sleep(POLL_S)

    def on_the_bus(self):
        """How many messages the server in the service keeps, as nats-py sees it."""

        async def ask():
            async with await nats.connect(f"nats://127.0.0.1:{self.port}") as client:
                return (await client.jetstream().stream_info("STORED")).state.messages

        return asyncio.run(ask())

    def test_each_message_arrives_once_over_a_stop_in_the_middle(self):
        for number in range(MESSAGES):
            self.spool.publish("in", "bridge", body(number), [(b"Number", b"%d" % number)])
        service = self.start()
        self.until(lambda: self.sink.xlen("done") > MESSAGES // 4, "a quarter arrives", service)
        self.stop(service)
        waiting, arrived = len(self.spool.left("in", "bridge")), self.sink.xlen("done")
        self.assertLess(arrived, MESSAGES, "it was stopped in the middle")

        service = self.start()
        self.until(lambda: self.sink.xlen("done") >= MESSAGES, "the rest arrives", service)
        self.until(lambda: self.on_the_bus() == 0, "all is acknowledged on the bus", service)
        self.stop(service)
        self.assertEqual(self.spool.left("in", "bridge"), [])
        came = collections.Counter()
        for _, fields in self.sink.xrange("done"):
            came[fields[b"Number"], fields[b"payload"]] += 1
        self.assertEqual(came, collections.Counter((b"%d" % number, body(number)) for number in range(MESSAGES)))
        print(f"stopped with {arrived} of {MESSAGES} in Redis, {waiting} in the directory, {MESSAGES - arrived - waiting} in natsd",
              file=sys.stderr)


if __name__ == "__main__":
    SERVICE, *PLUGINS, VENV = sys.argv[1:6]
    try:
        import nats
        import redis
    except ModuleNotFoundError:
        with_library(Path(VENV))
    unittest.main(argv=[sys.argv[0], *sys.argv[6:]], verbosity=2)
