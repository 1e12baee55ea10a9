# The front door: a few words for what Meson and Ninja do. Everything real is in the meson.build files.
#
#   make             build into ./build
#   make test        build with ASan and UBSan into ./build-asan, run every test, print the counts
#   make demo        a company on this machine: matriz, two filiais, a stranger; leaves nothing; KEEP=1 leaves it up
#   make bench       measure against other programs on the same input
#   make fuzz        one minute of each fuzz target; T=name for one, SECONDS=n for longer
#   make hostile     a million hostile lines through scan: no crash, no hang, no forged source; LINES=n, SEED=n
#   make lint        cppcheck, clang-tidy, manual pages
#   make floors      who includes whom
#   make install     PREFIX=/usr/local, DESTDIR=
#   make clean       removes the build folders

PREFIX ?= /usr/local
BUILD := build
ASAN := build-asan
FUZZ := build-fuzz
# Debian's own: a python3 found earlier in PATH may lack pytest.
PYTHON := $(shell test -x /usr/bin/python3 && echo /usr/bin/python3 || echo python3)
SECONDS ?= 60
LINES ?= 1000000
SEED ?= 1
T ?=
KEEP ?=

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)
	@ln -sfn src/main/guarita $(BUILD)/guarita

help:
	@sed -n 's/^#   //p' Makefile

deps:
	@tools/deps.sh

$(BUILD)/build.ninja:
	meson setup --prefix=$(PREFIX) $(BUILD)

$(ASAN)/build.ninja:
	meson setup -Db_sanitize=address,undefined -Db_lundef=false $(ASAN)

$(FUZZ)/build.ninja:
	CC=clang meson setup -Dfuzz=true -Dtests=false -Db_lundef=false $(FUZZ)

test:
	@tools/deps.sh tools/deps.list tools/deps-test.list
	@$(MAKE) --no-print-directory $(ASAN)/build.ninja
	@ninja -C $(ASAN)
	@$(PYTHON) tools/test.py $(ASAN)

demo: deps
	@$(MAKE) --no-print-directory all
	@tools/demo.sh $(if $(KEEP),--keep)

bench: deps
	@$(MAKE) --no-print-directory all
	@bench/run

fuzz:
	@tools/deps.sh tools/deps.list tools/deps-lint.list
	@$(MAKE) --no-print-directory $(FUZZ)/build.ninja
	@ninja -C $(FUZZ)
	@tools/fuzz.sh $(FUZZ) $(SECONDS) $(T)

hostile: all
	@$(PYTHON) tools/hostile.py $(BUILD) $(LINES) $(SEED)

lint:
	@tools/deps.sh tools/deps.list tools/deps-lint.list
	@$(MAKE) --no-print-directory all
	@tools/lint.sh $(BUILD)

floors: all
	@$(PYTHON) tools/floors.py . $(BUILD)

install: all
	meson configure -Dprefix=$(PREFIX) $(BUILD)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) $(ASAN) $(FUZZ)

.PHONY: all help deps test demo bench fuzz hostile lint floors install clean
