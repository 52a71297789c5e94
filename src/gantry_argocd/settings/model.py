"""
The plugin's settings (G1): one class for an instance, one for the whole.
"""

from __future__ import annotations

import attrs

from . import texts
from .fields import setting
from .policy import PolicyRule
from .secrets import Secret


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long an instance may take, in seconds."""

    connect: float = setting(
        key="connect",
        title="Connect",
        description="Time for making a connection.",
        text=texts.SECONDS,
        default="5s",
    )
    read: float = setting(
        key="read",
        title="Read",
        description="Time for the answer to an ordinary request.",
        text=texts.SECONDS,
        default="20s",
    )
    list: float = setting(
        key="list",
        title="List",
        description="Time for the list of all applications; large installations need a minute.",
        text=texts.SECONDS,
        default="120s",
    )
    refresh: float = setting(
        key="refresh",
        title="Refresh",
        description="Time that somebody waits for a refresh; afterwards it goes on unwatched.",
        text=texts.SECONDS,
        default="10s",
    )


@attrs.frozen(kw_only=True)
class InstanceSettings:
    """One Argo CD API server."""

    name: str = setting(
        key="name",
        title="Name",
        description="Short name that stands in refs such as production:payment-api.",
        text=texts.NAME,
        required=True,
        examples=("production",),
    )
    url: str = setting(
        key="argocdUrl",
        title="Argo CD URL",
        description="Address of the API server, with its root path if it has one.",
        text=texts.URL,
        required=True,
        examples=("https://argocd.your-org.com",),
    )
    token: Secret = setting(
        key="token",
        title="API token",
        description="Token of an account or project role; or env:NAME or file:PATH.",
        text=texts.TOKEN,
        empty=Secret(""),
        secret=True,
    )
    username: str = setting(
        key="username",
        title="User name",
        description="Local Argo CD account to sign in with when there is no token.",
        text=texts.LINE,
    )
    password: Secret = setting(
        key="password",
        title="Password",
        description="Password of that account; or env:NAME or file:PATH.",
        text=texts.PASSWORD,
        empty=Secret(""),
        secret=True,
    )
    auth_mode: str = setting(
        key="authMode",
        advanced=True,
        title="Authentication",
        description="Which of token and password counts when both are given.",
        choices=("", "token", "credentials"),
    )
    insecure_skip_tls: bool = setting(
        key="insecureSkipTLS",
        title="Do not check the certificate",
        description="Anybody between here and the server can then read the token.",
        json_type="boolean",
        default=False,
    )
    project: str = setting(
        key="project",
        title="Project",
        description="Only applications of this Argo CD project. Empty means all.",
        text=texts.LINE,
    )
    selector: str = setting(
        key="selector",
        advanced=True,
        title="Label selector",
        description="Only applications whose labels match, as kubectl writes it.",
        text=texts.LINE,
        examples=("team=payments,env in (prod,staging)",),
    )
    ca_bundle: str = setting(
        key="caBundle",
        advanced=True,
        title="Certificate authorities",
        description="Certificates to trust besides the system's, in PEM form; or file:PATH.",
        text=texts.CERTIFICATES,
    )
    client_certificate: str = setting(
        key="clientCertificate",
        advanced=True,
        title="Client certificate",
        description="file:PATH of a certificate in PEM form to identify with, for a proxy that "
        "asks for one; its key may be in the same file.",
        text=texts.FILE,
    )
    client_key: str = setting(
        key="clientKey",
        advanced=True,
        title="Client key",
        description="file:PATH of the key of that certificate, when it is in a file of its own.",
        text=texts.FILE,
    )
    headers: dict[str, Secret] = setting(
        key="headers",
        advanced=True,
        title="Extra headers",
        description="Sent with every request, for a proxy in front. The values are secrets.",
        json_type="object",
        keys=texts.HEADER_NAME,
        text=texts.TOKEN,
        default={},
        secret=True,
    )
    timeouts: Timeouts = setting(
        key="timeouts",
        advanced=True,
        title="Timeouts",
        description="How long the server may take.",
        json_type="object",
        items=Timeouts,
        default={},
    )
    public_url: str = setting(
        key="publicUrl",
        advanced=True,
        title="Public URL",
        description="Address that people open, when it is not the one above.",
        text=texts.URL,
    )
    namespace: str = setting(
        key="namespace",
        advanced=True,
        title="Own namespace",
        description="Namespace that Argo CD itself runs in, when it cannot be asked.",
        text=texts.NAMESPACE,
    )
    follow: bool = setting(
        key="follow",
        title="Follow changes",
        description="Watch the instance for changes between syncs.",
        json_type="boolean",
        default=True,
    )

    @property
    def uses_password(self) -> bool:
        """Sign in with user name and password, rather than with the token."""
        if self.auth_mode:
            return self.auth_mode == "credentials"
        return not self.token

    @property
    def people_url(self) -> str:
        """Address that links for people begin with."""
        return self.public_url or self.url


@attrs.frozen(kw_only=True)
class Settings:
    """The whole configuration of the plugin."""

    instances: tuple[InstanceSettings, ...] = setting(
        key="instances",
        title="Instances",
        description="The Argo CD API servers to show.",
        json_type="array",
        items=InstanceSettings,
        member="Instance",
        required=True,
        default=[],
    )
    label_key: str = setting(
        key="labelKey",
        title="Label key",
        description="Label of an Application whose value names its Service; apps that share the "
        "value are one Service.",
        text=texts.LABEL_KEY,
        default="name",
    )
    sync_interval: float | None = setting(
        key="syncInterval",
        title="Sync interval",
        description="How often everything is discovered anew, as 90s, 5m or 1h30m; less than 30s "
        "counts as 30s. Empty means only by hand.",
        text=texts.INTERVAL,
        default="5m",
        empty=None,
        examples=("5m", ""),
    )
    enrichment_prefixes: tuple[str, ...] = setting(
        key="enrichmentPrefixes",
        advanced=True,
        title="Enrichment prefixes",
        description="Annotations with these prefixes are derived by other plugins from what this "
        "one writes, and do not keep an entity alive.",
        json_type="array",
        text=texts.PREFIX,
        default=["github.com/"],
    )
    policy: tuple[PolicyRule, ...] = setting(
        key="policy",
        title="Policy",
        description="Rules that leave actions to fewer people than the roles do. Every rule that "
        "fits an action has to let the person through.",
        json_type="array",
        items=PolicyRule,
        member="Rule",
        default=[],
    )

    def instance(self, name: str) -> InstanceSettings | None:
        """Give the instance of that name."""
        return next((item for item in self.instances if item.name == name), None)
