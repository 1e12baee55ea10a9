"""Kills every process of a Guarita with a vault at a random moment under load, N times, and counts.

    /usr/bin/python3 test/campaign/kill.py [N]

Nothing that was acknowledged may be lost, nothing doubled, and every start must be called a crash.
"""
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scene"))

from conftest import Guarita, probe, wait_until  # noqa: E402
from test_vault import probes, vault, with_vault  # noqa: E402


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    draw = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        guarita = with_vault(Guarita(Path(folder)), "epochs 64; epoch 2s;").start()
        sent, crashes, alarms = 0, 0, 0
        for _ in range(rounds):
            end = time.monotonic() + draw.random() * 0.3
            while time.monotonic() < end:
                guarita.append("a.log", *(probe(sent + i) for i in range(50)))
                sent += 50
            guarita.kill_all()
            guarita.start()
            crashes += vault(guarita)["start"] == "crash"
            alarms += vault(guarita)["start"] == "tampered"
        wait_until("everything read", lambda: vault(guarita)["lines"] >= 0 and
                   len(probes(guarita)) >= sent)
        guarita.stop()
        sealed = probes(guarita)
        guarita.close()
    print("%d kills: %d called a crash, %d false alarms; %d lines written, %d sealed, %d lost, %d doubled" % (
        rounds, crashes, alarms, sent, len(sealed), sent - min(sent, len(sealed)), max(0, len(sealed) - sent)))
    return 0 if crashes == rounds and len(sealed) == sent else 1


if __name__ == "__main__":
    sys.exit(main())
