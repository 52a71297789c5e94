"""
Which apps are known: what instances answered, over what was recorded (rules 15 to 17).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from ..models import Facts
from ..refs import AppKey
from .provenance import InstanceInfo, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

GUARD_LEAST = 3
"""A loss of fewer apps than this is believed at once."""

GUARD_WAIT = timedelta(seconds=60)
"""A second answer must begin this long after the first to confirm a loss."""


class Outcome(Enum):
    """How far an instance's answer can be believed."""

    COMPLETE = "complete"
    """Everything that the instance has."""

    PARTIAL = "partial"
    """Adds and updates, but absence means nothing: an event, or a list with an unreadable row."""

    FAILED = "failed"
    """Nothing is known but that the instance cannot be asked; its apps become stale."""

    SILENT = "silent"
    """It was not asked."""


@attrs.frozen(kw_only=True)
class Answer:
    """
    What one configured instance said.

    Attributes:
        source: Which instance.

        outcome: How far to believe it.

        apps: Those it named, in any order.

        deleted: Those it said were deleted.

        began_at: When the asking began. None for a silent one.

        by_sync: It answers a sync, not a follower that reconnects; only these confirm a loss.

        confirmed: A person confirmed that a loss is real.
    """

    source: InstanceInfo
    outcome: Outcome = Outcome.SILENT
    apps: tuple[Facts, ...] = ()
    deleted: frozenset[AppKey] = frozenset()
    began_at: datetime | None = None
    by_sync: bool = True
    confirmed: bool = False


@attrs.frozen(kw_only=True)
class HeldBack:
    """A loss that is not believed yet (rule 16)."""

    began_at: datetime
    missing: frozenset[AppKey]


@attrs.frozen(kw_only=True)
class Knowledge:
    """
    The apps that are there.

    Attributes:
        records: By key.

        held: By instance name, the losses that wait for a confirmation.

        retired: Apps that were known and are not any more, with the reason.

        problems: Sentences for people.
    """

    records: Mapping[AppKey, Record]
    held: Mapping[str, HeldBack]
    retired: Mapping[AppKey, str]
    problems: tuple[str, ...]


def learn(
    recorded: Iterable[Record], answers: Sequence[Answer], held: Mapping[str, HeldBack]
) -> Knowledge:
    """
    Bring what was recorded up to date with what the instances answered.

    Args:
        recorded: The known apps as the catalogue, or the plugin's memory, has them.

        answers: One for each configured instance; an instance without one has left the
            configuration, and its apps with it.

        held: Losses that were held back by earlier answers.
    """
    by_instance, retired = _assign(recorded, answers)
    heard = hear(by_instance, answers, held)
    return attrs.evolve(heard, retired={**retired, **heard.retired})


def hear(
    known: Mapping[str, Mapping[AppKey, Record]],
    answers: Sequence[Answer],
    held: Mapping[str, HeldBack],
) -> Knowledge:
    """
    Apply what configured instances answered to what is known of them.

    Args:
        known: By instance. For a silent or partial answer only the apps that matter need be there:
            others stay as they are.

        answers: One for each instance.

        held: Losses that were held back by earlier answers.
    """
    problems: list[str] = []
    retired: dict[AppKey, str] = {}
    records: dict[AppKey, Record] = {}
    still_held: dict[str, HeldBack] = {}
    for answer in answers:
        before = known.get(answer.source.name, {})
        now, waiting = _apply(before, answer, held.get(answer.source.name), problems)
        records |= now
        if waiting is not None:
            still_held[answer.source.name] = waiting
        reason = f"instance {answer.source.name} does not list it any more"
        retired |= dict.fromkeys(before.keys() - now.keys(), reason)
    return Knowledge(records=records, held=still_held, retired=retired, problems=tuple(problems))


def latest(records: Iterable[Record]) -> dict[AppKey, Record]:
    """Give one record of each app: the newer where several rows have one."""
    found: dict[AppKey, Record] = {}
    for record in records:
        other = found.get(record.key)
        if other is None or _age(record) > _age(other):
            found[record.key] = record
    return found


def _assign(
    recorded: Iterable[Record], answers: Sequence[Answer]
) -> tuple[dict[str, dict[AppKey, Record]], dict[AppKey, str]]:
    """Match the records to the configured instances: by name and origin, then by origin alone."""
    told = latest(recorded)
    configured = {answer.source.name: answer.source for answer in answers}
    renamed = _renamed([record.source for record in told.values()], configured)

    found: dict[str, dict[AppKey, Record]] = defaultdict(dict)
    retired: dict[AppKey, str] = {}
    for key, record in told.items():
        source = record.source
        present = configured.get(source.name)
        name = source.name
        if present is None or present.origin != source.origin:
            new_name = renamed.get((source.name, source.origin))
            if new_name is None:
                retired[key] = f"instance {source.name} is not configured any more"
                continue
            name = new_name
            key = key._replace(instance=name)  # noqa: PLW2901  the app under its new name
            record = attrs.evolve(  # noqa: PLW2901
                record,
                facts=attrs.evolve(record.facts, key=key),
                source=attrs.evolve(source, name=name),
            )
        found[name][key] = record
    return found, retired


