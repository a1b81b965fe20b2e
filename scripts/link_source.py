"""Make the virtual environment import this checkout: a path file, so that no build tool has to be fetched."""

import sysconfig
from pathlib import Path

source = Path(__file__).resolve().parents[1] / "src"
(Path(sysconfig.get_paths()["purelib"]) / "closeknit-source.pth").write_text(f"{source}\n")
