#!/bin/sh
# Runs each libFuzzer target (or the one named) for some seconds from its seeds. What it finds lies in BUILD/found.
set -eu
build=$1
seconds=$2
only=${3:-}
cd "$(dirname "$0")/.."
mkdir -p "$build/found"
bad=0
for target in "$build"/fuzz/fuzz_*; do
	[ -f "$target" ] && [ -x "$target" ] || continue
	name=${target##*/fuzz_}
	if [ -n "$only" ] && [ "$only" != "$name" ]; then
		continue
	fi
	echo "fuzz: $name, $seconds s"
	mkdir -p "$build/corpus/$name"
	log=$build/found/$name.log
	if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
		-artifact_prefix="$build/found/$name-" "$build/corpus/$name" "fuzz/seeds/$name" >"$log" 2>&1; then
		sed -n 's/^stat::number_of_executed_units: */  inputs: /p' "$log"
	else
		tail -n 40 "$log"
		bad=1
	fi
done
[ "$bad" -eq 0 ] || echo "fuzz: see $build/found"
exit $bad
