"""What can go wrong while the local stack starts or runs."""


class StackError(RuntimeError):
    """A sentence for the person at the terminal: what failed and, where known, what to do."""
