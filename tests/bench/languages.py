#!/usr/bin/env python3
"""What a plugin's language costs: the broker of tests/bench/languages in each, under the least host and in a service.

    languages.py PROGRAMS        a test that all of it works: each run once, with a hundredth of the messages
"""
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROUNDS = 5
LONGEST_RUN_S = 120


class Scenario(NamedTuple):
    mode: str
    count: int
    batch: int = 1

    @property
    def name(self):
        return self.mode if self.mode in ("call", "service") else f"{self.mode}_{self.batch}"


SCENARIOS = [Scenario("call", 2_000_000), Scenario("publish", 1_000_000), Scenario("publish", 4_000_000, 64),
             Scenario("deliver", 1_000_000), Scenario("deliver", 4_000_000, 64), Scenario("service", 2_000_000)]
TOOLCHAINS = {"rust": ("rustc", "--version"), "go": ("go", "version")}


class Languages:
    """programs: the folder with bench_languages, and languages.txt, which says where the plugins are."""

    def __init__(self, programs, environment):
        self.program, self.environment = programs / "bench_languages", environment
        self.plugins = dict(line.split("=", 1) for line in (programs / "languages.txt").read_text().split())

    def once(self, scenario, language):
        command = [str(self.program), scenario.mode, self.plugins[language], str(scenario.count), str(scenario.batch)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def measure(self, rounds=ROUNDS, scenarios=SCENARIOS):
        """Languages in turn, so that each round has all of them."""
        figures = []
        for scenario in scenarios:
            of_language = {language: [] for language in self.plugins}
            for _ in range(rounds):
                for language, runs in of_language.items():
                    runs.append(self.once(scenario, language))
            figures += [entry(scenario, language, runs) for language, runs in of_language.items()]
        return figures


def entry(scenario, language, runs):
    ns = [run["ns"] for run in runs]
    return {"scenario": scenario.name, "language": language,
            "ns": {"best": min(ns), "median": statistics.median(ns), "worst": max(ns)},
            "cpu_us": statistics.median(run["cpu_us"] for run in runs)}


def toolchains(languages):
    """What built the plugins, but for those in C and C++."""
    found = {}
    for language in languages & TOOLCHAINS.keys():
        said = subprocess.run(TOOLCHAINS[language], capture_output=True, text=True, check=True).stdout
        found[language] = re.search(r"\d+\.\d+(\.\d+)?", said)[0]
    return found


def show(figures):
    for f in figures:
        ns = f["ns"]
        print(f"{f['scenario']:12} {f['language']:5} {ns['median']:>9.1f} ns ({ns['best']:.1f} to {ns['worst']:.1f}), {f['cpu_us']:.3f} us CPU")


if __name__ == "__main__":
    works = Languages(Path(sys.argv[1]), os.environ)
    if "CI" in os.environ and len(works.plugins) != 4:
        sys.exit(f"of four languages there are {', '.join(works.plugins)}; Debian's packages are cargo and golang-go")
    show(works.measure(1, [each._replace(count=each.count // 100) for each in SCENARIOS]))
