"""The clouds' own signers on requests that certctl sent: recomputes each Authorization and compares byte for byte.

Usage: judge.py CLOUD, with a JSON array on stdin: {access_key, secret_key, token, method, path, query, headers, body},
path, query, headers (in order, names in lower case) and body (base64) as they were on the wire. Prints as JSON how many
agree, and for those that do not what came and what the cloud's signer says.
"""
import base64
import datetime
import json
import sys
from types import SimpleNamespace
from unittest import mock
from urllib.parse import unquote

# What HTTP itself adds, and what is added once the signature is known.
TRANSPORT = {"accept", "accept-encoding", "authorization", "connection", "content-length", "eop-authorization", "host",
             "user-agent"}


def own_headers(request):
    """Every header that the cloud is to read: one that certctl left unsigned does not go unnoticed."""
    return {name: value for name, value in request.headers.items() if name not in TRANSPORT}


def pairs(request):
    """The query decoded, since the signers encode it themselves. `+` on the wire is a plus sign, never a blank."""
    split = [pair.partition("=") for pair in request.query.split("&") if pair]
    return [(unquote(name, errors="strict"), unquote(value, errors="strict")) for name, _, value in split]


def jdcloud(request):
    """The package has signed with JDCLOUD3 since 1.6.95: the same recipe with three other constants, which are put
    back here. It leaves date and nonce unsigned unless they are among the headers, as they are here. It takes `+` in
    path and query for a blank, which certctl therefore must not send."""
    from jdcloud_sdk.core import const
    from jdcloud_sdk.core.credential import Credential
    from jdcloud_sdk.core.logger import FATAL, Logger
    from jdcloud_sdk.core.signer import Signer

    with mock.patch.multiple(const, JDCLOUD3="JDCLOUD2", JDCLOUD3_ALGORITHM="JDCLOUD2-HMAC-SHA256",
                             JDCLOUD3_REQUEST="jdcloud2_request"):
        headers = own_headers(request)
        keys = Credential(request.access_key, request.secret_key)
        Signer(Logger(FATAL)).signV3(request.method, "ssl", "jdcloud-api", request.headers["host"], request.path,
                                     request.query, headers, request.body.decode(), keys, None)
    return headers["Authorization"]


def tencent(request):
    """The client's own way from parameters to signed request, but for its clock and for the body's blanks."""
    from tencentcloud.common import abstract_client, credential
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
    from tencentcloud.ssl.v20191205.ssl_client import SslClient

    profile = ClientProfile(httpProfile=HttpProfile(endpoint=request.headers["host"], reqMethod=request.method))
    keys = credential.Credential(request.access_key, request.secret_key, request.token)
    made = SimpleNamespace(method=request.method, uri=request.path, header={}, data=None)
    clock = mock.patch.object(abstract_client.time, "time", return_value=int(request.headers["x-tc-timestamp"]))
    body = mock.patch.object(abstract_client.json, "dumps", return_value=request.body.decode())
    query = mock.patch.object(abstract_client, "urlencode", return_value=request.query)
    with clock, body, query:
        SslClient(keys, "", profile)._build_req_with_tc3_signature(request.headers["x-tc-action"], {}, made)
    sent = {name.lower(): value for name, value in made.header.items()}
    for name in ["content-type", "x-tc-version", "x-tc-timestamp", "x-tc-token"]:
        assert sent.get(name) == request.headers.get(name), f"{name}: {request.headers.get(name)}, not {sent.get(name)}"
    return made.header["Authorization"]


def huawei(request):
    """The signer decodes the path before it splits it: an encoded slash would count as a separator."""
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

    headers = {**own_headers(request), "host": request.headers["host"]}
    keys = SimpleNamespace(ak=request.access_key, sk=request.secret_key)
    signed = Signer(keys).sign(SdkRequest(method=request.method, host=request.headers["host"],
                                          resource_path=request.path, query_params=pairs(request),
                                          header_params=headers, body=request.body))
    sent = request.path + (f"?{request.query}" if request.query else "")
    assert signed.uri == sent, f"{sent} was sent, not {signed.uri}"
    return signed.header_params["Authorization"]


def ctyun(request):
    """The signer alone is asked: the client around it sends `=` and `&` inside values as they are, though it signs
    them encoded, and takes the local time for Beijing's."""
    from ctyun_python_sdk_core import sign_util
    from ctyun_python_sdk_core.credential import Credential

    date = datetime.datetime.strptime(request.headers["eop-date"], "%Y%m%dT%H%M%SZ")
    beijing = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).replace(tzinfo=None)
    assert abs(date - beijing) < datetime.timedelta(minutes=15), f"eop-date: {date} is not Beijing's {beijing}"
    return sign_util.sign(Credential(request.access_key, request.secret_key), dict(pairs(request)),
                          request.body.decode(), request.headers["ctyun-eop-request-id"], request.headers["eop-date"])


signer = {"jdcloud": jdcloud, "tencent": tencent, "huawei": huawei, "ctyun": ctyun}[sys.argv[1]]
agree, differ = 0, []
for fields in json.load(sys.stdin):
    request = SimpleNamespace(**fields)
    request.body = base64.b64decode(request.body)
    assert len(dict(request.headers)) == len(request.headers), "a header came twice"
    request.headers = dict(request.headers)
    came = request.headers.get("eop-authorization") or request.headers.get("authorization")
    try:
        wanted = signer(request)
    except (AssertionError, KeyError) as error:
        wanted = repr(error)
    if came == wanted:
        agree += 1
    else:
        differ.append({"request": f"{request.method} {request.path}?{request.query}", "came": came, "wanted": wanted})
print(json.dumps({"agree": agree, "differ": differ}))
