"""The sandbox's tokens and metadata servers, judged by PyJWT and botocore."""

import base64
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from sandbox_process import binary

jwt = pytest.importorskip("jwt")
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
IDENTITY = "/computeMetadata/v1/instance/service-accounts/default/identity"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("oidc")
    program = binary("tests/tools/oidc_probe")
    assert program.exists(), f"{program} is not built; VESTO_BUILD_DIR names the directory"
    process = subprocess.Popen([str(program), str(directory)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    yield json.loads(process.stdout.readline())
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def fetch(world, url, data=None, headers=None):
    tls = ssl.create_default_context(cafile=world["ca_file"]) if url.startswith("https") else None
    request = urllib.request.Request(url, data=data, headers=headers or {})
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        *([urllib.request.HTTPSHandler(context=tls)] if tls else []))
    with opener.open(request, timeout=30) as answer:
        return answer.read().decode()


def key_of(jwks, token):
    kid = jwt.get_unverified_header(token)["kid"]
    keys = {key["kid"]: key for key in json.loads(jwks)["keys"]}
    return jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(keys[kid]))


def google_claims(world, token, audience):
    base = world["token_uri"].removesuffix("/token")
    document = json.loads(fetch(world, base + "/.well-known/openid-configuration"))
    key = key_of(fetch(world, document["jwks_uri"]), token)
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience,
                      issuer="https://accounts.google.com")


def test_metadata_token(world):
    query = urllib.parse.urlencode({"audience": "https://a/b c", "format": "full"})
    token = fetch(world, f"http://{world['metadata_host']}{IDENTITY}?{query}",
                  headers={"Metadata-Flavor": "Google"})
    claims = google_claims(world, token, "https://a/b c")
    assert claims["azp"] == claims["sub"] == world["unique_id"]
    assert claims["email"] == world["email"]
    assert claims["exp"] - claims["iat"] == 3600
    with pytest.raises(jwt.InvalidSignatureError):
        google_claims(world, token[:-8] + "A" * 8, "https://a/b c")


def assertion(world, **changes):
    with open(world["key_file"], encoding="utf-8") as file:
        account = json.load(file)
    now = int(time.time())
    claims = {"iss": account["client_email"], "aud": account["token_uri"], "iat": now,
              "exp": now + 3600, "target_audience": "org-1", **changes}
    return jwt.encode(claims, account["private_key"], algorithm="RS256",
                      headers={"kid": account["private_key_id"]})


def exchange(world, text):
    form = urllib.parse.urlencode({"grant_type": GRANT, "assertion": text}).encode()
    return json.loads(fetch(world, world["token_uri"], form))


def test_key_file_signed_by_pyjwt(world):
    claims = google_claims(world, exchange(world, assertion(world))["id_token"], "org-1")
    assert claims["azp"] == claims["email"] == world["email"]
    assert claims["sub"] == world["unique_id"]


@pytest.mark.parametrize("changes", [{"exp": int(time.time()) - 10}, {"aud": "https://x/token"},
                                     {"iss": "someone@else"}])
def test_bad_assertions(world, changes):
    with pytest.raises(urllib.error.HTTPError) as caught:
        exchange(world, assertion(world, **changes))
    assert caught.value.code == 400
    assert json.loads(caught.value.read())["error"] == "invalid_grant"


def test_eks_token(world):
    key = key_of(world["eks_jwks"], world["eks_token"])
    claims = jwt.decode(world["eks_token"], key, algorithms=["RS256"],
                        audience="sts.amazonaws.com", issuer=world["eks_issuer"])
    assert claims["sub"] == "system:serviceaccount:loading:vesto"
    assert claims["exp"] - claims["iat"] == 86400
    header = world["eks_token"].split(".")[0]
    assert b"typ" not in base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))


def test_botocore_reads_instance_metadata(world):
    utils = pytest.importorskip("botocore.utils")
    found = utils.InstanceMetadataFetcher(
        base_url=world["ec2_url"] + "/", config={"ec2_metadata_v1_disabled": True}
    ).retrieve_iam_role_credentials()
    assert found["role_name"] == "loader"
    assert found["access_key"] == "ASIAPROBE"
    assert found["token"] == "probe-token"


def test_botocore_reads_container_credentials(world):
    utils = pytest.importorskip("botocore.utils")
    fetcher = utils.ContainerMetadataFetcher()
    found = fetcher.retrieve_full_uri(world["container_url"],
                                      headers={"Authorization": "probe-authorization"})
    assert found["AccessKeyId"] == "ASIAPROBE"
    exceptions = pytest.importorskip("botocore.exceptions")
    with pytest.raises(exceptions.MetadataRetrievalError):
        utils.ContainerMetadataFetcher(sleep=lambda _: None).retrieve_full_uri(
            world["container_url"], headers={"Authorization": "x"})
