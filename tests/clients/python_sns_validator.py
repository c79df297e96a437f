"""A validator of SNS messages for Python: what it says of each POST."""

import json
import os
import re
from typing import Any

from job import Job, run


def receive(job: Job) -> Any:
    """Validate each POST."""
    os.environ["REQUESTS_CA_BUNDLE"] = job["ca"]
    from sns_message_validator import SNSMessageValidator

    validator = SNSMessageValidator(cert_url_regex=f"^https://{re.escape(job['host'])}/")
    verdicts = []
    for post in job["posts"]:
        try:
            validator.validate_message(message=json.loads(post["body"]))
        except Exception as error:
            verdicts.append(type(error).__name__)
        else:
            verdicts.append("valid")
    return {"verdicts": verdicts}


run(receive=receive)
