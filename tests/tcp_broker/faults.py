#!/usr/bin/env python3
"""Runs the conformance runner on the TCP plugin, and its cases about faults on each variant of it that breaks a rule.

The plugin as it is passes all cases with --strict. A variant is killed when it fails on its own rule and on no other but those
that it implies (variants.txt).

    faults.py RUNNER PLUGIN [--only NAME …] [--filter PATTERN …] [--verbose]
"""

import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from variants import failures_of, implied_rules, make_variant, table  # noqa: E402

LONGEST_RUN_S = 200
AT_ONCE = 6  # variants; a case mostly waits
JOBS = 6  # cases of each
TOKEN = "open sesame"


class Variant:
    def __init__(self, number, fields):
        self.number = number
        self.name, self.rule, implied, self.words = fields
        self.implied = implied_rules(self.name, implied)


def read_variants():
    return [Variant(number, fields) for number, fields in enumerate(table(HERE / "variants.txt"))]


class Server:
    """server.py on a port of its own, until the end of the with."""

    def __enter__(self):
        command = [sys.executable, HERE / "server.py", "--token", TOKEN]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.place = self.process.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def run(args, folder, variant):
    with Server() as server:
        command = [args.runner, make_variant(args.plugin, variant.number, folder), "--testkit", HERE / "testkit.toml", "--strict"]
        command += ["--url", f"tcp://{server.place}", "--jobs", str(JOBS)]
        if variant.rule != "-":
            command += [word for pattern in args.filter for word in ("--filter", pattern)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LONGEST_RUN_S, check=False)
    text = done.stdout + done.stderr
    found = failures_of(text)
    if variant.rule == "-":
        killed = done.returncode == 0 and not found
    else:
        killed = done.returncode == 1 and variant.rule in found and found.keys() <= {variant.rule, *variant.implied}
    return variant, killed, found, text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("plugin", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--filter", nargs="*", default=["faults.*", "publish.confirmed-is-kept"])
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    variants = [each for each in read_variants() if not args.only or each.name in args.only]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for variant, right, found, text in pool.map(lambda each: run(args, pathlib.Path(folder), each), variants):
            said = "; ".join(f"{rule}: {', '.join(sorted(cases))}" for rule, cases in found.items()) or "nothing failed"
            print(f"{'ok   ' if right else 'WRONG'} {variant.name} ({variant.rule}): {said}", flush=True)
            if args.verbose or not right:
                print(text)
            wrong += not right
    bad = [each for each in variants if each.rule != "-"]
    print(f"{len(variants) - wrong} of {len(variants)} as they should be, {len(bad)} of them broken")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
