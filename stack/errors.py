"""What can go wrong while the local stack starts or runs."""


class StackError(RuntimeError):
    """A sentence for the person at the terminal: what failed and, where known, what to do."""


class RolloutRefused(StackError):
    """Temporal does not let a build have what it was to have; the message says why, and what to do."""
