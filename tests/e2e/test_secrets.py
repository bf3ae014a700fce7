#!/usr/bin/env python3
"""Planted secrets appear nowhere but where they are sent: not in a log, report, page, archive, outbox, journal, error, or
list of processes, whether a delivery succeeds, fails, is refused, or is answered with what it sent."""
import base64
import glob
import gzip
import json
import os
import subprocess
import threading
import time
import unittest
import urllib.parse

import kit
import receivers
from test_alerts import BAD, quoted

SECRETS = {
    "password in the environment": receivers.PASSWORD,
    "user of the mail server": receivers.USER,
    "token in a path": "tok-PATH-8d1f0c5b2e",
    "token in a query": "tok-QUERY-77aa41",
    "user in an address": "urluser-51",
    "password in an address": "urlpass-0b9e",
    "key of signatures": "signing-key-99c1d2",
    "bearer": "bearer-4f5e6d7c",
    "variable of a command": "cmdvar-1a2b3c4d",
    "argument of a command": "--key=argsecret-5e6f",
    "variable of nobody": "nobody-7e8f9a",
}
ENV = {"MAIL_PASSWORD": SECRETS["password in the environment"], "MAIL_USER": SECRETS["user of the mail server"], "BEARER": "Bearer " + SECRETS["bearer"],
       "COMMAND_TOKEN": SECRETS["variable of a command"], "AWS_SECRET_ACCESS_KEY": SECRETS["variable of nobody"]}


def forms(secret):
    """As it is, and as formats and protocols write it."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    yield urllib.parse.quote(secret).encode()
    for shift in range(3):  # within other base64, such as AUTH PLAIN
        yield base64.b64encode(b"x" * shift + raw)[4 if shift else 0:-4]


class Processes(threading.Thread):
    """Looks at every command line of the machine until it is told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over = set(), threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                try:
                    with open(path, "rb") as file:
                        self.seen.add(file.read())
                except OSError:
                    pass

    def stop(self):
        self.over.set()
        self.join()
        return self.seen


