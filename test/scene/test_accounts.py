"""Account files: the same answers as last, lastb, who, lastlog and lastcomm on the same files, packed and rotated too."""
import json
import lzma
import os
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import account_files as af
from article import GUARITA
from conftest import ROOT

DATA = ROOT / ".." / "shared" / "data" / "watch"
WORDS = {"still logged in": "still", "still running": "still", "gone - no logout": "gone", "down": "down", "crash": "crash"}


def run(*args, ok=(0,)):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, env=dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8"))
    assert done.returncode in ok, done.stderr
    return done.stdout


def guarita(*args, ok=(0,)):
    return run(GUARITA, *args, ok=ok)


def rows(*args):
    return [json.loads(line) for line in guarita(*args, "--json").splitlines()]


def theirs(tool, path, *options):
    """What last(1) says, as (user, tty, host, begin, how or end)."""
    if not shutil.which(tool):
        pytest.skip("no %s here" % tool)
    found = []
    for line in run(tool, "-w", "--time-format", "iso", *options, "-f", path).splitlines():
        m = re.match(r"(.*?) (\d{4}-\d\d-\d\dT[\d:]+)\+00:00(?: - (\S+)| +(still logged in|still running|gone - no logout))?", line)
        if not line or " begins " in line or not m:
            continue
        end = m[4] and WORDS[m[4]] or m[3] and WORDS.get(m[3], m[3].split("+")[0])
        # A shutdown that no boot followed: last(1) lets it end in 1970.
        end = "still" if end == "1970-01-01T00:00:00" else end
        found.append((m[1].split(), m[2], end))
    return found


def ours(path, *options):
    lines = {"boot": "system boot", "down": "system down"}
    found = []
    for r in rows("last", "-f", path, *options):
        words = [r.get("user", ""), lines.get(r["what"], r.get("tty", "")), r.get("host", "")]
        if r["what"] == "run-level":
            words[1] = "(to lvl %s)" % chr(r.get("pid", 0) & 255)
        if r["what"] == "clock":
            words[1] = r["clock"]
        begin, end = (r.get(k, "").split(".")[0].rstrip("Z") for k in ("begin", "end"))
        moment = None if r["what"] == "clock" else begin
        found.append((" ".join(words).split(), begin, end if r["how"] == "logout" else moment if r["how"] == "none" else r["how"]))
    return found


@pytest.mark.parametrize("order", ["LE", "BE"])
def test_last_on_real_files_in_both_orders(order):
    path = DATA / "util-linux-wtmp" / ("wtmp-a." + order)
    if not path.exists():
        pytest.skip("no shared data")
    # last(1) itself reads only the order of its own machine.
    assert ours(path) == theirs("last", DATA / "util-linux-wtmp" / "wtmp-a.LE")
    assert ours(path, "--all") == theirs("last", DATA / "util-linux-wtmp" / "wtmp-a.LE", "-x")


@pytest.mark.parametrize("seed", range(20))
def test_last_on_ordinary_and_disordered_life(tmp_path, seed):
    records = af.ordinary(seed)
    if seed % 2:
        random.Random(seed).shuffle(records)
    path = tmp_path / "wtmp"
    path.write_bytes(b"".join(records))
    assert ours(path) == theirs("last", path)
    assert ours(path, "--all") == theirs("last", path, "-x")


def test_last_is_asked_for_somebody(tmp_path):
    path = tmp_path / "wtmp"
    path.write_bytes(b"".join(af.ordinary(5)))
    for who in ("maria", "pts/1", "192.0.2.7"):
        mine = rows("last", "-f", path, who)
        assert all(who in (r.get("user"), r.get("tty"), r.get("host")) for r in mine)
        if who != "192.0.2.7":
            assert len(mine) == len(theirs("last", path, who)) > 0


def test_lastb(tmp_path):
    path = tmp_path / "btmp"
    path.write_bytes(b"".join(af.utmp(af.LOGIN, 700 + i, "ssh:notty", "", "root", "198.51.100.%d" % i, 1700000000 + i)
                              for i in range(50)))
    mine = ours(path, "--bad")
    assert len(mine) == 50 and mine == theirs("lastb", path)


def test_rotated_and_packed_files_are_one_log(tmp_path):
    records = af.ordinary(7, 600)
    third = len(records) // 3
    parts = [records[:third], records[third:2 * third], records[2 * third:]]
    whole = tmp_path / "whole"
    whole.write_bytes(b"".join(records))
    (tmp_path / "wtmp.2.xz").write_bytes(lzma.compress(b"".join(parts[0])))
    (tmp_path / "wtmp.1").write_bytes(b"".join(parts[1]))
    (tmp_path / "wtmp").write_bytes(b"".join(parts[2]))
    files = [word for name in ("wtmp", "wtmp.2.xz", "wtmp.1") for word in ("-f", tmp_path / name)]

    def bare(rs):
        return [{k: v for k, v in r.items() if k not in ("file", "record")} for r in rs]
    assert bare(rows("last", *files)) == bare(rows("last", "-f", whole))


