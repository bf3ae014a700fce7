#!/usr/bin/env python3
"""Where the program's parts come from: the bill of materials against SPDX's own tools, the lock files, dpkg and ldd; and
that nothing is installed by a name without a version."""
import base64
import glob
import json
import os
import re
import subprocess
import unittest

from spdx_tools.spdx.model import Document
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ECLUSE = os.environ.get("ECLUSE") or os.path.join(ROOT, "build", "ecluse")
SBOM = os.path.join(ROOT, "build", "ecluse.spdx.json")


def said(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True, **more).stdout


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(SBOM, encoding="utf-8") as file:
            cls.sbom = json.load(file)
        cls.packages = {package["SPDXID"]: package for package in cls.sbom["packages"]}

    def test_spdx_tools_find_nothing_wrong(self):
        document = parse_file(SBOM)
        self.assertIsInstance(document, Document)
        self.assertEqual([str(message) for message in validate_full_spdx_document(document)], [])
        self.assertEqual(document.creation_info.spdx_version, "SPDX-2.3")

    def test_every_library_that_the_program_loads(self):
        """Told by the loader, which is not who told the script."""
        listed = " ".join(package.get("comment", "") for package in self.packages.values())
        loaded = set()
        for file in (ECLUSE, glob.glob(os.path.join(ROOT, "third_party/node_modules/@duckdb/*/libduckdb.so"))[0]):
            loaded |= set(re.findall(r"^\t(lib\S+) =>", said("ldd", file), re.M))
        self.assertGreater(len(loaded), 10)
        self.assertEqual([name for name in loaded if not re.search(rf"[ ,]{re.escape(name)}(,|$| )", listed)], [])

    def test_versions_are_those_that_are_installed(self):
        debian = [package for name, package in self.packages.items() if name.startswith("SPDXRef-deb-")]
        self.assertGreater(len(debian), 10)
        for package in debian:
            versions = said("dpkg-query", "-W", "-f", "${Version}\n", package["name"]).split()
            self.assertIn(package["versionInfo"], versions, package["name"])
            self.assertTrue(package["externalRefs"][0]["referenceLocator"].startswith(f"pkg:deb/debian/{package['name']}@"))

    def test_every_npm_package_has_the_integrity_of_its_lock_file(self):
        locks = [path for path in said("git", "ls-files", "*package-lock.json", cwd=ROOT).split() if not path.startswith("tests/")]
        listed = {(package["name"], package["versionInfo"], checksum["checksumValue"]) for package in self.packages.values()
                  for checksum in package.get("checksums", [])}
        for lock in locks:
            with open(os.path.join(ROOT, lock), encoding="utf-8") as file:
                entries = json.load(file)["packages"]
            for where, entry in entries.items():
                if where:
                    algorithm, digest = entry["integrity"].split("-", 1)
                    self.assertEqual(algorithm, "sha512")
                    self.assertIn((where.split("node_modules/")[-1], entry["version"], base64.b64decode(digest).hex()), listed, where)

    def test_what_is_shipped_is_told_from_what_builds(self):
        kinds = {relation["relatedSpdxElement"] for relation in self.sbom["relationships"] if relation["relationshipType"] == "DYNAMIC_LINK"}
        shipped = [self.packages[name]["name"] for name in kinds if name.startswith("SPDXRef-npm-")]
        self.assertEqual(len(shipped), 1)
        self.assertTrue(shipped[0].startswith("@duckdb/node-bindings-linux-"))


class Pins(unittest.TestCase):
    def test_python_packages_have_versions_and_those_of_the_tests_hashes(self):
        for path in said("git", "ls-files", "*requirements*.txt", cwd=ROOT).split():
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                wanted = [line for line in file.read().replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
            hashed = r" .*--hash=sha256:[0-9a-f]{64}"
            form = r"\S+==\S+" + (hashed if path in ("tests/requirements.txt", "spark/requirements.txt") else f"({hashed}.*)?$")
            self.assertEqual([line for line in wanted if not re.match(form, line)], [], path)

    def test_npm_is_asked_for_what_the_lock_file_says_and_runs_no_scripts(self):
        with open(os.path.join(ROOT, "scripts/install-dependencies"), encoding="utf-8") as file:
            calls = re.findall(r"^.*\bnpm (?:ci|install|i)\b.*$", file.read(), re.M)
        self.assertTrue(calls)
        self.assertEqual([call for call in calls if "npm ci" not in call or "--ignore-scripts" not in call], [])

    def test_libraries_have_a_minimum_version(self):
        with open(os.path.join(ROOT, "cmake/Dependencies.cmake"), encoding="utf-8") as file:
            modules = re.search(r"IMPORTED_TARGET\s+(.*?)\)", file.read(), re.S).group(1).split()
        self.assertGreater(len(modules), 8)
        self.assertEqual([module for module in modules if ">=" not in module], [])


if __name__ == "__main__":
    unittest.main()
