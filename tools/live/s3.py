"""A small S3 client on the standard library: SigV4 with a signed payload, and on request one that
is wrong in a named way, for the probes that ask in which order S3 checks."""
import base64
import datetime
import hashlib
import hmac
import http.client
import re
import ssl
import urllib.parse
import xml.etree.ElementTree as ElementTree

TIMEOUT_S = 20
MAX_ANSWER_BYTES = 16 << 20
MAX_PAGES = 100
# What `wrong` may name: each breaks one thing that S3 checks.
WRONG = ("region", "key", "token", "clock", "digest", "signature", "sigv2", "date")


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3:
    def __init__(self, target, stopping=None):
        """`stopping`: an event after which no request is begun."""
        self.target, self.stopping = target, stopping
        address, self.base = target.s3_address()
        parts = urllib.parse.urlsplit(address)
        self.host = parts.netloc
        self.secure = parts.scheme == "https"
        self.tls = ssl.create_default_context(cafile=target.ca_file) if self.secure else None
        self.versioned = False

    def _headers(self, method, path, query, body, wrong, more):
        target = self.target
        now = datetime.datetime.now(datetime.timezone.utc)
        if "clock" in wrong:
            now -= datetime.timedelta(minutes=40)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(b"other" if "digest" in wrong else body).hexdigest()
        headers = {"host": self.host, "x-amz-date": stamp, "x-amz-content-sha256": digest, **more}
        if "date" in wrong:
            del headers["x-amz-date"]
        token = target.token
        if "token" in wrong:
            token = "no-token-of-anyone"
        if token:
            headers["x-amz-security-token"] = token
        key_id = "AKIAIOSFODNN7EXAMPLF" if "key" in wrong else target.key_id
        if "sigv2" in wrong:
            headers["date"] = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
            made = base64.b64encode(hmac.new(target.secret.encode(), b"x", "sha1").digest())
            headers["authorization"] = f"AWS {key_id}:{made.decode()}"
            return headers
        region = target.region
        if "region" in wrong:
            region = "us-west-1" if region != "us-west-1" else "us-west-2"
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query,
                               "".join(f"{k}:{headers[k]}\n" for k in sorted(headers)), names,
                               digest])
        scope = f"{stamp[:8]}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + target.secret).encode()
        for part in (stamp[:8], region, "s3", "aws4_request"):
            key = hmac_sha256(key, part)
        signature = hmac_sha256(key, text).hex()
        if "signature" in wrong:
            signature = signature[::-1]
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, "
                                    f"SignedHeaders={names}, Signature={signature}")
        return headers

    def request(self, method, key="", query="", body=b"", headers=None, wrong=(), raw_query=None):
        """(status, headers, body) of one request. `query` must be canonical: sorted, encoded;
        `raw_query` is what is sent in its place, for a probe of how it is read."""
        if self.stopping is not None and self.stopping.is_set():
            raise OSError("stopped")
        path = urllib.parse.quote(f"{self.base}/{key}", safe="/-_.~")
        headers = self._headers(method, path, query, body, wrong, headers or {})
        sent = query if raw_query is None else raw_query
        if self.secure:
            connection = http.client.HTTPSConnection(self.host, timeout=TIMEOUT_S,
                                                     context=self.tls)
        else:
            connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_S)
        try:
            connection.request(method, path + ("?" + sent if sent else ""), body=body or None,
                               headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read(MAX_ANSWER_BYTES)
        finally:
            connection.close()

    def _done(self, method, *args, **more):
        status, headers, body = self.request(method, *args, **more)
        if status >= 300:
            raise OSError(f"S3 {method}: {status} {code_of(body)}")
        return headers, body

    def put(self, key, body):
        headers, _ = self._done("PUT", key, body=body)
        self.versioned |= "x-amz-version-id" in headers

    def delete(self, key):
        self._done("DELETE", key)

    def list(self, prefix, delimiter=""):
        """(keys, prefixes) below a prefix; at most MAX_PAGES pages."""
        keys, prefixes, token = [], [], ""
        for _ in range(MAX_PAGES):
            words = {"list-type": "2", "prefix": prefix}
            if delimiter:
                words["delimiter"] = delimiter
            if token:
                words["continuation-token"] = token
            _, body = self._done("GET", query=canonical_query(words))
            root = parse_xml(body)
            keys += [e.findtext("Key") for e in root.findall("Contents")]
            prefixes += [e.findtext("Prefix") for e in root.findall("CommonPrefixes")]
            token = root.findtext("NextContinuationToken") or ""
            if not token:
                break
        return keys, prefixes

    def uploads(self, prefix):
        """(key, id) of the unfinished uploads below a prefix."""
        _, body = self._done("GET", query=canonical_query({"prefix": prefix, "uploads": ""}))
        return [(e.findtext("Key"), e.findtext("UploadId"))
                for e in parse_xml(body).findall("Upload")]

    def abort(self, key, upload):
        self._done("DELETE", key, query=canonical_query({"uploadId": upload}))


def canonical_query(words):
    return "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}"
                    for k, v in sorted(words.items()))


def parse_xml(body):
    """The document without its name space."""
    return ElementTree.fromstring(re.sub(rb'\sxmlns="[^"]*"', b"", body, count=1))


def code_of(body):
    """The <Code> of an error's body; bodies themselves are never shown: S3 puts tokens there."""
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,80})</Code>", body)
    return found.group(1).decode() if found else ""
