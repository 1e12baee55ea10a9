"""Syslog over TLS: senders are known by their certificates; what is wrong is refused, counted and shown."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from conftest import alive, free_port, probe, wait_until

SYSLOG_NG = shutil.which("syslog-ng", path="/usr/sbin:/usr/bin")


def openssl(*words, **more):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **more)


class Authority:
    """A small CA with certificates for a loghost and its senders."""

    def __init__(self, folder, name="ca"):
        self.dir = folder
        self.name = name
        folder.mkdir(exist_ok=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name,
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")

    def __getitem__(self, what):
        return str(self.dir / what)

    def sign(self, name, days=30):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ignored",
                "-keyout", self[name + ".key"], "-out", self[name + ".csr"])
        (self.dir / "ext").write_text("subjectAltName=DNS:%s\n" % name)
        openssl("x509", "-req", "-in", self[name + ".csr"], "-CA", self["ca.pem"], "-CAkey", self["ca.key"], "-CAcreateserial",
                "-days", days, "-extfile", self.dir / "ext", "-out", self[name + ".pem"])

    def context(self, name, trusted=None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations((trusted or self)["ca.pem"])
        if name:
            c.load_cert_chain(self[name + ".pem"], self[name + ".key"])
        return c


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    a = Authority(tmp_path_factory.mktemp("tls") / "ca")
    for name in ("loghost.example.com", "web1.example.com", "x.branch.example.com", "evil.example.org"):
        a.sign(name)
    return a


@pytest.fixture
def loghost(guarita, ca):
    guarita.port = free_port(socket.SOCK_STREAM)
    guarita.write_config('tls 127.0.0.1:%d { certificate "%s"; key "%s"; authority "%s"; senders web1.example.com, "*.branch.example.com"; }\n'
                         % (guarita.port, ca["loghost.example.com.pem"], ca["loghost.example.com.key"], ca["ca.pem"]))
    return guarita.start()


def listener(g):
    return g.roles()["linkd"]["status"]["listeners"][0]


def dial(g, ca, name, context=None):
    return (context or ca.context(name)).wrap_socket(socket.create_connection(("127.0.0.1", g.port)), server_hostname="loghost.example.com")


def octets(*lines):
    return b"".join(b"%d <13>%s" % (len(l) + 4, l.encode()) for l in lines)


def feeds(g):
    return {f["name"]: f["lines"] for f in g.roles()["intaked"]["status"]["feeds"]}


def test_lines_of_a_proved_sender(loghost, ca):
    with dial(loghost, ca, "web1.example.com") as s:
        s.sendall(octets(*(probe(i) for i in range(20))))
        loghost.wait_incidents(20)
        assert feeds(loghost)["tls 127.0.0.1 web1.example.com"] == 20
    # By line ends too; who comes again is the same source.
    with dial(loghost, ca, "web1.example.com") as s:
        s.sendall("".join(probe(i) + "\n" for i in range(20, 30)).encode())
        loghost.wait_incidents(30)
    assert feeds(loghost)["tls 127.0.0.1 web1.example.com"] == 30
    with dial(loghost, ca, "x.branch.example.com") as s:
        s.sendall(octets(probe(30)))
        loghost.wait_incidents(31)
    assert feeds(loghost)["tls 127.0.0.1 x.branch.example.com"] == 1
    wait_until("all gone", lambda: listener(loghost)["connected"] == 0)
    assert listener(loghost)["refused"] == 0


def test_a_record_that_was_written_before_the_end_is_kept(loghost, ca):
    """Everything is sent at once, with the end behind it."""
    with dial(loghost, ca, "web1.example.com") as s:
        s.sendall(octets(*(probe(i) for i in range(500))))
        s.unwrap()
    wait_until("500 lines", lambda: feeds(loghost).get("tls 127.0.0.1 web1.example.com") == 500)
    assert listener(loghost)["cut"] == 0


def test_who_is_refused_and_why(loghost, ca, tmp_path):
    def refused(why, n):
        wait_until("refusal %d: %s" % (n, why), lambda: listener(loghost)["refused"] == n and why in listener(loghost)["refused_why"])

    def try_to_send(context):
        try:
            with dial(loghost, ca, None, context) as s:
                s.sendall(octets(probe(1)))
                s.recv(1)
        except OSError:
            pass
    try_to_send(ca.context(None))
    refused("peer did not return a certificate", 1)
    try_to_send(ca.context("evil.example.org"))
    refused("no name that `senders` lists", 2)
    other = Authority(tmp_path / "other", "other")
    other.sign("web1.example.com")
    try_to_send(other.context("web1.example.com", ca))
    refused("certificate", 3)
    with socket.create_connection(("127.0.0.1", loghost.port)) as s:
        s.sendall(b"<13>plain text is no TLS\n")
        s.recv(100)
    refused("127.0.0.1", 4)
    old = ca.context("web1.example.com")
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    try_to_send(old)
    wait_until("refusal 5", lambda: listener(loghost)["refused"] == 5)
    # Nothing of all that got in.
    assert not [name for name in feeds(loghost) if name.startswith("tls")]
    wait_until("said in the log", lambda: "senders were refused, the last" in loghost.stderr())
    assert loghost.roles()["linkd"]["crashes"] == 0


def test_tls_1_2_is_good_enough(loghost, ca):
    c = ca.context("web1.example.com")
    c.maximum_version = ssl.TLSVersion.TLSv1_2
    with dial(loghost, ca, None, c) as s:
        s.sendall(octets(probe(3)))
        loghost.wait_incidents(1)


def test_a_cut_inside_a_record_is_counted(loghost, ca):
    s = dial(loghost, ca, "web1.example.com")
    s.sendall(octets(probe(1)))
    loghost.wait_incidents(1)
    s.sendall(b"200 <13>this one never ends")
    raw = socket.socket(fileno=os.dup(s.fileno()))
    raw.shutdown(socket.SHUT_RDWR)
    raw.close()
    s.close()
    wait_until("counted", lambda: listener(loghost)["cut"] == 1)
    # What came of the message is kept, as of any stream.
    wait_until("the part of a message", lambda: feeds(loghost)["tls 127.0.0.1 web1.example.com"] == 2)


def test_a_slow_reader_makes_the_sender_wait(loghost, ca):
    """While intaked stands still nothing is lost, and linkd holds no more than it must."""
    intaked = loghost.roles()["intaked"]["pid"]
    os.kill(intaked, signal.SIGSTOP)
    s = dial(loghost, ca, "web1.example.com")
    s.settimeout(1)
    data, sent = octets(*(probe(i % 250) + " x%06d" % i for i in range(200000))), 0
    with pytest.raises(TimeoutError):
        while sent < len(data):
            sent += s.send(data[sent:sent + 16384])
    assert sent < 14 << 20
    os.kill(intaked, signal.SIGCONT)
    s.settimeout(60)
    s.close()
    assert loghost.roles()["linkd"]["crashes"] == 0


def test_killed_processes_come_back(loghost, ca):
    for victim, n in (("linkd", 1), ("intaked", 2)):
        old = loghost.roles()[victim]["pid"]
        os.kill(old, signal.SIGKILL)
        wait_until("%s again" % victim, lambda: loghost.roles()[victim]["pid"] not in (0, old))
        loghost.wait_running()

        def deliver():
            with dial(loghost, ca, "web1.example.com") as s:
                s.sendall(octets(probe(n)))
                s.unwrap()
            return True
        wait_until("delivered", deliver)
        wait_until("seen", lambda: len(loghost.incidents()) >= n)


def test_openssl_as_a_sender(loghost, ca):
    p = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:%d" % loghost.port, "-cert", ca["web1.example.com.pem"],
                          "-key", ca["web1.example.com.key"], "-CAfile", ca["ca.pem"]], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdin.write(octets(*(probe(i) for i in range(5))))
    p.stdin.flush()
    loghost.wait_incidents(5)
    # With -quiet it does not end at the end of its input.
    p.terminate()
    p.wait(30)
    p.stdin.close()


@pytest.mark.skipif(not SYSLOG_NG, reason="needs syslog-ng")
def test_syslog_ng_as_a_sender(loghost, ca, tmp_path):
    feed = tmp_path / "feed.log"
    feed.write_text("")
    (tmp_path / "ng.conf").write_text("""@version: 3.38
options { flush-lines(1); stats-freq(0); };
source s { file("%s" flags(no-parse) follow-freq(0.1)); };
destination d { network("127.0.0.1" port(%d) transport("tls") flags(syslog-protocol)
    tls(ca-file("%s") cert-file("%s") key-file("%s") peer-verify(required-untrusted))); };
log { source(s); destination(d); };
""" % (feed, loghost.port, ca["ca.pem"], ca["web1.example.com.pem"], ca["web1.example.com.key"]))
    p = subprocess.Popen([SYSLOG_NG, "-F", "--no-caps", "-f", tmp_path / "ng.conf", "-R", tmp_path / "persist", "-p", tmp_path / "pid",
                          "-c", tmp_path / "ctl"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with open(feed, "a") as f:
            for i in range(50):
                f.write("line %d of syslog-ng\n" % i)
        wait_until("50 lines", lambda: feeds(loghost).get("tls 127.0.0.1 web1.example.com", 0) >= 50)
    finally:
        p.terminate()
        p.wait(30)
