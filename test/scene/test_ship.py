"""Sealed lines handed on to NATS JetStream and to ClickHouse: all of them, none twice, whatever is killed; and whoever
reads them there computes the tree again and finds the root that was signed."""
import base64
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from conftest import free_port, wait_until
from test_vault import run, vault, with_vault


class Nats:
    def __init__(self, folder):
        self.dir, self.port, self.process = folder, free_port(socket.SOCK_STREAM), None
        folder.mkdir()
        (folder / "n.conf").write_text('listen: "127.0.0.1:%d"\njetstream { store_dir: "%s/js" }\n' % (self.port, folder))

    def start(self):
        self.process = subprocess.Popen(["nats-server", "-c", str(self.dir / "n.conf")], stderr=subprocess.DEVNULL)
        wait_until("NATS", self.up)
        return self

    def up(self):
        try:
            self.api("INFO", {})
            return True
        except (OSError, ValueError):
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def api(self, what, body):
        """One request to JetStream, over the text protocol."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            f = s.makefile("rwb")
            f.readline()
            data = json.dumps(body).encode()
            f.write(b'CONNECT {"verbose":false,"headers":true}\r\nSUB _INBOX.t 1\r\nPUB $JS.API.%s _INBOX.t %d\r\n%s\r\n' % (
                what.encode(), len(data), data))
            f.flush()
            while True:
                words = f.readline().split()
                if not words:
                    raise OSError("closed")
                if words[0] == b"MSG":
                    return json.loads(f.read(int(words[-1]) + 2))

    def lines(self):
        """All lines of the stream: [(index, nonce + record)]; that no number comes twice or is missing is checked."""
        state = self.api("STREAM.INFO.guarita", {})
        got, last = [], state.get("state", {}).get("last_seq", 0)
        for seq in range(1, last + 1):
            m = self.api("STREAM.MSG.GET.guarita", {"seq": seq})["message"]
            head = base64.b64decode(m["hdrs"]).decode()
            fields = dict(x.split(": ", 1) for x in head.split("\r\n") if ": " in x)
            data, at, index = base64.b64decode(m["data"]), 0, int(fields["Guarita-First"])
            assert fields["Nats-Msg-Id"] == "%s/%d" % (fields["Guarita-Origin"], index)
            while at < len(data):
                n = int.from_bytes(data[at:at + 2], "big")
                got.append((index, data[at + 2:at + 2 + n]))
                at, index = at + 2 + n, index + 1
        return got


class ClickHouse:
    def __init__(self, folder):
        self.dir, self.process = folder, None
        self.http, tcp, inter = (free_port(socket.SOCK_STREAM) for _ in range(3))
        folder.mkdir()
        (folder / "users.xml").write_text(
            "<yandex><profiles><default/></profiles><users><default><password></password><networks><ip>127.0.0.1</ip></networks>"
            "<profile>default</profile><quota>default</quota></default></users><quotas><default/></quotas></yandex>")
        (folder / "c.xml").write_text(
            "<yandex><logger><level>error</level><log>%(d)s/log</log><errorlog>%(d)s/err</errorlog></logger><http_port>%(h)d</http_port>"
            "<tcp_port>%(t)d</tcp_port><interserver_http_port>%(i)d</interserver_http_port><listen_host>127.0.0.1</listen_host>"
            "<path>%(d)s/data/</path><tmp_path>%(d)s/tmp/</tmp_path><users_config>%(d)s/users.xml</users_config>"
            "<default_profile>default</default_profile><default_database>default</default_database>"
            "<mark_cache_size>5368709</mark_cache_size><uncompressed_cache_size>1000000</uncompressed_cache_size></yandex>" % {
                "d": folder, "h": self.http, "t": tcp, "i": inter})

    def start(self):
        self.process = subprocess.Popen(["clickhouse-server", "--config-file=%s/c.xml" % self.dir], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.dir)
        wait_until("ClickHouse", self.up)
        return self

    def up(self):
        try:
            return self.ask("SELECT 1") == "1\n"
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, statement):
        url = "http://127.0.0.1:%d/?query=%s" % (self.http, urllib.parse.quote(statement))
        return urllib.request.urlopen(url, timeout=20).read().decode()

    def lines(self):
        text = self.ask("SELECT entry, hex(nonce), transport, flags, received_ns, hex(source), hex(raw) FROM guarita_lines ORDER BY entry")
        got = []
        for row in text.splitlines():
            entry, nonce, transport, flags, ns, source, raw = row.split("\t")
            source, raw = bytes.fromhex(source), bytes.fromhex(raw)
            got.append((int(entry), bytes.fromhex(nonce) + bytes([1, int(transport), int(flags)]) + len(source).to_bytes(2, "big") +
                        int(ns).to_bytes(8, "big", signed=True) + source + raw))
        return got


def root_of(leaves):
    """RFC 6962 section 2.1, by its words."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def agrees(guarita, lines):
    """Numbers without a gap from 0, and the signed root over them; a changed line would give another."""
    assert [i for i, _ in lines] == list(range(len(lines)))
    text = (guarita.dir / "vault" / "checkpoint").read_text().split("\n")
    size, root = int(text[1]), base64.b64decode(text[2])
    assert size <= len(lines), (size, len(lines))
    leaves = [hashlib.sha256(b"\0" + data).digest() for _, data in lines[:size]]
    assert root_of(leaves) == root
    leaves[size // 2] = hashlib.sha256(b"\0" + lines[size // 2][1] + b"x").digest()
    assert root_of(leaves) != root


def target(guarita):
    return guarita.roles()["shipd"].get("status", {}).get("targets", [{}])[0]


def shipped(guarita, n):
    wait_until("%d lines shipped" % n, lambda: target(guarita).get("at", 0) >= n)


def odd(i):
    return "line %d of tab\there, back\\slash, quote ' and \x01 control, caf\u00e9" % i


@pytest.fixture(params=["nats", "clickhouse"])
def engine(request, tmp_path):
    if not shutil.which(request.param + "-server"):
        pytest.skip("needs %s-server" % request.param)
    made = {"nats": Nats, "clickhouse": ClickHouse}[request.param](tmp_path / "engine")
    made.start()
    made.word = "ship %s 127.0.0.1:%d;" % (request.param, made.port if request.param == "nats" else made.http)
    yield made
    made.kill()


def test_every_line_arrives_once_and_proves_itself(guarita, engine):
    with_vault(guarita, "epochs 64; " + engine.word).start()
    guarita.append("a.log", *(odd(i) for i in range(300)))
    wait_until("sealed", lambda: vault(guarita)["size"] >= 300)
    shipped(guarita, 300)
    level(guarita)
    guarita.kill_all()
    agrees(guarita, engine.lines())
    assert run("vault", "verify", "--vault", guarita.dir / "vault").returncode == 0


def level(guarita):
    wait_until("level", lambda: target(guarita).get("at", -1) >= vault(guarita)["size"] > 0)


def test_killed_on_either_side_nothing_is_lost_or_doubled(guarita, engine):
    with_vault(guarita, "epochs 64; " + engine.word).start()
    sent = 0
    for turn in range(6):
        guarita.append("a.log", *(odd(sent + i) for i in range(2000)))
        sent += 2000
        wait_until("some", lambda: target(guarita).get("at", 0) > sent - 2000)
        if turn % 2:
            guarita.kill_all()
            guarita.start()
        else:
            engine.kill()
            guarita.append("a.log", *(odd(sent + i) for i in range(500)))
            sent += 500
            wait_until("told", lambda: target(guarita).get("error"))
            engine.start()
    wait_until("sealed", lambda: vault(guarita)["size"] >= sent)
    shipped(guarita, sent)
    level(guarita)
    status = target(guarita)
    assert status["skipped"] == 0 and status["error"] == ""
    lines = engine.lines()
    mine = [data for _, data in lines if b"a.log" in data]
    assert len(mine) == sent and len({data[16 + 13:] for data in mine}) == sent
    guarita.kill_all()
    agrees(guarita, lines)
