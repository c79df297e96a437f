"""Tags of users, roles and sessions, as IAM and STS take them.

Source: IAM user guide, "Tags for IAM resources".
"""

import re

from sesame.aws.errors import IamLimitExceeded, InvalidInput
from sesame.aws.shapes import iam

MAX_TAGS = 50
_TAG_CHARACTERS = re.compile(r"[\w\s_.:/=+\-@]*")


def check_tags(tags: list[iam.Tag]) -> list[iam.Tag]:
    """The tags as they are; raises for too many, two of one key or strange characters."""
    if len(tags) > MAX_TAGS:
        raise IamLimitExceeded(f"The number of tags has reached the maximum limit of {MAX_TAGS}.")
    keys = [tag["Key"].lower() for tag in tags]
    if len(set(keys)) != len(keys):
        raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise InvalidInput("Tag keys beginning with aws: are reserved for system use.")
        if not (_TAG_CHARACTERS.fullmatch(tag["Key"]) and _TAG_CHARACTERS.fullmatch(tag["Value"])):
            raise InvalidInput(f"Tag {tag['Key']} has characters that tags may not have.")
    return tags
