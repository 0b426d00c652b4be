"""What the Tooling API shows of an org: metadata as rows, test runs, logs, declared Apex.

Its objects are a schema of their own (`view`) over the org's store. Some are rows like any other,
some are shared with the data API, and most are made from the org's components when they are asked
for (`mirrors`), so that nothing is told twice.
"""
