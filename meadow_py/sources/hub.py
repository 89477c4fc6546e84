"""Checkpoints from a hub id. Only files that are needed and not yet cached are downloaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from meadow_py.errors import FormatError
from meadow_py.sources.checkpoint import Checkpoint
from meadow_py.sources.folder import file_names, open_selection
from meadow_py.sources.model_files import SUFFIXES, Selection, read_index, select_weights, shards

_log = logging.getLogger(__name__)

_ON = {"1", "ON", "YES", "TRUE"}
_CONFIG = "config.json"
# Endings of the names of weight files and their indexes, in our formats and other libraries'.
_WEIGHT_FORMS = (*SUFFIXES, ".index.json", ".h5", ".msgpack", ".onnx", ".ot", ".tflite", ".ckpt")


class Request(NamedTuple):
    """A hub id, and the options for fetching its files."""

    repo_id: str
    revision: str | None = None
    token: str | bool | None = None
    cache_dir: Path | None = None
    local_files_only: bool = False

    @property
    def endpoint(self) -> str:
        """The hub's address, read at each call: the hub library reads its environment only once."""
        from huggingface_hub import constants

        return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")

    @property
    def offline(self) -> bool:
        """Whether only the cache may be used."""
        from huggingface_hub import constants

        wanted = os.environ.get("HF_HUB_OFFLINE", "").upper() in _ON
        return self.local_files_only or wanted or bool(constants.HF_HUB_OFFLINE)


def open_hub(request: Request) -> Checkpoint:
    """The model of a hub id.

    Raises
    ------
    FileNotFoundError
        If the id or revision does not exist, or holds no weights.
    PermissionError
        If the hub requires a token, or acceptance of a licence.
    ConnectionError
        If the hub cannot be reached or the connection is cut, and the model is not in the cache.
    """
    if request.offline:
        return _open_cached(request)
    try:
        commit, names = _listing(request)
    except ConnectionError as error:
        return _open_despite(error, request)
    with explained(request.repo_id, request.revision, request.endpoint):
        selection = select_weights(names, f"{request.repo_id} at {request.endpoint}")
        folder = _download(request, commit, selection, _CONFIG in names)
    return open_selection(folder, selection, request.repo_id)


def fetch_files(request: Request) -> tuple[Path, list[str]]:
    """Bring a model and all its files into the cache; return its folder and the file names.

    Where the hub has the same weights in several formats, the one that `open_hub` opens is taken.

    Raises
    ------
    FileNotFoundError, PermissionError, ConnectionError
        As for `open_hub`.
    """
    if request.offline:
        _open_cached(request).close()  # raises where weights are missing
        folder = _cached_folder(request)
        names = file_names(folder)
        selection = select_weights(names, str(folder))
        index = None if selection.index_file is None else folder / selection.index_file
        return folder, _belonging(names, selection, index)
    commit, names = _listing(request)
    with explained(request.repo_id, request.revision, request.endpoint):
        selection = select_weights(names, f"{request.repo_id} at {request.endpoint}")
        index = None
        if selection.index_file is not None:
            index = _fetch(request, selection.index_file, commit)
        wanted = _belonging(names, selection, index)
        _fetch(request, wanted[0], request.revision)  # by the name of the branch: see `_download`
        paths = [_fetch(request, file, commit) for file in wanted]
    return paths[0].parents[len(Path(wanted[0]).parts) - 1], wanted


def fetch_beside(request: Request, files: Sequence[str]) -> None:
    """Bring those of `files` that a model has into the cache, beside its weights.

    If the hub cannot be reached, files that are already in the cache are used.

    Raises
    ------
    FileNotFoundError, PermissionError
        As for `open_hub`.
    """
    if request.offline:
        return
    try:
        commit, names = _listing(request)
    except ConnectionError:
        return  # as when the weights were opened: there was a warning
    with explained(request.repo_id, request.revision, request.endpoint):
        for file in files:
            if file in names:
                _fetch(request, file, commit)


def _belonging(names: list[str], selection: Selection, index: Path | None) -> list[str]:
    """The weights to open, and all files except weights in other formats."""
    weights = list(selection.files)
    if index is not None:
        weights = [index.name, *shards(read_index(index, selection.format))]
    others = [name for name in names if not name.endswith(_WEIGHT_FORMS)]
    return sorted({*weights, *others})


