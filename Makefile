# The front door. `make` builds build/ecluse, `make check` builds and passes the tests.
BUILD   ?= build
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local
IMAGE   ?= ecluse

.PHONY: all deps install deb image check check-all bless bench format lint clean help

all: deps
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

help:
	@echo "make            build build/ecluse (installs what is missing first)"
	@echo "make install    install into PREFIX (/usr/local), below DESTDIR where it is set"
	@echo "make deb        the Debian package, build/deb/ecluse_VERSION_ARCH.deb"
	@echo "make image      the container image, by docker, podman or buildah (docs/deploy.md)"
	@echo "make check      build and pass the tests, also under ASan and UBSan"
	@echo "make check-all  that, package and image for real, arm64, the sweeps of faults at full size (hours)"
	@echo "make bench      measure against DuckDB, pandas and the floor (BENCH='--size 5GB'; docs/performance.md)"
	@echo "make bless      rewrite the expected outputs of the golden cases"
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

check-all: check
	@scripts/install-dependencies --all
	@tests/run install container arm64
	@$(BUILD)/venv/bin/python -B tests/faults/sweep

bless: all
	@tests/golden/run --bless $(BUILD)/ecluse

bench: deps
	@cmake --preset release -DEC_BENCH=ON >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@bench/run $(BENCH)

format:
	@git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | xargs clang-format -i

lint: all
	@git ls-files 'src/*.c' | xargs clang-tidy -p $(BUILD) --quiet

clean:
	@rm -rf build build-asan
