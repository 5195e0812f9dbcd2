"""Structured logs: JSON lines in service mode, readable lines in a terminal."""

import logging
import sys
from typing import Literal

import structlog
from temporalio.exceptions import ApplicationError


def configure(log_format: Literal["auto", "json", "console"] = "auto", level: str = "INFO") -> None:
    """Send structlog and the standard library's logging through one chain to stderr.

    Fields bound with `structlog.contextvars.bind_contextvars` (the correlation id first) are on every line.
    """
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if as_json:
        shared.append(structlog.processors.format_exc_info)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        # Local variables are buyers' data: they do not belong in a log.
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.RichTracebackFormatter(show_locals=False))
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "uvicorn.access", "temporalio.activity"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("temporalio.activity").addFilter(_untold)


def _untold(record: logging.LogRecord) -> bool:
    """`activities.failures` has told such an error in one line, which the SDK would repeat with its own traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], ApplicationError))