class Secrets(unittest.TestCase):
    def receiver(self, made):
        self.addCleanup(made.close)
        return made

    def url(self, web):
        return (web.url.replace("://", f"://{SECRETS['user in an address']}:{SECRETS['password in an address']}@")
                + f"/services/T0/{SECRETS['token in a path']}?sig={SECRETS['token in a query']}")

    def make(self, web, mail, command, limit="60s"):
        """A project that fails its gate, with an alert of every type."""
        project = kit.new_project(**{"sales_1.csv": BAD})
        alerts = [{"type": "smtp", "host": "127.0.0.1", "port": mail.port, "from": "e@shop.example", "to": "d@shop.example", "user": {"env": "MAIL_USER"},
                   "password": {"env": "MAIL_PASSWORD"}, "ca_file": receivers.certificates()[0], "timeout": limit},
                  {"type": "webhook", "url": {"file": "secrets/url"}, "tls": "none", "secret": {"file": "secrets/key"},
                   "headers": {"Authorization": {"env": "BEARER"}}, "timeout": limit},
                  {"type": "webhook", "format": "slack", "url": {"env": "SLACK"}, "tls": "none", "timeout": limit},
                  {"type": "command", "argv": ["./tell"], "env": ["COMMAND_TOKEN"], "timeout": limit}]
        text = project.read("config/pipeline_config.yaml").decode()
        project.write("config/pipeline_config.yaml", text[:text.index("\nalerts:")] + "\nalerts:\n" + "".join(f"  - {quoted(a)}\n" for a in alerts))
        project.write("secrets/url", self.url(web) + "\n")
        project.write("secrets/key", SECRETS["key of signatures"])
        os.chmod(project.write("tell", "#!/bin/sh\n" + command), 0o700)
        self.env = kit.environment(**ENV, SLACK=self.url(web))
        return project

    def act(self, project):
        """Everything that speaks of alerts; what was printed, and the command lines meanwhile."""
        processes, printed = Processes(), b""
        processes.start()
        for words in (("run", "--as-of", kit.AS_OF, "--verbose", "--log-format", "json"), ("alerts", "list"), ("alerts", "retry"), ("alerts", "test"), ("doctor",),
                      ("plan",), ("report",), ("dashboard",), ("archive", "--include", "processed", "raw", "quality"), ("history",)):
            result = project.call(*words, code=None, env=self.env)
            printed += (result.out + result.err).encode()
        return printed, processes.stop()

    def contents(self, project):
        for top, _, names in os.walk(project.folder):
            for name in names:
                path = os.path.relpath(os.path.join(top, name), project.folder)
                if path.startswith("secrets/"):
                    continue
                data = project.read(path)
                yield path, data
                if path.endswith(".gz"):
                    yield path + " (unpacked)", gzip.decompress(data)

    def look(self, project, printed, lines):
        self.assertTrue(any(b"worker" in line or b"ecluse" in line for line in lines))
        places = {"output": printed, **dict(self.contents(project))}
        self.assertTrue(any(path.startswith("data/archive/") for path in places))
        self.assertTrue(any(path.startswith("data/quality/alerts.jsonl") for path in places))
        for what, secret in SECRETS.items():
            for form in forms(secret):
                self.assertGreater(len(form), 5)
                for path, data in places.items():
                    self.assertNotIn(form, data, f"{what} in {path}")
                for line in lines:
                    self.assertNotIn(form, line, f"{what} in a command line")

    def test_that_are_sent(self):
        web, mail = self.receiver(receivers.Web()), self.receiver(receivers.Mail())
        project = self.make(web, mail, "cat >/dev/null\n")
        printed, lines = self.act(project)
        self.assertIn(b"4 sent, 0 waiting, 0 given up", printed)
        self.assertTrue(mail.messages and mail.logins)
        path, headers, _ = web.requests[0]  # they were used, so that this test has something to find
        self.assertIn(SECRETS["token in a path"], path)
        self.assertIn(SECRETS["bearer"], str(headers))
        self.assertEqual(project.call("alerts", "list", env=self.env).out.count("/services"), 0)
        self.look(project, printed, lines)

    def test_whose_sending_fails(self):
        """The servers and the command answer with all that they were told."""
        web, mail = self.receiver(receivers.Web(500)), self.receiver(receivers.Mail(reject="550 " + receivers.PASSWORD + " " + receivers.USER))
        project = self.make(web, mail, 'echo "I was given $COMMAND_TOKEN" >&2; exit 1\n')
        printed, lines = self.act(project)
        self.assertIn(b"I was given [secret]", printed)
        self.assertTrue(glob.glob(project.path("data/alerts/*.json")))
        self.look(project, printed, lines)

    def test_whose_receiver_is_not_there(self):
        web, mail = receivers.Web(), receivers.Mail()
        web.close()
        mail.close()
        project = self.make(web, mail, "exit 0\n")
        os.remove(project.path("tell"))
        self.look(project, *self.act(project))

    def test_that_are_wrong(self):
        web, mail = self.receiver(receivers.Web("hang")), self.receiver(receivers.Mail())
        project = self.make(web, mail, "sleep 3000\n", limit="2s")
        project.write("secrets/key", SECRETS["key of signatures"] + "\nand more")
        self.env["MAIL_PASSWORD"] = receivers.PASSWORD + " wrong"
        self.env["SLACK"] = "ftp" + self.url(web)
        self.look(project, *self.act(project))

    def test_that_are_written_into_the_configuration(self):
        """They do not belong there; the error that says so does not repeat them, whatever is wrong with the line."""
        project = kit.new_project()
        text = project.read("config/pipeline_config.yaml").decode()
        text = text[:text.index("\nalerts:")] + "\nalerts:\n"
        secret = "planted-Secret-4711"
        for line in (f"{{type: smtp, host: a, from: a@b, to: a@b, user: u, password: {secret}}}", f"{{type: smtp, pasword: {secret}}}", f"{{type: webhook, url: http://a/{secret}}}",
                     f"{{type: webhook, url: {secret}}}", f"{{type: webhook, url: https://a/{secret}, secret: {secret}}}", f"{{type: webhook, url: \"https://a/{secret}}}",
                     f"{{type: webhook, url: https://a/{secret}, format: slak}}", f"{{type: webhook, url: https://a, headers: {{Content-Type: {secret}}}}}",
                     f"{{type: smtp, host: \"u:{secret}@h\", from: a@b, to: a@b}}", f"{{type: command, argv: {secret}}}", f"{{type: webhook, url: https://a/{secret}, url: x}}",
                     f"{{type: smtp, password: {secret}, password: x}}", f"{{type: webhook, token: &a {secret}}}"):
            with self.subTest(line):
                project.write("config/pipeline_config.yaml", text + f"  - {line}\n")
                for words in (("plan",), ("run",), ("doctor",), ("run", "--log-format", "json")):
                    result = project.call(*words, code=None)
                    self.assertNotEqual(result.code, 0)
                    self.assertNotIn(secret, result.out + result.err)

    def test_environment_of_a_command(self):
        web, mail = self.receiver(receivers.Web()), self.receiver(receivers.Mail())
        project = self.make(web, mail, "env > environment\n")
        project.run(code=1, env=self.env)
        text = project.read("environment").decode()
        self.assertIn(SECRETS["variable of a command"], text)
        for name in ("MAIL_PASSWORD", "BEARER", "SLACK", "AWS_SECRET_ACCESS_KEY"):
            self.assertNotIn(name, text)


if __name__ == "__main__":
    unittest.main()
