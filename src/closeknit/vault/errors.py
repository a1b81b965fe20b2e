"""Everything the vault can refuse. A caller may catch VaultError for all; `code` is stable, messages may change."""


class VaultError(Exception):
    """Base of all refusals. Messages never hold keys, plaintext or ciphertext."""

    code = "vault"


class UnknownVersion(VaultError):
    """The first byte is not a version this program knows: written by a newer Closeknit, or not an envelope."""

    code = "unknown-version"


class UnknownAlgorithm(VaultError):
    """The second byte names no algorithm this program knows."""

    code = "unknown-algorithm"


class UnknownKind(VaultError):
    """The third byte names no kind, or another kind than the caller asked for."""

    code = "unknown-kind"


class UnknownProfile(VaultError):
    """A key derivation profile outside the fixed list; refused so that costs cannot be lowered or blown up."""

    code = "unknown-profile"


class TooShort(VaultError):
    """Fewer bytes than a header and a tag take."""

    code = "too-short"


class TooLarge(VaultError):
    """More than one envelope may hold, or more than its bucket; nothing was sealed."""

    code = "too-large"


class DoesNotOpen(VaultError):
    """Wrong key, moved, altered or cut: one error, whatever the reason, so that nothing can be learned from it."""

    code = "does-not-open"


class PassphraseTooLong(VaultError):
    """A passphrase of more than the allowed bytes after normalising."""

    code = "passphrase-too-long"


class BadKit(VaultError):
    """A recovery kit that was mistyped. `group`: the first wrong group, counted from 1, or None if the count is off."""

    code = "bad-kit"

    def __init__(self, group: int | None) -> None:
        super().__init__("recovery kit does not check")
        self.group = group
