"""Reads what the fault layer has recorded (struct record in layer.c)."""
import collections
import struct

OPS = ("open", "read", "pread", "write", "ftruncate", "fsync", "write_back", "close", "link", "rename", "unlink", "mkdir", "rmdir",
       "malloc", "realloc")
ROLES = ("driver", "worker")
MAGIC = 0x5EC10C4B
HEAD = struct.Struct("<IBBBBiiiiIxxxxQQQqIIII")

Record = collections.namedtuple("Record", "role op created is_file pid result cause fd flags index ino stack offset path other data")


def read(path):
    """The records in their order."""
    with open(path, "rb") as file:
        text = file.read()
    found, at = [], 0
    while at < len(text):
        (magic, role, op, created, is_file, pid, result, cause, fd, flags, index, ino, stack, offset,
         path_n, other_n, data_n, _) = HEAD.unpack_from(text, at)
        if magic != MAGIC:
            raise ValueError(f"{path}: no record at byte {at}")
        at += HEAD.size
        name, other = text[at : at + path_n].decode(), text[at + path_n : at + path_n + other_n].decode()
        at += path_n + other_n
        found.append(Record(ROLES[role], OPS[op], bool(created), bool(is_file), pid, result, cause, fd, flags, index, ino, stack, offset,
                            name, other, text[at : at + data_n]))
        at += data_n
    return found
