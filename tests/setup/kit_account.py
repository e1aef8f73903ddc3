"""Two accounts at AWS before the kit was run: the customer's, with a warehouse that nobody may reach
yet, and the operator's; and the names in them."""
ACCOUNT, OPERATOR = "123456789012", "999999999999"
ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
OPERATORS_ADMIN = ("AKIAVESTOOPADMIN0001", "opAdminSecretopAdminSecretopAdminSecre+1")
OPERATORS_KEY = ("AKIAVESTOOPERATOR001", "operatorSecretoperatorSecretoperator/+01")
REGION = "eu-west-1"
CLUSTER, WORKGROUP = "examplecluster", "analytics"
UUID = "0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/vesto-acme-role"
COPY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/vesto-acme-copy-role"
KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/4d5e6f70-1a2b-4c3d-8e9f-0a1b2c3d4e5f"
BUCKET, PREFIX, SCHEMA, DATABASE = "acme-stage", "vesto/", "shop_raw", "dev"
KEY_USER = "vesto_acme"  # of the database, with a password
AUDIENCE, EXTERNAL_ID = "vesto-acme-7f3a", "acme-42"

_EMPTY = f"""
[[account]]
id = "{ACCOUNT}"
name = "customer"
  [[account.user]]
  name = "admin"
  access_keys = [{{ id = "{ADMIN[0]}", secret = "{ADMIN[1]}" }}]
  attached_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]
[[account]]
id = "{OPERATOR}"
name = "operator"
  [[account.user]]
  name = "admin"
  access_keys = [{{ id = "{OPERATORS_ADMIN[0]}", secret = "{OPERATORS_ADMIN[1]}" }}]
  attached_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]
  [[account.user]]
  name = "vesto"
  access_keys = [{{ id = "{OPERATORS_KEY[0]}", secret = "{OPERATORS_KEY[1]}" }}]
[[kms_key]]
arn = "{KMS_KEY}"
"""
# For Vesto on EKS: the role of its pods, which trusts none yet, and the cluster's issuer.
PODS_ROLE = "vesto-pods"
_PODS = f"""
  [[account.role]]
  name = "{PODS_ROLE}"
  trust = '''{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow",
    "Principal": {{"Service": "ec2.amazonaws.com"}}, "Action": "sts:AssumeRole"}}]}}'''
  [[account.oidc_provider]]
  issuer_url = "https://oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
  client_ids = ["sts.amazonaws.com"]
"""
_WAREHOUSE = {
    "provisioned": f'[[cluster]]\nid = "{CLUSTER}"\n',
    "serverless": f'[[workgroup]]\nname = "{WORKGROUP}"\nuuid = "{UUID}"\n'}
# The SSH server of a tunnel. There is one address for all.
_INSTANCE = f"""
[[instance]]
account = "{ACCOUNT}"
region = "{REGION}"
private_address = "127.0.0.1"
"""


def world_toml(kind, pods=False, bastion=False, more=""):
    """The sandbox's world. pods: with a role for Vesto's own on EKS. bastion: with an SSH server."""
    text = _EMPTY.replace("[[kms_key]]", _PODS + "[[kms_key]]") if pods else _EMPTY
    text += (_WAREHOUSE[kind] + f'account = "{ACCOUNT}"\nregion = "{REGION}"\n'
             f'databases = ["{DATABASE}"]\ncopy_roles = []\nallow_from = []\n')
    return text + more + (_INSTANCE if bastion else "")
