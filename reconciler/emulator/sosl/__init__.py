"""Text search: what SOSL says, which texts match it, which rows have such texts.

Like the query language beside it, it knows the org and not how it is reached.
"""