def test_who(tmp_path):
    path = tmp_path / "utmp"
    path.write_bytes(af.utmp(af.BOOT, 0, "~", "~~", "reboot", "6.1", 1700000000) +
                     af.utmp(af.USER, 1, "pts/0", "ts/0", "maria", "gw.example.com", 1700000100) +
                     af.utmp(af.DEAD, 7, "pts/1", "ts/1", "", "", 1700000200) +
                     af.utmp(af.USER, 1, "tty1", "1", "joao", "", 1700000300))
    mine = [[r["user"], r["tty"], r["begin"][:16].replace("T", " ")] + ([r["host"]] if "host" in r else [])
            for r in rows("who", "-f", path)]
    lines = [re.sub(r"[()]", "", line).split() for line in run("who", "--", path).splitlines()]
    assert mine == [[w[0], w[1], w[2] + " " + w[3]] + w[4:] for w in lines] and len(mine) == 2


def test_lastlog_is_sparse_and_uids_are_huge(tmp_path):
    path = tmp_path / "lastlog"
    uids = {0: (1700000000, "pts/0", "gw.example.com"), 4294967290: (1700000500, "tty1", "")}
    with open(path, "wb") as f:
        for uid, entry in uids.items():
            f.seek(uid * 292)
            f.write(af.lastlog(*entry))
    found = {r["uid"]: r for r in rows("lastlog", "-f", path)}
    assert set(found) == set(uids)
    assert found[0]["user"] == "root" and found[0]["host"] == "gw.example.com" and found[0]["begin"] == "2023-11-14T22:13:20Z"
    assert found[4294967290]["user"] == "uid=4294967290"


def test_lastlog_as_lastlog8(tmp_path):
    if not shutil.which("lastlog") or os.geteuid() != 0:
        pytest.skip("no lastlog, or not root")
    (tmp_path / "etc").mkdir()
    (tmp_path / "var" / "log").mkdir(parents=True)
    shutil.copy("/etc/passwd", tmp_path / "etc" / "passwd")
    path = tmp_path / "var" / "log" / "lastlog"
    with open(path, "wb") as f:
        for uid in (0, 1, 7, 65534):
            f.seek(uid * 292)
            f.write(af.lastlog(1700000000 + uid * 60, "pts/%d" % (uid % 9), "host%d.example.com" % uid))
    lines = run("lastlog", "-R", tmp_path).splitlines()[1:]
    seen = {line.split()[0]: line for line in lines if "Never logged in" not in line}
    mine = {r["user"]: r for r in rows("lastlog", "-f", path) if not r["user"].startswith("uid=")}
    assert set(seen) == set(mine) and len(mine) == 4
    for user, r in mine.items():
        assert r["tty"] in seen[user] and r["host"][:16] in seen[user] and r["begin"][11:19] in seen[user]


def test_lastcomm(tmp_path):
    if not shutil.which("lastcomm"):
        pytest.skip("no lastcomm here")
    r = random.Random(3)
    path = tmp_path / "pacct"
    path.write_bytes(b"".join(
        af.pacct(r.choice(["ls", "sh", "gcc", "a-name-of-16-byt"]), 1700000000 + 7 * i, uid=r.choice([0, 1, 65534]),
                 tty=r.choice([0, 136 << 8, 136 << 8 | 3]), flags=r.choice([0, 1, 2, 8, 16, 18]), ticks=r.randrange(8000))
        for i in range(400)))
    mine = [(c["command"], sorted(c["flags"]), c["user"], "%.2f" % c["cpu"]) for c in rows("lastcomm", "-f", path)]
    lines = [re.match(r"(\S+) +((?:[SFCDX] *)*) +(\S+) +(\S+) +([\d.]+) secs", line)
             for line in run("lastcomm", "-f", path).splitlines()]
    assert mine == [(m[1], sorted(m[2].replace(" ", "")), m[3], m[5]) for m in lines] and len(mine) == 400
    assert len(rows("lastcomm", "-f", path, "gcc")) == len(run("lastcomm", "-f", path, "gcc").splitlines())


def test_old_systems(tmp_path):
    """SunOS 4 on a big-endian machine: hosts end after 16 bytes, and that is said."""
    path = tmp_path / "wtmp"
    path.write_bytes(b"".join(struct.pack(">8s8s16si", *r) for r in (
        (b"ttyp0", b"maria", b"gateway.example.", 900000000), (b"ttyp0", b"", b"", 900000600))))
    [r] = rows("last", "-f", path)
    assert r["host"] == "gateway.example." and r["host_cut"] and r["how"] == "logout" and r["seconds"] == 600
    assert "gateway.example. (cut)" in guarita("last", "-f", path)


