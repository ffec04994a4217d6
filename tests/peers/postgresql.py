"""PostgreSQL: one SQL function, its transaction durable before the answer."""

import os
import re
import secrets
import shutil
import statistics

from machine import HERE, HOST, Failed, free_port, quiet, server
from work import ACCOUNTS, BALANCE, BEYOND_A_LEDGER, Figures, expect

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": 1_100,
    # Said again though they are the defaults: the comparison stands on them.
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    # No checkpoint in the middle of a run.
    "max_wal_size": "8GB",
}
OPEN = f"insert into accounts select n, {BALANCE} from generate_series(0, {ACCOUNTS - 1}) n"


class PostgreSQL:
    name = "PostgreSQL"
    transport = "its own, prepared"
    durable = "yes"
    keeps_a_ledger = True
    lacks = BEYOND_A_LEDGER
    packages = [("postgres", "postgresql"), ("pgbench", "postgresql"), ("psql", "postgresql")]

    def __init__(self, stack, folder, terms):
        self.folder, self.terms = folder, terms
        self.env = os.environ | {
            "PGHOST": HOST,
            "PGPORT": str(free_port()),
            "PGUSER": "postgres",
            "PGPASSWORD": secrets.token_hex(),
            "PGDATABASE": "postgres",
        }
        self.initialize()
        settings = SETTINGS | {"port": self.env["PGPORT"]}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server(stack, ["postgres", "-D", folder / "data", *options], self.ready, **self.as_its_user())
        quiet(["psql", "-qXv", "ON_ERROR_STOP=1", "-f", HERE / "decide.sql"], env=self.env)
        for setting in ("fsync", "synchronous_commit"):
            expect(self.ask(f"show {setting}") == "on", f"PostgreSQL: {setting} is on")

    def as_its_user(self):
        """It refuses to be root; Debian's package made a user for it."""
        user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        return {"env": self.env, "cwd": self.folder, **user}

    def initialize(self):
        password = self.folder / "password"
        password.write_text(self.env["PGPASSWORD"])
        if os.geteuid() == 0:
            for path in (self.folder, password):
                shutil.chown(path, "postgres", "postgres")
        command = ["initdb", "-D", "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", "password"]
        quiet(command, **self.as_its_user())

    def ready(self):
        try:
            return bool(self.ask("select 1"))
        except Failed:
            return False

    @staticmethod
    def version():
        return re.search(r"(\d+\.\d+)", quiet(["postgres", "--version"]))[1]

    def ask(self, query):
        return quiet(["psql", "-XAtqv", "ON_ERROR_STOP=1", "-c", query], env=self.env).strip()

    def open(self, account, balance):
        self.ask(f"insert into accounts values ('{account}', {balance})")

    def decide(self, account, request):
        work = f"{self.terms.price}, {self.terms.limit}, '{self.terms.seconds} s'"
        answer = self.ask(f"select * from decide('{request}', '{account}', {work})")
        return "|ALLOWED|" in answer, answer

    def available(self, account):
        return int(self.ask(f"select available from accounts where account = '{account}'"))

    def recorded(self):
        return self.ask("select request from ledger").splitlines()

    def size(self):
        """Compact: tables grow by pages ahead of use, more or fewer by chance."""
        self.ask("vacuum full accounts")
        self.ask("vacuum full ledger")
        return int(self.ask("select pg_total_relation_size('accounts') + pg_total_relation_size('ledger')"))

    def load(self, seconds, connections):
        self.ask(OPEN)
        before = self.size()
        self.ask("vacuum analyze accounts")
        self.ask("checkpoint")
        asked, rate, times = self.benchmark(seconds, connections)
        ledger = self.ask("select count(*), sum(held) from ledger")
        expect(ledger == f"{asked}|{asked * self.terms.price}", f"PostgreSQL: {asked} decisions are as many rows: {ledger}")
        kept = (self.size() - before) / asked
        centiles = statistics.quantiles(times, n=100)
        return Figures(rate, centiles[49], centiles[98], kept)

    def benchmark(self, seconds, connections):
        """How often it asked, how often a second, and how many milliseconds each time took."""
        terms = {"accounts": ACCOUNTS, "price": self.terms.price, "limit": self.terms.limit, "period": self.terms.seconds}
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(connections), "-j", "2", "-T", str(seconds)]
        command += [word for name, value in terms.items() for word in ("-D", f"{name}={value}")]
        out = quiet([*command, "-f", HERE / "decide.pgbench", "-l", "--log-prefix", self.folder / "times"], env=self.env)
        asked = int(re.search(r"actually processed: (\d+)", out)[1])
        rate = float(re.search(r"tps = ([\d.]+)", out)[1])
        lines = [line for path in self.folder.glob("times*") for line in path.read_text().splitlines()]
        return asked, rate, [int(line.split()[2]) / 1_000 for line in lines]
