"""Syslog over TLS: senders are known by their certificates; what is wrong is refused, counted and shown."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from conftest import BUILD, alive, free_port, probe, wait_until

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


def alone(folder, name, days=30):
    """A certificate that no authority signed; its fingerprint as openssl shows it."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days, "-subj", "/CN=anything",
            "-keyout", folder / (name + ".key"), "-out", folder / (name + ".pem"))
    done = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", folder / (name + ".pem")], check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


def alone_context(folder, name):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    c.load_cert_chain(folder / (name + ".pem"), folder / (name + ".key"))
    return c


def pinned(g, ca, senders, authority=True):
    g.port = free_port(socket.SOCK_STREAM)
    g.write_config('tls 127.0.0.1:%d { certificate "%s"; key "%s"; %s %s }\n' % (
        g.port, ca["loghost.example.com.pem"], ca["loghost.example.com.key"], 'authority "%s";' % ca["ca.pem"] if authority else "",
        "".join('sender %s "%s"; ' % (name, mark) for name, mark in senders.items())))
    return g.start()


def test_a_sender_is_known_by_its_fingerprint_without_an_authority(guarita, ca, tmp_path):
    """The form of openssl, that of RFC 5425, and bare: each names one sender, whatever its certificate says."""
    marks = {name: alone(tmp_path, name) for name in ("switch7", "printer", "ups", "stranger")}
    bare = {name: mark.split("=")[1] for name, mark in marks.items()}
    pinned(guarita, ca, {"switch7": marks["switch7"], "printer": "sha-256:" + bare["printer"], "ups": bare["ups"].replace(":", "").lower()},
           authority=False)
    for i, name in enumerate(("switch7", "printer", "ups")):
        with dial(guarita, ca, None, alone_context(tmp_path, name)) as s:
            s.sendall(octets(probe(i)))
            guarita.wait_incidents(i + 1)
        assert feeds(guarita)["tls 127.0.0.1 " + name] == 1
    # One of an authority is nothing here; and the refusal says what would have to be written.
    for who in (alone_context(tmp_path, "stranger"), ca.context("web1.example.com")):
        before = listener(guarita)["refused"]
        try:
            with dial(guarita, ca, None, who) as s:
                s.sendall(octets(probe(9)))
                s.recv(1)
        except OSError:
            pass
        wait_until("refused", lambda: listener(guarita)["refused"] == before + 1)
        if before == 0:
            assert "sha-256:" + bare["stranger"] in listener(guarita)["refused_why"]
    assert len(guarita.incidents()) == 3


def test_fingerprints_stand_beside_an_authority(guarita, ca, tmp_path):
    mark = alone(tmp_path, "switch7")
    pinned(guarita, ca, {"switch7": mark})
    with dial(guarita, ca, None, alone_context(tmp_path, "switch7")) as s:
        s.sendall(octets(probe(1)))
        guarita.wait_incidents(1)
    with dial(guarita, ca, "web1.example.com") as s:
        s.sendall(octets(probe(2)))
        guarita.wait_incidents(2)
    assert {"tls 127.0.0.1 switch7", "tls 127.0.0.1 web1.example.com"} <= set(feeds(guarita))
    # No other authority, and none at all, by this door.
    other = Authority(tmp_path / "other", "other")
    other.sign("web1.example.com")
    with pytest.raises(OSError):
        with dial(guarita, ca, None, other.context("web1.example.com", ca)) as s:
            s.sendall(octets(probe(3)))
            if s.recv(1) == b"":
                raise OSError("ended")
    wait_until("refused", lambda: listener(guarita)["refused"] == 1)


def test_gnutls_as_a_pinned_sender(guarita, ca, tmp_path):
    if not shutil.which("gnutls-cli"):
        pytest.skip("needs gnutls-cli")
    pinned(guarita, ca, {"switch7": alone(tmp_path, "switch7")}, authority=False)
    p = subprocess.Popen(["gnutls-cli", "--no-ca-verification", "--x509certfile", tmp_path / "switch7.pem", "--x509keyfile",
                          tmp_path / "switch7.key", "-p", str(guarita.port), "127.0.0.1"], stdin=subprocess.PIPE,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        p.stdin.write("".join(probe(i) + "\n" for i in range(5)).encode())
        p.stdin.flush()
        guarita.wait_incidents(5)
    finally:
        p.kill()
        p.wait()
        p.stdin.close()
    assert feeds(guarita)["tls 127.0.0.1 switch7"] == 5


def test_what_is_no_fingerprint_is_refused_with_its_place(guarita, ca):
    guarita.write_config('tls 127.0.0.1:%d { certificate "%s"; key "%s"; sender a "sha-256:12:34"; sender b "zz"; }\n' % (
        free_port(socket.SOCK_STREAM), ca["loghost.example.com.pem"], ca["loghost.example.com.key"]))
    done = subprocess.run([BUILD / "src" / "main" / "guarita", "check", guarita.config], capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.count("this is no SHA-256 fingerprint") == 2, done.stderr
    guarita.write_config('tls 127.0.0.1:%d { certificate "%s"; key "%s"; }\n' % (
        free_port(socket.SOCK_STREAM), ca["loghost.example.com.pem"], ca["loghost.example.com.key"]))
    done = subprocess.run([BUILD / "src" / "main" / "guarita", "check", guarita.config], capture_output=True, text=True)
    assert done.returncode != 0 and "or senders whose certificates are pinned" in done.stderr, done.stderr


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
