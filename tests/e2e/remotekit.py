"""Projects whose sales lie in a store, for tests/e2e/test_remote*.py and tests/remote/."""
import json
import os
import unittest

import kit
import objectstore

HEADER = "order_id,order_date,user_id,session_id,product_id,quantity,unit_price,discount,total_amount,payment_method,status\n"


def sales(first, count=3, text="card"):
    rows = [f"o-{n},2025-07-18T10:00:00,u-1,s-1,p-1,2,10.00,0.00,20.00,{text},completed\n" for n in range(first, first + count)]
    return (HEADER + "".join(rows)).encode()


def project(*globs):
    p = kit.new_project()
    p.edit("config/pipeline_config.yaml", 'files: ["sales_*.csv"]', f"files: {json.dumps(list(globs), ensure_ascii=False)}")
    return p


def orders(p):
    """(order, file) of the rows of the table of sales, as an independent reader has them."""
    return sorted(kit.table_rows(p, "sales", "order_id, _file")) if os.path.isdir(p.table_folder("sales")) else []


class Remote(unittest.TestCase):
    def setUp(self):
        self.s3 = objectstore.S3()
        self.addCleanup(self.s3.close)

    def put(self, key, data):
        self.s3.buckets["drops"][key] = data

    def run_project(self, p, *arguments, code=0, **more):
        result = p.run(*arguments, code=code, env=kit.environment(**self.s3.environment(**more)))
        self.nowhere(p, objectstore.SECRET, *(value for name, value in more.items() if name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN") and value))
        return result

    def nowhere(self, p, *secrets):
        """No file of the project holds one of them: logs, manifests, reports, tables; but for a file of credentials that a test wrote."""
        for folder, _, names in os.walk(p.folder):
            for name in names:
                if name == "credentials":
                    continue
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                for secret in secrets:
                    self.assertNotIn(secret.encode(), data, os.path.join(folder, name))

    def silent(self, result):
        """No secret is in what was said."""
        for secret in (objectstore.SECRET, "X-Amz-Signature", "Signature="):
            self.assertNotIn(secret, result.out + result.err)

    def refused(self, p, code, *words, exit_code=3, **more):
        result = self.run_project(p, code=exit_code, **more)
        self.assertIn(f"[{code}]", result.err)
        for word in words:
            self.assertIn(word, result.err)
        self.silent(result)
        self.assertEqual(orders(p), [])
        self.assertFalse(os.listdir(p.path("data/staging")) if os.path.isdir(p.path("data/staging")) else [])
        return result
