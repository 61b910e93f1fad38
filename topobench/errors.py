"""The exceptions of topobench: every one is a sentence that says what was found, what was wanted, what to do."""


class TopobenchError(Exception):
    """Something went wrong that topobench can explain in a sentence."""

    exit_code = 1


class ArgumentError(TopobenchError, ValueError):
    """An argument has a shape, type or value that the function cannot take."""

    exit_code = 2


class UnknownNameError(TopobenchError, LookupError):
    """No data set, model, loss, recipe ... of this name is known."""

    exit_code = 2


class CardError(TopobenchError):
    """A card, recipe or suite is not as its schema wants it."""


class DataError(TopobenchError):
    """A file of a data set is missing, unreadable or not what the card says."""


class RecordError(TopobenchError):
    """A record is torn, edited, or contradicts another."""


class RunError(TopobenchError):
    """A run cannot go on."""
