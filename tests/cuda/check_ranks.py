"""The program prefopt as several processes with an emulated CUDA device each, started as torchrun,
srun and mpirun do: it trains and samples as one process does. NCCL is the emulator's.

    python3 tests/cuda/check_ranks.py PROGRAM [MPIEXEC]
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from tool import MODEL, PROGRAM, check, done, rows_of, run, write  # noqa: E402

MPIEXEC = sys.argv[2] if len(sys.argv) > 2 else ""
TIMES = {"tokens_per_second", "step_seconds"}
BY_NCCL = "added up by NCCL"


def torchrun(rank, size, port):
    return {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "MASTER_ADDR": "localhost",
            "MASTER_PORT": port}


def srun(rank, size, job):
    return {"SLURM_STEP_NUM_TASKS": size, "SLURM_PROCID": rank, "SLURM_LOCALID": rank,
            "SLURM_STEP_NODELIST": "localhost", "SLURM_JOB_ID": job, "SLURM_STEP_ID": 0}


def ranks(starter, size, *args, of_rank=None):
    """(exit code, stdout, stderr) of each of so many processes; of_rank(r) are further arguments."""
    number = random.randrange(1024, 60000)
    processes = []
    for r in range(size):
        variables = {k: str(v) for k, v in starter(r, size, number).items()}
        command = [PROGRAM, *map(str, args), *(of_rank(r) if of_rank else [])]
        processes.append(subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
            | {"PREFOPT_EMULATOR_DEVICES": str(size)} | variables))
    found = []
    for process in processes:
        try:
            out, err = process.communicate(timeout=200)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += "it hangs"
        found.append((process.returncode, out, err))
    return found


def all_well(found):
    return all(code == 0 for code, _, _ in found)


def metrics(out):
    return [{k: v for k, v in row.items() if k not in TIMES}
            for row in rows_of((out / "metrics.jsonl").read_text())]


def far(found, expected):
    """The largest difference, of values over 1 as a share of them."""
    if not expected or [list(row) for row in found] != [list(row) for row in expected]:
        return float("inf")
    return max(abs(a[name] - b[name]) / max(1.0, abs(b[name]))
               for a, b in zip(found, expected) for name in a)


def train(pairs, out, on="cuda"):
    return ["train", "--model", MODEL, "--data", pairs, "--loss", "odpo", "--learning-rate", "1e-4",
            "--batch", "5", "--epochs", "1", "--held-out", pairs, "--out", out, "--device", on]


def check_training(pairs, work):
    result = run(*train(pairs, work / "alone"))
    check(result.returncode == 0, f"one process trains {result.stderr[-300:]}")
    expected = metrics(work / "alone")
    for starter, size in [(torchrun, 2), (torchrun, 3), (srun, 2)]:
        out = work / f"{starter.__name__}{size}"
        found = ranks(starter, size, *train(pairs, out))
        check(all_well(found), f"{size} ranks of {starter.__name__} train {found[0][2][-500:]}")
        check(f"processes: {size}, {BY_NCCL}\n" in found[0][2]
              and "device: cuda:0 (emulated device)" in found[0][2], "and say how")
        check(all(err == "" for _, _, err in found[1:]), "which the first one does alone")
        difference = far(metrics(out), expected)
        check(difference < 1e-6, f"they have the metrics of one process: {difference:.1e}")
        check((out / "checkpoint" / "model.safetensors").exists(), "and one of them wrote the model")


def check_sampling(work):
    prompts = write(work / "prompts.jsonl", [{"prompt": f"The film {i} is"} for i in range(5)])
    sample = ["sample", "--model", MODEL, "--prompts", prompts, "--responses", "2",
              "--max-new-tokens", "5", "--seed", "5", "--device", "cuda", "--output"]
    check(run(*sample, work / "alone.jsonl").returncode == 0, "one process samples")
    out = work / "several.jsonl"
    found = ranks(torchrun, 2, *sample, out)
    check(all_well(found) and out.read_bytes() == (work / "alone.jsonl").read_bytes(),
          f"two sample the same bytes {found[0][2][-300:]}")


def check_ends(pairs, work):
    """A rank that has joined and fails ends the other."""
    began = time.monotonic()
    found = ranks(torchrun, 2, *train(pairs, work / "differs"),
                  of_rank=lambda r: ["--seed", str(r)])
    seconds = time.monotonic() - began
    check(found[1][0] == 2 and "rank 1 differs from rank 0: its " in found[1][2],
          f"rank 1 says that it differs {found[1][2][-300:]}")
    check(found[0][0] == 1 and "another rank aborted" in found[0][2] and seconds < 60,
          f"and rank 0 ends with it, after {seconds:.1f} s {found[0][2][-300:]}")


def check_refusals(pairs, work):
    for on, words in [("cpu", "need --device cuda, or mpirun"),
                      ("cuda:0", "--device cuda:0 is for one process")]:
        found = ranks(torchrun, 2, *train(pairs, work / "refused", on))
        check(all(code == 2 and words in err for code, _, err in found), f"refused: {on} {found}")
    second = {name: str(value) for name, value in torchrun(1, 2, 1024).items()}
    result = run(*train(pairs, work / "refused"),
                 environment=second | {"PREFOPT_EMULATOR_DEVICES": "1"})
    check(result.returncode == 2 and "this machine's CUDA devices are fewer" in result.stderr,
          f"refused: two ranks on one device {result.stderr}")
    found = ranks(torchrun, 2, "score", "--help")
    check(all_well(found), "help is for all")
    result = run("score", "--help", environment={"RANK": "0"})
    check(result.returncode == 2 and "WORLD_SIZE is not set, yet RANK is" in result.stderr,
          f"a variable that is missing is named {result.stderr}")


def check_mpi(pairs, work):
    expected = metrics(work / "alone")
    for devices, words in [(2, BY_NCCL), (1, "added up by MPI")]:
        out = work / f"mpi{devices}"
        result = subprocess.run([MPIEXEC, "-n", "2", PROGRAM, *map(str, train(pairs, out))],
                                capture_output=True, text=True, check=False, timeout=200,
                                env=os.environ | {
                                    "PREFOPT_EMULATOR_DEVICES": str(devices),
                                    "OMPI_ALLOW_RUN_AS_ROOT": "1",
                                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                                    "OMPI_MCA_rmaps_base_oversubscribe": "1",
                                    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"})
        check(result.returncode == 0 and words in result.stderr,
              f"two ranks of mpirun and {devices} devices: {words} {result.stderr[-500:]}")
        difference = far(metrics(out), expected)
        check(difference < 1e-6, f"they have the metrics of one process: {difference:.1e}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        rows = [{"prompt": f"The {film} is", "chosen": f" good {i}", "rejected": f" bad {i}",
                 "score_chosen": 2.5 + i, "score_rejected": 1}
                for i, film in enumerate(["film", "plot", "cast", "end"] * 2)]
        pairs = write(work / "pairs.jsonl", rows)
        check_training(pairs, work)
        check_sampling(work)
        check_ends(pairs, work)
        check_refusals(pairs, work)
        if MPIEXEC:
            check_mpi(pairs, work)
    done()


main()
