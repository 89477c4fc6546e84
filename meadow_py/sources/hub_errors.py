"""Errors of the hub as built-in exceptions whose messages say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meadow_py.errors import FormatError

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
            f"{repo_id!r} is no folder or file here, and {endpoint} shows no model of this id: "
            "misspelt, or private: then log in with `hf auth login`, set HF_TOKEN, or pass token= "
            "(--token)"
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
        f"could not get {repo_id} from {endpoint}: {type(cause).__name__}: "
        f"{text[0] if text else 'no details'}. No folder or file of this name is here either. "
        "Try again; with the model in the cache, "
        "HF_HUB_OFFLINE=1 or local_files_only=True (--offline) uses that; or name a local folder"
    )
