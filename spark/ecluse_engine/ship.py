"""What goes to the executors with the job: the program with its libraries, and this package."""
from __future__ import annotations

import os
import re
import subprocess
import tarfile
import zipfile

from .failure import Failure

FOLDER = "ecluse-app"  # its name in an executor's working folder
# Of the system itself: a program brings its libraries along, but not its C library and loader.
SYSTEM = re.compile(r"^(ld-linux.*|linux-vdso.*|lib(c|m|dl|rt|pthread|resolv|util|gcc_s|stdc\+\+))\.so")
CURL = "libcurl.so.4"
# Unpacking may lose the right to run it.
START = "d=$PWD/{folder}; [ -x $d/bin/ecluse ] || chmod 755 $d/bin/ecluse; LD_LIBRARY_PATH=$d/lib exec $d/bin/ecluse \"$@\""


def libraries(program: str) -> dict[str, str]:
    """Name and path of all shared libraries that the program and those that it loads need, but the system's own."""
    found = {"libduckdb.so": _duckdb(program), **_curl()}
    for file in (program, *list(found.values())):
        listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout
        for name, path in re.findall(r"^\s*(\S+) => (/\S+)", listed, re.M):
            if not SYSTEM.match(name):
                found.setdefault(name, path)
    return found


def _curl() -> dict[str, str]:
    """What stores are spoken to with, where this system has it."""
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    path = re.search(rf"^\s*{re.escape(CURL)} \([^)]*\) => (/\S+)", known, re.M)
    return {CURL: path.group(1)} if path else {}


def _duckdb(program: str) -> str:
    """Where the program itself finds it: its RUNPATH, or the system's folders."""
    header = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=False).stdout
    folders = [folder for paths in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", header) for folder in paths.split(":")]
    given = os.environ.get("ECLUSE_DUCKDB")
    beside = os.path.join(os.path.dirname(program), "..", "lib")
    for folder in [*folders, beside, "/usr/local/lib", "/usr/lib"]:
        path = os.path.join(folder.replace("$ORIGIN", os.path.dirname(program)), "libduckdb.so")
        if os.path.isfile(path) and not given:
            return path
    if given and os.path.isfile(given):
        return given
    raise Failure("engine", "libduckdb.so is not where the program looks for it; ECLUSE_DUCKDB names its place")


def pack(program: str, folder: str) -> str:
    """The archive for SparkContext.addArchive(), in the folder."""
    path = os.path.join(folder, "ecluse-app.tar")
    with tarfile.open(path, "w") as archive:
        archive.add(os.path.realpath(program), "bin/ecluse")
        for name, library in sorted(libraries(program).items()):
            archive.add(os.path.realpath(library), f"lib/{name}")
    return path


def pack_modules(folder: str) -> str:
    """This package as a zip, for SparkContext.addPyFile()."""
    path = os.path.join(folder, "ecluse_engine.zip")
    here = os.path.dirname(os.path.abspath(__file__))
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(os.listdir(here)):
            if name.endswith(".py"):
                archive.write(os.path.join(here, name), f"ecluse_engine/{name}")
    return path
