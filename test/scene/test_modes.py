"""The same records give the same incidents, whichever way and in whatever order they come, and whoever dies meanwhile.

GUARITA_SLOW=1 kills after every single record instead of after a dozen of them.
"""
import json
import os
import random
import signal
from collections import Counter
from datetime import datetime, timezone

import pytest

from article import FOLDER, Live, as_3164, as_5424, differences, expected_lines, keys, plain, records, run, scan, RULES
from conftest import wait_until

SLOW = bool(os.environ.get("GUARITA_SLOW"))
KILLS = 12
PARTS = 4          # installations that share the points of time, so that few crashes follow each other closely
LATENESS_S = 60


@pytest.fixture(scope="session")
def article():
    """All records, with the event times that Guarita reads in them."""
    rows = records()
    by_place = {(r.name, r.line): r for r in rows}
    out = run("decode", "--json", "--rules", RULES, *paths(rows))
    assert out.returncode == 0, out.stderr.decode()
    for row in map(json.loads, out.stdout.splitlines()):
        record = by_place[(os.path.basename(row["file"]), row["line"])]
        record.time = datetime.fromisoformat(row["time"].replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
    assert len(rows) == 130 and all(r.time is not None for r in rows)
    return rows


@pytest.fixture(scope="session")
def incidents(article):
    return keys(scan(*paths(article)))


@pytest.fixture
def live(tmp_path):
    g = Live(tmp_path)
    yield g
    g.close()


def paths(rows):
    return [FOLDER / name for name in dict.fromkeys(r.name for r in rows)]


def by_time(rows, frame, folder):
    """In the order in which they would have come: by the event time that the framed line has."""
    path = folder / "frames"
    path.write_text("".join(frame(r) + "\n" for r in rows))
    out = run("decode", "--json", "--rules", RULES, path)
    times = [json.loads(line)["time"] for line in out.stdout.splitlines()]
    assert len(times) == len(rows)
    return [r for _, _, r in sorted((datetime.fromisoformat(t.replace("Z", "+00:00")), n, r) for n, (t, r) in enumerate(zip(times, rows)))]


def same(got, want, rows):
    wrong = differences(keys(got, plain(r.text for r in rows)), want)
    assert not wrong, "\n".join(wrong)


def shuffled(rows, seed):
    """Each file's records in an order in which none comes more than LATENESS_S of event time late."""
    rnd = random.Random(seed)
    order = []
    for name in dict.fromkeys(r.name for r in rows):
        order += sorted((r for r in rows if r.name == name), key=lambda r: r.time + rnd.uniform(0, LATENESS_S))
    return order


def write_files(folder, rows):
    folder.mkdir()
    for name in dict.fromkeys(r.name for r in rows):
        (folder / name).write_text("".join(r.text + "\n" for r in rows if r.name == name))
        # Years that the lines leave out are guessed from the file's age.
        age = os.stat(FOLDER / name).st_mtime
        os.utime(folder / name, (age, age))
    return folder


def test_scan_finds_the_incidents_and_no_other(article, incidents):
    assert Counter(k[2] for k in incidents.elements()) == expected_lines()


def test_udp_3164(article, incidents, live, tmp_path):
    live.start()
    for r in by_time(article, as_3164, tmp_path):
        live.send_udp(as_3164(r))
    live.wait_lines(len(article))
    same(live.finish(), incidents, article)


def test_tcp_5424(article, incidents, live, tmp_path):
    live.start()
    live.send_tcp(*map(as_5424, by_time(article, as_5424, tmp_path)))
    live.wait_lines(len(article))
    same(live.finish(), incidents, article)


def test_slow_senders_of_old_lines(article, incidents, live):
    """File by file, each a leap of event time: a file waits until the one before is understood."""
    live.start()
    n = 0
    for name in dict.fromkeys(r.name for r in article):
        mine = [r for r in article if r.name == name]
        live.send_udp(*map(as_3164, mine))
        n += len(mine)
        live.wait_lines(n)
    same(live.finish(), incidents, article)


def test_followed_files(article, incidents, live):
    live.write_config(sources="tcp 127.0.0.1:%d;\nfiles %s/* { from start; }\n" % (live.tcp, live.logs))
    live.start()
    for r in article:
        live.append(r.name, r.text)
    live.wait_lines(len(article))
    got = live.finish()
    same(got, incidents, article)
    # A followed file's lines are named by place.
    where = {(r.name, r.line): r.text for r in article}
    for line in (l for i in got for l in i["lines"]):
        assert where[(os.path.basename(line["file"]), line["line"])] == line["text"]


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_scan(article, incidents, tmp_path, seed):
    order = shuffled(article, seed)
    assert order != article
    folder = write_files(tmp_path / "shuffled", order)
    same(scan(folder), incidents, article)


@pytest.mark.parametrize("seed", range(2))
def test_shuffled_tcp(article, incidents, live, seed):
    live.start()
    live.send_tcp(*map(as_5424, shuffled(article, seed)))
    live.wait_lines(len(article))
    same(live.finish(), incidents, article)


def kill(live, victim):
    live.hang_up()
    if victim == "everything":
        live.kill_all()
        live.start()
        return
    before = live.roles()[victim]
    os.kill(before["pid"], signal.SIGKILL)
    wait_until("the crash is seen", lambda: live.roles()[victim]["crashes"] > before["crashes"])
    # A role that crashes often is kept waiting, then parked; here it is meant to.
    if live.roles()[victim]["state"] == "parked":
        assert live.ask("reload")["ok"]
    live.wait_running()


@pytest.mark.parametrize("victim", ["watchd", "intaked", "everything"])
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_in_between(article, incidents, live, tmp_path, victim, part):
    """Lines that were received are kept: what was told is not told again, what was not told is."""
    order = by_time(article, as_5424, tmp_path)
    points = set(range(part, len(order) - 1, PARTS)) if SLOW else set(random.Random(victim).sample(range(len(order) - 1), KILLS)[part::PARTS])
    live.start()
    counted = 0
    for n, r in enumerate(order):
        live.send_tcp(as_5424(r))
        counted += 1
        if n in points:
            wait_until("received", lambda: live.lines("intaked") >= counted)
            kill(live, victim)
            counted = live.lines("intaked")
    same(live.finish(), incidents, article)
    opened = live.told("opened")
    assert max(Counter(i["key"] for i in opened).values()) == 1
    assert max(Counter(i["id"] for i in opened).values()) == 1
    assert {i["id"] for i in live.told("closed")} <= {i["id"] for i in opened}
