"""JD Cloud's official SDK against the sandbox. Prints what it saw as JSON."""
import json
import os

from jdcloud_sdk.core.config import Config
from jdcloud_sdk.core.credential import Credential
from jdcloud_sdk.core.logger import FATAL, Logger
from jdcloud_sdk.services.ssl.apis import DescribeCertRequest as one
from jdcloud_sdk.services.ssl.apis import DescribeCertsRequest as many
from jdcloud_sdk.services.ssl.apis import DownloadCertRequest as download
from jdcloud_sdk.services.ssl.client.SslClient import SslClient


def client(secret_key):
    scheme, host = os.environ["CERTCTL_JDCLOUD_ENDPOINT"].split("://")
    return SslClient(Credential(os.environ["JDCLOUD_ACCESS_KEY_ID"], secret_key), Config(host, scheme), Logger(FATAL))


# The SDK encodes the token in base64 and signs it.
token = os.environ.get("CERTCTL_JDCLOUD_MFA") or os.environ.get("JDCLOUD_SESSION_TOKEN")
headers = {"x-jdcloud-security-token": token} if token else None
secret = os.environ["JDCLOUD_SECRET_ACCESS_KEY"]
cloud = client(secret)


def page(number, **more):
    parameters = many.DescribeCertsParameters()
    parameters.setPageNumber(number)
    parameters.setPageSize(100)
    if "domain" in more:
        parameters.setDomainName(more["domain"])
    answer = cloud.send(many.DescribeCertsRequest(parameters, headers))
    assert answer.error is None, answer.error.message
    return answer.result


rows, number = [], 1
while True:
    result = page(number)
    rows += result["certListDetails"]
    if not result["certListDetails"] or len(rows) >= result["totalCount"]:
        break
    number += 1

issued = [row["certId"] for row in rows if row["downloadable"]][:5]
for id in issued:
    answer = cloud.send(one.DescribeCertRequest(one.DescribeCertParameters(id), headers))
    assert answer.error is None, answer.error.message
    answer = cloud.send(download.DownloadCertRequest(download.DownloadCertParameters(id, "Nginx"), headers))
    assert answer.error is None, answer.error.message
    assert "PRIVATE KEY" in answer.result["certDesc"][0]["keyFile"]

refused = client(secret + "x").send(many.DescribeCertsRequest(many.DescribeCertsParameters(), headers))
print(json.dumps({"listed": [row["certId"] for row in rows], "downloaded": issued, "refused": refused.error.status,
                  "searched": [row["certId"] for row in page(1, domain="*.apps")["certListDetails"]]}))
