"""`python -m reconciler` is `reconcile`."""

from reconciler.cli import run

run()
