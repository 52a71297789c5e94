"""The form of a plugin's configuration on its page: made of its schema, read, and shown again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from gantry_argocd.refhost.form_fields import Form, is_formable, make_form
from gantry_argocd.refhost.form_reading import Filled, read_form
from gantry_argocd.refhost.plugin_state import ConfigRefused, PluginState
from gantry_argocd.refhost.problems import Clash, HostError, Invalid
from gantry_argocd.refhost.vault import Drafts
from gantry_argocd.refhost.web import Call

_SEEN = "seen"


@attrs.frozen(kw_only=True)
class FilledForm:
    """
    A form as it is shown.

    Attributes:
        seen: When what is stored was stored, as far as this form knows.

        unsaved: Whether it shows what is not stored.

        errors: What is wrong with what was filled in, before the plugin has seen it.
    """

    seen: str
    unsaved: bool = False
    errors: Sequence[Mapping[str, Any]] = ()
    refusal: HostError | None = None
    _filled: Filled | None = None
    _make: Callable[[Sequence[Mapping[str, Any]]], Form] = attrs.field(repr=False)

    @property
    def form(self) -> Form:
        """Its fields."""
        return self._make(self.errors)

    @property
    def saving(self) -> bool:
        """Whether it is to be saved."""
        return self._filled is not None and self._filled.saving

    @property
    def revealed(self) -> Any:
        """The configuration, with the secrets that were typed."""
        return self._filled.revealed if self._filled else {}

    @property
    def focus(self) -> str:
        """Path of what the keyboard goes on with."""
        return self._filled.focus if self._filled else ""

    def refused(self, error: HostError) -> FilledForm:
        """Give it with the errors that the plugin has found."""
        if isinstance(error, ConfigRefused) and error.errors:
            return attrs.evolve(self, errors=[dict(each) for each in error.errors])
        return self


class ConfigForms:
    """
    Makes and reads the forms.

    Args:
        drafts: Seals what was typed and is secret, so that it comes back with the form.
    """

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    def stored(
        self, call: Call, state: PluginState, masked: Mapping[str, Any]
    ) -> FilledForm | None:
        """Give the form of what is stored; None where the schema has nothing for one."""
        if not is_formable(state.manifest["configSchema"]):
            return None
        return FilledForm(seen=state.updated_at, make=self._maker(call, state, masked))

    def read(self, call: Call, state: PluginState) -> FilledForm:
        """
        Read a form.

        Raises:
            Invalid: The schema has nothing for a form.
        """
        schema = state.manifest["configSchema"]
        if not is_formable(schema):
            raise Invalid("the configuration must be given as JSON")
        owner = _owner(call, state)
        filled = read_form(schema, call.form, lambda sealed: self._drafts.open(sealed, owner))
        refusal: HostError | None = None
        if filled.saving and filled.errors:
            refusal = ConfigRefused("the configuration is not valid", [])
        elif filled.saving and call.form.get(_SEEN, state.updated_at) != state.updated_at:
            refusal = Clash(
                "somebody has changed the configuration since this form was loaded: nothing was "
                "saved. Save again to replace theirs by yours, or reload the page to see theirs."
            )
        return FilledForm(
            seen=state.updated_at,
            unsaved=True,
            errors=filled.errors if filled.saving else (),
            refusal=refusal,
            filled=filled,
            make=self._maker(call, state, filled.values),
        )

    def _maker(
        self, call: Call, state: PluginState, values: Mapping[str, Any]
    ) -> Callable[[Sequence[Mapping[str, Any]]], Form]:
        owner = _owner(call, state)

        def make(errors: Sequence[Mapping[str, Any]]) -> Form:
            return make_form(
                state.manifest["configSchema"],
                values,
                errors,
                lambda text: self._drafts.seal(text, owner),
            )

        return make


def _owner(call: Call, state: PluginState) -> str:
    return f"{state.name}:{call.principal.session}"
