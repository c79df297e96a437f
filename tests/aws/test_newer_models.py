"""`make models` tells what a newer botocore knows; what it would tell of the installed one is nothing."""

import copy
import json

from botocore.loaders import Loader

from tools.newer_models import MODELS, news, of_aws


def test_the_installed_botocore_has_no_news() -> None:
    for path in of_aws():
        current = Loader().load_service_model(path.stem, "service-2")
        assert list(news(json.loads(path.read_text()), current)) == []


def test_new_operations_members_and_values_are_told() -> None:
    current = copy.deepcopy(Loader().load_service_model("sesv2", "service-2"))
    current["operations"]["PutAccountMood"] = {
        "http": {"method": "PUT", "requestUri": "/v2/email/account/mood"}
    }
    current["shapes"]["DeliveryOptions"]["members"]["SharedPoolDeliveryMode"] = {"shape": "TlsPolicy"}
    current["shapes"]["TlsPolicy"]["enum"] = [*current["shapes"]["TlsPolicy"]["enum"], "PREFER"]
    assert list(news(json.loads((MODELS / "sesv2.json").read_text()), current)) == [
        "operation PutAccountMood: PUT /v2/email/account/mood",
        "member DeliveryOptions.SharedPoolDeliveryMode",
        "value TlsPolicy PREFER",
    ]
