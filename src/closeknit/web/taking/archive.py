"""A ZIP that is written while it is sent: nothing of it lies in memory or on the disk for longer than a moment."""

from __future__ import annotations

from datetime import datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

#: How much is gathered before it goes on its way.
CHUNK_BYTES = 64 * 1024


class _Pipe:
    """Takes what the ZIP writer writes until somebody fetches it. No seeking: the writer then describes sizes afterwards."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do: what is written is there."""

    def fetch(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return data


class Archive:
    """Files go in, bytes to send come out."""

    def __init__(self, made: datetime) -> None:
        self._pipe = _Pipe()
        self._zip = ZipFile(self._pipe, "w", ZIP_DEFLATED)  # type: ignore[call-overload]
        self._when = made.timetuple()[:6]

    def add(self, name: str, content: str | bytes) -> None:
        """One whole file. Each is small: whoever calls cuts long things into several."""
        about = ZipInfo(name, date_time=self._when)
        about.compress_type = ZIP_DEFLATED
        about.external_attr = 0o600 << 16
        self._zip.writestr(about, content)

    def ready(self) -> bytes:
        """What is to be sent now: empty until it is worth sending."""
        return self._pipe.fetch() if self._pipe.size >= CHUNK_BYTES else b""

    def finish(self) -> bytes:
        """The rest, with the list of files that makes it a ZIP."""
        self._zip.close()
        return self._pipe.fetch()