def _age(record: Record) -> tuple[str, str]:
    # Two records of one app come from a copied provenance; the newer counts, and among equally
    # old ones any fixed choice does.
    return (record.read_at, repr(record))


def _renamed(
    previous: Iterable[InstanceInfo], configured: Mapping[str, InstanceInfo]
) -> dict[tuple[str, str], str]:
    """Understand instances that were renamed while their origin stayed (rule 15)."""
    projects: dict[tuple[str, str], set[str]] = defaultdict(set)
    for source in previous:
        projects[source.name, source.origin].add(source.project)
    present = {(source.name, source.origin) for source in configured.values()}
    vanished = [pair for pair in projects if pair not in present]
    new = [s for s in configured.values() if (s.name, s.origin) not in projects]
    # Apps may have been read under several projects, when that was changed in between.
    matches = [
        (pair, source.name)
        for pair in vanished
        for source in new
        if source.origin == pair[1] and source.project in projects[pair]
    ]
    lost = Counter(pair for pair, _ in matches)
    found = Counter(name for _, name in matches)
    return {pair: name for pair, name in matches if lost[pair] == 1 and found[name] == 1}


def _apply(
    known: Mapping[AppKey, Record],
    answer: Answer,
    waiting: HeldBack | None,
    problems: list[str],
) -> tuple[dict[AppKey, Record], HeldBack | None]:
    """Apply one answer to the known apps of its instance."""
    kept = {
        key: of_today(record, answer.source)
        for key, record in known.items()
        if key not in answer.deleted
    }
    ended = answer.deleted | {facts.key for facts in answer.apps if facts.ignored}
    if waiting is not None and ended:
        # What is known to be gone needs no confirmation, and must not prolong the others'.
        left = waiting.missing - ended
        waiting = attrs.evolve(waiting, missing=left) if left else None
    if answer.outcome is Outcome.SILENT:
        return kept, waiting
    if answer.outcome is Outcome.FAILED:
        return {key: _stale(record) for key, record in kept.items()}, waiting

    answered = _records_of(answer, problems)
    listed = {key: record for key, record in answered.items() if not record.facts.ignored}
    updated = {key: record for key, record in kept.items() if key not in answered} | listed
    if answer.outcome is Outcome.PARTIAL:
        return updated, waiting

    guarded = {key for key in kept if known[key].source.scope == answer.source.scope}
    missing = frozenset(guarded - answered.keys())
    waiting = _guard(answer, len(guarded), missing, waiting)
    if waiting is None:
        return listed, None
    problems.append(
        f"{answer.source.name}: {len(missing)} of {len(guarded)} applications are missing from "
        f"the answer; they are kept until another sync after a minute, or "
        f'{{"confirm": ["{answer.source.name}"]}}, confirms it'
    )
    fresh = {key: attrs.evolve(kept[key], stale_since=None) for key in missing}
    return fresh | listed, waiting


def _guard(
    answer: Answer, known: int, missing: frozenset[AppKey], waiting: HeldBack | None
) -> HeldBack | None:
    """Say whether a loss is to be held back; None when it is believed (rule 16)."""
    if len(missing) < GUARD_LEAST or 2 * len(missing) <= known or answer.confirmed:
        return None
    began = answer.began_at or datetime.min.replace(tzinfo=UTC)
    if waiting is None or not waiting.missing <= missing:
        return HeldBack(began_at=began, missing=missing)
    if answer.by_sync and began - waiting.began_at >= GUARD_WAIT:
        return None
    return waiting


def _records_of(answer: Answer, problems: list[str]) -> dict[AppKey, Record]:
    read_at = rfc3339(answer.began_at) if answer.began_at else ""
    result: dict[AppKey, Record] = {}
    for facts in answer.apps:
        if facts.key in result:
            problems.append(
                f"{answer.source.name}: {facts.key.namespace}/{facts.key.name} stands twice in "
                "the answer; the first counts"
            )
            continue
        result[facts.key] = Record(facts=facts, source=answer.source, read_at=read_at)
    return result


def of_today(record: Record, source: InstanceInfo) -> Record:
    """
    Take over what is known of the instance today.

    Its scope stays as it was when the app was read: the guard asks for it.
    """
    if record.source.own_namespace == source.own_namespace:
        return record
    return attrs.evolve(
        record, source=attrs.evolve(record.source, own_namespace=source.own_namespace)
    )


def _stale(record: Record) -> Record:
    return attrs.evolve(record, stale_since=record.stale_since or record.read_at or None)


def rfc3339(moment: datetime) -> str:
    """Write a time as it stands in annotations: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
