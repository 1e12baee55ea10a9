"""Finding lines again in the vault of a running Guarita: by words, fields, networks and expressions, counted, followed."""
import json
import os
import subprocess
import time

from article import GUARITA
from conftest import LIMIT, probe, stamp, wait_until

CLEAN, FAILED, USAGE = 0, 1, 2


def fail(i, user="root"):
    return "<38>%s gw1 sshd[%d]: Failed password for %s from 203.0.113.%d port %d ssh2" % (stamp(), 100 + i, user, i, 40000 + i)


def log(guarita, *args, command="log"):
    env = {"GUARITA_RULES": str(guarita.dir / "rules"), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"],
        "GUARITA_VAULT": str(guarita.dir / "vault")}
    done = subprocess.run([GUARITA, command, *map(str, args)], capture_output=True, env=env, timeout=LIMIT, text=True)
    return done.returncode, done.stdout, done.stderr


def filled(guarita):
    guarita.write_config("vault %s/vault { epochs 64; }\n" % guarita.dir)
    guarita.start()
    guarita.send_udp(*(fail(i, ["root", "ana", "bruno"][i % 3]) for i in range(30)))
    guarita.append("a.log", *(probe(i) for i in range(10)))
    wait_until("all sealed", lambda: log(guarita, "port | count")[1].strip() == "30" and log(guarita, "probe -incident | count")[1].strip() == "10")
    return guarita


def found(guarita, *args):
    code, out, err = log(guarita, "--json", "--lines", "0", *args)
    assert code == CLEAN and not err, err
    return [json.loads(line) for line in out.splitlines()]


def test_lines_are_found_by_all_that_is_known_of_them(guarita):
    filled(guarita)
    assert len(found(guarita, "failed password")) == 30
    assert len(found(guarita, "user:ana")) == 10
    assert len(found(guarita, "203.0.113.0/29")) == 8
    assert len(found(guarita, "src:203.0.113.7")) == 1
    assert len(found(guarita, "kind:auth -user:root")) == 20
    assert len(found(guarita, "src_port>40024")) == 5
    assert len(found(guarita, "/for (ana|bruno) from/ host:gw1")) == 20
    assert len(found(guarita, '"password for ana" OR probe -incident')) == 20
    assert not found(guarita, "nothing of the kind")
    line = found(guarita, "src:203.0.113.7")[0]
    assert line["raw"].endswith("from 203.0.113.7 port 40007 ssh2") and line["fields"]["user"] == "ana" and line["transport"] == "udp"
    assert guarita.stop() == 0


def test_counts_and_the_newest(guarita):
    filled(guarita)
    code, out, _ = log(guarita, "failed | count by user")
    assert code == CLEAN and [row.split() for row in out.splitlines()[:3]] == [["10", "ana"], ["10", "bruno"], ["10", "root"]]
    assert log(guarita, "failed | top 1 user")[1].splitlines()[0].split() == ["10", "ana"]
    assert "30 lines" in log(guarita, "failed | histogram")[1]
    out = log(guarita, "-n", "2", "failed")[1].splitlines()
    assert len(out) == 2 and "203.0.113.28 " in out[0] and "203.0.113.29 " in out[1]
    # A line and its neighbours.
    out = log(guarita, "-C", "1", "src:203.0.113.7")[1].splitlines()
    assert len(out) == 3 and "203.0.113.6 " in out[0] and " - " in out[0] and "203.0.113.8 " in out[2]
    assert not log(guarita, "--until", "1h", "failed")[1]
    assert guarita.stop() == 0


def test_a_story(guarita):
    filled(guarita)
    code, out, _ = log(guarita, "203.0.113.7", command="story")
    assert code == CLEAN and "1 line" in out and "auth.fail" in out and "sshd @ gw1" in out
    code, out, _ = log(guarita, "--json", "ana", command="story")
    assert code == CLEAN and json.loads(out.splitlines()[0])["count"] == 10
    assert "nothing in" in log(guarita, "192.0.2.99", command="story")[1]
    assert guarita.stop() == 0


def test_new_lines_are_followed(guarita):
    filled(guarita)
    env = dict(os.environ, GUARITA_RULES=str(guarita.dir / "rules"), GUARITA_VAULT=str(guarita.dir / "vault"))
    with subprocess.Popen([GUARITA, "log", "-f", "-n", "1", "user:carla"], stdout=subprocess.PIPE, env=env, text=True) as follower:
        try:
            time.sleep(0.5)
            guarita.send_udp(fail(77, "dora"), fail(78, "carla"), fail(79, "carla"))
            assert "203.0.113.78 " in follower.stdout.readline()
            assert "203.0.113.79 " in follower.stdout.readline()
        finally:
            follower.terminate()
    assert guarita.stop() == 0


def test_faults_are_said(guarita, tmp_path):
    code, _, err = log(guarita, "(a")
    assert code == USAGE and ") is missing" in err and "^" in err
    code, _, err = log(guarita, "a")
    assert code == FAILED and "no vault" in err and "--vault" in err
    (tmp_path / "vault" / "seg").mkdir(parents=True)
    (tmp_path / "vault" / "seg" / ("%020d.seg" % 0)).write_bytes(b"guarita segment\n" + bytes(200))
    env = dict(os.environ, GUARITA_VAULT=str(tmp_path / "vault"))
    done = subprocess.run([GUARITA, "log", "a"], capture_output=True, env=env, text=True, timeout=LIMIT)
    assert done.returncode == FAILED and "not a segment, or cut off" in done.stderr
