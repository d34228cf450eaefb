"""CTyun's official SDK core against the sandbox, ECX in both forms and CCMS. Prints what it saw as JSON."""
import contextlib
import json
import os
import sys
import time

# The gateway wants Beijing time, and the SDK sends the local one.
os.environ["TZ"] = "Asia/Shanghai"
time.tzset()

from ctyun_python_sdk_core.credential import Credential
from ctyun_python_sdk_core.ctyun_client import CtyunClient

ecx, ccms = os.environ["CERTCTL_CTYUN_ENDPOINT"], os.environ["SANDBOX_CCMS_ENDPOINT"]
secret = os.environ["CTYUN_SK"]


def call(url, method="GET", secret_key=secret, **more):
    with contextlib.redirect_stdout(sys.stderr):
        keys = Credential(os.environ["CTYUN_AK"], secret_key)
        return CtyunClient().request(url, method, credential=keys, **more).json()


def listed(path, inner):
    rows, number = [], 1
    while True:
        page = inner(call(ecx + path, params={"page": number, "perPageNum": 20}))
        rows += page["certList"]
        if number >= page["totalPage"]:
            return rows
        number += 1


rows = listed("/v1/listCertificate", lambda reply: reply["data"])
assert rows == listed("/v3/ssl/listCertificate", lambda reply: reply["returnObj"])
issued = [row["id"] for row in rows if row["certState"] == "Validity"][:5]
for id in issued:
    first = call(ecx + "/v1/getCertificate", params={"certificateId": id})["data"]
    assert first == call(ecx + "/v3/ssl/getCertificate", params={"certificateId": id})["returnObj"]
    assert "PRIVATE KEY" in first["key"]

bought = call(ccms + "/v1/certificate/list", "POST", body={"pageNum": 1, "pageSize": 50})["returnObj"]
one = next(row for row in bought["list"] if row["status"] == "ISSUED")
exported = call(ccms + "/v1/certificate/export", "POST", body={"resourceId": one["resourceId"]})["returnObj"]
assert "PRIVATE KEY" in exported["privateKey"]
searched = call(ccms + "/v1/certificate/list", "POST",
                body={"keyword": "证书 №7 «ß» 🔐", "pageNum": 1, "pageSize": 10})["returnObj"]["list"]

print(json.dumps({"listed": [row["id"] for row in rows], "downloaded": issued,
                  "refused": call(ecx + "/v1/listCertificate", secret_key=secret + "x")["statusCode"],
                  "searched": [row["id"] for row in searched]}))
