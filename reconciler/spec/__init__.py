"""The state language: YAML files to nodes that know where they were written.

Reading, variables, includes, `$for_each` and `$when` are settled here, with every problem of a run
found at once. The vocabulary of the sections is not known here: the `resources` layer passes the
section names in and reads the nodes that come out. Nothing here calls an org.
"""
