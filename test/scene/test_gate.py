"""The gate of the article's company beside what the article asks for (test_gate_items.py): bans and the watch, what a
change does to what is under way, and what outlives what.
"""
import os
import re
import signal
import subprocess

import pytest

from company import CHAT, FLOOD, FLOW, PING, TALK, UDP_ECHO, company, guarita, route, servers  # noqa: F401
from conftest import wait_until
from gate import GUARITA, bed, failed_login, needs_bed  # noqa: F401 (bed is a fixture)

pytestmark = needs_bed


# The loop to the watch.


def banned(gate):
    return {b["net"]: b for b in gate.ask(cmd="bans")}


@pytest.fixture
def nobody_banned(company):
    """Each test of bans begins and ends with none, whichever ran before it."""
    m = company["matriz"]

    def let_in():
        for net in banned(m):
            m.ask(cmd="unblock", net=net, by="scene")
        assert banned(m) == {}
    let_in()
    yield
    wait_until("the gate running", m.running)
    let_in()


def block(gate, net):
    assert guarita(gate, "block", net, "1h", "scene").returncode == 0


def test_an_attack_in_the_log_is_banned_and_its_connections_are_cut(bed, company, servers, nobody_banned):
    m = company["matriz"]
    m.config.write_text(m.config.read_text())
    held = bed.popen("atk", "/usr/bin/python3", "-c",
                     "import socket,sys\ns=socket.socket(2,2)\ns.connect(('203.0.113.10',1701))\ns.send(b'x')\nprint('sent',flush=True)\nsys.stdin.read()",
                     stdin=subprocess.PIPE)
    assert held.stdout.readline() == "sent\n"
    flows = lambda: bed.run("matriz", "conntrack", "-L", "-s", "192.0.2.200", check=False).stdout
    wait_until("the connection known", lambda: "192.0.2.200" in flows())
    m.log(*(failed_login("192.0.2.200", i) for i in range(4)))
    wait_until("the ban", lambda: "192.0.2.200" in banned(m))
    ban = banned(m)["192.0.2.200"]
    assert ban["incident"] > 0 and 0 < ban["seconds"] <= 600 and "failed logins" in ban["reason"]
    assert "192.0.2.200" in m.nft("list", "set", "inet", "guarita", "ban4")
    wait_until("its connection forgotten", lambda: "192.0.2.200" not in flows())
    before = m.counts(hook="raw", word="ban")
    bed.udp("atk", "203.0.113.10", 1701)
    wait_until("the drop", lambda: m.counts(hook="raw", word="ban") == before + 1)
    held.stdin.close()
    held.wait()


def test_a_ban_survives_reload_and_kill(bed, company, nobody_banned):
    m = company["matriz"]
    block(m, "192.0.2.200")
    assert m.once().returncode == 0
    assert "192.0.2.200" in m.nft("list", "set", "inet", "guarita", "ban4")
    os.kill(m.roles()["netd"]["pid"], signal.SIGKILL)
    wait_until("netd again", m.running)
    assert banned(m)["192.0.2.200"]["reason"] == "scene"


def test_a_ban_survives_the_loss_of_the_kernels_state(bed, company, nobody_banned):
    """As after a power cut: only the folder is left."""
    m = company["matriz"]
    block(m, "192.0.2.200")
    m.stop()
    m.nft("delete", "table", "inet", "guarita")
    m.start()
    assert "192.0.2.200" in m.nft("list", "set", "inet", "guarita", "ban4")


def test_the_operator_blocks_and_unblocks(bed, company, servers, nobody_banned):
    m = company["matriz"]
    done = guarita(m, "block", "192.0.2.64/26", "1h", "asked", "for")
    assert done.returncode == 0 and "kept out for 1h" in done.stdout, done
    shown = guarita(m, "bans").stdout
    assert re.search(r"192\.0\.2\.64/26 .*asked for", shown)
    assert bed.connect("mpc", "192.0.2.80", 80, seconds=1) == "silent"
    assert guarita(m, "unblock", "192.0.2.64/26").returncode == 0
    assert bed.connect("mpc", "192.0.2.80", 80).startswith("hello")
    assert guarita(m, "unblock", "192.0.2.64/26").returncode == 1
    assert banned(m) == {}


