"""Counterfoil itself, loaded by its own bench."""

import os
import re
from functools import cache, cached_property

from machine import HOST, ROOT, TARGET, free_port, listens, quiet, say, server
from work import ACCOUNTS, BENCH, Figures, expect, http

GATEWAY, OPERATOR = "peers-gateway-token-0123456789", "peers-operator-token-0123456789"
CONFIG = f'[operators]\npeers = "{OPERATOR}"\n[gateways]\npeers = "{GATEWAY}"\n'
# As the bench asks.
ASK = {"ip": "203.0.113.7", "endpoint": "/api/v1/ai/translation", "attributes": {"chars": 400}, "settle": "now"}


@cache
def executable():
    """Built by cargo, or the one that the environment names."""
    given = os.environ.get("COUNTERFOIL")
    if not given:
        say("building counterfoil")
        quiet(["cargo", "build", "--release", "--locked", "--quiet", "--bin", "counterfoil"], cwd=ROOT)
    return given or str(TARGET / "release/counterfoil")


class Counterfoil:
    name = "Counterfoil"
    transport = "HTTP"
    durable = "yes"
    keeps_a_ledger = True
    lacks = "–"
    packages = []
    kind = "spread"

    def __init__(self, stack, folder, terms):
        self.stack, self.folder, self.terms = stack, folder, terms

    @cached_property
    def port(self):
        """Of a server under these terms; a load does not need it, since the bench starts one of its own."""
        policy = re.sub(r"^limit = .*", f"limit = {self.terms.limit}", BENCH.read_text(), flags=re.MULTILINE)
        policy = re.sub(r"^overdraft = .*", 'overdraft = "none"', policy, flags=re.MULTILINE)
        (self.folder / "policy.toml").write_text(policy)
        (self.folder / "config.toml").write_text(CONFIG)
        port = free_port()
        files = {"policy": "policy.toml", "config": "config.toml", "data": "book"}
        where = [word for name, file in files.items() for word in (f"--{name}", self.folder / file)]
        server(self.stack, [executable(), "serve", "--listen", f"{HOST}:{port}", *where], lambda: listens(port))
        return port

    @staticmethod
    def version():
        return quiet([executable(), "--version"]).split()[1]

    def open(self, account, balance):
        http(self.port, "/v1/accounts", {"account": account}, OPERATOR)
        http(self.port, f"/v1/accounts/{account}/grants", {"amount": str(balance), "kind": "grant"}, OPERATOR)

    def decide(self, account, request):
        answer = http(self.port, "/v1/decisions", {"request_id": request, "account": account, **ASK}, GATEWAY)
        return answer["allowed"], answer

    def available(self, account):
        return int(http(self.port, f"/v1/account/balance?account={account}", token=GATEWAY)["available"])

    def recorded(self):
        events = http(self.port, "/v1/events?after=0", token=OPERATOR)["events"]
        return [event["request_id"] for event in events if "request_id" in event]

    def load(self, seconds, connections):
        command = [executable(), "bench", f"--{self.kind}", "--seconds", seconds, "--accounts", ACCOUNTS]
        if self.kind == "spread":
            command += ["--connections", connections]
        # The bench keeps its log where temporary files are.
        out = quiet([*map(str, command)], env=os.environ | {"TMPDIR": str(self.folder)})
        row = re.search(rf"^ *{self.kind} .*$", out, re.MULTILINE)[0]
        expect(row.split()[-1] == "0", f"Counterfoil: everybody is admitted: {row}")
        p50, p99, *_ = [milliseconds(*time) for time in re.findall(r"(\d+) (µs|ms)", row)]
        kept = re.search(r"bytes in the log per decision: (\d+)", out)[1]
        return Figures(float(row.split()[2]), p50, p99, float(kept))


class Streams(Counterfoil):
    name = "Counterfoil, streams"
    transport = "HTTP, 4 × 1,000 lines"
    kind = "stream"

    def decide(self, account, request):
        ask = {"request_id": request, "account": account, **ASK}
        answer = http(self.port, "/v1/decisions/batch", ask, GATEWAY, lines=True)["decision"]
        return answer["allowed"], answer


def milliseconds(number, unit):
    return int(number) / {"µs": 1_000, "ms": 1}[unit]
