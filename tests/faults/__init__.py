"""What the world does to the tool: kills, full disks, busy databases, clocks put back; and what is left afterwards.

`python -m tests.faults` runs every module here that has `soak`, for long, and writes RESULTS.md; `test_*.py` are the
short versions of the same.
"""
