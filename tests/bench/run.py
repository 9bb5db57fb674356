#!/usr/bin/env python3
"""Measures what docs/benchmarks/ says, compares it with bounds and with the committed figures, and writes results.json.

  run.py BUILD [instructions] [throughput] [--accept]   measure (both unless told), check, write docs/benchmarks/results.json
  run.py BUILD check                                    instructions only: check, write nothing (a test of the first tier)
  run.py BUILD check_nats                               the same of a service on NATS against raw cnats, with the worst payload

BUILD is the folder of a release build. Exit code 1: a figure is over its bound or worse than the committed one, and
results.json is left as it was unless --accept is given; 77: this is no release build, or valgrind is missing.
"""
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Optional

import languages
import nats_loops
from nats_loops import NatsLoops

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs/benchmarks/results.json"
DATA = ROOT / "tests/bench/data"
MESSAGES = 2048  # N; the second run has 2N
SKIPPED = 77

# What an instruction count depends on besides the code: which variants the libraries choose by the CPU.
PINNED = {"SIMDJSON_FORCE_IMPLEMENTATION": "haswell", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL"}
PACKAGES = ["libc6", "libstdc++6", "libuv1", "libsimdjson14", "libspdlog1.10", "libnats3.4", "valgrind"]


class Scenario(NamedTuple):
    """A bound on instructions per message, perhaps counted from another scenario; no allocation is allowed."""
    name: str
    most: float
    over: Optional[str] = None


SCENARIOS = [
    Scenario("raw_payload", 200),
    Scenario("json_small", 1100),
    Scenario("json_1k", 11500),
    Scenario("batch64_json", 1000),
    Scenario("reply", 1800),
    Scenario("memory_publish", 400),
    Scenario("memory_whole", 650),
    Scenario("coroutine_suspend", 600, over="raw_payload"),
    Scenario("sequential_suspends", 600, over="raw_payload"),
    Scenario("keyed_workers", 150, over="sequential_suspends"),
]
RESIDENT_BYTES_MOST = 250  # of each waiting message
IDLE_SWITCHES_MOST = 0
FIRST_MESSAGE_MS_MOST = 30

# A regression is more than the larger of these two.
WORSE_BY_PART, WORSE_BY_INSTRUCTIONS = 0.02, 10
ALLOCATIONS_MOST = 0.005  # per message; less is a store that grows, not the path of a message

ROUNDS = 5
END_TO_END_MESSAGES = {"one_thread": 4 << 20, "two_threads": 2 << 20}
RESIDENT_MESSAGES = 1_000_000
FIRST_MESSAGE_TRIES = 10
IDLE_SECONDS = 10


class Bench:
    def __init__(self, build):
        self.build = build
        self.programs = build / "tests/bench"
        self.plugin = build / "lib/ruststream/plugins/memory.so"
        self.environment = {**os.environ, **PINNED}

    def run(self, *command):
        done = subprocess.run([str(c) for c in command], env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def count(self, scenario, messages, profile):
        """Instructions of all threads and allocations in the scenario's measured region."""
        printed = self.run("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={profile}",
                           self.programs / "bench_instructions", scenario, messages, self.plugin, DATA)
        totals = re.search(r"^totals: (\d+)", Path(profile).read_text(), re.MULTILINE)
        return int(totals[1]), int(printed)

    def per_message(self, scenario):
        with tempfile.TemporaryDirectory() as folder:
            one = self.count(scenario, MESSAGES, f"{folder}/1")
            two = self.count(scenario, 2 * MESSAGES, f"{folder}/2")
        instructions, allocations = ((b - a) / MESSAGES for a, b in zip(one, two))
        return {"scenario": scenario, "instructions": round(instructions, 1), "allocations": round(allocations, 4)}

    def instructions(self):
        figures = [self.per_message(s.name) for s in SCENARIOS]
        with tempfile.TemporaryDirectory() as folder:
            count, allocations = self.count("cold_start", 1, f"{folder}/1")
            annotated = self.run("callgrind_annotate", f"{folder}/1")
        figures.append({"scenario": "cold_start", "instructions": float(count), "allocations": float(allocations)})
        return figures, top_functions(annotated, 10)

    def throughput(self):
        rounds = {mode: [] for mode in END_TO_END_MESSAGES}
        for _ in range(ROUNDS):
            for mode, messages in END_TO_END_MESSAGES.items():
                rounds[mode].append(json.loads(self.run(self.programs / "bench_throughput", mode, messages, self.plugin)))
        return [end_to_end(mode, of_mode) for mode, of_mode in rounds.items()]

    def process(self):
        resident = json.loads(self.run(self.programs / "bench_throughput", "resident", RESIDENT_MESSAGES, self.plugin))
        return {"resident_bytes_per_message": resident["bytes_per_message"],
                "idle_voluntary_switches": self.idle_switches(),
                "first_message_ms": round(min(self.first_message_ms() for _ in range(FIRST_MESSAGE_TRIES)), 2)}

    def service(self):
        return [str(self.programs / "bench_first_message"), "--set", f"plugin.path={self.plugin}", "--set", "log.level=error"]

    def first_message_ms(self):
        begin = time.monotonic_ns()
        return (int(self.run(*self.service())) - begin) / 1e6

    def idle_switches(self):
        service = subprocess.Popen(self.service(), env={**self.environment, "IDLE": "1"}, stdout=subprocess.PIPE, text=True)
        service.stdout.readline()
        time.sleep(1)
        before = voluntary_switches(service.pid)
        time.sleep(IDLE_SECONDS)
        after = voluntary_switches(service.pid)
        service.terminate()
        service.wait(timeout=10)
        return after - before


def voluntary_switches(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", t.read_text(), re.MULTILINE)[1]) for t in tasks)


def top_functions(annotated, count):
    """The lines of callgrind_annotate that name functions, without folders."""
    lines = [line for line in annotated.splitlines() if re.match(r"\s*[\d,]+ \([ \d.]+%\)  \S", line)]
    tidy = [re.sub(r"\s*\[(?:.*/)?([^/\]]+)\]$", r" [\1]", re.sub(r"  \S+?:", "  ", line, count=1)) for line in lines]
    return [line.strip() for line in tidy if "PROGRAM TOTALS" not in line][:count]


def end_to_end(mode, rounds):
    rates = [r["messages_per_second"] for r in rounds]
    middle = {name: statistics.median(r[name] for r in rounds) for name in ("p50", "p99", "p999", "cpu_us_per_message")}
    return {"scenario": "memory_end_to_end", "loop": "service", "threads": 1 if mode == "one_thread" else 2,
            "messages_per_second": {"best": max(rates), "median": statistics.median(rates), "worst": min(rates)},
            "latency_us": {p: middle[p] for p in ("p50", "p99", "p999")},
            "lost": sum(r["lost"] for r in rounds), "duplicates": sum(r["duplicates"] for r in rounds),
            "cpu_us_per_message": middle["cpu_us_per_message"]}


def cache_of(build):
    entries = re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.MULTILINE)
    return dict(entries)


def environment(build):
    cache = cache_of(build)
    said = subprocess.run([cache["CMAKE_CXX_COMPILER"], "--version"], capture_output=True, text=True, check=True).stdout
    flags = f"{cache['CMAKE_CXX_FLAGS']} {cache['CMAKE_CXX_FLAGS_RELEASE']}".strip()
    found = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}\n", *PACKAGES], capture_output=True, text=True)
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"cpu": cpu[1] if cpu else platform.machine(), "kernel": platform.release(), "compiler": said.splitlines()[0],
            "flags": flags, "libraries": dict(line.split(" ") for line in found.stdout.splitlines()),
            "servers": {"nats-server": nats_loops.version()},
            "pinned": PINNED}


