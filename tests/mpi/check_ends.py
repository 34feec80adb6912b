"""However a rank ends, the others end within seconds, and its message is there.

    check_ends.py PROGRAM MPIEXEC
"""

import subprocess
import sys
import time

PROGRAM, MPIEXEC = sys.argv[1:]
failed = 0


def check(way, words, times=1):
    global failed
    began = time.monotonic()
    try:
        result = subprocess.run([MPIEXEC, "-n", "3", PROGRAM, way], capture_output=True, text=True,
                                timeout=30, check=False)
        text, code = result.stdout + result.stderr, result.returncode
    except subprocess.TimeoutExpired:
        text, code = "it hangs", 0
    seconds = time.monotonic() - began
    good = code != 0 and seconds < 15 and text.count(words) == times
    print(f"{'ok    ' if good else 'FAILED'} {way}: exit code {code} after {seconds:.1f} s\n"
          + ("" if good else text))
    failed += not good


check("throw", "rank 2 of 3: a loss is NaN")
check("all_throw", "no such file")  # which rank 0 alone says
check("unwind", "rank 2 of 3: ended by an exception")
check("leave", "rank 2 of 3: stopped by a signal")
check("kill", "signal 9")  # which mpiexec says
sys.exit(1 if failed else 0)
