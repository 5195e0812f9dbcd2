"""PostgreSQL: what must outlive every process. Functions take a session; the caller owns the transaction."""
