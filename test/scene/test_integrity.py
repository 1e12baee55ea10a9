"""Integrity: tampering of every kind is found and named, ordinary life with rotation and crashes gives no alarm."""
import gzip
import json
import os
import pwd
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import account_files as af
from article import GUARITA
from test_accounts import DATA

KINDS = {"zeroed1": "zeroed", "zeroed2": "zeroed", "timezero": "no-time", "swapped": "out-of-order", "userblank": "no-user",
         "truncated": "partial"}
EDITS = int(os.environ.get("GUARITA_EDITS", 140))


def look(*args, ok=(0, 3)):
    done = subprocess.run([GUARITA, "integrity", "--json", *map(str, args)], capture_output=True, text=True)
    assert done.returncode in ok, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    alarms = [f for f in lines[:-1] if f["surety"] != "possible"]
    assert lines[-1]["alarms"] == len(alarms) and (done.returncode == 3) == bool(alarms)
    return alarms, lines[:-1]


def names(alarms):
    return [f["what"] for f in alarms]


@pytest.mark.parametrize("name", ["clean", "sorted"])
def test_controls_are_clean(name):
    path = DATA / "wtmp-tampered" / ("wtmp-a." + name)
    if not path.exists():
        pytest.skip("no shared data")
    assert look(path)[0] == []


def test_each_kind_of_tampering_is_named():
    folder = DATA / "wtmp-tampered"
    if not folder.exists():
        pytest.skip("no shared data")
    expected = {e["file"].split(".")[-1]: e for e in map(json.loads, (folder / "wtmp-a.expected.jsonl").read_text().splitlines())}
    for name, what in KINDS.items():
        alarms = look(folder / ("wtmp-a." + name))[0]
        assert set(names(alarms)) == {what}, name
        if "at" in expected[name]:
            assert alarms[0]["record"] == expected[name]["at"] + 1, name


def test_ordinary_life_gives_no_alarm(tmp_path):
    for seed in range(40):
        path = tmp_path / "wtmp"
        path.write_bytes(b"".join(af.ordinary(seed, 400)))
        assert look(path)[0] == [], seed


def test_random_edits(tmp_path):
    """Without a memory some removals leave no trace in the file itself; with it every edit is found."""
    seen, known, total = Counter(), Counter(), Counter()
    for k in range(EDITS):
        how = af.TAMPERINGS[k % len(af.TAMPERINGS)]
        before, after = af.tampered(k, how)
        path, memory = tmp_path / "wtmp", tmp_path / ("memory%d" % k)
        path.write_bytes(b"".join(before))
        assert look(path, "--memory", memory)[0] == []
        path.write_bytes(b"".join(after))
        total[how.__name__] += 1
        seen[how.__name__] += bool(look(path)[0])
        known[how.__name__] += bool(look(path, "--memory", memory)[0])
    print({how: "%d/%d alone, %d/%d remembered" % (seen[how], n, known[how], n) for how, n in total.items()})
    assert known == total
    assert all(seen[how] == total[how] for how in ("zero", "blank"))
    assert all(2 * seen[how] > total[how] for how in ("swap", "back_date", "truncate"))


class Rotated:
    """One log that lives on, is rotated in every usual way, and is looked at now and then."""

    def __init__(self, folder, seed=11):
        self.dir, self.life, self.kept = folder, af.Life(seed), 0
        self.dir.mkdir(exist_ok=True)
        self.path = folder / "wtmp"
        self.live(80)

    def live(self, steps):
        self.life.live(steps)
        with open(self.path, "ab") as f:
            f.write(b"".join(self.life.records[self.kept:]))
        self.kept = len(self.life.records)

    def look(self):
        return look(self.dir, "--memory", self.dir.parent / "memory")[0]


def test_rotation_gives_no_alarm(tmp_path):
    log = Rotated(tmp_path / "log")
    assert log.look() == []
    log.live(50)
    assert log.look() == []
    log.path.rename(log.dir / "wtmp.1")                                  # rename and create
    log.path.touch()
    assert log.look() == []
    log.live(70)
    assert log.look() == []
    (log.dir / "wtmp.2.gz").write_bytes(gzip.compress((log.dir / "wtmp.1").read_bytes()))    # pack
    shutil.copy(log.path, log.dir / "wtmp.1")                            # copy and truncate
    os.truncate(log.path, 0)
    assert log.look() == []
    log.live(90)
    assert log.look() == []
    (log.dir / "wtmp.2.gz").unlink()                                     # too old
    assert log.look() == []


