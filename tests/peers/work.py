"""The work that every peer does, the proof that it does it, and what a load of it gave."""

import json
import tomllib
from dataclasses import dataclass, replace
from urllib import error, request

from machine import HOST, ROOT, Failed

BENCH = ROOT / "api/src/cli/bench/policy.toml"
ACCOUNTS = 10_000
BALANCE = 1_000_000_000
BEYOND_A_LEDGER = "settle, refund and expiry; lots, debt, price list, plan figures, bans; reasons, replay, tamper evidence"


@dataclass(frozen=True)
class Terms:
    """The figures of the policy that `counterfoil bench` measures."""

    limit: int
    seconds: int
    price: int

    @staticmethod
    def of_the_bench():
        policy = tomllib.loads(BENCH.read_text())
        (limit,) = policy["limits"]
        return Terms(limit["limit"], int(limit["rule"]["rolling"].removesuffix("s")), policy["prices"]["minimum"])

    def with_limit(self, limit):
        return replace(self, limit=limit)


@dataclass(frozen=True)
class Figures:
    """Decisions a second, milliseconds, and bytes a decision that stay on disk."""

    rate: float
    p50: float
    p99: float
    kept: float | None


LIMIT = 3


def check(peer):
    """Proves with a few calls that the peer does the work; `LIMIT` is what its terms say."""
    name = type(peer).name
    peer.open("often", 100)
    answers = [peer.decide("often", f"often-{n}") for n in range(LIMIT + 1)]
    allowed = [allowed for allowed, _ in answers]
    expect(allowed == [True] * LIMIT + [False], f"{name}: admitted until the limit, then refused: {answers}")
    if peer.keeps_a_ledger:
        check_ledger(peer, name, answers)


def check_ledger(peer, name, answers):
    left = 100 - LIMIT * peer.terms.price
    expect(peer.available("often") == left, f"{name}: {left} are left")
    again = [peer.decide("often", f"often-{n}") for n in range(LIMIT + 1)]
    expect(again == answers, f"{name}: a repeat gets the first answer: {again}")
    expect(peer.available("often") == left, f"{name}: a repeat moves nothing")

    peer.open("poor", peer.terms.price)
    answers = [peer.decide("poor", f"poor-{n}") for n in range(2)]
    expect([allowed for allowed, _ in answers] == [True, False], f"{name}: refused for want of credit: {answers}")
    expect(peer.available("poor") == 0, f"{name}: a refusal moves nothing")

    asked = [f"often-{n}" for n in range(LIMIT + 1)] + ["poor-0", "poor-1"]
    expect(sorted(peer.recorded()) == sorted(asked), f"{name}: every decision is on record once: {peer.recorded()}")


def expect(true, what):
    if not true:
        raise Failed(f"not so: {what}")


def http(port, path, body=None, token=None, lines=False):
    """What a JSON endpoint answers, whatever the status."""
    head = {"Content-Type": "application/x-ndjson" if lines else "application/json"}
    if token:
        head["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with request.urlopen(request.Request(f"http://{HOST}:{port}{path}", data, head), timeout=10) as answer:
            return json.load(answer)
    except error.HTTPError as refusal:
        raise Failed(f"{path} was answered {refusal.code}: {refusal.read().decode()}") from None
