#!/usr/bin/env python3
"""Alerts reach real servers, at least once, under one id; what fails waits, and never touches the data."""
import base64
import contextlib
import email
import email.policy
import fcntl
import glob
import hashlib
import hmac
import json
import os
import stat
import subprocess
import time
import unittest
from html.parser import HTMLParser

import kit
import planted
import receivers

GOOD = kit.sales_csv(901, 902, 903)
BAD = kit.csv_text(kit.SALES_HEADER, kit.sale(1, quantity=-2), kit.sale(2))
SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, or so").decode()


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text.append(data)


def load(path):
    with open(path, "rb") as file:
        return json.loads(file.read())


def store(path, message):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(message, file)


def quoted(alert):
    return json.dumps(alert)  # JSON is YAML


class Alerts(unittest.TestCase):
    def receiver(self, made):
        self.addCleanup(made.close)
        return made

    def project(self, *alerts, **files):
        project = kit.new_project(**(files or {"sales_1.csv": BAD}))
        text = project.read("config/pipeline_config.yaml").decode()
        text = text[: text.index("\nalerts:")] + "\nalerts:\n  - {type: file}\n" + "".join(f"  - {quoted(alert)}\n" for alert in alerts)
        project.write("config/pipeline_config.yaml", text)
        return project

    def run_project(self, project, code, env=None, **more):
        return project.run("--no-archive", "--fail-on", "never", code=code, env=kit.environment(**(env or {})), **more)

    def journal(self, project, kind=None):
        lines = [json.loads(line) for line in project.read("data/quality/alerts.jsonl").splitlines()]
        return [line for line in lines if line["type"] != "file" and (not kind or line["kind"] == kind)]

    def statuses(self, project):
        return [line["status"] for line in self.journal(project)]

    def outbox(self, project):
        return [load(path) for path in sorted(glob.glob(project.path("data/alerts/*.json")))]

    def make_due(self, project):
        """As if its time to be tried again had come."""
        for path in glob.glob(project.path("data/alerts/*.json")):
            store(path, load(path) | {"next_us": 0})

    def committed(self, project, rows):
        self.assertEqual(kit.check_project(project), [])
        self.assertEqual(len(kit.table_rows(project, "sales")), rows)

    def mail(self, server, **more):
        return {"type": "smtp", "host": "127.0.0.1", "port": server.port, "from": "ecluse@shop.example", "to": ["data@shop.example"],
                "timeout": "60s", **more}

    def secure_mail(self, server, **more):
        return self.mail(server, ca_file=receivers.certificates()[0], user=receivers.USER, password={"env": "MAIL_PASSWORD"}, **more)

    def hook(self, server, path="/hook/T000/B000/tokentokentoken", **more):
        return {"type": "webhook", "url": server.url + path, "tls": "none", "timeout": "60s", **more}


