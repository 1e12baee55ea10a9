"""Changes single bits of a page that proves itself and lets a real browser judge each changed page.

    /usr/bin/python3 test/campaign/page.py PAGE [CHANGES] [SEED]

One headless Chromium opens one document after the other, each the whole page with one bit of its proof or identity changed, and
looks at what the page says. All must be called NOT PROVED; the page as it is must be called proved. Prints what was counted;
exit code 1 when a change was not seen.
"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HARNESS = """<!DOCTYPE html><meta charset="utf-8"><title>campaign</title><script>
"use strict";
let seed = SEED;
const draw = below => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) % below; };
async function judge(bytes) {
	const url = URL.createObjectURL(new Blob([bytes], { type: "text/html;charset=utf-8" }));
	const frame = document.createElement("iframe");
	const loaded = new Promise(done => { frame.onload = done; });
	frame.src = url;
	document.body.append(frame);
	await loaded;
	const body = frame.contentDocument.body, said = frame.contentDocument.getElementById("said");
	const verdict = [body ? body.className : "", said ? said.textContent : ""];
	frame.remove();
	URL.revokeObjectURL(url);
	return verdict;
}
onload = async () => {
	const page = new Uint8Array(await (await fetch("page")).arrayBuffer());
	const text = new TextDecoder("latin1").decode(page);
	const from = text.indexOf('<pre id="proof">') + 17, to = text.indexOf("</pre>", from);
	const report = { whole: await judge(page), changes: 0, seen: 0, missed: [] };
	for (let i = 0; i < COUNT; i++) {
		const changed = page.slice(), at = from + draw(to - from), bit = draw(8);
		changed[at] ^= 1 << bit;
		const verdict = await judge(changed);
		report.changes++;
		if (verdict[0] === "bad" && verdict[1].startsWith("NOT PROVED")) report.seen++;
		else report.missed.push([at, bit, verdict]);
	}
	await fetch("report", { method: "POST", body: JSON.stringify(report) });
};
</script><body>"""


def serve(page, harness):
    """A server on loopback: the harness, the page, and where the report goes."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = page if self.path == "/page" else harness
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if self.path == "/page" else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.server.report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            self.server.done.set()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.done, server.report = threading.Event(), None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(page, count, seed=1, limit=7200):
    """The report, or None when the browser did not come to an end."""
    harness = HARNESS.replace("SEED", str(seed)).replace("COUNT", str(count)).encode()
    server = serve(Path(page).read_bytes(), harness)
    with tempfile.TemporaryDirectory(prefix="page") as profile:
        command = [shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome", "--headless", "--no-sandbox",
                   "--disable-gpu", "--no-first-run", "--user-data-dir=" + profile, "http://127.0.0.1:%d/" % server.server_port]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as browser:
            server.done.wait(limit)
            os.killpg(browser.pid, 15)
            browser.wait()
    server.shutdown()
    return server.report


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    report = run(sys.argv[1], count, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    if not report:
        print("the browser did not come to an end")
        return 1
    print("as it is: %s; %d changes, %d seen" % (report["whole"], report["changes"], report["seen"]))
    for missed in report["missed"]:
        print("not seen:", missed)
    return 0 if report["whole"][0] == "good" and report["seen"] == count else 1


if __name__ == "__main__":
    sys.exit(main())
