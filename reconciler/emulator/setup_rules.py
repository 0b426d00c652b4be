"""Rules of users, roles, groups and queues."""


def register() -> None:
    """Hook the rules into `rules.REGISTRY`."""
