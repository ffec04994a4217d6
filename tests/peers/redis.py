"""Redis: one Lua script, and an append-only file that is synced before every answer."""

import csv
import re

from machine import HERE, HOST, free_port, listens, quiet, server, size
from work import ACCOUNTS, BALANCE, BEYOND_A_LEDGER, Figures, expect

SCRIPT = (HERE / "decide.lua").read_text()
# redis-benchmark makes all its random numbers from one range, which must be wide for the ids to differ.
RANGE = 2**31 - 1
RANDOM = "__rand_int__"
SPREAD = f"ARGV[1] = string.format('%012d', ARGV[1] % {ACCOUNTS})\n{SCRIPT}"
EACH = f"for n = 0, {ACCOUNTS - 1} do local key = 'balance:' .. string.format('%012d', n)"
OPEN = f"{EACH} redis.call('HSET', key, 'available', ARGV[1]) end"
HELD = f"local sum = 0 {EACH} sum = sum + (redis.call('HGET', key, 'held') or 0) end return sum"


class Redis:
    name = "Redis"
    transport = "Redis protocol"
    durable = "yes"
    keeps_a_ledger = True
    lacks = BEYOND_A_LEDGER
    packages = [("redis-server", "redis-server"), ("redis-cli", "redis-tools"), ("redis-benchmark", "redis-tools")]

    def __init__(self, stack, folder, terms):
        self.port, self.folder, self.terms = free_port(), folder, terms
        options = {"bind": HOST, "port": self.port, "dir": folder, "save": "", "appendonly": "yes", "appendfsync": "always"}
        # A file that is rewritten in the middle of a run would have no size to compare.
        options["auto-aof-rewrite-percentage"] = 0
        command = ["redis-server", *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
        server(stack, command, lambda: listens(self.port))
        expect(self.ask("config", "get", "appendfsync").split()[1] == "always", "Redis: every write is synced")

    @staticmethod
    def version():
        return re.search(r"v=(\S+)", quiet(["redis-server", "--version"]))[1]

    def ask(self, *words):
        return quiet(["redis-cli", "-e", "-h", HOST, "-p", str(self.port), *map(str, words)]).strip()

    def open(self, account, balance):
        self.ask("hset", f"balance:{account}", "available", balance)

    def work(self):
        return self.terms.price, self.terms.limit, self.terms.seconds * 1_000

    def decide(self, account, request):
        answer = self.ask("eval", SCRIPT, 0, account, request, *self.work())
        return answer.startswith("ALLOWED "), answer

    def available(self, account):
        return int(self.ask("hget", f"balance:{account}", "available"))

    def recorded(self):
        return re.findall(r"^request\n(.*)$", self.ask("xrange", "ledger", "-", "+"), re.MULTILINE)

    def load(self, seconds, connections):
        self.ask("eval", OPEN, 0, BALANCE)
        digest = self.ask("script", "load", SPREAD)
        command = ["evalsha", digest, 0, RANDOM, RANDOM * 2, *self.work()]
        before = size(self.folder)
        asked, figures = benchmark(self.port, (seconds, connections), ["-r", RANGE, *command])
        expect(int(self.ask("xlen", "ledger")) == asked, f"Redis: {asked} decisions are {asked} events")
        expect(int(self.ask("eval", HELD, 0)) == asked * self.terms.price, "Redis: every decision holds its price")
        kept = (size(self.folder) - before) / asked
        return Figures(*figures, kept)


def benchmark(port, load, command):
    """Asks for so many seconds, as near as a count can be to it; how often in all, and rate, p50 and p99."""
    seconds, connections = load
    probe = 200 * connections
    rate, _, _ = ask_often(port, connections, probe, command)
    count = max(int(rate * seconds), probe)
    return probe + count, ask_often(port, connections, count, command)


def ask_often(port, connections, count, command):
    how = ["-h", HOST, "-p", port, "-c", connections, "-n", count, "--csv"]
    out = quiet(["redis-benchmark", *map(str, [*how, *command])])
    row = list(csv.DictReader(line for line in out.splitlines() if line.startswith('"')))[-1]
    return float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"])
