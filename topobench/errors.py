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


def in_words(error: BaseException) -> str:
    """Return the type of an error and what it says, without a full stop, for a sentence.

    The type alone where it says nothing, as after a bare ``assert``, or cannot.
    """
    try:
        text = str(error).strip().removesuffix(".")
    except Exception:  # somebody else's class, whose own __str__ fails
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
