"""Loops against a real nats-server that differ in one thing: raw cnats, the plugin through the ABI, a whole service.

The measured process, the one on the other side (bench_nats_peer) and the server share the machine. Loops are interleaved; each
run has a subject and a stream of its own, and for JetStream the server's word on what is settled."""
import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
from nats_server import NatsServer, binary  # noqa: E402

LOOPS = ("raw", "plugin", "service")
ROUNDS = 5
STUDENT_95 = {3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447}  # two-sided, by the number of rounds
LONGEST_RUN_S = 120
BYTES = (24, 512)
AHEAD, AHEAD_COUNTED = 8192, 512  # how far the flooding peer is before the loop, at most


class Scenario(NamedTuple):
    name: str
    messages: int
    decode: str = "none"
    depth: int = 0  # how many may be unsettled or unconfirmed; 0: the default settings, and of raw 64

    @property
    def peer(self):
        return {"nats_core": "flood", "nats_request": "request"}.get(self.name)

    @property
    def streams(self):
        """How many messages wait in the stream before the loop begins; None without a stream."""
        return {"jetstream_pull": self.messages, "nats_publish_confirmed": 0}.get(self.name)


SCENARIOS = [
    Scenario("nats_core", 2_000_000), Scenario("nats_core", 2_000_000, "json"),
    Scenario("nats_publish", 4_000_000),
    Scenario("nats_publish_confirmed", 200_000, depth=4096),
    Scenario("jetstream_pull", 100_000), Scenario("jetstream_pull", 100_000, depth=64),
    Scenario("jetstream_pull", 200_000, depth=512),
    Scenario("jetstream_pull", 200_000, depth=4096),
    Scenario("nats_request", 10_000, "json"),
]
# Of a service, instructions per message more than raw cnats, and allocations.
OVER_RAW_MOST, ALLOCATIONS_OVER_RAW_MOST = 500, 0.05
COUNTED = [(Scenario("nats_core", 20_000, decode), size) for decode in ("none", "json") for size in BYTES]


