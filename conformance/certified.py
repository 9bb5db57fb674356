#!/usr/bin/env python3
"""Makes docs/certified.md of the runner's reports.

    certified.py --write PAGE REPORT.json=FOLDER…    FOLDER of this repository is where the plugin's source lies
    certified.py --check PAGE REPORT.json=FOLDER…    fails where PAGE says something else

A report is what `ruststream-conformance --strict --json REPORT.json` writes. Nothing on the page depends on the machine
or the moment.
"""
import argparse
import difflib
import json
import shlex
import sys
from pathlib import Path

ABOUT = """# Certified plugins

What [the runner](authors/testing.md) saw of the plugins in this repository. Each was judged whole and with `--strict`: nothing
failed, and nothing works without being declared. `conformance/certified.py` makes this page of the runner's reports, and the
test `certified` holds it to them.

A row is a [capability](authors/capabilities.md), a column a kind of the plugin. A cell has the level and the limit that are
declared, and that a case has seen; (not seen) where no case could. `-` is not declared.

| plugin | version | source | runner | contract |
|---|---|---|---|---|
"""


def report_of(argument):
    path, _, folder = argument.partition("=")
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"certified.py: {path}: {error}; run the plugin's conformance test, which writes it")
    name = report["plugin"]["name"]
    if report["failed"] or not report["strict"]:
        sys.exit(f"certified.py: {path}: {name} {'failed' if report['failed'] else 'was judged without --strict'}: no certificate")
    return report, folder


def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


def cell(of):
    if of["state"] == "absent":
        return "-"
    return of["declared"] + ("" if of["state"] == "observed" else " (not seen)")


def matrix(report):
    kinds = report["plugin"]["kinds"]
    rows = {}
    for each in report["capabilities"]:
        rows.setdefault(each["capability"], {})[each["kind"]] = each
    head = row("capability", *(f"`{kind}`" for kind in kinds)) + "|---" * (len(kinds) + 1) + "|\n"
    return head + "".join(row(f"`{name}`", *(cell(of[kind]) for kind in kinds)) for name, of in rows.items())


def page_of(reports):
    text = ABOUT
    for report, folder in reports:
        plugin = report["plugin"]
        text += row(f"`{plugin['name']}`", plugin["version"], f"[{folder}](../{folder})", report["runner"], report["contract"])
    for report, _ in reports:
        text += f"\n## {report['plugin']['name']}\n\n" + matrix(report)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    parser.add_argument("page", type=Path)
    parser.add_argument("reports", nargs="+", metavar="REPORT.json=FOLDER")
    args = parser.parse_args()
    made = page_of(sorted((report_of(each) for each in args.reports), key=lambda pair: pair[0]["plugin"]["name"]))
    if args.write:
        args.page.write_text(made, encoding="utf-8")
        return 0
    written = args.page.read_text(encoding="utf-8")
    differences = difflib.unified_diff(written.splitlines(), made.splitlines(), str(args.page), "what the reports say", lineterm="")
    for line in differences:
        print(line)
    if written != made:
        again = shlex.join(["python3", *("--write" if word == "--check" else word for word in sys.argv)])
        print(f"{args.page} is stale; this makes it anew: {again}", file=sys.stderr)
    return int(written != made)


if __name__ == "__main__":
    sys.exit(main())
