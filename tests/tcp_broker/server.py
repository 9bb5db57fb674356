#!/usr/bin/env python3
"""A small TCP broker for tests: queues of groups, with unsettled messages that come back when a connection is lost.

    server.py [--port N] [--token TEXT]        prints `listening on 127.0.0.1:PORT`, ends with SIGTERM

A frame is a length of four bytes (big-endian, of what follows), a type of one byte and a body; a text is a length of two
bytes and its bytes, a payload is the rest.

    to the server                                           to the client
    H token                          first of all           O | X       taken, or refused and closed
    S sub:8 window:4 address group   subscribe              S sub:8     done
    C sub:8                          unsubscribe            C sub:8     done; what was unsettled went back
    P number:8 address payload       publish                P number:8  every group of the address has it
    A delivery:8 verdict:1           1 ack 2 retry 3 release 4 reject; a delivery of the past is ignored
    I                                alive?                 I           yes
                                                            M sub:8 delivery:8 attempt:2 payload
"""

import argparse
import asyncio
import collections
import signal
import struct

LONGEST_FRAME = 16 << 20
ACK, RETRY, RELEASE, REJECT = 1, 2, 3, 4


class Message:
    __slots__ = ("payload", "attempt")

    def __init__(self, payload):
        self.payload = payload
        self.attempt = 1


class Queue:
    """What waits for one group of one address."""

    def __init__(self):
        self.waiting = collections.deque()
        self.members = collections.deque()

    def give(self):
        turned = 0
        while self.waiting and turned < len(self.members):
            member = self.members[0]
            self.members.rotate(-1)
            if member.unsettled < member.window:
                member.session.deliver(member, self.waiting.popleft())
                turned = 0
            else:
                turned += 1


class Member:
    def __init__(self, session, number, window, queue):
        self.session, self.number, self.window, self.queue = session, number, window, queue
        self.unsettled = 0


class Broker:
    def __init__(self, token):
        self.token = token
        self.addresses = collections.defaultdict(dict)  # {address: {group: Queue}}


class Session(asyncio.Protocol):
    def __init__(self, broker):
        self.broker = broker
        self.read = bytearray()
        self.greeted = False
        self.members = {}
        self.deliveries = {}  # {delivery: (Member, Message)}, in their order
        self.last_delivery = 0

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, _):
        for number in list(self.members):
            self.leave(number)

    def data_received(self, data):
        self.read += data
        at = 0
        while len(self.read) - at >= 4:
            length = struct.unpack_from(">I", self.read, at)[0]
            if not 0 < length <= LONGEST_FRAME:
                return self.transport.abort()
            if len(self.read) - at - 4 < length:
                break
            self.frame(self.read[at + 4 : at + 5], bytes(self.read[at + 5 : at + 4 + length]))
            at += 4 + length
        del self.read[:at]

    def frame(self, kind, body):
        if not self.greeted:
            self.greeted = kind == b"H" and text(body, 0)[0] == self.broker.token
            self.send(b"O" if self.greeted else b"X")
            if not self.greeted:
                self.transport.close()
        elif kind == b"P":
            address, at = text(body, 8)
            queues = self.broker.addresses.get(address, {}).values()
            for queue in queues:
                queue.waiting.append(Message(body[at:]))
            self.send(b"P" + body[:8])
            for queue in queues:
                queue.give()
        elif kind == b"A":
            self.settle(*struct.unpack(">QB", body))
        elif kind == b"S":
            number, window = struct.unpack_from(">QI", body)
            address, at = text(body, 12)
            group, _ = text(body, at)
            queue = self.broker.addresses[address].setdefault(group, Queue())
            self.members[number] = Member(self, number, window, queue)
            queue.members.append(self.members[number])
            self.send(b"S" + body[:8])
            queue.give()
        elif kind == b"C":
            if struct.unpack(">Q", body)[0] in self.members:
                self.leave(struct.unpack(">Q", body)[0])
            self.send(b"C" + body)
        elif kind == b"I":
            self.send(b"I")

    def settle(self, delivery, verdict):
        if delivery not in self.deliveries:
            return
        member, message = self.deliveries.pop(delivery)
        member.unsettled -= 1
        if verdict in (RETRY, RELEASE):
            message.attempt += verdict == RETRY
            member.queue.waiting.appendleft(message)
        member.queue.give()

    def leave(self, number):
        member = self.members.pop(number)
        member.queue.members.remove(member)
        back = [delivery for delivery, (of, _) in self.deliveries.items() if of is member]
        member.queue.waiting.extendleft(self.deliveries.pop(delivery)[1] for delivery in reversed(back))
        member.queue.give()

    def deliver(self, member, message):
        self.last_delivery += 1
        self.deliveries[self.last_delivery] = (member, message)
        member.unsettled += 1
        self.send(b"M" + struct.pack(">QQH", member.number, self.last_delivery, message.attempt) + message.payload)

    def send(self, frame):
        if not self.transport.is_closing():
            self.transport.write(struct.pack(">I", len(frame)) + frame)


def text(body, at):
    end = at + 2 + struct.unpack_from(">H", body, at)[0]
    return body[at + 2 : end], end


async def serve(args):
    broker = Broker(args.token.encode())
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(lambda: Session(broker), "127.0.0.1", args.port)
    print("listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await over.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="")
    asyncio.run(serve(parser.parse_args()))
