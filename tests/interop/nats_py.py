#!/usr/bin/env python3
"""A service on the NATS plugin and nats-py, each reading what the other wrote: headers, request-reply, acknowledgements, redelivery.

    nats_py.py SERVICE PLUGIN VENV        VENV: where the client library is put, once
"""
import asyncio
import fcntl
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
from nats_server import NatsServer  # noqa: E402

WAIT_S = 10
BYTES = bytes(range(256))
# None is empty: cnats 3.4.1 takes the line behind an empty value for the value.
HEADERS = {"Plain": "text", "case-Kept": "a: b", "Utf8": "grüße"}


def with_library(folder):
    """This script again, by a Python that has nats-py."""
    python = folder / "bin/python"
    ready = folder / "ready"
    requirements = HERE / "requirements.txt"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other tests want it as well
        if not ready.exists() or ready.read_text() != requirements.read_text():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], check=True)
            ready.write_text(requirements.read_text())
    os.execv(python, [str(python), *sys.argv])


class Interop(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = NatsServer()
        self.addCleanup(self.server.close)
        self.client = await nats.connect(self.server.url)
        self.streams = self.client.jetstream()
        await self.streams.add_stream(name="ORDERS", subjects=["orders.*"])
        await self.streams.add_stream(name="DONE", subjects=["done"])
        self.service = subprocess.Popen([SERVICE, "--broker", self.server.url, "--set", f"plugin.path={PLUGIN}"])
        self.addCleanup(self.end_service)
        for _ in range(WAIT_S * 10):  # until it answers
            try:
                await self.client.request("twice", b'{"n":0}', timeout=1)
                return
            except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
                await asyncio.sleep(0.1)
        self.fail("the service does not answer")

    async def asyncTearDown(self):
        await self.client.close()

    def end_service(self):
        self.service.terminate()
        self.assertEqual(self.service.wait(WAIT_S), 0)

    async def done(self, count):
        """So many messages of the stream that the service fills, by a pull consumer of nats-py."""
        pull = await self.streams.pull_subscribe("done", durable="py")
        found = []
        while len(found) < count:
            found += await pull.fetch(count - len(found), timeout=WAIT_S)
        return found

    async def test_payload_and_headers_go_there_and_back(self):
        back = await self.client.subscribe("back")
        for payload in (b"", b"text", BYTES, b"x" * 500_000):
            await self.client.publish("echo.a.b", payload, headers={**HEADERS, "To": "back"})
            message = await back.next_msg(WAIT_S)
            self.assertEqual(message.data, payload)
            self.assertEqual({name: message.headers[name] for name in HEADERS}, HEADERS)

    async def test_a_request_is_answered(self):
        for number in (0, -5, 2**40):
            reply = await self.client.request("twice", json.dumps({"n": number}).encode(), timeout=WAIT_S)
            self.assertEqual(json.loads(reply.data), {"n": 2 * number})

    async def test_one_of_a_group_answers(self):
        answers = []

        async def answer(message):
            answers.append(message)
            await message.respond(b'{"n":0}')

        await self.client.subscribe("twice", queue="workers", cb=answer)
        inbox = await self.client.subscribe(self.client.new_inbox())
        for _ in range(100):
            await self.client.publish("twice", b'{"n":0}', reply=inbox.subject)
        for _ in range(100):
            await inbox.next_msg(WAIT_S)
        self.assertTrue(0 < len(answers) < 100, f"{len(answers)} of 100")
        with self.assertRaises(nats.errors.TimeoutError):
            await inbox.next_msg(0.2)

    async def test_the_server_counts_the_service_s_acknowledgements(self):
        for payload, until in ((b"first", "1"), (b"second", "3"), (b"third", "1")):
            await self.streams.publish("orders.new", payload, headers={"Fail-Until": until, **HEADERS})
        attempts = {message.data: message.headers["Attempt"] for message in await self.done(3)}
        self.assertEqual(attempts, {b"first": "1", b"second": "3", b"third": "1"})
        for _ in range(WAIT_S * 10):  # an acknowledgement follows what is done
            info = await self.streams.consumer_info("ORDERS", "workers")
            if info.ack_floor.stream_seq == 3:
                break
            await asyncio.sleep(0.1)
        self.assertEqual((info.ack_floor.stream_seq, info.num_ack_pending, info.num_pending), (3, 0, 0))
        self.assertEqual(info.delivered.consumer_seq, 5)  # the second one three times

    async def test_nats_py_reads_acknowledges_and_refuses_what_the_service_stored(self):
        await self.streams.publish("orders.new", b"tea", headers=HEADERS)
        [message] = await self.done(1)
        self.assertEqual(message.data, b"tea")
        self.assertEqual({name: message.headers[name] for name in HEADERS}, HEADERS)
        self.assertEqual((message.metadata.num_delivered, message.metadata.sequence.stream), (1, 1))
        await message.nak()
        [message] = await self.done(1)
        self.assertEqual(message.metadata.num_delivered, 2)
        await message.ack_sync()
        self.assertEqual((await self.streams.consumer_info("DONE", "py")).num_ack_pending, 0)

    async def test_the_stream_drops_a_message_id_that_it_has(self):
        for _ in range(2):
            await self.streams.publish("orders.new", b"once")
        await self.streams.publish("orders.new", b"last")
        self.assertEqual([message.data for message in await self.done(2)], [b"once", b"last"])
        self.assertEqual((await self.streams.stream_info("DONE")).state.messages, 2)
        confirmed = await self.streams.publish("done", b"again", headers={"Nats-Msg-Id": "once"})
        self.assertTrue(confirmed.duplicate)


if __name__ == "__main__":
    SERVICE, PLUGIN, VENV = sys.argv[1:4]
    try:
        import nats
    except ModuleNotFoundError:
        with_library(Path(VENV))
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
