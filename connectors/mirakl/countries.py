"""Countries as operators write them (alpha-3, alpha-2, or a name in some language) to ISO 3166-1 alpha-2."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from babel.core import get_global

_LANGUAGES = ("en", "fr", "de", "es", "it", "pt", "nl", "pl", "sv", "da", "cs", "hu", "ro", "el")
_ALPHA_2 = re.compile(r"[A-Z]{2}", re.ASCII)


def alpha_2(*stated: str) -> str:
    """The first of the statements that names a country; empty when none does."""
    return next((code for code in map(_one, stated) if code), "")


def _one(stated: str) -> str:
    word = re.sub(r"\(.*\)", "", stated).strip()
    code = word.upper()
    if len(code) == 3:
        replaced = get_global("territory_aliases").get(code, [])
        return str(replaced[0]) if len(replaced) == 1 else ""
    if _ALPHA_2.fullmatch(code):
        return code if code in _territories() else ""
    return _by_name().get(word.casefold(), "")


@cache
def _territories() -> frozenset[str]:
    known = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in known if _ALPHA_2.fullmatch(code)) - {"ZZ", "EU", "UN", "EZ"}


@cache
def _by_name() -> dict[str, str]:
    """A country's name in the languages of Mirakl's operators, folded -> alpha-2."""
    names = {"usa": "US", "united states of america": "US", "uk": "GB", "great britain": "GB", "italia": "IT"}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in _territories():
                names.setdefault(name.casefold(), code)
    return names
