#!/usr/bin/env python3
"""The workflow: its form (actionlint), its rights and pins, and each step's script, run with a stand-in for docker that
runs this build's program on the folders that would be mounted."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ECLUSE = os.environ.get("ECLUSE") or os.path.join(ROOT, "build", "ecluse")
WORKFLOW = os.path.join(ROOT, ".github", "workflows", "docker-image.yml")
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"

# What it is called with is kept; `run` takes --volume A:B to mean that B is A.
DOCKER = r'''#!%s
import json, os, shutil, subprocess, sys, tempfile
arguments = sys.argv[1:]
with open(os.environ["DOCKER_CALLS"], "a") as file:
    file.write(json.dumps(arguments) + "\n")
if arguments[0] == "login":
    sys.stdin.read()
elif arguments[0] == "save":
    sys.stdout.write("the image " + arguments[1])
elif arguments[0] == "load":
    assert sys.stdin.read().startswith("the image ")
elif arguments[0] == "run":
    flags, volumes, entry, at = {"--rm", "--read-only"}, {}, None, 1
    while arguments[at].startswith("-"):
        name = arguments[at]
        at += 1 if name in flags else 2
        if name == "--volume":
            host, inside = arguments[at - 1].split(":")[:2]
            volumes[inside] = host
        elif name == "--entrypoint":
            entry = arguments[at - 1]
    image, command = arguments[at], arguments[at + 1:]
    if entry:
        sys.exit(subprocess.call([entry] + [volumes.get(word, word) for word in command]))
    project = tempfile.mkdtemp()
    for inside, host in volumes.items():
        os.symlink(host, os.path.join(project, os.path.basename(inside)))
    code = subprocess.call([os.environ["ECLUSE"], "-C", project] + command)
    shutil.rmtree(project)
    sys.exit(code)
'''


def workflow():
    with open(WORKFLOW, encoding="utf-8") as file:
        return yaml.safe_load(file)


def actionlint():
    """Where it is, or can be had; None where not."""
    tools = os.path.join(ROOT, "build", "tools")
    found = shutil.which("actionlint", path=tools + os.pathsep + os.environ["PATH"])
    if found or not shutil.which("go"):
        return found
    subprocess.run(["go", "install", ACTIONLINT], env={**os.environ, "GOBIN": tools}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return shutil.which("actionlint", path=tools)


class Form(unittest.TestCase):
    def test_actionlint(self):
        program = actionlint()
        if not program:
            self.skipTest("there is no actionlint, and no Go that could build it")
        done = subprocess.run([program, "-no-color", WORKFLOW], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_actions_are_pinned_by_commit_and_say_their_release(self):
        with open(WORKFLOW, encoding="utf-8") as file:
            used = re.findall(r"uses: *(.*)", file.read())
        self.assertTrue(used)
        self.assertEqual([use for use in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)], [])

    def test_rights_are_least(self):
        text = workflow()
        self.assertEqual(text["permissions"], {"contents": "read"})
        self.assertEqual([name for name, job in text["jobs"].items() if "permissions" in job], [])
        self.assertIn("concurrency", text)
        checkouts = [step for job in text["jobs"].values() for step in job["steps"] if "checkout" in step.get("uses", "")]
        self.assertEqual([step for step in checkouts if step["with"]["persist-credentials"] is not False], [])
        self.assertIn("pull_request", text["jobs"]["run"]["if"])

    def test_no_expression_is_pasted_into_a_script(self):
        """A branch's name would be a command there."""
        scripts = [step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step]
        self.assertEqual([script for script in scripts if "${{" in script], [])

    def test_what_must_happen_after_a_failure_does(self):
        always = [step["name"] for step in workflow()["jobs"]["run"]["steps"] if step.get("if") == "always()"]
        self.assertEqual(always, ["Repair permissions", "Summary and annotations", "Collect logs, dashboard and reports",
                                  "Upload logs, dashboard and reports"])

    @unittest.skipUnless(shutil.which("shellcheck"), "there is no shellcheck")
    def test_shellcheck(self):
        scripts = [os.path.join(ROOT, "packaging", folder, name) for folder in ("ci", "docker") for name in os.listdir(os.path.join(ROOT, "packaging", folder))
                   if name != "summary"]
        done = subprocess.run(["shellcheck", *scripts], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Steps(unittest.TestCase):
    """The steps of a job, in their order, as a runner takes them: a copy of the checkout, outputs, a summary."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.checkout = os.path.join(self.folder, "checkout")
        self.home = os.path.join(self.folder, "home")
        os.makedirs(self.checkout)
        os.makedirs(self.home)
        files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "packaging", "config", "transformations", "Dockerfile"],
                               cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        subprocess.run(["cp", "--parents", "-t", self.checkout, *files.strip("\0").split("\0")], cwd=ROOT, check=True)
        subprocess.run("git init -q && git add -A && git -c user.name=t -c user.email=t@example.org commit -qm one", shell=True, cwd=self.checkout, check=True)
        docker = os.path.join(self.folder, "docker")
        with open(docker, "w", encoding="utf-8") as file:
            file.write(DOCKER % sys.executable)
        os.chmod(docker, os.stat(docker).st_mode | stat.S_IXUSR)
        self.environment = {**os.environ, "PATH": self.folder + os.pathsep + os.environ["PATH"], "ECLUSE": ECLUSE, "ECLUSE_HOME": self.home,
                            "DOCKER_CALLS": self.path("calls"), "GITHUB_OUTPUT": self.path("output"), "GITHUB_STEP_SUMMARY": self.path("summary")}
        for name in ("GITHUB_REF_TYPE", "GITHUB_REF_NAME"):
            self.environment.pop(name, None)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def step(self, job, name, code=0, **environment):
        script = next(step["run"] for step in workflow()["jobs"][job]["steps"] if step["name"] == name)
        done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=self.checkout, env={**self.environment, **environment},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def calls(self, word):
        return [call for call in map(json.loads, self.read("calls").splitlines()) if call[0] == word]

    def output(self, name):
        return dict(line.split("=", 1) for line in self.read("output").splitlines())[name]

    def test_an_image_is_tagged_by_day_and_commit_or_by_its_release(self):
        self.step("image", "Build and tag")
        self.assertRegex(self.output("image"), r"^ecluse:20\d{6}-[0-9a-f]{12}$")
        for tag, version in (("v1.2.3", "1.2.3"), ("v1.2.3-rc.1", "1.2.3-rc.1")):
            self.step("image", "Build and tag", GITHUB_REF_TYPE="tag", GITHUB_REF_NAME=tag)
            self.assertEqual(self.output("image"), f"ecluse:{version}")
        self.step("image", "Build and tag", GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1.2; id")
        self.assertRegex(self.output("image"), r"^ecluse:20\d{6}-[0-9a-f]{12}$")
        built = self.calls("build")[1]
        self.assertIn("VERSION=1.2.3", built)
        self.assertIn("USER_ID=1000", built)

    def test_an_image_reaches_the_other_job_and_the_registry(self):
        self.step("image", "Keep the image", IMAGE="ecluse:1.2.3")
        self.step("run", "Load the image", IMAGE="ecluse:1.2.3")
        registry = {"IMAGE_REGISTRY": "registry.example/shop", "REGISTRY_USER": "u", "REGISTRY_PASSWORD": "secret"}
        self.step("image", "Push the image", IMAGE="ecluse:1.2.3", **registry)
        self.step("image", "Push the image", IMAGE="ecluse:1.2.3-rc.1", **registry)
        self.assertEqual([call[1] for call in self.calls("push")],
                         ["registry.example/shop/ecluse:1.2.3", "registry.example/shop/ecluse:latest", "registry.example/shop/ecluse:1.2.3-rc.1"])
        self.assertNotIn("secret", self.read("calls"))
        self.assertEqual(len(self.calls("logout")), 2)

    def run_job(self, code):
        self.step("run", "Run the pipeline", code=code, IMAGE="ecluse:1")
        self.step("run", "Repair permissions", IMAGE="ecluse:1")
        said = self.step("run", "Summary and annotations", EXIT_CODE=self.output("exit-code"))
        self.step("run", "Collect logs, dashboard and reports")
        return said

    def test_a_run_that_is_well(self):
        subprocess.run([ECLUSE, "generate", os.path.join(self.home, "data/raw"), "--size", "200KB", "--defects", "0", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        self.assertNotIn("::error", self.run_job(0))
        self.assertIn("Exit code 0: done", self.read("summary"))
        self.assertIn("<code>products_catalog.csv</code>", self.read("summary"))
        call = self.calls("run")[0]
        for word in ("--read-only", "no-new-privileges", f"{os.getuid()}:{os.getgid()}"):
            self.assertIn(word, call)
        self.assertEqual(call[call.index("--cap-drop") + 1], "ALL")
        kept = os.listdir(os.path.join(self.checkout, "reports"))
        self.assertIn("dashboard.html", kept)
        self.assertNotIn("quarantine", kept)
        self.assertEqual(len(os.listdir(os.path.join(self.checkout, "reports/logs"))), 1)

    def test_a_gate_that_fails_fails_the_step_and_is_told(self):
        raw = os.path.join(self.home, "data/raw")
        os.makedirs(raw)
        with open(os.path.join(raw, "sales_%0A|<b>.csv"), "w", encoding="utf-8") as file:
            file.write("no,sale\n1,2\n")
        said = self.run_job(1)
        self.assertRegex(said, r"(?m)^::error title=sales_%250A\|<b>\.csv errored::")
        summary = self.read("summary")
        self.assertIn("Exit code 1: a quality gate failed", summary)
        self.assertIn("<code>sales_%0A&#124;&lt;b&gt;.csv</code>", summary)
        self.assertIn("quality_alert.txt", os.listdir(os.path.join(self.checkout, "reports")))

    def test_a_run_that_never_was(self):
        """The steps behind go on without its outputs."""
        self.step("run", "Repair permissions", code=1, IMAGE="ecluse:1")  # there are no folders
        self.assertIn("::error title=pipeline::exit code none", self.step("run", "Summary and annotations", EXIT_CODE=""))
        self.assertIn("No report was written.", self.read("summary"))
        self.step("run", "Collect logs, dashboard and reports")


if __name__ == "__main__":
    unittest.main()