def test_whom_a_ban_must_never_hit(company, nobody_banned):
    m = company["matriz"]
    for net in ("192.168.0.20", "203.0.113.10", "203.0.113.1", "127.0.0.1", "0.0.0.0/0", "224.0.0.1", "::/0"):
        done = guarita(m, "block", net)
        assert done.returncode == 1 and done.stderr, net
    assert banned(m) == {}


def test_a_wider_ban_takes_the_place_of_narrower_ones(company, nobody_banned):
    m = company["matriz"]
    for net in ("198.51.100.0/26", "198.51.100.64/26", "198.51.100.0/24", "198.51.100.128/25"):
        assert guarita(m, "block", net, "1h").returncode == 0, net
    assert "198.51.100.0/24" in m.nft("list", "set", "inet", "guarita", "bannet4")
    for net in list(banned(m)):
        assert guarita(m, "unblock", net).returncode == 0
    assert banned(m) == {}


def test_smurf_is_recognised_by_the_broadcast_address_used(bed, company):
    m = company["matriz"]
    bed.python("mpc", PING, "192.168.0.255", "0.2")
    wait_until("the drop", lambda: m.counts(hook="input", word="smurf", verdict="drop") >= 1)
    wait_until("the incident", lambda: "dos.smurf" in (m.dir / "state" / "incidents.jsonl").read_text())


# Change, and what outlives it.


def test_a_new_policy_loses_no_packet_of_a_running_flow(bed, company):
    m = company["matriz"]
    echo = bed.popen("www", "/usr/bin/python3", "-c", UDP_ECHO, "7000")
    assert echo.stdout.readline() == "listening\n"
    flow = bed.popen("mpc", "/usr/bin/python3", "-c", FLOW, "192.0.2.80", "7000", stdin=subprocess.PIPE)
    assert flow.stdout.readline() == "flowing\n"
    before = m.counts(hook="forward", name="lan", verdict="allow")
    for i in range(10):
        m.config.write_text(m.config.read_text() + "allow lan to gateway tcp/%d;\n" % (9000 + i))
        assert m.once().returncode == 0
    flow.stdin.write("stop\n")
    flow.stdin.close()
    sent, lost = map(int, flow.stdout.readline().split())
    flow.wait()
    echo.kill()
    echo.wait()
    assert sent > 10 and lost == 0
    # Counters go on where they were, but for the packets that passed between the reading of the old rules and the commit of
    # the new ones. How many those are depends on how fast this flow runs; counters that began anew would miss nine tenths.
    assert m.counts(hook="forward", name="lan", verdict="allow") >= before + sent * 9 // 10


def test_live_connections_that_new_rules_forbid_are_cut(bed, company):
    """And those that they allow live on: both are told by what they could still say to each other."""
    m = company["matriz"]
    text = m.config.read_text()
    echoes = [bed.popen("www", "/usr/bin/python3", "-c", CHAT, str(port)) for port in (7100, 7200)]
    assert all(e.stdout.readline() == "listening\n" for e in echoes)
    talks = [bed.popen("mpc", "/usr/bin/python3", "-c", TALK, "192.0.2.80", str(port), stdin=subprocess.PIPE) for port in (7100, 7200)]
    try:
        for t in talks:
            assert t.stdout.readline() == "heard\n"
        m.config.write_text(text.replace("allow lan to internet;", "deny lan to internet tcp/7100;\nallow lan to internet;"))
        # What will be cut is told before: that one and no other, with the line that does it.
        plan = bed.run("matriz", GUARITA, "plan", "--plain", "--config", m.config).stdout
        told = plan[plan.index("Live connections that it would cut, 1 of "):].splitlines()
        deny = 1 + next(i for i, l in enumerate(m.config.read_text().splitlines()) if "tcp/7100" in l)
        assert re.match(r"  TCP 192\.168\.0\.20 port \d+ -> 192\.0\.2\.80 port 7100, .* carried: guarita.conf:%d \(deny\)$" % deny,
                        told[1].replace(str(m.config), "guarita.conf")), plan
        assert told[2] == ""
        assert m.once().returncode == 0
        for t, want in zip(talks, ("nothing", "heard")):
            t.stdin.write("again\n")
            t.stdin.flush()
            assert t.stdout.readline() == want + "\n"
    finally:
        m.config.write_text(text)
        assert m.once().returncode == 0
        for p in echoes + talks:
            p.kill()
            p.wait()


