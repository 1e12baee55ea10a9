"""Each thing that the article asks of its two gateways, by its number, at the matriz and at the filial.

  A8   any statement can be switched off, and bears a remark   A33  routes to the internet and to each site (matriz)
  A9   network and broadcast follow from the address           A34  the LAN takes the gateway's address
  A10  what others made is shown beside ours                   A35  branches keep their addresses, unless asked to hide them
  A12  the default route                                       A36  tunnels may be asked for, GRE not
  A13  routes tell who made them                               A37  one statement makes a branch
  A14  rules with numbers, tables and remarks                  A40  the filial's three segments
  A15  answers pass, counted by zone                           A47  routes to the internet and to the matriz (filial)
  A16  pings, unreachables and "too big" pass                  A48  the proxy segment goes out
  A17  file sharing is marked at its first payload             A49  the way past the proxy, only while it cannot serve
  A18  rules can ask for a mark                                A50  the filial speaks with the matriz' VPN port
  A19  marked is dropped: forwarded, sent, received            A51  management from the LAN and over the VPN
  A20  NetBIOS stays off the internet                          A52  LAN and tunnel reach each other, both ways
  A21  what nobody speaks of is dropped, last, by zone         A53  NetBIOS passes between the sites
  A22  management from inside only                             A54  and stays off the filial's internet side
  A24  refusals become records                                 A55  a filial without a segment for the proxy
  A25  a configuration of before can be brought back
  A26  the services of the company pass the tunnel
  A30  the matriz' two segments
  A32  rules and routes survive interfaces that go

Where an item is of both roles, its scene runs at both. What the VPN itself asks for (A31, A41 to A43) is in test_vpn.py;
discovery, users, DHCP, DNS and time (A1 to A7, A11, A44 to A46, A56) are not the gate's.
"""
import json
import os
import re
import signal
import subprocess
from types import SimpleNamespace

import pytest

from company import ECHO, HANDSHAKE, PING, SAY, UDP_ECHO, cable, company, guarita, route, sample, servers  # noqa: F401
from conftest import ROOT, wait_until
from gate import GUARITA, Gate, bed, needs_bed  # noqa: F401 (bed is a fixture)

pytestmark = needs_bed

# `goer` is who may go to the internet from there, `isp` who can be told a way to addresses that the internet does not know.
MATRIZ = SimpleNamespace(
    host="matriz", wan="203.0.113.10", router="203.0.113.1", lan="192.168.0.222", net="192.168.0", pc="mpc", goer="mpc",
    goer_zone="lan", goer_at="192.168.0.20", inner=("192.168.0.0/24", "192.168.0.10", 80), vpn="vpn-filial30", end="172.31.30.1",
    peer="172.31.30.2", there="192.168.30.0/24", remote_pc="f1pc")
FILIAL = SimpleNamespace(
    host="f1", wan="198.51.100.30", router="198.51.100.1", lan="192.168.30.254", net="192.168.30", pc="f1pc", goer="f1px",
    goer_zone="proxy-segment", goer_at="10.1.1.3", inner=("10.1.1.0/24", "10.1.1.3", 80), vpn="vpn-matriz", end="172.31.30.2",
    peer="172.31.30.1", there="192.168.0.0/24", remote_pc="msrv")
WWW = "192.0.2.80"
# Kerberos, LDAP, SMB, messages, mail both ways, shells, terminals: what A26 names.
COMPANY_PORTS = (88, 389, 445, 5222, 25, 143, 22, 3389)
MANY = """
import select, socket, sys
socks = {}
for port in sys.argv[1:]:
    try:
        socks[socket.create_server(("", int(port)))] = port
    except OSError:
        pass         # another server of the scenes has it
print("listening", flush=True)
while True:
    for s in select.select(list(socks), [], [])[0]:
        c, _ = s.accept()
        c.sendall(("port " + socks[s] + "\\n").encode())
        c.close()
"""
TWO_WORDS = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
s.settimeout(2)
for say in map(bytes.fromhex, sys.argv[3:]):
    s.sendall(say)
    try:
        print("echo" if s.recv(1000) == say else "end")
    except TimeoutError:
        print("nothing")
