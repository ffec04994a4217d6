"""throttlecrab-server: a rate gate in memory, over each of the transports that it shares with the others."""

import re

from machine import HERE, HOST, cargo_installed, free_port, listens, quiet, server
from redis import RANDOM, benchmark
from work import ACCOUNTS, Figures, expect, http

PACKAGE = "throttlecrab-server"


class Throttlecrab:
    """What its two transports have in common."""

    name = "throttlecrab"
    durable = "no"
    keeps_a_ledger = False
    lacks = "durability, balance, hold, record, answers to repeats, exact windows (its gate is a bucket), nor what the two ledgers lack"

    def __init__(self, stack, _folder, terms):
        self.port, self.terms = free_port(), terms
        kind = self.flag
        command = [cargo_installed(PACKAGE), f"--{kind}", f"--{kind}-host", HOST, f"--{kind}-port", str(self.port)]
        server(stack, [*command, "--log-level", "error"], lambda: listens(self.port))

    @staticmethod
    def version():
        return re.search(r"(\d\S+)", quiet([cargo_installed(PACKAGE), "--version"]))[1]

    def open(self, account, balance):
        """It knows no accounts."""


class OverHttp(Throttlecrab):
    transport = "HTTP"
    flag = "http"
    packages = [("protoc", "protobuf-compiler"), ("wrk", "wrk")]

    def decide(self, account, _request):
        limit = self.terms.limit
        ask = {"key": account, "max_burst": limit, "count_per_period": limit, "period": self.terms.seconds}
        answer = http(self.port, "/throttle", ask)
        return answer["allowed"], answer

    def load(self, seconds, connections):
        how = ["-t", "1", "-c", connections, "-d", f"{seconds}s", "--latency", "-s", HERE / "throttle.lua"]
        url = f"http://{HOST}:{self.port}/throttle"
        out = quiet(["wrk", *map(str, [*how, url, ACCOUNTS, self.terms.limit, self.terms.seconds])])
        expect("Non-2xx" not in out and "Socket errors" not in out, f"throttlecrab: no errors: {out}")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
        return Figures(rate, centile(out, 50), centile(out, 99), None)


class OverRedis(Throttlecrab):
    transport = "Redis protocol"
    flag = "redis"
    packages = [("protoc", "protobuf-compiler"), ("redis-benchmark", "redis-tools"), ("redis-cli", "redis-tools")]

    def work(self):
        return self.terms.limit, self.terms.limit, self.terms.seconds

    def decide(self, account, _request):
        words = ["redis-cli", "-e", "-h", HOST, "-p", self.port, "throttle", account, *self.work()]
        answer = quiet([*map(str, words)])
        return answer.startswith("1"), answer

    def load(self, seconds, connections):
        command = ["-r", ACCOUNTS, "throttle", RANDOM, *self.work()]
        _, figures = benchmark(self.port, (seconds, connections), command)
        return Figures(*figures, None)


def centile(out, share):
    """Milliseconds of a line such as `99%  1.50ms`."""
    number, unit = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s)$", out, re.MULTILINE).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1_000}[unit]