def test_new_distributions_keep_databases(tmp_path):
    sqlite3 = pytest.importorskip("sqlite3")
    path = tmp_path / "wtmp.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL, Login INTEGER, "
                   "Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT")
        db.executemany("INSERT INTO wtmp(Type, User, Login, Logout, TTY, RemoteHost) VALUES(?,?,?,?,?,?)", [
            (1, "reboot", 1700000000000000, None, "~", "6.12"), (3, "maria", 1700000100000000, 1700000700000000, "pts/0", "gw"),
            (3, "joao", 1700000200000000, None, "pts/1", "gw"), (1, "reboot", 1700001000000000, None, "~", "6.12")])
    found = [(r["what"], r["user"], r["how"]) for r in rows("last", "-f", path)]
    assert found == [("boot", "reboot", "still"), ("session", "joao", "crash"), ("session", "maria", "logout"),
                     ("boot", "reboot", "crash")]
    path = tmp_path / "lastlog2.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT")
        db.execute("INSERT INTO Lastlog2 VALUES('maria', 1700000100, 'pts/0', 'gw', 'sshd')")
    assert [(r["user"], r["begin"], r["host"]) for r in rows("lastlog", "-f", path)] == [("maria", "2023-11-14T22:15:00Z", "gw")]


def test_other_files_are_refused_by_name(tmp_path):
    path = tmp_path / "wtmp"
    path.write_text("Nov 22 10:00:00 gw sshd[1]: Failed password for root\n" * 100)
    done = subprocess.run([GUARITA, "last", "-f", path], capture_output=True, text=True)
    assert done.returncode == 1 and "not a file of this kind" in done.stderr
    path.write_bytes(b"")
    assert "is empty" in guarita("last", "-f", path)


def test_names_cannot_steer_the_terminal(tmp_path):
    path = tmp_path / "wtmp"
    path.write_bytes(af.utmp(af.USER, 1, "pts/0", "ts/0", "ma\x1b[31mria", "h\x07ost", 1700000100) +
                     b"".join(af.ordinary(1)))
    out = guarita("last", "-f", path)
    assert "\x1b" not in out and "\x07" not in out and "ma\\x1b[31mria" in out


def test_scan_and_decode_take_account_files(tmp_path):
    path = tmp_path / "wtmp"
    path.write_bytes(b"".join((
        af.utmp(af.BOOT, 0, "~", "~~", "reboot", "6.1", 1700000000),
        af.utmp(af.USER, 70, "pts/0", "ts/0", "maria", "gw.example.com", 1700000100, addr=bytes([192, 0, 2, 7])),
        bytes(384),
        af.utmp(af.DEAD, 70, "pts/0", "", "", "", 1700000700),
        af.utmp(af.BOOT, 0, "~", "~~", "reboot", "6.1", 1700000900))))
    records = [json.loads(line) for line in guarita("decode", "--json", path).splitlines()]
    assert [(r["line"], r["kind"]) for r in records] == [
        (1, "system.boot"), (2, "session.open"), (3, "log.tampered"), (4, "session.closed"), (5, "system.crash")]
    closed = records[3]
    assert closed["user"] == "maria" and closed["src"] == "192.0.2.7" and closed["fields"]["duration"] == "600"
    summary = guarita("scan", "--json", tmp_path, ok=(0, 3)).splitlines()[-1]
    assert json.loads(summary)["records"] == 5 and json.loads(summary)["unreadable"] == 0


def utx(kind, t, ident=b"", pid=0, user=b"", line=b"", host=b""):
    """As pututxline(3) of FreeBSD appends it: big-endian, without the zeroes at its end, its length before it."""
    body = struct.pack(">BQ8sI32s16s128s", kind, t * 1000000, ident, pid, user, line, host).rstrip(b"\0")
    return struct.pack(">H", len(body)) + body


def test_freebsd(tmp_path):
    """utx.log: records of different lengths, logouts that name no terminal, and junk between two of them."""
    records = [utx(1, 1700000000), utx(4, 1700000100, b"\x01ab", 77, b"maria", b"pts/0", b"gw.example.com"),
               utx(4, 1700000200, b"\x02ab", 78, b"joao", b"pts/1", b"192.0.2.7"), utx(7, 1700000400, b"\x01ab", 77),
               utx(8, 1700000500), utx(1, 1700000600)]
    path = tmp_path / "utx.log"
    path.write_bytes(b"".join(records))
    assert [(r["user"], r["tty"], r["how"]) for r in rows("last", "-f", path) if r["tty"] != "~"] == [
        ("joao", "pts/1", "down"), ("maria", "pts/0", "logout")]
    assert len(rows("last", "-f", path, "reboot")) == 2
    path.write_bytes(b"".join(records[:3]) + b"\x00\x07junk" + b"".join(records[3:]))
    assert [(r["user"], r.get("seconds")) for r in rows("last", "-f", path) if r["tty"] != "~"] == [("joao", 300), ("maria", 300)]
    out = subprocess.run([GUARITA, "integrity", "--json", path], capture_output=True, text=True).stdout
    assert [json.loads(line)["what"] for line in out.splitlines()[:-1] if '"certain"' in line] == ["zeroed"]
