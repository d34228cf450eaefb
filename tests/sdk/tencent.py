"""Tencent Cloud's official SDK against the sandbox. Prints what it saw as JSON."""
import base64
import io
import json
import os
import zipfile

from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ssl.v20191205 import models, ssl_client


def client(secret_key, method="POST"):
    scheme, host = os.environ["CERTCTL_TENCENT_ENDPOINT"].split("://")
    profile = ClientProfile(httpProfile=HttpProfile(protocol=scheme, endpoint=host, reqMethod=method))
    keys = credential.Credential(
        os.environ["TENCENTCLOUD_SECRET_ID"], secret_key, os.environ.get("TENCENTCLOUD_TOKEN"))
    return ssl_client.SslClient(keys, "", profile)


def request(cls, **fields):
    made = getattr(models, cls + "Request")()
    made.from_json_string(json.dumps(fields))
    return made


secret = os.environ["TENCENTCLOUD_SECRET_KEY"]
cloud = client(secret)
rows = []
while True:
    page = cloud.DescribeCertificates(request("DescribeCertificates", Offset=len(rows), Limit=20))
    rows += page.Certificates
    if not page.Certificates or len(rows) >= page.TotalCount:
        break
by_get = client(secret, "GET").DescribeCertificates(request(
    "DescribeCertificates", SearchKey="证书 №7 «ß» 🔐", CertificateStatus=[1, 3], Limit=10))

issued = [row.CertificateId for row in rows if row.Status == 1][:5]
for id in issued:
    assert cloud.DescribeCertificate(request("DescribeCertificate", CertificateId=id)).CertificateId == id
    detail = cloud.DescribeCertificateDetail(request("DescribeCertificateDetail", CertificateId=id))
    assert "PRIVATE KEY" in detail.CertificatePrivateKey
    got = cloud.DownloadCertificate(request("DownloadCertificate", CertificateId=id))
    assert zipfile.ZipFile(io.BytesIO(base64.b64decode(got.Content))).testzip() is None

refused = None
try:
    client(secret + "x").DescribeCertificates(request("DescribeCertificates"))
except TencentCloudSDKException as error:
    refused = error.code
print(json.dumps({"listed": [row.CertificateId for row in rows], "downloaded": issued, "refused": refused,
                  "searched": [row.CertificateId for row in by_get.Certificates]}))
