"""IPsec around the tunnels, by a real strongSwan in a network namespace of its own.

Where the kernel has no ESP nothing can be protected: then it is seen that nothing passes unprotected either.
"""
import os
import shutil
import socket
import subprocess

import pytest
from conftest import BUILD, ROLES, ROOT, wait_until
from test_oracle import in_namespace

CHARON = "/usr/lib/ipsec/charon"
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists(CHARON) or not shutil.which("swanctl"),
                                reason="needs root and strongSwan (strongswan-charon, strongswan-swanctl)")
BOTH = """site %s;
stdin;
l2tp server { address 10.9.0.1; pool 10.9.0.0/24; }
headquarters 192.0.2.9:1701 { user filial1; password segredo; }
ipsec %s { %s daemon "%s"; }
"""
SHARED = 'secret "long and strange";'
# An SCCRQ as RFC 2661 section 6.1 wants it: type, version, framing, host name, tunnel id, window.
SCCRQ = bytes.fromhex("c802004b0000000000000000" "8008000000000001" "8008000000020100" "800a00000003" "00000003"
                      "800a00000004" "00000000" "800d00000007" "70726f626572" "00" "8008000000090007" "8008000000 0a0004".replace(" ", ""))


def run(*words):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True)


class Swan:
    def __init__(self, folder, namespace):
        self.dir, self.namespace, self.socket, self.process = folder, namespace, folder / "charon.vici", None
        (folder / "strongswan.conf").write_text("""charon {
            load = random nonce openssl aes hmac sha1 sha2 pem pkcs1 pkcs8 x509 pubkey gmp kdf kernel-netlink socket-default vici
            plugins { vici { socket = unix://%s } }
            filelog { stderr { default = 1 } }
        }""" % self.socket)

    def start(self):
        # Its pid file is in /run, whatever is said: one of its own.
        self.process = subprocess.Popen(["ip", "netns", "exec", self.namespace, "sh", "-c",
                                         "mount -t tmpfs x /run && exec " + CHARON], stderr=open(self.dir / "charon.log", "ab"),
                                        env=dict(os.environ, STRONGSWAN_CONF=str(self.dir / "strongswan.conf")))
        wait_until("charon", lambda: self.swanctl("--stats").returncode == 0)

    def swanctl(self, *words):
        return run("swanctl", *words, "--uri", "unix://%s" % self.socket)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)


@pytest.fixture
def bed(tmp_path):
    namespace = "gi%d" % os.getpid()
    assert run("ip", "netns", "add", namespace).returncode == 0
    run("ip", "-n", namespace, "link", "set", "lo", "up")
    swan = Swan(tmp_path, namespace)
    started = []

    def role(name, text):
        config = tmp_path / (name + ".conf")
        config.write_text(text)
        log = tmp_path / (name + ".log")
        started.append(subprocess.Popen(["ip", "netns", "exec", namespace, str(ROLES / name), "--config", str(config)],
                                        stdout=open(log, "ab"), stderr=subprocess.STDOUT))
        return started[-1], log
    swan.role = role
    yield swan
    for p in started:
        p.terminate()
        p.wait()
    swan.stop()
    run("ip", "netns", "del", namespace)


def test_strongswan_is_told_everything(bed):
    bed.start()
    process, log = bed.role("ipsecd", BOTH % ("f", "prefer", SHARED, bed.socket))
    wait_until("loaded", lambda: "protects the tunnels" in log.read_text())
    shown = bed.swanctl("--list-conns").stdout
    assert "guarita-server: IKEv1/2" in shown and "guarita-1: IKEv1/2" in shown
    assert shown.count("l2tp: TRANSPORT") == 2 and "dynamic[udp/l2f]" in shown.replace("1701", "l2f")
    assert "remote: 192.0.2.9" in shown and "pre-shared key" in shown
    wait_until("dialled", lambda: "initiating" in (bed.dir / "charon.log").read_text())
    # Nobody answers: it says so, and which.
    wait_until("told", lambda: "refuses to dial a headquarters" in log.read_text())
    assert "long and strange" not in log.read_text()
    # Another strongSwan takes its place: it is told everything again.
    bed.stop()
    wait_until("noticed", lambda: "the link to strongSwan is lost" in log.read_text())
    bed.start()
    wait_until("loaded again", lambda: "guarita-server" in bed.swanctl("--list-conns").stdout)
    assert process.poll() is None


