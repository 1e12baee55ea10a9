#!/usr/bin/python3
"""The demo of a company, from raising it to proving what happened. Started by tools/demo.sh, which tells the options."""
import argparse
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWPID, PR_SET_PDEATHSIG = 0x20000, 0x20000000, 1
LIBC = ctypes.CDLL(None, use_errno=True)
ROOT = Path(__file__).resolve().parent.parent.parent


def arguments():
	parser = argparse.ArgumentParser(prog="tools/demo.sh", description=__doc__)
	parser.add_argument("--keep", action="store_true", help="leave the company up to play with")
	parser.add_argument("--fast", action="store_true", help="do not wait for readers")
	parser.add_argument("--kept", default="/run/guarita-demo.pid", help=argparse.SUPPRESS)
	parser.add_argument("build", nargs="?", default=str(ROOT / "build"), help="the build folder")
	return parser.parse_args()


def unshare(what):
	if LIBC.unshare(what) < 0:
		sys.exit("demo: cannot make namespaces: %s" % os.strerror(ctypes.get_errno()))


def first_process(told):
	"""In the child: the first process of its namespace; unless it is to stay, it does not outlive who started it."""
	if told is None:
		LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
	unshare(CLONE_NEWNS)
	for words in (("--make-rprivate", "/"), ("-t", "proc", "proc", "/proc"), ("-t", "tmpfs", "-o", "mode=755", "demo", "/run")):
		subprocess.run(["mount", *words], check=True)


def enclose():
	"""Forks: 0 for the first process of a process namespace of its own, its number for who started it."""
	sys.stdout.flush()
	unshare(CLONE_NEWPID)
	return os.fork()


def end_of(pid):
	while True:
		try:
			return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
		except KeyboardInterrupt:
			pass            # it was interrupted as well, and says so


def wait_to_keep(pid, heard, kept):
	"""Waits for the end of the demo only: what it made stays, and is known by its first process."""
	word = b""
	try:
		word = os.read(heard, 16)
	except KeyboardInterrupt:
		pass
	if word != b"kept":
		return end_of(pid)
	start = Path("/proc/%d/stat" % pid).read_text().rsplit(") ", 1)[1].split()[19]
	Path(kept).write_text("%d %s\n" % (pid, start))
	return 0


def stay(told):
	"""The first process of a company that is kept: nobody else collects those who ended."""
	signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
	signal.signal(signal.SIGHUP, signal.SIG_IGN)
	nothing = os.open("/dev/null", os.O_RDWR)
	for fd in (0, 1, 2):
		os.dup2(nothing, fd)
	os.setsid()
	os.write(told, b"kept")
	os.close(told)
	while True:
		try:
			os.wait()
		except ChildProcessError:
			signal.pause()


def inside(args, told_kept):
	import bed
	import show
	import story
	build = Path(args.build).resolve()
	Path("/run/environment").write_text("PATH='%s':$PATH\nexport PATH\n" % (build / "src/main"))
	hosts = {}
	told = show.Show(args.fast)
	try:
		story.play(told, hosts, build)
	except (RuntimeError, subprocess.SubprocessError, OSError, AssertionError) as e:
		print("\ndemo: %s\n%s" % (e, bed.failures(hosts)), file=sys.stderr, flush=True)
		os._exit(1)
	except KeyboardInterrupt:
		print("\ndemo: interrupted; nothing is left of it", file=sys.stderr, flush=True)
		os._exit(130)
	if not args.keep:
		told.out("\nAll of it is gone as soon as this ends. To keep it and look around:  make demo KEEP=1")
		os._exit(0)
	told.out("""
The company stays up. Look around in it:

   tools/demo.sh enter matriz                     # a shell at the matriz: guarita status, vpn list, bans, log, story ...
   tools/demo.sh enter pc30 curl http://192.168.0.10:8000/ -o /dev/null
   tools/demo.sh enter filial40 guarita watch     # hosts: %s
   tools/demo.sh end                              # ends it; nothing is left""" % " ".join(sorted(hosts)))
	stay(told_kept)


def main():
	args = arguments()
	if not os.access(os.path.join(args.build, "src/main/guaritad"), os.X_OK):
		sys.exit("demo: there is nothing built in %s; build first: make" % args.build)
	heard, told = os.pipe() if args.keep else (None, None)
	pid = enclose()
	if pid == 0:
		first_process(told)
		inside(args, told)
	if not args.keep:
		sys.exit(abs(end_of(pid)))
	os.close(told)
	sys.exit(wait_to_keep(pid, heard, args.kept))


if __name__ == "__main__":
	main()
