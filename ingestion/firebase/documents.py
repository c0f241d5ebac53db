"""Firestore documents as raw tables show them: users in names and fields under pseudonyms."""

from __future__ import annotations

from typing import Any

from ingestion.fields import BadRecord
from ingestion.jsontext import dumps
from ingestion.personal import Platform

_DOCUMENTS = "/documents/"


class DocumentPath:
    """A document's full name, with the ids of users in it hidden.

    Whose document it is tells the collection, or the document itself: an id that its own fields give as a user's.
    Raises BadRecord for a name that is no path of collections and ids.
    """

    def __init__(self, name: str, rules: Platform, user_ids: set[str]) -> None:
        root, separator, relative = name.partition(_DOCUMENTS)
        if not separator:
            root, relative = "", name
        segments = relative.split("/")
        if len(segments) < 2 or len(segments) % 2 or not all(segments):
            raise BadRecord("bad_document_name", "document_name is no path of collections and ids", "document_name")
        self._hidden: dict[str, str] = {}
        for collection, document in zip(segments[::2], segments[1::2], strict=True):
            if rules.is_user_document(collection, document) or document in user_ids:
                self._hidden[document] = rules.identity(document) or ""
        places = enumerate(segments)
        shown = [self.hide(segment) if place % 2 else segment for place, segment in places]
        self.name = f"{root}{separator}{'/'.join(shown)}"
        self.document_id = shown[-1]
        self.collection = "/".join("{}" if place % 2 else part for place, part in enumerate(segments[:-1]))

    def hide(self, document_id: str) -> str:
        """An id as raw tables show it."""
        return self._hidden.get(document_id, document_id)

    def hide_values(self, parameters: Any) -> Any:
        """Parameters of the path (wildcard -> id) with the same ids hidden."""
        if not isinstance(parameters, dict):
            return parameters
        return {key: self.hide(item) if isinstance(item, str) else item for key, item in parameters.items()}


def cleaned(document: Any, rules: Platform) -> str | None:
    """A document's JSON text fit for raw tables; None stays None."""
    return None if document is None else dumps(rules.clean(document))


def user_ids(document: Any, rules: Platform) -> set[str]:
    """Ids that a document's own fields give as users'."""
    if not isinstance(document, dict):
        return set()
    return {value for key, value in document.items() if isinstance(value, str) and rules.is_user_key(key)}