class Mails(Alerts):
    def test_a_mail_by_starttls_with_a_password(self):
        server = self.receiver(receivers.Mail())
        project = self.project(self.secure_mail(server, to=["data@shop.example", "ops@shop.example"], from_name="Écluse de l'atelier",
                                                dashboard="https://intranet.shop.example/d?a=1&b=2"))
        self.run_project(project, 0, {"MAIL_PASSWORD": receivers.PASSWORD})
        self.assertEqual(len(server.messages), 1)
        sender, to, content, encrypted = server.messages[0]
        self.assertTrue(encrypted)
        self.assertTrue(all(good for _, good in server.logins) and server.logins)
        self.assertEqual((sender, to), ("ecluse@shop.example", ["data@shop.example", "ops@shop.example"]))
        self.assertEqual(self.outbox(project), [])
        self.assertEqual(self.statuses(project), ["pending", "sent"])
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.assertEqual(message.defects, [])
        run = self.journal(project)[0]["run"]
        self.assertEqual(message["message-id"], f"<{run}.smtp@shop.example>")
        self.assertEqual(message["subject"], f"[FAILED] {os.path.basename(project.folder)}: 1 file failed")
        self.assertEqual(str(message["from"].addresses[0].display_name), "Écluse de l'atelier")
        self.assertEqual([a.addr_spec for a in message["to"].addresses], to)
        self.assertEqual(message["auto-submitted"], "auto-generated")
        self.assertLess(abs(message["date"].datetime.timestamp() - time.time()), 600)
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        text, html = message.iter_parts()
        self.assertEqual((text.get_content_type(), html.get_content_type()), ("text/plain", "text/html"))
        self.assertIn("[error] data/raw/sales_1.csv (source sales): failed", text.get_content())
        self.assertIn("the score 75.00 is under the threshold 95", text.get_content())
        self.assertIn("line 2, quantity.min_value: -2", text.get_content())
        reader = Reader()
        reader.feed(html.get_content())
        self.assertIn("the score 75.00 is under the threshold 95", "".join(reader.text))
        self.assertEqual(reader.links, ["https://intranet.shop.example/d?a=1&b=2"])
        self.assertFalse({"script", "img", "style", "link", "iframe"} & set(reader.tags))
        for line in content.split(b"\r\n"):
            self.assertLessEqual(len(line), 78)
            self.assertTrue(all(0x20 <= byte < 0x7F for byte in line), line)
        self.committed(project, 1)

    def failing_mail(self, alert, expected, env=None, receiver=None):
        project = self.project(alert)
        result = self.run_project(project, 4, env)
        self.assertIn("not delivered", result.out)
        self.assertIn(expected, result.out)
        self.assertEqual([m["attempts"] for m in self.outbox(project)], [1])
        self.assertEqual(self.statuses(project), ["pending", "pending"])
        self.committed(project, 1)
        if receiver:
            self.assertEqual(receiver.messages, [])
        return project

    def test_a_server_that_rejects_the_receiver(self):
        server = self.receiver(receivers.Mail(tls=False, reject="550 nobody of that name"))
        self.failing_mail(self.mail(server, tls="none"), "550", receiver=server)

    def test_a_server_that_fails_within_the_data(self):
        for whole in (False, True):
            server = self.receiver(receivers.HalfMail(whole))
            project = self.failing_mail(self.mail(server, tls="none"), "alert smtp")
            first = server.seen[0]
            self.make_due(project)
            self.run_project(project, 4)
            self.assertEqual(server.seen[1], first)  # the same mail, to the byte

    def test_a_wrong_password_and_none(self):
        server = self.receiver(receivers.Mail())
        self.failing_mail(self.secure_mail(server), "alert smtp", {"MAIL_PASSWORD": "wrong-password"}, server)
        project = self.failing_mail(self.secure_mail(server), "MAIL_PASSWORD, which is not set", None, server)
        self.make_due(project)
        self.run_project(project, 0, {"MAIL_PASSWORD": receivers.PASSWORD})  # the next run delivers
        self.assertEqual(len(server.messages), 1)

    def test_no_mail_without_tls(self):
        """A server whose authority is not known, and one that offers no STARTTLS, get neither password nor message."""
        server = self.receiver(receivers.Mail())
        alert = self.secure_mail(server)
        del alert["ca_file"]
        self.failing_mail(alert, "certificate", {"MAIL_PASSWORD": receivers.PASSWORD}, server)
        plain = self.receiver(receivers.Mail(tls=False))
        self.failing_mail(self.secure_mail(plain), "alert smtp", {"MAIL_PASSWORD": receivers.PASSWORD}, plain)
        self.assertEqual(server.logins + plain.logins, [])

    def test_killed_between_sending_and_marking(self):
        victim = receivers.Killable()
        server = self.receiver(receivers.Mail(tls=False, before_answer=lambda: victim.kill() if len(server.messages) == 1 else None))
        project = self.project(self.mail(server, tls="none"))
        self.assertEqual(victim.run(project, "run", "--as-of", kit.AS_OF, "--no-archive"), -9)
        self.committed(project, 1)
        self.assertEqual(self.statuses(project), ["pending"])
        self.run_project(project, 0)
        self.assertEqual(len(server.messages), 2)
        self.assertEqual(server.messages[0][2], server.messages[1][2])
        self.assertEqual(self.statuses(project), ["pending", "sent"])
        self.run_project(project, 0)
        self.assertEqual(len(server.messages), 2)


