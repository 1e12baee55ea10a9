"""The VPN with real processes: matriz and filial in network namespaces of their own, packets through real interfaces.

Peers that are not ours (xl2tpd with pppd, SoftEther) run in a guest whose kernel has ppp and l2tp, where the testbed built
one; without it those scenes are skipped.
"""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import BUILD, ROLES, ROOT, wait_until

PEERS = ROOT.parent / "shared" / "testbed" / "l2tp-peers"
CACHE = Path(os.environ.get("GUARITA_PEERS_CACHE", "/var/tmp/guarita-l2tp-peers"))
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
                                reason="needs root and /dev/net/tun")
needs_peers = pytest.mark.skipif(not (PEERS.exists() and (CACHE / "root").exists()),
                                 reason="the guest with other peers was not built")
SERVER = "address 10.9.0.1; pool 10.9.0.0/24; keepalive 1s;"
USER = "secret filial1 segredo { network 192.168.30.0/24; }\n"


def run(*words):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True)


class Site:
    """One end: a namespace, and l2tpd in it."""

    def __init__(self, folder, name):
        self.dir, self.name, self.process = folder, "gv%d-%s" % (os.getpid(), name), None
        assert run("ip", "netns", "add", self.name).returncode == 0
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        done = run("ip", "-n", self.name, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def on(self, *words):
        return run("ip", "netns", "exec", self.name, *words)

    def log(self):
        path = self.dir / (self.name + ".log")
        return path.read_text() if path.exists() else ""

    def start(self, config):
        conf = self.dir / (self.name + ".conf")
        if "state-dir" not in config:
            config = 'state-dir "%s";\n%s' % (self.dir / "nowhere", config)
        conf.write_text("site %s;\nstdin;\n%s\n" % (self.name, config))
        out = open(self.dir / (self.name + ".log"), "ab")
        self.process = subprocess.Popen(["ip", "netns", "exec", self.name, str(ROLES / "l2tpd"), "--config", str(conf)],
                                        stdout=out, stderr=out)
        wait_until("l2tpd ready", lambda: "ready on port" in self.log() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log()

    def stop(self, signo=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signo)
            self.process.wait(60)

    def reaches(self, address, *options):
        return self.on("ping", "-c1", "-W1", *options, address).returncode == 0

    def count(self, word):
        return self.log().count(word)


@pytest.fixture
def company(tmp_path):
    """matriz 192.0.2.1 with 192.168.0.1 behind it, filial 192.0.2.2 with 192.168.30.1."""
    sites = []
    try:
        for name in ("m", "f"):
            sites.append(Site(tmp_path, name))
        m, f = sites
        m.ip("link", "add", "wan", "type", "veth", "peer", "name", "wan", "netns", f.name)
        for site, wan, lan in ((m, "192.0.2.1/24", "192.168.0.1/24"), (f, "192.0.2.2/24", "192.168.30.1/24")):
            site.ip("addr", "add", wan, "dev", "wan")
            site.ip("link", "set", "wan", "up")
            site.ip("addr", "add", lan, "dev", "lo")
        yield m, f
    finally:
        for site in sites:
            site.stop()
            run("ip", "netns", "del", site.name)


def headquarters(more=""):
    return ("headquarters 192.0.2.1 { user filial1; password segredo; network 192.168.0.0/24; keepalive 1s; %s }" % more)


def connected(m, f, times=1):
    wait_until("%d connections" % times, lambda: m.count("vpn.up") >= times and f.count("vpn.up") >= times)


def test_packets_pass_both_ways(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start(headquarters())
    connected(m, f)
    assert 'encoding="MPPE-128 stateless"' in m.log() and 'encoding="MPPE-128 stateless"' in f.log()
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1", "-I", "192.168.30.1"))
    wait_until("the filial answers", lambda: m.reaches("192.168.30.1", "-I", "192.168.0.1"))
    # As large as the tunnel carries, and one byte too large.
    assert f.reaches("192.168.0.1", "-M", "do", "-s", "1372")
    assert not f.reaches("192.168.0.1", "-M", "do", "-s", "1373")


def test_a_file_comes_whole(company):
    m, f = company
    blob = os.urandom(20 << 20)
    (m.dir / "blob").write_bytes(blob)
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start(headquarters())
    connected(m, f)
    server = subprocess.Popen(["ip", "netns", "exec", m.name, "/usr/bin/python3", "-m", "http.server", "--bind", "192.168.0.1",
                               "--directory", str(m.dir), "8000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        code = "import urllib.request,sys; sys.stdout.buffer.write(urllib.request.urlopen('http://192.168.0.1:8000/blob').read())"

        def fetch():
            done = subprocess.run(["ip", "netns", "exec", f.name, "/usr/bin/python3", "-c", code], capture_output=True)
            return done.stdout if done.returncode == 0 else None
        assert wait_until("the file", fetch) == blob
    finally:
        server.kill()
        server.wait()


def test_a_branch_speaks_for_itself_only(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start(headquarters())
    connected(m, f)
    f.ip("addr", "add", "172.16.9.9/32", "dev", "lo")
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1"))
    assert not f.reaches("192.168.0.1", "-I", "172.16.9.9")


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGKILL])
def test_the_matriz_comes_back(company, signo):
    m, f = company
    conf = "l2tp server { %s }\n%s" % (SERVER, USER)
    m.start(conf)
    f.start(headquarters())
    connected(m, f)
    m.stop(signo)
    m.start(conf)
    connected(m, f, 2)
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1"))


def test_the_line_is_cut_and_mended(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start(headquarters())
    connected(m, f)
    m.ip("link", "set", "wan", "down")
    wait_until("noticed", lambda: m.count("vpn.down") == 1 and f.count("vpn.down") == 1)
    m.ip("link", "set", "wan", "up")
    connected(m, f, 2)
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1"))


def test_the_filial_gets_another_address(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start(headquarters())
    connected(m, f)
    f.ip("addr", "del", "192.0.2.2/24", "dev", "wan")
    f.ip("addr", "add", "192.0.2.77/24", "dev", "wan")
    wait_until("the matriz answers there", lambda: f.reaches("192.168.0.1"), 90)


def test_named_interfaces_are_there_before_anybody(company):
    m, f = company
    m.start("l2tp server { %s }\nsecret filial1 segredo { network 192.168.30.0/24; interface vpn-f1; }" % SERVER)
    assert "192.168.30.0/24 dev vpn-f1" in m.ip("route")
    f.start(headquarters("interface vpn-hq;"))
    assert "192.168.0.0/24 dev vpn-hq" in f.ip("route")
    connected(m, f)
    wait_until("the filial answers", lambda: m.reaches("192.168.30.1", "-I", "192.168.0.1"))


def test_one_word_at_either_end(company):
    m, f = company
    m.start("l2tp server { %s }\nbranch filial1 192.168.30.0/24 { secret segredo; tunnel 10.9.0.30/32; }" % SERVER)
    assert "192.168.30.0/24 dev vpn-filial1" in m.ip("route")
    f.start(headquarters())
    connected(m, f)
    assert "address=10.9.0.30 interface=vpn-filial1" in m.log()
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1", "-I", "192.168.30.1"))
    wait_until("the filial answers", lambda: m.reaches("192.168.30.1", "-I", "192.168.0.1"))


@pytest.mark.parametrize("user, why", [
    ("user filial1; password errado;", "wrong password"),
    ("user filial9; password segredo;", "wrong password"),
    ("user filial1; password segredo; tunnel-secret x;", "the tunnel secret is wrong or missing"),
    ("user filial1; password segredo; encryption no;", "encryption is required"),
])
def test_refusals_are_explained(company, user, why):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start("headquarters 192.0.2.1 { %s }" % user)
    wait_until("refused", lambda: "vpn.failed" in f.log())
    assert why in (m.log() if "encryption" in user else f.log())
    assert "segredo" not in m.log() + f.log() and "errado" not in m.log() + f.log()


def test_a_profile_limits_rate_and_time(company):
    m, f = company
    m.start("l2tp server { %s }\nprofile slow { download 400; session-timeout 8s; dns 192.168.0.222; }\n"
            "secret filial1 segredo { network 192.168.30.0/24; profile slow; }" % SERVER)
    f.start(headquarters("dns;"))
    connected(m, f)
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1", "-I", "192.168.30.1"))
    # As fast as ping can for a second: 400 kbit are 50 of these packets, and the bucket holds 30.
    got = m.on("ping", "-f", "-w", "1", "-s", "972", "-I", "192.168.0.1", "192.168.30.1").stdout
    sent, received = (int(word.split()[-1]) for word in re.split(" packets transmitted| received", got)[:2])
    assert sent > received and 25 <= received <= 130, got
    wait_until("its time is over", lambda: "the time for one session is over" in m.log())
    connected(m, f, 2)


def test_hidden_attributes_are_not_on_the_wire(company):
    m, f = company
    words = "tunnel-secret tunel; hide-attributes;"
    m.start("l2tp server { %s %s }\n%s" % (SERVER, words, USER))
    code = ("import socket,sys\ns=socket.socket(17,3,socket.ntohs(3))\ns.bind(('wan',0))\nprint('ready',flush=True)\nn=0\n"
            "while n<6:\n d=s.recv(4000)\n if d[12:14]==b'\\x08\\0' and d[23]==17 and b'\\x06\\xa5' in d[34:38]:\n  n+=1\n  print(d.hex(),flush=True)\n")
    tap = subprocess.Popen(["ip", "netns", "exec", m.name, "/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert tap.stdout.readline() == "ready\n"
        f.start(headquarters(words))
        connected(m, f)
        seen = "".join(tap.stdout.readline() for _ in range(6))
    finally:
        tap.kill()
        tap.wait()
    # The vendor's name may be hidden; the host's may not.
    assert b"Guarita".hex() not in seen and os.uname().nodename.encode().hex() in seen
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1", "-I", "192.168.30.1"))


def test_it_dials_when_it_is_wanted(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    f.start(headquarters("on-demand 2s;"))
    assert f.count("vpn.") == 0
    # The first packet waits for the line, and is answered.
    assert f.reaches("192.168.0.1", "-W3", "-I", "192.168.30.1")
    wait_until("it hangs up", lambda: "idle for too long" in f.log() and m.count("vpn.down") == 1)
    assert f.count("vpn.failed") == 0 and f.count("vpn.up") == 1
    # What is meant for the matriz does not leave by another way meanwhile.
    assert "192.168.0.0/24 dev matriz" in f.ip("route")
    assert f.reaches("192.168.0.1", "-W3", "-I", "192.168.30.1")
    connected(m, f, 2)


def test_everything_through_the_tunnel(company):
    m, f = company
    m.ip("addr", "add", "198.51.100.9/32", "dev", "lo")
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    # The server is behind a router then, and everything else too.
    f.ip("route", "add", "default", "via", "192.0.2.254")
    f.start(headquarters("default-route;"))
    connected(m, f)
    wait_until("the rest of the world", lambda: f.reaches("198.51.100.9", "-I", "192.168.30.1"))
    assert "dev matriz" in f.ip("route", "get", "203.0.113.1") and "dev wan" in f.ip("route", "get", "192.0.2.1")
    assert "192.0.2.1 dev wan proto 67" in f.ip("route")
    m.stop()
    wait_until("back to what was", lambda: "dev wan" in f.ip("route", "get", "203.0.113.1"))
    assert "proto 67" not in f.ip("route", "show", "192.0.2.1") and "default via 192.0.2.254" in f.ip("route")


def test_the_name_is_looked_up_at_each_try(company):
    m, f = company
    hosts = Path("/etc/netns") / f.name / "hosts"
    hosts.parent.mkdir(parents=True)
    try:
        hosts.write_text("192.0.2.9 matriz.example.com\n")
        m.start("l2tp server { %s }\n%s" % (SERVER, USER))
        f.start(headquarters().replace("192.0.2.1", "matriz.example.com", 1))
        wait_until("nobody there", lambda: "vpn.failed" in f.log(), 90)
        hosts.write_text("192.0.2.1 matriz.example.com\n")
        connected(m, f)
    finally:
        f.stop()
        hosts.unlink()
        hosts.parent.rmdir()


def sealed(site, password):
    """What `guarita vpn password` makes of it, where its configuration names the state."""
    done = subprocess.run([BUILD / "src" / "main" / "guarita", "vpn", "password", "--config", site.dir / (site.name + ".conf")],
                          input=password + "\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sealed_passwords(company):
    m, f = company
    for site in company:
        (site.dir / (site.name + ".conf")).write_text('site x;\nstdin;\nstate-dir "%s";\n' % (site.dir / site.name))
    words = [sealed(m, "segredo"), sealed(m, "segredo"), sealed(f, "segredo"), sealed(f, "tunel"), sealed(m, "tunel")]
    assert words[0] != words[1] and (m.dir / m.name / "secrets.key").stat().st_mode & 0o777 == 0o600
    state = 'state-dir "%s";\n'
    m.start((state % (m.dir / m.name)) + "l2tp server { %s tunnel-secret %s; }\nsecret filial1 %s { network 192.168.30.0/24; }"
            % (SERVER, words[4], words[0]))
    f.start((state % (f.dir / f.name)) + headquarters("tunnel-secret %s;" % words[3]).replace("segredo", words[2]))
    connected(m, f)
    f.stop()
    # Another machine's key opens nothing, and the fault says what to do.
    f.process = None
    (f.dir / (f.name + ".conf")).write_text("site f;\nstdin;\n" + (state % (f.dir / f.name)) + headquarters().replace("segredo", words[0]))
    done = f.on(ROLES / "l2tpd", "--config", f.dir / (f.name + ".conf"))
    assert done.returncode != 0 and "sealed with another key" in done.stderr, done
    steps, code, err = tried(f, config=(state % (f.dir / f.name)) + headquarters("tunnel-secret %s;" % words[3]).replace("segredo", words[2]))
    assert code == 0, (steps, err)
    # What is cut off in copying is noticed without the key.
    (f.dir / "bad.conf").write_text("site x;\nstdin;\n" + headquarters().replace("segredo", words[2][:-7] + '"'))
    bad = run(BUILD / "src" / "main" / "guarita", "check", f.dir / "bad.conf")
    assert bad.returncode != 0 and "no sealed password" in bad.stderr, bad.stderr


V6 = "pool 10.9.0.0/24, 2001:db8:9::/48; dns 192.168.0.222, 2001:db8:a::222;"


def test_ipv6_between_the_sites(company):
    m, f = company
    m.ip("addr", "add", "2001:db8:a::1/64", "dev", "lo")
    f.ip("addr", "add", "2001:db8:30::1/64", "dev", "lo")
    m.start("l2tp server { address 10.9.0.1; keepalive 1s; %s }\nsecret filial1 segredo { network 192.168.30.0/24, 2001:db8:30::/48; }"
            % V6)
    assert "2001:db8:30::/48 dev l2tp" in m.ip("-6", "route")
    f.start(headquarters("network 2001:db8:a::/48; default-route;").replace("192.168.0.0/24; keep", "192.168.0.0/24, 2001:db8:a::/48; keep")
            .replace("network 2001:db8:a::/48; ", ""))
    connected(m, f)
    wait_until("an address of the prefix", lambda: re.search(r"vpn.up6 address=2001:db8:9:", f.log()))
    wait_until("the matriz answers", lambda: f.reaches("2001:db8:a::1", "-I", "2001:db8:30::1"))
    wait_until("the filial answers", lambda: m.reaches("2001:db8:30::1", "-I", "2001:db8:a::1"))
    own = re.search(r"inet6 (2001:db8:9:\S+)/128", f.ip("addr", "show", "dev", "matriz")).group(1)
    assert m.reaches(own) and f.reaches("2001:db8:a::1", "-I", own)
    assert "::/1 dev matriz" in f.ip("-6", "route")
    # Large packets, and a sender who is not behind that branch.
    assert f.reaches("2001:db8:a::1", "-M", "do", "-s", "1352") and not f.reaches("2001:db8:a::1", "-M", "do", "-s", "1353")
    f.ip("addr", "add", "2001:db8:bad::1/128", "dev", "lo")
    assert not f.reaches("2001:db8:a::1", "-I", "2001:db8:bad::1")
    # The same prefix again, and nothing left behind.
    f.stop()
    assert own not in f.ip("addr")
    f.start(headquarters("ipv6;"))
    connected(m, f, 2)
    wait_until("the same prefix", lambda: f.count(own.rsplit(":", 4)[0]) >= 2)


def tried(site, *words, config=None):
    """`guarita vpn test` on a site: its steps, as objects, and the exit code."""
    conf = site.dir / "test.conf"
    if config is not None:
        conf.write_text("site x;\nstdin;\n%s\n" % config)
    done = site.on(BUILD / "src" / "main" / "guarita", "vpn", "test", "--json", "--config", conf, *words)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode, done.stderr


def test_a_server_is_tried_step_by_step(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    steps, code, err = tried(f, config=headquarters())
    assert code == 0 and all(s["ok"] for s in steps), (steps[-2:], err)
    assert [s["step"] for s in steps] == ["name", "port", "call", "PPP", "login", "encryption", "address", "answers", "size"]
    assert "MPPE-128" in steps[5]["text"] and "1400 bytes pass" in steps[8]["text"]
    # A stranger learns how far the way is good, and nothing more.
    steps, code, _ = tried(f, "192.0.2.1", config="")
    assert code == 0 and steps[-1]["step"] == "login" and "not tried" in steps[-1]["text"]
    assert "segredo" not in str(steps)


@pytest.mark.parametrize("config, step, why", [
    ("headquarters 192.0.2.1 { user filial1; password errado; }", "login", "691"),
    ("headquarters 192.0.2.1 { user filial1; password segredo; tunnel-secret x; }", "port", "tunnel secret"),
    ("headquarters 192.0.2.1 { user filial1; password segredo; authentication pap; encryption no; }", "PPP", "919"),
    ("headquarters 192.0.2.9 { user filial1; password segredo; }", "port", "silent"),
    ("headquarters no.such.host.invalid { user filial1; password segredo; }", "name", "looked up"),
])
def test_the_failing_step_is_named(company, config, step, why):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    steps, code, _ = tried(f, config=config)
    assert code == 1 and not steps[-1]["ok"], steps
    assert steps[-1]["step"] == step and why in steps[-1]["text"], steps


def test_a_black_hole_is_measured(company):
    m, f = company
    m.start("l2tp server { %s }\n%s" % (SERVER, USER))
    # What is longer than 1228 bytes outside vanishes without a word: 28 of UDP and IP, 6 of L2TP, 4 of PPP stand around it.
    rules = "table ip hole { chain swallow { type filter hook prerouting priority -300; meta l4proto udp meta length > 1228 drop; }; }"
    assert m.on("nft", rules).returncode == 0
    steps, code, err = tried(f, config=headquarters())
    assert code == 1 and steps[-1]["step"] == "size", (steps, err)
    found = int(re.search(r"more than (\d+) bytes", steps[-1]["text"]).group(1))
    assert 1228 - 38 - 4 <= found <= 1228 - 38


def test_logins_are_recorded(company):
    m, f = company
    state = m.dir / "state"
    state.mkdir()
    m.start('state-dir "%s";\nl2tp server { %s }\n%s' % (state, SERVER, USER))
    f.start(headquarters())
    connected(m, f)
    f.stop()
    wait_until("gone", lambda: "vpn.down" in m.log())
    f.start("headquarters 192.0.2.1 { user mallory; password x; }")
    wait_until("refused", lambda: "vpn.refused" in m.log())

    def last(*words):
        done = run(BUILD / "src" / "main" / "guarita", "vpn", "last", "--json", "--config", m.dir / (m.name + ".conf"), *words)
        return [json.loads(line) for line in done.stdout.splitlines()], done
    rows, done = last()
    assert len(rows) == 1 and rows[0]["user"] == "filial1" and rows[0]["host"] == "192.0.2.2", done
    assert "filial1" in done.stdout and "logout" in str(rows[0].get("how", rows[0])), rows
    rows, done = last("--bad")
    assert rows and rows[0]["user"] == "mallory", done
    if Path("/usr/bin/last").exists():
        assert "filial1" in run("/usr/bin/last", "-f", state / "vpn" / "wtmp").stdout


def test_nobody_at_home(company):
    _, f = company
    f.start("headquarters 192.0.2.9 { user filial1; password segredo; }")
    wait_until("told", lambda: 'why="the other side is silent"' in f.log(), 90)


# Peers that are not ours.

class Guest:
    """The testbed's guest on a bridge of the namespace: 192.0.2.2, ours is 192.0.2.1."""

    def __init__(self, site, command):
        site.ip("link", "add", "br0", "type", "bridge", "forward_delay", "0")
        site.ip("addr", "add", "192.0.2.1/24", "dev", "br0")
        site.ip("link", "set", "br0", "up")
        self.command = [str(PEERS / "vm.sh"), "-n", site.name, "-b", "br0", "-t", "120", command]

    def run(self):
        return subprocess.run(self.command, capture_output=True, text=True, timeout=200)


@pytest.fixture
def site(tmp_path):
    s = Site(tmp_path, "g")
    yield s
    s.stop()
    run("ip", "netns", "del", s.name)


@needs_peers
@pytest.mark.parametrize("server, option, encoding", [
    ("encryption required;", "require-mppe-128", "MPPE-128 stateless"),
    ("encryption no; authentication mschapv2;", "nomppe", "none"),
    ("encryption no; authentication chap;", "nomppe", "none"),
])
def test_pppd_dials_us(site, server, option, encoding):
    guest = Guest(site, "mods; secrets; xl2tpd_lac - 192.0.2.1 %s; wait_ppp - 30 && sleep 1 && ping -c3 10.9.0.1" % option)
    site.start("l2tp server { %s %s }\n%s" % (SERVER, server, USER))
    done = guest.run()
    assert done.returncode == 0, done.stdout
    assert 'encoding="%s"' % encoding in site.log()


@needs_peers
def test_pppd_gets_ipv6(site):
    guest = Guest(site, "mods; secrets; echo 1 > /proc/sys/net/ipv6/conf/default/accept_ra; "
                        "xl2tpd_lac - 192.0.2.1 nomppe +ipv6; wait_ppp - 30 && sleep 4; ip -6 addr show dev ppp0; ip -6 route; "
                        "ping -6 -c3 2001:db8:a::1")
    site.ip("addr", "add", "2001:db8:a::1/64", "dev", "lo")
    site.start("l2tp server { address 10.9.0.1; encryption no; authentication mschapv2; %s }\n%s" % (V6, USER))
    done = guest.run()
    assert done.returncode == 0, done.stdout
    assert "inet6 2001:db8:9:" in done.stdout, done.stdout


@needs_peers
@pytest.mark.parametrize("client, option, encoding", [
    ("encryption required;", "require-mppe-128", "MPPE-128 stateless"),
    ("encryption no;", "nomppe", "none"),
])
def test_we_dial_xl2tpd(site, client, option, encoding):
    guest = Guest(site, "mods; secrets; xl2tpd_lns - 10.9.0.1 10.9.0.10-10.9.0.99 %s; "
                        "wait_ppp - 60 && sleep 1 && ping -c3 10.9.0.10" % option)
    site.start("headquarters 192.0.2.2 { user filial1; password segredo; %s }" % client)
    done = guest.run()
    assert done.returncode == 0, done.stdout
    assert 'encoding="%s"' % encoding in site.log()


@needs_peers
def test_we_dial_softether(site):
    guest = Guest(site, "softether_l2tp; sleep 15")
    site.start("headquarters 192.0.2.2 { user filial1; password segredo; encryption yes; }")
    guest.run()
    assert "vpn.up" in site.log() and "address=192.168.30.1" in site.log()


@needs_peers
def test_we_dial_l2tpns(company):
    m, f = company
    # Another session and another view of the files: it is ended by what lives in its namespace.
    peer = subprocess.Popen([str(PEERS / "peer.sh"), m.name, "ip link add br0 type bridge; ip addr add 10.99.0.1/24 dev br0; "
                             "ip link set br0 up; l2tpns_lns 192.0.2.1; sleep 100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        f.start("headquarters 192.0.2.1 { user filial1; password segredo; encryption no; authentication chap; "
                "network 192.168.0.0/24; keepalive 2s; }")
        wait_until("connected", lambda: "vpn.up from=192.0.2.1" in f.log(), 90)
        assert 'encoding="none"' in f.log()
        wait_until("it answers through the tunnel", lambda: f.reaches("192.168.0.1"))
    finally:
        for pid in run("ip", "netns", "pids", m.name).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        peer.wait(30)
