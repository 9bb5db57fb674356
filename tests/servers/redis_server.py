#!/usr/bin/env python3
"""Starts a real redis-server on loopback: a free port, what it stores in a temporary folder of its own.

    with RedisServer(["--requirepass", "open sesame"]) as server: …    from Python
    redis_server.py [--option WORD]… -- COMMAND WORD…                  runs COMMAND, {url} {port} {folder} in its words filled in

REDIS_SERVER of the environment is another server's path.
"""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from server import POLL_S, READY_S, Server, die_with_parent  # noqa: E402

PORTS = 5  # attempts, since a free port can be lost to somebody else


def binary():
    path = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
    return path or sys.exit("there is no redis-server; Debian's package is redis-server")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer(Server):
    """Started by the constructor, stopped by `close`."""

    SCHEME = "redis"

    def __init__(self, options=()):
        super().__init__()
        self.options = list(options)
        for _ in range(PORTS):
            self.port = free_port()
            if self.started():
                return
        raise RuntimeError(f"redis-server did not start:\n{(self.folder / 'server.log').read_text()}")

    def started(self):
        command = [binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder),
                   "--logfile", str(self.folder / "server.log"), *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        until = time.monotonic() + READY_S
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(64)[:1] in (b"+", b"-"):  # the latter where it wants a password
                        return True
            except OSError:
                pass
            time.sleep(POLL_S)
        self.stop()
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    with RedisServer(args.option) as server:
        return subprocess.run([server.fill(word) for word in args.command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
