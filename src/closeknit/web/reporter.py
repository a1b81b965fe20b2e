"""What is written down when something breaks: the type of the error and the place in the code. Never a value."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


def place_of(trace: TracebackType | None) -> str:
    """`file:line function` of the innermost frame of ours, or of the innermost at all."""
    frames = traceback.extract_tb(trace)
    ours = [frame for frame in frames if "closeknit" in frame.filename] or frames
    if not ours:
        return "unknown"
    frame = ours[-1]
    return f"{frame.filename.rsplit('closeknit/', 1)[-1]}:{frame.lineno} {frame.name}"


class Reporter:
    """In place of Django's, which prints cookies, fields and local variables."""

    def __init__(self, request: HttpRequest | None, exc_type: Any, exc_value: Any, tb: Any, **_kwargs: Any) -> None:
        self.line = f"{getattr(exc_type, '__name__', 'Error')} at {place_of(tb)}"

    def get_traceback_text(self) -> str:
        return self.line

    def get_traceback_html(self) -> str:
        return f"<!doctype html><title>Error</title><p>{self.line}</p>"

    def get_traceback_data(self) -> dict[str, Any]:
        return {}


class ReporterFilter(SafeExceptionReporterFilter):
    """Nothing passes."""

    def get_safe_settings(self) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {}

    def get_traceback_frame_variables(self, request: HttpRequest, tb_frame: Any) -> list[Any]:
        return []


class QuietFormatter(logging.Formatter):
    """Time, level, logger, and either our own message or, for an exception, its type and place.

    Libraries put values into messages and arguments; only loggers of ours may speak in full.
    """

    def format(self, record: logging.LogRecord) -> str:
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        if record.exc_info and record.exc_info[0] is not None:
            kind, _value, trace = record.exc_info
            return f"{stamp} {record.levelname} {record.name} {kind.__name__} at {place_of(trace)}"
        if record.name.startswith("closeknit"):
            return f"{stamp} {record.levelname} {record.name} {record.getMessage()}"
        code = getattr(record, "status_code", "")
        return f"{stamp} {record.levelname} {record.name} {code}".rstrip()


def configure_logging(level: int = logging.WARNING) -> None:
    """Everything through one handler to standard error; no handler by mail."""
    handler = logging.StreamHandler()
    handler.setFormatter(QuietFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("django", "django.request", "django.server", "django.security", "uvicorn", "uvicorn.error", "huey"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level)
    logging.getLogger("django.db.backends").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").disabled = True
