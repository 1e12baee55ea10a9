"""Killed at any moment: nothing is lost, nothing is counted or told twice."""
import json
import os
import signal

from conftest import probe, stamp, wait_until


def fail(src, port):
    return "%s gate sshd[1]: Failed password for root from %s port %d ssh2" % (stamp(), src, port)


def test_all_killed_after_every_record(guarita):
    """Three attackers over two ways in; the third line of each is the one that tells."""
    guarita.start()
    total = 0
    for n in range(1, 4):
        for way, src in (("udp", "192.0.2.1"), ("file", "192.0.2.2"), ("udp", "192.0.2.3"), ("file", "192.0.2.3")):
            if way == "udp":
                guarita.send_udp("<38>" + fail(src, n))
                # Received is: written down. Whether watchd saw it is left to chance.
                wait_until("received", lambda: guarita.roles()["intaked"]["status"]["lines"] > 0)
            else:
                guarita.append("a.log", fail(src, n))
            total += 1
            guarita.kill_all()
            guarita.start()
    assert total == 12
    found = guarita.wait_incidents(3)
    assert {i["src"] for i in found} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert all(i["count"] == 3 for i in found)
    # Nothing more comes behind it.
    guarita.send_udp("<38>" + probe(1))
    assert len(guarita.wait_incidents(4)) == 4


def test_roles_killed_in_the_middle_of_a_stream(guarita):
    guarita.start()
    n = 0
    for victim in ("watchd", "intaked", "watchd"):
        for k in range(100):
            guarita.append("a.log", probe(1000 + n))
            if victim == "watchd":
                guarita.send_udp("<38>" + probe(n))
            n += 1
            if k == 50:
                os.kill(guarita.roles()[victim]["pid"], signal.SIGKILL)
        guarita.wait_running()
    expected = {probe(1000 + i).rsplit(" ", 1)[1] for i in range(300)}
    expected |= {probe(i).rsplit(" ", 1)[1] for i in list(range(100)) + list(range(200, 300))}
    found = guarita.wait_incidents(500)
    assert {i["src"] for i in found} == expected


def test_watchd_down_for_long_reads_back_from_the_spool(guarita):
    """More than the ring in memory holds, so that the spool is really read."""
    guarita.start()
    pid = guarita.roles()["watchd"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    filler = "x" * 1000
    sent = 12000
    for i in range(sent):
        guarita.send_udp("<38>%s gate app: %s" % (stamp(), filler) if i % 100 else "<38>" + probe(i // 100))
        if i % 3000 == 2999:
            wait_until("received", lambda i=i: guarita.lines("intaked") > i)
    os.kill(pid, signal.SIGKILL)
    guarita.wait_running()

    def caught_up():
        roles = guarita.roles()
        feed = [f for f in roles["intaked"]["status"]["feeds"] if f["name"].startswith("udp ")]
        dropped = roles["intaked"]["status"]["sources"][0]["dropped"]
        return feed and feed[0]["lines"] + dropped >= sent and roles["watchd"]["status"]["lines"] >= feed[0]["lines"]
    wait_until("all read", caught_up)
    roles = guarita.roles()
    assert roles["intaked"]["status"]["sources"][0]["dropped"] == 0
    assert roles["watchd"]["status"]["lines"] == sent
    assert len(guarita.incidents()) == 120


def test_orderly_restart_keeps_windows(guarita):
    guarita.start()
    guarita.send_udp("<38>" + fail("192.0.2.9", 1), "<38>" + fail("192.0.2.9", 2))
    guarita.wait_lines(2)
    assert guarita.stop() == 0
    guarita.start()
    assert guarita.incidents() == []
    guarita.send_udp("<38>" + fail("192.0.2.9", 3))
    assert guarita.wait_incidents(1)[0]["count"] == 3


def test_lines_added_and_rotated_while_down(guarita):
    guarita.append("a.log", probe(1))
    guarita.start()
    guarita.wait_incidents(1)
    guarita.stop()
    guarita.append("a.log", probe(2))
    os.rename(guarita.logs / "a.log", guarita.logs / "a.log.1")
    guarita.append("a.log", probe(3))
    guarita.start()
    assert {i["src"] for i in guarita.wait_incidents(3)} == {"198.51.0.2", "198.51.0.3", "198.51.0.4"}


def test_damaged_state_is_kept_aside_and_work_goes_on(guarita):
    guarita.start()
    guarita.send_udp("<38>" + probe(1))
    guarita.wait_incidents(1)
    guarita.stop()
    state = guarita.dir / "state" / "watch" / "state"
    bytes_ = bytearray(state.read_bytes())
    bytes_[len(bytes_) // 2] ^= 0xff
    state.write_bytes(bytes_)
    guarita.start()
    assert "damaged" in guarita.stderr()
    assert (guarita.dir / "state" / "watch" / "state.bad").exists()
    guarita.send_udp("<38>" + probe(2))
    wait_until("the new one is told", lambda: any(i["src"] == "198.51.0.3" for i in guarita.incidents()))


def test_what_is_not_met_again_is_withdrawn(guarita):
    """The journal is ahead of the state, and what it tells is understood otherwise the second time: no id stays open."""
    guarita.start()
    guarita.append("a.log", probe(1))
    known = guarita.wait_incidents(1)[0]
    guarita.stop()
    journal = guarita.dir / "state" / "incidents.jsonl"
    with open(journal, "a") as f:
        for n, (id, change) in enumerate(((70, "opened"), (71, "opened"), (71, "closed"))):
            f.write(json.dumps({"type": "incident", "change": change, "id": id, "key": "%016x" % n}, separators=(",", ":")) + "\n")
    guarita.start()
    guarita.append("a.log", probe(2))
    wait_until("withdrawn", lambda: guarita.incidents("withdrawn"))
    assert [i["id"] for i in guarita.incidents("withdrawn")] == [70]
    # Ids that the journal has are never given anew.
    fresh = guarita.incidents()[-1]
    assert fresh["src"] != known["src"] and fresh["id"] == 72


def test_a_save_that_was_killed_is_told_of_and_made_up_for(guarita):
    guarita.start()
    watchd, sent = guarita.roles()["watchd"]["pid"], 0

    def killed():
        nonlocal sent
        sent += 1
        guarita.append("a.log", probe(sent))
        tasks = open("/proc/%d/task/%d/children" % (watchd, watchd)).read().split()
        for pid in tasks:
            os.kill(int(pid), signal.SIGKILL)
        return "cannot write the state" in guarita.stderr()

    wait_until("a save killed and told of", killed)
    saves = guarita.roles()["watchd"]["status"]["state"]["saves"]
    guarita.append("a.log", probe(sent + 1))
    wait_until("saved again", lambda: guarita.roles()["watchd"]["status"]["state"]["saves"] > saves)
    assert guarita.roles()["watchd"]["pid"] == watchd and guarita.roles()["watchd"]["status"]["state"]["error"] == 0
    guarita.kill_all()
    guarita.start()
    guarita.append("a.log", probe(sent + 2))
    assert len({i["src"] for i in guarita.wait_incidents(sent + 2)}) == sent + 2
