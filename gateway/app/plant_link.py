"""The link to the plant network: outbox, encoder and session where the site has one, and what is said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from gateway.control.views import UpstreamView
from gateway.core.kernel import Kernel
from gateway.core.program import Program, RuleText
from gateway.runtime.clock import SystemClock
from gateway.runtime.feeds import LiveFeeds
from gateway.runtime.views import LiveViews
from gateway.site import Site
from gateway.upstream.encode import Encoder, Names
from gateway.upstream.link import Address
from gateway.upstream.outbox import Algebra, Outbox, Proof
from gateway.upstream.session import Session, Settings

LAST_WORDS_S = 1.0  # what the broker can still take at the end


class PlantLink:
    """What leaves the box. A site without [upstream] has neither outbox nor session, and nothing leaves."""

    def __init__(self, site: Site, program: Program, time_quality: Callable[[], str]) -> None:
        self._site = site
        self.outbox: Outbox | None = None
        self.session: Session | None = None
        if site.upstream is not None:
            self._encoder = Encoder(
                Names(site.site, site.id, 0, site.upstream.prefix), _titles(site, program), time_quality
            )
            proof: Proof = "receipt" if site.upstream.receipts else "broker"
            self.outbox = Outbox(
                site.storage.directory / "journal" / "journal.db",
                self._encoder,
                proof=proof,
                shadow=site.upstream.shadow,
                resend=site.upstream.resend,
            )

    def booted(self, boot: int) -> None:
        """The journal knows which boot this is: it is part of every name that leaves."""
        if self.outbox is not None:
            names = self._encoder.names
            self._encoder.names = Names(names.site, names.gateway, boot, names.prefix)

    def connect(self, kernel: Kernel, views: LiveViews, clock: SystemClock, version: str) -> None:
        """Make the session that the edge `upstream` runs."""
        upstream, outbox = self._site.upstream, self.outbox
        if upstream is None or outbox is None:
            return
        parts = urlsplit(upstream.url)
        address = Address(
            parts.hostname or "", parts.port or 8883, str(upstream.ca), str(upstream.certificate), str(upstream.key)
        )
        feeds = LiveFeeds(kernel, views, clock, version, lambda: (outbox.counts().produced, 0))
        protocol = "auto" if upstream.protocol == "5" else upstream.protocol
        given = Settings(address, protocol, upstream.receipts, upstream.resend, upstream.rate_per_s)
        self.session = Session(given, outbox, feeds)

    def active_changed(self) -> None:
        """The retained list of active alarms is to be sent anew."""
        if self.session is not None:
            self.session.active_changed()

    def counts(self) -> Algebra | None:
        """What was produced and what became of it; None where nothing leaves."""
        return self.outbox.counts() if self.outbox is not None else None

    def view(self) -> UpstreamView:
        """The balancing equation and how the session stands."""
        upstream = self._site.upstream
        if upstream is None or self.session is None or self.outbox is None:
            return UpstreamView(configured=False, connected=False, proof="none")
        algebra, view = self.outbox.counts(), self.session.view
        return UpstreamView(
            configured=True,
            connected=view.connected,
            proof=view.proof,
            produced=algebra.produced,
            confirmed=algebra.confirmed,
            queued=algebra.queued,
            aggregated=algebra.aggregated,
            expired=algebra.expired,
            pending=algebra.pending,
            unjournalled=algebra.unjournalled,
            balanced=algebra.balanced,
            refused=view.refused,
            error=view.error.get(self._site.language, ""),
            url=upstream.url,
        )

    async def last_words(self) -> None:
        """What the broker can still take within LAST_WORDS_S."""
        if self.session is None or self.outbox is None or not self.session.view.connected:
            return
        for _ in range(20):
            algebra = self.outbox.counts()
            if not algebra.queued and not algebra.pending:
                return
            await asyncio.sleep(LAST_WORDS_S / 20)


def _titles(site: Site, program: Program) -> dict[str, dict[str, str]]:
    """What alarms say upstream: titles of the dictionary, else of the rules."""
    titles: dict[str, dict[str, str]] = {}
    own: list[tuple[str, Mapping[str, RuleText]]] = [(rule.name, rule.text) for rule in program.rules]
    for name, texts in [*own, *site.dictionary.items()]:
        for language, text in texts.items():
            if text.title:
                titles.setdefault(name, {})[language] = text.title
    return titles
