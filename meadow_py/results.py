"""The base class of results, which can be saved, loaded and tabulated."""

from __future__ import annotations

import json
import os
import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from meadow_py.errors import FormatError
from meadow_py.files import write_whole

if TYPE_CHECKING:
    import pandas

# The exceptions that making a result from wrong JSON types raises; a `RecordError` is a ValueError.
DAMAGE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


class Result:
    """Base class of results. A subclass converts itself to JSON types and rows, and back.

    Attributes
    ----------
    KIND : str
        Name of the kind of result in messages and under the key ``"kind"``: ``simulation``.
    VERSION : int
        Version of its JSON. Later versions of the library may add keys, but within one version no
        key changes its meaning.
    MARKS : tuple of str
        Keys that identify a file as such a result.
    AGAIN : str
        How to make a new result, for the message about a file of another version.
    """

    KIND: ClassVar[str]
    VERSION: ClassVar[int] = 1
    MARKS: ClassVar[tuple[str, ...]] = ()
    AGAIN: ClassVar[str] = "make it again"

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types, just as the verb's ``--json`` writes them.

        Returns
        -------
        dict
        """
        raise NotImplementedError

    def to_rows(self) -> Iterable[dict[str, Any]]:
        """The rows of `to_dataframe`.

        Returns
        -------
        iterable of dict
            One flat dict per row.
        """
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Make a result from what `to_dict` returned.

        Parameters
        ----------
        data : dict
            JSON types.

        Returns
        -------
        Result
            A result of this class.

        Raises
        ------
        ValueError, KeyError, TypeError
            If something is missing or wrong; `load` turns this into a `FormatError`.
        """
        raise NotImplementedError

    def to_json(self) -> str:
        """The result as strict JSON: no NaN, no infinity.

        Returns
        -------
        str
            The JSON, with a line feed at its end.
        """
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_dataframe(self) -> pandas.DataFrame:
        """The result as a table. Needs pandas.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return data_frame(self, list(self.to_rows()))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result as JSON. The file appears whole or not at all.

        Parameters
        ----------
        path : path
            File to write; an older one is replaced.

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
            File to read.

        Returns
        -------
        Result
            A result of this class.

        Raises
        ------
        FormatError
            If the file holds no such result, is damaged, or has another version.
        OSError
            If the file cannot be read.
        """
        return cls.from_json_types(read_json(path, cls.KIND), path)

    @classmethod
    def from_json_types(cls, data: Any, path: str | os.PathLike[str]) -> Self:
        """Make a result from the content of a JSON file.

        Parameters
        ----------
        data : object
            JSON types.
        path : path
            Name of the file, for messages.

        Returns
        -------
        Result
            A result of this class.

        Raises
        ------
        FormatError
            If `data` is no such result, is damaged, or has another version.
        """
        cls.require_kind(data, path)
        try:
            return cls.from_dict(data)
        except DAMAGE as error:
            raise FormatError(f"{path}: damaged {cls.KIND}: {reason_of(error)}") from error

    @classmethod
    def require_kind(cls, data: Any, path: str | os.PathLike[str]) -> None:
        """Check that JSON types are a result of this class and version.

        Parameters
        ----------
        data : object
            JSON types.
        path : path
            Name of the file, for messages.

        Raises
        ------
        FormatError
            If they are not.
        """
        marks = ("version", *cls.MARKS)
        if not isinstance(data, dict) or any(mark not in data for mark in marks):
            expected = " and ".join(marks)
            raise FormatError(f"{path}: not a {cls.KIND}: expected an object with {expected}")
        kind = data.get("kind", cls.KIND)
        if kind != cls.KIND:
            raise FormatError(
                f"{path}: not a {cls.KIND}: kind must be {cls.KIND!r}, not {reprlib.repr(kind)}"
            )
        version = data["version"]
        if not isinstance(version, int) or isinstance(version, bool) or version != cls.VERSION:
            raise FormatError(
                f"{path}: {cls.KIND} version {version!r}, but this library reads version "
                f"{cls.VERSION}: update meadow_py, or {cls.AGAIN}"
            )


def data_frame(owner: object, data: Any) -> pandas.DataFrame:
    """Make the table of an object that has ``to_dataframe``.

    Parameters
    ----------
    owner : object
        Its class is named in the message.
    data : list of dict, or dict of arrays
        Rows or columns.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{type(owner).__name__}.to_dataframe() needs pandas: pip install pandas"
        ) from error
    return pandas.DataFrame(data)


def read_json(path: str | os.PathLike[str], what: str) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : path
        File to read.
    what : str
        The content that is expected, for the message.

    Returns
    -------
    object
        JSON types.

    Raises
    ------
    FormatError
        If the file is not JSON.
    OSError
        If the file cannot be read.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON, so not a {what}: {error}") from error


def reason_of(error: Exception) -> str:
    """A description of the damage in JSON types, from one of the errors in `DAMAGE`.

    Returns
    -------
    str
    """
    if isinstance(error, KeyError):
        return f"must have the key {error.args[0]!r}, which is missing"
    return str(error)
