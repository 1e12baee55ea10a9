"""How the demo speaks: titles, findings, bars; in colour on a terminal, plain elsewhere."""
import os
import sys
import time

BLOCKS = "▁▂▃▄▅▆▇█"


class Show:
	def __init__(self, fast):
		self.tty = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
		self.pause = 0.0 if fast or not sys.stdout.isatty() else 0.6
		self.begun = time.monotonic()
		self.step, self.proved = 0, 0

	def paint(self, code, text):
		return "\033[%sm%s\033[0m" % (code, text) if self.tty else text

	def out(self, text=""):
		print(text, flush=True)

	def title(self, text):
		time.sleep(self.pause * 2)
		self.step += 1
		clock = "%4.1f s" % (time.monotonic() - self.begun)
		self.out("\n%s  %s" % (self.paint("1;36", "%d. %s" % (self.step, text)), self.paint("2", clock)))

	def say(self, text):
		self.out("   " + text)
		time.sleep(self.pause / 2)

	def good(self, text):
		self.proved += 1
		self.out("   %s %s" % (self.paint("1;32", "✓"), text))
		time.sleep(self.pause)

	def quote(self, text, most=12):
		lines = [line.rstrip() for line in text.strip("\n").splitlines()]
		for line in lines[:most]:
			self.out("     " + self.paint("2", "│ ") + line)
		if len(lines) > most:
			self.out("     " + self.paint("2", "│ ... %d more lines" % (len(lines) - most)))

	def bar(self, name, share, text, end=False):
		"""A bar that grows in place on a terminal; elsewhere only its end is printed."""
		if not end and not self.tty:
			return
		full = int(share * 30)
		sys.stdout.write("%s   %-10s %s%s %s%s" % ("\r" if self.tty else "", name, self.paint("32", "█" * full),
			self.paint("2", "░" * (30 - full)), text, "   \n" if end else "   "))
		sys.stdout.flush()


def spark(counts):
	most = max(counts or [0]) or 1
	return "".join(BLOCKS[(n * (len(BLOCKS) - 1) + most - 1) // most] if n else " " for n in counts)
