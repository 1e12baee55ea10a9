"""Texts for people come in their language; what programs read never changes."""
import json
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, LIMIT, ROOT

GUARITA = BUILD / "src" / "main" / "guarita"
LINE = "Mar  1 10:00:0%d gw sshd[1]: Failed password for root from 203.0.113.9 port 22 ssh2\n"
PORTUGUESE = {"LC_ALL": "C.UTF-8", "LANGUAGE": "pt_BR"}


def guarita(*args, **env):
    return subprocess.run([GUARITA, *args], capture_output=True, text=True, timeout=LIMIT, env={"PATH": "/usr/bin:/bin", **env})


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "auth.log"
    path.write_text("".join(LINE % n for n in range(6)))
    return path


def test_the_report_speaks_portuguese(log):
    out = guarita("scan", "--plain", "--rules", ROOT / "rules", log, **PORTUGUESE)
    assert out.returncode == 3
    assert "1 incidente: 1 " in out.stdout and "Quem foi" in out.stdout
    assert "Who did it" in guarita("scan", "--plain", "--rules", ROOT / "rules", log, LC_ALL="C.UTF-8").stdout


def test_help_and_faults_speak_portuguese():
    assert guarita("help", **PORTUGUESE).stdout.startswith("uso: guarita COMANDO")
    assert "opção desconhecida" in guarita("scan", "--nonsense", **PORTUGUESE).stderr


def test_json_is_the_same_in_every_language(log):
    def plain(out):
        rows = list(map(json.loads, out.stdout.splitlines()))
        rows[-1].pop("seconds")
        return rows
    args = ("scan", "--json", "--rules", ROOT / "rules", log)
    assert plain(guarita(*args, **PORTUGUESE)) == plain(guarita(*args, LC_ALL="C.UTF-8"))


def test_the_catalogue_fits_the_sources(tmp_path):
    """What is translated has the formats of the original, and nearly everything is."""
    if not shutil.which("xgettext"):
        pytest.skip("needs gettext")
    listed = (ROOT / "po" / "POTFILES").read_text().split()
    assert all((ROOT / name).exists() for name in listed)
    using = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "src").rglob("*.c")) if '"console/i18n.h"' in p.read_text()]
    pot = tmp_path / "guarita.pot"
    subprocess.run(["xgettext", "--from-code=UTF-8", "-k_", "-kN_", "-kP_:1,2", "-o", pot, *using], cwd=ROOT, check=True)
    merged = tmp_path / "pt_BR.po"
    subprocess.run(["msgmerge", "-q", "--no-fuzzy-matching", "-o", merged, ROOT / "po" / "pt_BR.po", pot], check=True)
    checked = subprocess.run(["msgfmt", "--check-format", "--statistics", "-o", "/dev/null", merged], capture_output=True, text=True,
                             env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    assert checked.returncode == 0, checked.stderr
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (translated|untranslated)", checked.stderr)}
    assert counts["translated"] >= 9 * counts.get("untranslated", 0), "run ninja guarita-update-po and translate: " + checked.stderr
