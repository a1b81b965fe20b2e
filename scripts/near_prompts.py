"""How near any two prompts are in meaning: the cosine of their embeddings, and the pairs above .80. Fails above .85.

`make content-near` (it needs what learning needs). The words-in-common check of `closeknit content check` needs nothing;
this one finds two prompts that ask the same in other words. What it finds it notes in LANGUAGE/near.json, and `content check`
holds that against the prompts as they are. The encoder is the one that the coach grew from.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
SHOWN = 0.80


def embedded(texts: list[str]):  # type: ignore[no-untyped-def]
    """Unit vectors, the mean over tokens."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from closeknit.coach.training.__main__ import weights_folder

    folder = weights_folder()
    cut, encoder = (one.from_pretrained(folder, local_files_only=True) for one in (AutoTokenizer, AutoModel))
    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), 64):
            batch = cut(texts[start : start + 64], padding=True, truncation=True, max_length=128, return_tensors="pt")
            seen, mask = encoder(**batch)[0], batch["attention_mask"].unsqueeze(-1)
            found.append(torch.nn.functional.normalize((seen * mask).sum(1) / mask.sum(1), dim=-1))
    return torch.cat(found)


def main() -> int:
    from closeknit.method.content import load_deck
    from closeknit.method.meaning import MOST_NEAR, NEAR, digest

    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "content"
    worst = 0.0
    for language in sorted(one.name for one in root.iterdir() if (one / "prompts").is_dir()):
        prompts = load_deck(root, language).prompts
        vectors = embedded([one.text for one in prompts])
        whole = (vectors @ vectors.T).fill_diagonal_(-1)
        cosine, nearest = (one.tolist() for one in whole.max(dim=1))
        noted = {
            prompt.id: {"text": digest(prompt.text), "near": prompts[other].id, "cosine": round(value, 3)}
            for prompt, other, value in zip(prompts, nearest, cosine, strict=True)
        }
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in sorted(noted.items()))
        (root / language / NEAR).write_text("{\n" + lines + "\n}\n", "utf-8")
        near = whole.triu(diagonal=1)
        worst = max(worst, float(near.max()))
        for first, second in (near > SHOWN).nonzero().tolist():
            print(f"{near[first, second]:.2f}  {prompts[first].id}: {prompts[first].text}")
            print(f"      {prompts[second].id}: {prompts[second].text}")
        print(f"{language}: {len(prompts)} prompts, the nearest two at {float(near.max()):.3f}; {MOST_NEAR} is allowed")
    return 1 if worst > MOST_NEAR else 0


if __name__ == "__main__":
    raise SystemExit(main())