"""
ECHO_FOR_EVER = """
import socket, sys
s = socket.create_server(("", int(sys.argv[1])))
print("listening", flush=True)
while True:
    c, _ = s.accept()
    while data := c.recv(1000):
        c.sendall(data)
"""
PATH_MTU = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 2)       # IP_MTU_DISCOVER: do, never fragment
s.connect((sys.argv[1], 9))
end = time.monotonic() + 20
while time.monotonic() < end and s.getsockopt(socket.IPPROTO_IP, 14) == 1500:
    try:
        s.send(b"x" * 1472)
    except OSError:
        pass
    time.sleep(0.05)
print(s.getsockopt(socket.IPPROTO_IP, 14))
"""


@pytest.fixture(params=[MATRIZ, FILIAL], ids=["matriz", "filial"])
def site(request):
    return request.param


@pytest.fixture
def gate(company, site):
    return company[site.host]


@pytest.fixture
def echoing(bed):
    """A server at the internet that gives back what it is told, for as long as it is spoken to."""
    p = bed.popen("www", "/usr/bin/python3", "-c", ECHO_FOR_EVER, "6881")
    assert p.stdout.readline() == "listening\n"
    yield 6881
    p.kill()
    p.wait()


class Edited:
    """The gate with more in its configuration, for a while."""

    def __init__(self, gate, more):
        self.gate, self.more, self.text = gate, more, gate.config.read_text()

    def __enter__(self):
        self.gate.config.write_text(self.text + self.more)
        done = self.gate.once()
        assert done.returncode == 0, done.stderr

    def __exit__(self, *_):
        self.gate.config.write_text(self.text)
        assert self.gate.once().returncode == 0


