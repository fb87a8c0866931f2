"""One module per part of the suite; each has `run(scope) -> PartResult`."""