def test_a_flood_of_pings_is_recognised(bed, company, nobody_banned):
    m = company["matriz"]
    bed.python("atk", FLOOD, "203.0.113.10", "3000")
    wait_until("the incident", lambda: "dos.ping_flood" in (m.dir / "state" / "incidents.jsonl").read_text())
    wait_until("the ban", lambda: "192.0.2.200" in banned(m))


def test_the_kernel_goes_on_when_all_of_ours_are_killed(bed, company, servers):
    m = company["matriz"]
    pids = [r["pid"] for r in m.roles().values() if r["pid"]] + [int((m.dir / "run" / "guaritad.pid").read_text())]
    for pid in sorted(pids, key=lambda p: p != pids[-1]):
        os.kill(pid, signal.SIGKILL)
    m.process.wait()
    assert bed.connect("mpc", "192.0.2.80", 80) == "hello 203.0.113.10"
    assert bed.connect("f1pc", "192.168.0.10", 80) == "hello 192.168.30.10"
    assert bed.connect("www", "203.0.113.10", 22, seconds=1) == "silent"
    m.start()


def test_a_faulty_policy_changes_nothing_and_is_told_at_its_line(bed, company):
    m = company["matriz"]
    text, before = m.config.read_text(), m.nft("-s", "list", "ruleset")
    try:
        m.config.write_text(text.replace("interface lan {", "interface lna {"))
        done = m.once()
        assert done.returncode == 1 and "`lan` is neither a zone" in done.stderr and "did you mean `lna`?" in done.stderr
        assert m.nft("-s", "list", "ruleset") == before
    finally:
        m.config.write_text(text)


def test_what_the_kernel_refuses_changes_nothing(bed, company):
    """Something of another kind stands where ours should: the kernel says no, and the operator hears it in a line."""
    m = company["matriz"]
    text = m.config.read_text()
    try:
        m.config.write_text(text + "list knockers; allow lan to gateway tcp/1 { source-list knockers; }\n")
        assert m.once().returncode == 0
        m.config.write_text(text)
        assert m.once().returncode == 0
        before = m.nft("-s", "list", "ruleset")
        name = re.search(r"set (l[0-9a-f]+_4)", before).group(1)
        m.nft("delete set inet guarita %s; add map inet guarita %s { type ipv4_addr : verdict; }" % (name, name))
        before = m.nft("-s", "list", "ruleset")
        m.config.write_text(text + "list knockers; allow lan to gateway tcp/1 { source-list knockers; }\n")
        done = m.once()
        assert done.returncode == 1 and "the kernel does not take the rules" in done.stderr
        assert "nothing was changed" in done.stderr and "elements" not in done.stderr
        assert m.nft("-s", "list", "ruleset") == before
        m.nft("delete", "map", "inet", "guarita", name)
    finally:
        m.config.write_text(text)
        assert m.once().returncode == 0


def test_release_takes_back_ours_and_nothing_else(bed, company):
    f1 = company["f1"]
    bed.run("f1", "nft", "add table inet theirs; add chain inet theirs c")
    bed.run("f1", "ip", "route", "add", "10.99.0.0/16", "via", "10.1.1.3", "proto", "static")
    f1.stop()
    assert f1.once("--release").returncode == 0
    assert f1.nft("list", "tables").split("\n") == ["table inet theirs", ""]
    assert route(bed, "f1", "10.99.0.0/16")
    assert "proto 71" not in bed.run("f1", "ip", "route").stdout
    assert "192.168.30.254" not in bed.run("f1", "ip", "addr", "show", "dev", "lan").stdout
    assert "198.51.100.30/25" in bed.run("f1", "ip", "addr", "show", "dev", "wan").stdout
    f1.start()


def test_commands_show_what_is_in_force(company):
    m = company["matriz"]
    rules = guarita(m, "fw", "rules", "netbios", "--plain").stdout + guarita(m, "fw", "rules", "deny", "--plain").stdout
    assert "in lan,vpn-filial30,vpn-filial40, out wan, tcp 139,445: drop" in rules and "guarita.conf:" in rules
    assert guarita(m, "fw", "counters", "--plain").stdout.count("\n") > 3
    assert re.search(r"^A G|^A.G", guarita(m, "routes", "--plain").stdout, re.M)
    assert re.search(r"^-\s+vpn-filial40", guarita(m, "interfaces", "--plain").stdout, re.M)
