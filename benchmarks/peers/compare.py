"""Runs prefopt's benchmarks and other libraries' in turn on this machine, and prints a table of
ratios. benchmarks/compare makes what it needs and starts it."""
import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from rows import DTYPES, PEERS, all_rows, all_threads, choose_rows
from table import chosen_dtypes, number, render_table

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("PREFOPT_CACHE") or pathlib.Path.home() / ".cache" / "prefopt")
BUILD = pathlib.Path(os.environ.get("PREFOPT_BUILD") or HERE.parents[1] / "build")

HELP = """

Each row of the table is a piece of work. Its programs run in turn (ours, floor, torch, TRL) in every
round; figures are medians over the rounds, of medians that the programs print.

  ours                   what prefopt takes, or how much it does a second
  share of the floor     of the speed that the matrix products alone would have in oneDNN
  x torch, x TRL         how many times as fast as the other: torch is a loop written by hand, and
                         for some rows what the row names
  peak memory vs         our process's largest resident set as a part of the other's

Where a program does not have a dtype, the row says so. One that fails or is stopped is not run again,
the reason stands below the table, and the exit status is 1.
"""
ENVIRONMENT = """
environment:
  PREFOPT_PYTHON         a Python with torch, transformers, trl, datasets, tokenizers, gguf and
                         safetensors; else a virtual environment is made in $PREFOPT_CACHE/peers
  PREFOPT_CACHE          where that, and the models (peers-models), are kept; default ~/.cache/prefopt
  PREFOPT_BUILD          where our programs are built; default build/
  PREFOPT_TEXT           a file of texts, one a line (plain or .xz), for the tokenizing rows
  PREFOPT_TOKENIZER      their tokenizer's folder; default SmolLM2's
"""


def read_figures(text):
    """The JSON line that a program prints last; of Google Benchmark's JSON, the first benchmark."""
    try:
        found = json.loads(text)
    except ValueError:
        found = json.loads(text.strip().splitlines()[-1])
    if "benchmarks" not in found:
        return found
    first = found["benchmarks"][0]
    milliseconds = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3}[first["time_unit"]]
    return {"ms": first["real_time"] * milliseconds, "mb_per_s": first.get("bytes_per_second", 0) / 1e6}


def run(words, figure, timeout, environment):
    """What the program printed, `figure` among it, as {"figures": ...}; or why not: see table.py."""
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment,
                                   start_new_session=True)
    except FileNotFoundError:
        return {"absent": f"{words[0]} is not there"}
    except OSError as problem:
        return {"failed": f"{words[0]}: {problem.strerror}"}
    with process:
        try:
            out, problems = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            return {"failed": f"stopped after {timeout} s"}
        finally:
            if process.returncode is None:  # also where we are interrupted: with its children
                os.killpg(process.pid, signal.SIGKILL)
    lines = [line for line in (problems.strip() or out.strip()).splitlines()
             if not line.startswith("Run with --help")]
    if process.returncode < 0:
        return {"failed": f"ended by signal {-process.returncode}"}
    if process.returncode > 0:
        of_dtype = [line for line in lines if re.search("(^|: )--dtype", line)]
        if of_dtype:
            return {"refused": of_dtype[-1]}
        return {"failed": f"exit status {process.returncode}: {lines[-1] if lines else 'no word why'}"}
    try:
        figures = read_figures(out)
        if figure in figures:  # null is one: there is no such figure here
            return {"figures": figures}
    except (ValueError, IndexError, KeyError, TypeError):
        pass
    return {"failed": f"printed no {figure}: {lines[-1] if lines else 'nothing'}"}


def processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def describe_machine(threads):
    return {"date": datetime.date.today().isoformat(), "processor": processor(), "cores": all_threads(),
            "threads": threads} | {name: version(name) for name in ("torch", "transformers", "trl")}


def machine_line(machine):
    return ("{date}; {processor}, {cores} cores, {threads} threads used; torch {torch}, transformers "
            "{transformers}, TRL {trl}\n").format(**machine)


