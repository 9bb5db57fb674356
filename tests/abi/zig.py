#!/usr/bin/env python3
"""The contract's headers in Zig: for each of seven targets `zig cc` takes them without a warning, and what @cImport makes of them
has the sizes and offsets that they assert.

    zig.py INCLUDE VENV        VENV: where the package `ziglang` is put, once
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from layout import FLAGS, OFFSET, SIZE, text_of

VERSION = "0.16.0"  # the last that knows @cImport; newer ones leave it to `zig translate-c`
TARGETS = [*(f"{cpu}-linux-{libc}" for cpu in ("x86_64", "aarch64") for libc in ("gnu", "musl")), "x86_64-windows-gnu",
           "x86_64-macos", "aarch64-macos"]


def zig(venv):
    python, ready = venv / "bin/python", venv / "ready"
    if not ready.exists() or ready.read_text() != VERSION:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"ziglang=={VERSION}"], check=True)
        ready.write_text(VERSION)
    return [python, "-m", "ziglang"]


def program(include):
    """Does not compile unless the translation is laid out as the header says."""
    text = text_of(include)
    checks = [(f"@sizeOf(abi.{name})", name, number) for name, number in SIZE.findall(text)]
    checks += [(f'@offsetOf(abi.{name}, "{field}")', f"{name}.{field}", number) for name, field, number in OFFSET.findall(text)]
    lines = [f'    if ({ask} != {number}) @compileError("{what} is not as the header says");' for ask, what, number in checks]
    return "\n".join(['const abi = @cImport(@cInclude("ruststream/abi.h"));', "comptime {", "    @setEvalBranchQuota(100000);", *lines, "}",
                      "export fn rst_plugin_v0() ?*const abi.rst_plugin {", "    return null;", "}", ""]), len(checks)


def main():
    include, venv = Path(sys.argv[1]), Path(sys.argv[2])
    command, environment = zig(venv), {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(venv / "cache"), "ZIG_LOCAL_CACHE_DIR": str(venv / "cache")}
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "abi.c").write_text("#include <ruststream/abi.h>\n")
        text, count = program(include)
        (folder / "abi.zig").write_text(text)
        for target in TARGETS:
            common = ["-target", target, "-I", include]
            for words in (["cc", *common, *FLAGS, "-c", "abi.c", "-o", "abi.o"], ["build-obj", *common, "-lc", "abi.zig"]):
                done = subprocess.run([*command, *words], env=environment, cwd=folder)
                if done.returncode != 0:
                    sys.exit(f"{target}: zig {words[0]} fails")
            print(f"{target}: {count} sizes and offsets")


if __name__ == "__main__":
    main()
