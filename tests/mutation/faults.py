"""
Faults to seed into the correlation, at least one for each rule that lives in the code.

Each is a piece of text that must stand in the file exactly once, and what to put in its place.
When the code changes, the runner says which fault has lost its place.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """
    One way to get a rule wrong.

    Attributes:
        rule: Number of the correlation rule that is broken.

        what: The fault, in a few words.

        file: Path inside of the package.

        old: What stands there.

        new: What stands there when the rule is broken.
    """

    rule: str
    what: str
    file: str
    old: str
    new: str


_ADOPTION = "correlation/adoption.py"
_ENGINE = "correlation/engine.py"
_KNOWLEDGE = "correlation/knowledge.py"
_LINKS = "correlation/links.py"
_NAMING = "correlation/naming.py"
_OWNERSHIP = "correlation/ownership.py"
_PROVENANCE = "correlation/provenance.py"
_STANDING = "correlation/standing.py"
_SNAPSHOT = "snapshot.py"
_LEDGER = "ledger.py"

FAULTS = (
    Fault(
        "1",
        "apps come from the stored text and not from what is known",
        _ENGINE,
        "claims = settle(links, AppIndex(records.values()))",
        "claims = settle(links, AppIndex(r for row in rows.values() for r in row.records))",
    ),
    Fault(
        "2",
        "the project is kept as others wrote it",
        "correlation/annotations.py",
        "    REPO_URL,\n    PROJECT,",
        "    REPO_URL,",
    ),
    Fault(
        "3",
        "when facts were read is a reason to write",
        _PROVENANCE,
        'read_at: str = attrs.field(default="", eq=False)',
        'read_at: str = ""',
    ),
    Fault(
        "3",
        "the selector is not recorded",
        _PROVENANCE,
        '        "selector": source.selector,\n',
        "",
    ),
    Fault(
        "4",
        "an environment of ours stays",
        _OWNERSHIP,
        "            if _environment(name) in left:",
        "            if _environment(name) in left[1:]:",
    ),
    Fault(
        "4",
        "a title of ours stays",
        _OWNERSHIP,
        '            del metadata["title"]\n',
        "            pass\n",
    ),
    Fault(
        "4",
        "a list that we made stays, empty",
        _OWNERSHIP,
        "        if left or not wrote.made_deployed_in:",
        "        if True:",
    ),
    Fault(
        "4",
        "a copy under another name takes the apps along",
        _OWNERSHIP,
        "records=provenance.records if provenance is not None and own else (),",
        "records=provenance.records if provenance is not None else (),",
    ),
    Fault(
        "5",
        "an authored body counts as an echo",
        _OWNERSHIP,
        "authored = names.PROVENANCE not in _annotations(body) or written.damaged",
        "authored = False",
    ),
    Fault(
        "5",
        "an echo counts as authored",
        _OWNERSHIP,
        "authored = names.PROVENANCE not in _annotations(body) or written.damaged",
        "authored = True",
    ),
    Fault(
        "6",
        "a neighbour's spec overwrites",
        _OWNERSHIP,
        '        result["spec"] = _fill(old_spec, new_spec)',
        '        result["spec"] = old_spec | new_spec',
    ),
    Fault(
        "6",
        "a neighbour's annotations do not overwrite",
        _OWNERSHIP,
        "            metadata[field] = (old if isinstance(old, dict) else {}) | new",
        "            metadata[field] = new | (old if isinstance(old, dict) else {})",
    ),
    Fault(
        "6",
        "a write forgets the apps of the row",
        _OWNERSHIP,
        "return _with_facts(key, foreign, theirs=theirs, records=before.records)",
        "return _with_facts(key, foreign, theirs=theirs, records=())",
    ),
    Fault(
        "6",
        "a neighbour finds our values where it fills what is absent",
        _OWNERSHIP,
        "foreign = _merge(before.entity or rest, rest)",
        "foreign = _merge(stored, rest)",
    ),
    Fault(
        "7",
        "enrichment makes a row somebody's",
        _OWNERSHIP,
        'ENRICHMENT_PREFIXES = ("github.com/",)',
        'ENRICHMENT_PREFIXES = ("gitlab.com/",)',
    ),
    Fault(
        "7",
        "a neighbour that takes all back leaves the row theirs",
        _OWNERSHIP,
        "theirs = before.theirs and not is_bare(rest, ())",
        "theirs = before.theirs",
    ),
    Fault(
        "7",
        "removing again what one added clears the mark",
        _OWNERSHIP,
        "theirs = authored or before.theirs or not is_bare(rest, enrichment)",
        "theirs = authored or not is_bare(rest, enrichment)",
    ),
    Fault(
        "7",
        "a row that others want goes with its last app",
        _OWNERSHIP,
        "return rest if foreign.theirs else None",
        "return None",
    ),
    Fault(
        "8",
        "an app that opts out is taken in",
        _KNOWLEDGE,
        "for key, record in answered.items() if not record.facts.ignored}",
        "for key, record in answered.items()}",
    ),
    Fault(
        "8",
        "an app that opts out is missing for the guard",
        _KNOWLEDGE,
        "missing = frozenset(guarded - answered.keys())",
        "missing = frozenset(guarded - listed.keys())",
    ),
    Fault(
        "9",
        "the least exact link wins",
        _LINKS,
        "return (-exactness, link.entity.namespace, link.entity.name, link.place)",
        "return (exactness, link.entity.namespace, link.entity.name, link.place)",
    ),
    Fault(
        "9",
        "equal links are settled by name before namespace",
        _LINKS,
        "return (-exactness, link.entity.namespace, link.entity.name, link.place)",
        "return (-exactness, link.entity.name, link.entity.namespace, link.place)",
    ),
    Fault(
        "9",
        "the only app of a name is not found in another namespace",
        _LINKS,
        "wanted.namespace is None and len(found) > 1:",
        "wanted.namespace is None:",
    ),
    Fault(
        "9",
        "a link counts as lost when it lost one of its apps",
        _LINKS,
        "if keys and all(winner[key].entity",
        "if keys and any(winner[key].entity",
    ),
    Fault(
        "9",
        "elements are not trimmed",
        "refs.py",
        'return tuple(part for element in text.split(",") if (part := element.strip()))',
        'return tuple(part for element in text.split(",") if (part := element))',
    ),
    Fault(
        "10",
        "the name of the app wins over its label",
        _NAMING,
        "for text in (facts.label, facts.key.name):",
        "for text in (facts.key.name, facts.label):",
    ),
    Fault(
        "10",
        "a label with nothing usable counts",
        _NAMING,
        "if is_entity_name(text) or clean(text):",
        "if text:",
    ),
    Fault(
        "11",
        "names that meet are merged in silence",
        _NAMING,
        "elif len(raws) > 1 or len(form) > MAX_NAME:",
        "elif len(form) > MAX_NAME:",
    ),
    Fault(
        "11",
        "linked apps collide in naming",
        _ENGINE,
        "for key, record in records.items() if key not in claims.winner",
        "for key, record in records.items()",
    ),
    Fault(
        "12",
        "the primary app is always the first",
        _OWNERSHIP,
        "    if not linked:\n",
        "    if True:\n",
    ),
    Fault(
        "12",
        "an empty list gets a leading comma",
        _OWNERSHIP,
        '(f"{text}," if text else "")',
        '(f"{text}," if not made else "")',
    ),
    Fault(
        "12",
        "the type of others is overwritten",
        _OWNERSHIP,
        "filled = {key: value for key, value in values.items() if key not in result}",
        "filled = dict(values)",
    ),
    Fault(
        "12",
        "an environment is added again",
        _OWNERSHIP,
        "added = tuple(name for name in wanted if name not in present)",
        "added = tuple(wanted)",
    ),
    Fault(
        "12",
        "the repository of further apps is not looked at",
        _OWNERSHIP,
        "(record.facts.repo_url for record in records if record.facts.repo_url), None",
        "(None for record in records if record.facts.repo_url), None",
    ),
    Fault(
        "13",
        "the best of a group is shown",
        "status.py",
        "        (-_rank(status",
        "        (_rank(status",
    ),
    Fault(
        "13",
        "Missing is worse than Degraded",
        "status.py",
        '"Missing", "Degraded", "Unknown")',
        '"Degraded", "Missing", "Unknown")',
    ),
    Fault(
        "13",
        "an unknown word is the best",
        "status.py",
        "if status in order else len(order) - 1",
        "if status in order else 0",
    ),
    Fault(
        "14",
        "only the first source is looked at",
        "wire/reading.py",
        "git = next((s for s in sources if",
        "git = next((s for s in sources[:1] if",
    ),
    Fault(
        "15",
        "a failure takes the apps away",
        _KNOWLEDGE,
        "return {key: _stale(record) for key, record in kept.items()}, waiting",
        "return {}, waiting",
    ),
    Fault(
        "15",
        "a failure marks nothing",
        _KNOWLEDGE,
        "return {key: _stale(record) for key, record in kept.items()}, waiting",
        "return kept, waiting",
    ),
    Fault(
        "15",
        "the same name at another address is the same instance",
        _KNOWLEDGE,
        "if present is None or present.origin != source.origin:",
        "if present is None:",
    ),
    Fault(
        "15",
        "a deleted app stays until the next list",
        _KNOWLEDGE,
        "        if key not in answer.deleted\n",
        "",
    ),
    Fault(
        "16",
        "a loss of half is held back",
        _KNOWLEDGE,
        "2 * len(missing) <= known",
        "2 * len(missing) < known",
    ),
    Fault(
        "16",
        "a loss of two is held back",
        _KNOWLEDGE,
        "GUARD_LEAST = 3",
        "GUARD_LEAST = 2",
    ),
    Fault(
        "16",
        "a follower confirms a loss",
        _KNOWLEDGE,
        "if answer.by_sync and began - waiting.began_at >= GUARD_WAIT:",
        "if began - waiting.began_at >= GUARD_WAIT:",
    ),
    Fault(
        "16",
        "a loss is confirmed too early",
        _KNOWLEDGE,
        "GUARD_WAIT = timedelta(seconds=60)",
        "GUARD_WAIT = timedelta(seconds=59)",
    ),
    Fault(
        "16",
        "held-back apps are stale",
        _KNOWLEDGE,
        "fresh = {key: attrs.evolve(kept[key], stale_since=None) for key in missing}",
        "fresh = {key: kept[key] for key in missing}",
    ),
    Fault(
        "17",
        "what leaves by configuration is guarded",
        _KNOWLEDGE,
        "guarded = {key for key in kept if known[key].source.scope == answer.source.scope}",
        "guarded = set(kept)",
    ),
    Fault(
        "18",
        "an entity whose link moved away is not looked at",
        _ENGINE,
        "for key in sorted(rows.keys() | placed.keys()):",
        "for key in sorted(placed.keys()):",
    ),
    Fault(
        "19",
        "an unknown version of the provenance is read",
        _PROVENANCE,
        '        if data["v"] != VERSION:\n            return None\n',
        "",
    ),
    Fault(
        "19",
        "annotations that are no mapping are replaced",
        _OWNERSHIP,
        "    if not isinstance(raw, dict):\n        return Foreign(",
        "    raw = raw or {}\n    if not isinstance(raw, dict):\n        return Foreign(",
    ),
    Fault(
        "19",
        "a deployedIn of a wrong type stops the rest",
        _OWNERSHIP,
        "    if not isinstance(listed, list):\n        return result, filled, (), False",
        "    if not isinstance(listed, list):\n        return spec, {}, (), False",
    ),
    Fault(
        "19",
        "the last of an app that stands twice counts",
        _KNOWLEDGE,
        "            continue\n        result[facts.key] = Record(",
        "        result[facts.key] = Record(",
    ),
    Fault(
        "20",
        "the tag of the original plugin stays",
        _ADOPTION,
        "[tag for tag in tags if tag != _TAG]",
        "list(tags)",
    ),
    Fault(
        "20",
        "the description of the original plugin stays",
        _ADOPTION,
        '        del metadata["description"]\n',
        "        pass\n",
    ),
    Fault(
        "20",
        "the repository of the original plugin stays",
        _ADOPTION,
        '        spec["repoUrl"] = repo\n',
        "        pass\n",
    ),
    Fault(
        "20",
        "the environment of the original plugin stays",
        _ADOPTION,
        "deployed_in=(destination,) if",
        "deployed_in=() if",
    ),
    Fault(
        "20",
        "an adopted row goes before every instance has answered",
        _ENGINE,
        "waits = row.adopted and not placed and",
        "waits = False and",
    ),
    Fault(
        "20",
        "rows are adopted for ever",
        _ENGINE,
        "if adoption is not Adoption.OVER and is_original(entity):",
        "if is_original(entity):",
    ),
    Fault(
        "16",
        "a deleted app prolongs the wait of the others",
        _KNOWLEDGE,
        "left = waiting.missing - ended",
        "left = waiting.missing",
    ),
    Fault(
        "15",
        "a rename is matched by origin, whatever the project",
        _KNOWLEDGE,
        "if source.origin == pair[1] and source.project in projects[pair]",
        "if source.origin == pair[1]",
    ),
    Fault(
        "20",
        "a row that a person made is adopted",
        _ADOPTION,
        'if not isinstance(metadata, dict) or metadata.get("createdBy") != _CREATED_BY:',
        "if not isinstance(metadata, dict):",
    ),
    Fault(
        "18",
        "links that name a changed app are not looked at",
        _STANDING,
        "entities = {*self._recorded[key], *self._linked[key.name]}",
        "entities = {*self._recorded[key]}",
    ),
    Fault(
        "18",
        "names that would meet are not looked at",
        _STANDING,
        "apps = set(self._may_be[key])",
        "apps: set[AppKey] = set()",
    ),
    Fault(
        "18",
        "what a written entity links now is not looked at",
        _STANDING,
        "                for name in _linked_names(row):\n"
        "                    apps.update(self._called[name])\n",
        "",
    ),
    Fault(
        "18",
        "what a changed row records does not win over the memory",
        _STANDING,
        "record = told.get(app) or self.records.get(app)",
        "record = self.records.get(app) or told.get(app)",
    ),
    Fault(
        "18",
        "a change that was not stored is not looked at again",
        _STANDING,
        "for key in self._awaited - rows.keys()}",
        "for key in ()}",
    ),
    Fault(
        "18",
        "an app that moved stays in its old place as well",
        _STANDING,
        "self._placed.discard([before.entity], key)",
        "pass",
    ),
    Fault(
        "18",
        "what was to be reported is never taken back",
        _STANDING,
        "self._problems.pop(subject, None)",
        "pass",
    ),
    Fault(
        "20",
        "an instance that has not answered does not hold up the end of adoption",
        _LEDGER,
        "return Adoption.UNDER_WAY if missing else Adoption.COMPLETE",
        "return Adoption.COMPLETE",
    ),
    Fault(
        "20",
        "a catalogue that has something of ours is adopted all the same",
        _LEDGER,
        "if not ours and any(map(is_original, entities))",
        "if any(map(is_original, entities))",
    ),
    Fault(
        "15",
        "a list takes back what the stream told while it was under way",
        _SNAPSHOT,
        "if (known.turn if known else self._gone_at(key)) > turn:",
        "if False:",
    ),
    Fault(
        "15",
        "an older version of the same Application counts",
        _SNAPSHOT,
        "return event.version < known.version",
        "return False",
    ),
    Fault(
        "15",
        "a list retires what is newer than it",
        _SNAPSHOT,
        "if self._apps[key].turn <= turn:",
        "if True:",
    ),
)
