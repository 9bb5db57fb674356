#!/usr/bin/env python3
"""Makes one-statement mutants of plugins/memory/*.cpp and shows which of them the conformance runner notices.

    mutants.py RUNNER WORK [--count 200] [--seed 1] [--part I/N] [--only NAME …] [--list]

A mutant is one change in one statement: the statement left out, a condition negated, a comparison, a sign or a constant
changed, the function left at once. The same seed makes the same mutants of the same sources. Each is compiled at -O1 and
linked to memory.so in the folder WORK, then judged by the runner with --strict; it is

    killed           the runner failed it; the first case that did is named
    survived         it did not, and survivors.txt does not know it
    explained        it did not, and survivors.txt says why that is right
    equivalent       the compiler made the same of it as of the original
    does not compile

The first two, `explained` too, make up --count. Lines go to WORK/results.txt as they come; what stands there already is
not judged again. --part takes every N-th mutant, for several at once in folders of their own. Exit code 1: something survived.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCES = ROOT / "plugins/memory"
COMPILER = ["clang++-19", "-std=c++23", "-O1", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-w",
            "-Iplugins/memory", "-Iabi/include", "-Iabi/cpp/include"]  # in the copy of the tree
LONGEST_CASE = "10s"
LONGEST_RUN_S = 600

TOKEN = re.compile(r"""
    (?P<skip> \s+ | //[^\n]* | /\*.*?\*/ | \#[^\n]* )
  | (?P<text> R"\((?:.*?)\)" | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
  | (?P<number> 0x[0-9A-Fa-f']+U? | \d[\d']*(?:\.\d+)?U? )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<sign> <=> | <<= | >>= | -> | :: | \+\+ | -- | && | \|\| | [=!<>+\-*/%&|^]= | << | \[\[ | \]\] | . )
""", re.VERBOSE | re.DOTALL)

SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "+=": "-=", "-=": "+=",
         "++": "--", "--": "++", "&&": "||", "||": "&&", "true": "false", "false": "true", "min": "max", "max": "min"}
BINARY = {"<", ">", "+", "-"}  # between spaces: else brackets of a template, or a sign
NOT_STATEMENTS = {"return", "using", "namespace", "static_assert", "case", "default", "template", "struct", "class", "enum",
                  "constexpr", "const", "auto", "static", "if", "for", "while", "do", "switch", "else", "try", "catch",
                  "public", "private", "throw", "inline", "extern", "break", "continue", "bool", "char", "int"}


class Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def end(self):
        return self.at + len(self.text)


class Mutant(NamedTuple):
    file: str
    function: str
    what: str  # how it was changed
    at: int
    old: str
    new: str
    line: str  # the first line of the statement, as it was

    @property
    def name(self):
        """Says the same as long as the statement is the same, wherever it moves to."""
        return f"{self.file} | {self.function} | {self.line} | {self.what}"


def tokens_of(text):
    all_of = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match.lastgroup != "skip":
            all_of.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return all_of


def matching(tokens, start):
    """The index of what closes the bracket at `start`."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    depth = 0
    for i in range(start, len(tokens)):
        if tokens[i].kind != "sign":
            continue
        if tokens[i].text in pairs or tokens[i].text == "[[":
            depth += 1
        elif tokens[i].text in pairs.values() or tokens[i].text == "]]":
            depth -= 1
        if depth == 0:
            return i
    raise ValueError("a bracket is never closed")


def functions_of(text, tokens):
    """(name, returns void, first, last): index of `{` and `}` of each function's body."""
    i = 0
    while i < len(tokens):
        token = tokens[i]
        opens = token.text == "{" and i > 0
        if not opens:
            i += 1
            continue
        begin = i - 1  # the head: back to the end of whatever was before
        depth = 0
        while begin >= 0 and (depth > 0 or tokens[begin].text not in (";", "{", "}")):
            depth += tokens[begin].text in ")}]"
            depth -= tokens[begin].text in "({["
            begin -= 1
        head = tokens[begin + 1:i]
        words = [each.text for each in head]
        is_function = "(" in words and words[0] not in ("namespace", "struct", "class", "enum") and "=" not in words
        if not is_function:
            inside = words and words[0] in ("namespace", "struct", "class", "extern")
            i = i + 1 if inside else matching(tokens, i) + 1
            continue
        bracket = words.index("(")
        name = words[bracket - 1]
        while bracket >= 3 and words[bracket - 2] == "::":
            name = words[bracket - 3] + "::" + name
            bracket -= 2
        last = matching(tokens, i)
        yield name, words[0] == "void", i, last
        i = last + 1


def statements_of(tokens, first, last):
    """(begin, end) of each that ends in `;` and of each condition's head, within a body and its inner ones."""
    begin = first + 1
    i = first + 1
    while i <= last:
        text = tokens[i].text
        if text in ("(", "[", "[["):
            i = matching(tokens, i)
        elif text == "{" and i > begin and tokens[i - 1].text not in (")", "else", "]]", "do", "try", "const", "noexcept"):
            i = matching(tokens, i)  # of an initializer
        elif text in (";", "{", "}"):
            if i > begin:
                yield begin, i
            begin = i + 1
        i += 1


def mutants_of(file):
    text = (SOURCES / file).read_text()
    tokens = tokens_of(text)
    found = []
    for name, is_void, first, last in functions_of(text, tokens):
        if is_void:
            at = tokens[first].end
            found.append(Mutant(file, name, "return at once", at, "", " return;", ""))
        for begin, end in statements_of(tokens, first, last):
            inside = tokens[begin:end]
            start = inside[0].at
            line = " ".join(text[start:tokens[end].at].split())
            line = line if len(line) <= 110 else line[:107] + "..."

            def add(what, at, old, new):
                found.append(Mutant(file, name, what, at, old, new, line))

            plain = inside[0].text not in NOT_STATEMENTS and inside[0].kind in ("word", "sign")
            declares = len(inside) > 1 and inside[0].kind == "word" and (
                inside[1].kind == "word" or (inside[1].text in "&*" and inside[1].at == inside[0].end))
            declares = declares or (inside[0].text == "std" and "=" not in [t.text for t in inside] and "(" not in
                                    [t.text for t in inside])
            if plain and not declares and tokens[end].text == ";":
                whole = text[start:tokens[end].at]
                add("left out", start, whole, "")
            for i in range(begin, end):
                token = tokens[i]
                before, after = text[token.at - 1], text[token.end]
                if token.text in ("if", "while") and tokens[i + 1].text == "(":
                    close = matching(tokens, i + 1)
                    inner = i + 2
                    for k in range(i + 2, close):
                        if tokens[k].text == ";":
                            inner = k + 1
                    condition = text[tokens[inner].at:tokens[close].at]
                    add("negated", tokens[inner].at, condition, f"!({condition})")
                elif token.text == "!" and after != "=":
                    add(f"`!` dropped before `{tokens[i + 1].text}`", token.at, "!", "")
                elif token.text in SWAPS and (token.text not in BINARY or (before == " " and after == " ")):
                    if token.text in ("min", "max") and tokens[i - 1].text != "::":
                        continue
                    near = text[max(start, token.at - 12):token.end + 12].split("\n")[0].strip()
                    add(f"`{token.text}` for `{SWAPS[token.text]}` in `{near}`", token.at, token.text, SWAPS[token.text])
                elif token.kind == "number" and re.fullmatch(r"\d+U?", token.text):
                    value = int(token.text.rstrip("U"))
                    new = ("0" if value == 1 else str(value + 1)) + ("U" if token.text.endswith("U") else "")
                    near = text[max(start, token.at - 12):token.end + 4].split("\n")[0].strip()
                    add(f"{token.text} for {new} in `{near}`", token.at, token.text, new)
    unique = {}
    for each in found:  # the same change twice in one statement is one too many to name
        unique.setdefault(each.name, each)
    return list(unique.values())


class Workshop:
    """Compiles and links what changes; everything else once."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.files = sorted(path.name for path in SOURCES.glob("*.cpp")
                            if not path.name.endswith("_test.cpp") and path.name != "test_host.cpp")
        self.map = folder / "memory.map"
        self.map.write_text("{ global: rst_plugin_v0; local: *; };\n")
        self.tree = folder / "tree"  # a copy: the sources may be worked on meanwhile
        self.headers = folder / "plugin.pch"
        self.objects = {file: folder / "original" / (file + ".o") for file in self.files}
        stamp = folder / "stamp"
        state = hashlib.sha256("".join(COMPILER).encode())
        for path in sorted([*SOURCES.glob("*.?pp"), *ROOT.glob("abi/**/*.h*")]):
            state.update(path.read_bytes())
        if not stamp.exists() or stamp.read_text() != state.hexdigest():
            self.make_originals()
            stamp.write_text(state.hexdigest())
        (folder / "memory.testkit.toml").write_text((SOURCES / "testkit.toml").read_text())

    def make_originals(self):
        for part in ("plugins/memory", "abi/include", "abi/cpp/include"):
            shutil.copytree(ROOT / part, self.tree / part, dirs_exist_ok=True)
        self.run([*COMPILER, "-x", "c++-header", "plugins/memory/plugin.hpp", "-o", self.headers])
        for file in self.files:
            if self.compile(file, (SOURCES / file).read_text(), "original") is None:
                sys.exit(f"{file} does not compile")

    def run(self, command):
        return subprocess.run([str(each) for each in command], cwd=self.tree, capture_output=True, text=True, check=False)

    def compile(self, file, text, into):
        """The object; nothing where it does not compile."""
        place = self.folder / into
        place.mkdir(exist_ok=True)
        source = self.folder / file  # the same path for each: objects can be compared
        source.write_text(text)
        target = place / (file + ".o")
        done = self.run([*COMPILER, "-include-pch", self.headers, "-c", source, "-o", target])
        return target if done.returncode == 0 else None

    def link(self, changed, changed_object):
        objects = [changed_object if file == changed else self.objects[file] for file in self.files]
        plugin = self.folder / "memory.so"
        done = self.run(["clang++-19", "-shared", f"-Wl,--version-script={self.map},-z,now,-z,defs", *objects,
                         "-pthread", "-o", plugin])
        if done.returncode != 0:
            sys.exit("the plugin cannot be linked\n" + done.stderr)
        return plugin


class Judge:
    """The runner, on the cases first that have killed most."""

    FIRST = 12  # cases

    def __init__(self, runner):
        self.runner = runner
        self.killers = collections.defaultdict(collections.Counter)  # by file

    def first_failure(self, file, plugin):
        """The case that fails first, as the runner says it; empty when none does. What comes later is not waited for."""
        best = self.killers[file] + collections.Counter({case: 0.1 * n for case, n in self.killers[""].items()})
        first = [word for case, _ in best.most_common(self.FIRST) for word in ("--filter", case)]
        failure = (self.run(plugin, first) if first else "") or self.run(plugin, [])
        if " " in failure and not self.run(plugin, ["--filter", failure.split()[1]]):  # by the machine, not the mutant
            failure = self.run(plugin, ["--exclude", failure.split()[1]])
        if " " in failure:
            for each in (file, ""):
                self.killers[each][failure.split()[1]] += 1
        return failure

    def run(self, plugin, selection):
        process = subprocess.Popen([self.runner, plugin, "--strict", "--timeout", LONGEST_CASE, "--jobs", "1",
                                    "--exclude", "performance.*", *selection],
                                   text=True, errors="replace", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            for line in process.stderr:
                if match := re.match(r"(fail|crash|hang|warn) +(\S+ \[\S*\])", line):
                    return f"{match[1]} {match[2]}"
                if line.startswith("ruststream-conformance:"):
                    return "could not run"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=LONGEST_RUN_S)
        return "" if process.returncode in (0, -signal.SIGTERM) else f"exit code {process.returncode}"


def read_survivors():
    """{name: reason}"""
    path = HERE / "survivors.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [line.rsplit(" | ", 1) for line in lines if line and not line.startswith("#")]
    return {name: reason for name, reason in entries}


def try_out(mutant, workshop, judge, explained):
    text = (SOURCES / mutant.file).read_text()
    assert text.startswith(mutant.old, mutant.at)
    changed = text[:mutant.at] + mutant.new + text[mutant.at + len(mutant.old):]
    made = workshop.compile(mutant.file, changed, "mutant")
    if made is None:
        return "does not compile", ""
    if made.read_bytes() == workshop.objects[mutant.file].read_bytes():
        return "equivalent", ""
    failure = judge.first_failure(mutant.file, workshop.link(mutant.file, made))
    if failure:
        return "killed", failure
    return ("explained", explained[mutant.name]) if mutant.name in explained else ("survived", "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--only", nargs="*", help="parts of names")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    every = [each for file in sorted(path.name for path in SOURCES.glob("*.cpp")) if not file.endswith("_test.cpp") and
             file != "test_host.cpp" for each in mutants_of(file)]
    random.Random(args.seed).shuffle(every)
    if args.only:
        every = [each for each in every if any(part in each.name for part in args.only)]
    part, parts = map(int, args.part.split("/"))
    every = every[part::parts]
    if args.list:
        print("\n".join(each.name for each in every))
        return 0
    workshop = Workshop(args.work.resolve())
    explained = read_survivors()
    log = args.work / "results.txt"
    known = dict(json.loads(line) for line in log.read_text().splitlines()) if log.exists() else {}
    count = {each: 0 for each in ("killed", "survived", "explained", "equivalent", "does not compile")}
    judge = Judge(args.runner)
    original = judge.run(workshop.link("", None), [])
    if original:
        sys.exit(f"the runner fails the original: {original}")
    for mutant in every:
        if count["killed"] + count["survived"] + count["explained"] == args.count:
            break
        verdict, why = known.get(mutant.name) or try_out(mutant, workshop, judge, explained)
        if mutant.name not in known:
            with log.open("a") as file:
                file.write(json.dumps([mutant.name, [verdict, why]]) + "\n")
        if mutant.name in known and verdict == "killed" and " " in why:
            judge.killers[mutant.file][why.split()[1]] += 1
        if verdict == "survived" and mutant.name in explained:
            verdict, why = "explained", explained[mutant.name]
        count[verdict] += 1
        print(f"{verdict:17} {mutant.name}{'  <- ' + why if why else ''}", flush=True)
    print(f"\nmade {sum(count.values())}: " + ", ".join(f"{number} {name}" for name, number in count.items()))
    return 1 if count["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
