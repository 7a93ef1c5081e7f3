# make run     builds the server and starts it; ARGS="--bind '[::1]:9000'" are its options
# make test    lint and all tests, warnings as errors
# Whatever is missing of Debian's packages is installed first; where nothing is, nothing touches the network.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

# What is needed, as PATH-OF-A-FILE-OR-COMMAND:PACKAGE.
BUILD_NEEDS := pkg-config:pkg-config /usr/include/sqlite3.h:libsqlite3-dev \
	curl-config:libcurl4-openssl-dev /usr/include/hiredis/read.h:libhiredis-dev
BENCH_NEEDS := nginx:nginx-light /usr/lib/nginx/modules/ngx_nchan_module.so:libnginx-mod-nchan webdis:webdis \
	redis-server:redis-server wrk:wrk python3:python3 /usr/share/doc/python3-venv:python3-venv
MICRO_NEEDS := valgrind:valgrind
TEST_NEEDS := nginx:nginx-light node:nodejs python3:python3 curl:curl chromium:chromium strace:strace \
	redis-server:redis-server

# All tests take two minutes on two cores. What hangs nevertheless is ended, with all that it has started, and has failed.
# (At a terminal it stays in the foreground, so that ^C reaches it.)
BOUNDED := timeout --kill-after=30 $(shell test -t 0 && echo --foreground) 30m

# The run-time check for overlapping accesses finds mistakes of ours; the tests, which are built with it, find them before.
# Swift's own libraries go into the binary: it is one file to copy, starts in less memory, and calls them directly. (The default
# linker warns of a function in them that nobody here calls; this one does not.)
FAST := -Xswiftc -enforce-exclusivity=unchecked --static-swift-stdlib -Xswiftc -use-ld=lld

# Imports between rooms are those that Package.swift grants.
STRICT := --explicit-target-dependency-import-check error

define install
	@missing=; \
	for need in $(1); do \
	  command -v "$${need%:*}" >/dev/null || test -e "$${need%:*}" || missing="$$missing $${need#*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  $(ROOT) apt-get -qq update; \
	  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: run build test lint format sanitize crash soak bench bench-memory bench-micro clean

run: build
	@exec .build/release/laurel serve $(ARGS)

build:
	$(call install,$(BUILD_NEEDS))
	@swift build --quiet -c release $(FAST) --product laurel

test: export CI := 1
test: lint
	$(call install,$(BUILD_NEEDS) $(TEST_NEEDS))
	@swift build --quiet --build-tests $(STRICT)
	@$(BOUNDED) swift test --disable-xctest --skip-build $(STRICT)

lint:
	@swift format lint --strict --recursive --configuration .swift-format Package.swift Sources Tests Benchmarks

format:
	@swift format --in-place --recursive --configuration .swift-format Package.swift Sources Tests Benchmarks

# Data races and stray pointers, each with a build of its own. The browser, the crowds and rules in real time (those of the folder
# backend all are) stay out: what they wait for is speed.
sanitize: export LSAN_OPTIONS := suppressions=$(CURDIR)/Tests/leaks-of-others.supp:print_suppressions=0
sanitize:
	$(call install,$(BUILD_NEEDS) $(TEST_NEEDS))
	@for sanitizer in thread address; do \
	  for tests in 'HTTP(Core|Server)Tests|ReactorTests' 'Channels(HTTP)?Tests' \
	    'Channels(Memory|SQLite|Testing)Tests' ChannelsRedisTests HarnessTests; do \
	    $(BOUNDED) swift test --disable-xctest --sanitize $$sanitizer --scratch-path .build-$$sanitizer --filter "$$tests" \
	      --skip Crowds --skip Browser --skip realTime; \
	  done; \
	done

# Rounds of kill -9 on one file, each under load; make crash ROUNDS=1000 SEED=1 for others than these. (make test has twenty.)
crash: export CI := 1
crash: export CRASH_ROUNDS := $(or $(ROUNDS),200)
crash: export CRASH_SEED := $(SEED)
crash:
	$(call install,$(BUILD_NEEDS))
	@swift build --quiet --build-tests $(STRICT)
	@$(BOUNDED) swift test --disable-xctest --skip-build $(STRICT) --filter CrashTests

# Three servers on one Redis, 132 clients: undisturbed, with Redis killed ten times (once so that it forgets, once so that it keeps
# what it has), and with a network that splits and cuts; make soak MESSAGES=100000 for fewer. (make test has 13,000.)
soak: export CI := 1
soak: export SOAK_MESSAGES := $(or $(MESSAGES),1000000)
soak: export CHAOS_MESSAGES := $(SOAK_MESSAGES)
soak: BOUNDED := timeout --kill-after=30 2h
soak:
	$(call install,$(BUILD_NEEDS) $(TEST_NEEDS))
	@swift build --quiet --build-tests $(STRICT)
	@$(BOUNDED) swift test --disable-xctest --skip-build $(STRICT) --filter 'SeveralLaurelsTests|ChaosSoakTests'

# Laurel beside nginx, nchan, webdis, Redis and channels_redis, on memory, a file and Redis; half an hour. BENCH="--only send --rounds 3" for less.
bench: build
	$(call install,$(BENCH_NEEDS))
	@swift build --quiet -c release $(FAST) --product benchmark
	@.build/release/benchmark $(BENCH)

# What a group send costs, by members; a few seconds.
bench-memory:
	$(call install,$(BUILD_NEEDS))
	@swift build --quiet -c release $(FAST) --product memory-benchmark
	@.build/release/memory-benchmark

# What the parts of a request cost: time, allocations and instructions; ten seconds. Linked without what debuggers read,
# as the Valgrind of Debian 12 stumbles over it (DWARF 5).
bench-micro:
	$(call install,$(BUILD_NEEDS) $(MICRO_NEEDS))
	@swift build --quiet -c release $(FAST) -Xlinker --strip-debug --product micro-benchmark
	@.build/release/micro-benchmark

clean:
	@rm -rf .build .build-thread .build-address
