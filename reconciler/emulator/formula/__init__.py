"""Salesforce's formulas: fields that are computed, rules that refuse, defaults, roll-ups.

`parse` makes trees of texts, `compile` makes functions of trees against a schema, `engine` keeps the
functions of one org and hands them to queries and writes. A formula that cannot be compiled is a gap
that the org names; it is never passed over in silence.
"""
