"""Receivers of alerts on loopback: mail and web servers that behave, and such that do not."""
import http.server
import logging
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import warnings

import kit
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # what it says of clients that break off is what we want
warnings.filterwarnings("ignore", module="aiosmtpd")

USER, PASSWORD = "ecluse@shop.example", "pass-Wörd-4711"


def certificates():
    """(authority, certificate, key): files of an authority of our own, and of a server at 127.0.0.1."""
    if "certificates" not in kit.made:
        folder = tempfile.mkdtemp(dir=kit.scratch)
        name = lambda file: os.path.join(folder, file)  # noqa: E731
        run = lambda *words: subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: E731
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name("ca.key"), "-out", name("ca.pem"), "-days", "2", "-subj", "/CN=Test authority")
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name("key.pem"), "-out", name("csr.pem"), "-subj", "/CN=127.0.0.1")
        with open(name("ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        run("x509", "-req", "-in", name("csr.pem"), "-CA", name("ca.pem"), "-CAkey", name("ca.key"), "-CAcreateserial", "-out", name("cert.pem"),
            "-days", "2", "-extfile", name("ext"))
        kit.made["certificates"] = (name("ca.pem"), name("cert.pem"), name("key.pem"))
    return kit.made["certificates"]


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates()[1:])
    return context


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mail:
    """A mail server: with STARTTLS and AUTH, or without; `reject` is what it answers to RCPT."""

    def __init__(self, tls=True, auth=True, reject=None, before_answer=None):
        self.messages, self.reject, self.before_answer, self.logins = [], reject, before_answer, []
        self.port = free_port()
        options = {"tls_context": tls_context(), "require_starttls": True} if tls else {}
        if auth and tls:
            options |= {"auth_required": True, "authenticator": self.authenticate}
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()

    def authenticate(self, server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        self.logins.append((mechanism, good))
        return AuthResult(success=good, handled=False) if not good else AuthResult(success=True)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.reject:
            return self.reject
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content, session.ssl is not None))
        if self.before_answer:
            self.before_answer()
        return "250 taken"

    def close(self):
        self.controller.stop()


class HalfMail:
    """Breaks off in the middle of DATA; `whole` reads all of it and breaks off before the answer."""

    def __init__(self, whole=False):
        self.server, self.seen, self.whole = socket.create_server(("127.0.0.1", 0)), [], whole
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            with line, line.makefile("rb") as lines:
                self.talk(line, lines)

    def talk(self, line, lines):
        line.sendall(b"220 half\r\n")
        while word := lines.readline()[:4].upper():
            if word == b"EHLO":
                line.sendall(b"250-half\r\n250 8BITMIME\r\n")
            elif word == b"DATA":
                line.sendall(b"354 go\r\n")
                got = b""
                while self.whole and not got.endswith(b"\r\n.\r\n"):
                    got += lines.readline()
                self.seen.append(got or lines.readline())
                return
            else:
                line.sendall(b"250 OK\r\n")

    def close(self):
        self.server.close()


class Web:
    """A web server that answers as `script` says: a status, "hang", "drop" (reads all, answers nothing), or a function
    that is called before 200. The last one stands for all that follow."""

    def __init__(self, *script, tls=False, location=None):
        self.requests, self.script, self.over = [], list(script or (200,)), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), body))
                step = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                if step == "hang":
                    outer.over.wait()
                if step in ("hang", "drop"):
                    self.close_connection = True
                    return
                if callable(step):
                    step()
                    step = 200
                self.send_response(step)
                if location:
                    self.send_header("Location", location)
                said = b"you said " + self.path.encode() + b" " + str(self.headers).encode()
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *arguments: None
        if tls:
            self.server.socket = tls_context().wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Killable:
    """A command that a receiver kills while it waits for an answer."""

    def __init__(self):
        self.process, self.started = None, threading.Event()

    def kill(self):
        self.started.wait()
        os.kill(self.process.pid, signal.SIGKILL)
        time.sleep(0.05)

    def run(self, project, *arguments, env=None):
        self.process = subprocess.Popen([kit.ECLUSE, "-C", project.folder, *arguments], env=env or kit.environment(),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.started.set()
        return self.process.wait(kit.SECONDS_MAX)
