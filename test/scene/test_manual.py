"""What the manual shows is what the program takes."""
import re
import subprocess

from conftest import BUILD, LIMIT, ROOT

GUARITA = BUILD / "src" / "main" / "guarita"


def examples():
    """Whole statements of guarita-rules(5); those with three dots are sketches."""
    page = (ROOT / "man" / "guarita-rules.5").read_text()
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", page, re.M | re.S):
        block = block.replace("\\e", "\\").replace("\\&", "")
        if re.match(r"(rule|join) ", block) and "'...'" not in block:
            yield block


def test_rules_of_the_manual_are_taken(tmp_path):
    """With their samples, beside the rules that come with Guarita."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for path in (ROOT / "rules").glob("*.rules"):
        (folder / path.name).write_bytes(path.read_bytes())
    shown = list(examples())
    assert len(shown) >= 3
    text = "\n".join(shown)
    # Names that stand in rules/ already are the same example.
    for name in re.findall(r"^(?:rule|join) (\S+)", text, re.M):
        text = text.replace(name, "manual-" + name)
    (folder / "99-manual.rules").write_text(text)
    out = subprocess.run([GUARITA, "rules", "test", "--rules", folder], capture_output=True, timeout=LIMIT)
    assert out.returncode == 0, out.stderr.decode()
