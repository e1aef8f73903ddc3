"""The diagnosis table: each row of what may be wrong, how it is provoked, and the code and cause by
which Vesto must know it. Numbers are those of the table that the project was planned by; a row with
two signals has letters. test_rows.py provokes them, page.py makes docs/diagnosis.md of them.

how    live    the real thing stands against it: the sandbox, a network namespace, a dead address
       wire    the upstream's exact words, said by a server of the tests to the real client library
       named   Vesto does not take this way; `why` tells
"""
import dataclasses
from typing import Callable

from bench import (aws, cold, config, copy_says, endpoint, fault, google_fault, login_says, name_server,
                   namespace, no_schema, other_certificate, other_kind, redshift_says, s3_says, serving,
                   silent_port, status_is, table_differs, user_file)
from fakes import SHA256_PASSWORD, json_error, query_error, s3_error
from network_faults import error_message, resets, says, says_nothing, web

ARN = "arn:aws:redshift:eu-west-1:123456789012:"
WHO = "arn:aws:sts::123456789012:assumed-role/vesto-ext/vesto"
DENIED = "User: " + WHO + " is not authorized to perform: {} on resource: {} because no " \
    "identity-based policy allows the {} action"
OBJECT = "arn:aws:s3:::vesto-demo/vesto/x"


@dataclasses.dataclass
class Row:
    number: str
    signal: str
    code: str
    cause: str
    how: str
    provoke: Callable = None
    check: str = ""  # the check that must fail so, alone
    run: bool = False  # a run must say the same
    kind: str = "keys"  # of login: bench.KINDS
    why: str = ""
    root: bool = False  # needs namespaces of its own
    slow: bool = False  # waits for ten seconds or more: begun first, beside all others


def denied(action, resource):
    return DENIED.format(action, resource, action)


def sts(code, text, status=403, action="AssumeRole"):
    return aws({action: (status, query_error(code, text))})


def api(code, text, status=403):
    return aws({"GetClusterCredentials": (status, query_error(code, text))})


def web_identity(code, text, status=400):
    return sts(code, text, status, "AssumeRoleWithWebIdentity")


def not_named(number, signal, why):
    return Row(number, signal, "", "", "named", why=why)


