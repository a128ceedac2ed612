# make bench: what things cost beside other ways of doing them; part of GNUmakefile, no part of `make check`.
# BENCH_ARGS='--only jobs --rows 200000' (or '--small') goes to tests/bench/bench.py.

BENCH_VENV := $(DEPS)/bench-venv
BENCH_REQUIREMENTS := tests/bench/requirements.txt

$(BENCH_VENV)/.done: $(BENCH_REQUIREMENTS)
	$(call say,VENV,$(BENCH_VENV))
	$(Q)rm -rf $(BENCH_VENV)
	$(Q)$(DEPS)/venv/bin/python -m venv $(BENCH_VENV)
	$(Q)$(BENCH_VENV)/bin/pip --disable-pip-version-check -q install -r $(BENCH_REQUIREMENTS)
	$(Q)touch $@

$(BUILD)/bench/bare_duckdb: tests/bench/bare_duckdb.c | duckdb-check
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(DUCKDB_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(DUCKDB_LIBS)

# What is installed may change the compiler's options, so the build is a make of its own.
.PHONY: bench bench-venv bench-tools
bench-venv: $(BENCH_VENV)/.done
bench-tools: $(BUILD)/bench/bare_duckdb
bench:
	$(Q)scripts/install-deps.sh check
	+$(Q)$(MAKE) --no-print-directory VARIANT=$(VARIANT) all bench-venv bench-tools
	$(Q)GLUEPROJ_BIN=$(BUILD)/glueproj AWS_CLI=$(DEPS)/venv/bin/aws $(BENCH_VENV)/bin/python tests/bench/bench.py $(BENCH_ARGS)
