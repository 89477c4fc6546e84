"""What every result of a verb can do: be saved, loaded, tabulated and shown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from meadow_py.errors import FormatError
from meadow_py.files import write_whole

if TYPE_CHECKING:
    import pandas
    from typing_extensions import Self

# What making a result from wrong JSON types raises, beside `records.RecordError`.
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


class Result:
    """Base of results. A subclass says how it becomes JSON types and rows, and is made of them.

    Attributes
    ----------
    KIND : str
        What messages and ``"kind"`` call it: ``simulation``.
    VERSION : int
        Of its JSON. Keys may be added in later versions of the library; none of a version changes
        its meaning.
    MARKS : tuple of str
        Keys by which a file is known to hold such a result.
    AGAIN : str
        How to get a new one, for the message about a file of another version.
    """

    KIND: ClassVar[str]
    VERSION: ClassVar[int] = 1
    MARKS: ClassVar[tuple[str, ...]] = ()
    AGAIN: ClassVar[str] = "make it again"

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types: the contract of the verb's ``--json``."""
        raise NotImplementedError

    def to_rows(self) -> Iterable[dict[str, Any]]:
        """The rows of `to_dataframe`, each a flat dict."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The result from what `to_dict` gave.

        Raises
        ------
        ValueError, KeyError, TypeError
            If something is missing or wrong; `load` makes a `FormatError` of it.
        """
        raise NotImplementedError

    def to_json(self) -> str:
        """The result as strict JSON: no NaN, no infinity.

        Returns
        -------
        str
            With a line feed at its end.
        """
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_dataframe(self) -> pandas.DataFrame:
        """The result as a table. Needs pandas.

        Returns
        -------
        pandas.DataFrame
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                f"{type(self).__name__}.to_dataframe() needs pandas: "
                "pip install 'meadow_py[pandas]'"
            ) from error
        return pandas.DataFrame(list(self.to_rows()))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result as JSON. The file appears whole or not at all.

        Parameters
        ----------
        path : path
            An older file of this name is replaced.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        write_whole(path, self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` or the verb's ``--json`` wrote.

        Parameters
        ----------
        path : path

        Returns
        -------
        Result
            Of this class.

        Raises
        ------
        FormatError
            If it is no such result, is damaged, or is one of a newer version.
        """
        return cls.from_json_types(read_json(path, cls.KIND), path)

    @classmethod
    def from_json_types(cls, data: Any, path: str | os.PathLike[str]) -> Self:
        """The result from what a file of JSON holds.

        Parameters
        ----------
        data : object
            Of JSON types.
        path : path
            What messages call it.

        Returns
        -------
        Result
            Of this class.

        Raises
        ------
        FormatError
            As `load`.
        """
        cls._require_kind(data, path)
        try:
            return cls.from_dict(data)
        except _DAMAGE as error:
            raise FormatError(f"{path}: damaged {cls.KIND}: {_reason(error)}") from error

    @classmethod
    def _require_kind(cls, data: Any, path: str | os.PathLike[str]) -> None:
        kind = data.get("kind", cls.KIND) if isinstance(data, dict) else None
        if kind != cls.KIND or any(mark not in data for mark in ("version", *cls.MARKS)):
            expected = " and ".join(("version", *cls.MARKS))
            raise FormatError(f"{path}: not a {cls.KIND}: expected an object with {expected}")
        version = data["version"]
        if not isinstance(version, int) or isinstance(version, bool) or version != cls.VERSION:
            raise FormatError(
                f"{path}: {cls.KIND} version {version!r}, this library reads version "
                f"{cls.VERSION}: update meadow_py, or {cls.AGAIN}"
            )


def read_json(path: str | os.PathLike[str], what: str) -> Any:
    """What a file of JSON holds.

    Parameters
    ----------
    path : path
    what : str
        What the file should hold, for the message.

    Returns
    -------
    object
        Of JSON types.

    Raises
    ------
    FormatError
        If it is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON, so not a {what}: {error}") from error


def _reason(error: Exception) -> str:
    return f"no {error.args[0]!r} in it" if isinstance(error, KeyError) else str(error)
