"""benchmarks/peers/compare.py: its medians, ratios and table, and its runs of programs, which are
shell scripts here that print what they are told to.

    python3 tests/benchmarks/compare_test.py"""
import contextlib
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks" / "peers"))

import compare  # noqa: E402
import rows  # noqa: E402
import table  # noqa: E402


def a_row(name="step", unit="s", **more):
    commands = {peer: ("value", [peer, "{dtype}"]) for peer in ("ours", "floor", "torch", "trl")}
    return rows.Row(name, f"work of {name}", unit, commands, **more)


def some_runs(values, peak=None, row="step", dtype="fp32"):
    return [{"row": row, "dtype": dtype, "peer": peer, "figures": {"value": value, "peak_gb": peak}}
            for peer, of_peer in values.items() for value in of_peer]


def cells(text, line=2):
    return [cell.strip() for cell in text.splitlines()[line].split("|")[1:-1]]


class Figures(unittest.TestCase):
    def test_medians_leave_out_what_is_missing(self):
        self.assertEqual(table.median([3, 1, 2]), 2)
        self.assertEqual(table.median([4, None, 1]), 2.5)
        self.assertIsNone(table.median([None]))
        self.assertIsNone(table.median([]))

    def test_ratios_are_of_speeds(self):
        self.assertEqual(table.speed_ratio("s", 2, 6), 3)
        self.assertEqual(table.speed_ratio("ms", 2, 6), 3)
        self.assertEqual(table.speed_ratio("tokens/s", 6, 2), 3)

    def test_no_ratio_has_a_missing_figure(self):
        for ours, theirs in ((None, 1), (1, None), (None, None)):
            for unit in ("s", "MB/s"):
                self.assertIsNone(table.speed_ratio(unit, ours, theirs))
        self.assertIsNone(table.ratio(1, 0))

    def test_a_json_line_is_read_behind_other_words(self):
        self.assertEqual(compare.read_figures('{"loss": 1}\nnoise\n{"median_s": 2.5}\n'), {"median_s": 2.5})

    def test_google_benchmark_is_read(self):
        text = json.dumps({"context": {}, "benchmarks": [
            {"name": "encode", "real_time": 2.0, "time_unit": "s", "bytes_per_second": 3e6}]}, indent=1)
        self.assertEqual(compare.read_figures(text), {"ms": 2000.0, "mb_per_s": 3.0})


class Table(unittest.TestCase):
    def test_a_line_has_ratios_of_medians(self):
        runs = (some_runs({"ours": [3, 2, 1]}, peak=2) + some_runs({"floor": [1, 1.5, 2]}) +
                some_runs({"torch": [5, 4, 6]}, peak=4) + some_runs({"trl": [8]}, peak=8))
        self.assertEqual(cells(table.render_table([a_row()], ["fp32"], runs)),
                         ["work of step", "fp32", "2 s", "75%", "2.50", "4.00", "50%", "25%"])

    def test_rates_are_compared_the_other_way(self):
        runs = some_runs({"ours": [300], "floor": [400], "torch": [100]})
        line = cells(table.render_table([a_row(unit="tokens/s")], ["fp32"], runs))
        self.assertEqual(line[2:6], ["300 tokens/s", "75%", "3.00", "–"])

    def test_what_was_not_run_or_has_no_figure_is_a_dash(self):
        runs = some_runs({"ours": [1], "torch": [None]})
        self.assertEqual(cells(table.render_table([a_row()], ["fp32"], runs))[2:], ["1 s"] + ["–"] * 5)

    def test_a_failure_in_any_round_counts_and_has_its_reason_below(self):
        runs = some_runs({"ours": [1, 1], "torch": [2]}, peak=1)
        runs.append({"row": "step", "dtype": "fp32", "peer": "torch", "failed": "stopped after 9 s"})
        text = table.render_table([a_row()], ["fp32"], runs)
        self.assertEqual(cells(text)[4:7], ["failed[^1]", "–", "–"])
        self.assertIn("\n\n[^1]: step, fp32, torch: stopped after 9 s\n", text)

    def test_a_dtype_that_ours_does_not_have(self):
        runs = some_runs({"torch": [2]}, dtype="bf16")
        runs.append({"row": "step", "dtype": "bf16", "peer": "ours", "refused": "--dtype: bf16 not in {fp32}"})
        text = table.render_table([a_row()], ["bf16"], runs)
        self.assertEqual(cells(text)[2:], ["not in bf16[^1]"] + ["–"] * 5)
        self.assertIn("[^1]: step, bf16, ours: --dtype: bf16 not in {fp32}", text)

    def test_every_line_has_as_many_cells_as_the_head(self):
        every = [a_row(), a_row("other", dtypes=("–",)), a_row("third", skipped="no data")]
        text = table.render_table(every, ["fp32", "bf16"], [])
        self.assertEqual({line.count("|") for line in text.splitlines()}, {9})
        self.assertEqual([cells(text, n)[1] for n in (2, 3, 4, 5)], ["fp32", "bf16", "–", "–"])
        self.assertEqual(cells(text, 5)[2], "skipped: no data")


