"""Huawei Cloud's official SDK against the sandbox. Prints what it saw as JSON."""
import json
import os

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkscm.v3 import (
    ExportCertificateRequest, ListCertificatesRequest, ScmClient, ShowCertificateRequest)

endpoint = os.environ["CERTCTL_HUAWEI_ENDPOINT"]


def client(secret_key):
    # Without a domain id the SDK asks IAM for it.
    keys = GlobalCredentials(os.environ["HUAWEICLOUD_SDK_AK"], secret_key).with_iam_endpoint(endpoint)
    if os.environ.get("HUAWEICLOUD_SDK_SECURITY_TOKEN"):
        keys = keys.with_security_token(os.environ["HUAWEICLOUD_SDK_SECURITY_TOKEN"])
    return ScmClient.new_builder().with_credentials(keys).with_endpoint(endpoint).build()


secret = os.environ["HUAWEICLOUD_SDK_SK"]
refused = None
try:
    client(secret + "x").list_certificates(ListCertificatesRequest())
except ClientRequestException as error:
    refused = error.error_code

cloud = client(secret)
rows = []
while True:
    page = cloud.list_certificates(ListCertificatesRequest(limit=50, offset=len(rows), sort_key="certUpdateTime"))
    rows += page.certificates or []
    if not page.certificates or len(rows) >= page.total_count:
        break
searched = cloud.list_certificates(ListCertificatesRequest(content="证书 №7 «ß» 🔐")).certificates or []

issued = [row.id for row in rows if row.status == "ISSUED"][:5]
for id in issued:
    assert cloud.show_certificate(ShowCertificateRequest(id)).id == id
    assert "PRIVATE KEY" in cloud.export_certificate(ExportCertificateRequest(id)).private_key
print(json.dumps({"listed": [row.id for row in rows], "downloaded": issued, "refused": refused,
                  "searched": [row.id for row in searched]}))
