"""Responses: what is done about an incident, once, and never with a shell."""
import json
import os
import signal
import subprocess

from conftest import BUILD, LIMIT, ROOT, probe, stamp, wait_until


def test_print_file_command_and_ban(guarita):
    out = guarita.dir / "out"
    script = guarita.dir / "note"
    script.write_text("#!/bin/sh\nprintf '%%s\\n' \"$#\" \"$@\" >> %s\n" % out)
    script.chmod(0o755)
    out.write_text("")
    out.chmod(0o666)
    os.chmod(guarita.dir, 0o755)
    guarita.write_config("""
        respond all {
            on severity low;
            print;
            file %s/alerts.jsonl;
            command "%s", "{kind}", "{src}", "a b;$(id)";
            ban 1h;
        }
    """ % (guarita.dir, script))
    guarita.start()
    guarita.send_udp("<38>" + probe(1))
    guarita.wait_incidents(1)
    wait_until("the command ran", lambda: out.read_text().count("\n") == 4)
    assert out.read_text().splitlines() == ["3", "recon.web_probe", "198.51.0.2", "a b;$(id)"]
    alert = json.loads((guarita.dir / "alerts.jsonl").read_text())
    assert alert["src"] == "198.51.0.2" and alert["lines"]
    ban = json.loads((guarita.dir / "state" / "bans").read_text())
    assert (ban["net"], ban["seconds"], ban["times"]) == ("198.51.0.2/32", 3600, 1)
    assert guarita.ask("bans") == ban
    assert "recon.web_probe probe from 198.51.0.2" in guarita.stderr()
    # Killed and back: nothing is answered a second time.
    guarita.kill_all()
    guarita.start()
    guarita.send_udp("<38>" + probe(2))
    guarita.wait_incidents(2)
    wait_until("the second command ran", lambda: out.read_text().count("\n") == 8)
    bans = [json.loads(line)["net"] for line in (guarita.dir / "state" / "bans").read_text().splitlines()]
    assert bans == ["198.51.0.2/32", "198.51.0.3/32"]


def test_own_and_excepted_are_never_banned(guarita):
    guarita.write_config("own 198.51.0.0/24;\nnever-ban 198.51.1.1;\nrespond all { on severity low; ban 1h; }")
    guarita.start()
    # 198.51.0.6 is ours, 198.51.1.1 is excepted, 198.51.1.2 is neither.
    guarita.send_udp("<38>" + probe(5), "<38>" + probe(250), "<38>" + probe(251))
    bans = guarita.dir / "state" / "bans"
    wait_until("the ban", lambda: "198.51.1.2/32" in bans.read_text())
    guarita.wait_lines(3)
    assert [json.loads(line)["net"] for line in bans.read_text().splitlines()] == ["198.51.1.2/32"]


def test_a_command_waits_for_runnerd(guarita):
    out = guarita.dir / "out"
    out.write_text("")
    out.chmod(0o666)
    os.chmod(guarita.dir, 0o755)
    guarita.write_config('respond all { on severity low; command "/bin/sh", "-c", "echo $1 >> %s", "sh", "{src}"; }' % out)
    guarita.start()
    os.kill(guarita.roles()["runnerd"]["pid"], signal.SIGKILL)
    wait_until("it is gone", lambda: guarita.roles()["runnerd"]["crashes"] == 1)
    guarita.send_udp("<38>" + probe(1), "<38>" + probe(2))
    wait_until("both ran", lambda: sorted(out.read_text().split()) == ["198.51.0.2", "198.51.0.3"])


def test_a_command_that_hangs_is_ended_and_told(guarita):
    guarita.write_config('respond all { on severity low; command "/bin/sleep", "1000" { timeout 1s; } }')
    guarita.start()
    guarita.send_udp("<38>" + probe(1))

    def failed():
        return guarita.roles()["watchd"]["status"]["responses"]["commands_failed"] == 1
    wait_until("told", failed)
    assert "ran out of time" in guarita.stderr()
    assert guarita.roles()["runnerd"]["status"]["running"] == 0


def test_escape_sequences_do_not_reach_the_terminal(guarita):
    guarita.write_config("respond all { on severity low; print; }")
    guarita.start()
    for port in range(3):
        guarita.send_udp("<38>%s gate sshd[1]: Failed password for \x1b[2Jroot from 192.0.2.4 port %d ssh2" % (stamp(), port))
    guarita.wait_incidents(1)
    wait_until("printed", lambda: "auth.brute" in guarita.stderr())
    assert "\x1b" not in guarita.stderr()
    assert "\x1b" not in (guarita.dir / "state" / "incidents.jsonl").read_text()


def test_a_rule_that_is_switched_off_tells_nothing(guarita):
    guarita.write_config("watch { disable-rule scene-probe; }")
    guarita.start()
    guarita.send_udp("<38>" + probe(1))
    for n in range(3):
        guarita.append("a.log", "%s gate sshd[1]: Failed password for root from 192.0.2.7 port %d ssh2" % (stamp(), n))
    guarita.wait_lines(4)
    assert [i["rule"] for i in guarita.wait_incidents(1)] == ["scene-guessing"]


def test_a_rule_that_is_not_there_cannot_be_switched_off(guarita):
    guarita.write_config("watch { disable-rule scene-prob; }")
    out = subprocess.run([BUILD / "src" / "main" / "guarita", "check", guarita.config], capture_output=True, timeout=LIMIT)
    assert out.returncode == 1 and b'is called "scene-prob"' in out.stderr
    guarita.start()
    assert "no rule is called scene-prob" in guarita.stderr()


def test_a_command_at_each_login_and_logout_of_the_vpn(guarita):
    """What guarita-vpn(5) shows: on-up and on-down commands are rules and responses like any other."""
    manual = (ROOT / "man" / "guarita-vpn.5").read_text()
    rules, responses = (part.split(".Ed")[0] for part in manual.split('.\\" events\n')[1:3])
    out = guarita.dir / "out"
    script = guarita.dir / "note"
    script.write_text("#!/bin/sh\necho \"$@\" >> %s\n" % out)
    script.chmod(0o755)
    out.write_text("")
    out.chmod(0o666)
    os.chmod(guarita.dir, 0o755)
    decoder = "decoder guarita-l2tpd {" + (ROOT / "rules" / "70-vpn.rules").read_text().split("decoder guarita-l2tpd {")[1]
    (guarita.dir / "rules" / "vpn.rules").write_text(decoder + rules)
    guarita.write_config(responses.replace("/usr/local/sbin/branch-event", str(script)))
    guarita.start()
    line = "<30>%s matriz guaritad: guarita l2tpd: " % stamp()
    guarita.send_udp(line + 'vpn.up from=192.0.2.7 address=10.9.0.30 interface=l2tp encoding="none" name="filial30"')
    wait_until("up", lambda: "vpn.open filial30 192.0.2.7" in out.read_text())
    guarita.send_udp(line + 'vpn.down from=192.0.2.7 in=1 out=2 why="idle for too long" name="filial30"')
    wait_until("down", lambda: "vpn.closed filial30 192.0.2.7" in out.read_text())
