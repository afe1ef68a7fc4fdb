# SPDX-License-Identifier: MIT
# `make` alone explains the targets. Everything is installed into .venv, nothing into the system.

PYTHON ?= python3
# The tests start some hundred interpreters: each would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
# --use-pep517: sdnotify has no pyproject.toml, and the pip of Debian 12 warns at length about that.
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# compat: else every interpreter imports a finder of setuptools' first, a fifth of what it takes to begin.
INSTALL := $(PIP) install --use-pep517 --config-settings editable_mode=compat --editable

# Stamps: what is installed stays as it is until pyproject.toml changes.
RUNTIME := .venv/.installed
DEV := .venv/.installed-dev
FUZZ := .venv/.installed-fuzz

.DEFAULT_GOAL := help
.PHONY: help demo test test-vm test-system lint bench bench-soak bench-vm bench-peers bench-fuzz deb deb-check clean

help:  ## this text
	@echo "camwatchd: keeps Raspberry Pi cameras delivering. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while read -r target text; do \
		printf '  make %-11s %s\n' "$$target" "$$text"; done

demo: $(RUNTIME)  ## a simulated camera lives through five faults, in about a minute
	@$(call until_ctrl_c,$(BIN)/python -m camwatchd.demo,kill $$!,exit $$?)

# Six at a time: most of them wait for a process. Each file stays together, for the fixtures that it shares.
test: $(DEV)  ## every test that needs no special machine; about two and a half minutes
	@$(BIN)/python -m pytest --numprocesses 6 --dist loadfile --no-loadscope-reorder

test-vm: $(DEV) deb  ## the tests with a real kernel camera in a virtual machine; as root, see tests/vm/README.md
	$(call need_vm)
	@$(BIN)/python -m pytest -m vm -rP tests/vm

# Most of the time a scenario waits: four at a time keep two cores busy. Handed out one by one, the longest first.
test-system: $(DEV) deb  ## the package in booted containers of Debian 12 and 13; as root, see tests/system/README.md
	$(call need_system)
	@$(BIN)/python -m tests.system
	@$(BIN)/python -m pytest -q -m system --numprocesses 4 --dist loadgroup --tb short tests/system

lint: $(DEV)  ## format, lint, types, spelling and architecture; part of `make test` too
	@$(BIN)/python -m pytest -q tests/test_repository.py tests/test_architecture.py

bench: $(DEV)  ## measurements that are no tests
	@$(BIN)/python -m tests.bench

bench-soak: $(DEV)  ## 200 recoveries, a night of random faults, availability over a month; see python -m tests.bench.soak
	@$(BIN)/python -m tests.bench.soak recoveries
	@$(BIN)/python -m tests.bench.soak night --minutes 30
	@$(BIN)/python -m tests.bench.soak availability

# INPUTS=10000 for a short one.
INPUTS := 1000000

bench-fuzz: $(FUZZ)  ## a million inputs for each: control socket, configuration, stderr; then a running daemon
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS)

bench-vm: $(DEV) deb  ## the scenarios of make test-vm three times over
	$(call need_vm)
	@for round in 1 2 3; do $(BIN)/python -m pytest -m vm tests/vm || exit; done

bench-peers: $(DEV) deb  ## what other programs and this one make of the same faults; see tests/peers/README.md
	$(call need_vm)
	@$(BIN)/python -m tests.peers

# `make deb VERSION=0.2.0~test DEB_DIR=build/next` makes a version to upgrade to.
VERSION :=
DEB_DIR := build/deb

deb:  ## the Debian package, for Debian 12 and 13, in build/deb
	$(call need_deb)
	@sh debian/build.sh $(DEB_DIR) $(VERSION)

deb-check:  ## build the package twice: the same bytes; and see what lintian thinks of it
	$(call need_deb)
	$(call need_lintian)
	@sh debian/check.sh build/deb-check

clean:  ## remove what all of these have made, .venv and the virtual machine included
	rm -rf .venv build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml
	$(call need_python)
	@echo "installing camwatchd and what it needs into .venv ..."
	@$(call set_up,$(PYTHON) -m venv .venv && $(INSTALL) . && touch $@)

# Collected once, so that the tests are compiled once: else each of the six processes compiles all of them for itself.
$(DEV): $(RUNTIME)
	@echo "installing the development tools into .venv ..."
	@$(call set_up,$(INSTALL) ".[dev]" && { $(BIN)/python -m pytest --collect-only --quiet >/dev/null || :; } && touch $@)

# A fuzzer of 35 MB that only some machines have a wheel for: not among the tools of everybody.
$(FUZZ): $(DEV)
	@echo "installing the fuzzer into .venv ..."
	@$(call set_up,$(INSTALL) ".[fuzz]" && touch $@)

# Python that is only starting answers Ctrl-C with a traceback, and so do venv and pip. What a shell starts in the
# background hears nothing of it; the shell ends it by SIGTERM, which Python leaves alone. $(1): the command, $(2): how
# to end it, $(3): what to do then.
until_ctrl_c = trap '$(2); wait $$! 2>&-; $(3)' INT TERM; $(1) & wait $$!

# A session of its own, so that what venv and pip have started goes too. Half of a first set-up is worth nothing.
set_up = $(call until_ctrl_c,setsid sh -c '$(1)',kill -TERM -$$! || kill $$!,test -e $(RUNTIME) || rm -rf .venv; \
	echo "interrupted; the next make sets up again" >&2; exit 130)

# --- what must be there before; each says in one line what is missing -------------------------------------------

answer = $(shell $(1) >/dev/null 2>&1 && echo yes)

define need_python
$(if $(call answer,$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'),,$(error \
camwatchd needs Python 3.11 or newer, and "$(PYTHON)" is not; give another one with: make PYTHON=/path/to/python3))
$(if $(call answer,$(PYTHON) -c 'import ensurepip; import venv'),,$(error \
the package python3-venv is missing; install it (sudo apt install python3-venv) and run make again))
endef

VM_COMMANDS := mmdebstrap qemu-system-x86_64 qemu-img mke2fs gcc cpio setpriv

define need_vm
$(if $(filter-out 0,$(shell id -u)),$(error \
make test-vm must be run as root: it builds a Debian system))
$(if $(call missing,$(VM_COMMANDS)),$(error \
make test-vm lacks $(call missing,$(VM_COMMANDS)); install what it needs (apt-get install $$(cat tests/vm/packages.txt)) and run it again))
endef

define need_deb
$(if $(call missing,dpkg-buildpackage dpkg-checkbuilddeps),$(error \
make deb lacks Debian's tools for packages; install them (sudo apt install dpkg-dev) and run make again))
$(if $(shell dpkg-checkbuilddeps 2>&1),$(error \
make deb lacks what debian/control asks for: $(shell dpkg-checkbuilddeps 2>&1 | sed 's/.*: //'); install it (sudo apt build-dep ./) and run make again))
endef

define need_lintian
$(if $(call missing,lintian),$(error \
make deb-check lacks lintian; install it (sudo apt install lintian) and run make again))
endef

SYSTEM_COMMANDS := mmdebstrap systemd-nspawn unshare nsenter setpriv mke2fs fsfreeze gcc

define need_system
$(if $(filter-out 0,$(shell id -u)),$(error \
make test-system must be run as root: it boots containers))
$(if $(call missing,$(SYSTEM_COMMANDS)),$(error \
make test-system lacks $(call missing,$(SYSTEM_COMMANDS)); install what it needs (apt-get install $$(cat tests/system/packages.txt)) and run it again))
endef

missing = $(strip $(foreach name,$(1),$(if $(call answer,command -v $(name)),,$(name))))
