"""Event time as an operator meets it: zones of single sources, lines that come late."""
from datetime import datetime, timedelta, timezone

import pytest

from conftest import wait_until

COUNT = """
decoder login { program login; line auth.fail 'bad password for <user:word> from <src:ip>';
    sample 'bad password for joe from 192.0.2.1' is auth.fail { user joe; } }
rule three-in-time { count 3 of auth.fail by src within 1m; open auth.brute; say "{count} from {src}"; }
"""
NOW = datetime.now(timezone.utc).replace(microsecond=0)


def bad(at, src="198.51.100.7", zone=0):
    """One failed login; the clock of its host is so many hours off."""
    return "%s gate login: bad password for joe from %s" % ((at + timedelta(hours=zone)).strftime("%b %d %H:%M:%S").replace(" 0", "  "), src)


def first(incident):
    return datetime.strptime(incident["first"][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("word", ["-03:00", "Etc/GMT+3"])
def test_a_source_keeps_a_zone_of_its_own(guarita, word):
    """Three hosts guess together only when the times of all of them are understood."""
    guarita.write_rules(COUNT)
    (guarita.dir / "far").mkdir()
    guarita.write_config("timezone +00:00;\n", sources="files %s/*.log { from start; }\nfiles %s/far/*.log { from start; timezone %s; }\n" % (
        guarita.logs, guarita.dir, word))
    guarita.start()
    start = NOW - timedelta(minutes=2)
    (guarita.dir / "far" / "a.log").write_text(bad(start, zone=-3) + "\n" + bad(start + timedelta(seconds=10), zone=-3) + "\n")
    wait_until("the far ones", lambda: guarita.lines() == 2)
    guarita.append("b.log", bad(start + timedelta(seconds=20)))
    found = guarita.wait_incidents(1)[0]
    assert first(found) == start and found["count"] == 3


def test_a_wrong_zone_of_a_source_is_told_with_its_place(guarita):
    guarita.write_config(sources="udp 127.0.0.1:%d { timezone 3h; }\n" % guarita.udp)
    guarita.start(ready=False)
    assert guarita.process.wait(60) != 0
    assert "is no time zone" in guarita.stderr() and "guarita.conf:5:" in guarita.stderr()


def test_lines_that_come_late_still_count_in_their_place(guarita):
    guarita.write_rules(COUNT)
    guarita.write_config("watch { lateness 60s; }")
    guarita.start()
    start = NOW - timedelta(minutes=3)
    at = [start + timedelta(seconds=s) for s in (0, 50, 25)]
    guarita.send_udp(*("<38>" + bad(t) for t in at))
    found = guarita.wait_incidents(1)[0]
    assert first(found) == start and [l["text"] for l in found["lines"]] == ["<38>" + bad(t) for t in sorted(at)]
    assert guarita.roles()["watchd"]["status"]["late"] == 0
