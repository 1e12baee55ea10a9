"""The supervisor: starts, restarts, parks, reloads and stops, and no dead role takes another with it."""
import os
import re
import signal
import socket

import pytest

from conftest import alive, probe, wait_until


def test_ready_status_and_sandbox(guarita):
    roles = guarita.start().wait_running()
    assert roles["runnerd"]["state"] == "not needed"
    for name in ("intaked", "watchd"):
        role = roles[name]
        assert role["no_new_privs"] == 1 and role["seccomp"] == 2, role
        assert "seccomp=applied" in role["sandbox"]
    assert roles["watchd"]["capabilities"] == "0" * 16
    if os.geteuid() == 0:
        # The one it needs to read logs of others, and no more.
        assert roles["intaked"]["capabilities"] == "%016x" % (1 << 2)
    assert int((guarita.dir / "run" / "guaritad.pid").read_text()) == guarita.process.pid


@pytest.mark.parametrize("victim", ["intaked", "watchd"])
def test_a_killed_role_comes_back_alone(guarita, victim):
    before = guarita.start().wait_running()
    os.kill(before[victim]["pid"], signal.SIGKILL)
    wait_until("the crash is seen", lambda: guarita.roles()[victim]["crashes"] == 1)
    after = guarita.wait_running()
    for name in ("intaked", "watchd"):
        assert (after[name]["pid"] == before[name]["pid"]) == (name != victim)
    guarita.send_udp(probe(1))
    assert guarita.wait_incidents(1)[0]["src"] == "198.51.0.2"


def test_runnerd_killed(guarita):
    guarita.write_config('respond r { on severity low; command "/bin/true"; }')
    before = guarita.start().wait_running()
    os.kill(before["runnerd"]["pid"], signal.SIGKILL)
    wait_until("the crash is seen", lambda: guarita.roles()["runnerd"]["crashes"] == 1)
    after = guarita.wait_running()
    assert after["runnerd"]["pid"] != before["runnerd"]["pid"]
    assert after["watchd"]["pid"] == before["watchd"]["pid"]


def test_crash_loop_parks_and_reload_unparks(guarita):
    guarita.start()
    intaked = guarita.roles()["intaked"]["pid"]
    for crash in range(1, 6):
        role = wait_until("watchd runs", lambda: [r for r in [guarita.roles()["watchd"]] if r["state"] == "running"])[0]
        os.kill(role["pid"], signal.SIGKILL)
        wait_until("crash %d is seen" % crash, lambda: guarita.roles()["watchd"]["crashes"] == crash)
    assert guarita.roles()["watchd"]["state"] == "parked"
    # What comes meanwhile is received and kept.
    assert guarita.roles()["intaked"]["pid"] == intaked
    guarita.send_udp(*map(probe, range(20)))
    wait_until("received", lambda: guarita.lines("intaked") == 20)
    assert guarita.ask("reload")["ok"]
    guarita.wait_running()
    guarita.wait_incidents(20)


def test_reload_with_a_good_config(guarita):
    before = guarita.start().wait_running()
    guarita.write_config("watch { lateness 30s; }")
    guarita.process.send_signal(signal.SIGHUP)
    wait_until("watchd is a new one", lambda: guarita.roles()["watchd"]["pid"] not in (0, before["watchd"]["pid"]))
    after = guarita.wait_running()
    # Nothing that concerns intaked changed: connections to it stay.
    assert after["intaked"]["pid"] == before["intaked"]["pid"]
    assert guarita.ask("status")["reload"] == "done"
    assert after["watchd"]["crashes"] == 0


def test_reload_with_a_new_source(guarita):
    before = guarita.start().wait_running()
    guarita.append("more.txt", probe(5))
    guarita.write_config("files %s/*.txt { from start; }" % guarita.logs)
    assert guarita.ask("reload")["ok"]
    wait_until("intaked is a new one", lambda: guarita.roles()["intaked"]["pid"] not in (0, before["intaked"]["pid"]))
    guarita.wait_running()
    assert guarita.wait_incidents(1)[0]["src"] == "198.51.0.6"
    guarita.send_udp(probe(6))
    guarita.wait_incidents(2)