NETWORK = [
    Row("1", "a name that no name server knows", "NET-DNS", "name-unknown", "live",
        name_server("no-such-host.example"), "net.dns", root=True),
    Row("1b", "name servers that do not answer", "NET-RESOLVER", "silent-resolver", "live",
        name_server("no-such-host.example", mute=True), "net.dns", root=True, slow=True),
    Row("2", "an address that drops all packets", "NET-TIMEOUT", "no-inbound-rule", "live",
        silent_port(), "net.tcp", slow=True),
    Row("3", "connection refused", "NET-REFUSED", "nobody-listens", "live", endpoint("localhost", 0),
        "net.tcp", run=True),
    Row("4", "a name that leads to a private address", "NET-TIMEOUT", "private-address", "live",
        namespace("10.9.9.9"), "net.tcp", root=True, slow=True),
    not_named("5", "the way is open from one of our addresses only",
              "needs several machines with addresses of their own; each of the others meets row 2"),
    Row("6", "an IPv6 address without a route", "NET-UNREACHABLE", "no-ipv6-route", "live",
        namespace("2001:db8::9"), "net.tcp", root=True),
    Row("7", "\"server does not support SSL\"", "RS-TLS-OFF", "no-encryption", "wire",
        serving(says(b"N")), "net.tls", run=True),
    Row("8", "\"received invalid response to SSL negotiation: H\"", "NET-WRONG-PORT", "web-server",
        "wire", serving(web), "net.tls", run=True),
    Row("9", "\"server closed the connection unexpectedly\" at connect", "NET-RESET", "cut-at-once",
        "live", serving(resets), "net.tls|net.tcp"),
    Row("9b", "the port takes the connection and says nothing", "NET-TIMEOUT", "silent-server",
        "live", serving(says_nothing), "net.tls", slow=True),
    Row("10", "certificate of an unknown issuer", "NET-TLS-CA", "unknown-issuer", "live",
        other_certificate(trusted=False), "net.tls", run=True),
    Row("11", "certificate that has expired", "NET-TLS-EXPIRED", "certificate-expired", "live",
        other_certificate(begin="20200101000000Z", end="20210101000000Z"), "net.tls", run=True),
    Row("11b", "certificate that is not valid yet", "NET-TLS-NOT-YET", "certificate-not-yet-valid",
        "live", other_certificate(begin="20900101000000Z"), "net.tls", run=True),
    Row("12", "certificate for another host name", "NET-TLS-NAME", "certificate-of-another-name",
        "live", other_certificate(name="other.example"), "net.tls", run=True),
    Row("13", "root certificate file does not exist", "NET-TLS-CA", "no-ca-bundle", "live",
        other_certificate(bundle="/nowhere/ca.pem"), "net.tls", run=True),
    Row("14", "connection cut while a statement runs", "RS-CONNECTION", "connection-lost", "live",
        fault("pg.statement", {"drop": "before"}, "CREATE TEMP"), "redshift.temp"),
    Row("15", "hangs on large packets (MTU, ICMP blocked)", "NET-TIMEOUT", "silent-handshake",
        "live", serving(lambda one, ending: (one.recv(8), one.sendall(b"S"), ending.wait(60))),
        "net.tls", slow=True),
    Row("16", "curl 60 for a service of AWS", "NET-TLS-CA", "curl-certificate", "live",
        other_kind("untrusted"), "s3.bucket", run=True),
    Row("17", "curl 6 for a service of AWS", "NET-DNS", "curl-name-unknown", "live",
        other_kind("unknown"), "s3.bucket"),
    Row("17b", "curl 7 for a service of AWS", "NET-REFUSED", "curl-refused", "live",
        other_kind("closed"), "s3.bucket"),
    Row("17c", "curl 28 for a service of AWS", "NET-TIMEOUT", "curl-silent", "live",
        other_kind("silent"), "s3.bucket", slow=True),
    Row("17d", "curl 35: the port of plain HTTP", "NET-WRONG-PORT", "curl-not-tls", "live",
        other_kind("plain"), "s3.bucket"),
]
LOGIN = [
    Row("18", "password authentication failed for user \"x\"", "RS-LOGIN-PASSWORD", "wrong-password",
        "live", user_file("redshift.pw", "wrong"), "redshift.login", run=True),
    Row("19", "the same for \"IAMR:x\" right after minting", "RS-LOGIN-IAM", "iam-password-refused",
        "wire", login_says("28000", 'password authentication failed for user "IAMR:vesto"'),
        "redshift.login", kind="google"),
    Row("19b", "IAM authentication failed for user \"IAMR:x\"", "RS-LOGIN-IAM", "iam-login-refused",
        "wire", login_says("28000", 'IAM authentication failed for user "IAMR:vesto"'),
        "redshift.login", kind="google"),
    Row("20", "user \"x\" does not exist", "RS-USER-MISSING", "user-missing", "wire",
        login_says("42704", 'user "jorhett" does not exist'), "redshift.login", run=True),
    Row("20b", "user \"IAMR:x\" does not exist", "RS-USER-MISSING", "iam-user-missing", "wire",
        login_says("42704", 'user "IAMR:vesto" does not exist'), "redshift.login", kind="google"),
    Row("21", "authentication method 13 not supported", "RS-LOGIN-DIGEST", "digest-not-provable",
        "wire", login_says(SHA256_PASSWORD), "redshift.login", run=True),
    not_named("22", "fe_sendauth: no password supplied",
              "an empty password is refused when the configuration is read: CFG-SECRET-MISSING"),
    Row("23", "no pg_hba.conf entry ..., SSL off", "RS-TLS-OFF", "plain-connection-refused", "wire",
        login_says("28000", 'no pg_hba.conf entry for host "203.0.113.7", user "x", database "dev", '
                            "SSL off"), "redshift.login", run=True),
    Row("23b", "no pg_hba.conf entry ..., SSL on", "RS-LOGIN-PASSWORD", "host-not-admitted", "wire",
        login_says("28000", 'no pg_hba.conf entry for host "203.0.113.7", user "x", database "dev", '
                            "SSL on"), "redshift.login", run=True),
    Row("24", "database \"x\" does not exist", "RS-DB-MISSING", "database-missing", "live",
        config('/dev"', '/nowhere"'), "redshift.login", run=True),
    Row("25", "connection limit \"N\" exceeded for non-superusers", "RS-CONN-LIMIT",
        "cluster-connection-limit", "wire",
        login_says("53300", 'connection limit "1998" exceeded for non-superusers'),
        "redshift.login"),
    Row("25b", "too many connections for user", "RS-CONN-LIMIT", "user-connection-limit", "wire",
        login_says("53300", 'too many connections for role "vesto_load"'), "redshift.login"),
    Row("26", "password has expired", "RS-LOGIN-EXPIRED", "password-expired", "wire",
        login_says("28000", 'password for user "vesto_load" has expired'), "redshift.login",
        run=True),
    Row("27", "version() shows no Redshift", "RS-NOT-REDSHIFT", "not-redshift", "wire",
        redshift_says(rows={"current_user, current_database":
                            ["vesto_load", "dev", "PostgreSQL 15.8 on x86_64-pc-linux-gnu"]}),
        "redshift.login"),
]
STS = [
    Row("28", "Not authorized to perform sts:AssumeRoleWithWebIdentity", "AWS-ASSUME-DENIED",
        "web-identity-denied", "live", config('audience = "vesto-acme-7f3a"', 'audience = "other"'),
        "aws.assume_role", run=True, kind="google"),
    Row("29", "No OpenIDConnect provider found", "AWS-TOKEN", "token-no-provider", "wire",
        web_identity("InvalidIdentityToken", "No OpenIDConnect provider found in your account for "
                     "https://issuer.example"), "aws.assume_role", run=True, kind="google"),
    Row("30", "Incorrect token audience", "AWS-TOKEN", "token-audience", "wire",
        web_identity("InvalidIdentityToken", "Incorrect token audience"), "aws.assume_role",
        run=True, kind="google"),
    Row("31", "Couldn't retrieve verification key", "AWS-TOKEN", "token-keys-unreachable", "wire",
        web_identity("InvalidIdentityToken", "Couldn't retrieve verification key from your identity "
                     "provider, please reference AssumeRoleWithWebIdentity documentation for "
                     "requirements"), "aws.assume_role", kind="google"),
    Row("31b", "IDPCommunicationError", "AWS-SERVER", "issuer-unreachable", "wire",
        web_identity("IDPCommunicationError", "The provider could not be reached."),
        "aws.assume_role", kind="google"),
    Row("32", "ExpiredTokenException at STS", "AWS-TOKEN", "token-expired", "wire",
        web_identity("ExpiredTokenException", "Token expired: current date/time 1753382758 must be "
                     "before the expiration date/time 1753089571"), "aws.assume_role", run=True,
        kind="google"),
    Row("33", "IDPRejectedClaim", "AWS-TOKEN", "token-claim-rejected", "wire",
        web_identity("IDPRejectedClaim", "accounts.google.com responded with HTTP/1.1 400 Bad "
                     "Request", 403), "aws.assume_role", run=True, kind="google"),
    Row("34", "MalformedPolicyDocument", "AWS-STS", "session-policy-malformed", "wire",
        sts("MalformedPolicyDocument", "The policy is not in the valid JSON format.", 400),
        "aws.assume_role", run=True, kind="role"),
    Row("34b", "PackedPolicyTooLarge", "AWS-STS", "session-policy-too-large", "wire",
        sts("PackedPolicyTooLarge", "Packed policy consumes 118% of allotted space, please use "
            "smaller policy.", 400), "aws.assume_role", run=True, kind="role"),
    Row("35", "RegionDisabledException", "AWS-STS", "sts-region-off", "wire",
        sts("RegionDisabledException", "STS is not activated in this region for account:"
            "123456789012. Your account administrator can activate STS in this region using the IAM "
            "Console."), "aws.assume_role", run=True, kind="role"),
    Row("36", "DurationSeconds exceeds the MaxSessionDuration", "AWS-STS", "session-too-long",
        "wire", sts("ValidationError", "The requested DurationSeconds exceeds the "
                    "MaxSessionDuration set for this role.", 400), "aws.assume_role", run=True,
        kind="role"),
    Row("37", "ValidationError on RoleArn", "AWS-STS", "role-arn-invalid", "wire",
        sts("ValidationError", "Request ARN is invalid", 400), "aws.assume_role", run=True,
        kind="role"),
    Row("38", "not authorized to perform: sts:AssumeRole on resource", "AWS-ASSUME-DENIED",
        "assume-role-denied", "live", config('external_id = "acme-42"', 'external_id = "acme-43"'),
        "aws.assume_role", run=True, kind="role"),
    Row("39", "Google: invalid_grant", "GCP-TOKEN", "google-grant", "live",
        google_fault("google.token", {"status": 400, "code": "invalid_grant"}), "gcp.token",
        run=True, kind="key_file"),
    Row("40", "metadata server: 404", "GCP-TOKEN", "google-no-account", "live",
        google_fault("google.metadata", {"status": 404}), "gcp.token", run=True, kind="google"),
    Row("40b", "no metadata server", "GCP-TOKEN", "no-metadata-server", "live",
        google_fault(None, None), "gcp.token", run=True, kind="google"),
    Row("41", "InvalidClientTokenId", "AWS-KEY", "key-unknown", "live",
        config("AKIAVESTOLOADER00001", "AKIAVESTOLOADER00009"), "aws.key"),
    Row("41b", "InvalidAccessKeyId of S3", "AWS-KEY", "s3-key-unknown", "wire",
        s3_says("put", 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist "
                "in our records."), "s3.put", run=True),
    Row("42", "SignatureDoesNotMatch", "AWS-KEY", "wrong-secret", "live",
        user_file("aws.key", "wrongSecretwrongSecretwrongSecretwrong/+"), "aws.key"),
    Row("43", "Signature expired", "SYS-CLOCK-SKEW", "clock-behind", "wire",
        sts("SignatureDoesNotMatch", "Signature expired: 20240217T171323Z is now earlier than "
            "20240217T173539Z (20240217T175039Z - 15 min.)", action="GetCallerIdentity"), "aws.key"),
    Row("43b", "RequestTimeTooSkewed of S3", "SYS-CLOCK-SKEW", "s3-clock", "wire",
        s3_says("put", 403, "RequestTimeTooSkewed", "The difference between the request time and the "
                "current time is too large."), "s3.put", run=True),
    Row("44", "The security token included in the request is expired", "AWS-KEY", "session-expired",
        "wire", sts("ExpiredToken", "The security token included in the request is expired",
                    action="GetCallerIdentity"), "aws.key"),
]
API = [
    Row("45", "AccessDenied on GetClusterCredentials, dbuser", "RS-CRED-DENIED", "denied-db-user",
        "wire", api("AccessDenied", denied("redshift:GetClusterCredentials",
                                           ARN + "dbuser:examplecluster/vesto_load")),
        "redshift.credentials", run=True, kind="role"),
    Row("46", "AccessDenied on GetClusterCredentials, dbname", "RS-CRED-DENIED", "denied-db-name",
        "wire", api("AccessDenied", denied("redshift:GetClusterCredentials",
                                           ARN + "dbname:examplecluster/dev")),
        "redshift.credentials", run=True, kind="role"),
    Row("47", "AccessDenied on CreateClusterUser", "RS-CRED-DENIED", "denied-create-user", "wire",
        api("AccessDenied", denied("redshift:CreateClusterUser",
                                   ARN + "dbuser:examplecluster/vesto_load")),
        "redshift.credentials", run=True, kind="role"),
    Row("47b", "AccessDenied on JoinGroup", "RS-CRED-DENIED", "denied-join-group", "wire",
        api("AccessDenied", denied("redshift:JoinGroup", ARN + "dbgroup:examplecluster/loaders")),
        "redshift.credentials", run=True, kind="role"),
    Row("48", "ClusterNotFound", "RS-CLUSTER-NOT-FOUND", "cluster-not-found", "wire",
        api("ClusterNotFound", "Cluster examplecluster not found.", 404), "redshift.credentials",
        run=True, kind="role"),
    Row("49", "AccessDeniedException on redshift-serverless:GetCredentials", "RS-CRED-DENIED",
        "denied-serverless", "wire",
        aws({"GetCredentials": json_error(400, "AccessDeniedException", denied(
            "redshift-serverless:GetCredentials",
            "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/0b5a2c1e"))}),
        "redshift.credentials", run=True, kind="serverless"),
    Row("50", "Serverless workgroup ... not found", "RS-CLUSTER-NOT-FOUND", "workgroup-not-found",
        "wire", aws({"GetCredentials": json_error(400, "ResourceNotFoundException",
                                                  "Serverless workgroup analytics not found. ")}),
        "redshift.credentials", run=True, kind="serverless"),
    Row("51", "UnsupportedOperation", "RS-API", "login-kind-unsupported", "wire",
        api("UnsupportedOperation", "The requested operation isn't supported.", 400),
        "redshift.credentials", run=True, kind="role"),
    Row("52", "ValidationException", "CFG-VALUE", "api-name-invalid", "wire",
        aws({"GetCredentials": json_error(400, "ValidationException", "1 validation error detected: "
             "Value 'Analytics' at 'workgroupName' failed to satisfy constraint: Member must satisfy "
             "regular expression pattern: ^[a-z0-9-]+$")}), "redshift.credentials", run=True,
        kind="serverless"),
    Row("53", "Throttling", "AWS-SERVER", "aws-throttled", "wire",
        api("Throttling", "Rate exceeded", 400), "redshift.credentials", kind="role"),
    Row("54", "ClusterStatus paused", "RS-PAUSED", "warehouse-paused", "live", status_is("paused"),
        "redshift.status", kind="google", run=True),
    Row("55", "ClusterStatus resizing", "RS-WAKING", "warehouse-resizing", "live",
        status_is("resizing"), "redshift.status", kind="google"),
    Row("55b", "system is in resize mode ... ONLY read-only queries", "RS-RESIZE",
        "resize-read-only", "wire", fault("pg.statement", {
            "error": "Cannot execute write query because system is in resize mode. ONLY read-only "
                     "queries can be executed"}, "CREATE TEMP"), "redshift.temp"),
    Row("56", "ClusterStatus rebooting, modifying; maintenance", "RS-WAKING", "warehouse-maintained",
        "live", status_is("rebooting"), "redshift.status", kind="google"),
    Row("57", "publiclyAccessible=false and time-out", "NET-TIMEOUT", "not-publicly-accessible",
        "live", cold(), "net.tcp", kind="google", slow=True),
]
S3 = [
    Row("58", "403 on PUT only", "S3-DENIED", "put-denied", "wire",
        s3_says("put", 403, "AccessDenied", denied("s3:PutObject", f'"{OBJECT}"')), "s3.put",
        run=True),
    Row("59", "403 naming kms:GenerateDataKey", "S3-KMS", "put-kms-denied", "wire",
        s3_says("put", 403, "AccessDenied", denied(
            "kms:GenerateDataKey", "arn:aws:kms:eu-west-1:123456789012:key/k")), "s3.put", run=True),
    Row("59b", "403 naming kms:Decrypt", "S3-KMS", "get-kms-denied", "wire",
        s3_says("get", 403, "AccessDenied", denied(
            "kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k")), "s3.get"),
    Row("60", "KMS.DisabledException", "S3-KMS", "kms-key-disabled", "wire",
        s3_says("put", 400, "KMS.DisabledException", "The key is disabled."), "s3.put", run=True),
    Row("60b", "KMS.NotFoundException", "S3-KMS", "kms-key-missing", "wire",
        s3_says("put", 400, "KMS.NotFoundException", "Invalid keyId"), "s3.put", run=True),
    Row("61", "403 on LIST only", "S3-DENIED", "list-denied", "wire",
        s3_says("list", 403, "AccessDenied", "Access Denied"), "s3.list"),
    Row("62", "403 on GET of an object known to exist", "S3-DENIED", "get-denied", "wire",
        s3_says("get", 403, "AccessDenied", "Access Denied"), "s3.get"),
    Row("63", "403 on DELETE", "S3-DENIED", "delete-denied", "wire",
        s3_says("delete", 403, "AccessDenied", "Access Denied"), "s3.delete"),
    Row("64", "403 on HeadBucket", "S3-DENIED", "head-denied", "wire",
        aws({"s3.head": (403, "")}), "s3.bucket"),
    not_named("65", "403 with the expected-owner header only",
              "Vesto sends no x-amz-expected-bucket-owner: it never knows whose the bucket is"),
    Row("66", "404 NoSuchBucket", "S3-NO-BUCKET", "bucket-missing", "wire",
        s3_says("put", 404, "NoSuchBucket", "The specified bucket does not exist"), "s3.put",
        run=True),
    Row("67", "301 PermanentRedirect", "S3-REGION", "bucket-redirect", "wire",
        s3_says("put", 301, "PermanentRedirect", "The bucket you are attempting to access must be "
                "addressed using the specified endpoint."), "s3.put"),
    Row("67b", "400 AuthorizationHeaderMalformed", "S3-REGION", "bucket-signed-elsewhere", "wire",
        s3_says("put", 400, "AuthorizationHeaderMalformed", "The authorization header is malformed; "
                "the region 'eu-west-1' is wrong; expecting 'us-west-2'",
                "<Region>us-west-2</Region>"), "s3.put"),
    Row("67c", "IllegalLocationConstraintException", "S3-REGION", "bucket-location-constraint",
        "wire", s3_says("put", 400, "IllegalLocationConstraintException", "The eu-west-1 location "
                        "constraint is incompatible for the region specific endpoint this request "
                        "was sent to."), "s3.put"),
    Row("68", "307 TemporaryRedirect", "S3-SERVER", "bucket-new", "wire",
        s3_says("put", 307, "TemporaryRedirect", "Please re-send this request to the specified "
                "temporary endpoint."), "s3.put"),
    not_named("69", "curl 60 on a.b.s3...",
              "Vesto addresses a bucket with a dot in its name by path, so the certificate fits"),
    Row("70", "400 AccessControlListNotSupported", "S3-REFUSED", "s3-acl", "wire",
        s3_says("put", 400, "AccessControlListNotSupported", "The bucket does not allow ACLs"),
        "s3.put", run=True),
    Row("71", "400 BadDigest", "S3-SERVER", "s3-bad-digest", "wire",
        s3_says("put", 400, "BadDigest", "The Content-MD5 you specified did not match what we "
                "received."), "s3.put"),
    Row("71b", "400 IncompleteBody", "S3-SERVER", "s3-incomplete-body", "wire",
        s3_says("put", 400, "IncompleteBody", "You did not provide the number of bytes specified by "
                "the Content-Length HTTP header"), "s3.put"),
    Row("72", "400 EntityTooSmall, InvalidPart, NoSuchUpload", "S3-REFUSED", "s3-upload-gone",
        "wire", s3_says("put", 404, "NoSuchUpload", "The specified upload does not exist."),
        "s3.put", run=True),
    Row("73", "409 OperationAborted", "S3-SERVER", "s3-operation-aborted", "wire",
        s3_says("put", 409, "OperationAborted", "A conflicting conditional operation is currently in "
                "progress against this resource. Try again."), "s3.put"),
    Row("74", "412 PreconditionFailed", "S3-REFUSED", "s3-there-already", "wire",
        s3_says("put", 412, "PreconditionFailed", "At least one of the pre-conditions you specified "
                "did not hold"), "s3.put", run=True),
    Row("75", "503 SlowDown", "S3-SLOW", "s3-slow-down", "live",
        fault("s3.put", {"status": 503, "code": "SlowDown"}), "s3.put"),
    Row("76", "400 RequestTimeout", "S3-SERVER", "s3-upload-stalled", "wire",
        s3_says("put", 400, "RequestTimeout", "Your socket connection to the server was not read "
                "from or written to within the timeout period."), "s3.put"),
    Row("77", "403 InvalidObjectState", "S3-DENIED", "s3-cold-object", "wire",
        s3_says("get", 403, "InvalidObjectState", "The operation is not valid for the object's "
                "storage class"), "s3.get"),
    Row("77b", "403 AllAccessDisabled", "S3-DENIED", "s3-all-disabled", "wire",
        s3_says("put", 403, "AllAccessDisabled", "All access to this object has been disabled"),
        "s3.put", run=True),
]
IN_COPY = "S3ServiceException:{},Status {},Error {},Rid R1,ExtRid H1,CanRetry 1"


