"""A small S3 client on the standard library, for tests that only need to place objects.
Path style, SigV4 with a signed payload."""

import datetime
import hashlib
import hmac
import ssl
import urllib.parse
import urllib.request


class SmallS3:
    def __init__(self, endpoints):
        self.aws = endpoints["aws"]
        self.bucket = self.aws["bucket"]
        self.tls = ssl.create_default_context(cafile=endpoints["ca_file"])

    def _signature(self, now, headers, method, path, query, digest):
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query,
                               "".join(f"{k}:{headers[k]}\n" for k in sorted(headers)), names,
                               digest])
        scope = f"{now[:8]}/{self.aws['region']}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.aws["secret_access_key"]).encode()
        for part in (now[:8], self.aws["region"], "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return (f"AWS4-HMAC-SHA256 Credential={self.aws['access_key_id']}/{scope}, "
                f"SignedHeaders={names}, Signature={key.hex()}")

    def request(self, method, key, body=b"", query=""):
        path = urllib.parse.quote(f"/{self.bucket}/{key}", safe="/-_.~")
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": urllib.parse.urlsplit(self.aws["url"]).netloc, "x-amz-date": now,
                   "x-amz-content-sha256": digest}
        headers["authorization"] = self._signature(now, dict(headers), method, path, query, digest)
        return self.send(method, path + ("?" + query if query else ""), body or None, headers)

    def send(self, method, target, body, headers):
        request = urllib.request.Request(self.aws["url"] + target, method=method, data=body,
                                         headers=headers)
        with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:
            return answer.read()

    def put(self, key, body):
        self.request("PUT", key, body)

    def delete(self, key):
        self.request("DELETE", key)

    def url(self, key):
        return f"s3://{self.bucket}/{key}"

    def credentials(self):
        """For COPY."""
        return (f"access_key_id '{self.aws['access_key_id']}' "
                f"secret_access_key '{self.aws['secret_access_key']}'")