class NatsLoops:
    """programs: the folder with bench_nats_raw and the others; data: that with the payloads."""

    def __init__(self, programs, data, plugin, environment):
        self.programs, self.data, self.plugin, self.environment = programs, data, plugin, environment
        self.runs = itertools.count()

    def words(self, server, scenario, size, board, counted):
        subject = f"bench{next(self.runs)}"
        return {"scenario": scenario.name, "url": server.url, "subject": subject, "messages": scenario.messages,
                "payload": self.data / f"order_{size}.json", "decode": scenario.decode, "depth": scenario.depth,
                "board": board, "counted": int(counted), "ahead": AHEAD_COUNTED if counted else AHEAD, "plugin": self.plugin}

    def command(self, program, words, *before):
        return [*map(str, before), str(self.programs / program), *(f"{name}={value}" for name, value in words.items())]

    def run(self, command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def peer(self, words, role):
        return self.run(self.command("bench_nats_peer", {**words, "role": role}))

    def start_peer(self, words, role):
        return subprocess.Popen(self.command("bench_nats_peer", {**words, "role": role}), stdout=subprocess.PIPE, text=True)

    def once(self, server, loop, scenario, size, before=(), counted=False):
        """What the loop's process printed, and what the server says of the stream after it."""
        with tempfile.NamedTemporaryFile(dir="/dev/shm") as board:
            words = self.words(server, scenario, size, board.name if scenario.peer else "", counted)
            if scenario.streams is not None:
                self.peer({**words, "messages": scenario.streams}, "stream")
            other = self.start_peer(words, scenario.peer) if scenario.peer else None
            try:
                printed = json.loads(self.run(self.command(f"bench_nats_{loop}", words, *before)))
                if other:
                    said = other.communicate(timeout=LONGEST_RUN_S)[0]
                    printed = join(printed, json.loads(said)) if said and not counted else printed
            finally:
                if other:
                    other.kill()
            if scenario.streams is not None:
                judge(json.loads(self.peer(words, "judge")), scenario, loop)
        return printed

    def throughput(self, rounds=ROUNDS, scenarios=SCENARIOS):
        measured = []
        with NatsServer() as server:
            for scenario, size in itertools.product(scenarios, BYTES):
                of_loop = {loop: [] for loop in LOOPS}
                for _ in range(rounds):
                    for loop in LOOPS:
                        of_loop[loop].append(self.once(server, loop, scenario, size))
                measured += [entry(scenario, size, loop, of_loop) for loop in LOOPS]
        return measured

    def instructions(self, loops=LOOPS, counted=COUNTED):
        """Per message, all threads: the difference of two runs, since what is before the first message is not counted the same."""
        return [self.per_message(loop, scenario, size) for scenario, size in counted for loop in loops]

    def per_message(self, loop, scenario, size):
        twice = scenario._replace(messages=2 * scenario.messages)
        with NatsServer("authorization { timeout: 60 }") as server:  # valgrind takes its time to connect
            one, two = self.count(server, loop, scenario, size), self.count(server, loop, twice, size)
        instructions, allocations = ((b - a) / scenario.messages for a, b in zip(one, two))
        return {"scenario": scenario.name, "loop": loop, "bytes": size, "decode": scenario.decode,
                "instructions": round(instructions), "allocations": round(allocations, 3)}

    def count(self, server, loop, scenario, size):
        with tempfile.TemporaryDirectory() as folder:
            before = ("valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out")
            allocations = self.once(server, loop, scenario, size, before, counted=True)
            totals = re.search(r"^totals: (\d+)", Path(folder, "out").read_text(), re.MULTILINE)
        return int(totals[1]), allocations


def over_bounds(instructions):
    raw = {(i["decode"], i["bytes"]): i for i in instructions if i["loop"] == "raw"}
    for i in instructions:
        than = raw[i["decode"], i["bytes"]]
        more, allocations = i["instructions"] - than["instructions"], i["allocations"] - than["allocations"]
        if i["loop"] == "service" and (more > OVER_RAW_MOST or allocations > ALLOCATIONS_OVER_RAW_MOST):
            yield (f"{i['scenario']}, {i['bytes']} bytes, decode {i['decode']}: {more} instructions and {allocations:.3f} allocations "
                   f"per message more than raw, at most {OVER_RAW_MOST} and {ALLOCATIONS_OVER_RAW_MOST}")


def judge(said, scenario, loop):
    left = said["stored"] - scenario.messages, said["pending"], said["unsettled"]
    if any(left):
        sys.exit(f"{scenario.name}, {loop}: the server has {said} after {scenario.messages} messages")


def join(loop, peer):
    """Latency, rate and loss are the requesting peer's; the cost is the loop's."""
    return {**peer, "cpu_us_per_message": loop["cpu_us_per_message"], "duplicates": loop["duplicates"] + peer["duplicates"]}


def entry(scenario, size, loop, of_loop):
    rounds = of_loop[loop]
    rates = [r["messages_per_second"] for r in rounds]
    middle = {name: statistics.median(r[name] for r in rounds) for name in ("p50", "p99", "p999", "cpu_us_per_message")}
    figures = {"scenario": scenario.name, "loop": loop, "bytes": size, "decode": scenario.decode, "depth": scenario.depth,
               "messages_per_second": {"best": max(rates), "median": statistics.median(rates), "worst": min(rates)},
               "latency_us": {p: middle[p] for p in ("p50", "p99", "p999")} if middle["p50"] else None,
               "lost": sum(r["lost"] for r in rounds), "duplicates": sum(r["duplicates"] for r in rounds),
               "cpu_us_per_message": middle["cpu_us_per_message"], "rounds": rates}
    if loop != "raw":
        figures["against_raw"] = ratio(rates, [r["messages_per_second"] for r in of_loop["raw"]])
    return figures


def ratio(rates, raw):
    """The mean of the rounds' ratios and its 95 % interval, of logarithms."""
    logs = [math.log(a / b) for a, b in zip(rates, raw)]
    mean, reach = statistics.mean(logs), 0.0
    if len(logs) in STUDENT_95:
        reach = STUDENT_95[len(logs)] * statistics.stdev(logs) / math.sqrt(len(logs))
    return {name: round(math.exp(value), 3) for name, value in (("low", mean - reach), ("mean", mean), ("high", mean + reach))}


def show(throughput, instructions):
    for t in throughput:
        rate, against, latency = t["messages_per_second"], t.get("against_raw"), t["latency_us"]
        print(f"{t['scenario']:22} {t['bytes']:>4} {t['decode']:4} {t['depth']:>5} {t['loop']:8} {rate['median']:>9.0f}/s "
              f"({rate['worst']:.0f} to {rate['best']:.0f}) {t['cpu_us_per_message']:7.3f} us CPU, lost {t['lost']}, duplicates "
              f"{t['duplicates']}" + (f", p50 {latency['p50']:.0f} p99 {latency['p99']:.0f} us" if latency else "") +
              (f", {against['mean']} of raw ({against['low']} to {against['high']})" if against else ""))
    for i in instructions:
        print(f"{i['scenario']:22} {i['bytes']:>4} {i['decode']:4}       {i['loop']:8} {i['instructions']:>6} instructions, "
              f"{i['allocations']} allocations")


def version():
    said = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1].lstrip("v")
