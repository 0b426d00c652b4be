"""What an org is told of itself by its maker, from a seed's file or the control address: all or nothing."""


class BadDeclaration(ValueError):
    """What cannot be understood, all of it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
