"""Packets through ESP: Guarita with strongSwan on one side, strongSwan with xl2tpd and pppd on the other.

All of it runs in the testbed's guest, whose kernel has ESP, L2TP and PPP; what passed is counted on the wire. Where no
guest was built, or the build is one that cannot run in it, the scenes say so and are skipped.
"""
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROLES, ROOT
from test_vpn import PEERS, needs_peers

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root for the guest's interface"), needs_peers]
HERE = ROOT / "test" / "scene" / "guest"
SECRET = 'secret = "long and strange"'
SERVER = "l2tp server { address 10.9.0.1; pool 10.9.0.0/24; encryption no; }\nsecret filial1 segredo;\n"
CLIENT = "headquarters 198.51.100.2 { user filial1; password segredo; encryption no; }\n"
# What a client of other make asks of its own strongSwan (RFC 3193): transport mode, the server's port at the server's end.
THEIRS = """connections { l2tp {
    version = %(ike)s
    proposals = %(proposal)s
    %(remote)s
    dpd_delay = 5s
    local { auth = %(auth)s
        %(local_id)s }
    remote { auth = %(auth)s
        %(remote_id)s }
    children { l2tp {
        mode = transport
        esp_proposals = %(esp)s
        local_ts = dynamic[udp/1701]
        remote_ts = dynamic[%(port)s]
    } } } }
%(secrets)s
"""


def put_programs(share):
    """Ours and the libraries that they were linked with: the guest has the same C library and no more of them."""
    (share / "bin").mkdir()
    (share / "lib").mkdir()
    for role in ("l2tpd", "ipsecd"):
        shutil.copy(ROLES / role, share / "bin")
        for path in re.findall(r"=> (/\S+)", subprocess.run(["ldd", str(ROLES / role)], capture_output=True, text=True).stdout):
            if "/libc.so" not in path:
                shutil.copy(path, share / "lib")


def sanitized():
    return "libasan" in subprocess.run(["ldd", str(ROLES / "l2tpd")], capture_output=True, text=True).stdout


def play(tmp_path, script, ours, theirs):
    """The script in the guest: what it found, and what the guest said."""
    if sanitized():
        pytest.skip("a sanitized build does not run in the guest: it has no room for shadow memory")
    share = tmp_path / "share"
    share.mkdir(exist_ok=True)
    put_programs(share)
    (share / "ours.conf").write_text('site m;\nstdin;\nstate-dir "/tmp/nowhere";\n' + ours)
    (share / "theirs.conf").write_text(theirs)
    for name in ("ipsec.sh", script):
        shutil.copy(HERE / name, share)
    done = subprocess.run([str(PEERS / "vm.sh"), "-s", str(share), "-t", "150", ". /host/ipsec.sh; . /host/" + script],
                          capture_output=True, text=True, timeout=240)
    facts = {k: int(v) for k, v in re.findall(r"^FACT (\w+)=(\d+)", done.stdout, re.M)}
    assert done.returncode == 0, done.stdout[-6000:]
    return facts, done.stdout


def theirs(ike=1, proposal="aes256-sha1-modp2048", esp="aes256-sha1", server="198.51.100.1", port="udp/1701", certificates=False):
    return THEIRS % {
        "ike": ike, "proposal": proposal, "esp": esp, "port": port, "remote": "remote_addrs = %s" % server,
        "auth": "pubkey" if certificates else "psk", "local_id": "certs = /host/filial.pem" if certificates else "",
        "remote_id": "cacerts = /host/ca.pem" if certificates else "",
        "secrets": "" if certificates else "secrets { ike { %s } }" % SECRET}


@pytest.mark.parametrize("ike, proposal, esp", [
    (1, "aes256-sha1-modp2048", "aes256-sha1"),               # Windows' first choice, as every old client has it
    (2, "aes128-sha256-modp2048", "aes128gcm16"),              # the newest that both know
])
def test_they_dial_us(tmp_path, ike, proposal, esp):
    facts, said = play(tmp_path, "ipsec_server.sh", SERVER + 'ipsec require { secret "long and strange"; daemon "/tmp/c-a/vici"; }\n',
                       theirs(ike, proposal, esp))
    assert facts["asked_plain"] >= 2 and facts["answered_plain"] == 0, said
    assert facts["replies"] >= 5 and facts["esp"] >= 20 and facts["plain"] == 0, said
    assert "ipsec.up from=198.51.100.2" in said and "vpn.up from=198.51.100.2" in said


@pytest.mark.parametrize("ike", [1, 2])
def test_we_dial_them(tmp_path, ike):
    facts, said = play(tmp_path, "ipsec_client.sh", CLIENT + 'ipsec require { secret "long and strange"; ike v%d; daemon "/tmp/c-a/vici"; }\n'
                       % ike, theirs(ike, port="udp"))
    assert facts["replies"] >= 5 and facts["esp"] >= 20 and facts["plain"] == 0, said


def certificates(share):
    share.mkdir()
    steps = [["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"]]
    for who in ("matriz", "filial"):
        steps += [["req", "-newkey", "rsa:2048", "-nodes", "-keyout", who + ".key", "-out", who + ".csr", "-subj", "/CN=" + who],
                  ["x509", "-req", "-in", who + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", who + ".pem"]]
    for words in steps:
        assert subprocess.run(["openssl", *words], cwd=share, capture_output=True).returncode == 0
    # Where swanctl looks for keys: beside the file that it loads.
    (share / "private").mkdir()
    shutil.copy(share / "filial.key", share / "private")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make certificates")
def test_with_certificates(tmp_path):
    certificates(tmp_path / "share")
    facts, said = play(tmp_path, "ipsec_server.sh", SERVER + 'ipsec require { certificate "/host/matriz.pem"; key "/host/matriz.key"; '
                       'authority "/host/ca.pem"; daemon "/tmp/c-a/vici"; }\n', theirs(2, certificates=True))
    assert facts["answered_plain"] == 0 and facts["replies"] >= 5 and facts["esp"] >= 20 and facts["plain"] == 0, said


def test_from_behind_a_router(tmp_path):
    facts, said = play(tmp_path, "ipsec_nat.sh", SERVER + 'ipsec require { secret "long and strange"; daemon "/tmp/c-a/vici"; }\n', theirs())
    assert facts["replies"] >= 5 and facts["esp"] >= 20 and facts["bare"] == 0 and facts["plain"] == 0, said


@pytest.mark.parametrize("ike", [1, 2])
def test_two_from_behind_one_router(tmp_path, ike):
    """Windows' and RouterOS's case: two clients, one public address, the same port 1701 inside; in transport mode."""
    facts, said = play(tmp_path, "ipsec_two.sh", SERVER + "secret filial2 segredo;\n"
                       'ipsec require { secret "long and strange"; daemon "/tmp/c-a/vici"; }\n', theirs(ike))
    assert facts["both"] >= 5 and facts["rekeyed"] >= 5, said
    assert facts["replies"] >= 5 and facts["esp"] >= 40 and facts["bare"] == 0 and facts["plain"] == 0, said
    assert facts["plain_after"] == 0 and facts["guarded"] == 1 and facts["guarded_after"] == 0, said
    assert len(re.findall(r"vpn\.up from=198\.51\.100\.2 ", said)) == 2
