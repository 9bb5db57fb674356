#!/usr/bin/env python3
"""Runs the conformance runner on a plugin that keeps every rule and on each variant that breaks one of them.

A variant is killed when it fails on its own rule and on no other but those that it implies (variants.txt). Prints the
mutation score, what each case has killed, and the cases that have killed nothing.

    mutation.py RUNNER BUILD [--only NAME …] [--quick] [--jobs N] [--keep FOLDER] [--verbose]
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
from collections import defaultdict

HERE = pathlib.Path(__file__).parent
MARK = b"this variant is\0"
FAILED = re.compile(r"^(fail|crash|hang|warn)  (\S+)  \[(\S*)\]$")
RULE = re.compile(r"^  rule      (\w+)")
COULD_NOT_RUN = 3
LONGEST_RUN_S = 1000


class Variant:
    def __init__(self, number, line):
        fields = [field.strip() for field in line.split(" | ")]
        self.number = number
        self.name, self.how, self.rule, implied, self.words = fields
        self.implied = {} if implied == "-" else dict(each.split(": ", 1) for each in implied.split("; "))
        if len(self.implied) > 2:
            raise SystemExit(f"{self.name} implies more than two rules")

    @property
    def good(self):
        return self.rule == "-"

    def make(self, build, folder):
        """Writes the number into a copy of what was built in its way."""
        built = (build / f"{self.how}.so").read_bytes()
        if built.count(MARK + struct.pack("<i", 0)) != 1:
            raise SystemExit(f"{self.how}.so does not hold the mark once")
        path = folder / f"{self.number}.so"
        path.write_bytes(built.replace(MARK + struct.pack("<i", 0), MARK + struct.pack("<i", self.number)))
        return path


def read_variants():
    lines = [line for line in (HERE / "variants.txt").read_text().splitlines() if " | " in line and line[0] != "#"]
    return [Variant(number, line) for number, line in enumerate(lines)]


def failures_of(text):
    """{rule: {case}}; a warning's rule is `warn`, a failure's the one of its first violation."""
    found = defaultdict(set)
    case = None
    for line in text.splitlines():
        if match := FAILED.match(line):
            judgement, case = match[1], match[2]
            if judgement == "warn":
                found["warn"].add(case)
                case = None
        elif case and (match := RULE.match(line)):
            found[match[1]].add(case)
            case = None
    return found


class Run:
    """What the runner says of one variant."""

    def __init__(self, args, folder, variant):
        self.variant = variant
        command = [args.runner, variant.make(args.build, folder), "--jobs", "1", "--strict"]
        command += ["--timeout", "30s" if variant.good else "8s"]
        if variant.name != "good_has_nothing_optional":  # it has no kind for which anything is to be said
            command += ["--testkit", HERE / "testkit.toml"]
        about = [rule for rule in (variant.rule, *variant.implied) if rule in args.rules]
        if args.quick and variant.rule in args.rules:
            command += [word for rule in about for word in ("--filter", rule)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LONGEST_RUN_S, check=False)
        self.text = done.stdout + done.stderr
        self.failures = failures_of(done.stdout)
        if done.returncode == COULD_NOT_RUN:
            self.failures["entry"].add("entry")
        self.failed = done.returncode != 0

    def problem(self):
        """Why it does not count as killed, or as clean; empty when it does."""
        seen = ", ".join(f"{rule} ({', '.join(sorted(cases)[:3])})" for rule, cases in sorted(self.failures.items()))
        if self.variant.good:
            return f"is blamed for {seen or self.text[-300:]}" if self.failed else ""
        if self.variant.rule not in self.failures:
            return f"survives {self.variant.rule}" + (f", but is blamed for {seen}" if seen else "")
        beyond = set(self.failures) - {self.variant.rule, *self.variant.implied}
        return f"is blamed beyond {self.variant.rule} for {seen}" if beyond else ""


def report(runs, cases):
    killed_by = defaultdict(set)
    problems = 0
    for run in runs:
        for each in run.failures.get(run.variant.rule, ()):
            killed_by[each].add(run.variant.name)
        problems += bool(run.problem())
    print("\nwhat each case has killed")
    for case in cases:
        if killed_by[case]:
            print(f"  {case}: {', '.join(sorted(killed_by[case]))}")
    idle = [case for case in cases if not killed_by[case]]
    print(f"\n{len(idle)} cases have killed nothing: {', '.join(idle) or '-'}")
    bad = [run for run in runs if not run.variant.good]
    good = [run for run in runs if run.variant.good]
    print(f"clean: {sum(not run.problem() for run in good)}/{len(good)}")
    print(f"mutation score: {sum(not run.problem() for run in bad)}/{len(bad)}")
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=pathlib.Path, help="where the variants are left")
    parser.add_argument("--quick", action="store_true", help="only the cases about the rule that a variant breaks")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    variants = [each for each in read_variants() if not args.only or each.name in args.only]
    listed = subprocess.run([args.runner, "--list"], capture_output=True, text=True, check=True).stdout
    args.rules = set(re.findall(r"\b[A-Z]\d\b", listed))
    cases = [line.split()[0] for line in listed.splitlines() if re.match(r"^\w+\.[\w.-]+", line)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            runs = []
            for run in pool.map(lambda each: Run(args, folder, each), variants):
                runs.append(run)
                if problem := run.problem():
                    print(f"{run.variant.number:4} {run.variant.name} ({run.variant.words}) {problem}", flush=True)
                    if args.verbose:
                        print(run.text)
    return report(runs, cases)


if __name__ == "__main__":
    sys.exit(main())
