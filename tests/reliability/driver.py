#!/usr/bin/env python3
"""Numbers through a service on NATS while servers, connections and the service are broken; nothing may be lost.

    driver.py SERVICE PROXY PLUGIN VENV [--nodes 3] [--messages N] [--rate PER_SECOND]    ten cuts, two restarts of the server
                                                            (or of the stream's leader), one SIGKILL of the service
    driver.py SERVICE PROXY PLUGIN VENV --soak SECONDS [--rate PER_SECOND]                nothing breaks, and memory, threads
                                                            and descriptors have to stay as they are
service.cpp publishes and handles; each process of it notes the numbers it handles in a file of its own before it acknowledges
them. A separate process, which knows nothing of the plugin, compares the files with the stream (driver.py judge).
"""
import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "servers"), str(HERE.parent / "interop")]
from nats_py import with_library  # noqa: E402
from nats_server import NatsCluster, NatsServer  # noqa: E402
from server import die_with_parent  # noqa: E402

STREAM, CONSUMER = "NUMBERS", "notes"  # as in service.cpp, and the next two
ACK_WAIT_S = 5
IN_FLIGHT = 128
STEP_S = 90  # longest wait for anything
DOWN_S = 0.5
APART_S = 1.5  # so that it can be told which incident was the reason
UNDER_WAY_S = 1  # longest way of an acknowledgement, from the note in the file to the server's own
SAMPLES = 180
GROWTH, GROWTH_KIB = 0.05, 2048  # what the last third of a soak may have more than its first
CUTS, RESTARTS = ("cut", "reset"), ("crash", "restart")
BREAKS = ("cut", "reset", "crash", "cut", "reset", "cut", "kill", "reset", "cut", "restart", "reset", "cut", "reset")


def start(*words, **pipes):
    return subprocess.Popen([str(word) for word in words], text=True, preexec_fn=die_with_parent, **pipes)