def test_what_is_remembered_is_missed(tmp_path):
    log = Rotated(tmp_path / "log")
    assert log.look() == []
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:384 * 20] + whole[384 * 22:])
    [changed, removed] = [f for f in log.look() if f["what"] in ("changed", "removed")]
    assert changed["record"] == 1 and removed["count"] == 2
    assert log.look() == [f for f in look(log.path)[0]]                  # told once; then this is what is remembered


def test_a_cut_tail_and_a_vanished_file(tmp_path):
    log = Rotated(tmp_path / "log")
    assert log.look() == []
    os.truncate(log.path, log.path.stat().st_size - 3 * 384)
    [f] = log.look()
    assert f["what"] == "shrunk" and f["count"] == 3 and f["after"] < f["before"]
    log.path.unlink()
    log.path.write_bytes(b"".join(af.ordinary(99)))
    # A file system may give the inode out again.
    assert names(log.look()) in (["replaced"], ["changed"])


def test_an_edited_memory_is_not_believed(tmp_path):
    log = Rotated(tmp_path / "log")
    assert log.look() == []
    memory = tmp_path / "memory"
    memory.write_text(memory.read_text().replace("file ", "file 1", 1))
    done = subprocess.run([GUARITA, "integrity", log.dir, "--memory", memory], capture_output=True, text=True)
    assert done.returncode == 3 and "was damaged or edited" in done.stderr


def logins(*events):
    """Records of (kind, user, pts number, time); the machine came up first."""
    records = [af.utmp(af.BOOT, 0, "~", "~~", "reboot", "6.1", 1700000000)]
    for kind, user, n, t in events:
        records.append(af.utmp(kind, 500 + n, "pts/%d" % n, "ts/%d" % n, user if kind == af.USER else "",
                               "192.0.2.7" if kind == af.USER else "", t, addr=bytes([192, 0, 2, 7])))
    return b"".join(records)


def test_lastlog_against_wtmp(tmp_path):
    root = pwd.getpwuid(0).pw_name
    (tmp_path / "wtmp").write_bytes(logins((af.USER, root, 1, 1700001000), (af.DEAD, root, 1, 1700002000)))
    for t, what in ((1700001000, []), (1700009000, ["last-without-login"]), (0, ["login-without-last"])):
        (tmp_path / "lastlog").write_bytes(af.lastlog(t, "pts/1", "gw") + af.lastlog(0, "", "") + af.lastlog(1700000001, "tty1", ""))
        assert [f["what"] for f in look(tmp_path)[0] if f.get("user") == root] == what


def test_lastlog_never_goes_back(tmp_path):
    path, memory = tmp_path / "lastlog", tmp_path / "memory"
    path.write_bytes(af.lastlog(1700005000, "pts/1", "gw") + bytes(292 * 5) + af.lastlog(1700006000, "pts/2", "gw"))
    assert look(path, "--memory", memory)[0] == []
    path.write_bytes(af.lastlog(1700007000, "pts/3", "gw") + bytes(292 * 5) + af.lastlog(1700006000, "pts/2", "gw"))
    assert look(path, "--memory", memory)[0] == []
    path.write_bytes(af.lastlog(1700001000, "pts/1", "gw") + bytes(292 * 5) + af.lastlog(1700006000, "pts/2", "elsewhere"))
    assert names(look(path, "--memory", memory)[0]) == ["last-went-back", "last-edited"]
    path.write_bytes(af.lastlog(1700008000, "pts/1", "gw"))
    assert names(look(path, "--memory", memory)[0]) == ["last-went-back"]


def test_syslog_against_wtmp(tmp_path):
    (tmp_path / "wtmp").write_bytes(logins((af.USER, "maria", 1, 1700001000), (af.DEAD, "maria", 1, 1700002000),
                                           (af.USER, "ana", 2, 1700003000), (af.DEAD, "ana", 2, 1700004000)))
    head = "2023-11-14T%s+00:00 gw "
    lines = [head % "22:14:00" + "sshd[1]: Accepted password for joao from 192.0.2.9 port 1 ssh2",
             head % "22:30:00" + "sshd[1]: Accepted password for maria from 192.0.2.7 port 1 ssh2",
             head % "23:00:00" + "login[70]: LOGIN ON tty1 BY joao",
             head % "23:30:00" + "sshd[1]: Accepted password for maria from 192.0.2.7 port 1 ssh2"]
    (tmp_path / "auth.log").write_text("\n".join(lines) + "\n")
    alarms, all_of_them = look(tmp_path)
    assert [(f["what"], f["user"]) for f in alarms] == [("console-without-login", "joao"), ("login-without-syslog", "ana")]
    assert [(f["what"], f["user"]) for f in all_of_them if f["surety"] == "possible" and f["what"] != "touched"] == [
        ("syslog-without-login", "joao"), ("syslog-without-login", "maria")]


