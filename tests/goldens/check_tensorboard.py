"""Reads a run's event files with TensorBoard's own reader and compares every scalar with the run's
metrics.jsonl. Packages: tensorboard. Run: python check_tensorboard.py RUN_FOLDER"""
import json
import math
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = pathlib.Path(sys.argv[1])
expected = {}
for line in (folder / "metrics.jsonl").read_text().splitlines():
    row = json.loads(line)
    step = row.pop("step")
    row.pop("epoch")
    for name, value in row.items():
        tag = "eval/" + name[5:] if name.startswith("eval_") else "train/" + name
        expected.setdefault(tag, {})[step] = value

events = EventAccumulator(str(folder))
events.Reload()
found = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}
assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
count = 0
for tag, values in expected.items():
    assert found[tag].keys() == values.keys(), (tag, found[tag].keys() ^ values.keys())
    for step, value in values.items():
        assert math.isclose(found[tag][step], value, rel_tol=1e-6, abs_tol=1e-6), (tag, step)
        count += 1
print(f"{count} scalars of {len(expected)} tags agree")
