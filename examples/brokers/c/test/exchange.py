#!/usr/bin/env python3
"""A service on the directory broker, and this program, which knows nothing but README.md: each reads what the other wrote, and
nothing is lost however often processes are killed.

    exchange.py SERVICE PLUGIN
"""
import fcntl
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

WAIT_S = 30
MESSAGES, KILLS = 1500, 25


class Spool:
    """README.md, "What lies where" and "A message's file"."""

    def __init__(self, root):
        self.root, self.written = root, 0

    def group(self, topic, group):
        return self.root / "topics" / topic / group

    def make_group(self, topic, group):
        with open(self.root / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for part in ("taken", "later", "rejected", "new"):
                (self.group(topic, group) / part).mkdir(parents=True, exist_ok=True)

    def publish(self, topic, group, payload, headers=()):
        lines = [b".%s=%s" % (quote_from_bytes(name, safe="").encode(), quote_from_bytes(value, safe="").encode()) for name, value in headers]
        self.put(topic, group, b"\n".join([b"dir1 %d" % len(payload), *lines, b"", payload]))

    def put(self, topic, group, content):
        self.written += 1
        draft = self.root / "tmp" / f"exchange.{self.written}"
        draft.write_bytes(content)
        draft.rename(self.group(topic, group) / "new" / f"{time.time_ns():020d}.exchange-{self.written}.1")

    def take(self, topic, group):
        """All that waits, oldest first, as (payload, headers); the only one in its group needs no `taken`."""
        for file in sorted((self.group(topic, group) / "new").iterdir()):
            head, payload = file.read_bytes().split(b"\n\n", 1)
            first, *lines = head.split(b"\n")
            assert first == b"dir1 %d" % len(payload), first
            headers = [tuple(map(unquote_to_bytes, line[1:].split(b"=", 1))) for line in lines if line.startswith(b".")]
            file.unlink()
            yield payload, headers

    def left(self, topic, group):
        return [str(file) for part in ("new", "taken", "later") for file in (self.group(topic, group) / part).iterdir()]


class Exchange(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.spool = Spool(self.root)
        self.spool.make_group("in", "workers")
        self.spool.make_group("out", "exchange")
        for folder in ("tmp", "owners"):
            (self.root / folder).mkdir()

    def start(self):
        service = subprocess.Popen([SERVICE, "--broker", f"dir://{self.root}", "--set", f"plugin.path={PLUGIN}"])
        self.addCleanup(lambda: (service.kill(), service.wait()))
        return service

    def stop(self, *services):
        for service in services:
            service.terminate()
            self.assertEqual(service.wait(WAIT_S), 0)

    def until(self, holds, what):
        end = time.monotonic() + WAIT_S
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.01)

    def next(self):
        came = []
        self.until(lambda: came.extend(self.spool.take("out", "exchange")) or came, "nothing comes out")
        return came

    def test_each_reads_what_the_other_wrote(self):
        service = self.start()
        payload, headers = bytes(range(256)), [(b"plain", b"text"), (b"A b:c=%", "grüße\n".encode()), (b"plain", b"")]
        self.spool.publish("in", "workers", payload, headers)
        [(got, got_headers)] = self.next()
        self.assertEqual(got, payload)
        self.assertEqual([each for each in got_headers if each in headers], headers)
        self.until(lambda: not self.spool.left("in", "workers"), "it is acknowledged")
        self.stop(service)
        self.assertEqual(list((self.root / "owners").iterdir()), [])

    def test_what_is_no_message_harms_no_other(self):
        odd = [b"", b"dir1 5\n\nhell", b"dir1 0\n.a=%4\n\n", b"dir1 1\nno field\n\nx", b"\0" * 5000]
        for content in odd:
            self.spool.put("in", "workers", content)
        self.spool.publish("in", "workers", b"good")
        service = self.start()
        self.assertEqual([payload for payload, _ in self.next()], [b"good"])
        rejected = sorted(self.spool.group("in", "workers").glob("rejected/*"))
        self.assertEqual([file.read_bytes() for file in rejected], odd)
        self.stop(service)

    def test_kills_lose_nothing(self):
        services = [self.start(), self.start()]
        wanted = {b"%d" % i for i in range(MESSAGES)}
        seen, came, kills = set(), 0, 0
        pending = sorted(wanted)
        end = time.monotonic() + 3 * WAIT_S
        while (seen != wanted or kills < KILLS) and time.monotonic() < end:
            for payload in [pending.pop() for _ in range(min(len(pending), MESSAGES // KILLS))]:
                self.spool.publish("in", "workers", payload)
            time.sleep(random.uniform(0.02, 0.3))
            for payload, _ in self.spool.take("out", "exchange"):
                seen.add(payload)
                came += 1
            if kills < KILLS:
                victim = random.randrange(2)
                services[victim].kill()
                services[victim].wait()
                services[victim] = self.start()
                kills += 1
        self.assertEqual(wanted - seen, set(), "lost")
        self.until(lambda: not self.spool.left("in", "workers"), "all is acknowledged")
        self.stop(*services)
        self.assertEqual([list((self.root / folder).iterdir()) for folder in ("owners", "tmp")], [[], []], "left by the dead")
        print(f"{kills} kills, {came - len(seen)} of {came} came more than once", file=sys.stderr)


if __name__ == "__main__":
    SERVICE, PLUGIN = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main(verbosity=2)
