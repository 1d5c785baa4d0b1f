# The one door. `make run` shows Gantry at work; `make test` is what CI runs.
JOBS ?= 2
DESTDIR ?=
PREFIX ?= /usr/local
PYTHON := /usr/bin/python3
BIN := build/release/bin

.PHONY: help build run test test-vm lint format check-headers bench asan tsan fuzz soak install clean

help:
	@echo 'make build          the release build, in $(BIN)'
	@echo 'make run            build, start a daemon in a sandbox, run a container, explain'
	@echo 'make test           everything that must pass before a commit'
	@echo 'make test-vm        the tests of the kernel interfaces under another kernel, pure cgroup v2'
	@echo 'make lint           layers, sizes, references, format'
	@echo 'make format         clang-format over src'
	@echo 'make check-headers  each header compiles by itself'
	@echo 'make bench          measure, side by side with docker.io where it is installed'
	@echo 'make asan | tsan    build and run the tests under the sanitizers'
	@echo 'make fuzz           run each fuzz target for FUZZ_SECONDS (60)'
	@echo 'make soak           the leak gate with 10,000 containers, the races for a minute'
	@echo 'make install        into $$DESTDIR$$PREFIX ($(DESTDIR)$(PREFIX))'

build:
	@tools/setup build
	@tools/build release $(JOBS)

run:
	@tools/setup run
	@tools/build release $(JOBS) gantryd gantry gantry-shim gantry-init
	@tools/demo

test:
	@tools/setup test
	@$(PYTHON) tools/test $(PHASES)

test-vm:
	@tools/setup test
	@$(PYTHON) tools/test build vm-full

lint:
	@tools/setup test
	@$(PYTHON) tools/check-includes
	@$(PYTHON) tools/lint

format:
	@tools/setup test
	@find src tests -name '*.h' -o -name '*.cc' -o -name '*.c' | xargs clang-format-19 -i

check-headers:
	@tools/setup build
	@$(PYTHON) tools/check-headers

bench:
	@tools/setup test
	@tools/build release $(JOBS) gantryd gantry gantry-shim gantry-init
	@$(PYTHON) bench/run $(BENCH)

asan:
	@tools/setup test
	@$(PYTHON) tools/test asan-full

tsan:
	@tools/setup test
	@$(PYTHON) tools/test tsan tsan-daemon

fuzz:
	@tools/setup build
	@tools/build fuzz $(JOBS)
	@$(PYTHON) tools/fuzz

soak: build
	@tools/setup test
	@GANTRY_SOAK=1 $(PYTHON) -m pytest tests/test_leaks.py tests/test_races.py \
	    tests/test_exit_codes.py tests/test_floods.py -v

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 0755 $(addprefix $(BIN)/,gantryd gantry gantry-shim gantry-init gantry-runtime) \
	    $(DESTDIR)$(PREFIX)/bin
	sed 's|@PREFIX@|$(PREFIX)|g' packaging/gantry.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/gantry.service

clean:
	rm -rf build
