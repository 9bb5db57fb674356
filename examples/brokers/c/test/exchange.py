#!/usr/bin/env python3
"""A service on the directory broker, and this program, which knows nothing but README.md: each reads what the other wrote, and
nothing is lost however often processes are killed.

    exchange.py SERVICE PATIENT PLUGIN
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

WAIT_S = 60  # of a loaded machine
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
        self.until(lambda: self.owned(service) or service.poll() is not None, "it connects")
        return service

    def owned(self, *services):
        return [file.name for one in services for file in (self.root / "owners").glob(f"{one.pid}-*")]

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
        odd = [b"", b"dir1 5\n\nhell", b"dir1 0\n.a=%4\n\n", b"dir1 1\nno field\n\nx", b"\0" * 5000,
               b"dir1 0\n.no-i64:3=%01\n\n", b"dir1 \n\n2\n"]
        for content in odd:
            self.spool.put("in", "workers", content)
        waiting = self.spool.group("in", "workers") / "new"
        (waiting / "0.folder.1").mkdir()
        os.mkfifo(waiting / "0.fifo.1")
        (waiting / "0.link.1").symlink_to("/dev/zero")
        (waiting / f"0.{'long' * 62}.1").write_bytes(b"dir1 0\n\n")
        self.spool.publish("in", "workers", b"good")
        service = self.start()
        self.assertEqual([payload for payload, _ in self.next()], [b"good"])
        rejected = sorted((self.spool.group("in", "workers") / "rejected").iterdir())
        self.assertEqual([file.name[:5] for file in rejected[:4]], ["0.fif", "0.fol", "0.lin", "0.lon"])
        self.assertEqual([file.read_bytes() for file in rejected[4:]], odd)
        self.stop(service)

    def in_flight(self, service):
        return len(list(self.spool.group("in", "workers").glob(f"taken/{service.pid}-*")))

    def test_kills_lose_nothing(self):
        services, wanted, came, held = [self.start(), self.start()], set(), [], 0
        for kill in range(KILLS):
            for i in range(MESSAGES // KILLS):
                wanted.add(b"%d.%d" % (kill, i))
                self.spool.publish("in", "workers", b"%d.%d" % (kill, i))
            self.until(lambda: any(map(self.in_flight, services)), "one of them takes something")
            time.sleep(random.uniform(0, 0.05))
            victim = max(services, key=self.in_flight)
            victim.kill()
            victim.wait()
            held += self.in_flight(victim)
            services[services.index(victim)] = self.start()
            came.extend(payload for payload, _ in self.spool.take("out", "exchange"))
        self.until(lambda: came.extend(payload for payload, _ in self.spool.take("out", "exchange")) or wanted <= set(came), "lost")
        seen = set(came)
        self.assertEqual(seen, wanted)
        self.until(lambda: not self.spool.left("in", "workers"), "all is acknowledged")
        self.until(lambda: len(self.owned(*services)) == len(list((self.root / "owners").iterdir())), "the dead are forgotten")
        self.stop(*services)
        self.assertEqual([list((self.root / folder).iterdir()) for folder in ("owners", "tmp")], [[], []])
        self.assertGreater(held, 0, "nobody who was killed had anything")
        print(f"{KILLS} kills with {held} in flight; of {len(came)} that came {len(came) - len(seen)} had come before", file=sys.stderr)

    def test_a_directory_is_waited_for(self):
        patient = [subprocess.Popen([PATIENT, f"dir://{self.root}/later/x", PLUGIN, seconds]) for seconds in ("2", str(WAIT_S))]
        self.assertEqual(patient[0].wait(WAIT_S), 1)
        self.assertIsNone(patient[1].poll())
        (self.root / "later").mkdir()
        self.assertEqual(patient[1].wait(WAIT_S), 0)
        self.assertEqual([list((self.root / "later/x" / folder).iterdir()) for folder in ("owners", "topics/own")], [[], []])


if __name__ == "__main__":
    SERVICE, PATIENT, PLUGIN = (sys.argv.pop(1) for _ in range(3))
    unittest.main(verbosity=2)
