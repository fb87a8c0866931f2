"""All benchmarks, one after the other: `python -m tests.benchmarks`; each is a module that can be run alone."""

import sys

from tests.benchmarks import at_rest, opening, speed, upload_memory

if __name__ == "__main__":
    at_rest.main()
    upload_memory.main()
    opening.main()
    speed.main(sys.argv[1:])
