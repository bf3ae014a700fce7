# The front door. `make` builds build/ecluse, `make check` builds and passes the tests.
BUILD   ?= build
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local
IMAGE   ?= ecluse

T       ?=
S       ?= 60

.PHONY: all deps install deb image check check-all check-spark fuzz po bless bench format lint clean help

all: deps
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

help:
	@echo "make            build build/ecluse (installs what is missing first)"
	@echo "make install    install into PREFIX (/usr/local), below DESTDIR where it is set"
	@echo "make deb        the Debian package, build/deb/ecluse_VERSION_ARCH.deb"
	@echo "make image      the container image, by docker, podman or buildah (docs/deploy.md)"
	@echo "make check      build and pass the tests, also under ASan and UBSan"
	@echo "make check-all  that, and clang, every SIMD variant, ThreadSanitizer, valgrind, clang-tidy, coverage and"
	@echo "                the sweeps of faults at full size: hours. No failure stops it; RESUME=1 goes on where it"
	@echo "                was interrupted; one stage alone: tests/run STAGE"
	@echo "make fuzz       libFuzzer on a target for some seconds (T=csv S=60; all of them without T; tests/fuzz/README.md)"
	@echo "make check-spark  the tests on Spark; installs it into build/venv-spark"
	@echo "make bench      measure against DuckDB, pandas and the floor (BENCH='--size 5GB'; docs/performance.md)"
	@echo "make bless      rewrite the expected outputs of the golden cases"
	@echo "make po         bring po/ up to date with the sentences of src/ (docs/translating.md)"
	@echo "make format     clang-format over src/ and tests/"
	@echo "make lint       clang-tidy over src/"
	@echo "make clean      remove the build folders"

# A build of its own: where things lie is written into the units of systemd.
install: deps
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --strip

deb: deps
	@cmake --preset release -B $(BUILD)/deb -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_TESTING=OFF $(CMAKE_FLAGS) >/dev/null
	@cmake --build $(BUILD)/deb -j $(JOBS)
	@cd $(BUILD)/deb && cpack -G DEB >/dev/null
	@ls $(BUILD)/deb/ecluse_*.deb

image:
	@packaging/docker/build $(IMAGE)

deps:
	@scripts/install-dependencies

check:
	@scripts/install-dependencies --tests
	@tests/run

# What cannot be installed is skipped by the stage that needs it.
check-all:
	-@scripts/install-dependencies --all
	@tests/run $(if $(RESUME),--resume) all

# 77 is its word for skipped: it has said why.
check-spark: all
	@tests/spark/run || [ $$? -eq 77 ]

fuzz:
	@scripts/install-dependencies --tests
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz -j $(JOBS)
	@tests/fuzz/run --seconds $(S) $(T)

bless: all
	@tests/golden/run --bless $(BUILD)/ecluse

bench: deps
	@cmake --preset release -DEC_BENCH=ON >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@bench/run $(BENCH)

po:
	@po/update

format:
	@git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | xargs clang-format -i

lint:
	@tests/run tidy

clean:
	@rm -rf build build-*
