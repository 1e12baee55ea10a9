"""The demo is what people see first: it runs whole, leaves nothing behind, and can be kept to look around in."""
import os
import signal
import subprocess

import pytest
from conftest import BUILD, ROOT, alive, wait_until

DEMO = ROOT / "tools" / "demo.sh"
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/net/tun"), reason="needs root and /dev/net/tun")


def inhabitants():
    """Processes that stand in a company, by what keeps a host."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
            if words[:2] == [b"sleep", b"infinity"] or b"company.py" in b" ".join(words):
                found.add(int(pid))
        except OSError:
            pass
    return found


@pytest.fixture
def nothing_left(tmp_path):
    before = inhabitants()
    links = os.listdir("/sys/class/net")
    env = dict(os.environ, GUARITA_DEMO_KEPT=str(tmp_path / "kept"))
    yield env
    wait_until("everybody gone", lambda: not [p for p in inhabitants() - before if alive(p)])
    assert sorted(os.listdir("/sys/class/net")) == sorted(links)


def demo(env, *words):
    done = subprocess.run([DEMO, *words], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_tells_the_whole_story(nothing_left):
    told = demo(nothing_left, "--fast", BUILD)
    for word in ("both tunnels stand", "the server saw the PC's own address, 192.168.30.10", "192.168.40.10",
                 "dropped from that packet on", "scan.ports", "found and kept out", "kept out at every site", "PROVED: this line was received", "NOT PROVED", "guarita log 'source:\"site filial30\"'", "cosigned by 2 of 2"):
        assert word in told, told


def as_at_a_terminal():
    """What runs in the background was told to ignore ^C, and its children would be born deaf."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("signo, code", [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_it_can_be_interrupted(nothing_left, signo, code):
    p = subprocess.Popen([DEMO, "--fast", BUILD], env=nothing_left, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         start_new_session=True, preexec_fn=as_at_a_terminal)
    for line in p.stdout:
        if "guarita check" in line:
            break
    if signo == signal.SIGINT:
        os.killpg(p.pid, signo)
    else:
        os.kill(p.pid, signo)
    rest = p.stdout.read()
    assert p.wait(60) == code, rest


def test_it_can_be_kept(nothing_left):
    told = demo(nothing_left, "--keep", "--fast", BUILD)
    assert "tools/demo.sh enter matriz" in told
    try:
        assert "vpn-filial30" in demo(nothing_left, "enter", "matriz", "guarita", "vpn", "list", "--plain")
        assert "192.168.40.10" in demo(nothing_left, "enter", "pc40", "ip", "address")
    finally:
        assert "gone" in demo(nothing_left, "end")
    assert "no company" in demo(nothing_left, "end")


def test_options_that_it_does_not_have(nothing_left):
    done = subprocess.run([DEMO, "--kept-up"], env=nothing_left, capture_output=True, text=True)
    assert done.returncode != 0 and "usage" in done.stderr


def test_the_watch_alone(nothing_left):
    told = demo(nothing_left, "watch", BUILD)
    assert "auth.brute_ok" in told and "it was not" in told
