"""All benchmarks, one after the other: `python -m tests.benchmarks`; each is a module that can be run alone."""

from tests.benchmarks import opening, upload_memory

if __name__ == "__main__":
    upload_memory.main()
    opening.main()
