#!/usr/bin/env node
// Writes what a built program is made of as SPDX 2.3 JSON: the shared libraries that it and DuckDB's
// library load, each with its Debian package and version; the npm packages of every lock file, with
// their integrity. The same inputs give the same bytes.
//
//   scripts/sbom.mjs --program build/ecluse --library …/libduckdb.so --source . --version 0.1.0 --epoch SECONDS --out FILE
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

const text = { type: "string" };
const { values: options } = parseArgs({
  options: { program: text, library: text, source: text, version: text, epoch: text, out: text },
});

// Standard output of a program, null where it failed or is not there.
function output(program, ...args) {
  const done = spawnSync(program, args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8" } });
  return done.status === 0 ? done.stdout : null;
}

const sha = (name, data) => createHash(name).update(data).digest("hex");

// ---- shared libraries ----

function needed(file) {
  const said = output("readelf", "-dW", file) ?? "";
  return [...said.matchAll(/\(NEEDED\).*\[(.+?)\]/g)].map((match) => match[1]);
}

// The folders of the machine that the program is built for, which need not be this one.
function folders(file) {
  const machine = /Machine:\s+(.*)/.exec(output("readelf", "-hW", file) ?? "")?.[1] ?? "";
  const triplet = machine.includes("AArch64") ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return [`/lib/${triplet}`, `/usr/lib/${triplet}`, `/usr/${triplet}/lib`, "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
}

function closure(files) {
  const found = new Map();
  const queue = files.flatMap((file) => needed(file));
  const where = folders(files[0]);
  while (queue.length > 0) {
    const name = queue.pop();
    if (found.has(name)) continue;
    const folder = where.find((folder) => existsSync(path.join(folder, name)));
    found.set(name, folder ? realpathSync(path.join(folder, name)) : null);
    if (folder) queue.push(...needed(path.join(folder, name)));
  }
  return found;
}

// The Debian package of a file; dpkg knows some by the folder before /usr was merged.
function debian(file) {
  const said = output("dpkg", "-S", file) ?? output("dpkg", "-S", file.replace(/^\/usr\//, "/"));
  const name = said?.split(": ")[0].split(",")[0].trim();
  if (!name) return null;
  const fields = output("dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}", name);
  const [binary, version, architecture, source, sourceVersion] = fields?.split("\t") ?? [];
  return version ? { name: binary.split(":")[0], version, architecture, source, sourceVersion } : null;
}

function libraryPackages() {
  const packages = new Map();
  for (const [soname, file] of [...closure([options.program, options.library])].sort()) {
    const owner = file && debian(file);
    const key = owner ? owner.name : soname;
    const entry = packages.get(key) ?? { owner, files: [] };
    entry.files.push(soname);
    packages.set(key, entry);
  }
  return [...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { owner, files }]) => ({
    SPDXID: id("deb", name),
    name,
    versionInfo: owner?.version ?? "NOASSERTION",
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    comment: `shared libraries: ${files.join(", ")}`,
    ...(owner && {
      supplier: "Organization: Debian",
      sourceInfo: `built from the Debian source package ${owner.source} ${owner.sourceVersion}`,
      externalRefs: [purl(`pkg:deb/debian/${name}@${encodeURIComponent(owner.version)}?arch=${owner.architecture}`)],
    }),
  }));
}

// ---- npm ----

const LICENSE = /^[A-Za-z0-9.+-]+$/; // a single identifier; expressions are not checked here

function checksums(integrity) {
  return (integrity ?? "").split(/\s+/).filter(Boolean).map((word) => {
    const dash = word.indexOf("-");
    return { algorithm: word.slice(0, dash).toUpperCase(), checksumValue: Buffer.from(word.slice(dash + 1), "base64").toString("hex") };
  });
}

function npmPackages(lockFile) {
  const lock = JSON.parse(readFileSync(lockFile, "utf8"));
  const shipped = options.library.split("node_modules/").pop().split("/").slice(0, -1).join("/");
  return Object.entries(lock.packages).filter(([where]) => where !== "").sort(([a], [b]) => (a < b ? -1 : 1)).map(([where, entry]) => {
    const name = where.split("node_modules/").pop();
    return {
      shipped: name === shipped,
      package: {
        SPDXID: id("npm", `${path.basename(path.dirname(lockFile))}-${where.replaceAll("node_modules/", "")}`),
        name,
        versionInfo: entry.version,
        downloadLocation: "NOASSERTION",
        filesAnalyzed: false,
        checksums: checksums(entry.integrity),
        licenseConcluded: "NOASSERTION",
        licenseDeclared: LICENSE.test(entry.license ?? "") ? entry.license : "NOASSERTION",
        copyrightText: "NOASSERTION",
        comment: `npm integrity: ${entry.integrity}`,
        externalRefs: [purl(`pkg:npm/${name.replace("@", "%40")}@${entry.version}`)],
      },
    };
  });
}

// ---- the document ----

function id(kind, name) {
  return `SPDXRef-${kind}-${name.replace(/[^A-Za-z0-9.-]+/g, "-")}`;
}

function purl(locator) {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: locator };
}

function relation(from, type, to) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}

const root = "SPDXRef-ecluse";
const libraries = libraryPackages();
const npm = ["third_party", "dashboard"].map((folder) => path.join(options.source, folder, "package-lock.json")).filter(existsSync).flatMap(npmPackages);
const program = {
  SPDXID: root,
  name: "ecluse",
  versionInfo: options.version,
  downloadLocation: "NOASSERTION",
  filesAnalyzed: false,
  licenseConcluded: "NOASSERTION",
  licenseDeclared: "Apache-2.0",
  copyrightText: "NOASSERTION",
  primaryPackagePurpose: "APPLICATION",
};
const content = {
  packages: [program, ...libraries, ...npm.map((entry) => entry.package)],
  relationships: [
    relation("SPDXRef-DOCUMENT", "DESCRIBES", root),
    ...libraries.map((entry) => relation(root, "DYNAMIC_LINK", entry.SPDXID)),
    ...npm.map((entry) => (entry.shipped ? relation(root, "DYNAMIC_LINK", entry.package.SPDXID) : relation(entry.package.SPDXID, "BUILD_DEPENDENCY_OF", root))),
  ],
};
const digest = sha("sha256", JSON.stringify(content));
const document = {
  spdxVersion: "SPDX-2.3",
  dataLicense: "CC0-1.0",
  SPDXID: "SPDXRef-DOCUMENT",
  name: `ecluse-${options.version}`,
  // A name of its own for every content, and the same for the same.
  documentNamespace: `urn:uuid:${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`,
  creationInfo: {
    created: new Date(Number(options.epoch) * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
    creators: [`Tool: ecluse-sbom-${options.version}`],
  },
  ...content,
};
writeFileSync(options.out, `${JSON.stringify(document, null, 2)}\n`);
