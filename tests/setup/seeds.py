"""What other systems' public set-up guides tell people to paste, word for word, with the placeholders
as they stand there. Test data: nothing of it is Vesto's own advice.

Iterable: "Data Sync", Redshift destination. Prequel: "Redshift" destination (its engine is that of
Iterable and of Zuora's connector). Stitch: "Amazon Redshift" destination. Zuora: set-up of the
connectors for AWS, and the post-onboarding page of the one for Redshift.
"""

ITERABLE_TRUST = (
    '{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [ '
    '"sts:AssumeRoleWithWebIdentity" ], "Principal": { "Federated": "accounts.google.com" }, '
    '"Condition": { "StringEquals": { "accounts.google.com:sub": '
    '"<some_service_account_identifier>" } } } ] }')

ITERABLE_POLICY = (
    '{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": "s3:ListBucket", '
    '"Resource": "arn:aws:s3:::BUCKET_NAME" }, { "Effect": "Allow", "Action": [ "s3:PutObject", '
    '"s3:GetObject", "s3:DeleteObject" ], "Resource": "arn:aws:s3:::BUCKET_NAME/*" }, { "Effect": '
    '"Allow", "Action": "redshift:GetClusterCredentials", "Resource": [ '
    '"arn:aws:redshift:REGION_NAME:ACCOUNT_ID:dbuser:CLUSTER_NAME/USERNAME", '
    '"arn:aws:redshift:REGION_NAME:ACCOUNT_ID:dbname:CLUSTER_NAME/DATABASE_NAME" ] } ] }')

ITERABLE_POLICY_SERVERLESS = (
    '{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [ '
    '"redshift-serverless:GetCredentials" ], "Resource": [ '
    '"arn:aws:redshift-serverless:REGION_NAME:ACCOUNT_ID:workgroup/WORKGROUP_NAME_OR_ID" ] }, { '
    '"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::BUCKET_NAME" }, { '
    '"Effect": "Allow", "Action": [ "s3:PutObject", "s3:GetObject", "s3:DeleteObject" ], '
    '"Resource": "arn:aws:s3:::BUCKET_NAME/*" } ] }')

ITERABLE_USER = "CREATE USER <username> PASSWORD '<password>';"
ITERABLE_USER_WITHOUT_PASSWORD = "CREATE USER <username> PASSWORD DISABLE;"
ITERABLE_GRANT = "GRANT CREATE, TEMPORARY ON DATABASE <database> TO <username>;"
ITERABLE_GRANT_SCHEMA = "GRANT ALL ON schema <schema> TO <username>;"

PREQUEL_TRUST = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "sts:AssumeRoleWithWebIdentity"
      ],
      "Principal": {
        "Federated": "accounts.google.com"
      },
      "Condition": {
        "StringEquals": {
          "accounts.google.com:oaud": "<some_organization_identifier>",
          "accounts.google.com:sub": "<some_service_account_identifier>"
        }
      }
    }
  ]
}"""

# Not JSON, for the comma behind the action; and no principal of IAM has such an ARN.
ZUORA_TRUST = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::123456789012:sample_role"
      },
      "Action": "sts:AssumeRole",
    }
  ]
}"""
ZUORA_GRANT_SCHEMA = "GRANT ALL ON SCHEMA <schema> TO <username>"

# The last three have no semicolon there.
STITCH_USER = "CREATE USER <stitch_username> WITH PASSWORD '<password>';"
STITCH_GRANTS = [
    "GRANT CREATE ON DATABASE <database_name> TO <stitch_username>",
    "GRANT SELECT ON ALL TABLES IN SCHEMA information_schema TO <stitch_username>",
    "GRANT SELECT ON ALL TABLES IN SCHEMA pg_catalog TO <stitch_username>",
]
