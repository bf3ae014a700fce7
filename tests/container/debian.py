"""A bare Debian in a folder, made of Debian's packages: what an image is built on, and a package installed into.

It is made once per build folder (build/debian, or build/debian-SUITE for another than Debian 12) and copied for each use. The repositories are those that apt asks here;
no file of ours names one.
"""
import os
import shutil
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SUITE = "bookworm"
# As the official slim image: no manuals, no documentation but copyrights, no translations.
SLIM = """path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
"""
SLIM_REMOVED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "var/lib/apt/lists", "var/cache/apt")
MOUNTED = ("proc", "dev", "dev/pts")  # terminals, too
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


class Skip(Exception):
    """What is missing on this machine; the test that needs it is skipped."""


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"there is no {program} on this machine")
    if os.geteuid() != 0:
        raise Skip("only root can make and enter another root")


def quiet(*command, **more):
    """Runs a command; its output is shown where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-8000:]}")
    return done.stdout


def repositories():
    """Lines of a sources.list: what apt asks here for this Debian."""
    said = quiet("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages", "Origin: Debian")
    lines = sorted({line for line in said.splitlines() if line.split()[1].startswith(SUITE)}, key=lambda line: len(line.split()[1]))
    if not lines:
        raise Skip(f"apt knows no repository of Debian {SUITE} here")
    return [f"deb {line}" for line in lines]


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def base(suite=SUITE):
    """The folder; not to be written to."""
    need("debootstrap", "apt-get")
    name = "debian" if suite == SUITE else f"debian-{suite}"
    folder = os.path.join(ROOT, "build", name)
    if os.path.isfile(folder + ".made"):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    lines = repositories()
    print(f"making a bare Debian {suite} in {os.path.relpath(folder, ROOT)}", file=sys.stderr, flush=True)
    quiet("debootstrap", "--variant=minbase", suite, folder, lines[0].split()[1])
    if suite != SUITE:  # from where this one's packages come; its updates are of another name
        lines = [f"deb {lines[0].split()[1]} {suite} main"]
    write(folder, "etc/apt/sources.list", "\n".join(lines) + "\n")
    write(folder, "etc/dpkg/dpkg.cfg.d/docker", SLIM)
    for name in SLIM_REMOVED:
        path = os.path.join(folder, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
    os.makedirs(os.path.join(folder, "var/cache/apt/archives/partial"))
    write(folder, f"../{name}.made", suite + "\n")
    return folder


def copy(target, suite=SUITE):
    subprocess.run(["cp", "-a", "--reflink=auto", base(suite) + "/.", target], check=True)


class Root:
    """A copy of it that one can enter, with the network's names and the settings of apt as here."""

    def __init__(self, folder, suite=SUITE):
        self.folder = folder
        if not os.path.isdir(folder):
            os.makedirs(folder)
            copy(folder, suite)
        for name in ("etc/resolv.conf", "etc/hosts"):
            shutil.copy("/" + name, os.path.join(folder, name))
        for name in MOUNTED:
            quiet("mount", "--bind", f"/{name}", os.path.join(folder, name))

    def close(self):
        for name in reversed(MOUNTED):
            subprocess.run(["umount", "--lazy", os.path.join(self.folder, name)], check=False)

    def call(self, *command, user=None, environment=None):
        """Exit status and output."""
        enter = ["chroot", *(["--userspec", user] if user else []), self.folder]
        done = subprocess.run([*enter, *command], env={**ENVIRONMENT, **(environment or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout
