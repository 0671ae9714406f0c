"""One MQTT connection: aiomqtt with what it hides made visible — reason codes, silence, the cause of a refusal.

aiomqtt drops the reason code of a PUBACK, waits ten seconds for a CONNACK that a closed socket will never bring,
and leaves the socket open when a read fails. All that reaches into it and into paho is in this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import aiomqtt
import paho.mqtt.client as paho
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.upstream import certificates
from gateway.upstream.encode import Message

Version = Literal["5", "3.1.1"]

KEEP_ALIVE_S = 8
SESSION_EXPIRY_S = 7 * 86_400
RECEIVE_MAX = 20
CONNECT_S = 5.0  # TCP, and again TLS; a thread waits for it, so it stays short
CONNACK_S = 8.0
PING_S = 5.0  # an unanswered ping: 8 s keep-alive + 1 s timer + 5 s keeps half-open TCP below 15 s (G8)
WILL_DELAY_S = 10
OFFLINE_S = 1.0  # a farewell waits no longer than this

CIPHERS_12 = "ECDHE+AESGCM:ECDHE+CHACHA20"  # what TLS 1.2 is left with; 1.3 has only such suites


class UpstreamError(Exception):
    """The connection is lost or refused; `slow` = do not retry fast (certificate, permission). `text` has both languages."""

    def __init__(self, code: str, en: str, zh: str, *, slow: bool = False) -> None:
        super().__init__(en)
        self.code = code
        self.text = {"en": en, "zh-CN": zh}
        self.slow = slow


class _Context(ssl.SSLContext):
    """Remembers the socket it wrapped: paho forgets it when the handshake fails, and it would stay open."""

    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **options)
        return self.wrapped

    def abort(self) -> None:
        """End a handshake that another thread waits for."""
        if self.wrapped is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.wrapped, socket.SHUT_RDWR)

    def forget(self) -> None:
        if self.wrapped is not None:
            self.wrapped.close()
            self.wrapped = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and how we prove who we are (paths of PEM files)."""

    host: str
    port: int
    ca: str
    certificate: str
    key: str

    def notices(self) -> list[certificates.Notice]:
        """What is wrong with our files, or soon will be."""
        return certificates.examine(self.ca, self.certificate, self.key, certificates.utc_now())

    def signature(self) -> tuple[tuple[int, int, int], ...]:
        """Another one when a file was replaced."""
        return certificates.signature(self.ca, self.certificate, self.key)

    def context(self) -> _Context:
        """TLS 1.3, or 1.2 with ECDHE and AEAD; both sides show certificates. Raises OSError, ssl.SSLError."""
        context = _Context(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS_12)
        context.load_verify_locations(self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context


class _LastWord(logging.Handler):
    """Keeps paho's last complaint: under TLS 1.3 a refused client certificate is told nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


class Link(aiomqtt.Client):
    """Connect, publish with the reason code reported, notice silence, close for sure. All calls on the loop's thread."""

    def __init__(
        self,
        address: Address,
        client_id: str,
        will: Message,
        version: Version,
        *,
        published: Callable[[int, int], None],
        received: Callable[[str, bytes], None],
    ) -> None:
        self._address = address
        self._word = _LastWord()
        logger = logging.Logger("gatehouse.mqtt", logging.WARNING)  # below it paho speaks of every packet
        logger.addHandler(self._word)
        self._context = context = address.context()
        five = version == "5"
        super().__init__(
            address.host,
            address.port,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else False,
            clean_start=False if five else paho.MQTT_CLEAN_START_FIRST_ONLY,  # only MQTT 5 knows the word
            keepalive=KEEP_ALIVE_S,
            will=aiomqtt.Will(will.topic, will.payload, 1, True, _will_properties() if five else None),
            properties=_connect_properties() if five else None,
            tls_context=context,
            max_inflight_messages=2 * RECEIVE_MAX,  # the schedule keeps the window; paho must not queue behind it
            max_queued_incoming_messages=16,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            logger=logger,
        )
        self.five = five
        self.receive_max = RECEIVE_MAX
        self._published = published
        self._received = received
        self._abandoned = False
        self._home = threading.get_ident()
        self._client.connect_timeout = CONNECT_S

    async def connect(self) -> None:
        """Raises UpstreamError. A cancelled call leaves no socket."""
        done = False
        try:
            await self._loop.run_in_executor(None, self._client_connect)
            ended: set[asyncio.Future[None]] = {self._connected, self._disconnected}
            await asyncio.wait(ended, timeout=CONNACK_S, return_when=asyncio.FIRST_COMPLETED)
            self._answered()
            done = True
        except (OSError, paho.WebsocketConnectionError) as error:
            raise self._why(error) from error
        finally:
            if not done:
                self._abandoned = True
                self._context.abort()
                self.drop()

    def send(self, message: Message, *, qos: int, retain: bool, expiry_s: int) -> int:
        """Hand one message to the socket; returns its number, which `published` names. Raises UpstreamError."""
        properties = _publish_properties(message, expiry_s) if self.five else None
        info = self._client.publish(message.topic, message.payload, qos, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise lost(paho.error_string(info.rc))
        return info.mid

    def flush(self) -> None:
        """Write to the socket now instead of two turns of the loop later. Never from a callback of paho's: it locks."""
        self._client.loop_write()

    def subscribe_to(self, topic: str) -> None:
        """Ask for a topic at QoS 1; the broker's answer is not waited for."""
        self._client.subscribe(topic, 1)

    def check(self) -> None:
        """Raises UpstreamError when the connection has ended, or a ping found no answer."""
        if self._disconnected.done():
            error = self._disconnected.exception()
            raise lost(self._word.text or (str(error) if error else "closed by the broker"))
        asked = self._client._ping_t
        if asked and time.monotonic() - asked > PING_S:
            raise lost(f"no answer to a ping for {PING_S:.0f} s")

    def drop(self) -> None:
        """Close the socket now, without a word: the broker publishes the will."""
        if self._misc_task is not None:
            self._misc_task.cancel()
        self._client._sock_close()
        for future in (self._connected, self._disconnected):
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()  # read, or asyncio complains that nobody did

    async def farewell(self) -> None:
        """An orderly DISCONNECT, then the socket is closed in any case."""
        if not self._disconnected.done() and self._client.disconnect() == paho.MQTT_ERR_SUCCESS:
            await asyncio.wait({self._disconnected}, timeout=OFFLINE_S)
        self.drop()

    # What aiomqtt and paho call ----------------------------------------------------------------------------------

    def _client_connect(self) -> None:
        try:
            super()._client_connect()
        except OSError:
            self._context.forget()
            raise
        finally:
            if self._abandoned:
                self._loop.call_soon_threadsafe(self.drop)

    def _on_connect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Properties | None = None
    ) -> None:
        allowed = getattr(properties, "ReceiveMaximum", RECEIVE_MAX)
        self.receive_max = max(1, min(RECEIVE_MAX, int(allowed)))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Properties | None = None
    ) -> None:
        if not self._disconnected.done():
            self._disconnected.set_exception(ConnectionError(str(reason_code)))

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        """At once where aiomqtt waits a turn of the loop: by then `flush` may have written all, or the socket be closed."""
        if threading.get_ident() == self._home:
            self._loop.add_writer(sock.fileno(), self._writable)
        else:
            super()._on_socket_register_write(client, userdata, sock)

    def _writable(self) -> None:
        try:
            self._client.loop_write()
        except OSError as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        self._published(mid, int(reason_code.value))

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reason_codes: Any, properties: Any = None) -> None:
        return

    def _on_message(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        self._received(message.topic, bytes(message.payload))

    def _answered(self) -> None:
        if self._connected.done():
            try:
                self._connected.result()
            except MqttConnectError as error:
                raise _refused_by_broker(error) from error
        elif self._disconnected.done():
            raise self._why(None)
        else:
            en = f"the broker does not answer the MQTT CONNECT: nothing for {CONNACK_S:.0f} s"
            raise UpstreamError("unanswered", en, f"服务器对 MQTT CONNECT 无应答：{CONNACK_S:.0f} s 内无回复")

    def _why(self, error: Exception | None) -> UpstreamError:
        """The plain reason of a connection that did not come about."""
        text = str(error) if error is not None else self._word.text
        address = self._address
        if isinstance(error, ssl.SSLCertVerificationError):
            words = certificates.untrusted(error, address.host)
            return UpstreamError("broker-certificate", words["en"], words["zh-CN"], slow=True)
        if "alert" in text.lower():
            words = certificates.refused(text, address.notices())
            return UpstreamError("certificate-refused", words["en"], words["zh-CN"], slow=True)
        if error is None:  # the alert of a broker that refuses us is lost where our CONNECT crossed it
            en = f"the broker closed the connection before it answered: {text}; does it accept our certificate?"
            return UpstreamError("closed", en, f"服务器未应答即断开:{text}；请核对其是否接受本机证书")
        return UpstreamError("unreachable", f"the broker cannot be reached: {text}", f"无法连接服务器:{text}")


def lost(why: str) -> UpstreamError:
    """A connection that stood and stands no more."""
    return UpstreamError("lost", f"connection to the broker lost: {why}", f"与服务器的连接中断:{why}")


def _refused_by_broker(error: MqttConnectError) -> UpstreamError:
    text = str(error.rc)
    if "version" in text.lower():
        return UpstreamError(
            "version", f"the broker refused the MQTT version: {text}", f"服务器不支持此 MQTT 版本:{text}"
        )
    return UpstreamError("refused", f"the broker refused us: {text}", f"服务器拒绝接入:{text}", slow=True)


def _connect_properties() -> Properties:
    found = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    found.SessionExpiryInterval = SESSION_EXPIRY_S
    found.ReceiveMaximum = RECEIVE_MAX
    return found


def _will_properties() -> Properties:
    found = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    found.WillDelayInterval = WILL_DELAY_S
    found.PayloadFormatIndicator = 1
    found.ContentType = "application/json"
    return found


def _publish_properties(message: Message, expiry_s: int) -> Properties:
    """Payload format, content type, expiry, CloudEvents 1.0 in binary mode, languages of `txt`."""
    found = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    found.PayloadFormatIndicator = 1
    found.ContentType = "application/json"
    if expiry_s:
        found.MessageExpiryInterval = expiry_s
    source = message.topic.split(f"/{message.kind}", 1)[0]
    words = [("specversion", "1.0"), ("type", f"gatehouse.{message.kind}.v1"), ("source", source)]
    if message.id:
        words.append(("id", message.id))
    found.UserProperty = [*words, ("lang", "zh-CN,en")]
    return found
