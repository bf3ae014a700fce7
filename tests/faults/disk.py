"""What a disk may hold after a power cut, given the calls that were made (calls.py).

The rules are those that POSIX promises and no more. The bytes of a file are there after its fsync; a name, and that it is
gone, after the fsync of its folder; a new folder after the fsync of the folder above. What was not synced may be there,
or not, or in part: a prefix, zeros, a name without its bytes. An fsync that failed has lost the bytes that it should have
written, whatever a later one says. A rename within one folder is one step.

    disk = Disk(project)            # what lies there now is taken as synced
    for record in records: disk.apply(record)
    disk.write(folder, choose)      # one of the disks that there may be
"""
import collections
import errno
import hashlib
import os
import random
import re
import shutil

O_CREAT, O_TRUNC = os.O_CREAT, os.O_TRUNC
CHANGES = {"open", "write", "ftruncate", "fsync", "link", "rename", "unlink", "mkdir", "rmdir"}


LINKED = (".csv", ".zip", ".gz", ".parquet")  # whose inode matters, or which are large; a lock is its inode's


TEMPORARY = re.compile(r"\.\d+\.[0-9a-f]+\.tmp$")


class File:
    """A file by any name."""

    def __init__(self, source=None):
        self.source = source  # where its bytes lie, for what was there at first
        self.now = b""  # what a reader sees
        self.synced = b""
        self.lost = False  # bytes of it were dropped by a failed fsync

    def content(self, how):
        if self.source:
            return None
        if how == "keep" and not self.lost:
            return self.now
        if how == "torn" and not self.lost:
            return self.synced + self.now[len(self.synced) :][: (len(self.now) - len(self.synced)) // 2]
        if how == "zeros":
            return self.synced + bytes(max(0, len(self.now) - len(self.synced)))
        return self.synced

    def is_dirty(self):
        return not self.source and self.now != self.synced


class Folder:
    def __init__(self):
        self.synced = {}  # name -> File or Folder
        self.now = {}
        self.pending = []  # [{name: File, Folder or None}], each one step


class Disk:
    """`keep` is a folder into which what is there is linked, since a run may remove it."""

    def __init__(self, project, keep):
        self.root, self.base, self.keep = Folder(), os.path.realpath(project), keep
        self.files = {}  # inode number -> File
        self._take(self.root, self.base, keep)

    def _take(self, folder, path, keep):
        os.makedirs(keep, exist_ok=True)
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                item = Folder()
                self._take(item, entry.path, os.path.join(keep, entry.name))
            else:
                item = self.files.get(entry.inode())
                if not item:
                    os.link(entry.path, os.path.join(keep, entry.name))
                    item = self.files[entry.inode()] = File(os.path.join(keep, entry.name))
            folder.synced[entry.name] = folder.now[entry.name] = item

    def _place(self, path):
        """(folder, name) of a path; (None, None) where it lies outside of the project."""
        path = os.path.normpath(os.path.join(os.path.dirname(self.base), path))
        if path == self.base:
            return None, ""
        if not path.startswith(self.base + "/"):
            return None, None
        *above, name = path[len(self.base) + 1 :].split("/")
        folder = self.root
        for part in above:
            folder = folder.now.get(part)
            if not isinstance(folder, Folder):
                return None, None
        return folder, name

    def _step(self, folder, changes):
        for name, item in changes.items():
            if item is None:
                folder.now.pop(name, None)
            else:
                folder.now[name] = item
        folder.pending.append(changes)

    def _writable(self, record):
        """The file that the call is about, where it lies in the project."""
        file = self.files.get(record.ino)
        if file and file.source and record.op in ("write", "ftruncate"):
            with open(file.source, "rb") as source:  # it was there at first, and changes now
                file.now = file.synced = source.read()
            file.source = None
        return file

    def apply(self, record):
        """Whether the call changed what may be on the disk."""
        late = record.result < 0 and (record.flags == 1 and record.op != "open" or record.created)  # it failed, and had its effect
        if record.op not in CHANGES:
            return False
        if record.op == "fsync" and record.result < 0 and not late:
            file = self.files.get(record.ino)
            if file and file.is_dirty() and record.cause != errno.EINTR:
                file.lost = True
            return False
        if record.result < 0 and not late and not (record.op == "write" and record.data):
            return False
        return getattr(self, "_" + record.op)(record)

    def _open(self, record):
        if not record.flags & O_CREAT:
            return False
        folder, name = self._place(record.path)
        if folder is None:
            return False
        if record.created:
            self.files[record.ino] = File()
            self._step(folder, {name: self.files[record.ino]})
        elif record.flags & O_TRUNC:
            self._writable(record._replace(op="write")).now = b""
        return True

    def _write(self, record):
        file = self._writable(record) if record.is_file else None
        if not file:
            return False
        file.now = file.now[: record.offset].ljust(record.offset, b"\0") + record.data + file.now[record.offset + len(record.data) :]
        return True

    def _ftruncate(self, record):
        file = self._writable(record)
        if file:
            file.now = file.now[: record.offset].ljust(record.offset, b"\0")
        return bool(file)

    def _fsync(self, record):
        file = self.files.get(record.ino)
        if file:
            if not file.lost and not file.source:
                file.synced = file.now
            return True
        folder, name = self._place(record.path)
        if name is None:
            return False
        folder = self.root if name == "" else folder.now.get(name)
        if isinstance(folder, Folder):
            folder.synced, folder.pending = dict(folder.now), []
        return True

    def _link(self, record):
        folder, name = self._place(record.path)
        to, other = self._place(record.other)
        if folder is None or to is None:
            return False
        self._step(to, {other: folder.now[name]})
        return True

    def _rename(self, record):
        folder, name = self._place(record.path)
        to, other = self._place(record.other)
        if folder is None or to is None:
            return False
        if folder is not to:
            raise ValueError(f"a rename from folder to folder: {record.path}")
        self._step(folder, {other: folder.now[name], name: None})
        return True

    def _unlink(self, record):
        folder, name = self._place(record.path)
        if folder is None or name not in folder.now:
            return False
        self._step(folder, {name: None})
        return True

    def _mkdir(self, record):
        folder, name = self._place(record.path)
        if folder is None or name in folder.now:
            return False
        self._step(folder, {name: Folder()})
        return True

    _rmdir = _unlink

    def key(self, ordered=True):
        """The same for a disk on which the same is there and pending: what happens to it next has the same outcome. Without
        the order of a folder's steps it is the same for runs whose processes made its names in another order: they are
        removed as the file system lists them."""
        digest, seen = hashlib.sha256(), {}

        def add(*words):
            digest.update(repr(words).encode())

        def file(item):
            if id(item) in seen:
                add("again", seen[id(item)])
                return
            seen[id(item)] = len(seen)
            now, synced = (None, content_of(item.source)) if item.source else (hashlib.sha256(item.now).digest(), hashlib.sha256(item.synced).digest())
            add("file", now, synced, item.lost)

        def names(found):
            for name, item in sorted(found.items()):
                add(plain_name(name))
                if item is None:
                    add("gone")
                elif isinstance(item, Folder):
                    folder(item)
                else:
                    file(item)

        def folder(item):
            if id(item) in seen:
                add("again", seen[id(item)])
                return
            seen[id(item)] = len(seen)
            add("now")
            names(item.now)
            add("synced")
            names(item.synced)
            for step in item.pending if ordered else sorted(item.pending, key=lambda step: sorted(map(plain_name, step))):
                add("step")
                names(step)
            add("end")

        folder(self.root)
        return digest.hexdigest()

    # ---- the disks that there may be

    def _names(self, folder, names):
        """The names of a folder after the cut."""
        found = dict(folder.synced)
        steps = folder.pending
        if names == "drop":
            steps = []
        elif names == "removals":
            steps = [changes for changes in steps if not any(changes.values())]
        elif isinstance(names, random.Random):
            kept = names.choice(("some", "first", "last"))
            at = names.randrange(len(steps) + 1)
            steps = [s for s in steps if names.random() < 0.5] if kept == "some" else steps[:at] if kept == "first" else steps[at:]
        for changes in steps:
            for name, item in changes.items():
                if item is None:
                    found.pop(name, None)
                else:
                    found[name] = item
        return found

    def state(self, names, data):
        """{path: bytes, or the path of what was there at first; None: a folder}. `names` is drop, keep, removals or a source of
        chance; `data` is drop, keep, torn, zeros or a source of chance."""
        found, how = {}, {}

        def walk(folder, path):
            for name, item in self._names(folder, names).items():
                at = f"{path}/{name}" if path else name
                if isinstance(item, Folder):
                    found[at] = None
                    walk(item, at)
                    continue
                if isinstance(data, random.Random):
                    how.setdefault(id(item), data.choice(("drop", "keep", "torn", "zeros")))
                found[at] = item.source or item.content(how.get(id(item), data if isinstance(data, str) else "drop"))

        walk(self.root, "")
        return found


def key(state):
    """The same for the same disk."""
    digest = hashlib.sha256()
    for path, content in sorted(state.items()):
        if not path.startswith("logs/"):
            found = b"folder" if content is None else content_of(content) if isinstance(content, str) else hashlib.sha256(content).digest()
            digest.update(plain_name(path).encode() + b"\0" + found + b"\0")
    return digest.hexdigest()


def key_of_folder(folder):
    """The same for a folder with the same names and bytes. Left out are logs, which nothing reads."""
    state = {}
    for top, folders, names in os.walk(folder):
        for name in folders:
            state[os.path.relpath(os.path.join(top, name), folder)] = None
        for name in names:
            path = os.path.join(top, name)
            state[os.path.relpath(path, folder)] = path
    return key(state)


def plain_name(path):
    """Without the number of the process in a temporary file's: no program asks for it."""
    return TEMPORARY.sub(".tmp", path)


contents = {}


def content_of(path):
    """The hash of a file's bytes; one that has several names, of which one is a template's, is read once."""
    status = os.stat(path)
    kept = (status.st_ino, status.st_size, status.st_mtime_ns)
    if status.st_nlink < 2 or kept not in contents:
        with open(path, "rb") as file:
            found = hashlib.sha256(file.read()).digest()
        if status.st_nlink < 2:
            return found
        contents[kept] = found
    return contents[kept]


def write(state, folder):
    """Makes the folder be that disk."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for path, content in state.items():  # a folder comes before what it holds
        full = os.path.join(folder, path)
        if content is None:
            os.mkdir(full)
        elif isinstance(content, str) and (path.endswith(LINKED) or path.startswith("data/raw/")):
            os.link(content, full)
        elif isinstance(content, str):
            shutil.copy2(content, full)
        else:
            with open(full, "wb") as file:
                file.write(content)


Variant = collections.namedtuple("Variant", "name names data")


def variants(dice, chances):
    """The kinds of disk that are looked at, after every call that changed something."""
    yield Variant("nothing of what was not synced", "drop", "drop")
    yield Variant("all names, no bytes", "keep", "drop")
    yield Variant("all names, half the bytes", "keep", "torn")
    yield Variant("all names, zeros", "keep", "zeros")
    yield Variant("what was removed, and no new names", "removals", "keep")
    for number in range(chances):
        seed = dice.randrange(1 << 30)
        yield Variant(f"by chance {seed} ({number})", random.Random(seed), random.Random(seed + 1))
