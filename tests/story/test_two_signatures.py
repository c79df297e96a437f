"""RSA and Ed25519 together, by a setting: mail carries both signatures, of the owner's domain and of the operator's."""

from pathlib import Path

import dkim

from sesame.dkim.sign import verify
from tests.support.mail_dkim import has_mail_dkim, mail_dkim
from tests.support.process import SesameProcess, running, wait_until


def test_mail_is_signed_twice_for_each_domain_and_every_signature_verifies(tmp_path: Path) -> None:
    with running(
        tmp_path / "data",
        SESAME_DNS__DKIM_ED25519="true",
        SESAME_DELIVERY__SIGNING_DOMAIN="operator.test",
        SESAME_HEALTH__PORT="0",
        SESAME_CONSOLE__ENABLED="false",
    ) as sesame:
        account = sesame.create_account()
        client = sesame.client("sesv2", account)
        client.create_email_identity(EmailIdentity="example.com")
        wait_until(lambda: client.get_email_identity(EmailIdentity="example.com")["VerifiedForSendingStatus"])
        tokens = client.get_email_identity(EmailIdentity="example.com")["DkimAttributes"]["Tokens"]
        assert len(tokens) == 3, "clients see Easy DKIM as it always was"
        client.send_email(
            FromEmailAddress="news@example.com",
            Destination={"ToAddresses": ["r@people.test"]},
            Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        )
        (mail,) = wait_until(lambda: [one for one in sesame.mail() if b"Subject: s" in one.data])
        records = published(sesame)
        found = verify(mail.data, records.get)
        algorithms = {one.selector: one.result for one in found}
        assert [(one.domain, one.selector.endswith("-ed25519")) for one in found] == [
            ("example.com", False),
            ("example.com", True),
            ("operator.test", False),
            ("operator.test", True),
        ]
        assert set(algorithms.values()) == {"pass"}
        verifier = dkim.DKIM(mail.data)
        assert all(verifier.verify(idx=n, dnsfunc=lambda name, **_: sesame.txt(name)) for n in range(4))
        listed = sesame.run("dns", "records").stdout
        for one in found:
            assert f"{one.selector}._domainkey.{one.domain}" in listed
        theirs = mail_dkim(mail.data, records) if has_mail_dkim() else dict.fromkeys(algorithms, "pass")
        assert {theirs[one.selector] for one in found if not one.selector.endswith("-ed25519")} == {"pass"}


def published(sesame: SesameProcess) -> dict[str, str]:
    """The records that DNS shows at each selector, CNAMEs followed."""
    names = [
        line.split()[0].rstrip(".")
        for line in sesame.run("dns", "records").stdout.splitlines()
        if "._domainkey." in line
    ]
    return {name: sesame.txt(name.encode()).decode() for name in names}
