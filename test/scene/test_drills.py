"""Drills: changes of all kinds, good ones, broken ones, ones that shut the operator out; and kill -9 of anything at any moment.

After each drill the gate must be where the last confirmed generation says, in the book, in the processes and in the kernel, and
the operator must get in over a new connection. GUARITA_DRILLS="count seed" asks for more than the usual few.
"""
import os
import random
import signal
import socket
import subprocess
import time
import uuid

import pytest

from conftest import BUILD, LIMIT, alive, wait_until
from test_change import GATE, GUARITA, MORE_RULE, OPEN_RULE, Bench
from test_oracle import in_namespace

COUNT, SEED = map(int, os.environ.get("GUARITA_DRILLS", "12 1").split())
GOOD = {OPEN_RULE: GATE % "allow lan to gateway ssh;", MORE_RULE: GATE % "allow lan to gateway ssh, http;"}
SHUT = [GATE % "allow lan to gateway http;", GATE % "deny lan to gateway; allow lan to gateway ssh;",
        (GATE % "allow lan to gateway ssh;").replace("192.168.0.222/24", "192.168.77.1/24"),
        GATE % "rule prerouting deny { in lan; } allow lan to gateway ssh;"]
BROKEN = [GATE % "allow nobody to gateway ssh;", "interface {", GATE % "allow lan to gateway ssh", GATE % "rule input deny { out wan; }"]
KILLED = ["nobody", "nobody", "keeper", "netd", "guaritad", "roles", "power"]


def is_ours(pid):
    """Numbers of processes come again, for others."""
    try:
        return alive(pid) and os.readlink("/proc/%d/exe" % pid).startswith(str(BUILD))
    except OSError:
        return False


class Drills(Bench):
    """A gateway with a real wire to its operator."""

    def __init__(self, guarita):
        super().__init__(guarita)
        self.op = self.name + "-op"
        subprocess.run(["ip", "netns", "add", self.op], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", self.op],
                       check=True)
        for words in ("link set eth0 up", "addr add 192.168.0.9/24 dev eth0", "addr add 192.168.77.9/24 dev eth0"):
            subprocess.run(["ip", "-n", self.op, *words.split()], check=True)
        self.door = in_namespace(self.name, lambda: socket.create_server(("0.0.0.0", 22)))
        self.random = random.Random(SEED)
        # A machine that was switched off and on again calls its life by another name.
        self.boot_id = guarita.dir / "boot_id"
        self.new_life()
        guarita.inside = ["unshare", "-m", "sh", "-c", 'mount --bind %s /proc/sys/kernel/random/boot_id && exec "$@"' % self.boot_id,
                          "sh", *guarita.inside]

    def new_life(self):
        self.boot_id.write_text(str(uuid.UUID(int=self.random.getrandbits(128))) + "\n")

    def power_cut(self):
        """What the kernel knew is gone with it; only the folders are left."""
        self.new_life()
        for words in (["nft", "flush", "ruleset"], ["ip", "addr", "flush", "dev", "lan"], ["ip", "route", "flush", "table", "main"],
                      ["ip", "link", "set", "lan", "down"]):
            subprocess.run([*self.g.inside, *words], check=True)

    def come_in(self, seconds=1.0):
        """A new connection of the operator, or None."""
        client = in_namespace(self.op, lambda: socket.socket())
        client.settimeout(seconds)
        try:
            client.connect(("192.168.0.222", 22))
        except OSError:
            client.close()
            return None
        self.door.settimeout(LIMIT)
        server, _ = self.door.accept()
        return client, server

    class Over:
        def __init__(self, pair):
            self.env = "%s %d %s %d" % (pair[0].getsockname() + pair[0].getpeername())

    def popen(self, *words, session=None):
        env = dict(os.environ, SSH_CONNECTION=session.env if session else "192.168.0.9 50000 192.168.0.222 22")
        control = ["--control", self.g.control] if words[0] == "apply" else []
        return subprocess.Popen([*self.g.inside, GUARITA, *words, "--config", self.g.config, *control], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=env)

    def maybe_kill(self, process):
        """Half of the time not at all, else at some moment of its short life."""
        if self.random.random() < 0.5:
            time.sleep(self.random.random() * 0.05)
            process.kill()
        out, _ = process.communicate(timeout=LIMIT)
        return out

    def kill(self, what):
        if what == "keeper" and self.keeper():
            os.kill(self.keeper(), signal.SIGKILL)
        elif what == "netd":
            pid = self.g.roles()["netd"]["pid"]
            if pid:
                os.kill(pid, signal.SIGKILL)
        elif what == "guaritad":
            self.g.process.kill()
            self.g.process.wait()
        elif what in ("roles", "power"):
            self.g.kill_all()
            while what == "power" and self.keeper():
                keeper = self.keeper()
                os.kill(keeper, signal.SIGKILL)
                wait_until("the keeper is gone", lambda: not alive(keeper))
            if what == "power":
                self.power_cut()

    def up(self):
        if self.g.process.poll() is not None:
            # As a service manager would: the roles of a killed supervisor leave by themselves first.
            wait_until("the old roles are gone", lambda: not any(is_ours(p) for p in self.g.seen))
            self.g.seen.clear()
            self.g.start()

    def processes(self):
        """Where each of this scene's hangs, if any does."""
        told = subprocess.run(["ps", "-eo", "pid,ppid,stat,etimes,wchan:24,args"], capture_output=True, text=True).stdout
        return "\n".join(line for line in told.splitlines() if str(self.g.dir) in line)

    def settled(self):
        return not any(h["fate"] == "pending" for h in self.history())

    def check(self, good):
        wait_until("nothing waits any more", self.settled)
        self.up()
        boots = self.boots()
        assert self.fate(boots) == "confirmed"
        assert boots in good, "generation %d was never confirmed by its operator" % boots
        wait_until("generation %d runs" % boots, lambda: self.runs(boots))
        wait_until("its rules are the kernel's", lambda: good[boots] in self.rules())
        pair = wait_until("the operator gets in", self.come_in)
        for s in pair:
            s.close()

    def close(self):
        super().close()
        self.door.close()
        subprocess.run(["ip", "netns", "del", self.op], check=True)