class Webhooks(Alerts):
    def test_signed_over_https(self):
        server = self.receiver(receivers.Web(200, tls=True))
        project = self.project({"type": "webhook", "url": {"env": "HOOK"}, "secret": {"file": "secrets/key"}, "ca_file": receivers.certificates()[0],
                                "headers": {"Authorization": {"env": "BEARER"}, "X-Shop": "Lyon"}})
        project.write("secrets/key", SECRET + "\n")
        self.run_project(project, 0, {"HOOK": server.url + "/a/b?c=d", "BEARER": "Bearer 4711-secret"})
        (path, headers, body), = server.requests
        self.assertEqual(path, "/a/b?c=d")
        headers = {name.lower(): value for name, value in headers.items()}
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(SECRET[len("whsec_"):])
        self.assertEqual(headers["webhook-signature"], "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())
        self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), 600)
        self.assertEqual((headers["authorization"], headers["x-shop"], headers["content-type"]), ("Bearer 4711-secret", "Lyon", "application/json"))
        told = json.loads(body)
        self.assertEqual((told["kind"], told["severity"], told["id"]), ("problem", "error", headers["webhook-id"]))
        self.assertEqual(told["issues"][0]["path"], "data/raw/sales_1.csv")
        self.assertEqual((told["totals"]["read"], told["totals"]["accepted"], told["totals"]["quarantined"]), (2, 1, 1))
        self.assertEqual(self.journal(project)[0]["target"], f"https://127.0.0.1:{server.port}/…")

    def test_shapes_of_chats(self):
        server = self.receiver(receivers.Web())
        project = self.project(*(self.hook(server, "/" + shape, name=shape, format=shape, dashboard="https://i.example/d") for shape in ("slack", "teams", "discord")))
        self.run_project(project, 0)
        got = {path[1:]: json.loads(body) for path, _, body in server.requests}
        self.assertEqual([block["type"] for block in got["slack"]["blocks"]], ["header", "section", "section", "section"])
        self.assertTrue(all(block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 3000 for block in got["slack"]["blocks"]))
        self.assertIn("1 file failed", got["slack"]["text"])
        card = got["teams"]["attachments"][0]
        self.assertEqual((got["teams"]["type"], card["contentType"], card["content"]["type"]),
                         ("message", "application/vnd.microsoft.card.adaptive", "AdaptiveCard"))
        self.assertIn("the score 75.00 is under the threshold 95", json.dumps(card["content"]["body"]))
        self.assertEqual({block["type"] for block in card["content"]["body"]}, {"RichTextBlock"})
        self.assertEqual(card["content"]["actions"][0]["url"], "https://i.example/d")
        embed = got["discord"]["embeds"][0]
        self.assertEqual(got["discord"]["allowed_mentions"], {"parse": []})
        self.assertIn("1 file failed", embed["title"])
        self.assertTrue(all(0 < len(field["name"]) <= 256 and 0 < len(field["value"]) <= 1024 for field in embed["fields"]))

    def test_a_server_that_hangs_holds_no_lock_and_no_data(self):
        server = self.receiver(receivers.Web("hang"))
        project = self.project(self.hook(server))
        run = subprocess.Popen([kit.ECLUSE, "-C", project.folder, "run", "--as-of", kit.AS_OF, "--no-archive", "--fail-on", "never"],
                               env=kit.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with run:
            while not server.requests and run.poll() is None:
                time.sleep(0.02)
            self.assertIsNone(run.poll())  # it waits for an answer
            self.committed(project, 1)
            subprocess.run(["flock", "-n", project.path("data/.lock"), "true"], check=True)  # the run's lock is free
            self.assertIsNone(run.poll())
            server.over.set()  # now it breaks off
            run.communicate(timeout=kit.SECONDS_MAX)
        self.assertEqual(run.returncode, 4)
        self.assertEqual(len(self.outbox(project)), 1)

    def test_a_server_that_hangs_is_not_waited_for_any_longer_than_is_said(self):
        project = self.project(self.hook(self.receiver(receivers.Web("hang")), timeout="1s"))
        self.assertIn("Timeout", self.run_project(project, 4).out)
        self.assertEqual(len(self.outbox(project)), 1)

    def test_500_and_then_200_with_a_wait_between(self):
        server = self.receiver(receivers.Web(500, 200))
        project = self.project(self.hook(server))
        self.assertIn("the server answered 500", self.run_project(project, 4).out)
        self.run_project(project, 4)  # its time has not come: said, not tried
        self.assertEqual(len(server.requests), 1)
        self.make_due(project)
        self.run_project(project, 0)
        ids = [headers["webhook-id"] for _, headers, _ in server.requests]
        self.assertEqual(len(ids), 2)
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(server.requests[0][2], server.requests[1][2])
        self.assertEqual(self.statuses(project), ["pending", "pending", "sent"])

    def test_a_connection_that_drops_behind_the_body(self):
        server = self.receiver(receivers.Web("drop", 200))
        project = self.project(self.hook(server))
        self.run_project(project, 4)
        project.call("alerts", "retry")
        ids = {headers["webhook-id"] for _, headers, _ in server.requests}
        self.assertEqual((len(server.requests) >= 2, len(ids)), (True, 1))

    def test_killed_between_sending_and_marking(self):
        victim = receivers.Killable()
        server = self.receiver(receivers.Web(victim.kill, 200))
        project = self.project(self.hook(server))
        self.assertEqual(victim.run(project, "run", "--as-of", kit.AS_OF, "--no-archive"), -9)
        self.committed(project, 1)
        self.run_project(project, 0)
        (_, first, body), (_, second, again) = server.requests
        self.assertEqual((first["webhook-id"], body), (second["webhook-id"], again))

    def test_a_crash_behind_the_journal_sends_nothing_again(self):
        server = self.receiver(receivers.Web(500, 200))
        project = self.project(self.hook(server))
        self.run_project(project, 4)
        path, = glob.glob(project.path("data/alerts/*.json"))
        kept = load(path)
        project.call("alerts", "retry")
        store(path, kept)  # its removal did not reach the disk
        self.run_project(project, 0)
        self.assertEqual((len(server.requests), self.outbox(project)), (2, []))

    def test_redirects_are_not_followed(self):
        other = self.receiver(receivers.Web())
        server = self.receiver(receivers.Web(307, location=other.url))
        project = self.project(self.hook(server))
        self.assertIn("307: redirects are not followed", self.run_project(project, 4).out)
        self.assertEqual(other.requests, [])


class Commands(Alerts):
    def script(self, project, text):
        path = project.write("tell", "#!/bin/sh\n" + text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def test_words_json_and_environment(self):
        project = self.project({"type": "command", "argv": ["./tell", "a b", "$(touch evil)", "; touch evil"], "env": ["SHOP_TOKEN"]})
        self.script(project, 'cat > told.json; for w in "$@"; do echo "$w"; done > words; env > environment\n')
        self.run_project(project, 0, {"SHOP_TOKEN": "t0ken-value", "OTHER_SECRET": "other-value"})
        self.assertEqual(project.read("words").decode().splitlines(), ["a b", "$(touch evil)", "; touch evil"])
        self.assertFalse(os.path.exists(project.path("evil")))
        told = json.loads(project.read("told.json"))
        self.assertEqual((told["kind"], told["issues"][0]["source"]), ("problem", "sales"))
        names = {line.split("=")[0] for line in project.read("environment").decode().splitlines()}
        self.assertLessEqual(names, {"PATH", "LC_ALL", "TZ", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_", "SHOP_TOKEN", "ECLUSE_ALERT_ID", "ECLUSE_ALERT_KIND", "ECLUSE_ALERT_SEVERITY"})
        self.assertIn("SHOP_TOKEN=t0ken-value", project.read("environment").decode())

    def test_one_that_fails_says_why_without_its_secrets(self):
        project = self.project({"type": "command", "argv": ["./tell", "--key=argument-secret"], "env": ["SHOP_TOKEN"]})
        self.script(project, 'echo "cannot tell $SHOP_TOKEN $1" >&2; exit 3\n')
        result = self.run_project(project, 4, {"SHOP_TOKEN": "t0ken-value"})
        self.assertIn("ended with status 3: cannot tell [secret] [secret]", result.out)

    def test_one_that_takes_too_long_is_killed_with_its_children(self):
        """The time passes once the child is there."""
        project, layer = self.project({"type": "command", "argv": ["./tell"], "timeout": "60s"}), planted.Layer()
        self.script(project, "sleep 3000 & echo $! > name; mv name child; wait\n")
        command = [planted.FAULTS, "-C", project.folder, "run", "--as-of", kit.AS_OF, "--no-archive", "--fail-on", "never"]
        with subprocess.Popen(command, env=kit.environment(**layer.environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            self.assertTrue(planted.await_true(lambda: os.path.exists(project.path("child")), run))
            layer.pass_time(60)
            out, err = run.communicate(timeout=kit.SECONDS_MAX)
        self.assertEqual(run.returncode, 4, err)
        self.assertIn("took longer than 60 s", out.decode())
        child, limit = int(project.read("child")), time.monotonic() + kit.SECONDS_MAX
        while planted.is_alive(child) and time.monotonic() < limit:
            time.sleep(0.02)
        self.assertFalse(planted.is_alive(child))

    def test_one_that_is_not_there(self):
        project = self.project({"type": "command", "argv": ["/nowhere/tell"]})
        self.assertIn("/nowhere/tell cannot be started", self.run_project(project, 4).out)


class Page(Alerts):
    def shown(self, project):
        """The alerts as the page has them."""
        page = project.read("data/quality/dashboard.html").decode()
        self.assertEqual(page.count('id="alerts">'), 1)
        found = json.loads(page.split('id="alerts">')[1].split("</script>")[0])
        return found["at"], [(alert["type"], alert["status"], alert["message"]) for alert in found["list"] if alert["type"] != "file"]

    def test_it_says_what_became_of_its_own_runs_alerts(self):
        server = self.receiver(receivers.Web(200))
        project = self.project(self.hook(server))
        self.run_project(project, 0)
        self.assertEqual(self.shown(project), (None, [("webhook", "sent", None)]))

    def test_one_that_waits_is_said_to_wait_until_it_is_sent(self):
        server = self.receiver(receivers.Web(500, 200))
        project = self.project(self.hook(server))
        self.run_project(project, 4)
        at, alerts = self.shown(project)
        self.assertEqual(alerts, [("webhook", "pending", "the server answered 500")])
        self.assertRegex(at, r"^20\d\d-\d\d-\d\dT")  # when that was so
        before = project.read("data/quality/dashboard.html").decode()
        project.call("alerts", "retry")
        self.assertEqual(self.shown(project)[1], [("webhook", "sent", None)])
        cut = lambda page: page.split('id="alerts">')[0] + page.split('id="alerts">')[1].split("</script>", 1)[1]  # noqa: E731
        self.assertEqual(cut(before), cut(project.read("data/quality/dashboard.html").decode()))  # nothing else changed

    def test_another_runs_lock_is_not_waited_for(self):
        server = self.receiver(receivers.Web(500, 200))
        project = self.project(self.hook(server))
        self.run_project(project, 4)
        with open(project.path("data/.lock"), "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            project.call("alerts", "retry")
        self.assertEqual(len(server.requests), 2)
        self.assertEqual(self.shown(project)[1], [("webhook", "pending", "the server answered 500")])


class Journal(Alerts):
    def test_a_long_journal_is_cut_to_its_end(self):
        server = self.receiver(receivers.Web(200))
        project = self.project(self.hook(server))
        old = json.dumps({"at": "2025-01-01T00:00:00Z", "id": "old.webhook", "run": "old", "type": "webhook", "name": "webhook", "target": None, "status": "sent",
                          "kind": "test", "severity": "info", "problems": [], "message": "x" * 1000}) + "\n"
        project.write("data/quality/alerts.jsonl", old * (9 * 1024 * 1024 // len(old)))
        self.run_project(project, 0)
        text = project.read("data/quality/alerts.jsonl").decode()
        self.assertLessEqual(len(text), 4 * 1024 * 1024 + 4096)
        lines = [json.loads(line) for line in text.splitlines()]  # all of them whole
        self.assertEqual([line["status"] for line in lines if line["run"] != "old" and line["type"] == "webhook"], ["pending", "sent"])

    def test_several_processes_write_whole_lines(self):
        project = self.project({"type": "command", "argv": ["true"]})
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(subprocess.Popen([kit.ECLUSE, "-C", project.folder, "alerts", "test"], env=kit.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) for _ in range(6)]
            for one in running:
                one.wait(timeout=kit.SECONDS_MAX)
        lines = [json.loads(line) for line in project.read("data/quality/alerts.jsonl").splitlines()]
        self.assertEqual(sum(line["status"] == "pending" for line in lines if line["kind"] == "test"), len({line["id"] for line in lines}))


class Grouping(Alerts):
    def test_repetition_and_recovery(self):
        server = self.receiver(receivers.Web())
        project = self.project(self.hook(server, repeat_after="1d"), self.hook(server, "/quiet", name="quiet", repeat_after="1d", recovery=False))
        kinds = lambda path: [json.loads(body)["kind"] for p, _, body in server.requests if p.startswith(path)]  # noqa: E731
        self.run_project(project, 0)
        project.write("data/raw/sales_2.csv", BAD.replace("O1", "O3").replace("O2", "O4"))
        self.run_project(project, 0)  # the same failure: suppressed
        self.assertEqual((kinds("/hook"), kinds("/quiet")), (["problem"], ["problem"]))
        project.write("data/raw/sales_3.csv", "not,a,header\n1,2,3\n")
        self.run_project(project, 0)  # another one: told
        self.assertEqual(kinds("/hook"), ["problem"] * 2)
        os.remove(project.path("data/raw/sales_3.csv"))
        project.write("data/raw/sales_4.csv", GOOD)
        self.run_project(project, 0)
        self.assertEqual((kinds("/hook"), kinds("/quiet")), (["problem"] * 2 + ["recovery"], ["problem"] * 2))
        project.write("data/raw/sales_5.csv", GOOD.replace("O9", "O8"))
        self.run_project(project, 0)  # all is well, and was told
        self.assertEqual(len(kinds("/hook")), 3)
        project.write("data/raw/sales_6.csv", BAD.replace("O1", "O5").replace("O2", "O6"))
        self.run_project(project, 0)  # the same failure after a recovery is news
        self.assertEqual(kinds("/hook"), ["problem", "problem", "recovery", "problem"])
        suppressed = [line for line in self.journal(project) if line["status"] == "suppressed" and line["name"] == "webhook"]
        self.assertEqual([line["kind"] for line in suppressed], ["problem"])

    def test_recovery_waits_for_the_source_that_failed(self):
        server = self.receiver(receivers.Web())
        project = self.project(self.hook(server))
        self.run_project(project, 0)
        project.write("data/raw/users_1.csv", "user_id,email,first_name,last_name,age,gender,country,city,registration_date,is_premium,total_orders,"
                      "total_spent,last_login\nU1,a@example.net,A,B,30,F,FR,Lyon,2025-01-01,true,3,10.5,2025-07-01\n")
        self.run_project(project, 0)
        self.assertEqual(project.report("users_1.csv")["status"], "passed")
        self.assertEqual(len(server.requests), 1)

    def test_severity(self):
        server = self.receiver(receivers.Web())
        rows = kit.csv_text(kit.SALES_HEADER, *(kit.sale(n) for n in range(100)), kit.sale(100, quantity=-2))
        project = self.project(self.hook(server, "/warn", name="warn", severity="warn"), self.hook(server, "/error", name="error"),
                               self.hook(server, "/critical", name="critical", severity="critical"), **{"sales_1.csv": rows})
        self.run_project(project, 0)
        project.write("data/raw/sales_2.csv", BAD.replace("O1", "P1").replace("O2", "P2"))
        self.run_project(project, 0)
        told = [(path, json.loads(body)["severity"]) for path, _, body in server.requests]
        self.assertEqual(sorted(told), [("/error", "error"), ("/warn", "error"), ("/warn", "warn")])

    def test_giving_up_and_trying_by_hand(self):
        server = self.receiver(receivers.Web(500, 500, 200))
        project = self.project(self.hook(server, attempts=2))
        self.run_project(project, 4)
        self.make_due(project)
        self.assertIn("was given up", self.run_project(project, 4).out)
        self.assertEqual(self.statuses(project), ["pending", "pending", "failed"])
        self.run_project(project, 0)  # that was said
        self.assertEqual(len(server.requests), 2)
        listed = project.json("alerts", "list")
        self.assertEqual([m["status"] for m in listed["outbox"]], ["given-up"])
        project.call("alerts", "retry", "--given-up")
        self.assertEqual((len(server.requests), self.outbox(project)), (3, []))

    def test_age(self):
        server = self.receiver(receivers.Web(500))
        project = self.project(self.hook(server, max_age="1m"))
        self.run_project(project, 4)
        path, = glob.glob(project.path("data/alerts/*.json"))
        store(path, load(path) | {"next_us": 0, "created_us": load(path)["created_us"] - 61_000_000})
        self.assertIn("was given up", self.run_project(project, 4).out)

    def test_the_gate_comes_first_and_the_data_are_committed(self):
        server = self.receiver(receivers.Web(500))
        project = self.project(self.hook(server))
        project.run("--no-archive", code=1)
        self.committed(project, 1)
        self.assertTrue(glob.glob(project.path("data/runs/*.finished")))

    def test_test_messages(self):
        server = self.receiver(receivers.Web())
        mail = self.receiver(receivers.Mail(tls=False))
        project = self.project(self.hook(server), self.mail(mail, tls="none"), **{"sales_1.csv": GOOD})
        self.assertEqual(project.call("alerts", "test").out, "2 sent, 0 waiting, 0 given up\n")
        self.assertEqual(json.loads(server.requests[0][2])["kind"], "test")
        self.assertIn("[TEST]", email.message_from_bytes(mail.messages[0][2], policy=email.policy.default)["subject"])
        project.call("alerts", "test", "webhook")
        self.assertEqual((len(server.requests), len(mail.messages)), (2, 1))
        project.call("alerts", "test", "nobody", code=2)
        project.call("alerts", "tset", code=2)
        self.run_project(project, 0)  # no test is a problem from which to recover
        self.assertEqual(len(server.requests), 2)

    def test_doctor_says_whether_secrets_are_there(self):
        project = self.project({"type": "webhook", "url": {"env": "HOOK"}, "secret": {"file": "key"}})
        missing = project.call("doctor", code=3).out
        self.assertIn("HOOK, which is not set", missing)
        self.assertIn("`secret` cannot be read", missing)
        os.chmod(project.write("key", SECRET), 0o600)
        there = project.call("doctor", code=None, env=kit.environment(HOOK="https://hooks.example.org/T/B/secret-token")).out
        self.assertIn("webhook: https://hooks.example.org/…", there)
        self.assertNotIn("secret-token", there)
        self.assertNotIn(SECRET, there)


if __name__ == "__main__":
    unittest.main()
