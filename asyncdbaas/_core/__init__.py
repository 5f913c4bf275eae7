"""The life of one request, one responsibility per module."""
