# The targets that check, show and install; part of GNUmakefile. scripts/run-checks.py counts.

RUN_CHECKS := $(Q)MAKE='$(MAKE)' scripts/run-checks.py

.PHONY: check unit e2e conformance demo lint check-headers check-clang format fuzz coverage install uninstall
check:
	$(Q)scripts/install-deps.sh check
	$(RUN_CHECKS)
unit:
	$(Q)scripts/install-deps.sh check
	$(RUN_CHECKS) build unit
e2e:
	$(Q)scripts/install-deps.sh check
	$(RUN_CHECKS) build $@
# What others wrote judges: servers and suites from PyPI, and what takes long. The quick ones of tests/conformance are in `check`.
conformance:
	$(Q)scripts/install-deps.sh check
	+$(Q)$(MAKE) --no-print-directory VARIANT=release all
	$(Q)scripts/run-conformance.py $(FOLDERS)
fuzz:
	$(Q)scripts/install-deps.sh check
	$(RUN_CHECKS) fuzz
lint:
	$(Q)scripts/install-deps.sh check
	$(RUN_CHECKS) headers layers style scripts clang

# What is installed may change the compiler's options, so the build is a make of its own.
demo:
	$(Q)scripts/install-deps.sh build
	+$(Q)$(MAKE) --no-print-directory VARIANT=$(VARIANT) all
	$(Q)PROJECT='$(PROJECT)' KEEP='$(KEEP)' scripts/demo.sh

format:
	$(Q)find provision jobs tests -name '*.[ch]' -print0 2>/dev/null | xargs -0 clang-format -i

# --- each header compiles alone, with its own layer's include path only ---
HEADERS := $(sort $(wildcard $(foreach l,$(LAYERS),provision/$(l)/*.h)))
WORKER_HEADERS := $(sort $(wildcard provision/local/worker/*.h))
JOB_HEADERS := $(sort $(wildcard jobs/lib/*.h jobs/*.h))
header_layer = $(word 2,$(subst /, ,$(1)))
HEADER_CFLAGS = $(ALL_CFLAGS) -Wno-unused-function -fsyntax-only -x c
$(BUILD)/headers/provision/%.ok: provision/% | $(BUILD)/only/.done
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HEADER_CFLAGS) $(call iquote,$(call header_layer,$<)) $<
	$(Q)touch $@
$(BUILD)/headers/provision/local/worker/%.ok: provision/local/worker/% | duckdb-check
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HEADER_CFLAGS) $(DUCKDB_CFLAGS) $(foreach l,local/worker base codec,-iquote provision/$(l)) $<
	$(Q)touch $@
$(BUILD)/headers/jobs/%.ok: jobs/% | $(BUILD)/only/.done duckdb-check
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HEADER_CFLAGS) $(DUCKDB_CFLAGS) $(PQ_CFLAGS) -iquote jobs/lib $(call iquote,jobs) $<
	$(Q)touch $@
check-headers: $(foreach h,$(HEADERS) $(WORKER_HEADERS) $(JOB_HEADERS),$(BUILD)/headers/$(h).ok)

# --- a second compiler's opinion; no objects ---
CLANG ?= clang
CLANG_CFLAGS = $(ALL_CFLAGS) -fsyntax-only
$(BUILD)/clang/provision/%.ok: provision/%.c | $(BUILD)/only/.done
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CLANG_CFLAGS) $(call iquote,$(call header_layer,$<)) -MMD -MP -MF $@.d -MT $@ $<
	$(Q)touch $@
$(BUILD)/clang/provision/main.ok: provision/main.c | $(BUILD)/only/.done
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CLANG_CFLAGS) $(call iquote,cmd) -MMD -MP -MF $@.d -MT $@ $<
	$(Q)touch $@
$(BUILD)/clang/provision/local/worker/%.ok: provision/local/worker/%.c | duckdb-check
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CLANG_CFLAGS) $(DUCKDB_CFLAGS) $(foreach l,local/worker base codec,-iquote provision/$(l)) -MMD -MP -MF $@.d -MT $@ $<
	$(Q)touch $@
$(BUILD)/clang/jobs/%.ok: jobs/%.c | duckdb-check
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CLANG_CFLAGS) $(DUCKDB_CFLAGS) $(PQ_CFLAGS) -iquote jobs/lib $(call iquote,jobs) -MMD -MP -MF $@.d -MT $@ $<
	$(Q)touch $@
CLANG_SRCS := $(foreach l,$(LAYERS),$(SRCS_$(l))) $(wildcard provision/main.c) $(WORKER_SRCS) $(JOBLIB_SRCS) $(JOB_SRCS)
CLANG_OKS := $(CLANG_SRCS:%.c=$(BUILD)/clang/%.ok)
check-clang: $(CLANG_OKS)
-include $(CLANG_OKS:=.d)

# --- for run-checks.py: what there is to run ---
.PHONY: units print-units print-fuzzers
units: $(ALL_UNITS)
print-units:
	@printf '%s\n' $(ALL_UNITS)
print-fuzzers:
	@printf '%s\n' $(FUZZERS)

# --- lines that the unit tests reach, layer by layer ---
coverage:
	+$(Q)$(MAKE) --no-print-directory BUILD=build/coverage CFLAGS='--coverage -O0 $(CFLAGS)' units
	+$(Q)for t in $$($(MAKE) --no-print-directory -s BUILD=build/coverage print-units); do $$t >/dev/null 2>&1 || echo "failed: $$t"; done
	$(Q)for l in $(LAYERS); do gcov -n -o build/coverage/obj/$$l provision/$$l/*.c 2>/dev/null | awk -v l=$$l '/^File .provision/ {own = index($$2, l "/")} \
		/^Lines executed/ && own {split($$0, a, /[:% ]+/); hit += a[3] * a[5] / 100; all += a[5]; own = 0} END {if (all) printf "%-9s %5.1f %% of %d lines\n", l, 100 * hit / all, all}'; done

# --- install: one folder with all that belongs together, and the program on the path ---
PREFIX ?= /usr/local
INSTALL_BUILD := build/install
install:
	+$(Q)$(MAKE) --no-print-directory BUILD=$(INSTALL_BUILD) \
		DUCKDB_LIBS='-L$(DUCKDB_DIR)/lib -lduckdb -Wl,-rpath,\$$$$ORIGIN:\$$$$ORIGIN/..' all
	$(Q)install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/glueproj/jobs' '$(DESTDIR)$(PREFIX)/share/man/man1'
	$(Q)install $(INSTALL_BUILD)/glueproj $(INSTALL_BUILD)/glueproj-sqlworker '$(DESTDIR)$(PREFIX)/lib/glueproj/'
	$(Q)install $(JOBS:%=$(INSTALL_BUILD)/jobs/%) '$(DESTDIR)$(PREFIX)/lib/glueproj/jobs/'
	$(Q)install '$(DUCKDB_DIR)/lib/libduckdb.so' '$(DESTDIR)$(PREFIX)/lib/glueproj/'
	$(Q)ln -sfn ../lib/glueproj/glueproj '$(DESTDIR)$(PREFIX)/bin/glueproj'
	$(Q)$(INSTALL_BUILD)/glueproj help --man >'$(DESTDIR)$(PREFIX)/share/man/man1/glueproj.1'
uninstall:
	$(Q)rm -rf '$(DESTDIR)$(PREFIX)/lib/glueproj' '$(DESTDIR)$(PREFIX)/bin/glueproj' '$(DESTDIR)$(PREFIX)/share/man/man1/glueproj.1'
