// Runs the program of a page that proves itself, as a browser would: the page as it is must prove, every one-bit change
// of its proof must not.    node page.js PAGE CHANGES
"use strict";
const html = require("fs").readFileSync(process.argv[2], "utf8");
(0, eval)(html.match(/<script>([\s\S]*?)<\/script>/)[1]);
const text = html.match(/<pre id="proof">\n([\s\S]*?)<\/pre>/)[1].replace(/&lt;/g, "<").replace(/&amp;/g, "&");
globalThis.check(text);
const bytes = Buffer.from(text), n = Number(process.argv[3]);
let seed = 1;
const draw = below => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % below; };
for (let i = 0; i < n; i++) {
	const changed = Buffer.from(bytes), at = draw(bytes.length);
	changed[at] ^= 1 << draw(8);
	let proved = true;
	try { globalThis.check(changed.toString("utf8")); } catch (why) { proved = false; }
	if (proved) { console.log("byte " + at + " was changed, and it was proved nevertheless"); process.exit(1); }
}
console.log(n + " changes, all seen");
