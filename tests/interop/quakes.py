#!/usr/bin/env python3
"""examples/quakes does the same work on NATS as on the memory broker, the feed published by nats-py from another process.

    quakes.py QUAKES FOLDER PLUGIN VENV        FOLDER: of the example; VENV: where the client library is put, once
"""
import asyncio
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

from nats_py import with_library

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))
from nats_server import NatsServer  # noqa: E402

WAIT_S = 60
TROUBLE = re.compile(r"Z (warn|error) ")
BATCHES = re.compile(r"received in \d+ batches")  # how many there are is a matter of time


def feed():
    return (FOLDER / "data/earthquakes.ndjson").read_bytes().splitlines()


class Quakes(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = NatsServer()
        self.addCleanup(self.server.close)
        self.client = await nats.connect(self.server.url)

    async def asyncTearDown(self):
        await self.client.close()

    async def publish(self):
        for line in feed():
            await self.client.publish("quakes.event." + json.loads(line)["properties"]["net"], line)
        await self.client.flush()

    async def run_quakes(self, *words, publishes=True):
        """What it prints at its end and counts when it stops; it has nothing to complain of."""
        service = await asyncio.create_subprocess_exec(QUAKES, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: service.returncode is None and service.kill())
        log = b""
        while b"started" not in log:
            line = await asyncio.wait_for(service.stderr.readline(), WAIT_S)
            self.assertTrue(line, log.decode())
            log += line
        if publishes:
            await self.publish()
        out, rest = await asyncio.wait_for(service.communicate(), WAIT_S)
        log = (log + rest).decode()
        self.assertEqual(service.returncode, 0, log)
        self.assertEqual([line for line in log.splitlines() if TROUBLE.search(line) and "at most once" not in line], [])
        return BATCHES.sub("received", out.decode()), re.search("stopped: .*", log)[0]

    def on_nats(self, *words, publishes=True):
        return self.run_quakes("--broker", self.server.url, "--plugin", PLUGIN, "--set", f"app.events={len(feed())}", *words,
                               publishes=publishes)

    async def test_the_summary_is_the_same_on_each_kind(self):
        memory = await self.run_quakes(publishes=False)
        self.assertIn(f"{len(feed())} events", memory[0])
        self.assertEqual(await self.on_nats(), memory)
        stream = await self.client.jetstream().add_stream(name="QUAKES", subjects=["quakes.>"])
        self.assertEqual(stream.state.messages, 0)
        on_jetstream = ("--config", str(FOLDER / "jetstream.toml"))
        self.assertEqual(await self.on_nats(*on_jetstream), memory)
        alerts = int(re.search(r"(\d+) alerts", memory[0])[1])
        self.assertEqual((await self.client.jetstream().stream_info("QUAKES")).state.messages, len(feed()) + alerts)

    async def test_a_stream_keeps_the_feed_until_the_service_comes(self):
        await self.client.jetstream().add_stream(name="QUAKES", subjects=["quakes.>"])
        await self.publish()
        memory = await self.run_quakes(publishes=False)
        self.assertEqual(await self.on_nats("--config", str(FOLDER / "jetstream.toml"), publishes=False), memory)


if __name__ == "__main__":
    QUAKES, FOLDER, PLUGIN, VENV = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:5]
    try:
        import nats
    except ModuleNotFoundError:
        with_library(Path(VENV))
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
