"""The VPN beside the gate: who is connected is in a list that rules can name, and nobody else is, whatever ends how."""
import re
import signal

import pytest
from conftest import ROLES, wait_until
from gate import GUARITA, Gate, bed, needs_bed  # noqa: F401 (bed is a fixture)

pytestmark = needs_bed
MATRIZ = """
site matriz;
interface wan { zone internet; address 203.0.113.10/24; gateway 203.0.113.1; }
interface lan { address 192.168.0.222/24; }
interface l2tp { zone road; }
list people;
allow road to gateway tcp/7777 { source-list people; }
l2tp server { address 10.9.0.1; pool 10.9.0.0/24; keepalive 1s; }
profile people { list people; }
secret ana "hers alone" { profile people; address 10.9.0.7; }
secret bob "his alone" { address 10.9.0.8; }
"""


class Caller:
    """Somebody at the filial's place, with l2tpd alone."""

    def __init__(self, bed, folder, user, password):
        self.log = folder / ("%s.log" % user)
        conf = folder / ("%s.conf" % user)
        conf.write_text('site %s;\nstdin;\nstate-dir "%s";\nheadquarters 203.0.113.10 { user %s; password "%s"; '
                        'network 10.9.0.1/32; interface v-%s; keepalive 1s; }\n' % (user, folder / "nowhere", user, password, user))
        out = open(self.log, "ab")
        self.process = bed.popen("f1", ROLES / "l2tpd", "--config", conf, stdout=out, stderr=out)

    def up(self, times=1):
        wait_until("connected", lambda: self.log.read_text().count("vpn.up") >= times)

    def end(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        self.process.wait(30)


@pytest.fixture
def matriz(bed, tmp_path):  # noqa: F811
    gate = Gate(bed, "matriz", tmp_path / "m", MATRIZ)
    yield gate.start()
    gate.stop()


def members(gate):
    rules = gate.bed.run("matriz", "nft", "list", "table", "inet", "guarita").stdout
    return {a for a in re.findall(r"10\.9\.0\.\d+", rules) if a != "10.9.0.1"}


def told(gate):
    """The newest netd has her name from the VPN."""
    return gate.roles()["netd"].get("status", {}).get("members") == 1


def test_who_is_connected_is_in_his_list(bed, matriz, tmp_path):  # noqa: F811
    door = bed.listen("matriz", 7777, "0.0.0.0")
    bed.run("f1", "ip", "addr", "replace", "198.51.100.30/25", "dev", "wan")
    bed.run("f1", "ip", "link", "set", "wan", "up")
    bed.run("f1", "ip", "route", "replace", "default", "via", "198.51.100.1")
    callers = []
    try:
        ana = Caller(bed, tmp_path, "ana", "hers alone")
        callers.append(ana)
        ana.up()
        wait_until("ana is in the list", lambda: members(matriz) == {"10.9.0.7"})
        assert bed.connect("f1", "10.9.0.1", 7777).startswith("hello")
        ana.end()
        wait_until("nobody is in the list", lambda: members(matriz) == set())
        bob = Caller(bed, tmp_path, "bob", "his alone")
        callers.append(bob)
        bob.up()
        assert bed.connect("f1", "10.9.0.1", 7777, seconds=1) == "silent" and members(matriz) == set()
        bob.end()
        # The VPN dies without a word while ana is there; netd dies and begins anew.
        ana = Caller(bed, tmp_path, "ana", "hers alone")
        callers.append(ana)
        ana.up(2)
        wait_until("ana is in the list", lambda: members(matriz) == {"10.9.0.7"})
        pid = matriz.roles()["netd"]["pid"]
        matriz.bed.run("matriz", "kill", "-9", str(pid))
        wait_until("another netd", lambda: matriz.roles()["netd"].get("pid") not in (None, pid) and matriz.running())
        wait_until("which knows of her", lambda: told(matriz))
        ana.end(signal.SIGKILL)
        matriz.bed.run("matriz", "kill", "-9", str(matriz.roles()["l2tpd"]["pid"]))
        wait_until("nobody is in the list", lambda: members(matriz) == set())
    finally:
        for caller in callers:
            if caller.process.poll() is None:
                caller.end(signal.SIGKILL)
        door.kill()
        door.wait()


def test_a_plan_shows_no_password(bed, matriz):  # noqa: F811
    text = matriz.config.read_text()
    matriz.config.write_text(text.replace('"his alone" {', "'his \\ own' { idle-timeout 5m;").replace('"hers alone" {', '"her \\"new\\"" {'))
    done = bed.run("matriz", GUARITA, "plan", "--config", matriz.config, check=False)
    shown = done.stdout + done.stderr
    assert "secret bob (secret " in shown and "idle-timeout 5m" in shown, shown
    for word in ("hers alone", "his alone", "her ", "own"):
        assert word not in shown.replace("its own", ""), shown
    # A changed password is a change: the two do not look the same.
    before, after = (line.split("(secret ")[1][:3] for line in shown.splitlines() if "secret ana" in line)
    assert before != after
