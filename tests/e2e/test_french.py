"""French: what people read is translated, and what programs read is the same to the byte.

The machine has no French locale (`locale -a` of a container lists C alone), and needs none.
"""
import email
import email.policy
import json
import os
import re
import unittest

import kit
import receivers

FRENCH = {"LC_ALL": "", "LANG": "fr_FR.UTF-8"}
NARROW = "\u202f"
# Of a report: sentences, and what differs from run to run.
SENTENCES = {"errors", "arithmetic", "failures", "violations"}
OF_THE_RUN = {"run", "validated_at", "timing"}


def french(**more):
    return kit.environment(**{**FRENCH, **more})


def without(value, names):
    """A JSON value without the members of those names, at any depth."""
    if isinstance(value, dict):
        return {name: without(member, names) for name, member in value.items() if name not in names}
    if isinstance(value, list):
        return [without(member, names) for member in value]
    return value


def small_shop():
    """Files that pass, are warned and fail: sentences of each kind."""
    project = kit.small_shop().copy()
    project.write("data/raw/sales_cut.csv", b"order_id,order_date,user_id,session_id,product_id,quantity,unit_price,discount,total_amount,payment_method,status\n"
                  b"x1,2025-07-18,u1,s1,p1,zwei,1.0,0,1.0,card,paid\n" * 1)
    project.write("data/raw/users_9.csv", b"")
    return project


