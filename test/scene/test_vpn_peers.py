"""xl2tpd with pppd, in a guest whose kernel has both, in either role: the ways to prove oneself, and what L2TP leaves open.

Where no guest was built the scenes are skipped.
"""
import shutil

import pytest
from conftest import ROOT
from test_vpn import SERVER, USER, Guest, needs_peers, pytestmark, site  # noqa: F401

HERE = ROOT / "test" / "scene" / "guest"
SECRET = "tunnel-secret tunel;"


def script(tmp_path, what, auth="mschap-v2", l2tp="", general="", ppp="nomppe"):
    (tmp_path / "share").mkdir()
    shutil.copy(HERE / "xl2tpd.sh", tmp_path / "share")
    return "AUTH='%s' L2TP='%s' GLOBAL='%s' PPP='%s'; . /host/xl2tpd.sh; %s; rc=$?; tail -n 60 /tmp/log /tmp/ppp.log; exit $rc" % (
        auth, l2tp, general, ppp, what)


def guest(tmp_path, site, command):  # noqa: F811
    g = Guest(site, command)
    g.command[1:1] = ["-s", str(tmp_path / "share")]
    return g


DIALLED = [
    ("pap", "encryption no; authentication pap;", dict(auth="pap"), "none"),
    ("chap", "encryption no; authentication chap;", dict(auth="chap"), "none"),
    ("mschapv2", "encryption no; authentication mschapv2;", {}, "none"),
    ("mppe", "encryption required;", dict(ppp="require-mppe-128"), "MPPE-128 stateless"),
    ("secret", "encryption no; " + SECRET, dict(l2tp="challenge = yes"), "none"),
    ("hidden", "encryption no; " + SECRET, dict(l2tp="challenge = yes\\nhidden bit = yes"), "none"),
    ("both-hide", "encryption no; hide-attributes; " + SECRET, dict(l2tp="challenge = yes\\nhidden bit = yes"), "none"),
    ("sequenced", "encryption no;", dict(l2tp="flow bit = yes"), "none"),
    ("userspace", "encryption no;", dict(l2tp="flow bit = yes", general="force userspace = yes"), "none"),
    ("length", "encryption required;", dict(l2tp="length bit = yes", ppp="require-mppe-128"), "MPPE-128 stateless"),
]


@needs_peers
@pytest.mark.parametrize("server, how, encoding", [row[1:] for row in DIALLED], ids=[row[0] for row in DIALLED])
def test_it_dials_us(tmp_path, site, server, how, encoding):  # noqa: F811
    g = guest(tmp_path, site, script(tmp_path, "dial 192.0.2.1; wait_ppp - 30 && reach 10.9.0.1", **how))
    site.start("l2tp server { %s %s }\n%s" % (SERVER, server, USER))
    done = g.run()
    assert done.returncode == 0, done.stdout[-5000:] + site.log()
    assert 'encoding="%s"' % encoding in site.log()


@needs_peers
@pytest.mark.parametrize("encryption", ["no", "required"])
def test_it_sends_pieces(tmp_path, site, encryption):  # noqa: F811
    """Packets larger than the line: pppd's kernel cuts them (RFC 1990), we put them together."""
    ppp = "multilink mrru 1600 " + ("require-mppe-128" if encryption == "required" else "nomppe")
    what = "dial 192.0.2.1; wait_ppp - 30 && reach 10.9.0.1 && ip link set ppp0 mtu 1500 && ping -c 5 -i 0.3 -M do -s 1460 10.9.0.1"
    # Cut by PPP, not by IP.
    what += " && [ $(awk '/^Ip:/ {n = $20} END {print n}' /proc/net/snmp) = 0 ]"
    g = guest(tmp_path, site, script(tmp_path, what, ppp=ppp))
    site.start("l2tp server { %s encryption %s; mrru 1600; }\n%s" % (SERVER, encryption, USER))
    done = g.run()
    assert done.returncode == 0 and "New bundle ppp0 created" in done.stdout, done.stdout[-5000:] + site.log()


SERVED = [
    ("pap", "encryption no; authentication pap;", dict(auth="pap"), "none"),
    ("chap", "encryption no; authentication chap;", dict(auth="chap"), "none"),
    ("mppe", "encryption required;", dict(ppp="require-mppe-128"), "MPPE-128 stateless"),
    ("secret", "encryption no; " + SECRET, dict(l2tp="challenge = yes"), "none"),
    ("hidden", "encryption no; " + SECRET, dict(l2tp="challenge = yes\\nhidden bit = yes"), "none"),
    ("both-hide", "encryption no; hide-attributes; " + SECRET, dict(l2tp="challenge = yes\\nhidden bit = yes"), "none"),
    ("sequenced", "encryption no;", dict(l2tp="flow bit = yes"), "none"),
    ("userspace", "encryption no;", dict(general="force userspace = yes"), "none"),
]


@needs_peers
@pytest.mark.parametrize("client, how, encoding", [row[1:] for row in SERVED], ids=[row[0] for row in SERVED])
def test_we_dial_it(tmp_path, site, client, how, encoding):  # noqa: F811
    g = guest(tmp_path, site, script(tmp_path, "serve; wait_ppp - 60 && reach 10.9.0.10", **how))
    site.start("headquarters 192.0.2.2 { user filial1; password segredo; %s }" % client)
    done = g.run()
    assert done.returncode == 0, done.stdout[-5000:] + site.log()
    assert 'encoding="%s"' % encoding in site.log()
