#!/usr/bin/env python3
"""Runs the conformance runner on a plugin that keeps every rule and on each variant that breaks one of them.

A variant is killed when it fails on its own rule and on no other but those that it implies (variants.txt). Prints the
mutation score and writes BUILD/mutation.txt: what each case has killed. A whole run fails, too, when a case has killed
nothing and idle_cases.txt does not say why, or when a rule has no case or no variant.

    mutation.py RUNNER BUILD [--quick] [--only NAME …] [--jobs N] [--keep FOLDER] [--verbose]
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from collections import defaultdict

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from variants import failures_of, implied_rules, make_variant, table  # noqa: E402

OTHERS = HERE.parent / "tcp_broker" / "variants.txt"  # of the cases about faults; run by faults.py
RULES = HERE.parents[1] / "conformance" / "runner" / "rules.cpp"
CASE = re.compile(r"^(\w+\.[\w.-]+) +(\w+)", re.MULTILINE)
COULD_NOT_RUN = 3
LONGEST_RUN_S = 1000


class Variant:
    def __init__(self, number, fields):
        self.number = number
        self.name, self.how, rule, implied, self.words = fields
        self.rule, _, self.shown_in = rule.partition(" in ")
        self.implied = implied_rules(self.name, implied)

    @property
    def good(self):
        return self.rule == "-"


def read_variants():
    return [Variant(number, fields) for number, fields in enumerate(table(HERE / "variants.txt"))]


class Run:
    """What the runner says of one variant."""

    def __init__(self, args, folder, variant):
        self.variant = variant
        command = [args.runner, make_variant(args.build / f"{variant.how}.so", variant.number, folder), "--jobs", "1", "--strict"]
        command += ["--exclude", "faults.*"]  # there is no server, so all of them would be skipped
        command += ["--exclude", "performance.*"]  # they measure
        if variant.name != "good_has_nothing_optional":  # it has no kind for which anything is to be said
            command += ["--testkit", HERE / "testkit.toml"]
        if args.quick and not variant.good:
            about = [rule for rule in (variant.rule, *variant.implied) if rule in args.rules_of_cases]
            command += [word for each in (*about, variant.shown_in) if each for word in ("--filter", each)]
        how = {"capture_output": True, "text": True, "errors": "replace", "timeout": LONGEST_RUN_S, "check": False}
        done = subprocess.run(command, **how)
        self.text = done.stdout + done.stderr
        self.failures = failures_of(done.stdout)
        if done.returncode == COULD_NOT_RUN:
            self.failures["entry"].add("(could not run)")
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


def killed_by_case(runs):
    killed = defaultdict(set)
    for run in runs:
        for rule in (run.variant.rule, *run.variant.implied):
            for case in run.failures.get(rule, ()):
                killed[case].add(run.variant.name)
    return killed


def gaps(killed, cases, variants):
    """What nothing has shown to work."""
    others = {fields[0]: fields for fields in table(OTHERS)}
    idle = dict(table(HERE / "idle_cases.txt"))
    for case in cases:
        if not killed[case] and case not in idle:
            yield f"{case} has killed nothing: give it a variant, delete it, or say why in idle_cases.txt"
    for case, why in idle.items():
        if case not in cases or killed[case]:
            yield f"{case} stands in idle_cases.txt, but " + ("has killed" if case in cases else "is no case")
        if (match := re.match(r"tcp_broker: (\w+)$", why)) and match[1] not in others:
            yield f"idle_cases.txt names {match[1]}, which is no variant of tcp_broker"
    broken = {each.rule for each in variants} | {fields[1] for fields in others.values()}
    for rule in re.findall(r'Rule\{"(\w+)"', RULES.read_text()):
        if rule not in cases.values():
            yield f"no case is about {rule}"
        if rule not in broken:
            yield f"no variant breaks {rule}"


def report(args, runs, cases):
    bad = [run for run in runs if not run.variant.good]
    good = [run for run in runs if run.variant.good]
    killed = killed_by_case(bad)
    lines = [f"{case}: {', '.join(sorted(killed[case])) or '-'}" for case in cases]
    whole = not args.quick and not args.only
    missing = list(gaps(killed, cases, [run.variant for run in runs])) if whole else []
    score = [f"clean: {sum(not run.problem() for run in good)}/{len(good)}",
             f"mutation score: {sum(not run.problem() for run in bad)}/{len(bad)}"]
    written = ["What each case has killed.", "", *lines, "", *missing, *score, ""]
    (args.build / "mutation.txt").write_text("\n".join(written))
    print("\n".join([*missing, *score]))
    return 1 if missing or any(run.problem() for run in runs) else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=3 * os.cpu_count())  # a variant mostly waits
    parser.add_argument("--keep", type=pathlib.Path, help="where the variants are left")
    parser.add_argument("--quick", action="store_true", help="only the cases about the rule that a variant breaks")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    args.runner = args.runner.resolve()
    variants = [each for each in read_variants() if not args.only or each.name in args.only]
    listed = subprocess.run([args.runner, "--list"], capture_output=True, text=True, check=True).stdout
    cases = dict(CASE.findall(listed))
    args.rules_of_cases = set(cases.values())
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            runs = []
            for run in pool.map(lambda each: Run(args, folder, each), variants):
                runs.append(run)
                if problem := run.problem():
                    print(f"{run.variant.name} ({run.variant.words}) {problem}", flush=True)
                    if args.verbose or run.variant.good:
                        print(run.text)
    return report(args, runs, cases)


if __name__ == "__main__":
    sys.exit(main())