def over_bounds(figures):
    by_name = {f["scenario"]: f for f in figures}
    for s in SCENARIOS:
        counted = by_name[s.name]["instructions"] - (by_name[s.over]["instructions"] if s.over else 0)
        if counted > s.most:
            yield f"{s.name}: {counted:.1f} instructions per message{' over ' + s.over if s.over else ''}, at most {s.most}"
        if by_name[s.name]["allocations"] > ALLOCATIONS_MOST:
            yield f"{s.name}: {by_name[s.name]['allocations']} allocations per message, none is allowed"


def regressions(figures, now, committed):
    """Only figures of the same compiler build and flags are compared."""
    then = committed.get("environment", {})
    if any(then.get(key) != now[key] for key in ("compiler", "flags", "pinned")):
        return
    before = {f["scenario"]: f for f in committed.get("instructions", [])}
    for f in figures:
        old = before.get(f["scenario"])
        if old is None or f["scenario"] == "cold_start":  # reported only
            continue
        allowed = old["instructions"] + max(WORSE_BY_PART * old["instructions"], WORSE_BY_INSTRUCTIONS)
        if f["instructions"] > allowed:
            yield f"{f['scenario']}: {f['instructions']} instructions per message, {old['instructions']} before"


def process_over_bounds(process):
    for name, most in (("resident_bytes_per_message", RESIDENT_BYTES_MOST), ("idle_voluntary_switches", IDLE_SWITCHES_MOST),
                       ("first_message_ms", FIRST_MESSAGE_MS_MOST)):
        if process[name] > most:
            yield f"{name}: {process[name]}, at most {most}"