class Run(unittest.TestCase):
    """The same shop, run in both languages."""

    @classmethod
    def setUpClass(cls):
        shop = small_shop()
        with open(shop.path("config/pipeline_config.yaml"), "a", encoding="utf-8") as file:
            file.write("\nmetrics: {textfile: data/metrics.prom}\nlineage: {file: data/lineage.jsonl}\n")
        cls.english, cls.french = shop.copy(), shop.copy()
        cls.out_en = cls.english.run("--no-archive", code=1)
        cls.out_fr = cls.french.run("--no-archive", code=1, env=french())

    def both(self, name):
        return self.english.read(name), self.french.read(name)

    def names(self, folder, pattern):
        return sorted(name for name in os.listdir(self.english.path(folder)) if re.fullmatch(pattern, name))

    def test_summary(self):
        out = self.out_fr.out
        for words in ("fichiers, 5 sources", " lignes, ", " acceptées, ", " en quarantaine", "❌ non lu\u00a0: data/raw/users_9.csv",
                      "rapports de validation", "✔ terminé en ", " Mo lus"):
            self.assertIn(words, out)
        for words in (" rows", "accepted", "quarantined", "done in", "not read", "failed"):
            self.assertNotIn(words, out)
            self.assertIn(words, self.out_en.out)
        self.assertRegex(out, r"terminé en \d+,\d s")

    def test_log(self):
        log = self.out_fr.err
        self.assertNotIn("belongs to no source", log)
        self.assertEqual(re.findall(r" (DEBUG|INFO|WARN|ERROR) ", log), re.findall(r" (DEBUG|INFO|WARN|ERROR) ", self.out_en.err))

    def test_reports(self):
        names = self.names("data/quality", r"validation_report_.*\.json")
        self.assertGreater(len(names), 5)
        said = 0
        for name in names:
            english, fr = (json.loads(text) for text in self.both(f"data/quality/{name}"))
            self.assertEqual(without(english, SENTENCES | OF_THE_RUN), without(fr, SENTENCES | OF_THE_RUN), name)
            said += (english["errors"] or []) != (fr["errors"] or [])
        self.assertGreater(said, 1)
        empty = self.french.report("users_9.csv")
        self.assertEqual(empty["errors"][0], "le fichier ne contient aucun octet [empty-file]")  # its name stands before it
        self.assertEqual(empty["status"], "errored")

    def test_figures_of_sentences(self):
        text = json.dumps(self.french.report("sales_cut.csv"), ensure_ascii=False)
        self.assertRegex(text, r"le score \d+(,\d+)? est sous le seuil")

    def test_tables(self):
        self.assertEqual(kit.check_project(self.french), [])
        self.assertEqual(kit.digests(self.english), kit.digests(self.french))

    def test_csv(self):
        def exports(project):
            return {name: digest for name, digest in kit.tree(project.path("data/processed")).items() if name.endswith(".csv")}
        self.assertTrue(exports(self.english))
        self.assertEqual(exports(self.english), exports(self.french))

    def test_quarantine(self):
        for source in ("sales", "api_logs"):
            for name in os.listdir(self.english.path("data/quality/quarantine", source)):
                rows = [[without(row, {"run"}) for row in project.quarantine(source, name.removesuffix(".jsonl"))]
                        for project in (self.english, self.french)]
                self.assertEqual(rows[0], rows[1])
        csv = [kit.call("-C", project.folder, "quarantine", "export", "--source", "sales", env=env).out
               for project, env in ((self.english, None), (self.french, french()))]
        self.assertEqual(*(re.sub(r"\d{8}_\d{6}-\d{8}", "RUN", text) for text in csv))

    def test_prometheus(self):
        english, fr = (text.decode() for text in self.both("data/metrics.prom"))
        def figureless(text):  # times and the run's id differ, names, labels and help do not
            return [re.sub(r'run="[^"]*"', "", line).rsplit(" ", 1)[0] if not line.startswith("#") else line for line in text.splitlines()]
        self.assertEqual(figureless(english), figureless(fr))
        rows = [line for line in english.splitlines() if line.startswith("ecluse_source_rows") or "score" in line]
        self.assertTrue(rows)
        for line in rows:
            self.assertIn(line, fr.splitlines())

    def test_lineage(self):
        english, fr = ([json.loads(line) for line in text.splitlines()] for text in self.both("data/lineage.jsonl"))
        volatile = {"eventTime", "runId", "nominalStartTime", "nominalEndTime", "nominalTime", "name", "namespace", "version", "datasetVersion", "uri",
                    "lastUpdatedTime", "message", "stackTrace", "run", "seconds", "fingerprint", "description"}
        self.assertEqual(without(english, volatile), without(fr, volatile))

    def test_alert(self):
        text = self.french.read("data/quality/quality_alert.txt").decode()
        self.assertTrue(text.startswith("ALERTE QUALITÉ\n\nExécution "), text)
        self.assertIn("   Que faire\u00a0: Redemandez le fichier.\n", text)
        self.assertNotRegex(text, r"(?i)\b(rows|the file|what to do|why)\b")

    def test_page(self):
        page = self.french.read("data/quality/dashboard.html").decode()
        self.assertIn('"language":"fr"', page)
        facts = self.french.json("dashboard", "--facts")
        self.assertTrue(all(issue["text"] != issue["fr"] for issue in facts["issues"]))
        self.assertTrue(any("could not be read" in issue["text"] for issue in facts["issues"]))
        self.assertTrue(any("n’a pas pu être lu" in issue["fr"] for issue in facts["issues"]))

    def test_json(self):
        done = [kit.call("-C", project.folder, "history", "--format", "json", env=env).out
                for project, env in ((self.english, None), (self.french, french()))]
        english, fr = (json.loads(text)["runs"][0] for text in done)
        self.assertEqual(english.keys(), fr.keys())
        self.assertEqual(english["status"], fr["status"])

    def test_old_run_is_reported_in_the_new_language(self):
        """The facts are kept, not the sentences: `report` writes them again in whoever's language asks."""
        project = self.english.copy()
        project.call("report", env=french())
        english, fr = project.report("sales_cut.csv"), self.french.report("sales_cut.csv")
        self.assertEqual(english["errors"], fr["errors"])

    def test_second_run(self):
        """What was applied is known by content and rules, whatever the language of the run before."""
        project = self.english.copy()
        out = project.run("--no-archive", code=None, env=french()).out
        self.assertNotIn("sales_2025", out)
        plan = project.json("plan")
        self.assertEqual(plan["files"][0]["cause"], "applied")