def write(path, text):
    """The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, work = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(work, 0o644)
        os.replace(work, path)
    except BaseException:
        os.unlink(work)
        raise


def clock(seconds):
    return str(datetime.timedelta(seconds=round(seconds)))


def run_all(rows, how, environment, after_round):
    """Everything in turn, round by round. Returns a dictionary a run."""
    turns = [(row, dtype, peer, number_of_round)
             for number_of_round in range(1, how.rounds + 1)
             for row in rows if not row.skipped
             for dtype in chosen_dtypes(row, how.dtype)
             for peer in row.commands if peer == "ours" or peer in how.peers]
    runs, took, ended = [], {}, set()
    began = time.monotonic()

    def is_over(row, dtype, peer):  # without ours there is no ratio
        return (row.name, dtype, peer) in ended or (row.name, dtype, "ours") in ended

    for n, (row, dtype, peer, number_of_round) in enumerate(turns, 1):
        if not is_over(row, dtype, peer):
            print(f"[{n}/{len(turns)}] round {number_of_round}: {row.name} {dtype} {peer} ...", end=" ",
                  file=sys.stderr, flush=True)
            started = time.monotonic()
            figure, words = row.commands[peer]
            words = [word.replace("{dtype}", dtype) for word in words]
            outcome = run(words, figure, how.timeout, environment)
            took[row.name, dtype, peer] = time.monotonic() - started
            runs.append({"row": row.name, "dtype": dtype, "peer": peer, "round": number_of_round,
                         "command": words, "wall_s": took[row.name, dtype, peer]} | outcome)
            if "figures" not in outcome:
                ended.add((row.name, dtype, peer))
            mean = statistics.mean(took.values())
            left = sum(took.get((r.name, d, p), mean) for r, d, p, _ in turns[n:] if not is_over(r, d, p))
            value = outcome.get("figures", {}).get(figure)
            said = outcome.get("failed") or outcome.get("refused") or outcome.get("absent") or (
                "no figure" if value is None else f"{number(value)} {row.unit}")
            print(f"{said} ({clock(time.monotonic() - began)} so far, about {clock(left)} left)",
                  file=sys.stderr)
        if n == len(turns) or turns[n][3] != number_of_round:
            after_round(runs)
    return runs


def words_of(known):
    def parse(text):
        for word in (found := text.split(",")):
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word!r} is not one of {', '.join(known)}")
        return found
    return parse


def positive(text):
    if (value := int(text)) < 1:
        raise ValueError
    return value


def parse_options(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/compare", description=__doc__.split(". ")[0] + "." + HELP, epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rows", metavar="NAME,...", default="*", help="names or patterns of rows; default all")
    add("--list", action="store_true", help="print the rows' names and what they are, run nothing")
    add("--dtype", type=words_of(DTYPES), default=",".join(DTYPES), metavar="DTYPE,...",
        help="of the products; default %(default)s")
    add("--peers", type=words_of(PEERS), default=",".join(PEERS), metavar="PEER,...",
        help="beside ours; default %(default)s")
    add("--rounds", type=positive, default=3, metavar="N", help="default %(default)s")
    add("--threads", type=positive, default=all_threads(), metavar="N",
        help="of every program; default all, here %(default)s")
    add("--timeout", type=positive, default=1800, metavar="SECONDS",
        help="after which a program is stopped; default %(default)s")
    add("--out", type=pathlib.Path, metavar="FOLDER",
        help="also write results.json, with every single run, and table.md there")
    how = parser.parse_args(arguments)
    rows = all_rows(BUILD.resolve(), CACHE / "peers-models", HERE, how.threads,
                    os.environ.get("PREFOPT_TEXT"))
    try:
        return how, choose_rows(rows, how.rows.split(","))
    except ValueError as problem:
        parser.error(str(problem))


def main(arguments=None):
    how, rows = parse_options(arguments)
    if how.list:
        for row in rows:
            print(f"{row.name:22} {row.work}")
        return 0
    machine = describe_machine(how.threads)
    environment = {"PREFOPT_TOKENIZER": str(CACHE / "peers-models" / "smollm2-135m")} | os.environ | {
        "OMP_NUM_THREADS": str(how.threads), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}

    def table(runs):
        return render_table(rows, how.dtype, runs) + "\n" + machine_line(machine)

    def after_round(runs):
        if how.out:
            results = {"machine": machine, "runs": runs}
            write(how.out / "results.json", json.dumps(results, indent=1) + "\n")
            write(how.out / "table.md", table(runs))

    runs = run_all(rows, how, environment, after_round)
    print(table(runs), end="")
    return 1 if any("failed" in r for r in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
