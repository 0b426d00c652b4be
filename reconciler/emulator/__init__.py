"""A Salesforce org in a process: schema, rows in SQLite, Salesforce's rules and texts, its endpoints.

Clients that we did not write must not notice. Nothing here imports the rest of the product and
nothing but the command line imports this package, so that the two can disagree and a test can
see it. Time and ids come from the org object, so a run repeats exactly.
"""
