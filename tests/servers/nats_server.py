#!/usr/bin/env python3
"""Starts a real nats-server on loopback: JetStream in a temporary folder of its own, ports chosen by the server.

    with NatsServer(config) as server: …                       from Python
    with NatsCluster() as cluster: …                           three of them
    nats_server.py [OPTIONS] -- COMMAND WORD…                  runs COMMAND, {url} {port} {monitor} {folder} in its words filled in
    nats_server.py [OPTIONS]                                   for nats_server.hpp: prints a line, then obeys `stop SIGNAL`
                                                               and `start`, until its input ends
Options: --config TEXT (added to the server's configuration), --certificates, --credentials, --no-jetstream.

The server's working folder is the temporary one, so a configuration names what identities.py puts there by its bare name:
    tls { cert_file: server.pem, key_file: server.key, ca_file: ca.pem, verify: true }            with --certificates
    include resolver.conf                                                                          with --credentials
    authorization { users: [ { user: u, password: p } ] }
NATS_SERVER of the environment is another server's path.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import identities  # noqa: E402
from server import POLL_S, READY_S, STOP_S, Server, die_with_parent  # noqa: E402

LEADER_S = 60
CLUSTERS = 5  # attempts, since a port for routes can be lost to somebody else
ROUTE_PORTS = range(15000, 32000)  # below those that connections get


def binary():
    """Daemons are not on a plain user's PATH."""
    if "NATS_SERVER" in os.environ:
        return os.environ["NATS_SERVER"]
    for folder in [*os.environ.get("PATH", "").split(":"), "/usr/sbin"]:
        if os.access(Path(folder, "nats-server"), os.X_OK):
            return str(Path(folder, "nats-server"))
    sys.exit("there is no nats-server; Debian's package is nats-server")


class NatsServer(Server):
    """Started by the constructor or `start`, stopped by `stop` and `close`; the ports and the store stay the same in between."""

    SCHEME, WORDS = "nats", ("url", "port", "monitor", "folder")

    def __init__(self, config="", jetstream=True, certificates=False, credentials=False, start=True, dies_with_parent=False):
        super().__init__()
        self.monitor = None
        self.preexec = die_with_parent if dies_with_parent else None  # of the thread that starts it, so not from a pool
        if certificates:
            identities.certificates(self.folder)
        if credentials:
            identities.credentials(self.folder)
        store = "jetstream { store_dir: store }\n" if jetstream else ""
        (self.folder / "server.conf").write_text(store + config + "\n")
        if start:
            self.start()

    def start(self):
        """Returns when clients can connect. A port that somebody took since the last stop is tried again."""
        until = time.monotonic() + READY_S
        while not self.started(until):
            if self.port is None or time.monotonic() > until:
                raise RuntimeError(f"nats-server did not start:\n{self.log()}")
            time.sleep(POLL_S)

    def started(self, until):
        command = [binary(), "-c", "server.conf", "-a", "127.0.0.1", "-p", str(self.port or -1), "-m", str(self.monitor or -1),
                   "--ports_file_dir", str(self.folder), "-l", "server.log"]
        self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, preexec_fn=self.preexec)
        ports = self.folder / f"{Path(command[0]).name}_{self.process.pid}.ports"
        while self.process.poll() is None and time.monotonic() < until:
            if ports.exists() and (text := ports.read_text()).endswith("}"):
                place = json.loads(text)
                self.port, self.monitor = (int(place[name][0].rsplit(":", 1)[1]) for name in ("nats", "monitoring"))
                return True
            time.sleep(POLL_S)
        self.stop(signal.SIGKILL)
        return False

    def log(self):
        file = self.folder / "server.log"
        return file.read_text() if file.exists() else ""

    def jetstream(self, query=""):
        """What the server's monitoring says about JetStream; nothing while it is stopped."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/jsz?{query}", timeout=STOP_S) as answer:
                return json.load(answer)
        except OSError:
            return {}

    def obey(self, lines):
        self.say()
        for line in lines:
            verb, *words = line.split()
            if verb == "stop":
                self.stop(int(words[0]))
            else:
                self.start()
            self.say()

    def say(self):
        print(self.process.pid if self.process else 0, self.port, self.monitor, self.folder, flush=True)


class NatsCluster:
    """Servers n1, n2, n3 in `nodes`, each stopped and started by itself; what they store can have three replicas."""

    def __init__(self):
        for _ in range(CLUSTERS):
            routes = random.sample(ROUTE_PORTS, 3)
            urls = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
            self.nodes = {}
            try:
                for index, port in enumerate(routes, 1):
                    cluster = f'server_name: n{index}\ncluster {{ name: test, listen: "127.0.0.1:{port}", routes: [{urls}] }}'
                    self.nodes[f"n{index}"] = NatsServer(cluster, dies_with_parent=True)
                return self.until_whole()
            except RuntimeError as error:
                self.close()
                failed = error
        raise failed

    def until_whole(self, stream=None):
        """Until one leads and the others have all that it has: of the cluster, or of a stream."""
        until = time.monotonic() + LEADER_S
        while time.monotonic() < until:
            group = self.group(stream)
            replicas = group.get("replicas", [])
            if len(replicas) == len(self.nodes) - 1 and all(each["current"] and not each.get("offline") for each in replicas):
                return
            time.sleep(10 * POLL_S)
        raise RuntimeError(f"the cluster of {stream or 'servers'} is not whole: {group}")

    def group(self, stream=None):
        """As its leader sees it; empty when none leads."""
        for name, node in self.nodes.items():
            seen = node.jetstream("streams=true")
            groups = [seen.get("meta_cluster", {})]
            if stream is not None:
                streams = [each for account in seen.get("account_details", []) for each in account.get("stream_detail", [])]
                groups = [each["cluster"] for each in streams if each["name"] == stream]
            for group in groups:
                if group.get("leader") == name:
                    return group
        return {}

    def close(self):
        for node in self.nodes.values():
            node.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--certificates", action="store_true")
    parser.add_argument("--credentials", action="store_true")
    parser.add_argument("--no-jetstream", action="store_true")
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    with NatsServer("\n".join(args.config), jetstream=not args.no_jetstream, certificates=args.certificates,
                    credentials=args.credentials, dies_with_parent=True) as server:
        if args.command:
            return subprocess.run([server.fill(word) for word in args.command], check=False).returncode
        server.obey(sys.stdin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
