"""What the tests of the conformance runner share that run it on variants of one plugin (variants.txt beside them)."""

import re
import struct
from collections import defaultdict

MARK = b"this variant is\0"
FAILED = re.compile(r"^(fail|crash|hang|warn)  (\S+)  \[(\S*)\]$")
RULE = re.compile(r"^  rule      (\w+)")


def table(path):
    """The fields of each line."""
    lines = path.read_text().splitlines()
    return [[field.strip() for field in line.split(" | ")] for line in lines if " | " in line and line[0] != "#"]


def implied_rules(name, text):
    """{rule: reason}, at most two."""
    implied = {} if text == "-" else dict(each.split(": ", 1) for each in text.split("; "))
    if len(implied) > 2:
        raise SystemExit(f"{name} implies more than two rules")
    return implied


def make_variant(plugin, number, folder):
    """Writes the number into a copy of what was built; its path."""
    built = plugin.read_bytes()
    if built.count(MARK + struct.pack("<i", 0)) != 1:
        raise SystemExit(f"{plugin} does not hold the mark once")
    path = folder / f"{number}.so"
    path.write_bytes(built.replace(MARK + struct.pack("<i", 0), MARK + struct.pack("<i", number)))
    return path


def failures_of(text):
    """{rule: {case}} of a report, by the first violation of each case; a warning's rule is `warn`."""
    found = defaultdict(set)
    case = None
    for line in text.splitlines():
        if match := FAILED.match(line):
            case = match[2]
            if match[1] == "warn":
                found["warn"].add(case)
                case = None
        elif case and (match := RULE.match(line)):
            found[match[1]].add(case)
            case = None
    return found
