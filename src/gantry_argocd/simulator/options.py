"""Settings of the server that change how it answers; an administrator could change any of them."""

from __future__ import annotations

import attrs


@attrs.define
class Options:
    """The settings in force; change them at any time.

    Attributes:
        sync_with_replace_allowed: ``--sync-with-replace-allowed``, from 3.0 on.

        override_for_revisions: ``application.sync.requireOverridePrivilegeForRevisionSync``, from
            3.3 on.

        logs_need_a_right: ``server.rbac.log.enforce.enable``, which only 2.x asks for.

        rollback_needs_a_right: ``server.rbac.rollback.enforce.enable``, from 3.6 on.
    """

    sync_with_replace_allowed: bool = True
    override_for_revisions: bool = False
    logs_need_a_right: bool = False
    rollback_needs_a_right: bool = False