class Alerts(unittest.TestCase):
    BAD = kit.csv_text(kit.SALES_HEADER, kit.sale(1, quantity=-2), kit.sale(2))

    def project(self, alert):
        project = kit.new_project(**{"sales_1.csv": self.BAD})
        text = project.read("config/pipeline_config.yaml").decode()
        project.write("config/pipeline_config.yaml", text[: text.index("\nalerts:")] + "\nalerts:\n  - " + json.dumps(alert) + "\n")
        return project

    def tell(self, project, env):
        project.run("--no-archive", "--fail-on", "never", env=env)

    def test_mail(self):
        server = receivers.Mail()
        self.addCleanup(server.close)
        project = self.project({"type": "smtp", "host": "127.0.0.1", "port": server.port, "from": "ecluse@shop.example", "to": ["data@shop.example"],
                                "ca_file": receivers.certificates()[0], "user": receivers.USER, "password": {"env": "MAIL_PASSWORD"},
                                "dashboard": "https://shop.example/d"})
        self.tell(project, french(MAIL_PASSWORD=receivers.PASSWORD))
        self.assertEqual(len(server.messages), 1)
        content = server.messages[0][2]
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.assertEqual(message.defects, [])
        self.assertEqual(message["subject"].strip(), f"[ÉCHEC] {os.path.basename(project.folder)}\u00a0: 1 fichier en échec")
        text, html = (part.get_content() for part in message.iter_parts())
        self.assertIn("[erreur] data/raw/sales_1.csv (source sales)\u00a0: en échec", text)
        self.assertIn("le score 75,00 est sous le seuil 95", text)
        self.assertIn("ligne 2, quantity.min_value: -2", text)
        self.assertIn('<html lang="fr">', html)
        self.assertIn(">Ouvrir le tableau de bord</a>", html)
        self.assertIn("Ouvrez le tableau de bord ou le rapport de validation du fichier.", html)
        for words in ("rows", "accepted", "What to do", "score 75.00"):
            self.assertNotIn(words, text + html)
        for line in content.split(b"\r\n"):
            self.assertLessEqual(len(line), 78)
            self.assertTrue(all(0x20 <= byte < 0x7F for byte in line), line)

    def test_a_repetition_is_known_in_any_language(self):
        """By the names of checks, not by sentences: an English alert that comes again in French is the same."""
        server = receivers.Web()
        self.addCleanup(server.close)
        project = self.project({"type": "webhook", "url": server.url + "/hook", "tls": "none", "timeout": "60s", "repeat_after": "1d"})
        self.tell(project, kit.environment())
        project.write("data/raw/sales_2.csv", self.BAD.replace("O1", "O3").replace("O2", "O4"))
        self.tell(project, french())
        told = [json.loads(body) for _, _, body in server.requests]
        self.assertEqual(len(told), 1, told)
        project.write("data/raw/sales_3.csv", "not,a,header\n1,2,3\n")
        self.tell(project, french())
        told = [json.loads(body) for _, _, body in server.requests]
        self.assertEqual(len(told), 2)
        self.assertEqual(told[0].keys(), told[1].keys())
        self.assertEqual({issue["verdict"] for issue in told[1]["issues"]}, {"errored"})  # a field for programs
        self.assertIn("fichier n’a pas pu être lu", told[1]["title"])


class Settings(unittest.TestCase):
    def help(self, **env):
        return kit.call("--help", env=kit.environment(**{"LC_ALL": "", **env})).out

    def test_environment(self):
        french_help, english_help = self.help(LANG="fr_FR.UTF-8"), self.help(LANG="C.UTF-8")
        self.assertIn("Commandes\u00a0:", french_help)
        self.assertIn("Commands:", english_help)
        for env, expected in (({"LANG": "fr"}, french_help), ({"LANG": "fr_CA.ISO-8859-1"}, french_help), ({"LANGUAGE": "de:fr", "LANG": "en_US.UTF-8"}, french_help),
                              ({"LANGUAGE": "en", "LANG": "fr_FR.UTF-8"}, english_help), ({"LANG": "de_DE.UTF-8"}, english_help),
                              ({"LC_MESSAGES": "fr_FR", "LANG": "C"}, french_help), ({"LC_ALL": "C", "LANG": "fr_FR"}, english_help),
                              ({"LANG": "../../etc/passwd"}, english_help), ({"LANG": "fr/../../x"}, english_help), ({}, english_help)):
            with self.subTest(env):
                self.assertEqual(self.help(**env), expected)

    def test_configuration_wins(self):
        """cron has no LANG: the project says it."""
        project = kit.finished(kit.small_shop).copy()
        with open(project.path("config/pipeline_config.yaml"), "a", encoding="utf-8") as file:
            file.write("\nlanguage: fr\n")
        self.assertIn("Rien à lire", project.call("plan", env=kit.environment(LC_ALL="C")).out)
        self.assertIn("Nothing to read", project.call("plan", "--set", "language=en", env=french()).out)
        self.assertIn("rien à faire", project.run("--no-archive", env=kit.environment(LC_ALL="C")).out)
        project.edit("config/pipeline_config.yaml", "language: fr", "language: auto")
        self.assertIn("Nothing to read", project.call("plan").out)
        project.edit("config/pipeline_config.yaml", "language: auto", "language: frr")
        self.assertIn("unknown language `frr`; did you mean `fr`?", project.call("plan", code=2).err)

    def test_language_is_no_rule(self):
        """Another language re-validates nothing: it is not in the fingerprint."""
        project = kit.finished(kit.small_shop).copy()
        plan = project.json("plan")
        with open(project.path("config/pipeline_config.yaml"), "a", encoding="utf-8") as file:
            file.write("\nlanguage: fr\n")
        after = project.json("plan")
        self.assertEqual([file["cause"] for file in plan["files"]], [file["cause"] for file in after["files"]])
        self.assertEqual(after["pending"], 0)


