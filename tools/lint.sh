#!/bin/sh
# Static checks of the sources and the manual pages. Needs a configured build folder for its compile commands.
set -eu
build=$1
cd "$(dirname "$0")/.."
bad=0

echo "lint: cppcheck"
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppressions-list=tools/cppcheck.suppress -j2 -Isrc -D_GNU_SOURCE src || bad=1

echo "lint: clang-tidy"
# Options that only gcc knows would stop clang-tidy at the first file.
find src -name '*.c' -print0 | xargs -0 -P2 -n4 clang-tidy --quiet -p "$build" \
	--extra-arg=-Wno-unknown-warning-option 2>/dev/null || bad=1

echo "lint: manual pages"
for page in man/*.[1-9]; do
	[ ! -e "$page" ] || mandoc -Tlint -Wwarning "$page" || bad=1
done

echo "lint: shell scripts"
for script in tools/*.sh .ci/run; do
	sh -n "$script" 2>/dev/null || bash -n "$script" || bad=1
	grep -q '^set -e' "$script" || { echo "$script: no \`set -e\`"; bad=1; }
done
exit $bad
