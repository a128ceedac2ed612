#!/bin/sh
# Prints the main program for a unit test file: the list of tests comes from their names, so no list is kept by hand.
set -eu
file=$1
module=$(basename "$file" .c)
tests=$(sed -n 's/^static void \(test_[A-Za-z0-9_]*__[A-Za-z0-9_]*\)(void \*\*.*/\1/p' "$file")
[ -n "$tests" ] || { echo "unit-main.sh: no test in '$file'" >&2; exit 1; }
printf '#include "%s"\n\nint main(void)\n{\n\tconst struct CMUnitTest tests[] = {\n' "$(basename "$file")"
for t in $tests; do
	printf '\t\tcmocka_unit_test(%s),\n' "$t"
done
printf '\t};\n\treturn cmocka_run_group_tests_name("%s", tests, NULL, NULL);\n}\n' "$module"