class Run:
    """What runs: servers, the proxy before them, the publisher and the service behind it."""

    def __init__(self, args):
        self.args = args
        self.folder = Path(tempfile.mkdtemp(prefix="reliability."))
        self.incidents, self.notes, self.lines = [], [], 0
        self.publisher = self.service = None
        self.servers = NatsCluster() if args.nodes == 3 else NatsServer(dies_with_parent=True)
        nodes = list(self.servers.nodes.values()) if args.nodes == 3 else [self.servers]
        self.proxy = start(args.proxy, *(node.port for node in nodes), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ports = self.proxy.stdout.readline().split()
        self.url = "nats://" + ",".join(f"127.0.0.1:{port}" for port in ports) + "?discover=false"
        self.judged_url = ",".join(node.url for node in nodes)

    def publish(self):
        options = [f"replicas={self.args.nodes}"] + (["retention=workqueue"] if self.args.soak else [])
        self.publisher = start(self.args.service, "publish", self.url, self.args.plugin, self.args.messages, self.args.rate,
                               *options, stdout=subprocess.PIPE)
        if self.publisher.stdout.readline() != "ready\n":
            sys.exit("the publisher could not make its stream")

    def serve(self):
        self.notes.append(open(self.folder / f"notes{len(self.notes)}", "w+b"))
        self.service = start(self.args.service, "--broker", self.url, "--set", f"plugin.path={self.args.plugin}",
                             "--set", f"app.notes={self.notes[-1].name}")

    def handled(self):
        """How many numbers were noted, those of processes that have ended included."""
        for file in self.notes:
            while piece := file.read(1 << 20):
                self.lines += piece.count(b"\n")
        return self.lines

    def until_handled(self, count):
        """Waits as long as there is progress."""
        seen, since = -1, time.monotonic()
        while (now := self.handled()) < count:
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() > since + STEP_S or self.service.poll() is not None or self.publisher.poll() not in (None, 0):
                sys.exit(f"stuck at {now} of {count}; the service: {self.service.poll()}, the publisher: {self.publisher.poll()}")
            time.sleep(0.02)

    def restart(self, number):
        """Of the server, or the stream's leader."""
        if self.args.nodes == 1:
            self.servers.stop(number)
            # This server writes a consumer's state over the one before: ended in between, it has none.
            forgot = any(file.stat().st_size == 0 for file in self.servers.folder.glob("**/obs/*/o.dat"))
            time.sleep(DOWN_S)
            self.servers.start()
            return "the server forgot all acknowledgements" if forgot else ""
        self.servers.until_whole(STREAM)
        leader = self.servers.nodes[self.servers.group(STREAM)["leader"]]
        before = self.handled()
        leader.stop(number)
        self.until_handled(min(before + self.args.messages // 50, self.args.messages))  # the other two go on
        leader.start()
        return ""

    def make(self, kind):
        begin, note = time.time(), ""
        if kind in CUTS:
            print(kind, file=self.proxy.stdin, flush=True)
            self.proxy.stdout.readline()
        elif kind == "kill":
            self.service.kill()
            self.service.wait()
            self.serve()
        else:
            note = self.restart(signal.SIGKILL if kind == "crash" else signal.SIGTERM)
        self.incidents.append((kind, begin, time.time(), note))

    def end(self):
        """Everything is judged while the service still runs, since what is not acknowledged yet comes to it again."""
        again = self.publisher.communicate(timeout=STEP_S)[0].split("\n")
        told = {"url": self.judged_url, "messages": self.args.messages, "incidents": self.incidents, "kept": not self.args.soak,
                "notes": [file.name for file in self.notes]}
        wrong = subprocess.run([sys.executable, __file__, "judge", self.args.venv, json.dumps(told)], check=False).returncode
        self.service.terminate()
        if self.publisher.returncode != 0 or self.service.wait(STEP_S) != 0:
            sys.exit(f"the publisher ended with {self.publisher.returncode}, the service with {self.service.returncode}")
        return ", ".join(filter(None, again)), wrong

    def close(self):
        for process in filter(None, (self.service, self.publisher, self.proxy)):
            process.kill()
            process.wait()
        self.servers.close()
        shutil.rmtree(self.folder)


def faults(run):
    begin = time.time()
    run.publish()
    run.serve()
    for index, kind in enumerate(BREAKS, 1):
        run.until_handled(run.args.messages * index // (len(BREAKS) + 1))
        run.make(kind)
        time.sleep(APART_S)
    run.until_handled(run.args.messages)
    seconds = time.time() - begin
    again, failed = run.end()
    print(f"{run.args.nodes} nodes, {run.args.messages} messages in {seconds:.1f} s; published again: {again or 'none'}")
    return failed


async def judge(told):
    """The stream against the notes; says what is wrong."""
    count = told["messages"]
    client = await nats.connect(told["url"].split(","))
    streams = client.jetstream()
    wrong = []
    if told["kept"]:
        reader = await streams.subscribe("numbers", ordered_consumer=True)
        held = (await streams.stream_info(STREAM)).state.messages
        stored = Counter([json.loads((await reader.next_msg(STEP_S)).data)["n"] for _ in range(held)])
        wrong += [f"published and not stored: {n}" for n in range(count) if n not in stored]
        wrong += [f"stored {times} times: {n}" for n, times in stored.items() if times != 1]
    info = await streams.consumer_info(STREAM, CONSUMER)
    until = time.monotonic() + STEP_S
    while (info.num_pending, info.num_ack_pending) != (0, 0) and time.monotonic() < until:
        await asyncio.sleep(0.1)
        info = await streams.consumer_info(STREAM, CONSUMER)
    wrong += [f"{info.num_pending} never delivered, {info.num_ack_pending} never acknowledged"] * (
        info.num_pending + info.num_ack_pending != 0)
    await client.close()
    first, again = notes(told["notes"], count)
    wrong += [f"LOST, never handled: {n}" for n in range(count) if first[n] == 0]
    after = Counter()
    for number, attempt, before, at in again:
        if (cause := explanation(told["incidents"], attempt, before, at)) is None:
            wrong.append(f"handled again without a reason: {number}, {before:.3f} and {at:.3f}, attempt {attempt}")
        after[cause] += 1
    for index, (kind, *_) in enumerate(told["incidents"]):
        if after[index] > IN_FLIGHT and kind not in RESTARTS:
            wrong.append(f"{after[index]} handled again after {kind}, which is more than are under way")
    text = ", ".join(f"{kind}{note and f' ({note})'} {after[index]}" for index, (kind, *_, note) in enumerate(told["incidents"]))
    print(f"{len(wrong)} wrong; {len(again)} handled again: {text}")
    print(*wrong[:20], sep="\n", end="\n" if wrong else "")
    return bool(wrong)


def notes(files, count):
    """When each number was handled first, and (number, attempt, before, again) of those that were handled more than once."""
    first, again = array("d", [0]) * count, []
    for name in files:
        with open(name, encoding="ascii") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    continue  # the process was killed, so nothing behind it was acknowledged
                number, attempt, at = map(int, line.split())
                if first[number] != 0:
                    again.append((number, attempt, first[number], at / 1e6))
                first[number] = at / 1e6
    return first, again


def explanation(incidents, attempt, before, at):
    """Which incident made the server deliver again at `at` what was handled `before`: one that took the acknowledgement, or
    one that took a pull request, behind which a server before 2.10.14 delivers what it delivered last as if it were new. A
    server that forgot everything is the cause of all that comes again after that, whatever happened before.
    """
    near = []
    for index, (_, begin, end, note) in enumerate(incidents):
        if begin <= at and before <= end + UNDER_WAY_S and (note or begin - UNDER_WAY_S <= before):
            near.append((not note, abs(before - begin), index))
        elif attempt == 1 and begin <= at <= end + UNDER_WAY_S:
            near.append((True, at - begin, index))
    return min(near)[-1] if near else None


def soak(run):
    """Looks at the service SAMPLES times."""
    begin = time.time()
    run.publish()
    run.serve()
    samples = []
    while run.publisher.poll() is None:
        time.sleep(run.args.soak / SAMPLES)
        samples.append(sample(run.service.pid))
        print(*samples[-1], run.handled(), flush=True)
    run.until_handled(run.args.messages)
    seconds = time.time() - begin
    failed = run.end()[1]
    third = len(samples) // 3
    early, late = samples[third // 4:third + 1], samples[-third:]
    rss = [sum(each[0] for each in part) // len(part) for part in (early, late)]
    counts = [{each[1:] for each in part} for part in (early, late)]
    print(f"{run.args.messages} messages in {seconds:.1f} s: KiB resident {rss[0]} and {rss[1]}, threads and descriptors "
          f"{sorted(counts[0])} and {sorted(counts[1])}")
    return failed or rss[1] > rss[0] * (1 + GROWTH) + GROWTH_KIB or counts[0] != counts[1]


def sample(pid):
    """KiB resident, threads, descriptors."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), int(status["Threads"]), len(os.listdir(f"/proc/{pid}/fd"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("service", "proxy", "plugin", "venv"):
        parser.add_argument(name)
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3))
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=4000, help="messages published in a second")
    parser.add_argument("--soak", type=int, help="seconds")
    args = parser.parse_args()
    if args.soak:
        args.messages = args.soak * args.rate
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all is cleaned up
    run = Run(args)
    try:
        return int((soak if args.soak else faults)(run))
    finally:
        run.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["judge"]:
        try:
            import nats
        except ModuleNotFoundError:
            with_library(Path(sys.argv[2]))
        sys.exit(asyncio.run(judge(json.loads(sys.argv[3]))))
    sys.exit(main())