def test_strongswan_is_away(bed):
    process, log = bed.role("ipsecd", BOTH % ("f", "require", SHARED, bed.socket))
    wait_until("told", lambda: "strongSwan does not answer at %s" % bed.socket in log.read_text())
    assert "no tunnel stands until it does" in log.read_text()
    bed.start()
    wait_until("found", lambda: "protects the tunnels" in log.read_text())
    assert process.poll() is None


def test_a_bad_private_key_is_told(bed, tmp_path):
    bed.start()
    for name in ("site.pem", "site.key", "ca.pem"):
        (tmp_path / name).write_text("no key\n")
    how = 'certificate "%s/site.pem"; key "%s/site.key"; authority "%s/ca.pem";' % (tmp_path, tmp_path, tmp_path)
    _, log = bed.role("ipsecd", BOTH % ("f", "prefer", how, bed.socket))
    wait_until("refused", lambda: "strongSwan refuses the private key" in log.read_text())


def test_certificates(bed, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make certificates")
    for words in (["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"],
                  ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=site"],
                  ["x509", "-req", "-in", "site.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "site.pem"]):
        assert subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True).returncode == 0
    bed.start()
    how = 'certificate "%s/site.pem"; key "%s/site.key"; authority "%s/ca.pem";' % (tmp_path, tmp_path, tmp_path)
    _, log = bed.role("ipsecd", BOTH % ("f", "prefer", how, bed.socket))
    wait_until("loaded", lambda: "protects the tunnels" in log.read_text())
    assert "refuses the" not in log.read_text()
    shown = bed.swanctl("--list-conns").stdout
    assert "certs: CN=site" in shown and "cacerts: CN=ca" in shown


def answers(namespace, packet):
    """Whether anything comes back from the VPN's port."""
    s = in_namespace(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with s:
        s.settimeout(1.5)
        s.sendto(packet, ("127.0.0.1", 1701))
        try:
            return s.recv(2000)
        except (TimeoutError, ConnectionRefusedError):
            return b""


def test_required_means_never_in_plain_text(bed):
    # Without the word the same question is answered: it is one.
    process, log = bed.role("l2tpd", "site f;\nstdin;\nl2tp server { address 10.9.0.1; pool 10.9.0.0/24; }\n")
    wait_until("ready", lambda: "ready on port" in log.read_text())
    assert answers(bed.namespace, SCCRQ)
    process.terminate()
    process.wait()
    process, log = bed.role("l2tpd", BOTH % ("f", "require", SHARED, bed.socket))
    wait_until("up or refused", lambda: process.poll() is not None or log.read_text().count("ready on port") == 2)
    assert not answers(bed.namespace, SCCRQ)
    if process.poll() is not None:
        assert "`ipsec require` cannot be kept" in log.read_text()
        assert "this kernel has no ESP" in log.read_text() and "no tunnel comes up in plain text" in log.read_text()


@pytest.mark.parametrize("text, why", [
    ("ipsec require;", "by what is the other side known?"),
    ('ipsec prefer { certificate "/x"; }', "certificates need all three files"),
    ('ipsec prefer { secret a; certificate "/x"; key "/y"; authority "/z"; }', "exclude each other"),
    ("ipsec maybe { secret a; }", "maybe"),
])
def test_faults_are_shown(tmp_path, text, why):
    config = tmp_path / "x.conf"
    config.write_text("site f;\nstdin;\nl2tp server { address 10.9.0.1; pool 10.9.0.0/24; }\n%s\n" % text)
    done = run(BUILD / "src" / "main" / "guarita", "check", config, "--rules", ROOT / "rules")
    assert done.returncode != 0 and why in done.stderr + done.stdout