class Words(unittest.TestCase):
    def test_configuration_error(self):
        project = kit.new_project()
        project.edit("config/pipeline_config.yaml", "data_workers:", "data_worker:")
        english, fr = project.call("plan", code=2).err, project.call("plan", code=2, env=french()).err
        self.assertIn("unknown key `data_worker`; did you mean `data_workers`?", english)
        self.assertIn(f"clé `data_worker` inconnu{NARROW}; vouliez-vous dire `data_workers`{NARROW}?", fr)
        self.assertIn("erreur [config]\u00a0: ", fr)
        self.assertIn("que faire\u00a0: Corrigez la ligne affichée", fr)
        # The place and the caret are the same.
        self.assertEqual(re.search(r"pipeline_config.yaml:\d+:\d+:", english)[0], re.search(r"pipeline_config.yaml:\d+:\d+:", fr)[0])
        caret = [[line for line in text.splitlines() if "data_worker:" in line or re.fullmatch(r" *\^", line)] for text in (english, fr)]
        self.assertEqual(caret[0], caret[1])
        self.assertEqual(len(caret[1]), 2, fr)

    def test_explain(self):
        out = kit.call("explain", "duplicate-key", env=french()).out
        self.assertTrue(out.startswith("duplicate-key (pourquoi une ligne a été rejetée)\n"), out)
        self.assertIn("exemple\u00a0:", out)
        english, fr = (json.loads(kit.call("explain", "--format", "json", env=env).out)["codes"] for env in (None, french()))
        self.assertEqual([(c["code"], c["kind"], c["exit_code"]) for c in english], [(c["code"], c["kind"], c["exit_code"]) for c in fr])
        for a, b in zip(english, fr):
            for part in ("meaning", "example", "remedy"):
                self.assertNotEqual(a[part], b[part], (a["code"], part))

    def test_every_help(self):
        """Options, values and examples are the same words; what is said of them is not."""
        commands = re.findall(r"^  ([a-z]+) {2,}", kit.call("--help").out, re.M)
        self.assertGreater(len(commands), 14)
        for command in commands:
            english, fr = kit.call(command, "--help").out, kit.call(command, "--help", env=french()).out
            self.assertNotEqual(english, fr)
            self.assertEqual(re.findall(r"^  (--[a-z-]+(?: [A-Z|a-z=-]+…?)?)  ", english, re.M), re.findall(r"^  (--[a-z-]+(?: [A-Z|a-z=-]+…?)?)  ", fr, re.M))
            examples = [re.sub("…[^|]*…", "…", line) for text in (english, fr) for line in re.findall(r"^  ecluse .*$", text, re.M)]
            self.assertEqual(examples[: len(examples) // 2], examples[len(examples) // 2 :])
            for line in fr.splitlines():
                self.assertLess(len(line), 140, line)

    def test_doctor(self):
        project = kit.new_project()
        english, fr = project.call("doctor", code=None), project.call("doctor", code=None, env=french())
        self.assertEqual(english.code, fr.code)
        self.assertEqual([line.split()[:2] for line in english.out.splitlines() if re.match(r"(ok|warn|fail) ", line)],
                         [line.split()[:2] for line in fr.out.splitlines() if re.match(r"(ok|warn|fail) ", line)])
        self.assertRegex(fr.out, r"prêt\u00a0: \d+ contrôles")

    def test_usage(self):
        done = kit.call("rum", env=french())
        self.assertEqual(done.code, 2)
        self.assertIn(f"erreur [usage]\u00a0: la commande `rum` n’existe pas{NARROW}; vouliez-vous dire `run`", done.err)
        self.assertIn("que faire\u00a0: ecluse --help les liste", done.err)

    def test_worker(self):
        """The protocol's fields stay; a worker that ends with an error is understood in any language."""
        done = kit.call("-C", kit.new_project().folder, "worker", stdin=b"{}\n", env=french())
        self.assertEqual(done.code, 3)
        self.assertIn("erreur [protocol]\u00a0: ", done.err)


if __name__ == "__main__":
    unittest.main()
