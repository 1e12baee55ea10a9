"""Safe change: what is not confirmed over a new connection goes away, whatever is killed and whenever.

Guarita, its operator and their connections live in a network namespace of their own: here the gate is real.
"""
import json
import os
import signal
import socket
import subprocess

import pytest

from conftest import BUILD, LIMIT, alive, wait_until
from test_oracle import in_namespace

GUARITA = BUILD / "src" / "main" / "guarita"
KEEPERD = BUILD / "src" / "role" / "keeperd"

GATE = """
interface wan { zone internet; address 203.0.113.10/24; gateway 203.0.113.1; }
interface lan { address 192.168.0.222/24; }
%s
"""
OPEN = GATE % "allow lan to gateway ssh;"
MORE = GATE % "allow lan to gateway ssh, http;"
OPEN_RULE, MORE_RULE = "tcp dport 22 ", "tcp dport { 22, 80 }"
SHUT = GATE % "allow lan to gateway http;"


class Session:
    """A TCP connection on loopback that stands for an operator's SSH session."""

    def __init__(self, listener):
        self.client = socket.create_connection(listener.getsockname())
        self.server, _ = listener.accept()
        self.env = "%s %d %s %d" % (self.client.getsockname() + self.server.getsockname())

    def close(self):
        self.client.close()
        self.server.close()


