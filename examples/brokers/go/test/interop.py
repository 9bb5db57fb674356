#!/usr/bin/env python3
"""natsd in a C++ program, and nats-py, which knows nothing of it: each reads what the other wrote.

    interop.py HOST PLUGIN VENV        VENV: where the client library is put, once
"""
import asyncio
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests/interop"))
from nats_py import with_library  # noqa: E402

WAIT_S = 10
HEADERS = {"Plain": "text", "case-Kept": "a: b", "Utf8": "grüße"}


class Interop(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.host = subprocess.Popen([HOST, "echo", PLUGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_host)
        self.url = self.host.stdout.readline().strip()
        self.client = await nats.connect(self.url)

    async def asyncTearDown(self):
        await self.client.close()

    def end_host(self):
        self.host.stdin.close()
        self.assertEqual(self.host.wait(WAIT_S), 0)
        self.host.stdout.close()

    async def test_payload_and_headers_go_there_and_back(self):
        back = await self.client.subscribe("back")
        for payload in (b"", b"text", bytes(range(256)), b"x" * 500_000):
            await self.client.publish("echo.a.b", payload, headers={**HEADERS, "To": "back"})
            message = await back.next_msg(WAIT_S)
            self.assertEqual(message.data, payload)
            self.assertEqual({name: message.headers[name] for name in HEADERS}, HEADERS)

    async def test_many_come_back_in_order(self):
        back = await self.client.subscribe("many")
        for number in range(2000):
            await self.client.publish("echo.many", str(number).encode(), headers={"To": "many"})
        got = [(await back.next_msg(WAIT_S)).data for _ in range(2000)]
        self.assertEqual(got, [str(number).encode() for number in range(2000)])

    async def test_what_is_stored_is_settled_on_both_sides(self):
        streams = self.client.jetstream()
        done = await streams.pull_subscribe("stored.done", durable="py")
        for number in range(20):
            await streams.publish("stored.orders", str(number).encode())
        got = []
        while len(got) < 20:
            for message in await done.fetch(20 - len(got), timeout=WAIT_S):
                got.append((message.data, message.headers["Attempt"]))
                await message.ack()
        self.assertEqual(sorted(got), sorted((str(number).encode(), "2") for number in range(20)))
        for _ in range(WAIT_S * 10):  # settled by all: the stream keeps none
            if (await streams.stream_info("STORED")).state.messages == 0:
                return
            await asyncio.sleep(0.1)
        self.fail("something is left in the stream")

    async def test_what_was_given_back_comes_again_when_the_server_does(self):
        with tempfile.TemporaryDirectory() as store:
            for mode in ("leave", "again"):
                subprocess.run([HOST, mode, PLUGIN, store], check=True, timeout=60)

    async def test_clients_of_the_server_reach_each_other_without_the_host(self):
        async with await nats.connect(self.url) as other:
            beside = await other.subscribe("beside")
            for _ in range(2):  # nats-py's first PING overtakes the SUB that it has not written yet
                await other.flush()
            await self.client.publish("beside", b"x")
            self.assertEqual((await beside.next_msg(WAIT_S)).data, b"x")


if __name__ == "__main__":
    HOST, PLUGIN, VENV = sys.argv[1:4]
    try:
        import nats
    except ModuleNotFoundError:
        with_library(Path(VENV))
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
