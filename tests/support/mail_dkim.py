"""Mail::DKIM, a verifier of another make in Perl, where the machine has it."""

import json
import shutil
import subprocess
from collections.abc import Mapping

import pytest

from tests.support.patience import PATIENCE_S

PROGRAM = r"""
use strict; use warnings;
use JSON::PP; use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my $input = decode_json(do { local $/; <STDIN> });
my $records = $input->{records};
{
    no warnings 'redefine';
    package Answer; sub new { my ($class, $text) = @_; bless { text => $text }, $class }
    sub type { 'TXT' } sub char_str_list { ($_[0]{text}) } sub txtdata { $_[0]{text} }
    package main;
    *Mail::DKIM::DNS::query_async = sub {
        my ($name, $kind, %given) = @_;
        my $text = $records->{$name};
        my @answer = defined $text ? (Answer->new($text)) : ();
        my $done = $given{Callbacks}{Success};
        my @result = $done ? $done->(@answer) : @answer;
        return sub { wantarray ? @result : $result[0] };
    };
}
my $verifier = Mail::DKIM::Verifier->new();
$verifier->PRINT($input->{message});
$verifier->CLOSE;
print encode_json({ map { $_->selector => $_->result } $verifier->signatures });
"""


def has_mail_dkim() -> bool:
    """Whether it is there (Debian: libmail-dkim-perl)."""
    perl = shutil.which("perl")
    return (
        perl is not None
        and not subprocess.run([perl, "-MMail::DKIM", "-e", "1"], capture_output=True).returncode
    )


def mail_dkim(message: bytes, records: Mapping[str, str]) -> dict[str, str]:
    """What it says of each signature, by selector; the test is skipped where it is not there."""
    if not has_mail_dkim():
        pytest.skip("there is no Mail::DKIM on this machine (Debian: libmail-dkim-perl)")
    done = subprocess.run(
        ["perl", "-e", PROGRAM],
        input=json.dumps({"message": message.decode("latin-1"), "records": dict(records)}).encode(),
        capture_output=True,
        check=True,
        timeout=PATIENCE_S,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found
