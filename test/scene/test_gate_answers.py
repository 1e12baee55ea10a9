"""What the gate answers without running: why, and exports of another router."""
import re
import subprocess

import pytest

from conftest import BUILD, ROOT

GUARITA = BUILD / "src" / "main" / "guarita"


def guarita(*words, ok=True):
    done = subprocess.run([GUARITA, *words], capture_output=True, text=True)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def why(*words, config="matriz", ok=True):
    return guarita("why", *words, "--config", ROOT / "etc" / (config + ".conf"), ok=ok)


def line_of(config, text):
    lines = (ROOT / "etc" / (config + ".conf")).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.startswith(text))


def test_why_names_the_line():
    told = why("192.168.0.10", "192.0.2.80:445")
    assert "is dropped in forward" in told and "matriz.conf:%d (deny)" % line_of("matriz", "deny lan") in told
    told = why("192.168.0.10", "192.0.2.80:443")
    assert "passes, out by wan, with the address of wan" in told
    assert "matriz.conf:%d (masquerade)" % line_of("matriz", "masquerade") in told
    assert "reaches this machine" in why("192.0.2.80", "203.0.113.10:1701/udp")
    assert "is dropped in input" in why("192.0.2.80", "203.0.113.10:22")


def test_why_follows_the_interface_that_is_told():
    assert "in by vpn-filial30" in why("192.168.30.7", "192.168.0.5:445")
    assert "is dropped" in why("192.168.30.7", "192.168.0.5:445", "--in", "wan")


def test_why_says_what_it_cannot_read():
    assert "is no address" in why("nonsense", "192.0.2.80:443", ok=False)
    assert "is no address of the family of" in why("192.168.0.10", "[2001:db8::1]:443", ok=False)
    assert "is no protocol" in why("192.168.0.10", "192.0.2.80:443/xyz", ok=False)


@pytest.mark.parametrize("site", ["matriz", "filial"])
def test_an_export_becomes_a_configuration_that_passes_check(site, tmp_path):
    export = ROOT / "fuzz" / "seeds" / "routeros" / (site + ".rsc")
    done = subprocess.run([GUARITA, "import", "routeros", export], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "made.conf"
    made.write_text(done.stdout)
    assert "good" in guarita("check", "--rules", ROOT / "rules", made)
    # So does the VPN that stands ready in it, when it gets its passwords.
    ready = re.sub(r'(?m)^#((?:l2tp|profile|secret|headquarters) .*)$', lambda m: m.group(1).replace('""', '"long and strange"'), done.stdout)
    assert ready.count("long and strange") >= 1
    made.write_text(ready)
    assert "good" in guarita("check", "--rules", ROOT / "rules", made)
    # Every statement of the export is accounted for.
    counts = [int(w) for w in done.stderr.split(": ")[-1].split() if w.isdigit()]
    assert sum(counts) == sum(line.lstrip("/").split()[0] in ("add", "set") or " add " in line or " set " in line
                              for line in export.read_text().splitlines() if line and line[0] not in "#: ") + \
        export.read_text().count("\n:put")
