"""Bulk API jobs of both generations: uploads, rows written by the thousand, queries to files.

The org keeps a job in tables of its own (`jobs`), its upload in parts (`uploads`) and what became of
each row (`results`). Time moves a job, never a thread: `work.advance` does what is due by the org's
clock. How it looks on the wire is the affair of `http.endpoints.bulk*`.
"""