def _listing(request: Request) -> tuple[str, list[str]]:
    """The commit that the revision names now, and the files at its top level."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=request.endpoint, token=request.token)
    with explained(request.repo_id, request.revision, request.endpoint):
        info = api.model_info(request.repo_id, revision=request.revision)
    if info.sha is None:
        raise ConnectionError(f"{request.endpoint} names no commit for {request.repo_id}")
    names = [file.rfilename for file in info.siblings or []]
    return info.sha, [name for name in names if "/" not in name]


def _download(request: Request, commit: str, selection: Selection, with_config: bool) -> Path:
    """Bring the selected files of one commit into the cache, and return their folder."""
    files = list(selection.files)
    if selection.index_file is not None:
        index = _fetch(request, selection.index_file, commit)
        files = shards(read_index(index, selection.format))
    # By the name of the branch first, so that the cache can resolve it when offline.
    first = _CONFIG if with_config else selection.index_file or files[0]
    _fetch(request, first, request.revision)
    if with_config:
        _fetch(request, _CONFIG, commit)
    paths = [_fetch(request, file, commit) for file in files]
    return paths[0].parents[len(Path(files[0]).parts) - 1]


def _fetch(request: Request, file: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(
        request.repo_id,
        file,
        revision=revision,
        cache_dir=request.cache_dir,
        endpoint=request.endpoint,
        token=request.token,
    )
    return Path(path)


def _open_despite(error: ConnectionError, request: Request) -> Checkpoint:
    """The cached model, with a warning, when the hub cannot be reached; else its error."""
    try:
        checkpoint = _open_cached(request)
    except ConnectionError:
        raise error from error.__cause__
    _log.warning("%s cannot be reached: using %s from the cache", request.endpoint, request.repo_id)
    return checkpoint


def _open_cached(request: Request) -> Checkpoint:
    """The model from the cache. Missing files are an error: they never make a smaller model."""
    folder = _cached_folder(request)
    names = file_names(folder)
    advice = f"connect and open {request.repo_id} once, with the hub reachable"
    try:
        selection = select_weights(names, str(folder))
        checkpoint = open_selection(folder, selection, request.repo_id)
    except FileNotFoundError as error:
        raise ConnectionError(f"offline, and the cache is incomplete: {error}; {advice}") from error
    if not selection.canonical:
        raise ConnectionError(
            f"offline, and the cache cannot tell whether {', '.join(selection.files)} is all "
            f"of {request.repo_id}: {advice}, or open the folder {folder} itself"
        )
    return checkpoint


def _cached_folder(request: Request) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(
            request.repo_id,
            revision=request.revision,
            cache_dir=request.cache_dir,
            local_files_only=True,
        )
    except LocalEntryNotFoundError as error:
        # Newer releases report the folder of an incomplete download, which may be all we need.
        part: str | None = getattr(error, "snapshot_path", None)
        if part is None:
            at = f" at revision {request.revision!r}" if request.revision else ""
            raise ConnectionError(
                f"{request.repo_id!r} is neither a folder nor a file here, and the cache holds no "
                f"model of this hub id{at}. Only the cache may be used (HF_HUB_OFFLINE=1, "
                "local_files_only=True or --offline): open the model once with the hub reachable, "
                "or name a local folder"
            ) from error
        found = part
    return Path(found)


# Not all of their exceptions are OSErrors. Which library the hub library uses depends on its
# release.
_HTTP_LIBRARIES = ("httpx", "httpcore", "requests", "urllib3")


@contextmanager
def explained(repo_id: str, revision: str | None, endpoint: str) -> Iterator[None]:
    """Turn exceptions of the hub library into OSErrors with advice; let all others pass."""
    try:
        yield
    except FormatError:
        raise
    except Exception as error:
        found = _translated(error, repo_id, revision, endpoint)
        if found is None:
            raise
        raise found from error


def _translated(
    error: Exception, repo_id: str, revision: str | None, endpoint: str
) -> Exception | None:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return PermissionError(
            f"{repo_id} is gated: accept its licence at {endpoint}/{repo_id}, then log in with "
            "`hf auth login`, set HF_TOKEN, or pass token= (--token)"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return FileNotFoundError(
            f"{repo_id!r} is neither a folder nor a file here, and {endpoint} shows no model of "
            "this id. Check its spelling; if the model is private, log in with `hf auth login`, "
            "set HF_TOKEN, or pass token= (--token)"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return FileNotFoundError(
            f"{repo_id} at {endpoint} has no revision {revision or 'main'!r}: name a branch, a "
            "tag or a commit"
        )
    if isinstance(error, errors.LocalEntryNotFoundError):
        return _unreachable(error, repo_id, endpoint)
    if isinstance(error, errors.EntryNotFoundError):
        return FileNotFoundError(f"{repo_id} at {endpoint} lists a file that is not there: {error}")
    if isinstance(error, errors.HfHubHTTPError):
        return _http(error, repo_id, endpoint)
    library = type(error).__module__.split(".")[0].rstrip("0123456789")
    if library in _HTTP_LIBRARIES or isinstance(error, ConnectionError):
        return _unreachable(error, repo_id, endpoint)
    if "onsistency check failed" in str(error):  # fewer bytes than announced
        return _unreachable(error, repo_id, endpoint)
    return None


def _http(error: Exception, repo_id: str, endpoint: str) -> Exception:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return PermissionError(
            f"{endpoint} refuses {repo_id} (HTTP {status}): is the token valid, and may it read "
            "this model? Log in with `hf auth login`, set HF_TOKEN, or pass token= (--token)"
        )
    return _unreachable(error, repo_id, endpoint)


def _unreachable(error: Exception, repo_id: str, endpoint: str) -> ConnectionError:
    cause = error.__cause__ or error
    text = str(cause).splitlines()
    return ConnectionError(
        f"there is no folder or file {repo_id!r} here, and the hub at {endpoint} cannot be reached "
        f"({type(cause).__name__}: {text[0] if text else 'no details'}). Try again, or name a "
        "local folder; if the model is in the cache, HF_HUB_OFFLINE=1, local_files_only=True or "
        "--offline uses it"
    )
