"""A provider's concentrator (LAC) that has spoken LCP and CHAP with the caller before it brings him (RFC 2661 section 4.4.5).

The concentrator is bytes of ours, after the habits of Cisco's; the server is the real process.
"""
import hashlib
import os
import socket
import struct

import pytest
from conftest import wait_until
from test_oracle import in_namespace
from test_vpn import SERVER, Site, pytestmark, run  # noqa: F401

SCCRQ, SCCRP, SCCCN, ICRQ, ICRP, ICCN = 1, 2, 3, 10, 11, 12
TUNNEL, SESSION = 77, 99
MAGIC_LAC, MAGIC_CALLER = b"\x11\x22\x33\x44", b"\x55\x66\x77\x88"
CHALLENGE = bytes(range(16))


def avp(kind, value, mandatory=True):
    return struct.pack(">HHH", (0x8000 if mandatory else 0) | 6 + len(value), 0, kind) + value


def u16(v):
    return struct.pack(">H", v)


class Lac:
    def __init__(self, namespace, secret):
        self.secret, self.ns, self.nr, self.tunnel, self.session = secret, 0, 0, 0, 0
        self.socket = in_namespace(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.socket.connect(("127.0.0.1", 1701))
        self.socket.settimeout(5)
        self.frames = []

    def say(self, kind, session, *avps):
        body = avp(0, u16(kind)) + b"".join(avps)
        self.socket.send(struct.pack(">HHHHHH", 0xc802, 12 + len(body), self.tunnel, session, self.ns, self.nr) + body)
        self.ns += 1

    def hear(self, kind):
        """The attributes of that message; frames that come meanwhile are kept."""
        while True:
            p = self.socket.recv(2000)
            if not p[0] & 0x80:
                self.frames.append(p[6:])
                continue
            ns, at, found = struct.unpack(">H", p[8:10])[0], 12, {}
            if len(p) == 12 or ns != self.nr:
                continue
            self.nr = ns + 1
            while at < len(p):
                n = struct.unpack(">H", p[at:at + 2])[0] & 0x3ff
                found[struct.unpack(">H", p[at + 4:at + 6])[0]] = p[at + 6:at + n]
                at += n
            assert found[0] == u16(kind), found
            return found

    def answer(self, kind, challenge):
        return hashlib.md5(bytes([kind]) + self.secret + challenge).digest()

    def open(self, *proxies):
        asked = avp(11, CHALLENGE) if self.secret else b""
        self.say(SCCRQ, 0, avp(2, u16(0x0100)), avp(3, struct.pack(">I", 3)), avp(7, b"lac"), avp(9, u16(TUNNEL)), avp(10, u16(4)), asked)
        got = self.hear(SCCRP)
        self.tunnel = struct.unpack(">H", got[9])[0]
        if self.secret:
            assert got[13] == self.answer(SCCRP, CHALLENGE)
        self.say(SCCCN, 0, avp(13, self.answer(SCCCN, got[11])) if self.secret else b"")
        self.say(ICRQ, 0, avp(14, u16(SESSION)), avp(15, struct.pack(">I", 5)))
        self.session = struct.unpack(">H", self.hear(ICRP)[14])[0]
        self.say(ICCN, self.session, avp(24, struct.pack(">I", 100000000)), avp(19, struct.pack(">I", 1)), *proxies)

    def send(self, protocol, code, ident, data):
        frame = b"\xff\x03" + u16(protocol) + struct.pack(">BBH", code, ident, 4 + len(data)) + data
        self.socket.send(struct.pack(">HHH", 2, self.tunnel, self.session) + frame)

    def frame(self):
        """Protocol, code, number and data of the next frame; questions whether we live are left, its address is granted."""
        while True:
            if self.frames:
                f = self.frames.pop(0)
            else:
                p = self.socket.recv(2000)
                if p[0] & 0x80:
                    continue
                f = p[6:]
            f = f[2:] if f[:2] == b"\xff\x03" else f
            n = struct.unpack(">H", f[4:6])[0]
            if (f[:2], f[2]) == (b"\x80\x21", 1):
                self.send(0x8021, 2, f[3], f[6:2 + n])
                continue
            if (f[:2], f[2]) != (b"\xc0\x21", 9):
                return struct.unpack(">H", f[:2])[0], f[2], f[3], f[6:2 + n]

    def until(self, protocol, code):
        """What came before it, and it."""
        before = []
        while True:
            f = self.frame()
            if f[:2] == (protocol, code):
                return before, f
            before.append(f[:2])

    def take_address(self):
        self.send(0x8021, 1, 1, b"\x03\x06\0\0\0\0")
        _, naked = self.until(0x8021, 3)
        self.send(0x8021, 1, 2, naked[3])
        self.until(0x8021, 2)

    def close(self):
        self.socket.close()


def lcp(magic, *options):
    return b"".join(options) + b"\x05\x06" + magic


def proxies(password=b"segredo", sent=None):
    response = hashlib.md5(b"\x07" + password + CHALLENGE).digest()
    return (avp(26, lcp(MAGIC_CALLER, b"\x01\x04\x05\xd4"), False), avp(27, sent or lcp(MAGIC_LAC, b"\x03\x05\xc2\x23\x05"), False),
            avp(28, lcp(MAGIC_CALLER, b"\x01\x04\x05\xd4"), False), avp(29, u16(2), False), avp(30, b"filial1", False),
            avp(31, CHALLENGE, False), avp(32, u16(7), False), avp(33, response, False))


@pytest.fixture
def server(tmp_path):
    s = Site(tmp_path, "lns")
    lacs = []

    def start(words, secret=b""):
        s.start("l2tp server { %s encryption no; authentication chap; %s }\nsecret filial1 segredo;\n" % (SERVER, words))
        lacs.append(Lac(s.name, secret))
        return lacs[0]
    try:
        yield s, start
    finally:
        for lac in lacs:
            lac.close()
        s.stop()
        run("ip", "netns", "del", s.name)


def test_goes_on_where_the_concentrator_stopped(server):
    site, start = server
    lac = start('tunnel-secret "of the two";', b"of the two")
    lac.open(*proxies())
    before, success = lac.until(0xc223, 3)
    assert before == [] and success[2] == 7
    lac.take_address()
    wait_until("up", lambda: 'vpn.up from=127.0.0.1' in site.log() and 'name="filial1"' in site.log())


@pytest.mark.parametrize("secret, words, how", [
    (b"", "", {}),                                                         # nobody vouches for it: he is asked anew
    (b"of the two", 'tunnel-secret "of the two";', dict(sent=lcp(MAGIC_LAC, b"\x03\x04\xc0\x23"))),       # PAP, which we do not allow
], ids=["stranger", "other-terms"])
def test_begins_anew(server, secret, words, how):
    site, start = server
    lac = start(words, secret)
    lac.open(*proxies(**how))
    before, request = lac.until(0xc021, 1)
    assert before == []
    lac.send(0xc021, 2, request[2], request[3])
    lac.send(0xc021, 1, 9, lcp(MAGIC_CALLER))
    _, challenge = lac.until(0xc223, 1)
    value = challenge[3][1:1 + challenge[3][0]]
    lac.send(0xc223, 2, challenge[2], b"\x10" + hashlib.md5(bytes([challenge[2]]) + b"segredo" + value).digest() + b"filial1")
    lac.until(0xc223, 3)
    lac.take_address()
    wait_until("up", lambda: "vpn.up from=127.0.0.1" in site.log())


def test_a_wrong_answer_is_refused(server):
    site, start = server
    lac = start('tunnel-secret "of the two";', b"of the two")
    lac.open(*proxies(os.urandom(8)))
    _, failure = lac.until(0xc223, 4)
    assert failure[2] == 7
    _, end = lac.until(0xc021, 5)
    lac.send(0xc021, 6, end[2], b"")
    assert "vpn.up" not in site.log()
