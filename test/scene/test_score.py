"""How well labelled lines are understood must not fall: the scorer's tables, where the labelled data is at hand."""
import os
import re
import subprocess
import sys

import pytest
from article import GUARITA

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(ROOT, "..", "shared", "data", "watch")
ROW = re.compile(r"^  (.+?)\s+(\d+) / (\d+)\s")


def rows(*sets):
	if not os.path.isdir(os.path.join(DATA, "article")):
		pytest.skip("the labelled lines are not beside the project")
	only = [word for name in sets for word in ("--only", name)]
	out = subprocess.run([sys.executable, os.path.join(ROOT, "test", "score", "score.py"), str(GUARITA), DATA, *only],
		stdout=subprocess.PIPE, text=True, check=True,
		env=dict(os.environ, GUARITA_RULES=os.path.join(ROOT, "rules"))).stdout
	return {m[1]: (int(m[2]), int(m[3])) for m in map(ROW.match, out.splitlines()) if m}


def test_the_article_is_understood_whole():
	table = rows("article")
	assert table["kind"] == (130, 130)
	assert table["fields"] == (130, 130)
	assert table["hostile as such"] == (85, 85)
	assert table["benign as such"] == (45, 45)
	assert table["right lines and family"] == (39, 39)
	assert table["none besides"] == (39, 39)


def test_other_systems_lines_are_decoded():
	for name, (good, total) in rows("decode").items():
		assert good >= total * (0.93 if name == "lnav" else 0.97), name
