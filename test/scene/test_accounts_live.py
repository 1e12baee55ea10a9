"""Account files followed by the running Guarita: new records become incidents, restarts lose and repeat nothing, wiping is seen."""
import json
import os
import time

import pytest

import account_files as af
from conftest import LIMIT, ROOT, wait_until

NOW = int(time.time())


@pytest.fixture
def place(guarita):
    """Guarita with the shipped rules, following wtmp, btmp, lastlog and pacct of its own folder."""
    guarita.acct = guarita.dir / "accounts"
    guarita.acct.mkdir()
    for name in ("wtmp", "btmp", "lastlog", "pacct"):
        (guarita.acct / name).touch()
    guarita.write_config(sources="accounts %s;\n" % ", ".join(str(guarita.acct / n) for n in ("wtmp", "btmp", "lastlog", "pacct")))
    text = guarita.config.read_text().replace("rules-dir %s/rules" % guarita.dir, "rules-dir %s" % (ROOT / "rules"))
    guarita.config.write_text(text)
    return guarita


def add(place, name, *records):
    with open(place.acct / name, "ab") as f:
        f.write(b"".join(records))


def login(user="daemon", n=0, t=NOW, last=7, pid=700):
    return af.utmp(af.USER, pid, "pts/%d" % n, "ts/%d" % n, user, "192.0.2.%d" % last, t, addr=bytes([192, 0, 2, last]))


def logout(n=0, t=NOW, pid=700):
    return af.utmp(af.DEAD, pid, "pts/%d" % n, "", "", "", t)


def kinds(place):
    return sorted(i["incident"] for i in place.incidents())


def test_records_become_incidents(place):
    add(place, "wtmp", af.utmp(af.BOOT, 0, "~", "~~", "reboot", "6.1", NOW - 1000), login("maria", 3, NOW - 900))
    place.start()
    add(place, "wtmp", login("daemon"))
    [i] = place.wait_incidents(1)
    assert i["incident"] == "access.unexpected_origin" and i["user"] == "daemon" and i["src"] == "192.0.2.7"
    add(place, "btmp", *[af.utmp(af.LOGIN, 5, "ssh:notty", "", "root", "198.51.100.9", NOW + k, addr=bytes([198, 51, 100, 9]))
                         for k in range(6)])
    add(place, "pacct", af.pacct("gcc", NOW, uid=33), af.pacct("ls", NOW, uid=0))
    place.wait_incidents(3)
    assert kinds(place) == ["access.unexpected_origin", "auth.brute", "exploit.command"]
    # The old login of maria was not told again, but her logout knows whose it is: 1 + 6 + 2 lines, and this one.
    add(place, "wtmp", logout(3))
    place.wait_lines(10)


def test_wiping_is_seen(place):
    records = [af.utmp(af.BOOT, 0, "~", "~~", "reboot", "6.1", NOW - 1000)]
    records += [login("maria", n, NOW - 900 + n) for n in range(5)]
    add(place, "wtmp", *records)
    place.start()
    path = place.acct / "wtmp"
    with open(path, "r+b") as f:
        f.seek(384 * 3)
        f.write(bytes(384))
    [i] = place.wait_incidents(1)
    assert i["incident"] == "log.tampered" and i["severity"] == "critical"


def test_a_restart_loses_and_repeats_nothing(place):
    place.start()
    add(place, "wtmp", login("daemon", 0))
    place.wait_incidents(1)
    place.stop()
    add(place, "wtmp", logout(0), login("bin", 1))
    os.rename(place.acct / "wtmp", place.acct / "wtmp.1")
    add(place, "wtmp", login("games", 2))
    place.start()
    found = place.wait_incidents(3)
    assert sorted(i["user"] for i in found) == ["bin", "daemon", "games"]
    add(place, "wtmp", login("lp", 3))
    place.wait_incidents(4)


def test_rotation_while_running(place):
    place.start()
    add(place, "wtmp", login("daemon", 0))
    place.wait_incidents(1)
    # A writer that still has the old file open writes into it after the rename.
    with open(place.acct / "wtmp", "ab") as old:
        os.rename(place.acct / "wtmp", place.acct / "wtmp.1")
        old.write(login("bin", 1))
    add(place, "wtmp", login("games", 2))
    assert sorted(i["user"] for i in place.wait_incidents(3)) == ["bin", "daemon", "games"]


def test_lastlog_entries(place):
    with open(place.acct / "lastlog", "wb") as f:
        f.write(af.lastlog(NOW - 5000, "pts/0", "192.0.2.7") + bytes(292 * 3) + af.lastlog(NOW - 4000, "pts/1", "gw"))
    place.start()
    with open(place.acct / "lastlog", "r+b") as f:
        f.seek(292 * 4)
        f.write(af.lastlog(NOW, "pts/1", "gw"))
    place.wait_lines(1)
    with open(place.acct / "lastlog", "r+b") as f:
        f.write(bytes(292))
    [i] = place.wait_incidents(1)
    assert i["incident"] == "log.tampered"


def test_files_that_come_later_and_files_that_are_none(place):
    (place.acct / "wtmp").unlink()
    (place.acct / "btmp").write_text("no account file at all\n" * 40)
    place.start()
    add(place, "wtmp", login("daemon"))
    place.wait_incidents(1)
    assert "btmp" in place.stderr() and "no account file" in place.stderr()


def test_from_start(place):
    place.config.write_text(place.config.read_text().replace("/pacct;", "/pacct { from start; }"))
    add(place, "wtmp", login("daemon"))
    place.start()
    [i] = place.wait_incidents(1)
    assert i["user"] == "daemon"
