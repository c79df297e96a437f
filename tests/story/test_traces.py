"""Traces: a send, its delivery and its notifications as spans at a real OTLP receiver, with nothing private in them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sesame.access.credentials import Authenticator
from sesame.app.traced import Classes, classes
from sesame.app.traces import delivery_trace_id, make_tracer
from sesame.config.traces import Traces, check
from sesame.errors import ConfigError
from sesame.sending.send import Sender
from tests.story.test_event_publishing import subscribed, with_set
from tests.support.endpoint import listening
from tests.support.process import running, wait_until
from tests.support.submission import logged_in
from tests.support.tenant import Tenant, tenant_of

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SUBJECT, ADDRESS, NOBODY = "A private subject", "private@example.com", "nobody-at-all@elsewhere.test"


@dataclass
class Receiver:
    """An OTLP/HTTP receiver."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Any]:
        """Every span that came."""
        service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
        found = []
        for body in self.bodies:
            for of_resource in service.ExportTraceServiceRequest.FromString(body).resource_spans:
                for of_scope in of_resource.scope_spans:
                    found += of_scope.spans
        return found


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def send(tenant: Tenant, source: str, **more: Any) -> str:
    message_id: str = tenant.ses.send_email(
        Source=source,
        Destination={"ToAddresses": [ADDRESS]},
        Message={"Subject": {"Data": SUBJECT}, "Body": {"Text": {"Data": "t"}}},
        **more,
    )["MessageId"]
    return message_id


def traced(client: Any) -> None:
    """Let each request of a client carry a `traceparent`."""
    client.meta.events.register(
        "before-sign.ses.*",
        lambda request, **_: request.headers.add_header("traceparent", f"00-{TRACE_ID}-{PARENT_ID}-01"),
    )


def test_a_send_its_delivery_and_its_notification_are_spans(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    with receiving() as receiver, listening() as endpoint:
        with running(tmp_path / "data", SESAME_TRACES__ENDPOINT=receiver.url) as sesame:
            tenant = tenant_of(sesame)
            name = with_set(tenant, subscribed(tenant, endpoint), "delivery")
            traced(tenant.ses)
            message_id = send(tenant, f"Private Name <{ADDRESS}>", ConfigurationSetName=name)
            with pytest.raises(tenant.ses.exceptions.ClientError):
                send(tenant, NOBODY)
            endpoint.wait_for(1)
            wait_until(lambda: any(one.rcpt_to == (ADDRESS,) for one in sesame.mail()))
            event_id = sesame.run_json("trace", message_id)["events"][-1]["event_id"]
            sesame.stop()  # what has ended is sent
        spans = receiver.spans()
        log = sesame.log_path.read_text().splitlines()
        lines = [json.loads(line) for line in log if line.startswith("{")]
        everything = b"".join(receiver.bodies)

    by_trace = [one for one in spans if one.trace_id.hex() == TRACE_ID]
    request, refused = (one for one in by_trace if one.name == "ses SendEmail")
    assert request.parent_span_id.hex() == refused.parent_span_id.hex() == PARENT_ID
    steps = {one.name: one for one in by_trace if one.parent_span_id == request.span_id}
    assert set(steps) == {"authenticate", "decide", "commit"}
    assert attributes(request)["sesame.account_id"] == tenant.account.account_id
    assert attributes(request)["http.response.status_code"] == 200
    commit = steps["commit"]
    assert attributes(commit)["sesame.message_id"] == message_id
    (link,) = commit.links
    assert link.trace_id.hex() == f"{delivery_trace_id(message_id):032x}"

    assert attributes(refused)["http.response.status_code"] == 400
    assert {one.name for one in by_trace if one.parent_span_id == refused.span_id} == {
        "authenticate",
        "decide",
    }

    delivery = [one for one in spans if one.trace_id == link.trace_id]
    (attempt,) = (one for one in delivery if one.name == "attempt")
    assert attributes(attempt)["sesame.message_id"] == message_id
    assert attributes(attempt)["sesame.result"] == "delivered"
    assert {one.name for one in delivery if one.parent_span_id == attempt.span_id} == {
        "route", "connect", "transfer",
    }  # fmt: skip

    told = [attributes(one) for one in spans if one.name == "notify"]
    assert event_id in {one.get("sesame.event_id") for one in told}

    ids = {line["event"]: line["trace_id"] for line in lines if "trace_id" in line}
    assert ids["api_request"] == ids["send_refused"] == TRACE_ID
    assert ids["delivery_attempt"] == link.trace_id.hex()
    for private in (SUBJECT, "Private Name", ADDRESS, "example.com", NOBODY, "elsewhere.test"):
        assert private.encode() not in everything


def test_a_message_that_comes_by_smtp_is_a_span(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    with receiving() as receiver:
        with running(tmp_path / "data", SESAME_TRACES__ENDPOINT=receiver.url) as sesame:
            tenant = tenant_of(sesame)
            with logged_in(sesame, tenant.account) as client:
                client.sendmail(ADDRESS, [ADDRESS], f"From: {ADDRESS}\r\nSubject: s\r\n\r\nt\r\n")
            sesame.stop()
        spans = {one.name: one for one in receiver.spans()}
    assert spans["authenticate"].parent_span_id == spans["smtp AUTH"].span_id
    assert spans["decide"].parent_span_id == spans["commit"].parent_span_id == spans["smtp DATA"].span_id
    assert attributes(spans["smtp DATA"])["smtp.reply_code"] == 250


def test_a_receiver_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    with receiving() as receiver:
        url = receiver.url
    with running(tmp_path / "data", SESAME_TRACES__ENDPOINT=url) as sesame:
        assert send(tenant_of(sesame), ADDRESS)
        assert sesame.stop() == 0


def test_a_process_without_an_endpoint_uses_the_plain_classes_and_loads_nothing() -> None:
    assert make_tracer(Traces(), version="0") is None
    assert classes(None) == Classes()
    assert (classes(None).sender, classes(None).authenticator) == (Sender, Authenticator)
    code = (
        "import sys, sesame.app.server; print(sum(name.startswith('opentelemetry') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_an_endpoint_without_the_extra_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigError, match=r"pip install 'sesame-ses\[traces\]'"):
        make_tracer(Traces(endpoint="http://127.0.0.1:4318"), version="0")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Traces(endpoint="127.0.0.1:4318"), "traces.endpoint"),
        (Traces(sample_ratio=1.5), "traces.sample_ratio"),
        (Traces(sample_ratio=-0.1), "traces.sample_ratio"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: Traces, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        check(settings)