def test_accounting(tmp_path):
    user = next((p for p in pwd.getpwall() if 1000 <= p.pw_uid < 65000 or p.pw_name == "nobody"))
    path = tmp_path / "pacct"
    commands = [af.pacct("ls", 1700000100 + 10 * i, uid=0) for i in range(50)]
    path.write_bytes(b"".join(commands))
    assert look(path)[0] == []
    path.write_bytes(b"".join(commands[:20] + [bytes(64)] + commands[21:]) + b"half")
    assert names(look(path)[0]) == ["zeroed", "partial"]
    # Off for five minutes: a reboot explains it, and only then; rotation leaves no pause at all.
    path.write_bytes(b"".join(commands[:30] + [af.pacct("accton", t) for t in (1700000400, 1700000700)] +
                              [af.pacct("ls", 1700000710 + i) for i in range(9)]))
    (tmp_path / "wtmp").write_bytes(logins((af.USER, "maria", 1, 1700000200), (af.DEAD, "maria", 1, 1700000900)))
    assert names(look(tmp_path)[0]) == ["accounting-off"]
    (tmp_path / "wtmp").write_bytes(logins((af.USER, "maria", 1, 1700000200), (af.DEAD, "maria", 1, 1700000300)) +
                                    logins((af.USER, "maria", 1, 1700000900)).replace(
                                        struct.pack("<i", 1700000000), struct.pack("<i", 1700000690)))
    assert look(tmp_path)[0] == []
    path.write_bytes(b"".join(commands[:30] + [af.pacct("accton", t) for t in (1700000400, 1700000401)] + commands[45:]))
    (tmp_path / "wtmp").unlink()
    assert look(tmp_path)[0] == []
    path.write_bytes(b"".join(commands + [af.pacct("sh", 1700009000, uid=user.pw_uid, tty=136 << 8)]))
    (tmp_path / "wtmp").write_bytes(logins((af.USER, "maria", 1, 1700001000), (af.DEAD, "maria", 1, 1700012000)))
    [f] = look(tmp_path)[0]
    assert f["what"] == "command-without-login" and f["user"] == user.pw_name and f["tty"] == "pts/0"


def test_holes_are_punched_by_nobody(tmp_path):
    path = tmp_path / "wtmp"
    records = af.ordinary(3, 200)
    with open(path, "wb") as f:
        f.write(b"".join(records[:100]))
        f.seek(384 * 200)
        f.write(b"".join(records[100:]))
    found = names(look(path)[0])
    assert "zeroed" in found
    if path.stat().st_blocks * 512 < path.stat().st_size - 4096:
        assert "hole" in found


def test_for_people(tmp_path):
    path = tmp_path / "wtmp"
    path.write_bytes(b"".join(af.ordinary(4)[:50]) + bytes(384))
    done = subprocess.run([GUARITA, "integrity", path], capture_output=True, text=True, env=dict(os.environ, TZ="UTC"))
    assert done.returncode == 3
    assert "certain  %s record 51, after 20" % path in done.stdout and "it was wiped" in done.stdout
    assert "1 sign of tampering" in done.stdout


def test_a_log_is_not_written_after_its_last_record(tmp_path):
    """Every edit and every cut of the log that is being written shows by the time of the file; of a copy it says little."""
    if os.geteuid() != 0:
        pytest.skip("a mount of its own needs root")
    records = [r for r in af.ordinary(5, 100)] + [af.utmp(af.USER, 9, "pts/7", "ts/7", "maria", "gw", af.time_of(af.ordinary(5, 100)[-1]) + 9)]
    path, last = tmp_path / "wtmp", af.time_of(records[-1])

    def live(content, mtime):
        path.write_bytes(content)
        if mtime:
            os.utime(path, (mtime, mtime))
        done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$1" /var/log && exec "$2" integrity --json --memory "$3"',
                               "sh", tmp_path, GUARITA, tmp_path.parent / "memory-live"], capture_output=True, text=True)
        (tmp_path.parent / "memory-live").unlink(missing_ok=True)
        assert done.returncode in (0, 3), done.stderr
        return [f["what"] for f in map(json.loads, done.stdout.splitlines()) if f.get("file") == "/var/log/wtmp" and
                f["surety"] != "possible"]

    assert "touched" not in live(b"".join(records), last + 1)
    assert "touched" in live(b"".join(records[:-2]), None)
    assert "touched" in live(b"".join(records).replace(b"maria", b"joao\0"), None)
    assert "touched" not in names(look(path)[0]) and "touched" in names(look(path)[1])
