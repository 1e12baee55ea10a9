#!/usr/bin/python3
"""How well lines are understood: decodes and scans labelled logs and prints tables.

usage: score.py GUARITA DATA [--misses] [--only SET]

GUARITA  the guarita command
DATA     a folder with article/, fail2ban/, crowdsec-hub/, ... (records in NAME.log, labels in NAME.labels.jsonl)
SET      article, fail2ban, crowdsec, decode, false-alarms, psad

A kind counts when it equals the label or refines it (auth.fail.x, or the label's own word before a further dot or underscore).
"""
import argparse
import ipaddress
import json
import os
import re
import subprocess
import sys

# Label fields whose name differs from ours.
FIELD_NAMES = {"port": ["dst_port"], "sport": ["src_port"], "uri": ["path"], "prog": ["program"], "router": ["host"], "zone": ["zone"],
	"relay_ip": ["dst", "src", "relay_ip"], "host": ["src_host", "src", "host"], "src_host": ["src_host", "src"], "stat": ["stat"],
	"category": ["category"], "severity": ["severity", "level"], "qid": ["qid"], "command": ["command"], "file": ["file", "path"],
	"path": ["path", "file"], "tty": ["tty"], "repeat": ["repeat"]}
# What the labels say in prose, not as a text of the line.
FIELD_SKIP = {"truncated_host", "duration_min", "time", "bytes", "access", "outcome"}


def run(command, paths, extra=()):
	out = subprocess.run([args.guarita, command, "--json", *extra, *paths], stdout=subprocess.PIPE)
	if out.returncode not in (0, 3):
		sys.exit(f"score: guarita {command} failed with {out.returncode}")
	return [json.loads(line) for line in out.stdout.splitlines()]


def decode(paths):
	"""Records by (file name, line)."""
	found = {}
	for record in run("decode", paths):
		found.setdefault(os.path.basename(record["file"]), {})[record["line"]] = record
	return found


def labels(folder):
	"""Rows by log file name."""
	rows = {}
	for name in sorted(os.listdir(folder)):
		if name.endswith(".labels.jsonl"):
			base = name[:-len(".labels.jsonl")]
			log = base if os.path.exists(os.path.join(folder, base)) else base + ".log"
			with open(os.path.join(folder, name), encoding="utf-8") as f:
				rows[log] = [json.loads(line) for line in f]
	return rows


def logs(folder, skip=r"(labels\.jsonl|incidents\.jsonl|\.golden|\.parsed|\.conf|\.txt\.sig|SOURCES.*|KINDS.*)$"):
	return [os.path.join(folder, n) for n in sorted(os.listdir(folder)) if not re.search(skip, n)]


def value(record, name):
	for key in FIELD_NAMES.get(name, [name]):
		# `file` and `line` of a record say where it stood; a field of that name is what the line says.
		got = record.get("fields", {}).get(key)
		if got is None and key not in ("file", "line"):
			got = record.get(key)
		if got is not None:
			return got
	return None


def address(text):
	text = str(text).strip("[]").rstrip(".")
	try:
		a = ipaddress.ip_address(text)
		return str(a.ipv4_mapped or a) if a.version == 6 else str(a)
	except ValueError:
		pass
	try:  # upstream wrote some addresses with leading zeros
		return str(ipaddress.ip_address(".".join(str(int(p)) for p in text.split("."))))
	except ValueError:
		return text.lower()


def same(got, want):
	return got is not None and (str(got).lower() == str(want).lower() or address(got) == address(want))


def within(source, blamed):
	"""A network blames each address in it."""
	if "/" not in source:
		return source in blamed
	net = ipaddress.ip_network(source, strict=False)
	for b in blamed:
		try:
			if ipaddress.ip_address(b) in net:
				return True
		except ValueError:
			pass
	return False


def refines(kind, label):
	return kind == label or kind.startswith(label + ".") or kind.startswith(label + "_")


def source_of(record):
	return [address(record[k]) for k in ("src", "src_host") if record.get(k)]


def miss(text):
	if args.misses:
		print("    " + text)


def row(name, good, total, note=""):
	share = 100.0 * good / total if total else 100.0
	print(f"  {name:<34} {good:>6} / {total:<6} {share:6.1f} %  {note}")


