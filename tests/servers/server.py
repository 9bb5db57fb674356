"""What the scripts that start real servers have in common."""
import ctypes
import signal
import subprocess
import tempfile
from pathlib import Path

POLL_S = 0.01
READY_S = 20
STOP_S = 10
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """One process on loopback with a temporary folder of its own; who inherits starts it, as `process`, at `port`."""

    SCHEME, WORDS = None, ("url", "port", "folder")

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix=f"{self.SCHEME}_server.")
        self.folder = Path(self.home.name)
        self.process, self.port = None, None

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)  # it may be frozen
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self):
        self.stop()
        self.home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def url(self):
        return f"{self.SCHEME}://127.0.0.1:{self.port}"

    def fill(self, word):
        """`{url}` and the like as this server has them."""
        for name in self.WORDS:
            word = word.replace("{" + name + "}", str(getattr(self, name)))
        return word