class Rows(unittest.TestCase):
    def all(self, threads=1, text=None):
        return rows.all_rows(pathlib.Path("build"), pathlib.Path("models"), compare.HERE, threads, text)

    def test_names_differ_and_patterns_choose(self):
        every = self.all()
        names = [row.name for row in every]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(rows.choose_rows(every, ["*"]), every)
        chosen = rows.choose_rows(every, ["sampling-*-32", "step-gpt2"])
        self.assertEqual([row.name for row in chosen], ["step-gpt2", "sampling-gpt2-32", "sampling-smollm2-32"])
        with self.assertRaisesRegex(ValueError, "no row is called nothing"):
            rows.choose_rows(every, ["step-*", "nothing"])

    def test_all_pairs_of_two_prompts(self):
        row = rows.choose_rows(self.all(), ["step-gpt2-all-pairs"])[0]
        floor = " ".join(row.commands["floor"][1])
        self.assertIn("--prompts 2 --responses-per-prompt 8", floor)
        self.assertIn("--pairs 56", " ".join(row.commands["trl"][1]))

    def test_every_script_is_there(self):
        for row in self.all():
            for peer in set(row.commands) & {"torch", "trl"}:
                self.assertTrue(pathlib.Path(row.commands[peer][1][2]).is_file(), row.commands[peer])

    def test_what_cannot_run_says_why(self):
        skipped = {row.name: row.skipped for row in self.all(threads=1) if row.skipped}
        self.assertEqual(skipped, dict.fromkeys(["tokenizing-encode", "tokenizing-decode"],
                                                "PREFOPT_TEXT is not set"))
        self.assertEqual([row for row in self.all(threads=1, text="file") if row.skipped], [])
        for row in rows.choose_rows(self.all(threads=1 << 20), ["pair-loss*"]):
            self.assertEqual(row.skipped, "pair_loss_benchmark runs on 1 or on all threads")


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "benchmarks").mkdir()

    def program(self, name, script):
        path = self.folder / "benchmarks" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return [str(path)]

    def compare(self, *arguments):
        out, progress = io.StringIO(), io.StringIO()
        with mock.patch.object(compare, "BUILD", self.folder), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(progress):
            status = compare.main(list(arguments))
        return status, out.getvalue(), progress.getvalue()

    def outcome(self, script, timeout=60):
        return compare.run(self.program("program", script), "value", timeout, dict(os.environ))

    def test_outcomes(self):
        self.assertEqual(self.outcome("""echo '{"value": 1}'"""), {"figures": {"value": 1}})
        self.assertEqual(self.outcome("""echo '{"value": null}'"""), {"figures": {"value": None}})
        for script, reason in (("""echo '{"other": 1}'; echo why >&2""", "printed no value: why"),
                               ("echo words", "printed no value: words"),
                               ("echo no memory >&2; exit 3", "exit status 3: no memory"),
                               ("kill -9 $$", "ended by signal 9")):
            self.assertEqual(self.outcome(script), {"failed": reason})
        self.assertEqual(compare.run(["/no/such"], "value", 1, {}),
                         {"absent": "/no/such is not there"})

    def test_a_dtype_is_refused_and_a_usage_line_is_no_refusal(self):
        of_ours = self.outcome("""echo '--dtype: bf16 not in {fp32}' >&2
            echo 'Run with --help for more information.' >&2; exit 105""")
        self.assertEqual(of_ours, {"refused": "--dtype: bf16 not in {fp32}"})
        of_floor = self.outcome("echo 'product_floor: --dtype bf16: not here' >&2; exit 1")
        self.assertEqual(of_floor, {"refused": "product_floor: --dtype bf16: not here"})
        of_peer = self.outcome("""echo 'usage: [--dtype {fp32}]' >&2
            echo 'error: --pairs is wrong' >&2; exit 2""")
        self.assertEqual(of_peer, {"failed": "exit status 2: error: --pairs is wrong"})

    def test_a_slow_program_is_stopped_with_its_children(self):
        self.assertEqual(self.outcome("sleep 600 & wait", timeout=1), {"failed": "stopped after 1 s"})

    def test_in_turn_through_the_rounds(self):
        order = self.folder / "order"
        for name, figure in (("training_step_benchmark", 2), ("product_floor", 1)):
            self.program(name, f"""echo "{name} $OMP_NUM_THREADS" >> {order}
                case "$*" in *bf16*) echo "--dtype: bf16 not in" >&2; exit 105;; esac
                echo '{{"median_s": {figure}, "peak_gb": 1}}'""")
        out = self.folder / "out"
        status, printed, progress = self.compare("--rows", "step-gpt2", "--peers", "floor", "--rounds", "2",
                                                 "--threads", "3", "--out", str(out))
        self.assertEqual(status, 0)
        ours, floor = "training_step_benchmark 3", "product_floor 3"
        self.assertEqual(order.read_text(encoding="utf-8").splitlines(), [ours, floor, ours, ours, floor])
        self.assertEqual(cells(printed)[2:5], ["2 s", "50%", "–"])
        self.assertEqual(cells(printed, 3)[2:5], ["not in bf16[^1]", "–", "–"])
        self.assertRegex(printed.splitlines()[-1], r"^\d{4}-\d\d-\d\d; .* cores, 3 threads used; torch ")
        self.assertIn("[1/8] round 1: step-gpt2 fp32 ours ... 2 s (", progress)
        self.assertEqual((out / "table.md").read_text(encoding="utf-8"), printed)
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
        self.assertEqual([(run["round"], run["dtype"], run["peer"]) for run in results["runs"]],
                         [(1, "fp32", "ours"), (1, "fp32", "floor"), (1, "bf16", "ours"),
                          (2, "fp32", "ours"), (2, "fp32", "floor")])
        self.assertEqual(sorted(path.name for path in out.iterdir()), ["results.json", "table.md"])

    def test_a_failure_is_shown_and_is_the_exit_status(self):
        self.program("training_step_benchmark", """echo '{"median_s": 2, "peak_gb": 1}'""")
        self.program("product_floor", "echo no memory >&2; exit 3")
        status, printed, _ = self.compare("--rows", "step-gpt2", "--peers", "floor", "--dtype", "fp32")
        self.assertEqual(status, 1)
        self.assertEqual(cells(printed)[2:5], ["2 s", "failed[^1]", "–"])
        self.assertIn("exit status 3: no memory", printed)

    def test_what_is_not_built_is_no_failure(self):
        self.program("training_step_benchmark", """echo '{"median_s": 2, "peak_gb": 1}'""")
        status, printed, _ = self.compare("--rows", "step-gpt2", "--peers", "floor", "--dtype", "fp32")
        self.assertEqual(status, 0)
        self.assertEqual(cells(printed)[2:5], ["2 s", "not built[^1]", "–"])


if __name__ == "__main__":
    unittest.main()
