"""Signatures for curl, made beforehand: Tencent's TC3-HMAC-SHA256 and JD Cloud's JDCLOUD2-HMAC-SHA256.

Written from the clouds' documents; each call gives curl's arguments for one request.
"""
import hashlib
import hmac
import time
import uuid
from urllib.parse import quote


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def chain(key, *parts):
    """Each part's HMAC is the next part's key."""
    for part in parts:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def tencent(scheme, host, access_key, secret_key, action, body):
    now = int(time.time())
    date = time.strftime("%Y-%m-%d", time.gmtime(now))
    names = "content-type;host;x-tc-action"
    headers = f"content-type:application/json\nhost:{host}\nx-tc-action:{action.lower()}\n"
    canonical = f"POST\n/\n\n{headers}\n{names}\n{digest(body)}"
    to_sign = f"TC3-HMAC-SHA256\n{now}\n{date}/ssl/tc3_request\n{digest(canonical)}"
    signature = chain(f"TC3{secret_key}".encode(), date, "ssl", "tc3_request", to_sign).hex()
    authorization = (f"TC3-HMAC-SHA256 Credential={access_key}/{date}/ssl/tc3_request, SignedHeaders={names}, "
                     f"Signature={signature}")
    sent = {"Authorization": authorization, "Content-Type": "application/json", "X-TC-Action": action,
            "X-TC-Version": "2019-12-05", "X-TC-Timestamp": now}
    return [*as_arguments(sent), "--data-raw", body, f"{scheme}://{host}/"]


def jdcloud(scheme, host, access_key, secret_key, path, query=""):
    sent = {"x-jdcloud-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), "x-jdcloud-nonce": str(uuid.uuid4())}
    date, names = sent["x-jdcloud-date"], "host;x-jdcloud-date;x-jdcloud-nonce"
    headers = f"host:{host}\n" + "".join(f"{name}:{value}\n" for name, value in sent.items())
    canonical = f"GET\n{quote(path)}\n{query}\n{headers}\n{names}\n{digest('')}"
    scope = f"{date[:8]}/jdcloud-api/ssl/jdcloud2_request"
    to_sign = f"JDCLOUD2-HMAC-SHA256\n{date}\n{scope}\n{digest(canonical)}"
    signature = chain(f"JDCLOUD2{secret_key}".encode(), *scope.split("/"), to_sign).hex()
    sent["Authorization"] = (f"JDCLOUD2-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, "
                             f"Signature={signature}")
    return [*as_arguments(sent), f"{scheme}://{host}{path}?{query}"]


def as_arguments(headers):
    return [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
