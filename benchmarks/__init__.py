"""Measure asyncdbaas against what else one could use; `python -m benchmarks --help`."""
