"""The parts of benchmarks/scaling that measure nothing."""

import json
import math
import pathlib
import struct
import sys
import tempfile
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parents[2] / "benchmarks" / "support"
sys.path.insert(0, str(SUPPORT))
import random_checkpoint  # noqa: E402
import scaling_curves  # noqa: E402
from scaling_curves import Measured, Point  # noqa: E402

CURVES = scaling_curves.all_curves(3, 2)


def curve(name):
    return next(c for c in CURVES if c.name == name)


def measured(name, xs, values):
    return Measured(curve(name),
                    [Point(str(x), x, v, v / 2, 2 * v) for x, v in zip(xs, values)])


class Exponent(unittest.TestCase):
    def test_powers_are_found(self):
        for power in (-1, 0, 0.5, 1, 2):
            xs = [1, 3, 8, 20]
            self.assertAlmostEqual(
                scaling_curves.exponent(xs, [7 * x ** power for x in xs]), power)

    def test_only_the_last_points_count(self):
        self.assertAlmostEqual(scaling_curves.exponent([1, 2, 4, 8], [50, 4, 16, 64]), 2)

    def test_between_two_points_it_is_their_slope(self):
        self.assertAlmostEqual(scaling_curves.exponent([2, 8], [3, 6]), 0.5)

    def test_noise_is_averaged(self):
        found = scaling_curves.exponent([1, 2, 4], [1, 2.2, 4])
        self.assertAlmostEqual(found, 1)  # the middle of three does not turn the line

    def test_one_point_has_none(self):
        self.assertIsNone(scaling_curves.exponent([4], [1]))
        self.assertIsNone(scaling_curves.exponent([4, 4], [1, 2]))


class Curves(unittest.TestCase):
    def test_chosen_in_their_own_order(self):
        chosen = scaling_curves.choose(CURVES, "sampling_new,pairs")
        self.assertEqual([c.name for c in chosen], ["pairs", "sampling_new"])

    def test_an_unknown_name_is_refused_with_those_there_are(self):
        for names in ("pears", "", "pairs,"):
            with self.assertRaisesRegex(ValueError, "no curve .*; there are response, prompt"):
                scaling_curves.choose(CURVES, names)

    def test_one_setting_grows_and_the_rest_stays(self):
        for c in CURVES:
            base = scaling_curves.SAMPLING if c.samples else scaling_curves.STEP
            changed = {key for point in c.points for key, value in c.settings(point).items()
                       if value != base[key]}
            allowed = {c.grows} | ({"pairs"} if c.grows == "responses-per-prompt" else set())
            self.assertLessEqual(changed, allowed, c.name)

    def test_pairs_are_all_of_the_responses(self):
        self.assertEqual(curve("responses_pair").settings(4)["pairs"], 2 * 6)

    def test_values(self):
        self.assertAlmostEqual(curve("pairs").value(8, 0.5), 500)
        self.assertAlmostEqual(curve("responses_pair").value(4, 0.6), 600 / 12)
        self.assertAlmostEqual(curve("responses_each").value(4, 0.6), 600 / 8)
        self.assertAlmostEqual(curve("sampling_batch").value(4, 0.5), 4 * 32 / 0.5)

    def test_processors_are_powers_of_two(self):
        threads = {n: scaling_curves.all_curves(1, n)[6].points for n in (1, 2, 6, 8)}
        self.assertEqual(threads, {1: (1,), 2: (1, 2), 6: (1, 2, 4), 8: (1, 2, 4, 8)})


class Marks(unittest.TestCase):
    def test_a_time_that_grows_too_fast(self):
        xs = (1, 2, 4)
        self.assertFalse(measured("pairs", xs, [x ** 1.1 for x in xs]).worse(0.15))
        self.assertTrue(measured("pairs", xs, [x ** 1.2 for x in xs]).worse(0.15))
        self.assertFalse(measured("pairs", xs, [x ** 0.2 for x in xs]).worse(0.15))
        self.assertFalse(measured("response", xs, [x ** 2.1 for x in xs]).worse(0.15))

    def test_a_rate_that_falls_too_fast(self):
        xs = (1, 2, 4)
        self.assertFalse(measured("sampling_new", xs, [x ** -1.1 for x in xs]).worse(0.15))
        self.assertTrue(measured("sampling_new", xs, [x ** -1.2 for x in xs]).worse(0.15))
        self.assertFalse(measured("sampling_threads", xs, [x ** 0.9 for x in xs]).worse(0.15))
        self.assertTrue(measured("sampling_threads", xs, [x ** 0.8 for x in xs]).worse(0.15))

    def test_one_point_is_not_marked(self):
        self.assertFalse(measured("threads", [1], [3]).worse(0))