class Operator:
    """Who changes what runs, as it is meant to be changed; he sits at the machine itself."""

    def __init__(self, bed, gate, site):
        self.bed, self.gate, self.site, self.text = bed, gate, site, gate.config.read_text()
        self.first = self.boots()

    def run(self, *words):
        done = self.bed.run(self.site.host, GUARITA, *words, "--config", self.gate.config, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def boots(self):
        return next(h["generation"] for h in map(json.loads, self.run("history", "--json").splitlines()) if h.get("boots"))

    def change(self, more):
        self.gate.config.write_text(self.text + more)
        plan = self.run("plan", "--plain").rsplit("guarita apply ", 1)[1].split()[0]
        self.run("apply", plan, "--control", self.gate.control)
        self.settle()

    def to(self, generation):
        self.run("rollback", str(generation), "--control", self.gate.control)
        self.settle()

    def back(self):
        self.gate.config.write_text(self.text)
        if self.boots() != self.first:
            self.to(self.first)

    def settle(self):
        self.run("confirm", "--force")
        wait_until("the gate running", self.gate.running)


class WayIn:
    """The internet knows the way to the site's own addresses, which it never does: now only the rules stand in between."""

    def __init__(self, bed, site):
        self.bed, self.net = bed, site.inner[0]
        self.hops = [("inet", site.wan)] if site is MATRIZ else [("inet", "192.0.2.2"), ("isp1", site.wan)]

    def __enter__(self):
        for host, via in self.hops:
            self.bed.run(host, "ip", "route", "add", self.net, "via", via)

    def __exit__(self, *_):
        for host, _ in self.hops:
            self.bed.run(host, "ip", "route", "del", self.net)


def named(gate, name):
    return next(i for i in gate.ask(cmd="interfaces") if i["name"] == name)


def routes(gate):
    return {r["to"]: r for r in gate.ask(cmd="routes")}


# Both roles.


def test_samples_fit_in_forty_lines_and_pass_the_check():
    for name in ("matriz.conf", "filial.conf", "filial-small.conf"):
        assert len((ROOT / "etc" / name).read_text().splitlines()) <= 40
        done = subprocess.run([GUARITA, "check", ROOT / "etc" / name, "--rules", ROOT / "rules"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a8_a_statement_can_be_switched_off_and_bears_a_remark(bed, gate, site):
    rule = 'allow internet to gateway tcp/4446 { comment "the trial of friday"; %s}\n'
    server = bed.listen(site.host, 4446)
    operator = Operator(bed, gate, site)
    try:
        operator.change(rule % "")
        shown = guarita(gate, "fw", "rules", "friday", "--plain").stdout
        assert "tcp 4446: allow" in shown and "the trial of friday" in shown
        assert bed.connect("www", site.wan, 4446).startswith("hello")
        operator.change(rule % "disabled; ")
        assert bed.connect("www", site.wan, 4446, seconds=0.5) == "silent"
        assert "friday" not in guarita(gate, "fw", "rules", "--plain").stdout
    finally:
        operator.back()
        server.kill()
        server.wait()


def test_a9_network_and_broadcast_follow_from_the_address(bed, gate, site):
    assert "%s/24 brd %s.255" % (site.lan, site.net) in bed.run(site.host, "ip", "-o", "addr", "show", "dev", "lan").stdout
    assert routes(gate)[site.net + ".0/24"]["from"] == "connected"
    lan = named(gate, "lan")
    assert {"address": site.lan + "/24", "ours": True} in lan["addresses"] and lan["up"] and lan["zone"] == "lan"


def test_a10_what_others_made_is_shown_beside_ours(gate, site):
    assert {"address": site.end + "/30", "ours": False} in named(gate, site.vpn)["addresses"]


def test_a12_the_default_route_is_ours(bed, company, site):
    assert "via %s dev wan proto 71" % site.router in route(bed, site.host, "default")


def test_a13_routes_tell_who_made_them(gate, site):
    known = routes(gate)
    assert known[site.net + ".0/24"]["active"] and known[site.net + ".0/24"]["from"] == "connected"
    assert known["0.0.0.0/0"]["from"] == "guarita" and known["0.0.0.0/0"]["via"] == site.router
    assert known[site.there]["from"] == "guarita" and known[site.there]["interface"] == site.vpn
    # The tunnel's own network came with its address, as with any link that comes and goes.
    assert known["172.31.30.0/30"]["from"] == "connected" and known["172.31.30.0/30"]["interface"] == site.vpn


def test_a14_rules_have_numbers_and_lead_back_to_their_lines(gate):
    rules = gate.ask(cmd="rules")
    seen = {}
    for r in rules:
        seen[r["hook"]] = seen.get(r["hook"], 0) + 1
        assert r["number"] == seen[r["hook"]]
    assert {"input", "forward", "output", "srcnat", "prerouting"} <= set(seen)
    lines = gate.config.read_text().splitlines()
    deny = [r for r in rules if r["word"] == "deny" and r["hook"] == "forward"]
    assert deny and all("netbios" in lines[r["line"] - 1] for r in deny)


def test_a15_answers_pass_and_are_counted_by_zone(bed, gate, site, servers):
    of = lambda hook: gate.counts(hook=hook, name="internet", verdict="allow")
    passed, got = of("forward"), of("input")
    assert bed.connect(site.goer, WWW, 80).startswith("hello")
    assert of("forward") > passed
    assert bed.connect(site.host, WWW, 80).startswith("hello")
    assert of("input") > got


def test_a16_pings_and_unreachables_pass(bed, company, site):
    assert bed.python("www", PING, site.wan, "2").stdout.startswith("pong")
    refused = bed.python(site.goer, "import socket\ns=socket.socket(2,2)\ns.settimeout(3)\ns.connect(('192.0.2.80',9))\n"
                         "s.send(b'x')\ntry:\n    s.recv(9)\nexcept ConnectionRefusedError:\n    print('unreachable')")
    assert refused.stdout == "unreachable\n"
    # And what nobody may ever drop: how long packets may be on the way.
    bed.run("inet", "ip", "link", "set", "to-www", "mtu", "1400")
    try:
        for host in (site.goer, site.host):
            assert bed.python(host, PATH_MTU, WWW).stdout == "1400\n", host
    finally:
        bed.run("inet", "ip", "link", "set", "to-www", "mtu", "1500")
        for host in (site.goer, site.host):
            bed.run(host, "ip", "route", "flush", "cache")


@pytest.mark.parametrize("chain", ["forward", "output"])
def test_a17_a19_p2p_stops_at_the_first_payload(bed, gate, site, echoing, chain):
    host = site.goer if chain == "forward" else site.host
    before = gate.counts(hook=chain, word="p2p", verdict="drop")
    assert bed.python(host, SAY, WWW, str(echoing), b"GET / HTTP/1.0\r\n\r\n".hex()).stdout == "echo\n"
    assert bed.python(host, SAY, WWW, str(echoing), HANDSHAKE).stdout == "nothing\n"
    assert gate.counts(hook=chain, word="p2p", verdict="drop") > before


def test_a17_an_accepted_connection_is_dropped_when_it_turns_to_p2p(bed, company, site, echoing):
    """The article's order lets established connections pass before it looks for the mark: there this one lives on."""
    said = bed.python(site.goer, TWO_WORDS, WWW, str(echoing), b"hello".hex(), HANDSHAKE, b"hello again".hex()).stdout
    assert said.split() == ["echo", "nothing", "nothing"]


def test_a18_rules_can_ask_for_a_mark(bed, gate, site):
    server = bed.listen("www", 7333)
    try:
        with Edited(gate, "rule prerouting count { to 192.0.2.80; service tcp/7333; set-mark trial; }\n"):
            assert bed.connect(site.goer, WWW, 7333).startswith("hello")
        text = gate.config.read_text()
        first = next(l for l in text.splitlines() if l.startswith("deny "))
        gate.config.write_text(text.replace(first, "rule prerouting count { to 192.0.2.80; service tcp/7333; set-mark trial; }\n"
                                            "rule forward deny { mark trial; }\n" + first))
        try:
            assert gate.once().returncode == 0
            assert bed.connect(site.goer, WWW, 7333, seconds=0.5) == "silent"
        finally:
            gate.config.write_text(text)
            assert gate.once().returncode == 0
    finally:
        server.kill()
        server.wait()


def test_a19_p2p_to_the_gateway_itself_is_dropped(bed, gate, site):
    before = gate.counts(hook="input", word="p2p", verdict="drop")
    bed.udp(site.pc, site.lan, 6881, b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaa".hex())
    wait_until("the drop", lambda: gate.counts(hook="input", word="p2p", verdict="drop") > before)


def test_a20_a54_netbios_stays_off_the_internet(bed, gate, site, servers):
    passed, sent = gate.counts(hook="forward", word="deny"), gate.counts(hook="output", word="deny")
    for port in (139, 445):
        assert bed.connect(site.goer, WWW, port, seconds=0.5) == "silent"
        assert bed.connect(site.host, WWW, port, seconds=0.5) == "silent"
    for port in (137, 138):
        bed.udp(site.goer, WWW, port)
    assert gate.counts(hook="forward", word="deny") >= passed + 4
    assert gate.counts(hook="output", word="deny") >= sent + 2


def test_a21_what_nobody_speaks_of_is_refused_last_by_zone(bed, gate, site, servers):
    server = bed.listen(site.host, 4444)
    try:
        before = gate.counts(hook="input", name="internet", verdict="drop")
        assert bed.connect("www", site.wan, 4444, seconds=0.5) == "silent"
        assert gate.counts(hook="input", name="internet", verdict="drop") > before
        before = gate.counts(hook="input", name="lan", verdict="drop")
        assert bed.connect(site.pc, site.lan, 4444, seconds=0.5) == "silent"
        assert gate.counts(hook="input", name="lan", verdict="drop") > before
    finally:
        server.kill()
        server.wait()
    net, address, port = site.inner
    with WayIn(bed, site):
        before = gate.counts(hook="forward", name="internet", verdict="drop")
        assert bed.connect("www", address, port, seconds=0.5) == "silent"
        assert gate.counts(hook="forward", name="internet", verdict="drop") > before


def test_a22_a51_management_from_inside_and_over_the_vpn_only(bed, gate, site, servers):
    for port in (22, 8291):
        assert bed.connect(site.pc, site.lan, port).startswith("hello")
        assert bed.connect(site.remote_pc, site.lan, port).startswith("hello")
        assert bed.connect("www", site.wan, port, seconds=0.5) == "silent"
    # SNMP has no answer here: it is let in from inside, and not from outside.
    let_in, refused = (lambda: gate.counts(hook="input", word="allow"),
                       lambda: gate.counts(hook="input", name="internet", verdict="drop"))
    before, dropped = let_in(), refused()
    bed.udp(site.pc, site.lan, 161)
    bed.udp("www", site.wan, 161)
    wait_until("SNMP from inside", lambda: let_in() == before + 1)
    wait_until("none from outside", lambda: refused() > dropped)
    # Telnet and SMUX, which the article opens, stay shut to everybody.
    for port in (23, 199):
        assert bed.connect(site.pc, site.lan, port, seconds=0.5) == "silent"


def test_a24_refusals_become_records(bed, gate, site):
    feed = lambda: [f["lines"] for f in gate.roles()["intaked"]["status"]["feeds"] if f["name"] == "gate"]
    before = (feed() or [0])[0]
    assert bed.connect("www", site.wan, 4445, seconds=0.3) == "silent"
    wait_until("a record of the refusal", lambda: feed() and feed()[0] > before)


def test_a25_a_configuration_of_before_can_be_brought_back(bed, gate, site):
    """Every configuration that ran is kept with what it includes: that is the backup, and one word restores it, whatever became
    of the files."""
    operator = Operator(bed, gate, site)
    included = gate.config.with_name("more.conf")
    rule = lambda port: "dport %d" % port in gate.nft("list", "chain", "inet", "guarita", "g_input")
    try:
        included.write_text("allow internet to gateway tcp/4447;\n")
        operator.change('include "more.conf";\n')
        held = operator.boots()
        assert rule(4447) and held == operator.first + 1
        included.write_text("allow internet to gateway tcp/4448;\n")
        operator.change('include "more.conf";\n')
        assert rule(4448) and not rule(4447)
        # The disk that the files were on is gone.
        included.unlink()
        gate.config.write_text("nothing that anybody could read {\n")
        operator.to(held)
        assert rule(4447) and not rule(4448)
        assert "no difference" in operator.run("compare", str(held), str(operator.boots()))
    finally:
        included.unlink(missing_ok=True)
        operator.back()
    assert not rule(4447) and not rule(4448)
    assert "no difference" in operator.run("compare", str(operator.first), str(operator.boots()))


def test_a26_the_services_of_the_company_pass_the_tunnel(bed, company, site):
    """To servers and to workstations alike."""
    targets = {"msrv": "192.168.0.10", "mpc": "192.168.0.20"} if site is FILIAL else {"f1pc": "192.168.30.10"}
    for host, address in targets.items():
        server = bed.popen(host, "/usr/bin/python3", "-c", MANY, *map(str, COMPANY_PORTS))
        try:
            assert server.stdout.readline() == "listening\n"
            for port in COMPANY_PORTS:
                assert bed.connect(site.pc, address, port).split()[0] in ("port", "hello"), (host, port)
        finally:
            server.kill()
            server.wait()


@pytest.mark.parametrize("which", ["a30_matriz", "a40_filial"])
def test_a30_a40_the_segments_are_as_written(company, which):
    site, want = {"a30_matriz": (MATRIZ, {"wan": ("internet", "203.0.113.10/24"), "lan": ("lan", "192.168.0.222/24")}),
                  "a40_filial": (FILIAL, {"wan": ("internet", "198.51.100.30/25"), "lan": ("lan", "192.168.30.254/24"),
                                          "prx": ("proxy-segment", "10.1.1.1/24")})}[which]
    for name, (zone, address) in want.items():
        i = named(company[site.host], name)
        assert i["up"] and i["zone"] == zone and address in [a["address"] for a in i["addresses"]], i


def test_a33_a47_routes_to_the_internet_and_to_the_other_sites(bed, company, site, servers):
    for net in ["192.168.30.0/24"] if site is MATRIZ else ["192.168.0.0/24", "192.168.40.0/24"]:
        assert "dev %s proto 71" % site.vpn in route(bed, site.host, net), net
    assert bed.connect(site.host, WWW, 80).startswith("hello")
    # A branch that has not dialled in is told as missing, and nothing else is wrong.
    away = [i["name"] for i in company[site.host].ask(cmd="interfaces") if i.get("missing")]
    assert away == (["vpn-filial40"] if site is MATRIZ else [])


def test_a52_a53_lan_and_tunnel_reach_each_other(bed, company, site, servers):
    assert bed.python(site.host, PING, site.peer, "2").stdout.startswith("pong")
    assert bed.python(site.pc, PING, site.peer, "2").stdout.startswith("pong")
    target = "192.168.0.10" if site is FILIAL else "192.168.30.10"
    assert bed.connect(site.pc, target, 445).startswith("hello")       # NetBIOS among the sites
    assert bed.connect(site.host, target, 445).startswith("hello")
    server = bed.listen(site.host, 4450)                               # and the gateway itself, of which no rule speaks
    try:
        assert bed.connect(site.remote_pc, site.lan, 4450).startswith("hello")
    finally:
        server.kill()
        server.wait()


def test_a32_rules_and_routes_survive_an_interface_that_goes(bed, company, servers):
    cable(bed, on=False)
    wait_until("the routes gone", lambda: not route(bed, "matriz", "192.168.30.0/24") and not route(bed, "f1", "192.168.0.0/24"))
    for client, server, port in (("msrv", "192.168.30.10", 22), ("f1pc", "192.168.0.10", 445)):
        assert bed.connect(client, server, port, seconds=0.5).split()[0] in ("silent", "error")
    cable(bed)
    wait_until("the routes back", lambda: route(bed, "matriz", "192.168.30.0/24") and route(bed, "f1", "192.168.0.0/24"))
    assert bed.connect("msrv", "192.168.30.10", 22, seconds=5).startswith("hello")
    assert bed.connect("f1pc", "192.168.0.10", 445, seconds=5).startswith("hello")


# Matriz.


def test_a34_the_lan_takes_the_gateways_address(bed, company, servers):
    assert bed.connect("mpc", WWW, 80) == "hello 203.0.113.10"


def test_a35_routed_branches_keep_their_addresses(bed, company, servers):
    assert bed.connect("f1pc", "192.168.0.10", 80) == "hello 192.168.30.10"


def test_a35_masquerade_towards_the_lan_hides_them(bed, company, servers):
    with Edited(company["matriz"], "network filiais 192.168.30.0/24; masquerade filiais to lan;\n"):
        assert bed.connect("f1pc", "192.168.0.10", 80) == "hello 192.168.0.222"
        told = subprocess.run([GUARITA, "check", company["matriz"].config], capture_output=True, text=True)
        assert "G009" in told.stdout + told.stderr
    assert bed.connect("f1pc", "192.168.0.10", 80) == "hello 192.168.30.10"


def test_a36_the_internet_may_ask_for_tunnels_and_nothing_else(bed, company):
    m = company["matriz"]
    before, dropped = m.counts(hook="input", word="allow"), m.counts(hook="input", name="internet", verdict="drop")
    for port in (1701, 500, 4500):
        bed.udp("www", MATRIZ.wan, port)
    wait_until("tunnels let in", lambda: m.counts(hook="input", word="allow") == before + 3)
    raw = "import socket,sys\ns=socket.socket(2,3,int(sys.argv[1]))\ns.sendto(bytes(32),('203.0.113.10',0))"
    bed.python("www", raw, "50")
    wait_until("ESP let in", lambda: m.counts(hook="input", word="allow") == before + 4)
    bed.python("www", raw, "47")
    wait_until("GRE refused", lambda: m.counts(hook="input", name="internet", verdict="drop") > dropped)


def test_a37_one_statement_makes_a_branch(bed, company, servers):
    for client, server, port in (("f1pc", "192.168.0.10", 445), ("f1pc", "192.168.0.20", 3389), ("msrv", "192.168.30.10", 22),
                                 ("f1", "192.168.0.10", 3389)):
        assert bed.connect(client, server, port).startswith("hello"), (client, server, port)
    # By its own name it would come from the internet side: a forger stays outside.
    bed.run("www", "ip", "addr", "add", "192.168.30.77/32", "dev", "lo")
    try:
        with WayIn(bed, MATRIZ):
            assert bed.connect("www", "192.168.0.10", 445, source="192.168.30.77", seconds=1) == "silent"
    finally:
        bed.run("www", "ip", "addr", "del", "192.168.30.77/32", "dev", "lo")


# Filial.


def test_a48_the_proxy_segment_goes_out(bed, company, servers):
    assert bed.connect("f1px", WWW, 80) == "hello 198.51.100.30"


def test_a49_the_way_past_the_proxy(bed, company, servers):
    """Closed while the proxy serves, open while it does not, closed again after it was well for long enough."""
    f1 = company["f1"]
    is_open = lambda: f1.roles()["netd"]["status"]["fallbacks"][0]["open"]
    proxy = bed.listen("f1px", 3128)
    try:
        wait_until("the way closed", lambda: not is_open())
        assert bed.connect("f1pc", WWW, 80, seconds=1) == "silent"
        assert bed.connect("f1pc", "10.1.1.3", 3128).startswith("hello")
    finally:
        proxy.kill()
        proxy.wait()
    wait_until("the way open", is_open)
    assert bed.connect("f1pc", WWW, 80) == "hello 198.51.100.30"
    assert "cannot serve (Connection refused): the way past it is open" in f1.stderr()
    proxy = bed.listen("f1px", 3128)
    try:
        wait_until("the way closed again", lambda: not is_open())
        assert bed.connect("f1pc", WWW, 80, seconds=1) == "silent"
    finally:
        proxy.kill()
        proxy.wait()


def test_a49_the_state_of_the_way_outlives_netd(bed, company, servers):
    f1 = company["f1"]
    wait_until("the way open", lambda: f1.roles()["netd"]["status"]["fallbacks"][0]["open"])
    os.kill(f1.roles()["netd"]["pid"], signal.SIGKILL)
    assert bed.connect("f1pc", WWW, 80) == "hello 198.51.100.30"
    wait_until("netd again", f1.running)


def test_a50_the_filial_speaks_with_the_vpn_port_of_the_matriz(bed, company):
    server = bed.popen("matriz", "/usr/bin/python3", "-c", UDP_ECHO, "1701")
    try:
        assert server.stdout.readline() == "listening\n"
        ask = ("import socket\ns=socket.socket(2,2)\ns.settimeout(3)\ns.connect(('203.0.113.10',1701))\ns.send(b'SCCRQ')\n"
               "print(s.recv(99).decode())")
        assert bed.python("f1", ask).stdout == "SCCRQ\n"
    finally:
        server.kill()
        server.wait()


def test_a55_a_filial_without_a_segment_for_the_proxy(bed, tmp_path, servers):
    """The other layout: LAN straight to the internet, behind the operator's translation."""
    bed.run("f2", "ip", "addr", "flush", "dev", "lan")
    g = Gate(bed, "f2", tmp_path / "f2", sample("filial-small.conf"))
    g.start()
    try:
        assert bed.connect("f2pc", WWW, 80) == "hello 192.0.2.6"
        assert bed.connect("f2pc", WWW, 445, seconds=0.5) == "silent"
        assert bed.connect("f2pc", "192.168.40.254", 9, seconds=0.5) == "silent"
    finally:
        g.close()


def test_every_item_of_the_table_has_its_scene():
    promised = re.findall(r"\bA(\d+)  ", __doc__)
    scenes = re.findall(r"_a(\d+)", " ".join(name for name in globals() if name.startswith("test_a")))
    assert set(promised) == set(scenes)
