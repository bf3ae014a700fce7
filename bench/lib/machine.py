"""What the figures were measured on."""
import os
import platform
import re
import subprocess


def line_of(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
        return found.group(1).strip() if found else None
    except OSError:
        return None


def cpu():
    """The processor's name; family and model where the name alone says little."""
    name = line_of("/proc/cpuinfo", r"^model name\s*:(.*)") or platform.machine()
    family, model = line_of("/proc/cpuinfo", r"^cpu family\s*:(.*)"), line_of("/proc/cpuinfo", r"^model\s*:(.*)")
    return f"{name} (family {family}, model {model})" if family else name


def vectors():
    flags = (line_of("/proc/cpuinfo", r"^(?:flags|Features)\s*:(.*)") or "").split()
    found = [shown for flag, shown in (("avx2", "AVX2"), ("avx512bw", "AVX-512"), ("asimd", "NEON")) if flag in flags]
    return ", ".join(found) or "none known"


def commit(root):
    done = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode().strip() or "unknown"


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")


def describe(root):
    memory = int(line_of("/proc/meminfo", r"^MemTotal:\s*(\d+)") or 0) / 1048576
    system = line_of("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or platform.system()
    return [("processor", cpu()), ("processors", str(os.cpu_count())), ("vectors", vectors()), ("memory", f"{memory:.0f} GiB"),
            ("system", f"{system}, Linux {platform.release()}"), ("commit", commit(root)),
            ("load before", " ".join(f"{value:.1f}" for value in os.getloadavg()))]