class Bench:
    def __init__(self, guarita):
        self.g = guarita
        self.name = "guarita-change-%d" % os.getpid()
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        guarita.inside = ["ip", "netns", "exec", self.name]
        self.listener = in_namespace(self.name, lambda: socket.create_server(("127.0.0.1", 0)))
        self.sessions = []
        guarita.write_config(OPEN)

    def session(self):
        self.sessions.append(in_namespace(self.name, lambda: Session(self.listener)))
        return self.sessions[-1]

    def rules(self):
        """What the kernel really does on input, as text of nft."""
        return subprocess.run([*self.g.inside, "nft", "list", "chain", "inet", "guarita", "g_input"], capture_output=True,
                              text=True).stdout

    def run(self, *words, session=None, ok=True, env=None):
        base = {k: v for k, v in os.environ.items() if k != "SSH_CONNECTION"}
        if session:
            base["SSH_CONNECTION"] = session.env
        # The scene may itself run under SSH: then an ancestor would speak for a session that is not ours.
        base.setdefault("SSH_CONNECTION", "192.168.0.9 50000 192.168.0.222 22")
        done = subprocess.run([*self.g.inside, GUARITA, *words, "--config", self.g.config], capture_output=True, text=True,
                              env={**base, **(env or {})}, timeout=LIMIT)
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, text, **how):
        self.g.write_config(text)
        out = self.run("plan", **how)
        return out, out.rsplit("guarita apply ", 1)[1].split()[0]

    def apply(self, text, session, *more):
        _, plan = self.plan(text, session=session)
        return self.run("apply", plan, "--control", self.g.control, *more, session=session)

    def history(self):
        return [json.loads(line) for line in self.run("history", "--json").splitlines() if line.startswith("{")]

    def boots(self):
        return next(h["generation"] for h in self.history() if h["boots"])

    def fate(self, generation):
        return next(h["fate"] for h in self.history() if h["generation"] == generation)

    def loaded(self):
        """The configuration that the roles run with; None while they are being started."""
        try:
            return open("/proc/%d/cmdline" % self.g.roles()["watchd"]["pid"]).read().split("\0")[2]
        except (OSError, IndexError):
            return None

    def runs(self, generation):
        return self.loaded() == "%s.history/%d" % (self.g.config, generation)

    def keeper(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = open("/proc/%s/cmdline" % pid).read().split("\0")
                if os.readlink("/proc/%s/exe" % pid) == str(KEEPERD) and words[2] == str(self.g.config) and \
                        alive(int(pid)):
                    return int(pid)
            except OSError:
                continue
        return 0

    def close(self):
        for s in self.sessions:
            s.close()
        self.listener.close()
        keeper = self.keeper()
        if keeper:
            os.kill(keeper, signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", self.name], check=True)


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace")


@pytest.fixture
def bench(guarita):
    b = Bench(guarita)
    yield b
    guarita.stop()
    b.close()


def test_the_first_configuration_is_held(bench):
    bench.g.start()
    assert [(h["generation"], h["fate"], h["boots"]) for h in bench.history()] == [(1, "confirmed", True)]
    assert "nothing to do" in bench.run("plan")


def test_a_configuration_without_a_gate_is_not_held(bench):
    bench.g.write_config("")
    bench.g.start()
    assert "nothing is held" in bench.run("plan", ok=False)


def test_plan_shows_text_effects_and_a_hash(bench):
    bench.g.start()
    out, plan = bench.plan(MORE)
    assert "- allow lan to gateway ssh;" in out and "+ allow lan to gateway ssh, http;" in out
    assert "- input: in lan, tcp 22: allow" in out and "+ input: in lan, tcp 22,80: allow" in out
    assert len(plan) == 16
    assert "is not the plan" in bench.run("apply", "0" * 16, ok=False)
    bench.g.write_config(SHUT)
    assert "is not the plan" in bench.run("apply", plan, ok=False)


def test_confirmed_over_a_new_connection(bench):
    bench.g.start()
    first = bench.session()
    bench.apply(MORE, first)
    assert bench.boots() == 1 and bench.fate(2) == "pending"
    wait_until("generation 2 runs", lambda: bench.runs(2))
    wait_until("the kernel's rules are the new ones", lambda: MORE_RULE in bench.rules())
    assert "older than the change" in bench.run("confirm", session=first, ok=False)
    assert "proves nothing" not in bench.run("confirm", session=bench.session())
    assert bench.boots() == 2 and bench.fate(2) == "confirmed"
    keeper = bench.keeper()
    wait_until("the keeper left", lambda: not keeper or not alive(keeper))


def test_an_old_second_connection_does_not_count(bench):
    bench.g.start()
    first, second = bench.session(), bench.session()
    bench.apply(MORE, first)
    assert "older than the change" in bench.run("confirm", session=second, ok=False)
    assert bench.fate(2) == "pending"


def test_a_connection_that_is_gone_does_not_count(bench):
    bench.g.start()
    bench.apply(MORE, bench.session())
    gone = bench.session()
    gone.close()
    assert "is not there any more" in bench.run("confirm", session=gone, ok=False)


def test_nobody_confirms(bench):
    bench.g.start()
    bench.apply(MORE, bench.session(), "--within", "2s")
    wait_until("generation 1 runs again", lambda: bench.runs(1))
    wait_until("the kernel's rules are the old ones", lambda: OPEN_RULE in bench.rules())
    assert bench.fate(2) == "rolled-back" and bench.boots() == 1
    assert "no change waits" in bench.run("confirm", session=bench.session(), ok=False)


def test_the_keeper_is_killed(bench):
    bench.g.start()
    bench.apply(MORE, bench.session(), "--within", "3s")
    for _ in range(3):
        keeper = wait_until("a keeper", bench.keeper)
        os.kill(keeper, signal.SIGKILL)
    wait_until("generation 1 runs again", lambda: bench.runs(1))
    assert bench.fate(2) == "rolled-back"


def test_the_supervisor_is_killed_and_started_again(bench):
    bench.g.start()
    bench.apply(MORE, bench.session())
    wait_until("generation 2 runs", lambda: bench.runs(2))
    bench.g.kill_all()
    bench.g.start()
    assert bench.runs(1)
    assert bench.fate(2) == "rolled-back"
    wait_until("the keeper left", lambda: not bench.keeper())


def test_the_supervisor_is_dead_and_nobody_starts_it(bench):
    """Then the keeper itself puts the old rules back into the kernel."""
    bench.g.start()
    bench.apply(MORE, bench.session(), "--within", "3s")
    wait_until("the kernel's rules are the new ones", lambda: MORE_RULE in bench.rules())
    bench.g.kill_all()
    assert bench.keeper() and MORE_RULE in bench.rules()
    wait_until("the kernel's rules are the old ones", lambda: OPEN_RULE in bench.rules())
    wait_until("the keeper left", lambda: not bench.keeper())
    assert bench.fate(2) == "rolled-back" and bench.boots() == 1


def test_what_locks_the_operator_out_is_refused(bench):
    bench.g.start()
    before = bench.history()
    out, plan = bench.plan(SHUT)
    assert "would lock you out" in out and "dropped" in out
    refused = bench.run("apply", plan, "--control", bench.g.control, ok=False)
    assert "would lock you out" in refused and bench.history() == before
    bench.run("apply", plan, "--control", bench.g.control, "--force", "--within", "1s")
    wait_until("rolled back", lambda: bench.fate(2) == "rolled-back")


def test_rollback_undo_and_compare(bench):
    bench.g.start()
    bench.apply(MORE, bench.session())
    bench.run("confirm", session=bench.session())
    assert "allow lan to gateway ssh, http;" in bench.run("compare", "1", "2")
    bench.run("undo", "--control", bench.g.control, session=bench.session())
    wait_until("generation 3 runs", lambda: bench.runs(3))
    bench.run("confirm", session=bench.session())
    assert "no difference" in bench.run("compare", "1", "3")
    bench.run("rollback", "2", "--control", bench.g.control, session=bench.session())
    bench.run("rollback", "--control", bench.g.control)
    assert [h["fate"] for h in bench.history()] == ["rolled-back", "confirmed", "confirmed", "confirmed"]
    assert bench.boots() == 3
    wait_until("generation 3 runs", lambda: bench.runs(3))


def test_a_bad_configuration_changes_nothing(bench):
    bench.g.start()
    bench.g.write_config(GATE % "allow nobody to gateway ssh;")
    assert "nobody" in bench.run("plan", ok=False)
    bench.g.write_config(MORE)
    (bench.g.dir / "rules" / "scene.rules").write_text("decoder broken {")
    _, plan = bench.plan(MORE)
    assert "was not taken" in bench.run("apply", plan, "--control", bench.g.control, session=bench.session(), ok=False)
    assert bench.fate(2) == "rolled-back" and bench.boots() == 1


def test_an_edited_file_does_not_boot(bench):
    """The operator's file is a draft: neither a reload nor a restart takes it without a plan."""
    bench.g.start()
    bench.g.write_config(SHUT)
    assert bench.g.ask("reload")["ok"]
    wait_until("generation 1 runs", lambda: bench.runs(1))
    bench.g.kill_all()
    bench.g.start()
    assert bench.runs(1)
