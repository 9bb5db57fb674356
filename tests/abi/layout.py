#!/usr/bin/env python3
"""The layout of the contract's structs on another machine: a C program that prints every size and offset that the headers assert
is built for it and run. It prints what the same program prints here, built by COMPILER.

    layout.py INCLUDE COMPILER aarch64|windows
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = re.compile(r"^RST_ASSERT_SIZE\((\w+),\s*(\d+)\);", re.M)
OFFSET = re.compile(r"^RST_ASSERT_OFFSET\((\w+),\s*(\w+),\s*(\d+)\);", re.M)
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-pedantic"]
WINE, WINE_SERVER = "/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64"
# Compiler, what runs its programs, and Debian's packages of both.
MACHINES = {
    "aarch64": (["aarch64-linux-gnu-gcc", "-static"], ["qemu-aarch64"], "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"),
    "windows": (["x86_64-w64-mingw32-gcc"], [WINE], "gcc-mingw-w64-x86-64-win32 wine64"),
}


def text_of(include):
    return "\n".join(header.read_text() for header in sorted(include.rglob("*.h")))


def program(include):
    sizes, offsets = SIZE.findall(text_of(include)), OFFSET.findall(text_of(include))
    lines = ["#include <ruststream/abi.h>", "#include <stdio.h>", "int main(void) {"]
    lines += [f'  printf("{name} %u\\n", (unsigned)sizeof({name}));' for name, _ in sizes]
    lines += [f'  printf("{name}.{field} %u\\n", (unsigned)offsetof({name}, {field}));' for name, field, _ in offsets]
    return "\n".join([*lines, "  return 0;", "}", ""]), len(sizes) + len(offsets)


def printed(folder, include, compiler, runner):
    made = folder / "layout.exe"
    subprocess.run([*compiler, *FLAGS, "-I", include, folder / "layout.c", "-o", made], check=True)
    environment = {**os.environ, "WINEPREFIX": str(folder / "wine"), "WINEDEBUG": "-all"}
    said = subprocess.run([*runner, made], check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    if runner == [WINE]:  # whose server goes on writing to its folder
        subprocess.run([WINE_SERVER, "-k", "-w"], check=False, env=environment)
    return said.splitlines()


def main():
    include, compiler, machine = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    cross, runner, packages = MACHINES[machine]
    if missing := [words[0] for words in (cross, runner) if shutil.which(words[0]) is None]:
        sys.exit(f"there is no {' and no '.join(missing)}; Debian's packages are {packages}")
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        text, count = program(include)
        (folder / "layout.c").write_text(text)
        here = printed(folder, include, [compiler], [])
        there = printed(folder, include, cross, runner)
    differ = [f"{ours} here, {theirs} there" for ours, theirs in zip(here, there) if ours != theirs]
    if differ or not len(here) == len(there) == count:
        sys.exit("\n".join([*differ, f"{count} are asserted; {len(here)} were printed here, {len(there)} there"]))
    print(f"{count} sizes and offsets on {machine} are those of this machine")


if __name__ == "__main__":
    main()
