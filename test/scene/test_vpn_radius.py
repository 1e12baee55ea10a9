"""The VPN beside a real FreeRADIUS: who may come in, with what, who is told of it, and what the server may change."""
import shutil
import signal
import subprocess

import pytest
from conftest import wait_until
from test_vpn import company, connected, pytestmark as root_only  # noqa: F401 (company is a fixture)

pytestmark = [root_only, pytest.mark.skipif(not (shutil.which("freeradius") and shutil.which("radclient")),
                                            reason="needs freeradius and radclient")]
SECRET = "entre-nos-dois"
USERS = """
ana Cleartext-Password := "da-ana"
    Framed-IP-Address = 10.9.7.7, Framed-Route = "192.168.30.0/24 0.0.0.0 1", Class = 0x636c617373,
    MS-Primary-DNS-Server = 192.168.0.53, Acct-Interim-Interval = 1
bia Cleartext-Password := "da-bia"
    Session-Timeout = 2
carla Cleartext-Password := "da-carla"
    Framed-Pool = "road", Framed-IPv6-Prefix = 2001:db8:9:77::/64, Delegated-IPv6-Prefix = 2001:db8:40::/48
"""
CONF = """
prefix = /usr
libdir = /usr/lib/freeradius
confdir = %(dir)s
logdir = %(dir)s
radacctdir = %(dir)s
run_dir = %(dir)s
pidfile = %(dir)s/pid
max_requests = 1024
security { reject_delay = 0 }
modules {
    pap { }
    chap { }
    mschap { require_encryption = no }
    files { usersfile = %(dir)s/users }
    detail { filename = %(dir)s/detail }
}
client here { ipaddr = 127.0.0.1
    secret = %(secret)s
    require_message_authenticator = yes
}
server default {
    listen { type = auth
        ipaddr = 127.0.0.1
        port = 1812
    }
    listen { type = acct
        ipaddr = 127.0.0.1
        port = 1813
    }
    authorize { chap
        mschap
        files
        pap
    }
    authenticate {
        Auth-Type PAP {
            pap
        }
        Auth-Type CHAP {
            chap
        }
        Auth-Type MS-CHAP {
            mschap
        }
    }
    post-auth {
        update reply {
            &Message-Authenticator := 0x00
        }
        Post-Auth-Type REJECT {
            update reply {
                &Message-Authenticator := 0x00
            }
        }
    }
    accounting {
        detail
    }
}
"""
SERVER = """
l2tp server { address 10.9.0.1; pool 10.9.0.0/24; keepalive 1s; %s }
radius 127.0.0.1 { secret "%s"; timeout 300ms; changes; }
secret filial1 segredo { network 192.168.40.0/24; }
"""


