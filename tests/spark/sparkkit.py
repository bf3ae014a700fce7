"""Runs on Spark, for the tests: real executors in processes of their own, and programs that can be held up."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "spark")]
import kit  # noqa: E402

MASTER = "local-cluster[2,1,1024]"
AS_OF = kit.AS_OF
CONF = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1", "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4", "spark.databricks.delta.snapshotPartitions": "2",
        "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


def environment(**conf):
    settings = " ".join(f"--conf {key}={value}" for key, value in {**CONF, **conf}.items())
    home = {name: os.environ[name] for name in ("JAVA_HOME", "HOME") if name in os.environ}
    return kit.environment(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1", **home,
                           PYSPARK_SUBMIT_ARGS=f"{settings} --driver-memory 1g pyspark-shell")


def command(project, master, *arguments):
    return [kit.ECLUSE, "-C", project.folder, "run", "--as-of", AS_OF, "--no-archive", "--engine", "spark", "--master", master, *arguments]


def start(project, *arguments, env=None, master=MASTER):
    return subprocess.Popen(command(project, master, *arguments), env=env or environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(process, code=0):
    out, err = process.communicate()
    if process.returncode != code:
        raise AssertionError(f"ended with {process.returncode}, not {code}\n{out}\n{err}")
    return kit.Result(process.returncode, out, err)


def run(project, *arguments, code=0, env=None):
    return finish(start(project, *arguments, env=env), code)


def end(process):
    if process.poll() is None:
        process.kill()
        process.communicate()


def apart_from(folder):
    """Words before a command's that keep it from seeing what lies in the folder."""
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
            f"mount -t tmpfs none {folder} && exec \"$@\"", "sh"]


def can_be_apart():
    with tempfile.TemporaryDirectory(dir=kit.scratch) as folder:
        try:
            return subprocess.run([*apart_from(folder), "true"], capture_output=True, check=False).returncode == 0
        except OSError:
            return False


class Cluster:
    """A standalone cluster of one worker per address of this machine. With `folder` it does not see what the tests have
    made, as machines of their own would not: an empty folder lies over all of that, in a mount namespace of its processes,
    whose files are in `folder`. `more` is their environment besides."""

    def __init__(self, hosts, folder=None, **more):
        import pyspark

        self.hosts, self.folder, self.more = hosts, folder or kit.scratch, more
        self.apart = apart_from(kit.scratch) if folder else []
        self.program = os.path.join(os.path.dirname(pyspark.__file__), "bin", "spark-class")
        self.processes = []
        with socket.socket() as free:
            free.bind((hosts[0], 0))
            self.port = free.getsockname()[1]
        self.url = f"spark://{hosts[0]}:{self.port}"

    def _start(self, *words):
        folder = tempfile.mkdtemp(dir=self.folder)
        own = {**environment(), "SPARK_WORKER_DIR": folder, "SPARK_LOCAL_DIRS": folder, **self.more}
        with open(os.path.join(folder, "log"), "wb") as log:
            self.processes.append(subprocess.Popen([*self.apart, self.program, *words], cwd=folder, env=own, stdin=subprocess.DEVNULL, stdout=log,
                                                   stderr=log))

    def __enter__(self):
        self._start("org.apache.spark.deploy.master.Master", "--host", self.hosts[0], "--port", str(self.port), "--webui-port", "0")
        for host in self.hosts:
            self._start("org.apache.spark.deploy.worker.Worker", "--host", host, "--webui-port", "0", "-c", "1", "-m", "1g", self.url)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


# ---------------------------------------------------------------- processes


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def ancestors(pid):
    found = []
    while pid > 1:
        found.append(pid)
        pid = _parent(pid)
    return found


def _words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def executor_of(pid, root):
    """The JVM of the executor that started the process: one that descends from `root`, which the test started."""
    above = ancestors(pid)
    if root not in above:
        return None
    return next((one for one in above if "CoarseGrainedExecutorBackend" in _words(one)), None)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


# ---------------------------------------------------------------- a program that can be held up

# In the place of `ecluse` on the executors. Every call has a number, in order of the calls; what it was given is kept
# in tasks.<number>. The calls that `hold` names wait for the file `go`: before they work, or, with `after`, when all is
# done but the answer.
WRAPPER = """#!{python}
import os, subprocess, sys, time
base = {base!r}
number = 1
while True:
    try:
        os.mkdir(os.path.join(base, f"call.{{number}}"))
        break
    except FileExistsError:
        number += 1
given = sys.stdin.buffer.read()
with open(os.path.join(base, f"words.{{number}}"), "w") as file:
    file.write("\\n".join(sys.argv))
with open(os.path.join(base, f"tasks.{{number}}.new"), "wb") as file:
    file.write(given)
os.rename(os.path.join(base, f"tasks.{{number}}.new"), os.path.join(base, f"tasks.{{number}}"))

def wait():
    with open(os.path.join(base, f"waits.{{number}}.new"), "w") as file:
        file.write(str(os.getpid()))
    os.rename(os.path.join(base, f"waits.{{number}}.new"), os.path.join(base, f"waits.{{number}}"))
    while not os.path.exists(os.path.join(base, "go")):
        if os.getppid() == 1:
            sys.exit(1)
        time.sleep(0.05)

held = ({hold})(number)
if held and not {after}:
    wait()
done = subprocess.run([{program!r}] + [word for word in sys.argv[1:] if word != "--tied"], input=given, stdout=subprocess.PIPE)
if held and {after}:
    wait()
sys.stdout.buffer.write(done.stdout)
sys.stdout.buffer.flush()
sys.exit(done.returncode)
"""


class Held:
    def __init__(self, folder, hold, after=False):
        self.folder = folder
        os.makedirs(folder)
        self.path = os.path.join(folder, "ecluse")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(WRAPPER.format(python=sys.executable, base=folder, hold=hold, after=after, program=kit.ECLUSE))
        os.chmod(self.path, 0o755)

    def wait_for(self, what, process):
        """Until a file of that kind is there; its name's number and content. The process must be running meanwhile."""
        while process.poll() is None:
            for name in sorted(os.listdir(self.folder)):
                if name.startswith(what + ".") and not name.endswith(".new"):
                    with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                        return int(name.split(".")[1]), file.read()
            time.sleep(0.05)
        raise AssertionError(f"the run ended first\n{process.communicate()}")

    def go(self):
        with open(os.path.join(self.folder, "go"), "w", encoding="utf-8"):
            pass

    def lines(self, key):
        """{number of the call: the lines that it was given and that have this key}."""
        calls = {}
        for name in os.listdir(self.folder):
            if name.startswith("tasks.") and not name.endswith(".new"):
                with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                    calls[int(name.split(".")[1])] = [line for line in map(json.loads, file) if key in line]
        return calls

    def given(self):
        """{number of the call: names of its tasks}."""
        return {number: [line["task"] for line in lines] for number, lines in self.lines("task").items()}

    def words(self):
        """The command line of each call."""
        for name in os.listdir(self.folder):
            if name.startswith("words."):
                with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                    yield file.read()
