"""Builds with a mistake in them. Each must be found by the sweep that it names; if not, the sweep proves nothing.

A mutant is one source file with one piece of text replaced; it is compiled by the command of the ordinary build, and
linked before the library, whose own object of that name is then left out."""
import collections
import json
import os
import re
import shlex
import subprocess

import lab

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.dirname(lab.ECLUSE)

# sweep: undisturbed (a run, then a power cut), race, or (call, fault, part of a path): that fault at each such call.
Mutant = collections.namedtuple("Mutant", "name rule file old new sweep always")

MUTANTS = (
    Mutant("the commit renames over", "C3", "src/base/io.c", "    if (ec_io.link(tmp, path) != 0) {",
           "    if (ec_io.rename(tmp, path) == 0) return ec_dir_sync_parent(path, err);\n    {", "race", True),
    Mutant("files are not synced", "C1", "src/base/durable.c", "if (fd < 0 || ec_io.fsync(fd) != 0)", "if (fd < 0 || (item->fd < 0 && ec_io.fsync(fd) != 0))",
           "undisturbed", True),
    Mutant("folders are not synced", "C1", "src/base/durable.c", "    sync_folders(&d->folders);\n", "    (void)sync_folders;\n", "undisturbed", True),
    Mutant("a log entry is not synced", "C3", "src/base/io.c", "    status = ec_file_finish(fd, tmp, err);\n", "    (void)ec_io.close(fd);\n", "undisturbed", True),
    Mutant("the log's folder is not synced", "C6", "src/base/io.c",
           "    if (status == EC_OK) status = ec_dir_sync_parent(path, err);\n    return status;\n", "    return status;\n", "undisturbed", True),
    Mutant("a failed sync is tried again", "C5", "src/base/durable.c", "ec_io.fsync(fd) != 0) item->cause", "(ec_io.fsync(fd) != 0 && ec_io.fsync(fd) != 0)) item->cause",
           ("fsync", "EIO", ""), False),
    Mutant("a commit that is found is not synced", "C7", "src/store/delta_write.c", "    EC_TRY(ec_dir_sync(log, err));\n    *version = table->txn_at >= 0",
           "    *version = table->txn_at >= 0", ("link", "kill-after", "_delta_log"), False),
    Mutant("what an interrupted run wrote is not doubted", "C15", "src/base/durable.c", "    d->doubt = true;\n", "    (void)d;\n",
           ("rename", "kill-after", "data"), False),
    Mutant("what is found of a run is not synced", "C7", "src/run/recover.c", "ec_path_exists(dir) ? ec_dir_sync_up(dir, 1, err) : EC_OK;", "EC_OK;",
           ("link", "kill-after", "data/runs"), False),
    Mutant("a run is not rolled forward", "C10", "src/run/recover.c", "        if (list.finished[i]) continue;", "        if (list.seq[i]) continue;",
           ("link", "kill-after", "data/runs"), False),
    Mutant("what nobody names is not removed", "C11", "src/store/delta_sweep.c", "    return push(sweep, victims, path, err);\n", "    return EC_OK;\n",
           ("link", "kill-after", "enriched"), False),
    Mutant("the manifest comes before the parts", "C1", "src/run/commit.c", "    EC_TRY(place_parts(d, err));\n", "    EC_TRY(ec_manifest_publish(d->config->dir, m, err));\n    EC_TRY(place_parts(d, err));\n    return EC_OK;\n",
           ("link", "kill-before", "enriched"), False),
    Mutant("half a write is taken for a whole one", "-", "src/base/io.c", "        n -= (size_t)w;\n", "        n = 0;\n", ("write", "short", "data"), False),
    Mutant("the archive's folder is not synced", "C15", "src/publish/archive_write.c", "ec_dir_sync_up(dir, 1, err); /* it may be new itself */", "EC_OK;", "undisturbed", False),
    # Known by its txn, or by its files: the one stands in for the other.
    Mutant("a commit is not known again", "C8", "src/store/delta_write.c",
           "        if (table->txn_at >= 0) return confirm(table, version, err);\n        EC_TRY(check_table(table, kind, err));\n"
           "        if (table->version != commit->base_version) EC_TRY(ec_delta_behind(table, commit, &done, err));\n",
           "        (void)ec_delta_behind;\n        EC_TRY(check_table(table, kind, err));\n", ("link", "kill-after", "_delta_log"), False),
)


def compile_command(path):
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entry = next(entry for entry in json.load(file) if entry["file"] == os.path.join(ROOT, path) and "/ec.dir/" in entry["command"])
    return shlex.split(entry["command"])


def link_command(target):
    text = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", target], stdout=subprocess.PIPE, check=True).stdout.decode()
    return shlex.split(re.sub(r"^: && | && :$", "", text.strip().splitlines()[-1]))


def build(mutant, folder):
    """(the program with the fault layer, the racer), with the mistake."""
    os.makedirs(folder, exist_ok=True)
    source, made = os.path.join(folder, os.path.basename(mutant.file)), os.path.join(folder, "mutant.o")
    with open(os.path.join(ROOT, mutant.file), encoding="utf-8") as file:
        text = file.read()
    if text.count(mutant.old) != 1:
        raise AssertionError(f"mutant {mutant.name}: {mutant.file} holds {mutant.old!r} {text.count(mutant.old)} times")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text.replace(mutant.old, mutant.new))
    command = compile_command(mutant.file)
    command[command.index("-o") + 1], command[command.index("-c") + 1] = made, source
    subprocess.run([*command, "-w"], cwd=BUILD, check=True)
    programs = []
    for target in ("ecluse-faults", "ecluse-race"):
        command = link_command(target)
        programs.append(os.path.join(folder, target))
        command[command.index("-o") + 1] = programs[-1]
        command.insert(command.index("src/libec.a"), made)
        subprocess.run(command, cwd=BUILD, check=True)
    return programs
