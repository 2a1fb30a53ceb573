"""Wrong usage of a command."""

__all__ = ["UsageError"]


class UsageError(Exception):
    """A wrong option; the command line prints it and answers with exit status 2."""
