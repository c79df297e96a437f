"""`sesame doctor`: what keeps mail from arriving, and what to publish or mend."""

import argparse
from typing import TYPE_CHECKING

from sesame.cli.command import Subparsers, runs_with_services
from sesame.cli.output import print_json

if TYPE_CHECKING:
    from sesame.app.foundation import Services

_MARKS = {"ok": "ok     ", "unknown": "unknown", "warning": "WARNING", "fault": "FAULT  "}


def register(subparsers: Subparsers) -> None:
    """Add the command."""
    doctor = subparsers.add_parser("doctor", help="check for problems that keep mail from being delivered")
    doctor.add_argument("domains", nargs="*", metavar="DOMAIN", help="check only these sending domains")
    doctor.add_argument(
        "--probe",
        default="gmail.com",
        metavar="DOMAIN",
        help=("domain whose MX is used to test outgoing port 25; empty to skip (default: gmail.com)"),
    )
    doctor.add_argument(
        "--ntp",
        default="pool.ntp.org",
        metavar="HOST",
        help="time server to compare the clock with; empty to skip (default: pool.ntp.org)",
    )
    runs_with_services(doctor, run_doctor)


async def run_doctor(services: "Services", args: argparse.Namespace) -> int:
    """Print a line for each finding; 1 if there is a fault."""
    from sesame.admin.doctor import Level
    from sesame.app.doctor import look

    findings = await look(services, args.domains, probe=args.probe, ntp=args.ntp)
    if args.json:
        print_json(
            [{"check": f.check, "level": f.level.value, "found": f.found, "mend": f.mend} for f in findings]
        )
    else:
        for finding in findings:
            print(f"{_MARKS[finding.level.value]}  {finding.check}: {finding.found}")
            if finding.mend:
                print(f"         {finding.mend}")
    return int(any(finding.level is Level.FAULT for finding in findings))
