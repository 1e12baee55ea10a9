"""Scenes: the real processes on loopback and in temporary folders, with small rules of their own.

Nothing here depends on speed: every wait is for something to become true, with a generous limit.
"""
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("GUARITA_BUILD", ROOT / "build"))
GUARITAD = BUILD / "src" / "main" / "guaritad"
ROLES = BUILD / "src" / "role"
LIMIT = 60

RULES = """
decoder scene-sshd {
    program sshd;
    line auth.fail 'Failed password for <user> from <src> port <src_port> ssh2';
    sample 'Failed password for root from 192.0.2.7 port 50273 ssh2' is auth.fail { src 192.0.2.7; user root; }
}
decoder scene-probe {
    program probe;
    line recon.web_probe 'probe from <src>';
    sample 'probe from 192.0.2.7' is recon.web_probe { src 192.0.2.7; }
}
rule scene-guessing {
    count 3 of auth.fail by src within 10m;
    open auth.brute;
    say "{count} failed logins from {src}";
}
rule scene-probe {
    each recon.web_probe by src;
    open recon.web_probe;
    say "probe from {src}";
}
"""


def wait_until(what, condition, limit=LIMIT):
    """The first true value of condition(); fails loudly after the limit."""
    end = time.monotonic() + limit
    while True:
        try:
            value = condition()
        except (OSError, ValueError):
            value = None
        if value:
            return value
        assert time.monotonic() < end, "waited %d s for: %s" % (limit, what)
        time.sleep(0.01)


def alive(pid):
    try:
        return Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Guarita:
    """One installation in a folder of its own."""

    def __init__(self, folder):
        self.dir = folder
        self.config = folder / "guarita.conf"
        self.control = folder / "run" / "control"
        self.logs = folder / "logs"
        self.logs.mkdir()
        (folder / "rules").mkdir()
        self.write_rules(RULES)
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self.socket = folder / "log.sock"
        self.process = None
        self.inside = []                # words that lead into a network namespace
        self.seen = set()
        self.write_config()

    def write_rules(self, text):
        (self.dir / "rules" / "scene.rules").write_text(text)

    def write_config(self, more="", sources=None):
        if sources is None:
            sources = "udp 127.0.0.1:%d;\ntcp 127.0.0.1:%d;\nunix %s;\nfiles %s/*.log { from start; }\n" % (
                self.udp, self.tcp, self.socket, self.logs)
        self.config.write_text("site scene;\nstate-dir %s/state;\nrun-dir %s/run;\nrules-dir %s/rules;\n%s%s\n" % (
            self.dir, self.dir, self.dir, sources, more))

    def start(self, env=None, stdin=subprocess.DEVNULL, ready=True):
        self.errors = open(self.dir / "stderr", "ab")
        self.process = subprocess.Popen([*self.inside, GUARITAD, "--config", self.config], stdin=stdin, stdout=self.errors,
                                        stderr=self.errors, env=dict(os.environ, **(env or {})))
        if ready:
            self.wait_running()
        return self

    def stderr(self):
        path = self.dir / "stderr"
        return path.read_text(errors="replace") if path.exists() else ""

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            s.connect(str(self.control))
            s.sendall(json.dumps({"cmd": command}).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def roles(self):
        roles = {r["name"]: r for r in self.ask("status")["roles"]}
        self.seen.update(r["pid"] for r in roles.values() if r["pid"])
        return roles

    def wait_running(self):
        def running():
            assert self.process.poll() is None, self.stderr()
            roles = self.roles()
            return roles if all(r["state"] in ("running", "not needed") for r in roles.values()) and \
                roles["intaked"].get("status", {}).get("reader") else None
        return wait_until("all roles running", running)

    def lines(self, role="watchd"):
        return self.roles()[role].get("status", {}).get("lines", 0)

    def wait_lines(self, n, role="watchd"):
        wait_until("%d lines in %s" % (n, role), lambda: self.lines(role) >= n)
        assert self.lines(role) == n

    def incidents(self, change="opened"):
        path = self.dir / "state" / "incidents.jsonl"
        if not path.exists():
            return []
        return [i for i in map(json.loads, path.read_text().splitlines()) if i["change"] == change]

    def wait_incidents(self, n):
        wait_until("%d incidents" % n, lambda: len(self.incidents()) >= n)
        assert len(self.incidents()) == n
        return self.incidents()

    def send_udp(self, *lines):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for line in lines:
                s.sendto(line.encode() if isinstance(line, str) else line, ("127.0.0.1", self.udp))

    def append(self, name, *lines):
        with open(self.logs / name, "a") as f:
            f.write("".join(line + "\n" for line in lines))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LIMIT)
        return self.process.returncode if self.process else None

    def kill_all(self):
        """As a power cut for the processes: nobody gets a chance to say goodbye."""
        pids = [r["pid"] for r in self.roles().values() if r["pid"]]
        self.process.kill()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_until("all killed", lambda: not any(alive(p) for p in pids))

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        # A sanitizer's finding in any of the processes is a failure, whatever else went well.
        assert "runtime error" not in self.stderr() and "AddressSanitizer" not in self.stderr(), self.stderr()
        for pid in self.seen:
            wait_until("role %d gone" % pid, lambda pid=pid: not alive(pid))


def probe(i):
    """A line that is an incident of its own source."""
    return "%s gate probe: probe from 198.51.%d.%d" % (stamp(), i // 250, i % 250 + 1)


def stamp():
    t = time.gmtime()
    return time.strftime("%b ", t) + "%2d" % t.tm_mday + time.strftime(" %H:%M:%S", t)


@pytest.fixture
def guarita(tmp_path):
    # A unix socket's path must be short; pytest's own is.
    g = Guarita(tmp_path)
    yield g
    g.close()
