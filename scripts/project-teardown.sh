#!/bin/bash
# Tears down a project of stacks/, building glueproj first when needed.
#
#   scripts/project-teardown.sh PROJECT [glueproj options...]      e.g. sales-lake --local --yes
set -euo pipefail

if [ $# -lt 1 ] || [ "${1#-}" != "$1" ]; then
	echo "usage: scripts/project-teardown.sh PROJECT [glueproj options...]" >&2
	exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
project=$root/stacks/$1
[ -f "$project/glueproj.yaml" ] || project=$1
if [ ! -f "$project/glueproj.yaml" ]; then
	echo "project-teardown.sh: '$1' is neither a project of stacks/ nor a folder with a glueproj.yaml" >&2
	exit 2
fi
shift

# stdout is glueproj's alone. What is installed may change the build's options, so make starts after it.
"$root/scripts/install-deps.sh" build >&2
make -C "$root" --no-print-directory all >&2
exec "$root/glueproj" -p "$project" teardown "$@"
