#!/bin/bash
# Fails when DuckDB's header and library are not of one version; silent and quick when they are.
#
# DUCKDB_DIR (default build/deps/duckdb) holds include/duckdb.h and lib/libduckdb.so. The header carries no version, so it
# comes from DUCKDB_DIR/HEADER_VERSION ("SHA256 VERSION", only believed for a header with that hash), from a duckdb.hpp
# beside it, or from the variable DUCKDB_HEADER_VERSION. The library is asked by a small program built against both.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${DUCKDB_DIR:-build/deps/duckdb}
header=$dir/include/duckdb.h
library=$dir/lib/libduckdb.so

die() {
	printf 'check-duckdb: error: %s\n' "$*" >&2
	exit 1
}

[ -e "$header" ] && [ -e "$library" ] ||
	die "no DuckDB in '$dir': run scripts/install-deps.sh, or set DUCKDB_DIR to a folder with include/duckdb.h and lib/libduckdb.so"

# What was compared before need not be compared again.
pair=$(stat -L -c '%n %s %Y %i' "$header" "$library")"
${DUCKDB_HEADER_VERSION:-}"
record=build/deps/.duckdb-pair-$(printf '%s' "$dir" | cksum | cut -d' ' -f1)
[ "$(cat "$record" 2>/dev/null)" != "$pair" ] || exit 0

header_version() {
	local sha recorded
	if [ -n "${DUCKDB_HEADER_VERSION:-}" ]; then
		echo "$DUCKDB_HEADER_VERSION"
		return
	fi
	sha=$(sha256sum "$header" | cut -d' ' -f1)
	recorded=$(sed -n "s/^$sha //p" "$dir/HEADER_VERSION" 2>/dev/null | head -n 1)
	[ -n "$recorded" ] || [ ! -e "$dir/include/duckdb.hpp" ] ||
		recorded=$(sed -n 's/^#define DUCKDB_VERSION "\(.*\)".*/\1/p' "$dir/include/duckdb.hpp" | head -n 1)
	echo "$recorded"
}

wanted=$(header_version)
[ -n "$wanted" ] || die "the version of '$header' is not known: name it with DUCKDB_HEADER_VERSION=X.Y.Z"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/version.c" <<'PROGRAM'
#include <stdio.h>
#include "duckdb.h"

int main(void)
{
	return puts(duckdb_library_version()) < 0;
}
PROGRAM
${CC:-cc} -I"$dir/include" -o "$scratch/version" "$scratch/version.c" -L"$dir/lib" -lduckdb \
	-Wl,-rpath,"$(cd "$dir/lib" && pwd)" || die "a program for '$header' does not link with '$library'"
found=$("$scratch/version") || die "'$library' does not load"
[ "${found#v}" = "${wanted#v}" ] || die "'$header' is of version ${wanted#v}, '$library' of ${found#v}: they must be the same"

mkdir -p build/deps
printf '%s\n' "$pair" >"$scratch/record"
mv "$scratch/record" "$record"
