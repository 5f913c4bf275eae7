"""The version, for the package and for its metadata (`tool.hatch.version`)."""

__version__ = "0.2.0"