def drill(d, good):
    """One change, with whatever happens to it. Adds to `good` what may have been confirmed."""
    r = d.random
    kind = r.choice(["good", "good", "shut", "broken"])
    rule = r.choice(sorted(GOOD))
    text = GOOD[rule] if kind == "good" else r.choice(SHUT if kind == "shut" else BROKEN)
    d.g.write_config(text + "# %d\n" % r.getrandbits(60))
    number = max(h["generation"] for h in d.history()) + 1
    plan = d.popen("plan").communicate(timeout=LIMIT)[0]
    victim = r.choice(KILLED)
    if "guarita apply " not in plan:
        assert kind == "broken", plan
        return kind
    words = ["apply", plan.rsplit("guarita apply ", 1)[1].split()[0], "--within", "1s"]
    told = d.maybe_kill(d.popen(*words, *(["--force"] if kind == "shut" else [])))
    time.sleep(r.random() * 0.3)
    d.kill(victim)
    if kind == "good" and victim not in ("guaritad", "roles", "power") and r.random() < 0.7:
        pair = d.come_in()
        if pair:
            # Whether it comes through in time and alive is open; that it may is not.
            good[number] = rule
            told += d.maybe_kill(d.popen("confirm", session=d.Over(pair)))
            for s in pair:
                s.close()
    if victim == "power" or r.random() < 0.5:
        d.up()
    return "%s, kill %s: %s" % (kind, victim, told.strip().splitlines()[-1:] or "killed")


@pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces")
def test_drills(guarita):
    d = Drills(guarita)
    try:
        d.g.start()
        good = {1: OPEN_RULE}
        for i in range(COUNT):
            what = "no answer"
            try:
                what = drill(d, good)
                d.check(good)
            except (AssertionError, subprocess.TimeoutExpired) as e:
                raise AssertionError("drill %d of seed %d (%s): %s\n%s\n%s\n%s" % (
                    i, SEED, what, e, "\n".join(map(str, d.history()[:6])), d.processes(), d.g.stderr()[-3000:]))
        fates = [h["fate"] for h in d.history()]
        print("%d drills: %d confirmed, %d rolled back, the operator always got in" % (
            COUNT, fates.count("confirmed"), fates.count("rolled-back")))
    finally:
        guarita.stop()
        d.close()