def score_article():
	folder = os.path.join(args.data, "article")
	rows, found = labels(folder), decode(logs(folder))
	kinds = fields = hostile = benign = n_hostile = n_benign = total = n_fields = 0
	print("article: records")
	for log, wanted in rows.items():
		for w in wanted:
			got = found.get(log, {}).get(w["n"], {"kind": "absent", "hostile": None})
			total += 1
			if refines(got["kind"], w["kind"]):
				kinds += 1
			else:
				miss(f"{log}:{w['n']} kind {got['kind']} for {w['kind']}")
			bad = []
			for name, want in w["fields"].items():
				if name in FIELD_SKIP or want is None:
					continue
				if not same(value(got, name), want):
					bad.append(f"{name}={value(got, name)!r} for {want!r}")
			n_fields += 1
			fields += not bad
			if bad:
				miss(f"{log}:{w['n']} {', '.join(bad)}")
			if w["hostile"]:
				n_hostile += 1
				hostile += got["hostile"] is True
			else:
				n_benign += 1
				benign += got["hostile"] is False
			if got["hostile"] != w["hostile"]:
				miss(f"{log}:{w['n']} hostile {got['hostile']} for {w['hostile']} ({got['kind']})")
	row("kind", kinds, total)
	row("fields", fields, n_fields)
	row("hostile as such", hostile, n_hostile)
	row("benign as such", benign, n_benign)
	score_incidents(folder)
	return kinds == total and fields == n_fields and hostile == n_hostile and benign == n_benign


def score_incidents(folder):
	with open(os.path.join(folder, "incidents.jsonl"), encoding="utf-8") as f:
		wanted = [json.loads(line) for line in f]
	got = [i for i in run("scan", logs(folder)) if i["type"] == "incident"]
	left = list(got)
	right = 0
	for w in wanted:
		lines = set()
		for line in w["lines"]:
			if isinstance(line, str):
				name, n = line.split(":")
				lines.add((name, int(n)))
			else:
				lines.add((w["file"], line))
		hit = [i for i in left if {(os.path.basename(x["file"]), x["line"]) for x in i["lines"]} == lines]
		family = w["incident"].split()[0].split(".")[0]
		if hit and any(i["incident"].split(".")[0] == family for i in hit):
			right += 1
			left.remove(next(i for i in hit if i["incident"].split(".")[0] == family))
		else:
			near = [i for i in left if {(os.path.basename(x["file"]), x["line"]) for x in i["lines"]} & lines]
			miss(f"incident {w['id']} {w['incident']} {sorted(lines)}: got "
				+ str([(i["incident"], i["rule"], [(os.path.basename(x["file"]), x["line"]) for x in i["lines"]]) for i in near]))
	print("article: incidents")
	row("right lines and family", right, len(wanted))
	row("none besides", len(wanted) - min(len(left), len(wanted)), len(wanted), f"{len(left)} besides" if left else "")
	for i in left:
		miss(f"besides: {i['incident']} {i['rule']} {[(os.path.basename(x['file']), x['line']) for x in i['lines']]}")


def score_fail2ban():
	folder = os.path.join(args.data, "fail2ban")
	rows = labels(folder)
	must = right = blamed = must_not = quiet = 0
	per = []
	for log, wanted in rows.items():
		found = decode([os.path.join(folder, log)])
		here = [0, 0, 0, 0]
		for w in wanted:
			got = found.get(log, {}).get(w["n"])
			if got is None:
				continue
			src = w.get("src") or w.get("src_host")
			if w.get("hostile"):
				ok = got["hostile"] is True
				who = src is None or address(src) in source_of(got)
				must += 1
				blamed += ok
				right += ok and who
				here[0] += ok and who
				here[1] += 1
				if not (ok and who):
					miss(f"{log}:{w['n']} {got['kind']} hostile={got['hostile']} src={source_of(got)} for {src} by {got.get('decoder')}")
			else:
				must_not += 1
				quiet += got["hostile"] is False
				here[2] += got["hostile"] is False
				here[3] += 1
				if got["hostile"]:
					miss(f"{log}:{w['n']} {got['kind']} must not be hostile, by {got.get('decoder')}")
		per.append((log, here))
	print("fail2ban")
	row("must match: hostile", blamed, must)
	row("must match: and the right source", right, must)
	row("must not match: not hostile", quiet, must_not)
	bad = [f"{log}({h[1] - h[0]}+{h[3] - h[2]})" for log, h in per if h[0] < h[1] or h[2] < h[3]]
	if bad:
		print("  services with misses (missed+wrong): " + " ".join(bad))


