"""`python -m specframe.exercises.child 7 FILE`: one verdict, in a process that may hang or die without harm."""

import sys
from pathlib import Path

from specframe.exercises import judge

if __name__ == "__main__":
    try:
        verdict = judge(int(sys.argv[1]), Path(sys.argv[2]))
    except KeyboardInterrupt:  # the parent, which Ctrl-C reaches too, says so
        sys.exit(1)
    print(verdict.sentence)
    sys.exit(0 if verdict.right else 1)
