"""The audit of a tree of logs: every fault of owner and mode is told with its remedy, --fix does just that, and it is quiet then."""
import grp
import json
import os
import subprocess
import time

import pytest

from article import GUARITA

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other accounts")


@pytest.fixture
def tree(tmp_path):
    for folder in ("var/log/account", "var/log/apache2", "run", "etc"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder).chmod(0o755)
    utmp, adm = grp.getgrnam("utmp").gr_gid, grp.getgrnam("adm").gr_gid
    put(tmp_path, "var/log/wtmp", 0o664, gid=utmp)
    put(tmp_path, "var/log/btmp", 0o660, gid=utmp)
    put(tmp_path, "var/log/lastlog", 0o664, gid=utmp)
    put(tmp_path, "var/log/auth.log", 0o640, gid=adm)
    put(tmp_path, "var/log/account/pacct", 0o600)
    put(tmp_path, "var/log/apache2/access.log", 0o640, gid=adm)
    put(tmp_path, "var/log/dpkg.log", 0o644)
    return tmp_path


def put(tree, name, mode, uid=0, gid=0):
    path = tree / name
    path.touch()
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def audit(tree, *options):
    done = subprocess.run([GUARITA, "audit", "--json", tree, *options], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, lines[:-1], lines[-1]


def test_a_proper_tree_is_clean(tree):
    (tree / "var/log/README").symlink_to("../../usr/share/doc")
    code, faults, summary = audit(tree)
    assert faults == [] and code == 0 and summary["looked"] >= 8


@pytest.mark.parametrize("name, mode, owner, what, after", [
    ("var/log/wtmp", 0o666, (0, "utmp"), "anybody may change", (0o664, 0, "utmp")),
    ("var/log/btmp", 0o664, (0, "utmp"), "more may read", (0o660, 0, "utmp")),
    ("var/log/auth.log", 0o640, (1000, "adm"), "ordinary account", (0o640, 0, "adm")),
    ("var/log/auth.log", 0o660, (0, "users"), "a group may use it", (0o640, 0, "adm")),
    ("var/log/account/pacct", 0o644, (0, "root"), "more may read", (0o640, 0, "root")),
    ("var/log/apache2/access.log", 0o644, (0, "adm"), "more may read", (0o640, 0, "adm")),
    ("var/log/strange.log", 0o646, (0, "root"), "anybody may change", (0o644, 0, "root")),
])
def test_faults_are_told_and_put_right(tree, name, mode, owner, what, after):
    path = put(tree, name, mode, owner[0], grp.getgrnam(owner[1]).gr_gid)
    code, [fault], _ = audit(tree)
    assert code == 3 and what in fault["what"] and fault["path"] == str(path)
    st = path.stat()
    assert st.st_mode & 0o7777 == mode                                   # it only looked
    code, [fault], summary = audit(tree, "--fix")
    st = path.stat()
    assert "done" in fault["remedy"] and summary["fixed"] == 1 and code == 0
    assert (st.st_mode & 0o7777, st.st_uid, grp.getgrgid(st.st_gid).gr_name) == after
    assert audit(tree)[:2] == (0, [])


def test_the_remedy_is_a_command_that_works(tree):
    path = put(tree, "var/log/auth.log", 0o666, 1000, grp.getgrnam("users").gr_gid)
    _, [fault], _ = audit(tree)
    subprocess.run(["sh", "-c", fault["remedy"]], check=True)
    assert audit(tree)[:2] == (0, []) and path.stat().st_uid == 0


def test_links_and_loose_directories(tree):
    outside = put(tree, "etc/passwd", 0o644)
    link = tree / "var/log/messages"
    link.symlink_to(outside)
    os.chown(link, 1000, 1000, follow_symlinks=False)
    (tree / "var/log/apache2").chmod(0o777)
    found = {os.path.basename(f["path"]): f["what"] for f in audit(tree, "--fix")[1]}
    assert "symbolic link" in found["messages"] and "anybody may change" in found["apache2"]
    assert outside.stat().st_mode & 0o777 == 0o644                      # nothing was done through the link
    (tree / "var/log/apache2").chmod(0o777)
    found = {os.path.basename(f["path"]): f["what"] for f in audit(tree)[1]}
    assert "renamed away" in found["access.log"]


def test_missing_files(tree):
    (tree / "var/log/btmp").unlink()
    [fault] = audit(tree)[1]
    assert "failed logins are not kept" in fault["what"] and "install -m 0660" in fault["remedy"]
    audit(tree, "--fix")
    st = (tree / "var/log/btmp").stat()
    assert st.st_mode & 0o777 == 0o660 and grp.getgrgid(st.st_gid).gr_name == "utmp"
    assert audit(tree)[1] == []


def test_this_machine():
    done = subprocess.run([GUARITA, "audit"], capture_output=True, text=True)
    assert done.returncode in (0, 3) and "files and directories looked at" in done.stdout