@pytest.mark.parametrize("spoil", ["config", "rules", "socket"])
def test_reload_with_a_bad_one_changes_nothing(guarita, spoil):
    before = guarita.start().wait_running()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        if spoil == "config":
            guarita.config.write_text(guarita.config.read_text() + "\nupd :514;\n")
        elif spoil == "rules":
            guarita.write_rules("decoder broken { line nothing.known '<'; }")
        else:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            guarita.write_config("tcp 127.0.0.1:%d;" % taken.getsockname()[1])
        answer = guarita.ask("reload")
    assert not answer["ok"] and "the old configuration goes on" in answer["error"]
    assert "refused" in guarita.ask("status")["reload"]
    after = guarita.roles()
    for name in ("intaked", "watchd"):
        assert after[name]["pid"] == before[name]["pid"] and after[name]["state"] == "running"
    guarita.send_udp(probe(1))
    guarita.wait_incidents(1)
    if spoil == "config":
        # With place, and the word that was meant.
        assert re.search(r"guarita\.conf:\d+:\d+: error", guarita.stderr()) and "udp" in guarita.stderr()


def test_bad_config_or_rules_start_nothing(guarita):
    guarita.config.write_text("nonsense;\n")
    guarita.start(ready=False)
    assert guarita.process.wait(60) == 1
    guarita.write_config()
    guarita.write_rules("rule r { }")
    guarita.start(ready=False)
    assert guarita.process.wait(60) == 1
    assert not guarita.control.exists()


def test_stop_leaves_no_process(guarita):
    roles = guarita.start().wait_running()
    pids = [r["pid"] for r in roles.values() if r["pid"]]
    assert len(pids) == 2
    assert guarita.stop() == 0
    assert not any(alive(p) for p in pids)
    assert not guarita.control.exists() and not (guarita.dir / "run" / "guaritad.pid").exists()


def test_stop_by_the_control_socket(guarita):
    guarita.start()
    assert guarita.ask("stop")["type"] == "stopping"
    assert guarita.process.wait(60) == 0


def test_killed_supervisor_leaves_no_role(guarita):
    roles = guarita.start().wait_running()
    guarita.process.kill()
    guarita.process.wait()
    for role in roles.values():
        if role["pid"]:
            wait_until("%s ends" % role["name"], lambda pid=role["pid"]: not alive(pid))
    guarita.start()


def test_a_second_one_is_refused(guarita):
    guarita.start()
    first = guarita.process
    guarita.start(ready=False)
    assert guarita.process.wait(60) == 1
    assert "another guaritad" in guarita.stderr()
    guarita.process = first
    guarita.wait_running()


def test_control_refuses_nonsense(guarita):
    guarita.start()
    assert guarita.ask("dance")["type"] == "error"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(guarita.control))
        s.sendall(b"\x00\xff{}\n")
        assert b"error" in s.recv(1000)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(guarita.control))
        s.sendall(b"x" * 5000)
        # Too long for a command: let go.
        wait_until("closed", lambda: s.recv(1000) == b"")
    guarita.wait_running()


def test_service_manager_is_told(guarita):
    path = str(guarita.dir / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(60)
        guarita.start(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
        told = ""
        while "READY=1" not in told or "WATCHDOG=1" not in told:
            told += s.recv(4096).decode() + "\n"
        guarita.process.send_signal(signal.SIGHUP)
        while "RELOADING=1" not in told or "reload: done" not in told:
            told += s.recv(4096).decode() + "\n"
        guarita.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in told:
            told += s.recv(4096).decode() + "\n"


def test_watchers_hear_incidents(guarita):
    guarita.start()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(str(guarita.control))
        s.sendall(b'{"cmd":"watch"}\n')
        lines = s.makefile()
        assert "watching" in lines.readline()
        guarita.send_udp(probe(3))
        heard = lines.readline()
    assert '"src":"198.51.0.4"' in heard and '"change":"opened"' in heard and "probe from 198.51.0.4" in heard