def score_decoded():
	print("decoded lines")
	for name in ("elastic-examples", "aminer", "lnav", "apache-metron", "go-libaudit", "psad", "crowdsec-hub", "fail2ban", "article"):
		folder = os.path.join(args.data, name)
		if not os.path.isdir(folder):
			continue
		good = total = 0
		worst = {}
		for file, records in decode(logs(folder)).items():
			bad = [r for r in records.values() if r["kind"] == "unknown"]
			good += len(records) - len(bad)
			total += len(records)
			if bad:
				worst[file] = len(bad)
		top = sorted(worst.items(), key=lambda kv: -kv[1])[:6]
		row(name, good, total, " ".join(f"{f}({n})" for f, n in top))


def score_false_alarms():
	print("incidents on ordinary logs (per 1,000 lines)")
	for name in ("elastic-examples/apache_combined_first5000.log", "elastic-examples/auth_first_half.log", "aminer", "lnav"):
		path = os.path.join(args.data, name)
		paths = logs(path) if os.path.isdir(path) else [path]
		out = run("scan", paths)
		n = len(out) - 1
		lines = out[-1]["records"]
		kinds = {}
		for i in out[:-1]:
			kinds[i["incident"]] = kinds.get(i["incident"], 0) + 1
		print(f"  {name:<48} {n:>4} incidents, {lines:>6} lines, {1000.0 * n / max(lines, 1):6.2f}  {kinds}")


def score_psad():
	print("psad scans")
	folder = os.path.join(args.data, "psad")
	good = total = 0
	for log, wanted in labels(folder).items():
		w = wanted[0]
		path = os.path.join(folder, log)
		got = [i for i in run("scan", [path]) if i["type"] == "incident"]
		if w["hostile"] is None:
			continue
		total += 1
		blamed = {address(i["src"]) for i in got if i.get("src")}
		ok = bool(blamed & {address(s) for s in w["sources"]}) if w["hostile"] else not got
		good += ok
		if not ok:
			miss(f"{log}: hostile={w['hostile']} got {[(i['incident'], i.get('src')) for i in got]}")
	row("scans found, others quiet", good, total)


def score_crowdsec():
	folder = os.path.join(args.data, "crowdsec-hub")
	good = total = 0
	for log, rows in labels(folder).items():
		alerts = [r["alert"] for r in rows if "alert" in r]
		path = os.path.join(folder, log)
		if not alerts or not os.path.exists(path):
			continue
		got = [i for i in run("scan", [path]) if i["type"] == "incident"]
		blamed = {address(i["src"]) for i in got if i.get("src")}
		users = {i["user"].lower() for i in got if i.get("user")}
		for a in alerts:
			total += 1
			sources = {address(s) for s in a.get("sources", [])}
			# Scope other than an address (a country, a user): any incident of the case will do.
			ok = any(within(s, blamed) for s in sources) or bool(sources & users) or (a.get("scope") not in ("Ip", "Range") and bool(got))
			good += ok
			if not ok:
				miss(f"{log}: {a.get('scenario')} {a.get('sources')} got {[(i['incident'], i.get('src')) for i in got][:6]}")
	print("crowdsec alerts")
	row("an incident for the same source", good, total)


SETS = {"article": score_article, "fail2ban": score_fail2ban, "crowdsec": score_crowdsec, "decode": score_decoded,
	"false-alarms": score_false_alarms, "psad": score_psad}

if __name__ == "__main__":
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("guarita")
	parser.add_argument("data")
	parser.add_argument("--misses", action="store_true")
	parser.add_argument("--only", choices=SETS, action="append")
	args = parser.parse_args()
	for name, score in SETS.items():
		if not args.only or name in args.only:
			score()
