"""Compares prefopt, through parity_probe, with transformers and PEFT: see scripts/parity."""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "goldens"))

from report import Report  # before transformers, whose settings it makes

import torch

import adapter_parity
import classifier_parity
import classifiers
import decoder_parity
import decoders


def compare_folder(report, given, probe, generator):
    """A decoder, a classifier or encoder, or an adapter: ADAPTER_DIR or BASE_DIR:ADAPTER_DIR."""
    base, _, folder = given.rpartition(":")
    name = pathlib.Path(folder).name
    if (pathlib.Path(folder) / "adapter_config.json").exists():
        adapter_parity.compare(report, name, base or adapter_parity.base_of(folder), folder, probe,
                               generator)
        return
    file = pathlib.Path(given) / "config.json"
    if not file.exists():
        sys.exit(f"parity: {given}: expected a folder with config.json, or adapter_config.json")
    config = json.loads(file.read_text())
    kind = classifier_parity if config["model_type"] in classifier_parity.KINDS else decoder_parity
    kind.compare(report, pathlib.Path(given).name, given, probe, generator)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("folders", nargs="*")
    chosen = parser.parse_args()
    torch.manual_seed(chosen.seed)
    report = Report()
    generator = torch.Generator().manual_seed(chosen.seed)
    for folder in chosen.folders:
        compare_folder(report, folder, chosen.probe, generator)
    if not chosen.folders:
        for name in decoders.DECODERS:
            decoder_parity.compare_random(report, name, chosen.probe, generator)
        for name in classifiers.CLASSIFIERS:
            classifier_parity.compare_random(report, name, chosen.probe, generator)
        for base, settings in adapter_parity.ADAPTERS:
            adapter_parity.compare_random(report, base, settings, chosen.probe, generator)
    print(f"{report.count - report.failed} of {report.count} checks equal")
    return report.failed != 0


if __name__ == "__main__":
    sys.exit(main())
