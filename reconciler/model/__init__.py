"""Values and promises: what the layers above tell each other.

Keys, source positions, problems, desired and live state, changes, steps, plans; and the promises
(`Kind`, `OrgClient`, `Journal`) that the engine is handed. Nothing here reads a file, calls an
org or knows a kind by name.
"""