def show(figures, process, throughput):
    bounds = {s.name: f"{s.over or ''}{' + ' if s.over else ''}{s.most:g}" for s in SCENARIOS}
    for f in figures:
        print(f"{f['scenario']:20} {f['instructions']:>10} instructions {f['allocations']:>8} allocations"
              f"   at most {bounds.get(f['scenario'], '-')}")
    for name, value in process.items():
        print(f"{name:32} {value}")
    for t in throughput:
        rate = t["messages_per_second"]
        print(f"{t['scenario']}, {t['threads']} thread(s): {rate['median'] / 1e6:.2f} M messages/s (best {rate['best'] / 1e6:.2f}, "
              f"worst {rate['worst'] / 1e6:.2f}), lost {t['lost']}, duplicates {t['duplicates']}")


def main():
    if len(sys.argv) < 2 or set(sys.argv[2:]) - {"instructions", "throughput", "check", "check_nats", "--accept"}:
        sys.exit(__doc__)
    build = Path(sys.argv[1]).resolve()
    wanted = [word for word in sys.argv[2:] if word != "--accept"] or ["instructions", "throughput"]
    if shutil.which("valgrind") is None or cache_of(build).get("CMAKE_BUILD_TYPE") != "Release":
        print("needs valgrind and a release build")
        sys.exit(SKIPPED)
    bench, now = Bench(build), environment(build)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures, process, throughput, wrong = [], {}, [], []
    nats_throughput, nats_instructions, of_languages = [], [], []
    if "instructions" in wanted or "check" in wanted:
        figures, cold = bench.instructions()
        wrong += [*over_bounds(figures), *regressions(figures, now, results)]
        results.update(instructions=figures, cold_start_top=cold)
    nats = NatsLoops(bench.programs, DATA, build / "lib/ruststream/plugins/nats.so", bench.environment)
    if "check_nats" in wanted:
        nats_instructions = nats.instructions(("raw", "service"), nats_loops.COUNTED[-1:])
    if "throughput" in wanted:
        throughput, process = bench.throughput(), bench.process()
        wrong += process_over_bounds(process)
        nats_throughput, nats_instructions = nats.throughput(), nats.instructions()
        of_languages = languages.Languages(bench.programs, bench.environment).measure()
        now["toolchains"] = languages.toolchains({f["language"] for f in of_languages})
        results.update(throughput=throughput + nats_throughput, nats_instructions=nats_instructions, process=process,
                       languages=of_languages)
    wrong += nats_loops.over_bounds(nats_instructions)
    show(figures, process, throughput)
    nats_loops.show(nats_throughput, nats_instructions)
    languages.show(of_languages)
    for line in wrong:
        print("WORSE", line)
    if not {"check", "check_nats"} & set(wanted) and (not wrong or "--accept" in sys.argv):
        RESULTS.write_text(json.dumps({"environment": now, **{k: v for k, v in results.items() if k != "environment"}}, indent=1) + "\n")
        print(f"written: {RESULTS.relative_to(ROOT)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