@pytest.fixture
def radius(company, tmp_path):  # noqa: F811
    m, f = company
    folder = tmp_path / "raddb"
    folder.mkdir()
    (folder / "radiusd.conf").write_text(CONF % {"dir": folder, "secret": SECRET})
    (folder / "users").write_text(USERS)
    out = open(folder / "log", "wb")
    process = subprocess.Popen(["ip", "netns", "exec", m.name, "freeradius", "-f", "-l", "stdout", "-n", "radiusd", "-d", str(folder)],
                               stdout=out, stderr=out)
    try:
        wait_until("FreeRADIUS", lambda: "Ready to process" in (folder / "log").read_text() or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield m, f, folder
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def headquarters(user, password, more=""):
    return ("headquarters 192.0.2.1 { user %s; password %s; network 192.168.0.0/24; keepalive 1s; %s }" % (user, password, more))


@pytest.mark.parametrize("method, encryption, encoding", [
    ("mschapv2", "required", "MPPE-128 stateless"), ("chap", "no", "none"), ("pap", "no", "none"),
])
def test_another_knows_who_comes(radius, method, encryption, encoding):
    m, f, folder = radius
    how = "authentication %s; encryption %s;" % (method, encryption)
    m.start(SERVER % (how, SECRET))
    f.start(headquarters("ana", "da-ana", how + "dns;"))
    connected(m, f)
    assert 'address=10.9.7.7' in m.log() and 'encoding="%s"' % encoding in m.log()
    wait_until("the branch's network", lambda: f.reaches("192.168.0.1", "-I", "192.168.30.1"))
    wait_until("start and interim are told", lambda: "Interim-Update" in (folder / "detail").read_text())
    f.stop()
    told = wait_until("the end is told", lambda: "Acct-Status-Type = Stop" in (folder / "detail").read_text()
                      and (folder / "detail").read_text())
    for what in ('User-Name = "ana"', "Acct-Status-Type = Start", "Framed-IP-Address = 10.9.7.7", "Class = 0x636c617373",
                 "Acct-Terminate-Cause = User-Request", 'Calling-Station-Id = "192.0.2.2"'):
        assert what in told, (what, told)
    assert told.split("Acct-Input-Packets = ")[-1].split()[0] != "0"


def test_pools_and_prefixes_are_granted(radius):
    m, f, _ = radius
    m.ip("addr", "add", "2001:db8:a::1/64", "dev", "lo")
    f.ip("addr", "add", "2001:db8:40::1/64", "dev", "lo")
    m.start(SERVER % ("", SECRET) + "profile road { pool 10.9.8.0/24; }")
    f.start(headquarters("carla", "da-carla", "network 2001:db8:a::/48;").replace("192.168.0.0/24; keepalive 1s; network ", "192.168.0.0/24, ")
            .replace("; }", "; keepalive 1s; }"))
    connected(m, f)
    assert "address=10.9.8." in m.log()
    wait_until("the prefix", lambda: "vpn.up6 address=2001:db8:9:77:" in f.log())
    wait_until("the network behind", lambda: f.reaches("2001:db8:a::1", "-I", "2001:db8:40::1"))
    assert "2001:db8:40::/48 dev l2tp" in m.ip("-6", "route")
    f.stop()
    wait_until("gone with it", lambda: "2001:db8:40::/48" not in m.ip("-6", "route"))


def test_a_refusal_and_who_has_a_secret_here(radius):
    m, f, _ = radius
    m.start(SERVER % ("", SECRET))
    f.start(headquarters("ana", "errada"))
    wait_until("refused", lambda: "vpn.failed" in f.log())
    assert "says the RADIUS server (Windows shows 691)" in m.log() and "wrong password" in f.log()
    f.stop()
    f.start(headquarters("filial1", "segredo"))
    wait_until("connected", lambda: "vpn.up" in f.log())


def test_a_server_with_another_secret_is_not_believed(radius):
    m, f, _ = radius
    m.start(SERVER % ("", "outro-segredo"))
    f.start(headquarters("ana", "da-ana"))
    wait_until("told", lambda: "no RADIUS server answers" in m.log())


def test_the_next_server_is_asked(radius):
    m, f, _ = radius
    m.start('radius 127.0.0.2 { secret x; timeout 100ms; accounting-port never; }\n' + SERVER % ("", SECRET))
    f.start(headquarters("ana", "da-ana"))
    connected(m, f)


def test_the_servers_time_counts(radius):
    m, f, _ = radius
    m.start(SERVER % ("", SECRET))
    f.start(headquarters("bia", "da-bia"))
    connected(m, f)
    wait_until("its time is over", lambda: "the time for one session is over" in m.log())


def change(m, what, attributes, secret=SECRET):
    done = subprocess.run(["ip", "netns", "exec", m.name, "radclient", "-r", "1", "-t", "2", "127.0.0.1:3799", what, secret],
                          input=attributes, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_the_server_ends_and_changes_sessions(radius):
    m, f, _ = radius
    m.start(SERVER % ("", SECRET))
    f.start(headquarters("ana", "da-ana"))
    connected(m, f)
    good = 'User-Name = "ana", Message-Authenticator = 0x00'
    assert "CoA-ACK" in change(m, "coa", good + ', WISPr-Bandwidth-Max-Down = 400000')
    wait_until("the matriz answers", lambda: f.reaches("192.168.0.1"))
    assert "CoA-NAK" in change(m, "coa", 'User-Name = "zeca", Message-Authenticator = 0x00')
    assert "ACK" not in change(m, "disconnect", good, "outro")
    assert "vpn.down" not in m.log()
    assert "Disconnect-ACK" in change(m, "disconnect", good)
    wait_until("ended", lambda: 'why="closed by the operator"' in m.log())
