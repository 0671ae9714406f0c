"""An exception from security that somebody answers for: a reason, and the last day on which it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from drivers.base_talk import both
from gateway.core.errors import SourceError
from gateway.core.tags import Cause


class Waiver(BaseModel):
    """`reason` stands in the log when it ends; `expires` is a date, UTC, and still belongs to it."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=10, max_length=200)
    expires: date

    def left_s(self) -> float:
        """Seconds until it ends. Raises SourceError where it has."""
        end = datetime(self.expires.year, self.expires.month, self.expires.day, tzinfo=UTC) + timedelta(days=1)
        left_s = (end - datetime.now(UTC)).total_seconds()
        if left_s <= 0:
            raise SourceError(
                both(
                    f"going without security was accepted until {self.expires} ({self.reason}); set it up now",
                    f"不使用安全措施的许可已于 {self.expires} 到期（{self.reason}）；请配置安全措施",
                ),
                Cause.REFUSED,
                slow=True,
            )
        return left_s
