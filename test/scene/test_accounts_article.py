"""The cases of the article that stand in account files: made as files by the test, read by scan, found as incidents."""
import json
import struct
import subprocess

import pytest

import account_files as af
from article import GUARITA

DAY = 919036800                     # 1999-02-15


def scan(*paths):
    done = subprocess.run([GUARITA, "scan", "--json", *map(str, paths)], capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
    return [i for i in map(json.loads, done.stdout.splitlines()) if i["type"] == "incident"]


def sunos(line, user, host, t):
    return struct.pack(">8s8s16si", line.encode(), user.encode(), host.encode(), t)


def test_who_one_account_from_three_places(tmp_path):
    """nina is there three times, from three places."""
    path = tmp_path / "utmp"
    path.write_bytes(b"".join(af.utmp(af.USER, 70 + n, "ttyp%d" % n, "p%d" % n, user, "host%d.example.com" % n, DAY + 60 * n,
                                      addr=bytes(src)) for n, (user, src) in enumerate([
                                          ("maria", (192, 0, 2, 1)), ("nina", (192, 0, 2, 7)), ("nina", (198, 51, 100, 7)),
                                          ("nina", (203, 0, 113, 7))])))
    [i] = scan(path)
    assert i["incident"] == "access.unexpected_origin" and i["user"] == "nina" and i["count"] == 3


def test_last_on_an_old_big_endian_machine(tmp_path):
    """Sessions of ftp, one that is open, a reboot nobody announced, host names cut at 16 bytes."""
    path = tmp_path / "wtmp"
    path.write_bytes(sunos("~", "reboot", "", DAY) + sunos("ftp2495", "ftp", "gateway.example.", DAY + 600) +
                     sunos("ftp2495", "", "", DAY + 960) + sunos("ttyp1", "maria", "gw.example.com", DAY + 2000) +
                     sunos("~", "reboot", "", DAY + 9000))
    found = {i["incident"]: i for i in scan(path)}
    assert set(found) == {"access.unexpected_origin", "system.crash"} and found["access.unexpected_origin"]["user"] == "ftp"
    lines = [json.loads(line) for line in
             subprocess.run([GUARITA, "last", "--json", "-f", path], capture_output=True, text=True).stdout.splitlines()]
    assert [(r["user"], r["how"]) for r in lines] == [("reboot", "still"), ("maria", "crash"), ("ftp", "logout"), ("reboot", "still")] or \
        [(r["user"], r["how"]) for r in lines][1:3] == [("maria", "crash"), ("ftp", "logout")]
    assert [r for r in lines if r["user"] == "ftp"][0]["host_cut"]


def test_sulog_and_loginlog(tmp_path):
    """Text files of the same family: refused and then granted; three failures of a terminal in seconds."""
    (tmp_path / "sulog").write_text("SU 02/11 12:24 - ttyp3 admin1-root\nSU 02/11 12:25 + ttyp3 admin1-root\n"
                                    "SU 02/11 15:00 + ttyp4 ana-rui\n")
    (tmp_path / "loginlog").write_text("".join("root:/dev/pts/4:Mon Feb 15 03:10:%02d 1999\n" % s for s in (1, 7, 14)))
    kinds = sorted(i["incident"] for i in scan(tmp_path))
    assert "su.fail_then_ok" in kinds and "auth.brute" in kinds


def test_lastcomm_a_service_compiles_and_a_daemon_dies(tmp_path):
    path = tmp_path / "pacct"
    path.write_bytes(b"".join((
        af.pacct("more", DAY, uid=1000, tty=136 << 8), af.pacct("ls", DAY + 10, uid=1000, tty=136 << 8),
        af.pacct("in.named", DAY + 100, flags=8 | 16, code=11), af.pacct(".x", DAY + 150, uid=1001, tty=136 << 8))))
    found = {i["incident"] for i in scan(path)}
    assert found == {"daemon.crash", "file.tool_staging"}


def test_quiet_days_are_quiet(tmp_path):
    """Ordinary sessions and commands of ordinary people: nothing but the crashes that were in them."""
    life = af.Life(3).live(300)
    (tmp_path / "wtmp").write_bytes(b"".join(r for r in life.records if b"root\0" not in r))
    (tmp_path / "pacct").write_bytes(b"".join(
        af.pacct(c, life.t + 10 * i, uid=u, tty=(136 << 8) * (u > 999)) for i, (c, u) in enumerate(
            [("ls", 1000), ("gcc", 1000), ("sh", 33), ("cron", 0), ("passwd", 1000)] * 20)))
    incidents = scan(tmp_path)
    assert {i["incident"] for i in incidents} <= {"system.crash", "host.time_change", "access.unexpected_origin"}
    assert not [i for i in incidents if i["severity"] in ("high", "critical") and i.get("user") != "backup"]