class Shown(unittest.TestCase):
    def test_table(self):
        text = scaling_curves.table([measured("pairs", (1, 2, 4), (100, 400, 1600.4)),
                                     measured("threads", (1,), (12.345,))], 0.15)
        self.assertEqual(text.splitlines()[2:], [
            "| pairs | pairs of a step | 1, 2, 4 | ms a step | 100, 400, 1600 | 2.00 | 1 "
            "| **worse** |",
            "| threads | threads | 1 | ms a step | 12.3 | - | -1 | |"])

    def test_three_digits(self):
        self.assertEqual([scaling_curves.short(v) for v in (0.012345, 9.999, 99.97, 999.7, 1234.5)],
                         ["0.0123", "10", "100", "1000", "1234"])

    def test_csv(self):
        rows = list(scaling_curves.csv_rows([measured("pairs", (1, 2), (100, 400))]))
        self.assertEqual(rows[0][3:], ("x", "unit", "median", "lowest", "highest"))
        self.assertEqual(rows[2], ("pairs", "pairs of a step", "2", 2, "ms a step", 400, 200, 800))

    def test_ticks_hold_the_values_between_them(self):
        self.assertEqual(scaling_curves.round_values(3, 40), [2, 5, 10, 20, 50])
        for low, high in ((1, 1), (10, 1000), (0.03, 0.031), (99, 101), (1e-4, 7e4)):
            ticks = scaling_curves.round_values(low, high)
            self.assertTrue(ticks[0] <= low and high <= ticks[-1] and len(ticks) > 1, (low, high))

    def test_plot_has_a_panel_for_each_curve(self):
        script = scaling_curves.plot([measured("pairs", (1, 2), (100, 400)),
                                      measured("threads", (1,), (5,))])
        self.assertEqual(script.count("with yerrorlines"), 2)
        self.assertIn("multiplot layout 1,2", script)


class Checkpoint(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = random_checkpoint.write(pathlib.Path(temporary.name) / "made", layers=2,
                                              width=8, heads=2, vocabulary=11, positions=5)
        self.bytes = (self.folder / "model.safetensors").read_bytes()
        self.begin = 8 + struct.unpack("<Q", self.bytes[:8])[0]
        self.entries = json.loads(self.bytes[8:self.begin])

    def numbers(self, name):
        begin, end = self.entries[f"transformer.{name}"]["data_offsets"]
        return struct.unpack(f"<{(end - begin) // 4}f",
                             self.bytes[self.begin + begin:self.begin + end])

    def test_config(self):
        config = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        self.assertEqual((config["model_type"], config["n_layer"], config["vocab_size"]),
                         ("gpt2", 2, 11))
        self.assertEqual(random_checkpoint.positions(self.folder), 5)

    def test_tensors_lie_one_after_another_and_fill_the_file(self):
        self.assertEqual(self.begin % 8, 0)
        self.assertEqual(self.entries.pop("__metadata__"), {"format": "pt"})
        end = 0
        for name in sorted(self.entries):
            entry = self.entries[name]
            self.assertEqual(entry["data_offsets"], [end, end + 4 * math.prod(entry["shape"])])
            end = entry["data_offsets"][1]
        self.assertEqual(len(self.bytes), self.begin + end)

    def test_shapes_and_parameters(self):
        width, layers = 8, 2
        self.assertEqual(len(self.entries) - 1, 2 + 12 * layers + 2)
        self.assertEqual(self.entries["transformer.h.1.attn.c_attn.weight"]["shape"], [8, 24])
        self.assertEqual(self.entries["transformer.h.0.mlp.c_proj.weight"]["shape"], [32, 8])
        layer = 12 * width ** 2 + 13 * width
        self.assertEqual(random_checkpoint.parameters(self.folder),
                         11 * width + layers * layer + 2 * width)

    def test_numbers(self):
        self.assertEqual(set(self.numbers("h.0.ln_1.weight")), {1.0})
        self.assertEqual(set(self.numbers("h.0.ln_1.bias")), {0.0})
        weights = self.numbers("h.1.mlp.c_fc.weight")
        self.assertEqual(len(set(weights)), len(weights))
        deviation = math.sqrt(sum(w * w for w in weights) / len(weights))
        self.assertTrue(0.015 < deviation < 0.025, deviation)

    def test_damage_is_named(self):
        for text in (b"", b"\xff" * 8, struct.pack("<Q", 4) + b"{{{{"):
            (self.folder / "model.safetensors").write_bytes(text)
            with self.assertRaisesRegex(OSError, "model.safetensors: is no safetensors file"):
                random_checkpoint.parameters(self.folder)


if __name__ == "__main__":
    unittest.main()
