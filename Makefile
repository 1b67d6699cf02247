# Set-up and daily work. Every target installs what it needs into .venv first, once.
# PYTHON names the Python that makes .venv; one that another Python has made is made anew.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RECORDINGS ?=

# asked only where a Python is named: without a name, whatever made .venv is kept
ifneq ($(origin PYTHON),file)
  VERSION_OF = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
  MADE_BY := $(if $(wildcard $(BIN)/python),$(call VERSION_OF,$(BIN)/python))
  NAMED := $(call VERSION_OF,$(PYTHON))
  ifneq ($(and $(MADE_BY),$(NAMED)),)
    ifneq ($(MADE_BY),$(NAMED))
      .PHONY: $(BIN)/pip $(VENV)/.installed $(VENV)/.installed-dev
      ANEW := $(VENV) was made by Python $(MADE_BY); it is made anew by Python $(NAMED).
    endif
  endif
endif

.DEFAULT_GOAL := help
.PHONY: help setup app class cluster test lint recordings bench faults fuzz load hour lock licences audit

help:  ## Show what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

# pip is installed last: a folder from an interrupted set-up lacks it and is repaired
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "RNN Lab needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(if $(ANEW),echo "$(ANEW)")
	@echo "$(PYTHON) -m venv $(VENV)"; $(PYTHON) -m venv --clear $(VENV) || \
		{ echo "No virtual environment could be made; on Debian and Ubuntu, install python3-venv first." >&2; exit 1; }

# the lock has the versions of all packages, those of packages that others bring too
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock

# Elsewhere the usual build of torch for Linux brings gigabytes of libraries for NVIDIA's cards; without such a card the
# build for the processor comes from PyTorch's own index, if that answers. TORCH_INDEX names another index, and
# TORCH_INDEX= (empty) the usual build.
CPU_TORCH := https://download.pytorch.org/whl/cpu
NVIDIA := $(shell command -v nvidia-smi 2>/dev/null)$(wildcard /dev/nvidia*)
ifeq ($(origin TORCH_INDEX),undefined)
  ifeq ($(shell uname -s)$(strip $(NVIDIA)),Linux)
    TORCH_INDEX := $(CPU_TORCH)
    QUIETLY := 2>/dev/null
    OTHERWISE := echo "$(CPU_TORCH) does not answer; the usual build of torch is installed." >&2
  endif
endif
OTHERWISE ?= exit 1
# its dependencies come from the usual index; a torch of the pinned version that is there is kept
define INSTALL_TORCH
@$(if $(TORCH_INDEX),$(INSTALL) --no-deps --retries 1 --timeout 15 --index-url $(TORCH_INDEX) \
	$$(grep '^torch==' requirements.txt) $(QUIETLY) || { $(OTHERWISE); },:)
endef

# a stamp file marks the installed requirements; a changed list is installed again
$(VENV)/.installed: requirements.txt requirements.lock | $(BIN)/pip
	$(INSTALL_TORCH)
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.installed-cluster: $(VENV)/.installed requirements-cluster.txt
	$(INSTALL) -r requirements-cluster.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-cluster.txt requirements-dev.txt requirements.lock | $(BIN)/pip
	$(INSTALL_TORCH)
	$(INSTALL) -r requirements-dev.txt
	@touch $(VENV)/.installed $(VENV)/.installed-cluster $@

$(VENV)/.installed-tools: $(VENV)/.installed-dev requirements-tools.txt
	$(INSTALL) -r requirements-tools.txt
	@touch $@

setup: $(VENV)/.installed  ## Install only

app: $(VENV)/.installed  ## Install, then start the app for this computer only
	$(BIN)/python -m streamlit run streamlit_app.py --server.address 127.0.0.1 $(ARGS)

class: $(VENV)/.installed  ## Install, then start the app for a class; it prints the teacher's key
	RNNLAB_PROFILE=class $(BIN)/python -m streamlit run streamlit_app.py --server.address 0.0.0.0 $(ARGS)

cluster: $(VENV)/.installed-cluster  ## Install, then start the app with a scheduler and two agents on this machine
	$(BIN)/python -m rnnlab cluster demonstrate -- \
		$(BIN)/python -m streamlit run streamlit_app.py --server.address 127.0.0.1 $(ARGS)

lint: $(VENV)/.installed-dev  ## Check style and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

# in the order of the folders, so that the long browser files start early and none of them runs alone at the end
test: lint  ## Install, then check everything: style, types, tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

recordings: $(VENV)/.installed  ## Train every recipe to its end for the gallery (RECORDINGS="A2 A6": only these)
	$(BIN)/python -m rnnlab.recordings $(RECORDINGS)

# benchmarks of speed; docs/rescues.md and docs/reproduction.md have the commands for measurements of networks
bench: $(VENV)/.installed-dev  ## Run the benchmarks; each prints a table
	@for name in engine_speed whole_machine replay growth text_growth start_latency kills app viewers pages questions; do \
		echo "== benchmarks.$$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

faults: $(VENV)/.installed-dev  ## Kill 200 processes at random under runs, then the tests of kills, full disks and damaged stores
	$(BIN)/python -m benchmarks.kills --workers 160 --zygotes 15 --supervisors 25
	$(BIN)/python -m pytest -q tests/faults tests/runs/test_damage.py

load: $(VENV)/.installed-dev  ## A class on this machine: viewers, 100 students who start at once, a crowd, ten minutes of use (docs/performance.md)
	$(BIN)/python -m benchmarks.viewers --viewers 1 40 100 --listeners 1000
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.crowd
	$(BIN)/python -m benchmarks.hour --minutes 10

fuzz: $(VENV)/.installed-dev  ## Bring 10,000 hostile inputs to every door (ARGS="--seed 1 --inputs 500")
	$(BIN)/python -m tests.fuzz $(ARGS)

hour: $(VENV)/.installed-dev  ## Use the app for an hour, as a class does, and print its memory (ARGS="--minutes 10")
	$(BIN)/python -m benchmarks.hour $(ARGS)

# not from the lock, which is what it makes
lock: requirements-tools.txt | $(BIN)/pip  ## Write requirements.lock anew after a change of the requirements (ARGS=--upgrade)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-tools.txt
	$(BIN)/python -m dependencies.lock $(ARGS)

licences: $(VENV)/.installed-tools  ## Write docs/licences.md anew after that
	$(BIN)/python -m dependencies.licences --all

audit: $(VENV)/.installed-tools  ## Ask an advisory database about the packages of the lock, where one answers
	$(BIN)/python -m dependencies.audit
