"""What the stores of tests/remote/ and tests/spark/ are made of: moto in build/venv-remote (requirements.txt), Hadoop's jars in
build/hdfs-jars (pom.xml), and those by which Spark speaks to S3 in build/s3a-jars (s3a.xml), both by Maven."""
import glob
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
VENV, JARS, S3A = (os.path.join(ROOT, "build", name) for name in ("venv-remote", "hdfs-jars", "s3a-jars"))


def hash_of(*names):
    return hashlib.sha256(b"".join(open(os.path.join(HERE, name), "rb").read() for name in names) + sys.version.encode()).hexdigest()


def attempt(*command):
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        print(error, file=sys.stderr)
        return False
    if done.returncode != 0:
        print((done.stdout + done.stderr)[-800:], file=sys.stderr)
    return done.returncode == 0


def install(folder, wanted, make):
    """What is noted in the folder is what it was made by; made anew where that is something else."""
    stamp = os.path.join(folder, "ecluse-remote")
    if os.path.isfile(stamp) and open(stamp, encoding="ascii").read() == wanted:
        return True
    shutil.rmtree(os.path.realpath(folder), ignore_errors=True)
    if os.path.islink(folder):
        os.unlink(folder)
    if not make():
        return False
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
    return True


def copy_jars(pom, folder, one):
    return bool(shutil.which("java")) and attempt(
        "mvn", "-q", "-B", "-f", os.path.join(HERE, pom), "dependency:copy-dependencies", "-DincludeScope=runtime",
        f"-DoutputDirectory={folder}") and bool(glob.glob(os.path.join(folder, one)))


def moto():
    return install(VENV, hash_of("requirements.txt"), lambda: attempt(sys.executable, "-m", "venv", VENV) and attempt(
        os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
        "-r", os.path.join(HERE, "requirements.txt")))


def hadoop():
    return install(JARS, hash_of("pom.xml"), lambda: copy_jars("pom.xml", JARS, "hadoop-hdfs-*.jar"))


def s3a():
    return install(S3A, hash_of("s3a.xml"), lambda: copy_jars("s3a.xml", S3A, "hadoop-aws-*.jar"))
