"""What the peers need of the machine: packages, ports, processes that end with the run."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
HOST = "127.0.0.1"
PATIENCE = 60


class Failed(Exception):
    """Ends the run; its text says why."""


def need(packages):
    """Commands by the Debian package that has them; what is missing is installed, or named in one command."""
    missing = sorted({package for command, package in packages if not shutil.which(command, path=search_path())})
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {' '.join(missing)}")
        quiet(["apt-get", "update", "-qq"])
        quiet(["apt-get", "install", "-y", "-qq", *missing])
    elif missing:
        raise Failed(f"missing: apt-get install {' '.join(missing)}")
    os.environ["PATH"] = search_path()


def search_path():
    """Debian keeps PostgreSQL's server out of the way, a folder for each version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return os.pathsep.join([*map(str, reversed(versions)), os.environ["PATH"]])


def cargo_installed(package):
    """The executable of a package of crates.io, built once and kept beside our own."""
    root = TARGET / "peers"
    if not (root / "bin" / package).exists():
        say(f"building {package}")
        # In a folder of its own: what our target folder remembers of an earlier try may be stale.
        apart = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        quiet(["cargo", "install", package, "--locked", "--quiet", "--root", str(root)], env=apart)
    return str(root / "bin" / package)


def quiet(command, **options):
    """Runs a command; what it says is shown only when it fails. Gives its output."""
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
        out, err = process.communicate()
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:4]))} … ended with {process.returncode}\n{out}{err}")
    return out


@contextmanager
def running(command, **options):
    """A process that ends with the block, and whatever it started with it."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            end(process)


def end(process):
    """A group of processes is of one session, and each of ours has its own."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE / 2)


def server(stack, command, ready, **options):
    """Starts a server that ends with the stack, and waits until it is ready."""
    quietly = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = stack.enter_context(running(command, **quietly, **options))
    give_up = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > give_up:
            raise Failed(f"{command[0]} did not start")
        time.sleep(0.05)


def free_port():
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


def listens(port):
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def size(folder):
    """The bytes of the files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def say(text):
    print(text, file=sys.stderr, flush=True)
