"""The bench's own arithmetic, and what it reads."""
import unittest

import counts
import measure
import scale
import sandbox
import sign
from measure import Cost


def costs(*walls):
    return [Cost(wall, wall / 2, 10) for wall in walls]


class Measure(unittest.TestCase):
    def test_a_report_of_measure(self):
        self.assertEqual(Cost.read("3 1500000000 250000 50000 1000\n"), Cost(1.5, 0.3, 1.024, 3))

    def test_a_command_is_measured_and_must_succeed(self):
        environment = measure.clean("/")
        cost = measure.run(["sh", "-c", "sleep 0.05; exit 3"], environment, codes=(3,))
        self.assertGreater(cost.wall, 0.05)
        self.assertLess(cost.cpu, cost.wall)
        # Python itself has more than this.
        self.assertLess(cost.rss, 8)
        with self.assertRaisesRegex(measure.Failed, "exit 1: well"):
            measure.run(["sh", "-c", "echo well; exit 1"], environment)

    def test_ratios_are_taken_within_a_round(self):
        # Everything is ten times as slow in the second round: no ratio changes.
        ours, theirs = costs(1, 10, 1), costs(3, 30, 3)
        self.assertEqual(measure.ratio(theirs, ours, "wall"), 3)
        self.assertEqual(measure.middle(costs(5, 1, 3), "wall"), 3)
        self.assertEqual(measure.spread(costs(1, 2, 3, 4), costs(1, 1, 1, 1), "wall"), (2, 3))

    def test_turns(self):
        order = []
        contestants = {name: lambda name=name: order.append(name) or Cost(1, 1, 1) for name in "abc"}
        self.assertEqual(len(measure.paired(contestants, 3)["b"]), 3)
        self.assertEqual("".join(order), "abcbcacab")

    def test_a_sum_has_the_higher_peak(self):
        self.assertEqual(Cost(1, 2, 3) + Cost(4, 5, 1), Cost(5, 7, 3))

    def test_verdicts(self):
        self.assertEqual(measure.verdict(1.19, 1.2), "met (≤ 1.2)")
        self.assertEqual(measure.verdict(1.21, 1.2), "**missed** (≤ 1.2)")
        self.assertEqual(measure.verdict(99, 100, at_most=False), "**missed** (≥ 100)")


class Scale(unittest.TestCase):
    def test_the_ideal_schedule(self):
        self.assertAlmostEqual(scale.ideal("list", 101, 0.02), 0.06)
        self.assertAlmostEqual(scale.ideal("first sync", 101, 0.02), (3 + 13) * 0.02)
        self.assertEqual(scale.expected("no-op sync", 50), {"ListCertificates": 1})

    def test_growth(self):
        row = scale.grown("list", {10: (1, 0.1, 0.2), 100: (2, 1, 1), 1000: (2.9, 10, 20)})
        self.assertEqual(row, ["list", "1.92", "met (≤ 2)", "10.0", "20.0", "2.00"])


class Counts(unittest.TestCase):
    def test_a_file_of_callgrind(self):
        self.assertEqual(counts.total("events: Ir\nfn=(1)\n1 5\n\ntotals: 123456\n"), 123456)

    def test_only_more_is_worse(self):
        rows, worse = counts.compare({"a": 100, "b": 100, "c": 100}, {"a": 104, "b": 106, "c": 50, "d": 1})
        self.assertEqual(worse, ["b (+6.0%)"])
        self.assertEqual([row[3] for row in rows], ["+4.0%", "+6.0%", "-50.0%", "+0.0%"])


class Readers(unittest.TestCase):
    def test_the_sandbox_log(self):
        log = ['2026-11-22T21:26:14Z Huawei "ListCertificates" 200', '2026-11-22T21:26:15Z Huawei "ListCertificates" 200',
               '2026-11-22T21:26:15Z Huawei "ListCertificates" 401']
        self.assertEqual(sandbox.tally(log), {"ListCertificates": 2, "401": 1})

    def test_a_published_signature(self):
        """The example of Tencent's document on TC3-HMAC-SHA256: its last key and its signature."""
        date, secret = "2019-02-25", "TC3Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
        to_sign = ("TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n"
                   "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031")
        signature = sign.chain(secret.encode(), date, "cvm", "tc3_request", to_sign).hex()
        self.assertEqual(signature, "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168")


if __name__ == "__main__":
    unittest.main()
