"""Which records of an ERP ours may be: ranked, with the reason. Pure.

Equal VAT numbers, codes and names are found in an index. Only what shares the beginning
of a word is compared letter by letter, so that 2,000 against 2,000 take moments.
"""

import re
from collections import defaultdict
from difflib import SequenceMatcher
from typing import NamedTuple

#: Reasons that say which record it is; the others are for a person to look at.
EXACT = ("vat", "code", "name")
SUGGESTIONS = 3
#: How many similar names are compared letter by letter, the most telling first.
COMPARED = 8
#: A beginning that more records than this share tells nothing.
COMMON = 150
SIMILAR_FROM = 0.6
STEM = 4


class Labels(NamedTuple):
    """What one record is known by; empty where it has none."""

    code: str = ""
    name: str = ""
    vat: str = ""
    rate: str = ""


class Match(NamedTuple):
    """One record of the ERP that a record of ours may be."""

    key: int
    reason: str  # one of EXACT, "zeros", "rate" or "similar"
    score: float


def norm(text):
    """Return a text as it is compared: no case, no double spaces."""
    # An ERP's "-20 %" came in with an apostrophe before it; see connectors/incoming.
    return " ".join((text or "").lstrip("'").split()).casefold()


def norm_vat(text):
    """Return a VAT number as it is compared, or nothing if the text can't be one."""
    vat = re.sub(r"[^0-9a-z]", "", (text or "").casefold())
    return vat if len(vat) >= 6 and re.search(r"\d", vat) else ""


def unique(labels, field):
    """Return ``{label: key}`` for the labels that one record alone has.

    :param labels: ``{key: Labels}``.
    """
    found = defaultdict(list)
    for key, label in labels.items():
        if text := getattr(label, field):
            found[text].append(key)
    return {text: keys[0] for text, keys in found.items() if len(keys) == 1}


class Index:
    """The ERP's records of one kind, ready to be asked.

    :param labels: ``{key: Labels}``.
    """

    def __init__(self, labels):
        self._labels = labels
        self._by = {field: defaultdict(list) for field in (*EXACT, "zeros", "rate")}
        self._stems = defaultdict(list)
        for key, label in labels.items():
            for field in (*EXACT, "rate"):
                if text := getattr(label, field):
                    self._by[field][text].append(key)
            if zeros := _without_zeros(label.code):
                self._by["zeros"][zeros].append(key)
            for stem in _stems(label.name):
                self._stems[stem].append(key)

    def propose(self, ours):
        """Return ``{our key: their key}`` for what is surely the same: an equal VAT
        number, else code, else name, that one record alone has on either side.

        :param ours: ``{key: Labels}``, all of ours: a second one of a name makes it
            unclear.
        """
        found = {}
        for field in EXACT:
            theirs = unique(self._labels, field)
            for text, key in unique(ours, field).items():
                if text in theirs:
                    found.setdefault(key, theirs[text])
        return found

    def rank(self, label, limit=SUGGESTIONS):
        """Return the matches of one of our records, best first; the same every time.

        :param label: its ``Labels``.
        """
        matches = {}

        def add(reason, base, keys):
            for key in keys:
                score = base + _ratio(label.name, self._labels[key].name) / 100
                if key not in matches or matches[key].score < score:
                    matches[key] = Match(key, reason, round(score, 4))

        for reason, base in (("vat", 3.0), ("code", 2.0), ("name", 1.0)):
            found = self._by[reason].get(getattr(label, reason), ())
            add(reason, base, found[:COMMON])
        zeros = _without_zeros(label.code)
        add("zeros", 0.85, self._by["zeros"].get(zeros, ())[:COMPARED])
        for key in self._similar(label.name):
            ratio = _ratio(label.name, self._labels[key].name)
            if ratio >= SIMILAR_FROM and key not in matches:
                matches[key] = Match(key, "similar", round(ratio * 0.95, 4))
        add("rate", 0.5, self._by["rate"].get(label.rate, ())[:COMPARED])
        return sorted(
            matches.values(),
            key=lambda match: (-match.score, self._labels[match.key], match.key),
        )[:limit]

    def _similar(self, name):
        """Return what shares the beginning of a word, the rarest first."""
        weights = defaultdict(float)
        for stem in _stems(name):
            keys = self._stems.get(stem, ())
            if len(keys) <= COMMON:
                for key in keys:
                    weights[key] += 1 / len(keys)
        ranked = sorted(weights, key=lambda k: (-weights[k], self._labels[k], k))
        return ranked[:COMPARED]


def _stems(name):
    return {word[:STEM] for word in re.findall(r"\w+", name) if len(word) > 1}


def _without_zeros(code):
    """Return what the code has in common with those of shorter and longer charts."""
    short = code.rstrip("0")
    return short if code.isdigit() and len(code) >= 3 else ""


def _ratio(one, other):
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
