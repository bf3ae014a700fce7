#!/usr/bin/env python3
"""What putting files into a store costs a processor: `ecluse worker --put` against a server on loopback that reads and forgets.

    bench/scale/upload.py BYTES COUNT        COUNT files of so many bytes each, three times; build/ecluse, or ECLUSE names it

The figure is megabytes for a second of a processor, of the program alone: the wall is the server's, and the machine's."""
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ECLUSE = os.environ.get("ECLUSE") or os.path.join(ROOT, "build", "ecluse")
STORE = "s3://lake/shop/_ecluse/x"
LISTED = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
BEGUN = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
DONE = b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"


def body_of(line):
    if line.startswith(b"GET"):
        return LISTED
    if line.startswith(b"POST"):
        return BEGUN if b"uploads=" in line else DONE
    return b""


def forget(connection):
    """Answers one request after the other, whatever it holds."""
    buffer = bytearray(1 << 20)
    have = b""
    while True:
        while b"\r\n\r\n" not in have:
            n = connection.recv_into(buffer)
            if not n:
                return
            have += bytes(buffer[:n])
        head, _, rest = have.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        left = (int(length.group(1)) if length else 0) - len(rest)
        while left > 0:
            n = connection.recv_into(buffer, min(left, len(buffer)))
            if not n:
                return
            left -= n
        have, body = b"", body_of(head)
        connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: %d\r\n\r\n' % len(body) + body)


def serve(server):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=forget, args=(connection,), daemon=True).start()


def make(folder, size, count):
    """The files below data/ of a new project, and the lines for them."""
    subprocess.run([ECLUSE, "init", folder], check=True, capture_output=True)
    os.makedirs(os.path.join(folder, "data", "staging"), exist_ok=True)
    block, lines = os.urandom(1 << 20), []
    for number in range(count):
        path = os.path.join(folder, "data", "staging", str(number))
        with open(path, "wb") as file:
            for at in range(0, size, len(block)):
                file.write(block[:size - at])
        lines.append(json.dumps({"path": path, "address": f"{STORE}/{number}", "bytes": size}) + "\n")
    return "".join(lines)


def measure(folder, lines, url):
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": url}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([ECLUSE, "-C", folder, "worker", "--put", "--exchange", STORE], input=lines, env=environment, text=True,
                          stdout=subprocess.PIPE, check=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.count('"status":"ok"') == lines.count("\n"), done.stdout[:500]
    return wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


def main(size, count):
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        lines, megabytes = make(folder, size, count), size * count / 1e6
        for _ in range(3):
            wall, user, system = measure(folder, lines, f"http://127.0.0.1:{server.getsockname()[1]}")
            cpu = user + system
            print(f"{megabytes:.0f} MB in {count} files: {cpu:.2f} s of a processor (user {user:.2f}): {megabytes / cpu:.0f} MB/s, {count / cpu:.0f} files/s; "
                  f"by the wall {megabytes / wall:.0f} MB/s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
