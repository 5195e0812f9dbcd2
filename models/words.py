"""Many names, looked for in a text as whole words and whatever their case, at the price of the text's words alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_WORD = re.compile(r"\w+")


class Names:
    """A name may be several words with anything between them, like `2026-11-14..2026-11-28`, and at least one."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_core: defaultdict[str, set[str]] = defaultdict(set)
        lengths: set[int] = set()
        for name in names:
            words = [word.span() for word in _WORD.finditer(name)]
            if words:
                self._by_core[name[words[0][0] : words[-1][1]].casefold()].add(name)
                lengths.add(len(words))
        self._lengths = sorted(lengths)

    def within(self, text: str) -> set[str]:
        """Those of the names that stand in the text, with no letter, digit or underscore before or behind them."""
        words = [word.span() for word in _WORD.finditer(text)]
        found: set[str] = set()
        for length in self._lengths:
            for (start, _), (_, end) in zip(words, words[length - 1 :], strict=False):
                found |= self._by_core.get(text[start:end].casefold(), set())
        return {name for name in found if _is_core(name) or _stands_in(text, name)}


def _is_core(name: str) -> bool:
    """Whether it begins and ends with a word, so that where its words stand it stands itself."""
    return bool(_WORD.match(name[0]) and _WORD.match(name[-1]))


def _stands_in(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None
