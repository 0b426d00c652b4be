"""SOQL: from the text of a query to the rows Salesforce would answer.

`parse` makes a tree of the text, `rows` and `aggregates` make one SQL statement of the tree (and
one for each child subquery), `shape` makes JSON values of the result, `run` is the way in. The
schema and the store are reached through the org that the caller passes; nothing here writes.
"""