def in_copy(number, signal, code, cause, text, run=True):
    return Row(number, signal, code, cause, "wire", copy_says(text), "redshift.copy", run=run)


SQL = [
    in_copy("78", "S3ServiceException:Access Denied in COPY", "RS-COPY-S3-403", "copy-access-denied",
            IN_COPY.format("Access Denied", 403, "AccessDenied")),
    in_copy("79", "must be addressed using the specified endpoint", "S3-REGION", "copy-other-region",
            IN_COPY.format("The bucket you are attempting to access must be addressed using the "
                           "specified endpoint. Please send all future requests to this endpoint.",
                           301, "PermanentRedirect")),
    in_copy("80", "AWS Access Key Id you provided does not exist", "RS-COPY-S3-403",
            "copy-key-unknown", IN_COPY.format("The AWS Access Key Id you provided does not exist in "
                                               "our records.", 403, "InvalidAccessKeyId")),
    in_copy("80b", "AWS session token not found", "RS-COPY-S3-403", "copy-no-session-token",
            "AWS session token not found"),
    in_copy("81", "The provided token has expired, in COPY", "RS-COPY-EXPIRED", "copy-expired-token",
            "Problem reading manifest file - " +
            IN_COPY.format("The provided token has expired.", 400, "ExpiredToken"), run=False),
    in_copy("82", "Not authorized to get credentials of role", "RS-COPY-S3-403", "copy-role-trust",
            "exception name : UnauthorizedException, error type : 135, message: Not authorized to get "
            "credentials of role arn:aws:iam::123456789012:role/copy, should retry : 0"),
    in_copy("82b", "is not authorized to assume IAM Role", "RS-COPY-S3-403",
            "copy-role-not-attached", "User " + ARN + "dbuser:examplecluster/vesto_load is not "
            "authorized to assume IAM Role arn:aws:iam::123456789012:role/copy"),
    in_copy("83", "Connection timed out in COPY", "RS-COPY-S3-403", "copy-s3-silent",
            "S3CurlException: Connection timed out after 50000 milliseconds, CurlError 28, "
            "multiCurlError 0, CanRetry 1, UserError 0"),
    in_copy("84", "Check 'stl_load_errors' / sys_load_error_detail", "RS-COPY-DATA",
            "copy-load-errors", "Load into table 't' failed.  Check 'stl_load_errors' system table "
            "for details.", run=False),
    Row("85", "permission denied for database x (TEMPORARY)", "RS-PRIV-TEMP", "no-temporary", "wire",
        redshift_says({"CREATE TEMP": ("42501", "permission denied to create temporary tables in "
                                       'database "dev"')}), "redshift.temp"),
    Row("85b", "permission denied for database x (CREATE)", "RS-PRIV-CREATE", "no-create", "wire",
        redshift_says({"CREATE SCHEMA": ("42501", "permission denied for database dev")}),
        "redshift.table"),
    Row("86", "permission denied for schema x", "RS-PRIV-SCHEMA", "no-schema-right", "wire",
        redshift_says({"CREATE TABLE": ("42501", "permission denied for schema shop")}),
        "redshift.table"),
    Row("87", "must be owner of relation x", "RS-OWNER", "not-the-owner", "wire",
        redshift_says({"ALTER TABLE": ("42501", "must be owner of relation t")}), "redshift.table"),
    Row("87b", "permission denied for relation x", "RS-PRIV", "no-table-right", "wire",
        redshift_says({"ALTER TABLE": ("42501", "permission denied for relation t")}),
        "redshift.table"),
    Row("88", "cannot drop ... because other objects depend on it", "RS-VIEW-DEP", "view-on-column",
        "wire", redshift_says({"DROP TABLE": ("2BP01", "cannot drop table t because other objects "
                                              "depend on it")}), "redshift.table"),
    Row("89", "Disk Full", "RS-DISK-FULL", "disk-full", "live",
        fault("pg.statement", {"error": "Disk Full"}, "^ *COPY"), "redshift.copy", run=True),
    Row("90", "1023, Serializable isolation violation", "RS-SERIALIZABLE", "serializable-isolation",
        "live", fault("pg.statement", {"error": "1023"}, "^ *COPY"), "redshift.copy"),
    Row("91", "Query cancelled", "RS-TIMEOUT", "statement-cancelled", "live",
        fault("pg.statement", {"error": "57014"}, "^ *COPY"), "redshift.copy", run=True),
    Row("91b", "statement timeout", "RS-TIMEOUT", "statement-timeout", "wire",
        redshift_says({"CREATE TEMP": ("57014", "canceling statement due to statement timeout")}),
        "redshift.temp"),
    Row("92", "current transaction is aborted", "RS-SQL", "transaction-aborted", "wire",
        redshift_says({"CREATE TEMP": ("25P02", "current transaction is aborted, commands ignored "
                                       "until end of transaction block")}), "redshift.temp"),
    Row("93", "schema does not exist, and no CREATE right", "RS-PRIV-CREATE",
        "no-create-and-no-schema", "wire",
        redshift_says(rows={"has_database_privilege": ["f"]}), "redshift.schema"),
    Row("93b", "schema does not exist, and create_schema = false", "RS-NO-SCHEMA",
        "schema-switched-off", "live", no_schema(), "redshift.schema"),
    Row("94", "relation exists with other column types", "RS-TABLE-DIFFERS", "column-types-differ",
        "live", table_differs(), "", run=True),
]
ROWS = NETWORK + LOGIN + STS + API + S3 + SQL
PLANNED = 94
