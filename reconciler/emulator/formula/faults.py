"""What can be wrong with a formula: when it is written, and when it is evaluated.

A `FormulaError` is found while compiling and has Salesforce's text, as Setup and deploys show it. An
`EvaluationError` is a row's: a division by zero, a text that is no number. Setup shows `#Error!` for
it and the API null.

Source: the messages of Salesforce's published formula engine.
"""


class FormulaError(Exception):
    """A formula that Salesforce does not save."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        """Where in the text, in characters from its start."""


class NotEmulated(FormulaError):
    """A formula that Salesforce saves and this org cannot compute."""

    def __init__(self, what: str, at: int | None = None) -> None:
        super().__init__(f"{what} is not emulated", at)


class EvaluationError(ArithmeticError):
    """One row's values have no result."""
